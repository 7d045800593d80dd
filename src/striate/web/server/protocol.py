"""HTTP of clients that are slow, or never end: cut off. On uvicorn's httptools, which has no such bounds of its own."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADERS: Final = 32_768  # bytes of a request's line and headers
_FULL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-type: application/json\r\ncontent-length: 38\r\n"
    b'connection: close\r\n\r\n{"error":"busy: too many connections"}'
)
_LONG: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


def protocol(*, slow: float, most: int) -> type[HttpToolsProtocol]:
    """Return a protocol that gives a request ``slow`` seconds to come whole, and its answer as many to be taken.

    Above ``most`` connections, a further one is answered 503 and closed.
    """

    class Bounded(HttpToolsProtocol):
        """One connection."""

        _timer: asyncio.TimerHandle | None = None
        _heading = 0  # bytes of a request whose headers are not whole yet
        _reading = True  # whether a request is not whole yet

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > most:
                transport.write(_FULL)
                transport.close()
                return
            self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._rest()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self.transport.is_closing():
                return
            if self._reading and self._heading >= 0:
                self._heading += len(data)
            super().data_received(data)
            if self._heading > HEADERS and not self.transport.is_closing():
                self.transport.write(_LONG)
                self.transport.close()

        def on_message_begin(self) -> None:
            self._reading, self._heading = True, max(self._heading, 0)
            if self._timer is None:
                self._wait()
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._heading = -1  # what follows is counted by whoever reads it
            super().on_headers_complete()

        def on_message_complete(self) -> None:
            self._reading, self._heading = False, 0
            self._rest()
            super().on_message_complete()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.transport.get_write_buffer_size():
                self._wait()

        def _wait(self) -> None:
            self._rest()
            self._timer = self.loop.call_later(slow, self._cut)

        def _rest(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _cut(self) -> None:
            self._timer = None
            if self._reading or self.transport.get_write_buffer_size():
                self.transport.abort()

    found: type[Any] = Bounded
    return found
