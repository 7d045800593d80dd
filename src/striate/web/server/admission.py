"""Who is let in: how many pictures and bytes are under way at once. All of it in the thread of the event loop."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import TracebackType
from typing import final


class Refused(Exception):  # noqa: N818  it is not a failure of ours
    """A request that is answered with a ``status`` and a reason; ``retry`` seconds later it may be taken."""

    def __init__(self, status: int, reason: str, *, retry: float | None = None, headers: dict[str, str] | None = None):
        super().__init__(reason)
        self.status, self.reason, self.retry, self.headers = status, reason, retry, headers or {}

    def all_headers(self) -> dict[str, str]:
        """Return its headers, with when to try again."""
        return self.headers if self.retry is None else {**self.headers, "retry-after": str(max(1, round(self.retry)))}


@final
@dataclass
class Admission:
    """How much is under way, of how much may be: ``pictures`` and ``bytes``, and their bounds.

    Example: ``Admission(most=64, most_bytes=10**8).enter().close()``
    """

    most: int
    most_bytes: int
    pictures: int = 0
    bytes: int = 0
    refused: int = field(default=0)

    def enter(self) -> Ticket:
        """Return a ticket for one picture. Errors: Refused (503) where as many are under way as may be."""
        ticket = Ticket(self)
        ticket.more(1)
        return ticket

    def check(self, pictures: int = 1) -> None:
        """Take nothing, and say whether so many could be taken. Errors: Refused (503)."""
        if self.pictures + pictures > self.most:
            raise self.busy(f"{self.pictures} pictures are under way, of {self.most} at most")

    def busy(self, what: str) -> Refused:
        """Return that there is no room."""
        self.refused += 1
        return Refused(503, f"busy: {what}; try again", retry=1)


@final
class Ticket:
    """What one request has under way; closed when it is answered."""

    def __init__(self, admission: Admission) -> None:
        self._all, self.pictures, self.bytes = admission, 0, 0

    def more(self, pictures: int) -> None:
        """Take more pictures. Errors: Refused: 503; 413 for more than ever find room, which no waiting mends."""
        if self.pictures + pictures > self._all.most:
            raise Refused(
                413, f"{self.pictures + pictures} pictures in one request, and {self._all.most} at most are under way"
            )
        self._all.check(pictures)
        self._all.pictures += pictures
        self.pictures += pictures

    def hold(self, count: int) -> None:
        """Hold more bytes. Errors: Refused (503)."""
        if self._all.bytes + count > self._all.most_bytes:
            raise self._all.busy(f"{self._all.bytes:,} bytes are held, of {self._all.most_bytes:,} at most")
        self._all.bytes += count
        self.bytes += count

    def release(self, count: int) -> None:
        """Give back some of the bytes."""
        self._all.bytes -= count
        self.bytes -= count

    def close(self) -> None:
        """Give back all of it; a second time nothing."""
        self._all.pictures -= self.pictures
        self._all.bytes -= self.bytes
        self.pictures = self.bytes = 0

    def __enter__(self) -> Ticket:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
