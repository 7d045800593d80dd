"""A test that costs too much is named, one that costs far too much fails, and load on the machine plays no part."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = """
import time, pytest

def burn(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass

def test_waits(): time.sleep(0.5)
def test_a_little_over(): burn(0.15)
def test_far_over(): burn(0.6)
@pytest.mark.slow
def test_slow(): burn(0.6)
"""


def test_what_a_test_costs(tmp_path: Path) -> None:
    (tmp_path / "test_costs.py").write_text(TESTS, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow\ncpu_budget = 0.1\n", encoding="utf-8")
    asked = [sys.executable, "-m", "pytest", "-p", "tests.budget", "-p", "no:cacheprovider", "-q", str(tmp_path)]
    done = subprocess.run(asked, capture_output=True, text=True, cwd=ROOT, check=False)
    assert "1 failed, 3 passed" in done.stdout, done.stdout + done.stderr
    assert "over 4 times the 0.1 that a test may take" in done.stdout
    _, _, named = done.stdout.partition("over the budget of 0.1 CPU seconds a test")
    assert [line.rpartition("::")[2] for line in named.splitlines() if " s  " in line] == [
        "test_far_over",
        "test_a_little_over",
    ]
