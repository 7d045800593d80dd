"""What every screen needs: where the studio works, what is live, the folders of this machine."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from striate.data.sources.listing import SUFFIXES, suffix_of
from striate.errors import SourceError
from striate.web.studio.journey import Studio, StudioRoute, query

MOST: Final = 2_000  # folders of one folder that are listed
PATIENCE: Final = 0.7  # seconds in which the folders of a folder are looked into
LOOKED: Final = 5_000  # entries of a folder that are counted


async def state(studio: Studio, request: Request) -> Any:
    """Say where the studio works."""
    return {
        "folder": None if studio.folder is None else str(studio.folder),
        "runs": str(studio.workspace.runs_dir.resolve()),
        "here": str(Path.cwd()),
        "home": str(Path.home()),
        "trainings": studio.trainings.listed(),
    }


async def live(studio: Studio, request: Request) -> Response:
    """Say what happens, as it happens."""
    last = request.headers.get("last-event-id", "")
    return StreamingResponse(studio.live.stream(last), media_type="text/event-stream")


async def folders(studio: Studio, request: Request) -> Any:
    """List the folders of a folder, and say what each looks like."""
    return await asyncio.to_thread(_listed, Path(query(request, "path", str(Path.cwd()))))


def _listed(path: Path) -> dict[str, Any]:
    try:
        path = path.expanduser().resolve()
        entries = sorted(
            (one for one in os.scandir(path) if not one.name.startswith(".") and one.is_dir()),
            key=lambda one: one.name.lower(),
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise SourceError(f"{path} cannot be opened: {getattr(error, 'strerror', None) or error}") from None
    pictures, inside = _counted(path)
    return {
        "path": str(path),
        "parent": None if path.parent == path else str(path.parent),
        "parts": [{"name": part.name or str(part), "path": str(part)} for part in (*reversed(path.parents), path)],
        "pictures": pictures,
        "inside": inside,
        "more": max(0, len(entries) - MOST),
        "folders": [
            {"name": one.name, "path": one.path, "pictures": number, "inside": within}
            for one, (number, within) in zip(entries[:MOST], _each([one.path for one in entries[:MOST]]), strict=True)
        ],
    }


def _each(paths: list[str]) -> Iterator[tuple[int | None, int | None]]:
    """Yield how many pictures and folders each has; None where looking has taken long enough."""
    until = time.monotonic() + PATIENCE
    for path in paths:
        yield _counted(Path(path)) if time.monotonic() < until else (None, None)


def _counted(path: Path) -> tuple[int, int]:
    """Return how many pictures a folder has, by their names, and how many folders; of very many not all are counted."""
    pictures = inside = 0
    try:
        with os.scandir(path) as entries:
            for number, entry in enumerate(entries):
                if number >= LOOKED:
                    break
                if entry.name.startswith("."):
                    continue
                if suffix_of(entry.name) in SUFFIXES:
                    pictures += 1
                elif entry.is_dir():
                    inside += 1
    except OSError:
        pass
    return pictures, inside


ROUTES = (
    StudioRoute("GET", "/api/state", state),
    StudioRoute("GET", "/api/live", live),
    StudioRoute("GET", "/api/folders", folders),
)
