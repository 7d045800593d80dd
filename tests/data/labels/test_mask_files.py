"""Which file is the mask of which picture."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.data.sources.test_source import make

from striate.data.labels.mask_files import MaskPair, find_pairs
from striate.errors import SourceError


@pytest.mark.parametrize(
    ("pictures", "masks", "split"),
    [
        (["images/1.jpg", "images/2.jpg"], ["masks/1.png", "masks/2.png"], ""),
        (["imgs/car_1.jpg", "imgs/car_2.jpg"], ["masks/car_1_mask.gif", "masks/car_2_mask.gif"], ""),
        (["images/image_1.png", "images/image_12.png"], ["labels/label_1.png", "labels/label_12.png"], ""),
        (["images/1_sat.jpg", "images/2_sat.jpg"], ["masks/1_mask.png", "masks/2_mask.png"], ""),
        (["train/images/1.jpg"], ["train/masks/1.png"], "train"),
        (["images/val/1.jpg"], ["masks/val/1.png"], "val"),
        (["test/1.png"], ["testannot/1.png"], "test"),
        (["JPEGImages/1.jpg"], ["SegmentationClass/1.png"], ""),
        (["1.jpg", "2.jpg"], ["1_mask.png", "2_mask.png"], ""),
        (["train/1.jpg"], ["train/1_mask.png"], "train"),
        (["images/1.jpg"], ["dots/1.png"], ""),
        (["images/a/1.tif", "images/b/1.tif"], ["gt/a/1.tif", "gt/b/1.tif"], ""),
    ],
)
def test_pairs(tmp_path: Path, pictures: list[str], masks: list[str], split: str) -> None:
    make(tmp_path, *pictures, *masks)
    wanted = tuple(MaskPair(*pair, split) for pair in zip(pictures, masks, strict=True))
    assert find_pairs(tmp_path).pairs == wanted


def test_voc_has_masks_of_some_pictures_and_lists_of_the_parts(tmp_path: Path) -> None:
    make(tmp_path, "JPEGImages/1.jpg", "JPEGImages/2.jpg", "SegmentationClass/1.png", "SegmentationObject/1.png")
    make(tmp_path, "ImageSets/Segmentation/val.txt", data=b"1\n")
    found = find_pairs(tmp_path)
    assert found.pairs == (MaskPair("JPEGImages/1.jpg", "SegmentationClass/1.png", "val"),)
    assert found.pictures == ("JPEGImages/2.jpg",)


def test_a_mask_without_a_picture_is_said(tmp_path: Path) -> None:
    make(tmp_path, "images/1.jpg", "masks/1.png", "masks/7.png")
    assert find_pairs(tmp_path).masks == ("masks/7.png",)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["images/1.jpg", "masks/1.png", "masks/1_mask.png"], r"images/1\.jpg has the masks .* and masks/1_mask"),
        (["images/1.jpg", "images/1.png", "masks/1.png"], r"1\.jpg and images/1\.png differ in their ending alone"),
        (["images/1_sat.jpg", "images/1_img.jpg", "masks/1.png"], r"masks/1\.png may be the mask of"),
    ],
)  # fmt: skip
def test_what_could_be_either_stops(tmp_path: Path, files: list[str], said: str) -> None:
    make(tmp_path, *files)
    with pytest.raises(SourceError, match=said):
        find_pairs(tmp_path)


@pytest.mark.parametrize(
    "files",
    [
        ["cats/1.jpg", "dogs/1.jpg"],
        ["images/1.jpg", "labels/1.txt"],
        ["images/1.jpg", "images/2.jpg", "label/8.jpg", "label/9.jpg"],
        ["1.jpg", "2.jpg", "3.jpg", "4.jpg", "1_mask.jpg"],
        ["train/cats/1.jpg", "trainannot.txt"],
    ],
)
def test_other_folders_are_none(tmp_path: Path, files: list[str]) -> None:
    make(tmp_path, *files)
    assert find_pairs(tmp_path).pairs == ()
