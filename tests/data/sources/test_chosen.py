"""Labels by name: of several tools in one folder those that are chosen, by format or by path, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.data.labels.written import coco, picture, text, voc
from tests.data.sources.test_source import make

from striate.data.labels.marks import BoxMarks, DotMarks
from striate.data.sources.chosen import lasting
from striate.data.sources.source import find
from striate.errors import SourceError
from striate.verbs.convert import convert

YOLO = "path: .\ntrain: images/a\nval: images/b\nnames: [mouse]\n"


def mixed(root: Path) -> Path:
    """Write two pictures with labels of three tools, a mask and dots each, which disagree on purpose."""
    for key in ("a/1", "b/2"):
        picture(root / "images" / f"{key}.jpg")
        voc(root / "Annotations" / f"{Path(key).name}.xml", ("cat", 1, 2, 11, 12))
        text(root / "labels" / f"{key}.txt", "0 0.5 0.5 0.5 0.5\n")
        mask = np.zeros((60, 80), np.uint8)
        mask[:9] = 1
        (root / "masks" / key).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(root / "masks" / f"{key}.png")
    text(root / "data.yaml", YOLO)
    images: list[dict[str, Any]] = [{"id": at, "file_name": f"{at}.jpg", "width": 80, "height": 60} for at in (1, 2)]
    drawn = [{"id": at, "image_id": at, "category_id": 1, "bbox": [0, 0, 5, 5]} for at in (1, 2)]
    for at in (0, 1):
        coco(root / "coco" / f"{at + 1}.json", images[at : at + 1], drawn[at : at + 1], [{"id": 1, "name": "dog"}])
    text(root / "dots.csv", "file,x,y\nimages/a/1.jpg,3.5,4\nimages/b/2.jpg,5,6\nimages/b/2.jpg,7,6\n")
    return root


def test_what_is_taken_of_several_is_said_with_how_to_choose_another(tmp_path: Path) -> None:
    found = find(mixed(tmp_path))
    assert found.label_names == ("mouse",)
    assert found.notes[1] == (
        "YOLO is taken (data.yaml); other labels are there too: Pascal VOC with --labels voc (Annotations/1.xml), COCO"
        " with --labels coco (coco/1.json), a mask a picture with --labels masks (masks), a table of dots"
        " with --labels dots (dots.csv)"
    )
    only = find(tmp_path, kind="masks")
    assert only.kind == "masks" and "there too: COCO with --labels coco (coco/1.json)" in " ".join(only.notes)
    assert not any("voc" in note or "dots" in note for note in only.notes)


@pytest.mark.parametrize(
    ("labels", "kind", "names", "number"),
    [
        ("voc", "boxes", ("cat",), 2),
        ("yolo", "boxes", ("mouse",), 2),
        ("coco", "boxes", ("dog",), 2),
        ("coco/1.json", "boxes", ("dog",), 1),
        ("Annotations", "boxes", ("cat",), 2),
        ("labels", "boxes", ("mouse",), 2),
        ("masks", "masks", ("0", "1"), 2),
        ("dots", "dots", ("object",), 2),
        ("dots.csv", "dots", ("object",), 2),
    ],
)
def test_labels_are_chosen_by_format_or_path(
    tmp_path: Path, labels: str, kind: str, names: tuple[str, ...], number: int
) -> None:
    root = mixed(tmp_path / "set")
    found = find(root, labels=labels)
    assert (found.kind, found.label_names, len(found.items)) == (kind, names, number)
    assert found.location == str(root) and all(item.key.startswith("images/") for item in found.items)
    again = find(found.location, labels=lasting(labels, root))
    assert again.items == found.items


def test_text_files_of_yolo_by_their_folder_have_names_and_parts_of_the_table_beside_it(tmp_path: Path) -> None:
    root = mixed(tmp_path)
    picture(root / "images" / "b" / "3.jpg")  # without a text file: without objects, and of its folder's part
    found = find(root, labels="labels")
    assert [(item.key, item.split, item.said(found.label_names)) for item in found.items] == [
        ("images/a/1.jpg", "train", "1 mouse"),
        ("images/b/2.jpg", "val", "1 mouse"),
        ("images/b/3.jpg", "val", "nothing"),
    ]


def test_labels_may_lie_elsewhere_than_their_pictures(tmp_path: Path) -> None:
    root = mixed(tmp_path / "set")
    (tmp_path / "images").mkdir()
    (root / "images").rename(tmp_path / "images" / "mine")
    pictures = tmp_path / "images" / "mine"
    found = find(pictures, labels=str(root / "Annotations"))
    assert [item.key for item in found.items] == ["a/1.jpg", "b/2.jpg"]
    assert found.items[0].target == BoxMarks((60, 80), ((1, 2, 11, 12),), (0,))
    masks = find(pictures, labels=str(root / "masks"))
    assert masks.kind == "masks" and masks.mask(0)[0, 0] == 1 and masks.picture(0)
    names = "".join(line.replace("images/", "") for line in (root / "dots.csv").read_text().splitlines(keepends=True))
    dots = find(pictures, labels=str(text(tmp_path / "elsewhere" / "points.csv", names)))
    assert isinstance(dots.items[1].target, DotMarks) and len(dots.items[1].target.points) == 2
    said = text(tmp_path / "elsewhere" / "said.csv", "path,label\na/1.jpg,cat\nb/2.jpg,dog\n")
    classes = find(pictures, labels=str(said))
    assert (classes.kind, classes.location) == ("classes", str(pictures))
    assert [item.said(classes.label_names) for item in classes.items] == ["cat", "dog"]


def test_class_folders_with_boxes_in_them_are_either(tmp_path: Path) -> None:
    for name in ("cats", "dogs"):
        picture(tmp_path / name / "1.jpg")
        voc(tmp_path / name / "1.xml", ("ear", 1, 2, 11, 12), more=f"<folder>{name}</folder>", name=f"{name}/1.jpg")
    assert find(tmp_path).label_names == ("cats", "dogs")
    assert find(tmp_path, labels="folders").label_names == ("cats", "dogs")
    assert find(tmp_path, labels="voc").label_names == ("ear",) == find(tmp_path, kind="boxes").label_names


def test_dots_asked_of_boxes_with_masks_beside_are_their_middles(tmp_path: Path) -> None:
    root = mixed(tmp_path)
    (root / "dots.csv").unlink()
    assert find(root, kind="dots").items[0].said(("mouse",)) == "1 mouse"


@pytest.mark.parametrize(
    ("labels", "kind", "error"),
    [
        ("cocoo", None, r"labels 'cocoo' are neither a format \(coco, .*folders\) \(did you mean coco\?\) nor a file"),
        ("voc", "classes", "was chosen for its objects, and to learn classes was asked"),
        ("masks", "boxes", "was chosen for its masks, and to learn boxes was asked"),
        ("via", None, "holds no labels of pictures as VGG Image Annotator writes them"),
        ("images", None, "no picture in .* is called like a mask in .*images"),
        ("data.json", None, "no file of labels that is known; wanted a list"),
        ("empty", None, "holds no labels that are known, neither files of them nor masks"),
    ],
)
def test_what_is_none_of_the_labels_is_refused(tmp_path: Path, labels: str, kind: str | None, error: str) -> None:
    root = mixed(tmp_path)
    text(root / "data.json", "{}")
    (root / "empty").mkdir()
    with pytest.raises(SourceError, match=error):
        find(root, labels=labels, kind=kind)


def test_a_path_that_is_there_twice_and_a_file_with_a_path_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = mixed(tmp_path / "set")
    make(tmp_path, "Annotations/x.xml")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=r"labels 'Annotations' may be .* or .*set/Annotations; say all of it"):
        find(root, labels="Annotations")
    assert len(find(root, labels="set/Annotations").items) == 2
    with pytest.raises(SourceError, match=r"is a file; with labels .* name the folder of the pictures"):
        find(root / "data.yaml", labels="set/Annotations")
    with pytest.raises(SourceError, match="--labels and --label-from both say where the labels are"):
        find(root, labels="voc", label_from="(.+)")
    with pytest.raises(SourceError, match="--labels is for a folder of pictures, and digits has its labels"):
        find("digits", labels="voc")


def test_two_files_that_speak_of_one_picture_name_the_option(tmp_path: Path) -> None:
    root = mixed(tmp_path)
    again = (root / "coco" / "1.json").read_text()
    text(root / "coco" / "1-new.json", again)
    with pytest.raises(SourceError, match=r"has objects in .*name the file you mean \(--labels FILE\)"):
        find(root, labels="coco")
    assert len(find(root, labels="coco/1.json").items) == 1


def test_convert_takes_the_same_word(tmp_path: Path) -> None:
    root = mixed(tmp_path / "set")
    assert convert(root, to="csv", output=tmp_path / "a.csv", labels="voc").objects.classes == ("cat",)
    one = convert(root, to="csv", output=tmp_path / "b.csv", labels="coco/1.json")
    assert [picture.key for picture in one.objects.pictures] == ["images/a/1.jpg"]
    with pytest.raises(SourceError, match="objects are converted, of the formats coco"):
        convert(root, to="csv", output=tmp_path / "c.csv", labels="dots")
