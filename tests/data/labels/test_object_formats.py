"""The same set in several formats is the same objects, and going there and back loses what is said and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.data.labels.written import SHARED, find_objects, picture, same

from striate.data.labels.object_formats import FORMATS, WRITTEN, losses
from striate.data.labels.objects import ObjectSet, PictureObjects

real = pytest.mark.skipif(not (SHARED / "bccd60-coco").is_dir(), reason="needs ../shared/data")
RING = np.array([[10.0, 10.0], [30.25, 10.0], [30.25, 40.5]])
KEYS = ("images/train/1.jpg", "images/train/2.jpg", "images/val/1.jpg")


def some() -> ObjectSet:
    first = PictureObjects.of(
        KEYS[0], 80, 60, [(1, 2, 30.5, 40), (10, 10, 30.25, 40.5), (0, 0, 80, 60)], [1, 0, 0],
        outlines=((), (RING,), ()), ignored=[False, False, True], split="train",
    )  # fmt: skip
    empty = PictureObjects.of(KEYS[1], 80, 60, [], [], split="train")
    last = PictureObjects.of(
        KEYS[2], 80, 60, [(0, 0, 30.25, 40.5)], [1], outlines=((RING, RING / 2),), split="val", labelled=(0, 1)
    )
    return ObjectSet("own", ("cat", "dog"), (first, empty, last))


@pytest.mark.parametrize(
    ("form", "lost"),
    [
        ("coco", []),
        ("voc", ["2 outlines, written as boxes", "which classes were looked for, in 1 picture"]),
        ("yolo", ["1 object to be ignored", "1 outline in parts, written as boxes", "which classes were looked for"]),
    ],
)
def test_there_and_back(tmp_path: Path, form: str, lost: list[str]) -> None:
    begun = some()
    told = losses(begun, form)
    assert len(told) == len(lost) and all(one.startswith(other) for one, other in zip(told, lost, strict=True))
    for key in KEYS:
        picture(tmp_path / key)
    write = FORMATS[form].write
    assert write is not None
    for name, data in write(begun).items():
        path = tmp_path / (name or "all.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    again = find_objects(tmp_path, form=form)
    assert [one.split for one in again.pictures] == ["train", "train", "val"]
    carried = begun
    if form == "yolo":
        first = begun.pictures[0]
        kept = PictureObjects.of(
            KEYS[0], 80, 60, [tuple(box) for box in first.boxes[:2]], [1, 0], outlines=first.outlines[:2]
        )
        carried = ObjectSet("own", begun.classes, (kept, *begun.pictures[1:]))
    same(carried, again, outlines=form == "coco")
    assert [len(rings) for rings in again.pictures[0].outlines][:2] == ([0, 0] if form == "voc" else [0, 1])
    assert again.pictures[2].labelled == ((0, 1) if form == "coco" else None)
    assert not losses(again, form)


def test_what_becomes_of_the_list_of_classes() -> None:
    one = PictureObjects.of("1.jpg", 80, 60, [(1, 2, 30, 40), (5, 5, 9, 9)], [0, 2])
    found = ObjectSet("own", ("wheel", "moth", "car"), (one,))
    boxes = ("2 objects known by their boxes alone, void",)
    lost = ("1 class without objects (moth)", "the order of 2 classes")
    assert {form: losses(found, form) for form in WRITTEN} == {
        "coco": (),
        "voc": lost,
        "yolo": (),
        "csv": lost,
        "masks": boxes,
    }
    both = PictureObjects.of("1.jpg", 80, 60, one.boxes.tolist(), [0, 1])
    assert losses(ObjectSet("own", ("car", "wheel"), (both,)), "voc") == ()


@real
def test_three_forms_of_the_blood_cells_agree_to_the_box() -> None:
    voc = find_objects(SHARED / "bccd")
    yolo = find_objects(SHARED / "bccd60-yolo")
    coco = find_objects(SHARED / "bccd60-coco")
    assert len(voc.pictures) == 364 and sum(map(len, voc.pictures)) == 4886
    assert "dropped, the picture kept: 2 objects of zero size" in voc.notes[1]
    assert sum(map(len, coco.pictures)) == 803 and len(coco.pictures) == 60

    def plain(found: ObjectSet, keys: set[str]) -> dict[str, list[tuple[str, list[float]]]]:
        return {
            Path(one.key).stem: sorted(
                (found.classes[index], box.round(3).tolist()) for index, box in zip(one.classes, one.boxes, strict=True)
            )
            for one in found.pictures
            if not keys or Path(one.key).stem in keys
        }

    keys = {Path(one.key).stem for one in coco.pictures}
    assert plain(voc, keys) == plain(coco, set()) == plain(yolo, set())
    parts = {Path(one.key).stem: one.split for one in coco.pictures}
    assert {Path(one.key).stem: one.split for one in yolo.pictures} == parts and {*parts.values()} == {"train", "val"}


@real
@pytest.mark.parametrize(
    ("folder", "form", "pictures", "objects", "pieces"),
    [
        ("raccoon", "Pascal VOC", 200, 217, 1),
        ("roboflow-coco-leaf", "COCO", 41, 117, 2),
        ("roboflow-yolo-building", "YOLO", 73, 73, 3),
        ("annotation-tools/labelme", "LabelMe", 4, 23, 1),
        ("annotation-tools/labelme-polygons", "LabelMe", 7, 28, 1),
        ("annotation-tools/cvat-images-1.1", "CVAT XML", 4, 23, 1),
        ("annotation-tools/via", "VGG Image Annotator", 4, 23, 1),
        ("annotation-tools/label-studio", "Label Studio", 12, 12, 1),
    ],
)
def test_real_sets(folder: str, form: str, pictures: int, objects: int, pieces: int) -> None:
    found = find_objects(SHARED / folder)
    assert found.form == form and all(one.found for one in found.pictures)
    assert len(found.pictures) == pictures and sum(map(len, found.pictures)) == objects
    assert len({one.split for one in found.pictures}) == pieces


@real
@pytest.mark.parametrize(
    ("folder", "objects"),
    [
        ("cvat-coco-1.0", 23),
        ("cvat-voc-1.1", 18),
        ("cvat-yolo-1.1", 18),
        ("labelimg-voc", 25),
        ("labelimg-yolo", 25),
        ("cvat-images-1.1", 23),
        ("createml", 25),
    ],
)
def test_exports_of_the_tools_are_the_same_strawberries(folder: str, objects: int) -> None:
    found = find_objects(SHARED / "annotation-tools" / folder, pictures=SHARED / "annotation-tools" / "via")
    assert sum(map(len, found.pictures)) == objects and found.counts()["strawberry"] == 17
    cvat = folder.startswith("cvat")
    other = find_objects(
        SHARED / "annotation-tools" / ("cvat-coco-1.0" if cvat else "labelimg-voc"),
        pictures=SHARED / "annotation-tools" / "via",
    )

    def berries(one: ObjectSet) -> np.ndarray:
        (picture,) = (each for each in one.pictures if each.key == "strawberry.jpg")
        return picture.boxes

    # Drawn once for each tool that exports in several formats; the others' were drawn anew in
    # each tool, whole pixels that differ by up to 10 (a middle taken for a corner would be 15 to 20 away).
    apart = np.abs(berries(found)[:, None] - berries(other)).max(2)
    assert sorted(apart.argmin(1)) == list(range(17)) and apart.min(1).max() < (0.02 if cvat else 11)
