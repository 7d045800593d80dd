"""Pictures of an index that are like one that was sent: as `striate find` answers, from pixels decoded elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from striate.errors import ServeError
from striate.search.index_files import Index, is_index, read, verify
from striate.search.nearest import directions, nearest
from striate.web.server.decoding import Decoded


def opened(folder: Path) -> Index:
    """Return an index, every byte of it looked at. Errors: ServeError, SearchError."""
    if not is_index(folder):
        raise ServeError(f"{folder} is no index; striate index PHOTOS -o {folder} makes one")
    verify(folder)
    found = read(folder)
    if not len(found):
        raise ServeError(f"the index {folder} holds no picture")
    rule = found.embedder.preprocess
    found.embedder.maps(np.zeros((rule.height, rule.width, rule.channels), np.uint8))  # what fails, fails now
    return found


def found(index: Index, picture: Decoded, number: int) -> dict[str, Any]:
    """Return the ``number`` pictures of an index that are most like a picture, ready for JSON; all are compared.

    They are named by their paths below the folder that was indexed; where that is, is not said.
    """
    vector = index.embedder.vector(index.embedder.maps(picture.pixels))
    query = directions(vector[None].astype(np.float16), index.centre)
    near = nearest(index.vectors, query, number, centre=index.centre)
    return {
        "found": [
            {
                "picture": index.paths[row],
                "cosine": round(float(cosine), 4),
                "rare": index.scale.words(float(cosine)),
            }
            for row, cosine in zip(near.rows[0], near.cosine[0], strict=True)
        ],
        "among": len(index),
    }
