"""Questions to a process of their own: answered, told how far, and never an end of the server."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from tests.web.studio_at import three_classes

from striate.verbs.workspace import Workspace
from striate.web.studio.live import Live
from striate.web.studio.questions import QuestionError, Questions


def told(live: Live) -> list[str]:
    return [text for _, text in live._kept]


def test_answers_refusals_a_crash_and_who_goes_away(tmp_path: Path) -> None:
    folder = three_classes(tmp_path / "plain", pictures=3)
    live = Live()

    async def all_of_it() -> None:
        questions = Questions(Workspace(tmp_path / "runs"), live)
        asked = {"folder": str(folder), "labels": False}
        try:
            found = await questions.ask("mend.doctor", asked)
            assert found["pictures"] == 9
            assert any("event: progress" in text and "mend.doctor" in text for text in told(live))
            process = questions._processes["mend"]
            with pytest.raises(QuestionError, match="no folder"):
                await questions.ask("mend.doctor", {"folder": str(tmp_path / "gone"), "labels": False})
            with pytest.raises(QuestionError, match="a fault of ours: KeyError"):
                await questions.ask("mend.nothing", {})
            assert questions._processes["mend"] is process  # a refusal ends nothing
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
            assert (await questions.ask("mend.doctor", asked))["pictures"] == 9  # another one was started
            process = questions._processes["mend"]
            os.kill(process.pid, signal.SIGSTOP)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await questions.ask("mend.doctor", asked)
            await asyncio.wait_for(process.wait(), 10)  # nobody waits for it: it is ended
            assert (await questions.ask("mend.doctor", asked))["pictures"] == 9
        finally:
            await questions.close()

    asyncio.run(all_of_it())
