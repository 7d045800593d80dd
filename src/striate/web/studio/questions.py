"""Questions that take seconds, much memory or torch: answered by processes of their own, one a kind, kept warm.

The server stays small and answers at once whatever they do; one that crashes is started anew with the next question.
They speak in lines of JSON, so nothing is pickled.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from typing import Any, Final, final

from striate.errors import StriateError
from striate.verbs.workspace import Workspace
from striate.web.studio.live import Live

LINE: Final = 256 * 2**20  # bytes of an answer
IDLE: Final = 600.0  # seconds without a question after which a process ends


class QuestionError(StriateError):
    """A question was refused, or the process that answered it came to its end; the message says why."""


@final
class Questions:
    """Who is asked. One process a ``lane`` answers one question after another."""

    def __init__(self, workspace: Workspace, live: Live, *, idle: float = IDLE) -> None:
        self._workspace, self._live, self._idle = workspace, live, idle
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._ends: dict[str, asyncio.TimerHandle] = {}

    async def ask(
        self, question: str, arguments: Mapping[str, Any], *, lane: str | None = None, about: str | None = None
    ) -> Any:
        """Return the answer to a question ``journey.question``; how far it is, pages hear as ``progress``.

        Arguments:
            question: a name in ``QUESTIONS`` of the journey's file, behind the journey's name.
            arguments: what it is asked with, ready for JSON.
            lane: which process answers; the journey's own unless said.
            about: what the progress is told to be about; the question unless said.

        Who stops waiting (a page that is closed) ends the work. Errors: QuestionError.
        """
        name = lane or question.partition(".")[0]
        async with self._turns.setdefault(name, asyncio.Lock()):
            process = await self._process(name)
            try:
                return await self._answer(process, question, arguments, about or question)
            except BaseException as error:
                if not isinstance(error, QuestionError) or process.returncode is not None:
                    self._end(name)
                raise
            finally:
                self._later(name)

    async def _answer(
        self, process: asyncio.subprocess.Process, question: str, arguments: Mapping[str, Any], about: str
    ) -> Any:
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps({"question": question, "arguments": dict(arguments)}).encode() + b"\n")
            await process.stdin.drain()
        except ConnectionError:
            raise QuestionError("the process that answers has ended; ask again") from None
        while line := await process.stdout.readline():
            said = json.loads(line)
            if "progress" in said:
                what, done, of = said["progress"]
                self._live.say("progress", about=about, what=what, done=done, of=of)
            elif "error" in said:
                raise QuestionError(said["error"])
            elif "answer" in said:
                return said["answer"]
        await process.wait()
        raise QuestionError(f"the process that was to answer {question} came to its end ({process.returncode})")

    async def _process(self, name: str) -> asyncio.subprocess.Process:
        if (timer := self._ends.pop(name, None)) is not None:
            timer.cancel()
        process = self._processes.get(name)
        if process is None or process.returncode is not None:
            facts = {
                "runs_dir": str(self._workspace.runs_dir),
                "data_dir": None if self._workspace.data_dir is None else str(self._workspace.data_dir),
                "download": self._workspace.download,
            }
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "striate.web.studio.question_process",
                json.dumps(facts),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=LINE,
                env={**os.environ},
            )
            self._processes[name] = process
        return process

    def _later(self, name: str) -> None:
        self._ends[name] = asyncio.get_running_loop().call_later(self._idle, self._end, name)

    def _end(self, name: str) -> asyncio.subprocess.Process | None:
        process = self._processes.pop(name, None)
        if process is not None and process.returncode is None:
            process.kill()
        return process

    async def close(self) -> None:
        """End every process."""
        ended = [self._end(name) for name in list(self._processes)]
        for timer in self._ends.values():
            timer.cancel()
        await asyncio.gather(*(process.wait() for process in ended if process is not None))
