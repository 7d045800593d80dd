"""What a journey is made of: routes that stand on verbs, and questions that take a process of their own."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from striate.verbs.workspace import Workspace
from striate.web.server.admission import Refused

if TYPE_CHECKING:
    from striate.web.studio.albums import Albums
    from striate.web.studio.live import Live
    from striate.web.studio.questions import Questions
    from striate.web.studio.thumbnails import Thumbnails
    from striate.web.studio.trainings import Trainings

BODY: Final = 1_000_000  # bytes of a command
LARGEST: Final = 64_000_000  # bytes of a picture
LOOK: Final = 0.3  # seconds between two looks at whether somebody still waits
_Found = TypeVar("_Found")
_Command = TypeVar("_Command", bound="Command")


@dataclass(frozen=True, eq=False)
class Studio:
    """What every route works with.

    ``folder`` is the one that was named when it was started, ``state`` where the studio keeps what is its own.
    """

    folder: Path | None
    workspace: Workspace
    state: Path
    live: Live
    trainings: Trainings
    questions: Questions
    albums: Albums
    thumbnails: Thumbnails


Does: TypeAlias = Callable[[Studio, Request], Awaitable[Any]]
Progress: TypeAlias = Callable[[str, int, int], None]
Answers: TypeAlias = Callable[[Workspace, Mapping[str, Any]], Any]
"""What answers a question in a process of its own: from its arguments, as JSON, to what JSON can say."""


@dataclass(frozen=True)
class StudioRoute:
    """What is done for a ``method`` (GET to be told something, POST to have something done) and a ``path``.

    ``does`` returns a response, or what is said as JSON; None is nothing to say.
    """

    method: str
    path: str
    does: Does


class Command(BaseModel):
    """What a POST says, as JSON: the fields of a subclass and no others."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


async def told(request: Request, kind: type[_Command], *, most: int = BODY) -> _Command:
    """Return what a request says. Errors: Refused: 400 for what is not that, 413, 415."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Refused(415, "a command is JSON: content-type: application/json")
    held = bytearray()
    try:
        async for piece in request.stream():
            held += piece
            if len(held) > most:
                raise Refused(413, f"over {most:,} bytes, the most of a command", headers={"connection": "close"})
    except ClientDisconnect:
        raise Refused(400, "the request broke off") from None
    try:
        # Lists are lists in JSON; what is a tuple here is one there.
        return kind.model_validate_json(bytes(held))
    except ValidationError as error:
        first = error.errors()[0]
        raise Refused(400, f"{'.'.join(map(str, first['loc'])) or 'command'}: {first['msg']}") from None


async def picture_sent(request: Request, called: str) -> bytes:
    """Return the picture that is the body of a request, as its bytes. Errors: Refused: 400, 413, 415."""
    if not request.headers.get("content-type", "").startswith("image/"):
        raise Refused(415, "a picture is wanted: content-type: image/...")
    held = bytearray()
    try:
        async for piece in request.stream():
            held += piece
            if len(held) > LARGEST:
                raise Refused(413, f"{called[:100]} has over {LARGEST:,} bytes", headers={"connection": "close"})
    except ClientDisconnect:
        raise Refused(400, "the request broke off") from None
    return bytes(held)


async def while_wanted(request: Request, answer: Awaitable[_Found]) -> _Found:
    """Return an answer; whoever asked for it and goes away ends the work. Errors: Refused, for nobody to read.

    The body of the request has been read before.
    """
    work = asyncio.ensure_future(answer)
    try:
        while not (await asyncio.wait({work}, timeout=LOOK))[0]:
            if await request.is_disconnected():
                raise Refused(499, "nobody waits for it any more")
        return work.result()
    finally:
        work.cancel()


def query(request: Request, name: str, usual: str | None = None) -> str:
    """Return a word of the address. Errors: Refused (400) where it has to be there."""
    said = request.query_params.get(name, usual)
    if said is None:
        raise Refused(400, f"{name}= is missing in the address")
    return said


def number(request: Request, name: str, usual: int, most: int) -> int:
    """Return a whole number of the address, 0 to ``most``. Errors: Refused (400)."""
    said = request.query_params.get(name, str(usual))
    if not (said.isascii() and said.isdecimal() and len(said) < 10 and int(said) <= most):
        raise Refused(400, f"{name}={said[:20]}: it is a whole number from 0 to {most:,}")
    return int(said)


def folder_of(request: Request) -> Path:
    """Return the folder that an address names. Errors: Refused (400, 404)."""
    return checked_folder(query(request, "folder"))


def checked_folder(said: str) -> Path:
    """Return a folder by its whole path. Errors: Refused (400, 404)."""
    if "\0" in said or not Path(said).is_absolute():
        raise Refused(400, f"{said[:200]!r} is no whole path of a folder")
    if not Path(said).is_dir():
        raise Refused(404, f"there is no folder {said[:300]}")
    return Path(said)


def json_of(value: Any, status: int = 200) -> Response:
    """Return JSON, inert wherever it is shown."""
    said = json.dumps(value, allow_nan=False).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Response(said, status, media_type="application/json")


def command_text(studio: Studio, *words: str) -> str:
    """Return a command as a person types it in the folder that the studio was started in: ``striate train 'a b'``."""
    return shlex.join(("striate", *map(typed, words), *runs_words(studio, words)))


def typed(word: str) -> str:
    """Return a path as a person types it in the folder that the studio was started in: from there, where it is below.

    Example: ``typed("--epochs")`` is ``"--epochs"``
    """
    here = Path.cwd()
    return str(Path(word).relative_to(here)) if word.startswith(f"{here}{os.sep}") else word


def runs_words(studio: Studio, words: Sequence[str]) -> tuple[str, ...]:
    """Return how a command is told where the runs are, where that is not where it looks by itself."""
    usual = Path("runs").resolve() == studio.workspace.runs_dir.resolve() or "--runs-dir" in words
    return () if usual else ("--runs-dir", str(studio.workspace.runs_dir))
