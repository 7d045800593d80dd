"""Runs every command of docs/tour.md and writes what it prints into the page: python examples/tour/rerun.py."""

from __future__ import annotations

import contextlib
import io
import os
import re
import runpy
import shlex
import shutil
import tempfile
from pathlib import Path

from click.testing import CliRunner

from striate.cli.main import striate
from striate.errors import StriateError

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "tour.md"
DRAWN = {
    "walk.svg": "walk.svg",
    "walk.png": "walk-7x7.png",
    "pool.svg": "pool.svg",
    "letter-a-sobel.png": "letter-a-sobel.png",
}

# Lines with figures that are another machine's own.
MEASURED = ("accuracy", "done in", "Fine as it is")

# Lines of which another machine has more or fewer.
LISTED = (" worth a look, the least likely first:", "  labelled ")


def output(command: str) -> str:
    """Return what a command prints, run in this process in the current folder."""
    program, *words = shlex.split(command)
    if program == "python":
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            runpy.run_path(words[0], run_name="__main__")
        return said.getvalue()
    result = CliRunner().invoke(striate, words, env={"COLUMNS": "100"})
    if isinstance(result.exception, StriateError):
        return f"{result.output}striate: {result.exception}\n"
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return str(result.output)


def unmeasured(line: str) -> str:
    """Return a line without what another machine measures otherwise: its numbers, and how wide they are.

    Which epoch it is, of how many, is measured by nobody and stays.
    """
    return " ".join(re.sub(r"(?<![/\d])[\d.,:]+(?!/|[\d.,:])", "#", line).split())


def _form(line: str) -> str:
    return unmeasured(line).replace("labels", "label")


def _listed(line: str) -> bool:
    return any(words in line for words in LISTED)


def told(command: str, before: list[str]) -> str:
    """Return what a command prints; lines of ``before`` with other figures of speed and accuracy alone stay."""
    lines = output(command).rstrip().splitlines()
    kept, found = ([line for line in each if _listed(line)] for each in (before, lines))
    if found and {_form(line) for line in found} <= {_form(line) for line in kept}:
        place = before.index(kept[0])
        lines = [line for line in lines if not _listed(line)]
        lines[place:place] = kept
    pairs = zip(lines, before + [""] * len(lines), strict=False)
    same = [any(word in new for word in MEASURED) and unmeasured(new) == unmeasured(old) for new, old in pairs]
    return "\n".join(before[row] if kept else lines[row] for row, kept in enumerate(same))


def rerun(page: str, drawn: Path | None = None) -> str:
    """Return the page with what each of its commands prints today; pictures that they draw are kept in ``drawn``."""

    def block(found: re.Match[str]) -> str:
        parts = []
        for part in re.split(r"^\$ ", found[1], flags=re.MULTILINE)[1:]:
            command, *before = part.rstrip().splitlines()
            parts.append(f"$ {command}\n{told(command, before)}".rstrip())
        return "```console\n" + "\n\n".join(parts) + "\n```"

    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        for file in HERE.iterdir():
            if file.is_file():
                shutil.copy(file, folder)
        os.chdir(folder)
        try:
            result = re.sub(r"```console\n(.*?)\n```", block, page, flags=re.DOTALL)
            if drawn is not None:
                for name, kept in DRAWN.items():
                    shutil.copy(name, drawn / kept)
        finally:
            os.chdir(before)
    return "\n".join(line.rstrip() for line in result.splitlines()) + "\n"


if __name__ == "__main__":
    PAGE.write_text(rerun(PAGE.read_text(encoding="utf-8"), PAGE.parent / "pictures"), encoding="utf-8")
