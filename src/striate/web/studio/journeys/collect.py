"""Collect: a folder of pictures made here, class by class, of what a person drops or their camera sees."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request

from striate.data.labels.classes import is_text
from striate.data.pictures.image import header
from striate.errors import PictureError, SourceError
from striate.runs import durable
from striate.web.server.admission import Refused
from striate.web.studio.journey import Command, Studio, StudioRoute, picture_sent, query, told

PICTURES: Final = "pictures"  # the folder of what was collected, within the studio's own
LONGEST: Final = 100  # characters of a name
_ENDINGS: Final = {"JPEG": "jpg", "TIFF": "tif", "HEIF": "heic"}  # of others their form in small letters
WITHOUT: Final = '/ \\ : * ? " < > |'
_PLAIN: Final = re.compile(r'[^\x00-\x1f\x7f/\\:*?"<>|]+')


class Begin(Command):
    """A collection to begin, by its name."""

    name: str


class Class(Command):
    """A class of a collection; ``key`` is one picture of it."""

    folder: str
    name: str
    key: str | None = None


async def collections(studio: Studio, request: Request) -> Any:
    """List what was collected here."""
    root = studio.state / PICTURES
    found = sorted(one for one in root.iterdir() if one.is_dir()) if root.is_dir() else []
    return {"collections": [_described(one) for one in found]}


async def begin(studio: Studio, request: Request) -> Any:
    """Begin a collection: an empty folder."""
    name = _checked((await told(request, Begin)).name)
    folder = studio.state / PICTURES / name
    if folder.exists():
        raise SourceError(f"there is a collection {name!r} already; take it, or say another name")
    durable.make_parents(folder.parent)
    folder.mkdir(parents=True)
    return _described(folder)


async def one(studio: Studio, request: Request) -> Any:
    """Say what a collection holds."""
    return _described(_own(studio, query(request, "folder")))


async def add(studio: Studio, request: Request) -> Any:
    """Put a picture, the body of the request, into a class."""
    folder = _own(studio, query(request, "folder"))
    name, called = _checked(query(request, "class")), query(request, "called", "")
    content = await picture_sent(request, called)
    key = await asyncio.to_thread(_kept, folder / name, content, called)
    studio.albums.forget(str(folder))
    return {"key": f"{name}/{key}"}


def _kept(folder: Path, content: bytes, called: str) -> str:
    try:
        form = header(content).format
    except PictureError as error:
        raise PictureError(f"{called[:100] or 'it'} {error}") from None
    folder.mkdir(exist_ok=True)
    ending = _ENDINGS.get(form, form.lower())
    stem = "".join(_PLAIN.findall(Path(called).stem))[:60].strip(". ") or "picture"
    path = folder / f"{stem}.{ending}"
    while path.exists():
        path = folder / f"{stem}-{secrets.token_hex(3)}.{ending}"
    durable.write(path, content)
    return path.name


async def remove(studio: Studio, request: Request) -> Any:
    """Take a picture, or a whole class, out of a collection."""
    wish = await told(request, Class)
    folder = _own(studio, wish.folder)
    place = folder / _checked(wish.name)
    if wish.key is not None:
        durable.remove(place / _checked(wish.key.rpartition("/")[2]))
    elif place.is_dir():
        shutil.rmtree(place)
    studio.albums.forget(str(folder))
    return _described(folder)


def _own(studio: Studio, said: str) -> Path:
    """Return the folder of a collection. Errors: Refused (403): nothing else is ever written to."""
    root = (studio.state / PICTURES).resolve()
    folder = Path(said)
    if "\0" in said or folder.parent != root or not folder.is_dir() or folder.is_symlink():
        raise Refused(403, "this folder was not made here, and is only read")
    return folder


def _checked(name: str) -> str:
    """Return a name of a class or a collection. Errors: SourceError for what no folder can be called."""
    name = name.strip()
    if not _PLAIN.fullmatch(name) or name.startswith(".") or name.endswith(".") or len(name) > LONGEST:
        raise SourceError(f"{name[:60]!r}: a name has 1 to {LONGEST} characters, without {WITHOUT} and no dot first")
    if not is_text(name):
        raise SourceError("a name is text")
    return name


def _described(folder: Path) -> dict[str, Any]:
    names = sorted(one for one in folder.iterdir() if one.is_dir())
    keys = {one.name: sorted(file.name for file in one.iterdir() if not file.name.startswith(".")) for one in names}
    return {
        "folder": str(folder.resolve()),
        "name": folder.name,
        "classes": [{"name": name, "keys": [f"{name}/{key}" for key in files]} for name, files in keys.items()],
        "pictures": sum(map(len, keys.values())),
    }


ROUTES = (
    StudioRoute("GET", "/api/collect/all", collections),
    StudioRoute("POST", "/api/collect/begin", begin),
    StudioRoute("GET", "/api/collect", one),
    StudioRoute("POST", "/api/collect/add", add),
    StudioRoute("POST", "/api/collect/remove", remove),
)
