"""The names of runs: which there are, which is the last, and what to say about one that is not there."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from striate.files import read_text

LAST = "last"
LONGEST = 1024  # characters of a name or path; a part of one may have 255 on most systems
MARK = "recipe.toml"  # written last when a run is made: a folder without it is none
FILES = (
    "source.json", "environment.json", MARK, "pictures.json", "labels.toml", "split.json", "history.jsonl",
    "filters.jsonl", "maps.jsonl", "folds.safetensors", "start.safetensors", "model.safetensors", "model.onnx",
    "report.html", "finished.json",
)  # fmt: skip
TRAIN = "striate train <folder of pictures>"


def names(runs_dir: Path) -> list[str]:
    """Return the names of the runs in a folder, pets-2 before pets-10."""
    try:
        there = [path for path in runs_dir.iterdir() if not path.name.startswith(".")]  # half removed: verbs/runs.py
        found = [path.name for path in there if (path / MARK).is_file()]
    except OSError:
        return []
    return sorted(found, key=lambda name: re.sub(r"\d+", lambda number: number[0].zfill(12), name))


def possible(name: str) -> bool:
    """Return whether a name or path can be one: not too long for the system, without zero bytes."""
    parts = Path(name).parts if len(name) <= LONGEST else ()
    return "\0" not in name and bool(parts) and all(len(part.encode(errors="replace")) < 256 for part in parts)


def is_run(path: Path) -> bool:
    """Return whether a folder is a run."""
    try:
        return (path / MARK).is_file()
    except (OSError, ValueError):
        return False


def last(runs_dir: Path) -> str | None:
    """Return the name that the file ``last`` holds, None when there is none."""
    try:
        name = read_text(runs_dir / LAST).strip()
        return name if name and possible(name) else None
    except (OSError, UnicodeDecodeError):
        return None


def followed(what: str | Path, runs_dir: Path) -> Path:
    """Return the run that a path to a file ``last`` points at, there or not; any other name or path as it is.

    Example: ``followed("runs/last", Path("runs"))`` is ``Path("runs/pets-2")``.
    """
    path = Path(what)
    if path.name == LAST and possible(str(what)):
        for folder in ((runs_dir / path).parent, path.parent):
            name = None if is_run(folder / LAST) else last(folder)
            if name is not None:
                return folder / name
    return path


def stem(text: str) -> str:
    """Return a text as the beginning of a run's name: letters, digits and ``_ . + -``, at most 50."""
    return re.sub(r"[^\w.+-]+", "-", text).strip("-.")[:50] or "run"


def numbers(runs_dir: Path, stem: str) -> list[int]:
    """Return the numbers that are taken, whatever stands under them."""
    pattern = re.compile(re.escape(stem) + r"-([0-9]{1,9})")
    return [int(found[1]) for path in runs_dir.glob("*") if (found := pattern.fullmatch(path.name))]


def why_not(asked: str, name: str, runs_dir: Path) -> str:
    """Return why the run ``name``, asked for as ``asked``, cannot be opened, and what can."""
    if not possible(asked):
        return f"{asked[:40]!r}… is no name of a run: no file is called so, at {len(asked):,} characters"
    known = names(runs_dir)
    if not runs_dir.is_dir() and not Path(name).exists():
        return f"there is no run yet: no folder {runs_dir.absolute()}. Train first: {TRAIN}"
    shown = ", ".join(known[-8:]) + (f" and {len(known) - 8} more" if len(known) > 8 else "")
    there = f"the runs in {runs_dir} are {shown}" if known else f"{runs_dir} holds no run yet; train first: {TRAIN}"
    if name == LAST:
        return f"nothing says which run is the last; {there}" if known else there
    for path in (runs_dir / name, Path(name)):
        if (path / "source.json").is_file():
            return f"{path} was stopped before it began and can be deleted; {there}"
        if path.exists():
            return f"{path} is not a run (it has no {MARK}); {there}"
    near = difflib.get_close_matches(name, known, n=2)
    hint = f" (did you mean {' or '.join(near)}?)" if near else ""
    pointed = f" ({runs_dir / LAST} points at it)" if asked == LAST else ""
    return f"there is no run {name!r}{pointed}{hint}; {there}"
