"""What every benchmark shares: the machine in a line, a process by the clock, a median with its spread."""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def machine() -> str:
    """Return the hardware and the versions in one line."""
    from importlib.metadata import version

    model = ""
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return (
        f"{os.cpu_count()} cores {model or platform.processor()}, Python {platform.python_version()},"
        f" torch {version('torch')}, NumPy {version('numpy')}, Pillow {version('pillow')}"
    )


def timed(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> tuple[float, str]:
    """Run a command and return its seconds, from start to exit, and what it printed; a failure is an error."""
    began = time.perf_counter()
    done = subprocess.run(
        list(command), env={**os.environ, **(env or {})}, cwd=cwd, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return seconds, done.stdout


def measured(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> tuple[float, float, str]:
    """Run a command; return its seconds, the largest resident memory (MB) of its process, and what it printed."""
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as wrong:
        began = time.perf_counter()
        process = subprocess.Popen(list(command), env={**os.environ, **(env or {})}, cwd=cwd, stdout=said, stderr=wrong)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        wrong.seek(0)
        if status:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{said.read()}{wrong.read()}")
        return seconds, usage.ru_maxrss / 1024, said.read()


def striate(*words: object) -> list[str]:
    """Return the command line that runs ``striate`` with these words."""
    return [sys.executable, "-m", "striate.cli", *map(str, words)]


def finished(place: Path) -> dict[str, Any]:
    """Return the summary of the newest run below a folder."""
    newest = max((place / "runs").glob("*/finished.json"), key=lambda path: path.stat().st_mtime_ns)
    return dict(json.loads(newest.read_text()))


def history(place: Path) -> list[dict[str, Any]]:
    """Return the epochs of the newest run below a folder."""
    newest = max((place / "runs").glob("*/history.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    return [json.loads(line) for line in newest.read_text().splitlines()]


def peer(venv: str, *packages: str, variable: str) -> str:
    """Return the python of a venv that has these packages, made once; an environment variable may name another."""
    if variable in os.environ:
        return os.environ[variable]
    folder = Path(tempfile.gettempdir(), venv)
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        print(f"making a venv with {', '.join(packages)} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True)
        (folder / "ready").touch()
    return str(python)


def spread(values: Sequence[float], unit: str = "s", digits: int = 2) -> str:
    """Return ``median (least to most)``."""
    return (
        f"{statistics.median(values):.{digits}f} {unit} ({min(values):.{digits}f} to {max(values):.{digits}f},"
        f" {len(values)} trials)"
    )
