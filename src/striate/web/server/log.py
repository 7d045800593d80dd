"""What a server says of itself: a JSON a line, written by a thread of its own, so that no reader of it can stop us."""

from __future__ import annotations

import json
import sys
import threading
from collections import deque
from datetime import UTC, datetime
from typing import IO, Any, Final, final

_WAITING: Final = 10_000  # lines that are kept while nobody reads them


@final
class Log:
    """Lines of JSON to a stream. A name in them cannot be a line of its own, nor an escape: it is JSON in ASCII."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream
        self._lines = deque[str]()
        self._ready = threading.Condition()
        self._closing, self._lost = False, 0
        self._thread = threading.Thread(target=self._work, name="striate-log", daemon=True)
        self._thread.start()

    def say(self, event: str, **facts: Any) -> None:
        """Say that something happened, with facts ready for JSON; never waits."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "event": event, **facts}, separators=(",", ":"), default=str)
        with self._ready:
            if len(self._lines) >= _WAITING:
                self._lost += 1
                return
            self._lines.append(line)
            self._ready.notify()

    def close(self, patience: float = 1.0) -> None:
        """Stop, once all is written, or nobody reads it for ``patience`` seconds."""
        with self._ready:
            self._closing = True
            self._ready.notify()
        self._thread.join(patience)

    def _work(self) -> None:
        while True:
            with self._ready:
                while not self._lines and not self._closing:
                    self._ready.wait()
                if not self._lines:
                    return
                lines, lost = list(self._lines), self._lost
                self._lines.clear()
                self._lost = 0
            if lost:
                lines.append(json.dumps({"event": "lines lost", "count": lost}))
            stream = self._stream or sys.stderr
            try:
                stream.write("\n".join(lines) + "\n")
                stream.flush()
            except (OSError, ValueError):  # closed, or full: the server goes on
                continue
