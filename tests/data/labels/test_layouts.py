"""Folders of other tasks are recognised and named; class folders are not taken for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.data.sources.test_source import make
from tests.test_house import SRC

from striate.data.labels.layouts import recognised
from striate.data.labels.object_formats import FORMATS
from striate.data.sources.source import find
from striate.errors import SourceError

VOC = b"<annotation><folder>x</folder><object><bndbox><xmin>1</xmin></bndbox></object></annotation>"
COCO = b'{"images": [], "annotations": [], "categories": []}'
LABELME = b'{"version": "4", "shapes": [], "imagePath": "1.jpg"}'


@pytest.mark.parametrize(
    ("pictures", "others", "content", "form"),
    [
        (["JPEGImages/1.jpg"], ["Annotations/1.xml"], VOC, "Pascal VOC"),
        (["1.jpg"], ["1.xml"], VOC, "Pascal VOC"),
        (["train/1.jpg", "test/2.jpg"], ["train/1.xml", "test/2.xml"], VOC, "Pascal VOC"),
        (["images/1.jpg"], ["annotations/instances_train.json"], COCO, "COCO"),
        (["train/1.jpg", "valid/1.jpg"], ["train/_annotations.coco.json"], COCO, "COCO"),
        (["images/train/1.jpg"], ["labels/train/1.txt"], b"0 0.5 0.5 0.1 0.1\n2 0.1 0.1 0.2 0.2\n", "YOLO"),
        (["train/images/1.jpg"], ["data.yaml"], b"train: ../train/images\nnc: 1\nnames: [a]\n", "YOLO"),
        (["1.jpg"], ["1.json"], LABELME, "LabelMe"),
        (["images/1.jpg", "masks/1.png"], [], b"", "a mask a picture"),
        (["images/12.jpg", "masks/12_mask.png"], [], b"", "a mask a picture"),
        (["train/images/1.jpg", "train/masks/1.png"], [], b"", "a mask a picture"),
    ],
)
def test_layouts(tmp_path: Path, pictures: list[str], others: list[str], content: bytes, form: str) -> None:
    make(tmp_path / "set", *pictures)
    make(tmp_path / "set", *others, data=content)
    found = recognised(tmp_path / "set")
    assert found is not None and found.form == form
    with pytest.raises(SourceError, match=r"to learn classes was asked.*CSV: path,label"):
        find(tmp_path / "set", kind="classes")


@pytest.mark.parametrize(
    ("pictures", "others", "content"),
    [
        (["cats/1.jpg", "dogs/1.jpg"], ["cats/1.xml", "annotations.json"], COCO),
        (["train/cats/1.jpg", "train/dogs/1.jpg"], ["train/_annotations.coco.json"], COCO),
        (["cats/1.jpg", "dogs/1.jpg"], ["notes/1.txt", "data.yaml"], b"some text\n"),
        (["images/1.jpg", "label/2.jpg"], [], b""),
    ],
)
def test_class_folders_are_class_folders(
    tmp_path: Path, pictures: list[str], others: list[str], content: bytes
) -> None:
    make(tmp_path, *pictures)
    make(tmp_path, *others, data=content)
    assert recognised(tmp_path) is None
    assert len(find(tmp_path).label_names) == 2


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("bccd", "Pascal VOC"),
        ("raccoon", "Pascal VOC"),
        ("bccd60-yolo", "YOLO"),
        ("roboflow-yolo-building", "YOLO"),
        ("bccd60-coco", "COCO"),
        ("roboflow-coco-leaf", "COCO"),
        ("camvid", "a mask a picture"),
        ("membrane", "a mask a picture"),
        ("annotation-tools/labelme", "LabelMe"),
        ("annotation-tools/cvat-images-1.1", "CVAT XML"),
        ("annotation-tools/via", "VGG Image Annotator"),
        ("annotation-tools/label-studio", "Label Studio"),
    ],
)
def test_real_layouts(shared: Path, name: str, form: str) -> None:
    found = recognised(shared / "data" / name)
    assert found is not None and found.form == form


@pytest.mark.parametrize("name", ["catsdogs", "flowers5", "cifar10-folder", "near-duplicates"])
def test_real_class_folders_are_none(shared: Path, name: str) -> None:
    assert recognised(shared / "data" / name) is None


def test_every_format_that_is_read_is_called_as_it_is_recognised() -> None:
    source = (SRC / "data" / "labels" / "layouts.py").read_text(encoding="utf-8")
    assert all(f'"{form.title}"' in source for form in FORMATS.values() if form.read)
