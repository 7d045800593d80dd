"""Alone: one process at a time fetches something into the cache, and the others wait for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from striate.runs import durable, lock
from striate.verbs.workspace import Tell

_WAIT: Final = 0.5  # seconds between two looks whether another process has it ready


@contextmanager
def alone(path: Path, what: str, tell: Tell) -> Iterator[None]:
    """Let one process at a time fetch ``what``, by a lock at ``path``; ``tell`` hears whom this one waits for.

    Example: ``with alone(Path("cache/.resnet50.lock"), "resnet50", print): fetched = 1``
    """
    with durable.explained(path, f"cannot make the folder {path.parent}", "nothing was changed"):
        path.parent.mkdir(parents=True, exist_ok=True)
    waited = False
    while (held := lock.acquire(path)) is None:
        if not waited:
            tell(f"{what}: waiting for {lock.holder(path) or 'another process'}, which is fetching it")
        waited = True
        time.sleep(_WAIT)
    try:
        yield
    finally:
        held.release()
