"""The process that answers questions of a journey: a line of JSON in, lines of JSON out, until nobody asks any more."""

from __future__ import annotations

import json
import os
import sys
import time
from importlib import import_module
from typing import IO, Any

from striate.errors import StriateError
from striate.runs.history import plain
from striate.verbs.workspace import Workspace
from striate.web.studio.journeys.table import JOURNEYS

SELDOM = 0.1  # seconds between two lines about progress


def main(facts: dict[str, Any], asked: IO[str], answers: IO[str]) -> None:
    """Answer questions, one a line."""
    told = 0.0

    def say(said: dict[str, Any]) -> None:
        answers.write(json.dumps(plain(said), allow_nan=False) + "\n")
        answers.flush()

    def progress(what: str, done: int, of: int) -> None:
        nonlocal told
        if done >= of or time.monotonic() - told > SELDOM:
            told = time.monotonic()
            say({"progress": [what, done, of]})

    workspace = Workspace.at(**facts, progress=progress)
    for line in asked:
        said = json.loads(line)
        journey, _, name = said["question"].partition(".")
        try:
            answer = import_module(JOURNEYS[journey]).QUESTIONS[name](workspace, said["arguments"])
            say({"answer": answer})
        except StriateError as error:
            say({"error": str(error)})
        except MemoryError:
            say({"error": f"{said['question']} takes more memory than there is"})
        except Exception as error:
            say({"error": f"a fault of ours: {type(error).__name__}: {str(error)[:300]}"})


if __name__ == "__main__":
    # What a library prints is no answer: it goes where errors go.
    with os.fdopen(os.dup(1), "w", encoding="ascii") as own:
        os.dup2(2, 1)
        main(json.loads(sys.argv[1]), sys.stdin, own)
