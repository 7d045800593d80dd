"""Pictures: a folder's classes with their counts and samples, each picture small or large."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from striate.data.sources.items import FolderSource, Source, file_header
from striate.errors import PictureError, SourceError
from striate.tasks.table import task_for
from striate.web.server.admission import Refused
from striate.web.studio.albums import Album, is_folder
from striate.web.studio.journey import Studio, StudioRoute, command_text, number, query
from striate.web.studio.thumbnails import LARGE, SMALL, kind_of_drawn

LOOKED: Final = 24  # pictures of a class whose sizes are looked at
SAMPLES: Final = 8  # pictures of a class that are shown at once
MOST: Final = 5_000  # keys of one answer


async def overview(studio: Studio, request: Request) -> Any:
    """Say what is in a folder: every class with its number and samples, and what all have in common."""
    folder = query(request, "folder")
    return await asyncio.to_thread(_overview, studio, folder)


def _overview(studio: Studio, folder: str) -> dict[str, Any]:
    album = studio.albums.get(folder, fresh=True)
    source, mended = album.source, album.mended
    task = task_for(source.kind)
    try:
        facts = source.facts()
    except SourceError as error:
        raise SourceError(f"{folder}: {error}") from None
    parts: dict[str, int] = {}
    for item in source.items:
        if item.split:
            parts[item.split] = parts.get(item.split, 0) + 1
    names = mended.label_names if _classes(album) else ()
    return {
        "folder": folder,
        "name": source.name,
        "pictures": len(mended.items),
        "before": len(source.items),
        "kind": source.kind,
        "task": task.name,
        "noun": task.noun,
        "names": list(mended.label_names),
        "classes": [
            {"name": name, "pictures": len(keys), "samples": _spread(keys), "sizes": _sizes(album, keys)}
            for name, keys in zip(names, album.by_class, strict=True)
        ],
        "samples": [] if names else _spread([item.key for item in mended.items], 24),
        "parts": parts,
        "size": {"common": facts.common_size, "median": facts.median_size, "gray": facts.gray},
        "rejected": [{"key": one.key, "reason": one.reason, "bad": one.bad} for one in source.rejected[:200]],
        "bad": sum(one.bad for one in source.rejected),
        "passed_over": len(source.passed_over),
        "notes": list(source.notes),
        "decided": None if mended.mending is None else mended.mending.said(),
        "collected": Path(folder).parent == (studio.state / "pictures").resolve(),
        "can_decide": is_folder(source) and _classes(album),
        "command": command_text(studio, "doctor", folder),
    }


async def keys(studio: Studio, request: Request) -> Any:
    """List the pictures of a class, some at a time."""
    folder, name = query(request, "folder"), request.query_params.get("class")
    begin, count = number(request, "from", 0, 10**9), number(request, "most", MOST, MOST)
    album = await asyncio.to_thread(studio.albums.get, folder)
    if name is None:
        found = [item.key for item in album.mended.items]
    else:
        if name not in album.mended.label_names or not _classes(album):
            raise Refused(404, f"there is no class {name[:100]!r} in {folder}")
        found = album.by_class[album.mended.label_names.index(name)]
    return {"keys": found[begin : begin + count], "of": len(found)}


async def thumbnail(studio: Studio, request: Request) -> Response:
    """Show a picture, small, or as large as a screen."""
    folder, key = query(request, "folder"), query(request, "key")
    album = await asyncio.to_thread(studio.albums.get, folder)
    row = album.rows.get(key)
    if row is None:
        raise Refused(404, "there is no such picture in that folder")
    return await picture_shown(studio, request, album.source, row)


async def picture_shown(studio: Studio, request: Request, source: Source, row: int) -> Response:
    """Return a picture of a source, small or ``large=``; 304 where the browser has it. Errors: Refused (422)."""
    side = LARGE if request.query_params.get("large") else SMALL
    tag = f'"{hashlib.blake2b(source.stamp(row).encode(errors="surrogatepass"), digest_size=12).hexdigest()}-{side}"'
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if request.headers.get("if-none-match") == tag:  # it has not changed: nothing is drawn
        return Response(status_code=304, headers=headers)
    try:
        content = await asyncio.to_thread(studio.thumbnails.get, source, row, side)
    except PictureError as error:
        raise Refused(422, f"{source.items[row].key[:200]} {error}") from None
    return Response(content, media_type=kind_of_drawn(content), headers=headers)


def _classes(album: Album) -> bool:
    return bool(album.mended.items) and all(isinstance(item.target, int) for item in album.mended.items[:50])


def _sizes(album: Album, keys: list[str]) -> list[int] | None:
    """Return the narrowest and the widest, the lowest and the tallest of some pictures of a class, in pixels."""
    source = album.source
    if not isinstance(source, FolderSource):
        return None
    found = []
    for key in _spread(keys, LOOKED):
        with suppress(PictureError):
            found.append(file_header(source.path(album.rows[key])))
    if not found:
        return None
    wide, tall = [one.width for one in found], [one.height for one in found]
    return [min(wide), max(wide), min(tall), max(tall)]


def _spread(keys: list[str], most: int = SAMPLES) -> list[str]:
    """Return some of the keys, spread evenly."""
    step = max(1, len(keys) // most)
    return keys[::step][:most]


ROUTES = (
    StudioRoute("GET", "/api/pictures", overview),
    StudioRoute("GET", "/api/pictures/keys", keys),
    StudioRoute("GET", "/picture", thumbnail),
)
