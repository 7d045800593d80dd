"""Pictures of 16 bits that use fewer: read by what is stated, in the file or by a person, and said; never stretched."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.data.pictures.files import gray16, png, saved

from striate.data.pictures.depth import Depth, black_note, nearly_black, notes, tally
from striate.data.pictures.image import decode, decoding
from striate.data.pictures.preprocess import Preprocess
from striate.data.sources.source import find
from striate.data.store import rows, storefile
from striate.data.store.store import open_store
from striate.errors import ModelError

RULE = Preprocess(8, 8, 1)
RAMP = [0, 16, 255, 256, 2048, 4080, 4095]


def depth_of(data: bytes) -> Depth | None:
    with decoding(data, channels=3) as (_, _, depth):
        return depth


def gray_png(largest: int, *, side: int = 8) -> bytes:
    values = np.linspace(0, largest, side * side).astype(np.uint16).reshape(side, side)
    return saved(Image.fromarray(values), "PNG")


def folder(root: Path, *, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


@pytest.mark.parametrize(
    ("data", "depth"),
    [
        (gray16(RAMP), Depth(0, 12)),
        (gray16([65_535, 3]), Depth(0, 16)),
        (gray16([0, 0]), Depth(0, 1)),
        (gray16(RAMP, t341=(3, [4095])), Depth(12, 12)),
        (gray16(RAMP, bits=12), Depth(12, 12)),
        (gray_png(1023), Depth(0, 10)),
        (png(4, 1, bits=16, colour=2, pixels=np.full(12, 4095, ">u2").tobytes()), Depth(0, 12, whole=False)),
        (png(1, 1, bits=16, colour=6, pixels=np.array([65_535] * 4, ">u2").tobytes()), Depth(0, 16, False)),
        (png(1, 1, bits=16, colour=6, pixels=np.array([4095] * 3 + [65_535], ">u2").tobytes()), Depth(0, 12, False)),
        (png(2, 1, bits=16, colour=4, pixels=np.array([1023, 65_535] * 2, ">u2").tobytes()), Depth(0, 10, False)),
        (png(8, 8), None),
        (saved(Image.new("L", (4, 4), 9), "TIFF"), None),
        (saved(Image.new("F", (4, 4), 0.5), "TIFF"), None),
        (saved(Image.new("RGB", (4, 4)), "JPEG"), None),
    ],
)  # fmt: skip
def test_of_16_bits_it_is_seen_how_many_are_used(data: bytes, depth: Depth | None) -> None:
    assert depth_of(data) == depth


def test_a_depth_that_a_person_states_is_followed_where_the_file_states_none() -> None:
    for bits in (8, 10, 12, 14, 16):
        got = decode(gray16(RAMP), channels=1, bits=bits)[0, :, 0].tolist()
        assert got == [min(value >> (bits - 8), 255) for value in RAMP]
    stated = gray16(RAMP, t341=(3, [4095]))
    assert np.array_equal(decode(stated, bits=10), decode(stated)), "what a file states goes before"
    for other in (png(8, 8), saved(Image.new("RGB", (4, 4), (9, 8, 7)), "JPEG"), saved(Image.new("F", (4, 4)), "TIFF")):
        assert np.array_equal(decode(other, bits=12), decode(other)), "8 bits and floating point are as they were"
    whole = Image.fromarray(np.array([[-5, 4095, 70_000]], np.int32))
    assert decode(saved(whole, "TIFF"), channels=1, bits=12)[0, :, 0].tolist() == [0, 255, 255]


def test_the_depth_is_kept_with_the_preprocessing_and_old_files_read_as_before() -> None:
    twelve = dataclasses.replace(RULE, bits=12)
    assert "bits" not in RULE.to_dict() and twelve.to_dict()["bits"] == 12
    for rule in (RULE, twelve):
        assert Preprocess.from_dict(json.loads(json.dumps(rule.to_dict()))) == rule
    data = gray_png(4095)
    assert RULE.pixels(data).max() == 15 and twelve.pixels(data).max() == 255
    assert twelve.read(data)[1] == Depth(0, 12)
    for wrong in (7, 17, 12.5, "12", True, None):
        with pytest.raises(ModelError, match=r"preprocess: bits is .*a whole number from 8 to 16"):
            Preprocess.from_dict({**RULE.to_dict(), "bits": wrong})


def test_a_store_keeps_the_depths_for_the_next_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"a/{index}.png": gray_png(4095 - index) for index in range(3)}
    files |= {"a/torn.png": gray_png(9)[:60], "b/1.png": png(8, 8), "b/2.tif": gray16(RAMP, t341=(3, [4095]))}
    source = find(folder(tmp_path / "cells", files=files))
    wanted = Counter({Depth(0, 12): 3, Depth(12, 12): 1})
    first = open_store(source, RULE, cache_dir=tmp_path / "c")
    assert tally(first.store.depths) == wanted
    assert first.store.depths is not None and len(first.store.depths) == len(first.store.digests) == 5
    with monkeypatch.context() as patched:
        patched.setattr(rows, "_block", lambda *_: pytest.fail("decoded again"))
        assert tally(open_store(source, RULE, cache_dir=tmp_path / "c").store.depths) == wanted
    more = find(folder(tmp_path / "cells", files={"b/3.png": gray_png(65_535)}))
    with monkeypatch.context() as patched:
        read = rows.read_picture
        seen = []
        patched.setattr(rows, "read_picture", lambda *given: seen.append(1) or read(*given))
        grown = open_store(more, RULE, cache_dir=tmp_path / "c")
    assert len(seen) == 2, "the new one, and the torn one again; the others are copied"
    assert tally(grown.store.depths) == wanted + Counter({Depth(0, 16): 1})
    del first, grown
    for home in (tmp_path / "c" / "store").iterdir():
        (home / "depths.bin").write_bytes(b"not what it was")
        assert storefile.read(home) is None, "a store is whole or is built again"


def test_a_store_of_8_bits_is_the_files_it_was(tmp_path: Path) -> None:
    source = find(folder(tmp_path / "pets", files={"a/1.png": png(8, 8), "b/1.png": png(9, 8)}))
    stored = open_store(source, RULE, cache_dir=tmp_path / "c")
    (home,) = (tmp_path / "c" / "store").iterdir()
    assert {path.name for path in home.iterdir()} == {"pixels.u8", "digests.bin", "identities.bin", "manifest.json"}
    assert "depths" not in json.loads((home / "manifest.json").read_text())["facts"], "as older versions wrote it"
    assert stored.store.depths is None and tally(None) == Counter()


@pytest.mark.parametrize(
    ("found", "bits", "said"),
    [
        ({}, 16, ()),
        ({Depth(0, 16): 5, Depth(0, 9): 3}, 16, ()),
        ({Depth(12, 12): 13, Depth(12, 3): 1}, 16, ("14 pictures state 12 bits in 16 and are stretched by them",)),
        ({Depth(10, 9): 1}, 16, ("1 picture states 10 bits in 16 and is stretched by them",)),
        (
            {Depth(0, 12): 100, Depth(0, 11): 20},
            16,
            (
                "120 pictures of 16 bits use 12 at most and state no depth, so that they come out dark (15 of 255 at"
                " most); if the camera has 12 bits say --bits 12 (bits = 12 in a recipe)",
            ),
        ),
        (
            {Depth(0, 9): 1},
            16,
            (
                "1 picture of 16 bits uses 9 at most and states no depth, so that it comes out dark (1 of 255 at most);"
                " if the camera has 10 bits say --bits 10 (bits = 10 in a recipe)",
            ),
        ),
        ({Depth(0, 12): 120}, 12, ("120 pictures of 16 bits that state no depth are read as 12 bits",)),
        (
            {Depth(0, 12): 8, Depth(0, 14): 2},
            12,
            (
                "10 pictures of 16 bits that state no depth are read as 12 bits; 2 of them hold values over 4,095,"
                " which are white",
            ),
        ),
        (
            {Depth(12, 12): 1},
            12,
            (
                "1 picture states 12 bits in 16 and is stretched by them",
                "bits = 12 changes nothing: no picture here is gray, has 16 bits and states no depth",
            ),
        ),
        (
            {Depth(0, 12, whole=False): 2},
            16,
            (
                "2 pictures of 16 bits with colour or alpha use 12 at most and come out dark (15 of 255 at most); of"
                " those only the high byte is read, whatever is stated: scale them to 8 bits and save them so",
            ),
        ),
    ],
)
def test_what_is_said_of_a_source(found: dict[Depth, int], bits: int, said: tuple[str, ...]) -> None:
    assert notes(found, bits) == said


def test_one_picture_is_nearly_black_where_15_of_255_are_left() -> None:
    assert nearly_black(Depth(0, 12)) and not nearly_black(Depth(0, 13))
    assert not nearly_black(Depth(12, 2)), "what a file states is how dark it is"
    assert not nearly_black(Depth(0, 12), bits=12) and nearly_black(Depth(0, 8), bits=12)
    assert black_note(["a.tif"], 1, 12) == (
        "1 picture of 16 bits uses 12 at most, states no depth and comes out nearly black, 15 of 255 at most: a.tif;"
        " this model takes 16 bits where nothing is stated: state the depth in the file, or train with --bits 12"
    )
    assert "4 pictures" in black_note(["a", "b", "c"], 4, 11) and "a, b, c, ...; this" in black_note(list("abc"), 4, 11)
