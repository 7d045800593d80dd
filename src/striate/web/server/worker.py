"""A thread with a queue: whatever is queued when it is free is done together. Giving it something never waits."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar, final

_T = TypeVar("_T")


@final
class Worker(Generic[_T]):
    """Calls ``work`` with all that is queued, ``most`` at once (None: all), in a thread called ``name``.

    ``waiting`` is how many may be queued, None: any number. After each call it rests for ``rest`` seconds, so that what
    is in no hurry gathers: waking a thread costs more than writing a line.

    Example: ``Worker(print, name="printer").give(1)``
    """

    def __init__(
        self,
        work: Callable[[list[_T]], None],
        *,
        name: str,
        most: int | None = None,
        waiting: int | None = None,
        rest: float = 0.0,
    ) -> None:
        self._work, self._most, self._waiting, self._rest = work, most, waiting, rest
        self._queue = deque[_T]()
        self._ready = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def give(self, one: _T) -> bool:
        """Queue something, and return whether there was room."""
        with self._ready:
            if self._waiting is not None and len(self._queue) >= self._waiting:
                return False
            self._queue.append(one)
            self._ready.notify()
        return True

    def close(self, patience: float) -> None:
        """Stop, once all that is queued is done; wait at most ``patience`` seconds for it."""
        with self._ready:
            self._closing.set()
            self._ready.notify()
        self._thread.join(patience)

    def _run(self) -> None:
        while True:
            with self._ready:
                while not self._queue and not self._closing.is_set():
                    self._ready.wait()
                if not self._queue:
                    return
                number = len(self._queue) if self._most is None else min(self._most, len(self._queue))
                some = [self._queue.popleft() for _ in range(number)]
            self._work(some)
            if self._rest:
                self._closing.wait(self._rest)
