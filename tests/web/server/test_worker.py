"""A thread with a queue: all that is queued together, no more than may wait, and the end only once it is done."""

from __future__ import annotations

import io
import json
import threading

from striate.web.server.log import Log
from striate.web.server.worker import Worker


def test_what_is_queued_is_done_together_and_ended_first() -> None:
    done, first, go = list[list[int]](), threading.Event(), threading.Event()

    def work(some: list[int]) -> None:
        done.append(some)
        first.set()
        go.wait(20)

    worker = Worker(work, name="test", most=4, waiting=6)
    assert worker.give(0) and first.wait(20)
    assert [worker.give(number) for number in range(1, 9)] == [True] * 6 + [False] * 2
    go.set()
    worker.close(20)
    assert done == [[0], [1, 2, 3, 4], [5, 6]]


def test_lines_that_nobody_reads_are_counted() -> None:
    class Stuck(io.StringIO):
        def write(self, text: str) -> int:
            begun.set()
            go.wait(20)
            return super().write(text)

    begun, go, stream = threading.Event(), threading.Event(), Stuck()
    log = Log(stream)
    log.say("first")
    assert begun.wait(20)
    for number in range(10_003):
        log.say("request", path=f"/\n\x1b{number}")
    go.set()
    log.close(20)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines[:2]] == ["first", "request"] and len(lines) == 10_002
    assert lines[-1] == {"event": "lines lost", "count": 3} and "\x1b" not in stream.getvalue()
