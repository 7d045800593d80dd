"""Decoding apart: the same pixels as in this process, and whatever a file does, the next one is decoded."""

from __future__ import annotations

import os
import queue
import signal
import time
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.web.serving import picture

from striate.data.pictures.preprocess import Preprocess
from striate.errors import PictureError
from striate.web.server import decoding
from striate.web.server.decoding import Bounds, Decoded, Decoder, TooLate, Wish
from striate.web.server.routes import _unread

RULE = Preprocess(16, 16, 3)
FORMS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    one = Decoder(Bounds(processes=1, seconds=20, memory=2**29))
    yield one
    one.close()


def decoded(
    decoder: Decoder, file: bytes, *, rule: Preprocess = RULE, left: float = 600, sized: bool = True
) -> Decoded | Exception:
    told = queue.Queue[Decoded | Exception]()
    decoder.ask(Wish(file, rule, time.monotonic() + left, told.put, sized=sized))
    return told.get(timeout=120)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rule", [RULE, Preprocess(9, 13, 1, resize="pad")])
def test_as_in_this_process(decoder: Decoder, form: str, rule: Preprocess) -> None:
    file = picture(4, form, (40, 30))
    found = decoded(decoder, file, rule=rule)
    assert isinstance(found, Decoded), found
    assert (found.pixels == rule.pixels(file)).all() and found.crop == rule.crop_transform(40, 30)


def heic() -> bytes:
    heif = pytest.importorskip("pillow_heif", reason="HEIC takes pillow-heif")
    file = BytesIO()
    heif.from_pillow(Image.open(BytesIO(picture(4, "PNG", (40, 30))))).save(file, quality=80)
    return file.getvalue()


def test_heic_is_decoded_locked_in(decoder: Decoder) -> None:
    file = heic()
    for sized in (True, False):
        found = decoded(decoder, file, sized=sized)
        assert isinstance(found, Decoded), found
        assert (found.pixels == RULE.pixels(file)).all()
        assert found.crop == (RULE.crop_transform(40, 30) if sized else None)


def test_heic_without_its_reader_is_said_to_be_read_with_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file, home = heic(), decoding.home_of
    (tmp_path / "pillow_heif.py").write_text("raise ModuleNotFoundError('none', name='pillow_heif')")
    monkeypatch.setattr(decoding, "home_of", lambda name: f"{tmp_path}\n" * (name == "striate") + home(name))
    one = Decoder(Bounds(processes=1, seconds=20, memory=2**29))
    try:
        found = decoded(one, file)
        assert isinstance(found, PictureError) and "pip install 'striate[heic]'" in str(found)
        refused = _unread(found)
        assert (refused.status, refused.reason) == (415, str(found))
        assert _unread(PictureError("does not decode: x")).status == 422
    finally:
        one.close()


def test_it_is_locked_in(decoder: Decoder) -> None:
    if not decoder.layers:
        pytest.skip("this system has no jail")
    assert {"limits", "audit"} <= set(decoder.layers)


def plain(width: int, height: int, form: str, **how: Any) -> bytes:
    file = BytesIO()
    Image.new("RGB", (width, height), (9, 99, 199)).save(file, form, **how)
    return file.getvalue()


def with_the_usual_memory(*files: bytes) -> list[Decoded | Exception]:
    one = Decoder(Bounds(processes=1, seconds=120))
    try:
        found = [decoded(one, file) for file in files]
        assert one.restarts == 0
        return found
    finally:
        one.close()


def test_as_large_as_the_docs_say() -> None:
    fine, over = with_the_usual_memory(plain(8_000, 8_000, "JPEG"), plain(8_001, 8_000, "JPEG"))
    assert isinstance(fine, Decoded), fine
    assert "over 64,000,000" in str(over)


@pytest.mark.slow
def test_as_large_as_the_docs_say_in_every_format() -> None:
    for form, how in (("JPEG", {"progressive": True}), ("PNG", {"compress_level": 1}), ("GIF", {}), ("TIFF", {})):
        (found,) = with_the_usual_memory(plain(8_000, 8_000, form, **how))
        assert isinstance(found, Decoded), (form, found)
    for form, how, width in (("WEBP", {"method": 0}, 7_150), ("AVIF", {"speed": 10}, 6_290)):  # 50.05 and 44.03
        fine, over = with_the_usual_memory(plain(width, 7_000, form, **how), plain(width + 110, 7_000, form, **how))
        assert isinstance(fine, Decoded), (form, fine)
        assert "over 805,306,368" in str(over), form


def test_what_was_not_begun_in_time_is_not_begun(decoder: Decoder) -> None:
    assert isinstance(decoded(decoder, picture(), left=-1), TooLate)


def test_a_process_that_ends_or_hangs_is_started_anew() -> None:
    one = Decoder(Bounds(processes=1, seconds=1.0, memory=2**29))
    try:
        child = one._children[0]._process.pid
        os.kill(child, signal.SIGKILL)
        ended = decoded(one, picture())
        assert isinstance(ended, PictureError) and "ended the process" in str(ended)
        assert isinstance(decoded(one, picture()), Decoded) and one.restarts == 1
        os.kill(one._children[0]._process.pid, signal.SIGSTOP)
        hung = decoded(one, picture())
        assert isinstance(hung, PictureError) and "longer than 1 s" in str(hung)
        assert isinstance(decoded(one, picture()), Decoded) and one.restarts == 2
    finally:
        one.close()


def mutated(file: bytes, random: np.random.Generator) -> bytes:
    """Return a file with some bytes changed, cut out, doubled or moved."""
    content = bytearray(file)
    for _ in range(int(random.integers(1, 6))):
        at, length = int(random.integers(0, len(content))), int(random.integers(1, 40))
        match int(random.integers(0, 5)):
            case 0:
                content[at] = int(random.integers(0, 256))
            case 1:
                del content[at : at + length]
            case 2:
                content[at:at] = content[at : at + length]
            case 3:
                content[at : at + 4] = random.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"])
            case _:
                content[at : at + length] = random.bytes(length)
        if not content:
            break
    return bytes(content)


def survived(decoder: Decoder, number: int) -> Counter[str]:
    random, before = np.random.default_rng(11), decoder.restarts
    sources = [picture(n, form, (24, 20)) for n, form in enumerate(FORMS)]
    if find_spec("pillow_heif"):
        sources.append(heic())
    outcomes = Counter[str]()
    for turn in range(number):
        found = decoded(decoder, mutated(sources[turn % len(sources)], random))
        assert isinstance(found, Decoded | PictureError), repr(found)
        outcomes["answered" if isinstance(found, Decoded) else "refused"] += 1
    assert decoder.restarts - before <= number // 1_000, "files that end the process"
    assert isinstance(decoded(decoder, picture()), Decoded)
    return outcomes


def test_mutated_pictures(decoder: Decoder) -> None:
    assert min(survived(decoder, 350).values()) > 20


@pytest.mark.slow
def test_twenty_thousand_mutated_pictures(decoder: Decoder) -> None:
    """A million where STRIATE_NIGHTLY is set."""
    number = 1_000_000 if os.environ.get("STRIATE_NIGHTLY") else 20_000
    assert survived(decoder, number).total() == number
