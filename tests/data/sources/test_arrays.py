"""IDX, CIFAR's binary version and .npz: hand-made files, the real ones, and what is refused."""

from __future__ import annotations

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

from striate.data.sources.items import ArraySource, Facts, Item
from striate.data.sources.source import find
from striate.errors import SourceError


def idx(values: np.ndarray, kind: int = 8) -> bytes:
    return bytes([0, 0, kind, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def pictures(number: int, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (number, *shape), np.uint8)


def pixels(source: ArraySource) -> np.ndarray:
    return np.stack([source.picture(index) for index in range(len(source.items))])


@pytest.mark.parametrize("zipped", [False, True])
def test_idx_folder(tmp_path: Path, zipped: bool) -> None:
    train, test = pictures(5, 4, 3), pictures(3, 4, 3, seed=1)
    files = {
        "train-images-idx3-ubyte": train, "train-labels-idx1-ubyte": np.array([0, 7, 7, 3, 0], np.uint8),
        "t10k-images.idx3-ubyte": test, "t10k-labels.idx1-ubyte": np.array([3, 7, 0], np.uint8),
    }  # fmt: skip
    for name, values in files.items():
        data = idx(values)
        (tmp_path / (name + ".gz" * zipped)).write_bytes(gzip.compress(data) if zipped else data)
    found = find(tmp_path)
    assert isinstance(found, ArraySource)
    assert found.label_names == ("0", "3", "7")
    assert found.items[1] == Item("train:1", 2, "train")
    assert found.items[5:] == (Item("test:0", 1, "test"), Item("test:1", 2, "test"), Item("test:2", 0, "test"))
    assert np.array_equal(pixels(found), np.concatenate([train, test]))
    assert found.facts() == Facts(gray=True, common_size=(4, 3), median_size=(4, 3))
    alone = find(next(tmp_path.glob("t10k-images*")))
    assert [item.split for item in alone.items] == [None] * 3
    assert alone.items[0].key == "all:0"


def test_idx_refusals(tmp_path: Path) -> None:
    images = tmp_path / "train-images-idx3-ubyte"

    def refused(data: bytes, labels: bytes | None, words: str) -> None:
        images.write_bytes(data)
        beside = tmp_path / "train-labels-idx1-ubyte"
        beside.unlink(missing_ok=True)
        if labels is not None:
            beside.write_bytes(labels)
        for place in (tmp_path, images):
            with pytest.raises(SourceError, match=words) as caught:
                find(place)
            assert "\n" not in str(caught.value)

    good, labels = idx(pictures(4, 2, 2)), idx(np.array([0, 1, 1, 0], np.uint8))
    refused(good, None, "its labels are not beside it; wanted .*train-labels-idx1-ubyte")
    refused(good, labels[:-1], r"holds 3 bytes of values; its header says 4 = 4")
    refused(good[:-3], labels, r"holds 13 bytes of values; its header says 4 x 2 x 2 = 16")
    refused(good + b"x", labels, "more than 16")
    refused(good, idx(np.array([0, 1, 1], np.uint8)), "holds 4 pictures but train-labels-idx1-ubyte 3 labels")
    refused(gzip.compress(good)[:-9], labels, "is cut off or damaged")
    refused(good, idx(np.array([1, 1, 1, 1], np.uint8)), "one class only")
    huge = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**31, 2**31, 9)
    refused(huge, labels, "over")
    (tmp_path / "float").write_bytes(idx(np.zeros((2, 2, 2), ">f4"), kind=13))
    with pytest.raises(SourceError, match="a file that is not known"):
        find(tmp_path / "float")


def test_cifar(tmp_path: Path) -> None:
    rows = pictures(6, 3073)
    rows[:, 0] = [3, 1, 4, 1, 5, 9]
    (tmp_path / "data_batch_1.bin").write_bytes(rows[:2].tobytes())
    (tmp_path / "data_batch_2.bin").write_bytes(rows[2:4].tobytes())
    (tmp_path / "test_batch.bin").write_bytes(rows[[1, 2]].tobytes())
    found = find(tmp_path)
    assert found.label_names[3] == "cat"
    assert found.items[3] == Item("train:3", 1, "train")
    assert found.items[4].key == "test:0"
    assert found.picture(2).shape == (32, 32, 3)
    # the format's own words: 1,024 red, then green, then blue, row by row
    assert found.picture(2)[5, 7].tolist() == [rows[2, 1 + plane * 1024 + 5 * 32 + 7] for plane in range(3)]
    (tmp_path / "batches.meta.txt").write_text("\n".join("abcdefghij") + "\n\n")
    assert find(tmp_path).label_names == tuple("abcdefghij")
    (tmp_path / "data_batch_2.bin").write_bytes(rows[2:4].tobytes()[:-1])
    with pytest.raises(SourceError, match=r"6,145 bytes, not a whole number of rows of 3,073"):
        find(tmp_path)
    rows[0, 0] = 10
    (tmp_path / "one.bin").write_bytes(rows.tobytes())
    with pytest.raises(SourceError, match="a label is 10; in CIFAR-10"):
        find(tmp_path / "one.bin")


def test_cifar100(tmp_path: Path) -> None:
    rows = pictures(3, 3074)
    rows[:, :2] = [[1, 99], [0, 5], [2, 6]]
    (tmp_path / "train.bin").write_bytes(rows.tobytes())
    found = find(tmp_path)
    assert len(found.label_names) == 100
    assert [found.label_names[item.target] for item in found.items] == ["99", "5", "6"]


def test_cifars_pickles_are_never_loaded(tmp_path: Path) -> None:
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x02cos\nsystem\n.")
    with pytest.raises(SourceError, match=r"a pickle, and pickles are never loaded.*cifar-10-binary\.tar\.gz"):
        find(tmp_path)


SHAPES = [(4, 5), (4, 5, 1), (4, 5, 3), (1, 4, 5), (3, 4, 5)]


@pytest.mark.parametrize("shape", SHAPES)
def test_npz_shapes(tmp_path: Path, shape: tuple[int, ...]) -> None:
    values = pictures(4, *shape)
    np.savez(tmp_path / "set.npz", x=values, y=[0, 1, 0, 1])
    found = find(tmp_path / "set.npz")
    upright = np.moveaxis(values, 1, -1) if shape[0] in (1, 3) else values
    upright = upright[..., 0] if upright.shape[-1] == 1 else upright
    assert np.array_equal(pixels(found), upright)
    assert found.facts().gray == (upright.ndim == 3)


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (("images", "labels"), [None]),
        (("Data", "Targets"), [None]),
        (("x_train", "y_train", "x_test", "y_test"), ["train", "test"]),
        (
            ("train_images", "train_labels", "val_images", "val_labels", "test_images", "test_labels"),
            ["train", "val", "test"],
        ),
    ],
)
def test_npz_names(tmp_path: Path, names: tuple[str, ...], splits: list[str | None]) -> None:
    arrays = {name: np.array([0, 1]) if place % 2 else pictures(2, 4, 4) for place, name in enumerate(names)}
    np.savez_compressed(tmp_path / "set.npz", **arrays)
    assert [item.split for item in find(tmp_path / "set.npz").items] == [split for split in splits for _ in range(2)]


