"""`striate train --json`: what happens as JSON, an object a line, for a program that watches."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from striate.runs.history import plain
from striate.session.train_text import plan_text, result_text
from striate.verbs.events import Event, Finished, Finishing, FoldDone, Folding, Planned
from striate.verbs.foresee import plan_facts

if TYPE_CHECKING:
    from striate.runs.run import RunDirectory

SELDOM: Final = 0.25  # seconds between two lines of what is told often


class JsonLines:
    """A training as lines of JSON on standard output, each with ``event`` and ``time`` (seconds since 1970).

    ``progress``: what is done before it, how far, of how much. ``said``: a sentence. ``planned``, ``step``, ``epoch``,
    ``recovered``, ``batch-split``, ``fold``, ``folding``, ``finishing``: as of `striate.verbs.events`. The last is
    ``finished``, ``stopped`` (``go_on`` is the command that goes on) or ``failed`` (``error`` in a sentence).
    """

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def say(self, event: str, **facts: Any) -> None:
        """Print a line."""
        line = json.dumps(plain({"event": event, "time": round(time.time(), 2), **facts}), allow_nan=False)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def progress(self, what: str, done: int, of: int) -> None:
        """Say how far something is; not more often than a person could read."""
        if done >= of or self._due("progress"):
            self.say("progress", what=what, done=done, of=of)

    def tell(self, sentence: str) -> None:
        """Say a sentence."""
        self.say("said", text=sentence)

    def show(self, event: Event) -> None:
        """Say one event of a training."""
        if isinstance(event, Planned):
            self.say("planned", **_planned(event))
        elif isinstance(event, Folding):
            if self._due("folding"):
                self.say("folding", done=event.done, words=event.words)
        elif isinstance(event, FoldDone):
            self.say("fold", **asdict(event))
        elif isinstance(event, Finishing):
            self.say("finishing")
        elif isinstance(event, Finished):
            found = event.evaluation.found.headline if event.evaluation.keys else None
            self.say(
                "finished",
                run=event.run.name,
                seconds=event.seconds,
                figure=None if found is None else found.exactly(),
                verdict=None if found is None else event.evaluation.verdict.text,
                words=result_text(event).split("\n"),
            )
        else:
            self._learning(event)

    def clear(self) -> None:
        """Nothing moves here."""

    def go_on(self, run: RunDirectory) -> str:
        """Return what a person types to go on with a run."""
        return f"striate train --resume {run.name}"

    def _learning(self, event: Event) -> None:
        """Say what happens while it trains; torch is there by then."""
        from striate.engine.fit import BatchSplit, Epoch, Recovered, Step

        if isinstance(event, Step):
            if event.step >= event.steps or self._due("step"):
                self.say("step", **asdict(event))
        elif isinstance(event, Epoch):
            self.say("epoch", **asdict(event))
        elif isinstance(event, Recovered):
            self.say("recovered", **asdict(event))
        elif isinstance(event, BatchSplit):
            self.say("batch-split", **asdict(event))

    def _due(self, what: str) -> bool:
        now = time.monotonic()
        if now - self._told.get(what, -SELDOM) < SELDOM:
            return False
        self._told[what] = now
        return True


def _planned(event: Planned) -> dict[str, Any]:
    return {
        "run": event.run.name,
        "folder": str(event.run.path),
        "done": event.done,
        **plan_facts(event.prepared),
        "device": event.device,
        "words": plan_text(event).split("\n"),
    }
