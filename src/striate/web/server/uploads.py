"""What a request brings: counted while it comes, held in memory, never written anywhere, never served back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser
from starlette.requests import ClientDisconnect

from striate.web.server.admission import Refused, Ticket

if TYPE_CHECKING:
    from starlette.requests import Request

    from striate.web.server.settings import Settings

_HEADERS: Final = 4_096  # bytes of the headers of a part
_BOUNDARY: Final = re.compile(r'boundary=(?:"([^"]{1,70})"|([^\s;,"]{1,70}))', re.IGNORECASE)
# A body of these is bytes of a picture as they are; a browser may say nothing, curl says the second by itself.
_RAW: Final = ("", "application/octet-stream", "application/x-www-form-urlencoded")


async def body_of(request: Request, ticket: Ticket, limit: int) -> bytes:
    """Return a request's body of at most ``limit`` bytes, held by its ticket. Errors: Refused (400, 413, 503)."""
    _check_length(request, ticket, limit)
    held = bytearray()
    try:
        async for piece in request.stream():
            if len(held) + len(piece) > limit:
                raise _too_large(limit)
            ticket.hold(len(piece))
            held += piece
    except ClientDisconnect:
        raise Refused(400, "the request broke off") from None
    return bytes(held)


async def pictures_of(request: Request, ticket: Ticket, settings: Settings) -> tuple[list[bytes], bool]:
    """Return the files of the pictures that a request brings, and whether it could have brought several.

    A body is the bytes of one picture; of ``multipart/form-data`` every part with a file's name, or called ``picture``
    or ``file``, is one. What a part is called is read for that and kept nowhere.

    Errors: Refused: 400 for what does not read, 413 for too many bytes or parts, 415 for another kind, 503.
    """
    kind, _, rest = request.headers.get("content-type", "").partition(";")
    kind = kind.strip().lower()
    if kind == "multipart/form-data":
        return await _parts(request, rest, ticket, settings), True
    if kind not in _RAW and not kind.startswith("image/"):
        raise Refused(
            415, f"content-type {kind[:60]!r}: send the bytes of a picture (image/...), or multipart/form-data"
        )
    content = await body_of(request, ticket, settings.upload)
    if not content:
        raise Refused(400, "the body is empty; send the bytes of a picture")
    return [content], False


def _check_length(request: Request, ticket: Ticket, limit: int) -> None:
    """Refuse a length that is too large, or finds no room, before a byte of it is read."""
    said = request.headers.get("content-length", "")
    if said.isdecimal():
        if int(said) > limit:
            raise _too_large(limit)
        ticket.hold(int(said))
        ticket.release(int(said))


def _too_large(limit: int) -> Refused:
    return Refused(413, f"over {limit:,} bytes, the most that is taken at once", headers={"connection": "close"})


class _Files:
    """The files of a form as its parser finds them."""

    def __init__(self, most: int) -> None:
        self.most, self.parts = most, 0
        self.files: list[bytes] = []
        self._part: bytearray | None = None
        self._name = self._value = b""
        self._size = 0
        self.done = False

    def begin(self) -> None:
        self.parts += 1
        if self.parts > self.most:
            raise Refused(413, f"over {self.most} parts, the most of one request", headers={"connection": "close"})
        self._part, self._name, self._value, self._size = None, b"", b"", 0

    def field(self, data: bytes, start: int, end: int) -> None:
        self._grow(end - start)
        self._name += data[start:end]

    def value(self, data: bytes, start: int, end: int) -> None:
        self._grow(end - start)
        self._value += data[start:end]

    def _grow(self, count: int) -> None:
        self._size += count
        if self._size > _HEADERS:
            raise Refused(400, f"the headers of part {self.parts} have over {_HEADERS:,} bytes")

    def header(self) -> None:
        if self._name.lower() == b"content-disposition":
            said = self._value.lower()
            if b"filename=" in said or b"filename*=" in said or re.search(rb'name="?(picture|file)s?"?(;|$)', said):
                self._part = bytearray()
        self._name = self._value = b""

    def data(self, data: bytes, start: int, end: int) -> None:
        if self._part is not None:
            self._part += data[start:end]

    def end(self) -> None:
        if self._part is not None:
            self.files.append(bytes(self._part))
            self._part = None

    def finish(self) -> None:
        self.done = True


async def _parts(request: Request, rest: str, ticket: Ticket, settings: Settings) -> list[bytes]:
    found = _BOUNDARY.search(rest[:300])
    if found is None:
        raise Refused(400, "multipart/form-data without a boundary of 1 to 70 characters")
    _check_length(request, ticket, settings.upload)
    files, total = _Files(settings.parts), 0
    calls: dict[str, Any] = {
        "on_part_begin": files.begin,
        "on_part_data": files.data,
        "on_part_end": files.end,
        "on_header_field": files.field,
        "on_header_value": files.value,
        "on_header_end": files.header,
        "on_end": files.finish,
    }
    try:
        parser = MultipartParser((found[1] or found[2]).encode("latin-1"), calls)  # type: ignore[arg-type]
        async for piece in request.stream():
            total += len(piece)
            if total > settings.upload:
                raise _too_large(settings.upload)
            ticket.hold(len(piece))
            if files.done:  # what stands behind the last boundary is of no form
                continue
            parser.write(piece)
    except ClientDisconnect:
        raise Refused(400, "the request broke off") from None
    except MultipartParseError as error:
        raise Refused(400, f"the form does not read: {str(error)[:120]}") from None
    if not files.done:
        raise Refused(400, "the form is cut short: its last boundary is not there")
    if not files.files:
        raise Refused(400, "no part of the form is a picture; call it picture: curl -F picture=@cat.jpg")
    if any(not content for content in files.files):
        raise Refused(400, "a part of the form is empty; each is the bytes of a picture")
    return files.files