def test_npz_values(tmp_path: Path) -> None:
    def first(values: np.ndarray) -> list[list[int]]:
        np.savez(tmp_path / "set.npz", x=values, y=np.arange(len(values)))
        return find(tmp_path / "set.npz").picture(0).tolist()

    floats = np.zeros((2, 1, 4))
    floats[0, 0] = [0, 0.5, 0.998, 1]
    assert first(floats.astype(np.float32)) == [[0, 128, 254, 255]]
    assert first(floats) == [[0, 128, 254, 255]]
    assert first(np.array([[[True, False]], [[False, True]]])) == [[255, 0]]
    assert first(np.array([[[0, 255]], [[1, 2]]])) == [[0, 255]]
    every = np.arange(256, dtype=np.float32).reshape(1, 16, 16).repeat(2, 0) / 255
    assert np.array_equal(np.array(first(every)).ravel(), np.arange(256))


def test_npz_labels(tmp_path: Path) -> None:
    def read(**arrays: object):
        np.savez(tmp_path / "set.npz", x=pictures(3, 4, 4), **arrays)
        found = find(tmp_path / "set.npz")
        return found.label_names, [item.target for item in found.items]

    assert read(y=[5, 9, 5]) == (("5", "9"), [0, 1, 0])
    assert read(y=[[0], [1], [-1]]) == (("0", "1"), [0, 1, -1])
    assert read(y=[0.0, 1.0, 0.0]) == (("0", "1"), [0, 1, 0])
    assert read(y=["dog", "cat", ""]) == (("cat", "dog"), [1, 0, -1])
    assert read(y=np.array([b"10", b"9", b"9"])) == (("9", "10"), [1, 0, 0])
    assert read(y=[0, 2, 0], classes=["a", "b", "c"]) == (("a", "b", "c"), [0, 2, 0])
    assert read(y=np.eye(3)[[2, 0, 2]]) == (("0", "2"), [1, 0, 1]), "one column a class"


