"""Broken pictures of every format are pixels or one PictureError, in bounded memory and time, and no library talks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.data.pictures.mutants import bases, mutant

pytest.importorskip("resource", reason="memory and processor time are limited as POSIX has it")

MEMORY = 4 * 2**30  # bytes of addresses, of which libraries take one
PEAK = 1_600_000_000  # bytes in use at once: what Limits gives to one picture, and the libraries
SECONDS = 1.0  # of processor time a picture, on average: an order of magnitude above what any of them takes


def check(begin: int, end: int) -> None:
    numbers = map(str, (begin, end, MEMORY, int(60 + SECONDS * (end - begin))))
    done = subprocess.run(
        [sys.executable, "-m", "tests.data.pictures.mutants", *numbers],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "default"},
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, f"ended with {done.returncode} at picture {lines[-1] if lines else '?'}: {done.stderr}"
    assert not [line for line in lines if line.startswith("WRONG")]
    assert done.stderr == ""
    assert int(lines[-1].split()[1]) < PEAK


def test_the_bases_are_of_every_format_and_mutants_are_functions_of_their_number() -> None:
    assert len(bases()) > 90
    assert mutant(1234) == mutant(1234) != mutant(1235)


def test_some_broken_pictures() -> None:
    check(0, 500)


@pytest.mark.slow
@pytest.mark.parametrize("begin", range(500, 20_500, 1_000))
def test_very_many_broken_pictures(begin: int) -> None:
    check(begin, begin + 1_000)
