"""Boxes of real sets as globox and labelformat read them: the same picture, class and place. For development only."""

from __future__ import annotations

from pathlib import Path

import pytest

from striate.data.labels.object_formats import find_objects

Boxes = dict[str, list[tuple[str, tuple[float, ...]]]]


def ours(path: Path, **more: object) -> Boxes:
    found = find_objects(path)
    kept = [one for one in found.pictures if not more or one.split == more["split"]]
    return {
        Path(one.key).name: sorted(
            (found.classes[at], tuple(round(value, 2) for value in box))
            for at, box in zip(one.classes, one.boxes.tolist(), strict=True)
        )
        for one in kept
    }


def globox_boxes(read: object) -> Boxes:
    return {
        one.image_id: sorted(
            (str(box.label), tuple(round(value, 2) for value in (box.xmin, box.ymin, box.xmax, box.ymax)))
            for box in one.boxes
            if box.xmax > box.xmin and box.ymax > box.ymin  # two of the blood cells are of zero size
        )
        for one in read  # type: ignore[attr-defined]
    }


@pytest.mark.parametrize("name", ["bccd", "raccoon"])
def test_voc_as_globox_reads_it(shared: Path, name: str) -> None:
    globox = pytest.importorskip("globox", reason="an oracle, for development only")
    folder = next(shared.joinpath("data", name).glob("[Aa]nnotations"))
    theirs = globox_boxes(globox.AnnotationSet.from_pascal_voc(folder))
    assert sum(map(len, theirs.values())) == {"bccd": 4886, "raccoon": 217}[name]
    assert ours(shared / "data" / name) == theirs


def test_coco_as_globox_reads_it(shared: Path) -> None:
    globox = pytest.importorskip("globox", reason="an oracle, for development only")
    path = shared / "data" / "bccd60-coco" / "annotations" / "instances_train.json"
    assert ours(path) == globox_boxes(globox.AnnotationSet.from_coco(path))


@pytest.mark.parametrize("form", ["coco", "yolo"])
def test_as_labelformat_reads_it(shared: Path, form: str) -> None:
    formats = pytest.importorskip("labelformat.formats", reason="an oracle, for development only")
    if form == "coco":
        path = shared / "data" / "bccd60-coco" / "annotations" / "instances_train.json"
        labels = formats.COCOObjectDetectionInput(input_file=path).get_labels()
    else:
        path = shared / "data" / "bccd60-yolo" / "data.yaml"
        labels = formats.YOLOv8ObjectDetectionInput(input_file=path, input_split="train").get_labels()
    theirs = {
        Path(one.image.filename).name: sorted(
            (
                each.category.name,
                tuple(round(v, 2) for v in (each.box.xmin, each.box.ymin, each.box.xmax, each.box.ymax)),
            )
            for each in one.objects
        )
        for one in labels
    }
    assert ours(path, split="train") == theirs and len(theirs) == 48
