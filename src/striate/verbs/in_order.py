"""In order: what threads make of many things, handed on in the order of the things, a few ahead of who asks."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")
AHEAD: Final = 4  # times as many as there are threads are begun before the first is asked for


def in_order(items: Iterable[Item], make: Callable[[Item], Made], *, name: str) -> Iterator[tuple[Item, Made]]:
    """Yield each item and what ``make`` made of it, by a thread a core; ``name`` is what the threads are called.

    Whoever stops asking waits for no more than is under way. What ``make`` raises is raised where its item is due.

    >>> [made for _, made in in_order([1, 2, 3], lambda number: number * number, name="squares")]
    [1, 4, 9]
    """
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    ready: deque[tuple[Item, Future[Made]]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix=name) as pool:
        try:
            for item in items:
                ready.append((item, pool.submit(make, item)))
                if len(ready) > AHEAD * threads:
                    first, future = ready.popleft()
                    yield first, future.result()
            while ready:
                first, future = ready.popleft()
                yield first, future.result()
        finally:
            pool.shutdown(cancel_futures=True)
