"""Runs: which there are and what each came to, from their plain files; and how one is removed. No torch, no NumPy."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from striate.errors import DiskError, RunError
from striate.runs import durable, names
from striate.runs.run import RunDirectory
from striate.verbs.workspace import HERE, Workspace

REMOVING = ".removing-"  # a run that is being removed; what a kill left of one is removed with the next


@dataclass(frozen=True)
class RunSummary:
    """One run as a line of a list.

    ``figure`` is (value, low, high) of ``measure`` in ``unit`` (as a percentage where it is a ``share``) on
    ``pictures`` pictures of the part ``part``, None before the run is finished. ``written`` is when it was last
    written, in seconds since 1970; ``bytes`` is what it takes on the disk.
    ``damaged`` says what of it cannot be read, and is empty where all can; ``note`` is what a person noted.
    """

    name: str
    path: Path
    state: str
    task: str
    source: str
    net: str
    measure: str
    unit: str
    share: bool
    figure: tuple[float, float, float] | None
    part: str
    pictures: int
    written: float
    bytes: int
    damaged: str = ""
    note: str = ""

    @property
    def figure_text(self) -> str:
        """The figure with its interval, as a percentage or to three digits; empty before the run is finished."""
        if self.figure is None:
            return ""
        value, low, high = self.figure
        if self.share:
            return f"{100 * value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
        unit = f" {self.unit}" if self.unit else ""
        return f"{value:.3g}{unit} ({low:.3g} to {high:.3g})"

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        figure = None if self.figure is None else dict(zip(("value", "low", "high"), self.figure, strict=True))
        return {**vars(self), "path": str(self.path), "figure": figure}


def runs(workspace: Workspace = HERE) -> list[RunSummary]:
    """Return all runs of a folder, the one that was written last first; none where there is no such folder.

    A damaged run is listed with what cannot be read of it, and hides no other.

    Example: ``[run.name for run in runs()]``
    """
    found = [summary(run) for run in RunDirectory.list(workspace.runs_dir)]
    return sorted(found, key=lambda run: (-run.written, run.name))


def recent_runs(
    workspace: Workspace = HERE, *, begin: int = 0, most: int = 100, named: str = "", finished: bool = False
) -> tuple[list[RunSummary], int]:
    """Return some runs, the newest first from the place ``begin`` on, and how many there are to choose from.

    Only those are opened that are returned, so that ten thousand list at once. ``named`` is in their names;
    ``finished`` is whether they have to have come to their end.

    Example: ``[run.name for run in recent_runs(most=10)[0]]``
    """
    runs_dir, wanted, found = workspace.runs_dir, named.casefold(), []
    for name in names.names(runs_dir):
        if wanted in name.casefold():
            times = [_when(runs_dir / name / file) for file in ("finished.json", "history.jsonl", names.MARK)]
            if times[0] or not finished:
                found.append((-max(times), name))
    chosen = sorted(found)[begin : begin + most]
    return [summary(RunDirectory(runs_dir / name)) for _, name in chosen], len(found)


def _when(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def remove(asked: Sequence[str], workspace: Workspace = HERE) -> list[tuple[str, int]]:
    """Remove runs by name, whole, and return the name of each with the bytes that were freed.

    Nothing is removed unless all of them can be: RunError for one that is not there, that is being trained, or a link.
    ``last`` then stands for the newest run that remains. A run that started from a removed one keeps its own copy of
    the weights. A kill leaves each run either whole or gone.

    Example: ``remove([third.name])[0][0] == third.name``
    """
    opened = [RunDirectory.open(name, workspace.runs_dir) for name in dict.fromkeys(asked)]
    for run in opened:
        if run.path.is_symlink():
            raise RunError(f"{run.path} is a link to {run.path.resolve()}; remove the run itself, by that path")
    paths = {run.path.resolve(): run for run in opened}
    pointed = {path.parent: names.last(path.parent) for path in paths}  # a run by its path may lie in another folder
    freed = []
    try:
        for run in paths.values():
            run.lock()
        for run in paths.values():
            freed.append((run.name, _size(run.path)))
            _take_away(run)
    finally:
        for run in paths.values():
            run.unlock()
        for folder, last in pointed.items():
            for leftover in folder.glob(f"{REMOVING}*"):
                shutil.rmtree(leftover, ignore_errors=True)
            if last is not None and not (folder / last / names.MARK).is_file():
                _point_at_newest(folder)
    return freed


def _take_away(run: RunDirectory) -> None:
    """Rename first, which is one step, then delete."""
    away = run.path.with_name(f"{REMOVING}{run.name}")
    shutil.rmtree(away, ignore_errors=True)
    try:
        run.path.rename(away)
        durable.SYSTEM.sync_directory(away.parent)
    except OSError as error:
        raise DiskError(f"{run.path} cannot be removed: {error.strerror or error}; it is as it was") from None
    run.unlock()
    shutil.rmtree(away, ignore_errors=True)


def _point_at_newest(folder: Path) -> None:
    """Let ``last`` name the newest run that remains, or nothing."""
    remaining = runs(Workspace(folder))
    if remaining:
        durable.write(folder / names.LAST, f"{remaining[0].name}\n".encode())
    else:
        durable.remove(folder / names.LAST)


def summary(run: RunDirectory) -> RunSummary:
    """Return one run as a line of a list, whatever of it can be read."""
    damaged: list[str] = []
    recipe = _read(lambda: tomllib.loads(run.recipe_toml()), damaged)
    source = _read(run.source, damaged)
    finished = _read(lambda: run.read_json("finished.json"), damaged) if run.finished() else {}
    # Runs of before there was a headline all have the one figure that there was.
    figure = finished.get("headline") or {"name": "accuracy", "share": True, **(finished.get("accuracy") or {})}
    shown, measure, unit, share = None, "", "", True
    if isinstance(figure, dict):
        with suppress(KeyError, TypeError, ValueError):
            shown = (float(figure["value"]), float(figure["low"]), float(figure["high"]))
            measure, unit, share = str(figure["name"]), str(figure.get("unit", "")), bool(figure.get("share"))
    start = recipe.get("start")
    written, size = 0.0, 0
    for path in run.path.rglob("*"):
        with suppress(OSError):
            stat = path.stat()
            written, size = max(written, stat.st_mtime), size + (stat.st_size if path.is_file() else 0)
    return RunSummary(
        name=run.name,
        path=run.path,
        state=run.state(),
        task=str(recipe.get("task", "")),
        source=str(source.get("name", "")),
        net=f"from {start}" if start and start != "none" else str(recipe.get("net", "")),
        measure=measure or "accuracy",
        unit=unit,
        share=share,
        figure=shown,
        part=str(finished.get("part", "")),
        pictures=finished["pictures"] if isinstance(finished.get("pictures"), int) else 0,
        written=written,
        bytes=size,
        damaged="; ".join(damaged),
        note=run.note(),
    )


def _read(read: Any, damaged: list[str]) -> dict[str, Any]:
    """Return what a file holds; what cannot be read is noted and counts as empty."""
    try:
        value = read()
    except (RunError, tomllib.TOMLDecodeError, RecursionError) as error:
        damaged.append(str(error))
        return {}
    return value if isinstance(value, dict) else {}


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
