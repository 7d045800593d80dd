"""How the command ends: at once, with the right code, with all that it said; never with a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.stage import Place

FULL = Path("/dev/full")


@pytest.mark.parametrize(("words", "code"), [(["describe", "nothing"], 2), (["--no-such"], 2), (["--help"], 0)])
def test_the_code(place: Place, words: list[str], code: int) -> None:
    assert place.process(*words).code == code


@pytest.mark.parametrize(
    ("before", "last"),
    [
        ("print('not flushed', end='')", "not flushed"),
        ("threading.Thread(target=lambda: (time.sleep(0.3), print('written', end=''))).start()", "written"),
    ],
)
def test_what_was_said_and_who_is_at_work_are_waited_for(before: str, last: str) -> None:
    script = "\n".join([
        "import sys, threading, time", "from striate.cli.main import main, run", "sys.argv = ['striate', '--version']",
        "import striate.cli.main as module", f"module.main = lambda: (main(), {before})", "run()",
    ])  # fmt: skip
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0 and done.stdout.splitlines()[1:] == [last], done


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("words", [["describe", "resnet152"], ["--help"], ["nets"]])
def test_a_full_disk_behind_what_it_says_is_one_line(words: list[str]) -> None:
    with FULL.open("w") as full:
        command = [sys.executable, "-m", "striate.cli", *words]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 3
    said = "striate: what it says cannot be written: No space left on device; make room, or send it elsewhere\n"
    assert done.stderr == said
