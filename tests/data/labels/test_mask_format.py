"""Masks as a format: what is written is read again, to the pixel."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.data.labels.written import find_objects, picture, text

from striate.data.labels.mask_format import PALETTE, write_masks
from striate.data.labels.object_formats import losses
from striate.data.labels.objects import ObjectSet, PictureObjects
from striate.data.sources.source import find
from striate.errors import SourceError

RING = np.array([(10.0, 10.0), (40.0, 10.0), (40.0, 30.0), (10.0, 30.0)])
PICTURE = PictureObjects.of(
    "train/images/1.jpg", 80, 60, [(10, 10, 40, 30), (50, 50, 60, 60), (0, 0, 5, 5)], [1, 0, 0],
    outlines=((RING,), (), (RING / 8,)), ignored=[False, False, True], split="train",
)  # fmt: skip
SET = ObjectSet("x", ("cat", "dog"), (PICTURE,))


def test_written_and_read(tmp_path: Path) -> None:
    made = write_masks(SET)
    assert sorted(made) == ["classes.txt", "train/masks/1.png"]
    assert made["classes.txt"] == b"0 background\n1 cat\n2 dog\n"
    with Image.open(io.BytesIO(made["train/masks/1.png"])) as image:
        mask = np.asarray(image)
        assert image.mode == "P"
    assert (mask[10:30, 10:40] == 2).all() and (mask[50:60, 50:60] == 255).all() and (mask[2:3, 2:5] == 255).all()
    assert (mask == 2).sum() == 600 and set(np.unique(mask)) == {0, 2, 255}
    for name, data in made.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    picture(tmp_path / "train" / "images" / "1.jpg")
    source = find(tmp_path)
    assert (source.kind, source.label_names) == ("masks", ("background", "dog"))
    assert np.array_equal(source.mask(0), np.where(mask == 2, 1, mask))
    again = find_objects(tmp_path)
    assert again.classes == ("dog",) and again.pictures[0].split == "train"
    assert again.pictures[0].boxes.tolist() == [[10, 10, 40, 30]]
    assert "void pixels of 1 mask are left out, and belong to no object" in again.notes


def test_the_colours_are_vocs() -> None:
    table = np.frombuffer(PALETTE, np.uint8).reshape(256, 3).tolist()
    assert table[:4] == [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]
    assert table[15] == [192, 128, 128] and table[255] == [224, 224, 192]


def test_what_masks_do_not_say() -> None:
    assert losses(SET, "masks") == (
        "1 object known by its box alone, void",
        "the class of 1 object to be ignored, void",
    )  # fmt: skip


def test_a_class_called_background_is_it() -> None:
    assert write_masks(ObjectSet("x", ("cat", "Background"), ()))["classes.txt"] == b"0 background\n1 cat\n"


def test_too_many_classes_and_two_pictures_of_one_mask() -> None:
    with pytest.raises(SourceError, match="room for 254 classes"):
        write_masks(ObjectSet("x", tuple(map(str, range(300))), ()))
    two = tuple(PictureObjects.of(key, 8, 6, [], []) for key in ("a.jpg", "a.png"))
    with pytest.raises(SourceError, match=r"would both have the mask masks/a\.png"):
        write_masks(ObjectSet("x", ("cat",), two))


def test_masks_that_do_not_read(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "1.jpg")
    text(tmp_path / "masks" / "1.png", "no picture")
    with pytest.raises(SourceError, match=r"masks/1\.png not a picture"):
        find_objects(tmp_path)
