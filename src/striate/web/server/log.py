"""What a server says of itself: a JSON a line, written by a thread of its own, so that no reader of it can stop us."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import IO, Any, Final, final

from striate.web.server.worker import Worker

_WAITING: Final = 10_000  # lines that are kept while nobody reads them
_REST: Final = 0.05  # seconds between two writings


@final
class Log:
    """Lines of JSON to a stream. A name in them cannot be a line of its own, nor an escape: it is JSON in ASCII."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream
        self._lost = self._told = 0  # the one is counted by who says, the other by who writes
        self._worker = Worker(self._write, name="striate-log", waiting=_WAITING, rest=_REST)

    def say(self, event: str, **facts: Any) -> None:
        """Say that something happened, with facts ready for JSON; never waits."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        if not self._worker.give(
            json.dumps({"time": now, "event": event, **facts}, separators=(",", ":"), default=str)
        ):
            self._lost += 1

    def close(self, patience: float = 1.0) -> None:
        """Stop, once all is written, or nobody reads it for ``patience`` seconds."""
        self._worker.close(patience)

    def _write(self, lines: list[str]) -> None:
        if lost := self._lost - self._told:
            self._told += lost
            lines.append(json.dumps({"event": "lines lost", "count": lost}))
        stream = self._stream or sys.stderr
        try:
            stream.write("\n".join(lines) + "\n")
            stream.flush()
        except (OSError, ValueError):  # closed, or full: the server goes on
            return
