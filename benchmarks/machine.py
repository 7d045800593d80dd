"""What every benchmark shares: the machine in a line, a process by the clock."""

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

WATCH = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
code = subprocess.call(sys.argv[2:])
took = time.perf_counter() - began
with open(sys.argv[1], "w") as file:
    json.dump([took, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024], file)
sys.exit(code % 256)
"""
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


def measured(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> tuple[float, float, str]:
    """Run a command; return its seconds, the largest resident memory (MB) of its process, and what it printed.

    It is a child of a child: to a child of this process the system would count what this one has. Python may keep what
    it compiles, as it does in an installed package, whatever the environment says of PYTHONDONTWRITEBYTECODE.
    """
    with tempfile.TemporaryFile("w+") as said, tempfile.NamedTemporaryFile("r") as found:
        watched = [sys.executable, "-I", "-S", "-c", WATCH, found.name, *command]
        process = subprocess.run(
            watched,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **(env or {})},
            cwd=cwd,
            stdout=said,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        said.seek(0)
        if process.returncode:
            told = f"{said.read()}{process.stderr}"
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{told}")
        seconds, peak = json.loads(found.read())
        return seconds, peak, said.read()


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


def missing(python: str, module: str) -> str | None:
    """Return why that python cannot import a module, in a line; None where it can."""
    done = subprocess.run([python, "-c", f"import {module}"], capture_output=True, text=True, check=False)
    return (done.stderr.strip().splitlines() or ["it ends without a word"])[-1] if done.returncode else None
