"""Pictures that a person gave to be looked at: kept by what is in them, the latest few, beside the studio's state."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate import files
from striate.data.pictures.image import header
from striate.data.sources.items import Source
from striate.errors import PictureError
from striate.runs import durable
from striate.web.server.admission import Refused
from striate.web.studio.albums import Album, is_folder

FOLDER: Final = "given"  # within the studio's own
KEPT: Final = 60  # pictures; the oldest goes
_MARK: Final = re.compile("[0-9a-f]{24}")


@dataclass(frozen=True)
class GivenPicture:
    """A picture by its ``mark``: ``path`` is ours, ``name`` what a person calls it, or where its file lies."""

    mark: str
    path: Path
    name: str
    size: tuple[int, int]

    @property
    def shown(self) -> str:
        """What a command is told: where a person's own file lies, or ours."""
        return self.name if Path(self.name).is_absolute() and Path(self.name).is_file() else str(self.path)

    def to_dict(self) -> dict[str, object]:
        """Return it ready for JSON; the size is (height, width) in pixels, as it is seen."""
        return {"picture": self.mark, "name": self.name, "size": list(self.size)}


def keep_given(state: Path, content: bytes, name: str) -> GivenPicture:
    """Keep a picture, and let the oldest go. Errors: PictureError for what is none.

    Example: ``keep_given(Path("runs/studio"), Path("cat.jpg").read_bytes(), "cat.jpg").name``
    """
    try:
        seen = header(content)
    except PictureError as error:
        raise PictureError(f"{name[:100] or 'it'} {error}") from None
    mark = blake2b(content, digest_size=12).hexdigest()
    folder = state / FOLDER
    durable.make_parents(folder)
    folder.mkdir(exist_ok=True)
    path = folder / f"{mark}.{seen.format.lower()}"
    durable.write(path, content)
    facts = {"file": path.name, "name": name[:1_000], "size": [seen.height, seen.width]}
    durable.write(folder / f"{mark}.json", json.dumps(facts).encode())
    _let_go(folder)
    return given_at(state, mark)


def given_at(state: Path, mark: str) -> GivenPicture:
    """Return a picture by its mark. Errors: Refused (404) for one that is not there any more."""
    folder = state / FOLDER
    try:
        if not _MARK.fullmatch(mark):
            raise ValueError
        facts = json.loads(files.read_text(folder / f"{mark}.json", limit=files.TEXT))
        path = folder / str(facts["file"])
        if path.parent != folder or not path.is_file():
            raise ValueError
        height, width = facts["size"]
        return GivenPicture(mark, path, str(facts["name"]), (int(height), int(width)))
    except (OSError, ValueError, KeyError, TypeError):
        raise Refused(404, "that picture is not kept any more: give it again") from None


def take_given(state: Path, album: Album, key: str) -> GivenPicture:
    """Keep a picture of a folder, called by where its file lies. Errors: Refused (404), PictureError."""
    source: Source = album.source
    row = album.rows.get(key)
    if row is None:
        raise Refused(404, f"there is no picture {key[:200]!r} in {source.location}")
    content = source.picture(row)
    path = Path(source.location) / key
    name = str(path) if is_folder(source) and path.is_file() else key
    return keep_given(state, content if isinstance(content, bytes) else png_of(content), name)


def png_of(pixels: NDArray[np.uint8]) -> bytes:
    """Return pixels (H, W) or (H, W, C) as the bytes of a PNG, as large as they are."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels.squeeze())).save(file, "PNG")
    return file.getvalue()


def _let_go(folder: Path) -> None:
    kept = sorted(folder.glob("*.json"), key=lambda one: one.stat().st_mtime_ns)
    for old in kept[:-KEPT]:
        for file in folder.glob(f"{old.stem}.*"):
            file.unlink(missing_ok=True)
