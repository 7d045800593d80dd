"""The queue of trainings: one after another, each in a process of its own, known by its files alone."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, final

from striate import files
from striate.errors import RunError
from striate.runs import durable
from striate.verbs.workspace import Workspace
from striate.web.studio.live import Live
from striate.web.studio.training_files import ASKED, PROCESS, TrainingState, begun, opened

LOOK: Final = 0.2  # seconds between two looks at what a process has said
MOST: Final = 1_000  # that may wait
LISTED: Final = 200  # of those that are over


@final
class Trainings:
    """All trainings that were asked for here, by their id, in the order they were asked.

    Everything that lasts is in files; what is held here is what they say.
    """

    def __init__(self, folder: Path, workspace: Workspace, live: Live) -> None:
        self._folder, self._workspace, self._live = folder, workspace, live
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        found = [opened(one) for one in sorted(folder.glob("[0-9]*"))] if folder.is_dir() else []
        self.all: dict[str, TrainingState] = {one.id: one for one in found if one is not None}

    def add(self, words: Sequence[str], title: str) -> TrainingState:
        """Put a training at the end of the queue: ``words`` are what follows ``striate train``. Errors: RunError."""
        if sum(not one.over for one in self.all.values()) >= MOST:
            raise RunError(f"{MOST:,} trainings wait already; remove some of them first")
        number = max((int(name) for name in self.all), default=0) + 1
        while True:
            folder = self._folder / f"{number:04d}"
            try:
                durable.make_parents(self._folder)
                durable.make_directory(folder)
                break
            except FileExistsError:
                number += 1
        asked = {"words": list(words), "title": title, "asked": time.time()}
        durable.write(folder / ASKED, json.dumps(asked).encode())
        state = opened(folder)
        assert state is not None
        self.all[state.id] = state
        self._say()
        return state

    def get(self, identity: str) -> TrainingState:
        """Return a training. Errors: RunError."""
        if identity not in self.all:
            raise RunError(f"there is no training {identity[:40]!r} in the queue")
        return self.all[identity]

    def stop(self, identity: str, *, at_once: bool = False) -> None:
        """Stop a training between two steps, keeping what was learnt; one that waits leaves the queue.

        ``at_once`` ends its process where it is: what was learnt since its last checkpoint is lost.
        """
        state = self.get(identity)
        if state.over:
            return
        if state.state == "waiting":
            self.remove(identity)
            return
        state.stopping = True
        with suppress(OSError, ValueError, KeyError):
            if state.alive():
                pid = int(json.loads(files.read_text(state.folder / PROCESS))["pid"])
                os.kill(pid, signal.SIGTERM if at_once else signal.SIGINT)
        self._say()

    def remove(self, identity: str) -> None:
        """Take a training that waits, or is over, off the list; its run stays. Errors: RunError for one under way."""
        state = self.get(identity)
        if not (state.over or state.state == "waiting"):
            raise RunError(f"{state.title} is being trained; stop it first")
        del self.all[identity]
        shutil.rmtree(state.folder, ignore_errors=True)
        self._say()

    async def watch(self) -> None:
        """Start one after another, and say what each says, for ever."""
        while True:
            self._look()
            await asyncio.sleep(LOOK)

    def _look(self) -> None:
        under_way = [one for one in self.all.values() if not one.over and one.state != "waiting"]
        for state in under_way:
            self._follow(state)
        if not any(not one.over and one.state != "waiting" for one in self.all.values()):
            waiting = next((one for one in self.all.values() if one.state == "waiting"), None)
            if waiting is not None:
                self._start(waiting)

    def _start(self, state: TrainingState) -> None:
        begun(state)
        command = [sys.executable, "-m", "striate.web.studio.training_process", str(state.folder.resolve())]
        environment = {**os.environ, "STRIATE_RUNS": str(self._workspace.runs_dir.resolve())}
        if self._workspace.data_dir is not None:
            environment["STRIATE_DATA"] = str(self._workspace.data_dir.resolve())
        if not self._workspace.download:
            environment["STRIATE_OFFLINE"] = "1"
        self._processes[state.id] = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C at the studio is not meant for what it trains
        )
        self._say()

    def _follow(self, state: TrainingState) -> None:
        """Hear what a training says, and see whether it still lives."""
        process = self._processes.get(state.id)
        ended = not state.alive() and (process is None or process.poll() is not None)
        before, news = state.state, state.news()
        for event in news:
            self._live.say("training", id=state.id, now=state.brief(), said=event)
        if ended and not news and not state.over:
            state.lost()
        if state.over:
            self._processes.pop(state.id, None)
            state.stopping = False
            state.keep()
        if state.state != before:
            self._say()

    def _say(self) -> None:
        self._live.say("trainings", trainings=self.listed())

    def listed(self) -> list[dict[str, object]]:
        """Return them in brief, the latest first: all that are not over, and `LISTED` of the others at most."""
        over = [one.id for one in reversed(self.all.values()) if one.over][:LISTED]
        shown = set(over)
        return [one.brief() for one in reversed(self.all.values()) if not one.over or one.id in shown]
