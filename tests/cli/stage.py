"""The command line from inside (fast) and from outside (a process of its own), and pictures to give to it."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from striate.cli.main import main

NET = "conv 4 3x3 stride 2 pad 1 no bias >> batchnorm >> relu >> globalavgpool >> flatten >> dense"
QUICK = ("--net", NET, "--threads", "1", "--device", "cpu")
SILENT = ("STRIATE_DATA", "STRIATE_RUNS")  # what the person who runs the tests may have set


@dataclass(frozen=True)
class Answer:
    """What a command did."""

    code: int
    out: str
    err: str

    def refused(self, *patterns: str, code: int = 2, lines: int | None = 1) -> None:
        """One line that begins with ``striate: `` and says all of this; no traceback."""
        assert self.code == code, self
        assert "Traceback" not in self.out + self.err
        assert self.err.startswith("striate: ") and self.err.count("striate: ") == 1, self.err
        assert lines is None or self.err.count("\n") == lines, self.err
        for pattern in patterns:
            assert re.search(pattern, self.err), self.err

    def done(self) -> Answer:
        assert self.code == 0, self
        assert not self.err, self.err
        return self


@dataclass(frozen=True)
class Place:
    """A working directory with a cache of its own."""

    path: Path

    def __call__(self, *words: str | Path) -> Answer:
        """Run ``striate`` in this process."""
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.path)
            patch.setattr(sys, "argv", ["striate", *map(str, words)])
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            for name, value in self.environment().items():
                patch.setenv(name, value)
            for name in SILENT:
                patch.delenv(name, raising=False)
            try:
                main()
                code = 0
            except SystemExit as stop:
                code = stop.code if isinstance(stop.code, int) else 0
        texts = []
        for stream in (out, err):
            stream.flush()
            texts.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined]
        return Answer(code, *texts)

    def environment(self) -> dict[str, str]:
        return {"STRIATE_CACHE": str(self.path / "cache"), "COLUMNS": "100"}

    def start(self, *words: str | Path, before: Callable[[], None] | None = None) -> subprocess.Popen[str]:
        """Start ``striate`` in a process of its own."""
        around = {name: value for name, value in os.environ.items() if name not in SILENT}
        return subprocess.Popen(
            [sys.executable, "-m", "striate.cli", *map(str, words)],
            cwd=self.path,
            env={**around, **self.environment(), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            preexec_fn=before,  # noqa: PLW1509
        )

    def process(self, *words: str | Path, before: Callable[[], None] | None = None) -> Answer:
        """Run ``striate`` in a process of its own, to its end."""
        process = self.start(*words, before=before)
        out, err = process.communicate(timeout=120)
        return Answer(process.returncode, out, err)


def contents(root: Path) -> dict[str, tuple[int, bytes]]:
    """Everything in a folder, itself included: when it was changed, and its bytes."""
    return {
        str(path.relative_to(root)): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in [root, *root.rglob("*")]
    }
