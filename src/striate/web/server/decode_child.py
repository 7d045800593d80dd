"""The process that decodes: it locks itself in, then takes files of pictures and gives back pixels, one by one.

Started by ``decoding.py`` with one socket, as descriptor 0. Before it looks at a stranger's byte it has imported what
it needs and can open no file, no connection and no program (`striate.model.sandbox.jail`). A message is a head of two
lengths (`HEAD`), a JSON of the first and bytes of the second.
"""

from __future__ import annotations

import io
import json
import os
import struct
import sys
from typing import Any, Final, NoReturn

from striate.errors import PictureError
from striate.model.sandbox.jail import lock

HEAD: Final = struct.Struct("<II")
_CPU: Final = 30 * 86_400.0  # seconds of the processor: the time of each picture is watched from outside


def main() -> NoReturn:
    """Prepare, lock up, and answer until the socket is closed. ``sys.argv[1]``: {"memory", "pixels"}."""
    allowed = json.loads(sys.argv[1])
    threads = prepare()
    layers = lock(memory=int(allowed["memory"]), size=0, seconds=_CPU, threads=threads)
    _put({"layers": layers})
    serve(int(allowed["pixels"]), int(allowed["memory"]))


def prepare() -> bool:
    """Do everything once that imports, opens or starts something; return whether a decoder starts threads (HEIC)."""
    import warnings
    from contextlib import suppress

    import numpy as np
    from PIL import AvifImagePlugin, Image

    from striate.data.pictures.codecs import silence_libtiff, silence_pillow
    from striate.data.pictures.preprocess import Preprocess

    warnings.simplefilter("ignore")
    silence_pillow()
    silence_libtiff()
    Image.init()
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # a second thread would be refused
    threads = False
    with suppress(Exception):
        import pillow_heif

        pillow_heif.options.DECODE_THREADS = 1
        threads = True  # its decoder of HEVC starts one whatever it is told
    for broken in (
        b"nothing",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        b"\xef\xbb\xbf{}",
        b"%PDF-1.7",
        b"\xff\xfe<\0",
        b"\xff\xd8\xff\xe0",
        b"II*\0\x08",
    ):
        with suppress(PictureError):  # what says why not imports codecs too
            Preprocess(4, 4, 3).read(broken)
    sample = Image.fromarray(np.full((9, 7, 3), 80, np.uint8))
    for form in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"):
        file = io.BytesIO()
        sample.save(file, form)
        for how in (Preprocess(4, 4, 3), Preprocess(4, 4, 1, resize="pad")):
            how.read(file.getvalue())
            with suppress(PictureError):
                how.read(file.getvalue()[:-30])
        for how in (Preprocess(4, 4, 3), Preprocess(4, 4, 1, resize="pad")):
            how.read(file.getvalue())
    return threads


def serve(pixels: int, memory: int) -> NoReturn:
    """Answer each message. ``pixels``: the most of a picture; ``memory``: bytes that decoding one may take."""
    from striate.data.pictures.bounds import Limits
    from striate.data.pictures.image import header
    from striate.data.pictures.preprocess import Preprocess

    limits = Limits(pixels=pixels, memory=memory * 3 // 4)
    rules: dict[bytes, tuple[Preprocess, bool]] = {}
    while True:
        asked, file = _take()
        if asked not in rules:
            if len(rules) > 64:
                rules.clear()
            said = json.loads(asked)
            rules[asked] = Preprocess.from_dict(said["rule"]), said["sized"]
        rule, sized = rules[asked]
        try:
            told = header(file, limits=limits) if sized else None
            found, _ = rule.read(file, limits=limits)
            _put({} if told is None else {"size": [told.height, told.width]}, found.tobytes())
        except PictureError as error:
            _put({"error": str(error)[:400], "passing": error.passing})
        except MemoryError:
            _put({"error": "decoding it takes more memory than it is given"})
        except Exception as error:  # what a decoder's own code runs into where it is locked in
            _put({"error": f"does not decode: {type(error).__name__}"})


def _take() -> tuple[bytes, bytes]:
    rule, size = HEAD.unpack(_read(HEAD.size))
    return _read(rule), _read(size)


def _read(count: int) -> bytes:
    found = bytearray()
    while len(found) < count:
        piece = os.read(0, min(count - len(found), 1 << 20))
        if not piece:
            os._exit(0)  # whoever asked is gone
        found += piece
    return bytes(found)


def _put(facts: dict[str, Any], content: bytes = b"") -> None:
    said = json.dumps(facts).encode()
    left = memoryview(HEAD.pack(len(said), len(content)) + said + content)
    while left:
        left = left[os.write(0, left) :]
