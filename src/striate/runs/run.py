"""The run directory: create, open, append, checkpoint. Imports neither torch nor numpy until tensors are asked for.

    runs/last                      the name of the newest run, as text
    runs/<stem>-<n>/
        source.json environment.json recipe.toml      written by create; recipe.toml last: without it, it is no run
        pictures.json split.json history.jsonl checkpoints/   while it learns
        model.safetensors report.html finished.json   at the end; finished.json last
        lock                                          held by the process that trains

Everything is written through ``durable``, so that after a kill or a power cut at any moment each file is whole.
An epoch's line is appended before its checkpoint is written: the history then never lacks an epoch that a
checkpoint has, and going on cuts off what the checkpoint does not have.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

from striate.errors import RunError
from striate.files import LIST, read_bytes, read_text
from striate.runs import checkpoints, durable, fields, history, names
from striate.runs.lock import Lock, acquire, holder

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from striate.model.files.weights import ModelFile

# ``RunDirectory.list`` hides the builtin inside the class.
Epochs: TypeAlias = list[dict[str, Any]]
Notes: TypeAlias = list[str]
Keys: TypeAlias = dict[str, list[str]]
NOTE: Final = "note.txt"  # what a person noted about it


@final
class RunDirectory:
    """One training and what came of it: ``path`` is its directory, ``name`` the last part of that.

    ``notes`` collects what a person should be told, such as a damaged checkpoint that was passed over.

    Example: ``run.history()[-1]["val_loss"]``
    """

    def __init__(self, path: Path, *, system: durable.System = durable.SYSTEM) -> None:
        self.path = path
        self.name = path.name
        self.notes: Notes = []
        self._system = system
        self._lock: Lock | None = None

    def __repr__(self) -> str:
        return f"RunDirectory({str(self.path)!r}, {self.state()})"

    @classmethod
    def create(
        cls,
        runs_dir: Path,
        stem: str,
        recipe_toml: str,
        *,
        source: Mapping[str, Any],
        environment: Mapping[str, Any],
        system: durable.System = durable.SYSTEM,
    ) -> RunDirectory:
        """Make the next run of that stem, ``<stem>-<n>``, locked by this process, and point ``last`` at it.

        Two processes that create at the same time get different numbers. Raises DiskError.
        """
        stem = names.stem(stem)
        durable.make_parents(runs_dir, system=system)
        durable.sweep(runs_dir, system=system)
        number = max(names.numbers(runs_dir, stem), default=0) + 1
        while True:
            run = cls(runs_dir / f"{stem}-{number}", system=system)
            try:
                durable.make_directory(run.path, system=system)
                break
            except FileExistsError:
                number += 1
        try:
            run.lock()
            durable.make_directory(run._checkpoints, system=system)
            run.write_json("source.json", source)
            run.write_json("environment.json", environment)
            run._write(names.MARK, recipe_toml)
            durable.write(runs_dir / names.LAST, f"{run.name}\n".encode(), system=system)
        except BaseException:
            run.unlock()
            durable.discard(run.path)
            raise
        return run

    @classmethod
    def open(
        cls,
        name_or_path: str | Path = names.LAST,
        runs_dir: Path | str = Path("runs"),
        *,
        system: durable.System = durable.SYSTEM,
    ) -> RunDirectory:
        """Open a run by name, by path, or the newest (``last``); what dead processes left half-written is removed.

        Raises RunError when there is no such run, with the names that come near and those there are.
        """
        name, runs_dir = str(name_or_path), Path(runs_dir)
        asked = name
        if asked == names.LAST:
            name = names.last(runs_dir) or asked
        if names.possible(name):
            name = str(names.followed(name, runs_dir))
        path = runs_dir / name
        if not names.is_run(path) and names.is_run(Path(name)):
            path = Path(name).absolute() if Path(name).name in ("", "..") else Path(name)
        if not names.is_run(path):
            raise RunError(names.why_not(asked, name, runs_dir))
        for directory in (path.parent, path, path / "checkpoints"):
            durable.sweep(directory, system=system)
        return cls(path, system=system)

    @classmethod
    def list(cls, runs_dir: Path | str = Path("runs")) -> list[RunDirectory]:
        """Return the runs of a folder, by stem and number; none when there is no such folder."""
        return [cls(Path(runs_dir) / name) for name in names.names(Path(runs_dir))]

    # One process at a time

    def lock(self) -> None:
        """Make this the only process that writes the run, until ``unlock`` or its end. RunError when another does."""
        if self._lock is not None:
            return
        path = self.path / "lock"
        self._lock = acquire(path, system=self._system)
        if self._lock is None:
            who = holder(path, system=self._system) or "another process"
            raise RunError(f"{self.name} is being trained by {who}; wait for it, or stop it first")
        try:
            # What the process before us had renamed but not yet synced is made to last before anything is built on it.
            for directory in (self.path, self._checkpoints):
                if directory.is_dir():
                    with durable.explained(directory, f"cannot go on with {self.path}", "it is as it was"):
                        self._system.sync_directory(directory)
            for name in names.FILES:
                if (self.path / name).is_dir():
                    raise RunError(f"{self.path / name} is a folder, and a file of the run has to be there; remove it")
            history.mend(self._history, system=self._system)
        except BaseException:
            self.unlock()
            raise

    def unlock(self) -> None:
        """Let other processes write the run."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    @contextmanager
    def locked(self) -> Iterator[RunDirectory]:
        """Hold the run's lock for the length of a ``with``; one that ``create`` took is kept and given back there."""
        self.lock()
        try:
            yield self
        finally:
            self.unlock()

    # What stands in it

    @property
    def model_path(self) -> Path:
        """Where the finished model is, or will be."""
        return self.path / "model.safetensors"

    @property
    def report_path(self) -> Path:
        """Where the report is, or will be."""
        return self.path / "report.html"

    def note(self) -> str:
        """Return what a person noted about it; nothing where nobody did, or it cannot be read."""
        try:
            return read_text(self.path / NOTE).strip()
        except (OSError, UnicodeDecodeError):
            return ""

    def state(self) -> str:
        """Return ``finished``, ``training`` (a living process holds it) or ``stopped``."""
        if self.finished():
            return "finished"
        held = self._lock is not None or holder(self.path / "lock", system=self._system)
        return "training" if held else "stopped"

    def finished(self) -> bool:
        """Say whether the run came to its end: model and report are there."""
        return (self.path / "finished.json").is_file()

    def recipe_toml(self) -> str:
        """Return the recipe's text."""
        return self._read(names.MARK)

    def source(self) -> dict[str, Any]:
        """Return the facts of the pictures, as ``create`` was given them."""
        return dict(self.read_json("source.json"))

    def environment(self) -> dict[str, Any]:
        """Return what the run was begun on."""
        return dict(self.read_json("environment.json"))

    def split(self) -> Keys:
        """Return the keys of the pictures by part. Raises RunError when the run was stopped before it had a split."""
        path = self.path / "split.json"
        if not path.exists():
            raise RunError(f"{self.name} was stopped before its pictures were split; start a new run: {names.TRAIN}")
        return dict(self.read_json("split.json"))

    def read_json(self, name: str) -> Any:
        """Return the value of a JSON file of the run. Raises RunError when it is absent or damaged.

        What stands in the files that every run has is checked (`striate.runs.fields`).
        """
        text = self._read(name)
        try:
            return fields.loads(text, fields.FILES.get(name, fields.anything))
        except ValueError as error:
            raise RunError(f"{self.path / name} is damaged ({str(error)[:120]}); {self.name} cannot be used") from None

    def write_json(self, name: str, value: Any) -> None:
        """Keep a value as a JSON file of the run; numbers that are not finite become null."""
        self._write(name, json.dumps(history.plain(value), ensure_ascii=True, indent=1, allow_nan=False) + "\n")

    def write_report(self, html: str) -> None:
        """Keep the report."""
        self._write("report.html", html)

    # History and checkpoints

    def append(self, epoch: Mapping[str, Any]) -> None:
        """Add an epoch to the history; its ``index`` (or ``epoch``) is its number, from 1. Before its checkpoint.

        Numbers that are not finite become null.
        """
        history.append(self._history, epoch, system=self._system)

    def history(self) -> Epochs:
        """Return the epochs so far; a last line that is being written, or was cut off, is left out."""
        return history.read(self._history)

    def truncate_history(self, epoch: int) -> None:
        """Cut the history after ``epoch``: what a run goes on from is its checkpoint, which knows nothing later."""
        history.truncate(self._history, epoch, system=self._system)

    def checkpoint(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any], *, epoch: int | None = None) -> Path:
        """Keep the whole state of a training, so that it survives a kill or a power cut, and return its path.

        ``epoch`` is how many epochs are complete; without it ``facts`` must say so (``epochs_done`` or ``epoch``).
        Raises DiskError (every earlier checkpoint is still there), RunError for tensors that are not finite.
        """
        number = epoch if epoch is not None else facts.get("epochs_done", facts.get("epoch"))
        if not isinstance(number, int) or number < 0:
            raise ValueError("a checkpoint's facts lack how many epochs are done: 'epochs_done', a whole number")
        return checkpoints.save(self._checkpoints, number, tensors, facts, system=self._system)

    def latest_checkpoint(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return the newest whole checkpoint as (tensors, facts), None when there is none yet.

        A damaged one is passed over for the one before it, and named in ``notes``. RunError when all are damaged.
        """
        found, notes = checkpoints.newest(self._checkpoints)
        self.notes += notes
        return found

    # The end, and going on behind it

    def save_model(
        self, tensors: Mapping[str, Tensor | np.ndarray[Any, Any]], facts: ModelFile, *, graph: str | None = None
    ) -> None:
        """Keep the finished model, with the digest of its ONNX ``graph``.

        Raises RunError for weights that are not finite, DiskError, ModelError.
        """
        from striate.model.files.weights import to_pieces

        checkpoints.refuse_non_finite(tensors, "the model")
        durable.write(self.model_path, to_pieces(tensors, facts, graph=graph), system=self._system)

    def finish(self, summary: Mapping[str, Any] | None = None) -> None:
        """Mark the run as complete: to be called when everything else is written."""
        self.write_json("finished.json", summary or {})

    def reopen(self, recipe_toml: str) -> None:
        """Make a run unfinished again, under a recipe with more epochs."""
        durable.remove(self.path / "finished.json", system=self._system)
        self._write(names.MARK, recipe_toml)

    # Beneath

    @property
    def _history(self) -> Path:
        return self.path / "history.jsonl"

    @property
    def _checkpoints(self) -> Path:
        return self.path / "checkpoints"

    def _write(self, name: str, text: str) -> None:
        if Path(name).name != name or not name.strip("."):
            raise ValueError(f"{name!r} is not the name of a file in the run")
        durable.write(self.path / name, text.encode("utf-8", "surrogateescape"), system=self._system)

    def _read(self, name: str) -> str:
        path = self.path / name
        try:
            return read_bytes(path, limit=LIST).decode("utf-8", "surrogateescape")
        except FileNotFoundError:
            raise RunError(f"{self.name} has no {name}; what is in {self.path} is not whole") from None
        except OSError as error:
            raise RunError(f"{path} cannot be read: {error.strerror or error}") from None
