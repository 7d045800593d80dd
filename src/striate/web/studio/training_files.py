"""What a training of the queue has on the disk, and what is known of it by that: plain files, read anew by any start.

studio/trainings/0007/
asked.json      the words behind ``striate train``, when, and what it is called
lock            held by the process that trains
process.json    which process that is
events.jsonl    what it says (``striate train --json``)
errors.txt      what it says on standard error
ended.json      what it came to, once it is over
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from striate import files
from striate.runs import durable
from striate.runs.lock import holder

ASKED, LOCK, PROCESS, EVENTS, ERRORS, ENDED = (
    "asked.json", "lock", "process.json", "events.jsonl", "errors.txt", "ended.json",
)  # fmt: skip
OVER: Final = ("finished", "stopped", "failed")
STEPS: Final = 600  # of the latest steps, kept for a page that is opened
_PIECE: Final = 1 << 22


@dataclass
class TrainingState:
    """A training of the queue, as its files say.

    ``state`` is waiting, starting, preparing, learning, measuring, finishing; or finished, stopped, failed. ``epochs``
    are lines of its history, ``steps`` (epoch, loss) of late; ``share`` is how much of it is done, None where unknown.
    """

    id: str
    folder: Path
    words: tuple[str, ...]
    title: str
    asked: float
    state: str = "waiting"
    began: float | None = None
    ended: float | None = None
    run: str | None = None
    phase: str = ""
    share: float | None = None
    seconds_left: float | None = None
    speed: float | None = None
    planned: dict[str, Any] = field(default_factory=dict)
    epochs: list[dict[str, Any]] = field(default_factory=list)
    steps: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=STEPS))
    said: list[str] = field(default_factory=list)
    figure: str | None = None
    verdict: str | None = None
    result: list[str] = field(default_factory=list)
    error: str | None = None
    stopping: bool = False
    offset: int = 0

    @property
    def over(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.state in OVER

    def alive(self) -> bool:
        """Whether a process trains it."""
        return holder(self.folder / LOCK) is not None

    def brief(self) -> dict[str, Any]:
        """Return what a list shows of it."""
        last = self.epochs[-1] if self.epochs else {}
        return {
            "id": self.id,
            "title": self.title,
            "words": list(self.words),
            "state": self.state,
            "asked": self.asked,
            "began": self.began,
            "ended": self.ended,
            "run": self.run,
            "phase": self.phase,
            "share": self.share,
            "seconds_left": self.seconds_left,
            "speed": self.speed,
            "epoch": last.get("index"),
            "epochs": self.planned.get("epochs"),
            "figure": self.figure,
            "error": self.error,
            "stopping": self.stopping,
        }

    def whole(self) -> dict[str, Any]:
        """Return all that is known of it."""
        return {
            **self.brief(),
            "planned": self.planned,
            "history": self.epochs,
            "steps": list(self.steps),
            "said": self.said,
            "result": self.result,
            "verdict": self.verdict,
        }

    def news(self) -> list[dict[str, Any]]:
        """Read what its process has said since, take it up, and return it."""
        try:
            with files.open_file(self.folder / EVENTS, limit=files.MODEL) as file:
                file.seek(self.offset)
                piece = file.read(_PIECE)
        except OSError:
            return []
        whole = piece[: piece.rfind(b"\n") + 1]
        self.offset += len(whole)
        found = []
        for line in whole.splitlines():
            try:
                event = json.loads(line)
            except ValueError:  # torn by a power cut
                continue
            if isinstance(event, dict) and "event" in event:
                self.take(event)
                found.append(event)
        return found

    def take(self, event: Mapping[str, Any]) -> None:
        """Take up one line of `striate train --json`."""
        kind = event["event"]
        if kind == "progress":
            self.state, self.phase = "preparing", str(event["what"])
            self.share = event["done"] / event["of"] if event["of"] else None
        elif kind == "said":
            self.said.append(str(event["text"]))
        elif kind == "planned":
            self.state, self.phase, self.planned, self.run = "learning", "", dict(event), str(event["run"])
            self.epochs = [one for one in self.epochs if one.get("index", 0) <= event["done"]]
            self.share = event["done"] / max(1, event["epochs"])
        elif kind == "step":
            self.state, self.phase = "learning", ""
            self.seconds_left, self.speed = event["seconds_left"], event["pictures_per_second"]
            epochs, within = max(1, self.planned.get("epochs", 1)), event["step"] / max(1, event["steps"])
            self.share = min(1.0, (event["epoch"] - 1 + within) / epochs)
            self.steps.append((round(event["epoch"] - 1 + within, 4), event["loss"]))
        elif kind == "epoch":
            self.state = "learning"
            self.epochs.append({name: value for name, value in event.items() if name != "event"})
            self.share = min(1.0, event["index"] / max(1, event["epochs"]))
        elif kind in ("folding", "fold"):
            self.state, self.phase = "measuring", str(event["words"])
            self.share = event["done"] if kind == "folding" else event["number"] / max(1, event["of"])
            self.seconds_left = None
        elif kind == "finishing":
            self.state, self.phase, self.share, self.seconds_left = "finishing", "", None, None
        elif kind in OVER:
            self.state, self.phase, self.ended, self.seconds_left = kind, "", event["time"], None
            self.figure, self.verdict = event.get("figure"), event.get("verdict")
            self.result = list(event.get("words", ()))
            self.error = event.get("error")
            self.run = event.get("run") or self.run

    def lost(self) -> None:
        """Say of one whose process is gone without a word what became of it."""
        self.state, self.ended, self.phase, self.seconds_left = "stopped", time.time(), "", None
        said = _tail(self.folder / ERRORS)
        self.error = said or "its process ended without a word: it was killed, or this machine was switched off"
        if self.run is None:
            self.state = "failed"

    def keep(self) -> None:
        """Keep what it came to."""
        facts = self.whole() | {"steps": []}
        durable.write(self.folder / ENDED, json.dumps(facts).encode())


def opened(folder: Path) -> TrainingState | None:
    """Return the training of a folder; None where it is none, or was never asked whole."""
    asked = _json(folder / ASKED)
    if asked is None:
        return None
    found = TrainingState(
        folder.name, folder, tuple(map(str, asked["words"])), str(asked.get("title", "")), float(asked.get("asked", 0))
    )
    ended = _json(folder / ENDED)
    if ended is not None:
        for name in _KEPT:
            setattr(found, name, ended.get(name, getattr(found, name)))
        found.epochs = list(ended.get("history", ()))
        return found
    found.news()
    if found.state == "waiting" and (folder / PROCESS).exists():
        found.state = "starting"
    if found.state != "waiting":
        found.began = _begun(folder)
    return found


_KEPT: Final = (
    *("state", "began", "ended", "run", "phase", "share", "planned"),
    *("said", "figure", "verdict", "result", "error"),
)


def begun(state: TrainingState) -> None:
    """Note that it has begun."""
    state.state, state.began = "starting", time.time()


def _begun(folder: Path) -> float | None:
    try:
        return (folder / PROCESS).stat().st_mtime
    except OSError:
        return None


def _json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(files.read_text(path))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _tail(path: Path, lines: int = 3) -> str:
    try:
        said = files.read_text(path).strip().splitlines()
    except (OSError, ValueError):
        return ""
    return " ".join(said[-lines:]).removeprefix("striate: ")[:600]
