"""Folders of boxes are sources, whatever tool wrote them; what is not there, or is spoken of by nobody, is counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.data.labels.written import coco, picture, text, voc

from striate.data.labels.marks import BoxMarks
from striate.data.sources.items import FolderSource, Source
from striate.data.sources.source import check_rejected, find
from striate.errors import SourceError


def boxes(source: Source) -> dict[str, list[tuple[str, tuple[float, ...]]]]:
    """Return the boxes of each picture by its name without folders, to two decimals, with the names of the classes."""
    found = {}
    for item in source.items:
        assert isinstance(item.target, BoxMarks)
        pairs = zip(item.target.classes, item.target.boxes, strict=True)
        found[Path(item.key).stem] = sorted(
            (source.label_names[at], tuple(round(value, 2) for value in box)) for at, box in pairs
        )
    return found


def test_boxes_are_found_by_looking(tmp_path: Path) -> None:
    picture(tmp_path / "JPEGImages" / "1.jpg")
    picture(tmp_path / "JPEGImages" / "2.jpg")
    picture(tmp_path / "JPEGImages" / "3.jpg")
    voc(tmp_path / "Annotations" / "1.xml", ("cell", 10, 5, 40, 15), ("dust", 1, 2, 3, 4))
    voc(tmp_path / "Annotations" / "2.xml")
    text(tmp_path / "ImageSets" / "Main" / "train.txt", "1\n2\n")
    text(tmp_path / "ORDER", "no picture")
    text(tmp_path / ".hidden", "")
    source = find(tmp_path)
    assert source.kind == "boxes" and source.label_names == ("cell", "dust")
    assert [(item.key, item.split, item.target) for item in source.items] == [
        ("JPEGImages/1.jpg", "train", BoxMarks((60, 80), ((10, 5, 40, 15), (1, 2, 3, 4)), (0, 1))),
        ("JPEGImages/2.jpg", "train", BoxMarks((60, 80))),
    ]
    assert source.notes[0] == "2 pictures with 2 boxes of 2 classes (Pascal VOC), 1 of them without any"
    assert source.notes[1].startswith("1 picture is left out, of which no label speaks (the first: JPEGImages/3.jpg")
    assert [(one.key, one.bad) for one in source.rejected] == [("JPEGImages/3.jpg", False), ("ORDER", False)]
    assert source.passed_over == (".hidden",)
    assert isinstance(source, FolderSource) and source.path(0).is_file()


def test_a_file_of_labels_is_a_source_too(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "1.jpg")
    images = [{"id": 5, "file_name": "1.jpg", "width": 80, "height": 60}]
    drawn = [{"id": 1, "image_id": 5, "category_id": 7, "bbox": [1, 2, 10, 20]}]
    file = coco(tmp_path / "annotations" / "all.json", images, drawn, [{"id": 7, "name": "cat"}])
    source = find(file)
    assert source.location == str(file) and source.name == "all"
    assert [(item.key, item.said(source.label_names)) for item in source.items] == [("images/1.jpg", "1 cat")]
    assert find(source.location).items == source.items


def test_a_class_without_an_object_is_no_name(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    images = [{"id": 1, "file_name": "1.jpg", "width": 80, "height": 60}]
    drawn = [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 10, 20]}]
    coco(tmp_path / "a.json", images, drawn, [{"id": 0, "name": "Disease"}, {"id": 1, "name": "Spot"}])
    source = find(tmp_path)
    assert source.label_names == ("Spot",) and source.label_facts == {"unused": ["Disease"]}
    assert source.items[0].target == BoxMarks((60, 80), ((1, 2, 11, 22),), (0,))
    assert "no object is of the class Disease: left out" in source.notes
    picture(tmp_path / "2.jpg")
    more = [{"id": 2, "file_name": "2.jpg", "width": 80, "height": 60, "labelled": ["Spot"]}]
    coco(tmp_path / "a.json", images + more, drawn, [{"id": 0, "name": "Disease"}, {"id": 1, "name": "Spot"}])
    crowd = [{**drawn[0], "id": 2, "iscrowd": 1, "bbox": [5, 5, 9, 9]}]
    coco(tmp_path / "a.json", images + more, drawn + crowd, [{"id": 0, "name": "Disease"}, {"id": 1, "name": "Spot"}])
    found = find(tmp_path)
    assert found.label_facts == {"unused": []}, "in one picture nobody looked for it"
    assert found.notes[2:4] == (
        "1 box is to be ignored (crowd, difficult): whoever finds it is neither right nor wrong",
        "in 1 picture not all classes were looked for: of the others nothing is taught nor measured there",
    )


def test_pictures_that_are_not_there_are_rejected_and_more_than_one_in_a_hundred_stops(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    for number in range(1, 7):
        voc(tmp_path / f"{number}.xml", ("cell", 1, 2, 3, 4))
    source = find(tmp_path)
    assert [item.key for item in source.items] == ["1.jpg"]
    assert source.notes[0] == "1 picture with 1 box of 1 class (Pascal VOC)"
    with pytest.raises(SourceError, match=r"5 of 6 pictures .* \(83\.3 %.*2\.jpg: labels speak of it, and it is not"):
        check_rejected(source)
    (tmp_path / "1.jpg").unlink()
    with pytest.raises(SourceError, match=r"holds labels of 6 pictures \(Pascal VOC\), and none of them is below"):
        find(tmp_path)


def test_a_picture_that_does_not_read_is_rejected_and_its_neighbours_are_kept(tmp_path: Path) -> None:
    for number in range(8):
        picture(tmp_path / "images" / f"{number}.jpg")
        text(tmp_path / "labels" / f"{number}.txt", "0 0.5 0.5 0.5 0.5\n")
    text(tmp_path / "data.yaml", "names: [cell]\ntrain: images\n")
    text(tmp_path / "images" / "3.jpg", "no picture")
    source = find(tmp_path)
    assert len(source.items) == 7
    assert [(one.key, one.bad) for one in source.rejected] == [("images/3.jpg", True)]
    for number in range(4, 8):
        text(tmp_path / "images" / f"{number}.jpg", "no picture")
    with pytest.raises(SourceError, match=r"5 of 8 pictures .* do not read, more than 1 % .*--allow-bad"):
        find(tmp_path)


def test_no_object_at_all_is_refused(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    voc(tmp_path / "1.xml")
    with pytest.raises(SourceError, match=r"holds labels of 1 picture .* and no object in any of them"):
        find(tmp_path)


def test_unusable_objects_stop_unless_allowed(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    voc(tmp_path / "1.xml", ("cell", 1, 2, 3, 4), *(("cell", 5, 5, 5, 9 + at) for at in range(5)))
    with pytest.raises(SourceError, match=r"5 of 6 objects .*--allow-bad"):
        find(tmp_path)
    assert len(find(tmp_path, allow_bad=True).items) == 1


def test_who_asks_for_classes_is_told_what_is_there(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    voc(tmp_path / "1.xml", ("cell", 1, 2, 3, 4))
    with pytest.raises(SourceError, match=r"holds boxes \(Pascal VOC; see 1\.xml\), and to learn classes was asked"):
        find(tmp_path, kind="classes")


def test_the_three_forms_of_blood_cells_agree_to_the_box(shared: Path) -> None:
    voc, yolo, coco = (find(shared / "data" / name) for name in ("bccd", "bccd60-yolo", "bccd60-coco"))
    assert boxes(yolo) == boxes(coco)
    assert (len(yolo.items), sum(map(len, boxes(yolo).values()))) == (60, 803)
    assert boxes(voc).items() >= boxes(yolo).items()
    assert voc.notes[0] == "364 pictures with 4,886 boxes of 3 classes (Pascal VOC)"
    assert {item.split for item in voc.items} == {"train", "val", "test"}
    assert [item.split for item in yolo.items].count("val") == 12 == [item.split for item in coco.items].count("val")


@pytest.mark.parametrize(
    ("name", "pictures", "names"),
    [
        ("raccoon", 200, ("raccoon",)),
        ("roboflow-coco-leaf", 41, ("Spot",)),
        ("roboflow-yolo-building", 73, ("Empire-State-building",)),
        ("annotation-tools/labelme-polygons", 7, ("black_grape", "green_grape")),
        ("annotation-tools/via", 4, ("bird", "circle", "ellipse", "rectangle", "strawberry", "triangle")),
        ("annotation-tools/cvat-images-1.1", 4, ("rectangle", "triangle", "ellipse", "bird", "strawberry")),
        ("annotation-tools/label-studio", 12, ("aberta", "fechada")),
    ],
)
def test_real_sets(shared: Path, name: str, pictures: int, names: tuple[str, ...]) -> None:
    source = find(shared / "data" / name)
    assert (source.kind, len(source.items), source.label_names) == ("boxes", pictures, names)
