"""What every benchmark shares: the machine in a line, a process by the clock, a median with its spread."""

import os
import platform
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

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


def spread(values: Sequence[float], unit: str = "s", digits: int = 2) -> str:
    """Return ``median (least to most)``."""
    return (
        f"{statistics.median(values):.{digits}f} {unit} ({min(values):.{digits}f} to {max(values):.{digits}f},"
        f" {len(values)} trials)"
    )
