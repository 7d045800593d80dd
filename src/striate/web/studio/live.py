"""What is live: said once, heard by every page that is open, and again by one that was away for a moment."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Final, final

from striate.runs.history import plain

KEPT: Final = 2_000  # messages that a page which was away may still be given
WAITING: Final = 1_000  # messages that wait for a page that does not read; it then has to come again
BEAT: Final = 15.0  # seconds of silence after which a sign of life is sent


@final
class Live:
    """One stream of messages to all pages, as server-sent events (WHATWG HTML, 9.2), in one event loop.

    A message has a number. Who comes again with the last number it has heard is given what it missed; where that is not
    known any more (the server was started anew), it is told ``again`` and asks for everything.
    """

    def __init__(self, *, beat: float = BEAT) -> None:
        self._beat = beat
        self._since = secrets.token_hex(4)  # a number of another start is none of this one
        self._number = 0
        self._kept: deque[tuple[int, str]] = deque(maxlen=KEPT)
        self._pages: set[asyncio.Queue[str | None]] = set()

    def say(self, kind: str, **facts: Any) -> None:
        """Say something to every page."""
        self._number += 1
        text = self._message(kind, facts)
        self._kept.append((self._number, text))
        for page in list(self._pages):
            if page.qsize() >= WAITING:
                self._pages.discard(page)
                page.put_nowait(None)
            else:
                page.put_nowait(text)

    async def stream(self, last: str = "") -> AsyncIterator[str]:
        """Yield all that is said from now on, and before it what a page missed since the number it heard ``last``."""
        page: asyncio.Queue[str | None] = asyncio.Queue()
        since, _, number = last.partition(".")
        missed = [text for known, text in self._kept if number.isdecimal() and known > int(number)]
        gone = self._number - len(self._kept)  # the newest that is not kept any more
        fine = since == self._since and number.isdecimal() and gone <= int(number) <= self._number
        self._pages.add(page)
        try:
            yield "retry: 1000\n\n"
            if fine:
                for text in missed:
                    yield text
            else:
                yield self._message("again", {})
            while True:
                try:
                    said = await asyncio.wait_for(page.get(), self._beat)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if said is None:
                    return
                yield said
        finally:
            self._pages.discard(page)

    def close(self) -> None:
        """End every stream."""
        for page in list(self._pages):
            page.put_nowait(None)

    def _message(self, kind: str, facts: dict[str, Any]) -> str:
        data = json.dumps(plain(facts), allow_nan=False)
        return f"id: {self._since}.{self._number}\nevent: {kind}\ndata: {data}\n\n"