def test_npz_pictures_without_a_label_are_said(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", x=pictures(5, 4, 4), y=[0, -1, 1, -1, 0])
    assert find(tmp_path / "set.npz").notes == ("2 pictures without a label (-1) are left out",)


def test_npz_labels_that_look_like_numbers_are_numbers_and_that_is_said(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", x=pictures(40, 2, 2), y=np.arange(40) * 7 + 60)
    found = find(tmp_path / "set.npz")
    assert (found.kind, found.label_names, found.items[2].target) == ("numbers", ("number",), (74.0,))
    (note,) = found.notes
    assert "set.npz: y holds numbers (40 pictures, 40 values from 60 to 333): task regress; --task classify" in note
    assert len(find(tmp_path / "set.npz", kind="classes").label_names) == 40


def test_npz_fractions_are_numbers_and_what_is_missing_is_left_out(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", x=pictures(4, 2, 2), y=np.array([0.5, np.nan, 2.0, np.inf]))
    found = find(tmp_path / "set.npz")
    assert [item.target for item in found.items] == [(0.5,), None, (2.0,), None]
    assert found.notes[1] == "2 pictures without a number are left out (NaN or infinite)"
    np.savez(tmp_path / "two.npz", x=pictures(4, 2, 2), y=np.arange(8.0).reshape(4, 2) / 3)
    assert find(tmp_path / "two.npz").label_names == ("number 1", "number 2")
    np.savez(tmp_path / "whole.npz", x=pictures(4, 2, 2), y=np.arange(4) % 2)
    assert find(tmp_path / "whole.npz").kind == "classes"
    assert find(tmp_path / "whole.npz", kind="numbers").items[1].target == (1.0,)
    np.savez(tmp_path / "words.npz", x=pictures(2, 2, 2), y=np.array(["a", "b"]))
    with pytest.raises(SourceError, match="y holds <U1 of shape 2; wanted numbers"):
        find(tmp_path / "words.npz", kind="numbers")


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({}, "holds no arrays; wanted pictures as x"),
        ({"a": np.zeros((2, 4, 4), np.uint8)}, r"holds a \(2 x 4 x 4\); wanted"),
        ({"x": np.zeros((2, 4, 4), np.uint8)}, "pictures as x but no labels for them; wanted y"),
        ({"x": np.zeros((2, 4, 4), np.uint8), "y": [0]}, "x holds 2 pictures but y 1 label"),
        ({"x": np.zeros((2, 4), np.uint8), "y": [0, 1]}, "x has shape 2 x 4; wanted N x H x W"),
        ({"x": np.zeros((2, 4, 4, 4), np.uint8), "y": [0, 1]}, "shape 2 x 4 x 4 x 4"),
        ({"x": np.zeros((2, 0, 4), np.uint8), "y": [0, 1]}, "no pictures at all"),
        ({"x": np.full((2, 4, 4), 2.5), "y": [0, 1]}, "floating-point values from 2.5 to 2.5; wanted 0..1"),
        ({"x": np.full((2, 4, 4), np.nan), "y": [0, 1]}, "from nan to nan"),
        ({"x": np.full((2, 4, 4), 256), "y": [0, 1]}, "whole numbers from 256 to 256; wanted 0..255"),
        ({"x": np.full((2, 4, 4), 1j), "y": [0, 1]}, "holds complex128"),
        ({"x": np.zeros((2, 4, 4), np.uint8), "y": [-2, 1]}, "a label is -2"),
        ({"x": np.zeros((2, 4, 4), np.uint8), "y": np.full((2, 2), 2)}, "shape 2 x 2; wanted one label per picture"),
        ({"x": np.zeros((2, 4, 4), np.uint8), "y": [0, 3], "classes": ["a", "b"]}, "a label is 3, but classes has 2"),
        ({"x": np.zeros((2, 4, 4), np.uint8), "y": [0, 1], "classes": ["a", "a"]}, "names a class twice"),
        ({"x": np.zeros((2, 4, 4), np.uint8), "y": [1, 1]}, "one class only"),
        ({"x": np.array([{}, []], object), "y": [0, 1]}, "pickled objects, which are never loaded"),
        (
            {"x_train": np.zeros((2, 4, 4), np.uint8), "y_train": [0, 1],
             "x_test": np.zeros((1, 4, 4), np.uint8), "y_test": [2]},
            "the class '2' has 1 picture in test and none in train",
        ),
    ],
)  # fmt: skip
def test_npz_refusals(tmp_path: Path, arrays: dict[str, object], words: str) -> None:
    np.savez(tmp_path / "set.npz", **arrays)
    with pytest.raises(SourceError, match=words):
        find(tmp_path / "set.npz")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 not really", b"hello"])
def test_what_is_no_npz(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "set.npz").write_bytes(data)
    with pytest.raises(SourceError, match=r"is not an \.npz file, or is damaged"):
        find(tmp_path / "set.npz")


def test_mnist(shared: Path) -> None:
    found = find(shared / "data" / "mnist")
    assert (len(found.items), found.label_names) == (70_000, tuple("0123456789"))
    assert sum(item.split == "train" for item in found.items) == 60_000
    # as published: MD5 of the unpacked train-images-idx3-ubyte
    whole = bytes([0, 0, 8, 3]) + struct.pack(">3I", 60_000, 28, 28) + found.blocks[0].tobytes()
    assert hashlib.md5(whole).hexdigest() == "6bbc9ace898e44ae57da46a324031adb"
    assert [item.target for item in found.items[:5]] == [5, 0, 4, 1, 9]
    assert [item.target for item in found.items[60_000:60_005]] == [7, 2, 1, 0, 4]


def test_cifar10_test1017(shared: Path) -> None:
    folder = shared / "data" / "cifar10-test1017"
    found = find(folder)
    assert len(found.items) == 1_017
    assert [found.label_names[item.target] for item in found.items[:4]] == ["cat", "ship", "ship", "airplane"]
    assert {item.split for item in found.items} == {None}
    assert find(next(folder.iterdir())).items == found.items


def test_digits() -> None:
    from sklearn.datasets import load_digits

    found, loaded = find("digits"), load_digits()
    assert (found.name, found.location, len(found.items)) == ("digits", "digits", 1_797)
    assert [item.target for item in found.items] == loaded.target.tolist()
    assert np.array_equal(pixels(found), (loaded.images * 255 + 8) // 16)
    assert pixels(found).max() == 255
    assert found.facts() == Facts(gray=True, common_size=(8, 8), median_size=(8, 8))
