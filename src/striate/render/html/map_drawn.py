"""The map of a folder's pictures: every picture a dot, with a list beside it, as a part of a page."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate.data.labels.classes import shown
from striate.data.pictures.image import decode
from striate.errors import PictureError
from striate.files import PICTURE, read_bytes
from striate.render.html.environment import html
from striate.render.pictures import data_uri

if TYPE_CHECKING:
    from markupsafe import Markup

EMBEDDED: Final = 1_000  # pictures that the page carries with it; of more it shows the files, where they lie
SIDE: Final = 120  # pixels of such a picture


def map_drawn(
    folder: Path,
    paths: Sequence[str],
    places: NDArray[np.float32],
    groups: NDArray[np.int64],
    names: Sequence[str],
) -> Markup:
    """Return the map as HTML: ``paths`` (N,) below ``folder``, at ``places`` (N, 2) from 0 to 1.

    ``groups`` (N,) are indices into their ``names``, -1 for none. It is a canvas, a list that has all that is on it,
    and a script; without one it says so.
    """
    folders = [path.rpartition("/")[0] for path in paths]
    each = list(dict.fromkeys(folders))
    index = {name: number for number, name in enumerate(each)}
    small = [_small(folder / path) for path in paths] if len(paths) <= EMBEDDED else []
    return html(
        "answers/map.html",
        count=len(paths),
        embedded=bool(small),
        points=_packed((np.clip(places, 0, 1) * 65535).round().astype("<u2")),
        groups=_packed((groups + 1).astype("<u2")),
        folders=_packed(np.array([index[name] for name in folders], "<u2")),
        paths=json.dumps([shown(path) for path in paths]),
        names=json.dumps(["in no group", *names]),
        places=json.dumps([shown(name) or "." for name in each]),
        small=json.dumps(small),
        root=folder.resolve().as_uri() + "/",
    )


def _packed(values: NDArray[np.uint16]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def _small(path: Path) -> str:
    """Return a picture as a small one within the page; "" where it cannot be read any more."""
    try:
        pixels = decode(read_bytes(path, limit=PICTURE), channels=3, at_least=(SIDE, SIDE))
    except (OSError, PictureError):
        return ""
    picture = Image.fromarray(pixels)
    picture.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=70)
    return data_uri(buffer.getvalue(), "jpeg")
