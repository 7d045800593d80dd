"""How the command ends: at once, with the right code, with all that it said; never with a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")
STRIATE = [sys.executable, "-m", "striate.cli"]


def test_all_that_it_said_is_in_the_file(tmp_path: Path) -> None:
    with (tmp_path / "said").open("w") as said:
        assert subprocess.run([*STRIATE, "describe", "resnet152"], stdout=said, check=False).returncode == 0
    assert (tmp_path / "said").read_text().rstrip().splitlines()[-1].startswith("total")


@pytest.mark.parametrize(("words", "code"), [(["describe", "nothing"], 2), (["--no-such"], 2), (["--help"], 0)])
def test_the_code(words: list[str], code: int) -> None:
    assert subprocess.run([*STRIATE, *words], capture_output=True, check=False).returncode == code


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full on this system")
def test_a_full_disk_behind_its_output_is_one_line() -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            [*STRIATE, "describe", "resnet152"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 3
    assert done.stderr == "striate: No space left on device\n"


def test_a_thread_at_work_is_waited_for() -> None:
    script = (
        "import sys, threading, time\nfrom striate.cli.main import run\n"
        "threading.Thread(target=lambda: (time.sleep(0.3), print('written', flush=True))).start()\n"
        "sys.argv = ['striate', '--version']\nrun()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "written"), done
