"""Pictures with masks are sources: read, turned and checked, and never all in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from tests.data.labels.written import coco, picture, text, voc

from striate.data.labels.marks import MaskMarks
from striate.data.sources import masked
from striate.data.sources.source import check_rejected, find
from striate.data.store.cache import clear_cache
from striate.errors import SourceError

HALVES = np.repeat(np.array([[0, 1]], np.uint8), 60, 0).repeat(40, 1)  # (60, 80): left 0, right 1


def mask(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


def test_pictures_and_masks(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "1.jpg")
    picture(tmp_path / "images" / "2.jpg")
    picture(tmp_path / "images" / "3.jpg")
    mask(tmp_path / "masks" / "1.png", HALVES)
    mask(tmp_path / "masks" / "2_mask.png", np.where(HALVES == 0, 2, 1).astype(np.uint8))
    text(tmp_path / "classes.txt", "Void\nsky\nroad\n")
    source = find(tmp_path)
    assert source.kind == "masks" and source.label_names == ("sky", "road")
    assert [(item.key, item.said(source.label_names)) for item in source.items] == [
        ("images/1.jpg", "masks/1.png"),
        ("images/2.jpg", "masks/2_mask.png"),
    ]
    assert np.array_equal(source.mask(0), np.where(HALVES == 0, 255, 0))
    assert np.array_equal(source.mask(1), np.where(HALVES == 0, 1, 0)) and source.mask(1).dtype == np.uint8
    assert source.notes[0] == "2 pictures with masks of 2 classes: sky, road"
    assert source.notes[-1] == "1 picture without a mask is left out (the first: images/3.jpg)"
    assert [(one.key, one.bad) for one in source.rejected] == [("images/3.jpg", False)]


def test_the_mark_changes_with_the_mask_and_with_nothing_else(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "1.jpg")
    mask(tmp_path / "masks" / "1.png", HALVES)
    before = find(tmp_path).items[0].target
    (tmp_path / "masks" / "1.png").touch()
    assert find(tmp_path).items[0].target == before
    mask(tmp_path / "masks" / "1.png", 1 - HALVES)
    after = find(tmp_path).items[0].target
    assert isinstance(after, MaskMarks) and isinstance(before, MaskMarks)
    assert after.key == before.key and after.stamp != before.stamp


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("frame", ["file", "seen"])
def test_a_turned_picture_has_its_mask_where_its_size_says(tmp_path: Path, orientation: int, frame: str) -> None:
    lying = np.zeros((60, 80), np.uint8)
    lying[5:15, 10:40] = 1
    turned = Image.fromarray(lying)
    turned.getexif()[0x0112] = orientation
    seen = np.asarray(ImageOps.exif_transpose(turned))
    picture(tmp_path / "images" / "1.jpg", orientation=orientation)
    mask(tmp_path / "masks" / "1.png", lying if frame == "file" else seen)
    source = find(tmp_path)
    told = [note for note in source.notes if "EXIF" in note]
    assert source.mask(0).shape == seen.shape
    if orientation < 5:  # both frames have one size: as it is seen, and said
        assert np.array_equal(source.mask(0), lying if frame == "file" else seen)
        assert bool(told) == (orientation > 1) and all("may lie either way" in note for note in told)
    else:
        assert np.array_equal(source.mask(0), seen)
        assert ("rows of the file" if frame == "file" else "as the picture is seen, as") in told[0]


def test_masks_of_another_size_or_broken_are_rejected_with_numbers(tmp_path: Path) -> None:
    for number in range(8):
        picture(tmp_path / "images" / f"{number}.jpg")
        mask(tmp_path / "masks" / f"{number}.png", HALVES if number < 3 else HALVES[:30, 30:50])
    (tmp_path / "masks" / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    source = find(tmp_path)
    assert [item.key for item in source.items] == ["images/1.jpg", "images/2.jpg"]
    assert (
        "its mask masks/0.png does not decode" in source.rejected[0].reason
        or "not a picture" in source.rejected[0].reason
    )
    assert source.rejected[1].reason == "its mask masks/3.png is 20 x 30 pixels, and the picture 80 x 60"
    with pytest.raises(SourceError, match=r"6 of 8 pictures .*--allow-bad"):
        check_rejected(source)


def test_a_mask_as_jpeg_is_none(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "1.jpg")
    picture(tmp_path / "masks" / "1.jpg")
    with pytest.raises(
        SourceError, match=r"no mask that fits its picture; images/1\.jpg: .* is a JPEG.*save masks as PNG"
    ):
        find(tmp_path)


def test_names_of_others(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "1.jpg")
    mask(tmp_path / "masks" / "1.png", HALVES)
    text(tmp_path / "classes.txt", "sky\nroad\n")
    source = find(tmp_path).named_as(("road", "car"))
    assert source.label_names == ("road", "car")
    assert np.array_equal(source.mask(0), np.where(HALVES == 1, 0, 255))
    assert np.array_equal(source.named_as(("car", "road")).mask(0), np.where(HALVES == 1, 1, 255))


def test_one_class_is_enough_to_measure(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "1.jpg")
    mask(tmp_path / "masks" / "1.png", HALVES * 0)
    with pytest.raises(SourceError, match="at least 2"):
        find(tmp_path)
    assert find(tmp_path, least_classes=1).label_names == ("0",)


def test_outlines_are_drawn_where_masks_are_asked_for(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    picture(tmp_path / "2.jpg")
    images = [{"id": at, "file_name": f"{at}.jpg", "width": 80, "height": 60} for at in (1, 2)]
    ring = [0, 0, 40, 0, 40, 60, 0, 60]
    shapes = [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 40, 60], "segmentation": [ring]},
        {"id": 2, "image_id": 1, "category_id": 2, "bbox": [70, 50, 10, 10]},
    ]  # fmt: skip
    coco(tmp_path / "a.json", images, shapes, [{"id": 1, "name": "road"}, {"id": 2, "name": "car"}])
    assert find(tmp_path).kind == "boxes"
    source = find(tmp_path, kind="masks")
    assert source.label_names == ("background", "road")
    wanted = 1 - HALVES
    wanted[50:, 70:] = 255  # known by its box alone
    assert np.array_equal(source.mask(0), wanted)
    assert not source.mask(1).any()
    assert "drawn from 1 outline (COCO); what no outline covers is background" in source.notes[0]
    assert "1 object known by its box alone: void" in source.notes
    assert np.array_equal(source.named_as(("road", "background")).mask(1), np.ones((60, 80)))


def test_boxes_alone_draw_nothing(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    voc(tmp_path / "1.xml", ("cell", 1, 2, 3, 4))
    with pytest.raises(SourceError, match=r"holds 1 box without outlines \(Pascal VOC\)"):
        find(tmp_path, kind="masks")


def test_voc_has_boxes_and_masks(tmp_path: Path) -> None:
    picture(tmp_path / "JPEGImages" / "1.jpg")
    voc(tmp_path / "Annotations" / "1.xml", ("cell", 1, 2, 3, 4))
    mask(tmp_path / "SegmentationClass" / "1.png", HALVES)
    assert find(tmp_path).kind == "boxes"
    assert np.array_equal(find(tmp_path, kind="masks").mask(0), HALVES)


def test_a_source_without_masks_says_so(tmp_path: Path) -> None:
    for name in ("cats", "dogs"):
        picture(tmp_path / name / "1.jpg")
    with pytest.raises(SourceError, match="has no masks"):
        find(tmp_path).mask(0)


def test_street_frames(shared: Path) -> None:
    source = find(shared / "data" / "camvid")
    names = "Sky Building Pole Road Pavement Tree SignSymbol Fence Car Pedestrian Bicyclist"
    assert source.label_names == tuple(names.split())
    parts = [item.split for item in source.items]
    assert (parts.count("train"), parts.count("val"), parts.count("test")) == (120, 40, 40)
    row = next(at for at, item in enumerate(source.items) if item.key == "train/images/0001TP_006690.jpg")
    counts = np.bincount(source.mask(row).ravel(), minlength=256)
    assert counts[[0, 1, 2, 3]].tolist() == [23726, 64726, 1904, 16139] and counts[255] == counts[11:].sum() > 0


def test_membranes(shared: Path) -> None:
    source = find(shared / "data" / "membrane")
    assert source.label_names == ("black", "white") and len(source.items) == 30
    assert np.bincount(source.mask(0).ravel()).tolist() == [57492, 204652]


def test_outlines_of_grapes(shared: Path) -> None:
    source = find(shared / "data" / "annotation-tools" / "labelme-polygons", kind="masks")
    assert source.label_names == ("background", "black_grape", "green_grape")
    assert source.items[0].key == "10.jpg" and 0.1 < (source.mask(0) == 1).mean() < 0.3


def test_masks_are_looked_at_once_and_again_when_they_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "set"
    for number in range(3):
        (root / "images").mkdir(parents=True, exist_ok=True)
        (root / "masks").mkdir(exist_ok=True)
        Image.new("RGB", (6, 4)).save(root / "images" / f"{number}.png")
        Image.fromarray(np.eye(4, 6, dtype=np.uint8)).save(root / "masks" / f"{number}.png")
    looked: list[str] = []
    look = masked._look
    monkeypatch.setattr(masked, "_look", lambda at, pair: looked.append(pair.mask) or look(at, pair))
    first = find(root)
    assert len(looked) == 3
    again = find(root)
    assert len(looked) == 3 and again.items == first.items and again.notes == first.notes
    Image.fromarray(np.full((4, 6), 2, np.uint8)).save(root / "masks" / "1.png")
    changed = find(root)
    assert looked[3:] == ["masks/1.png"] and changed.label_names == ("0", "1", "2")
    (file,) = (tmp_path / "cache" / "notes").iterdir()
    for damage in (b"", b"[]", b'{"format": 1, "masks": {"masks/1.png": [1]}}'):
        file.write_bytes(damage)
        assert find(root).items == changed.items
    assert clear_cache() == 0 and not file.exists()
    monkeypatch.setenv("STRIATE_CACHE", str(root / "cache"))
    assert find(root).items == changed.items and not (root / "cache").exists(), "pictures are never written to"
