"""The models of a server: opened by name, each with a thread of its own, and replaced by a newer version of itself.

Which files they are is said when the server starts, and by nobody afterwards: a request names a model by the name it is
served under. A newer version is opened and asked once beside the one that answers, and takes its place only then; what
the older one was given, it answers.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import numpy as np

from striate.errors import ModelError, ServeError
from striate.model.files import tensorfile
from striate.runs.names import followed, is_run
from striate.runs.onnx_file import thread_count
from striate.runs.predictor import Predictor
from striate.verbs.predict import find_model
from striate.verbs.workspace import Workspace
from striate.web.server.batching import Batcher
from striate.web.server.settings import Settings

_NAME: Final = re.compile(r"[A-Za-z0-9_.+-]{1,100}")


@dataclass(frozen=True)
class Wanted:
    """A model as it was asked for: the ``name`` it is served under, and the run, file or published weights it is."""

    name: str
    what: str


@dataclass(frozen=True, eq=False)
class Served:
    """A model that answers: its ``predictor`` and ``batcher``; ``version`` counts from 1, ``digest`` is of its file."""

    name: str
    version: int
    predictor: Predictor
    batcher: Batcher
    path: Path
    stamp: tuple[int, ...]
    digest: str


def wanted(words: Sequence[str], runs_dir: Path) -> tuple[Wanted, ...]:
    """Return which models a person asked for: ``NAME=RUN``, or a run, file or name of weights, called as it is.

    None are the last run. Errors: ServeError for a name that is none, or is there twice.
    """
    found: list[Wanted] = []
    for word in words or ("last",):
        name, equals, what = word.partition("=")
        if not equals or not name or "/" in name:
            what = word
            path = followed(word if word != "last" else runs_dir / "last", runs_dir)
            name = re.sub(r"[^A-Za-z0-9_.+-]+", "-", path.parent.name if path.stem == "model" else path.name)
            name = name.removesuffix(".safetensors")
        if not _NAME.fullmatch(name):
            raise ServeError(f"{name[:80]!r} is no name to serve a model under; say one: digits={what[:80]}")
        if name in {one.name for one in found}:
            raise ServeError(f"two models would be called {name}; name one of them otherwise: other={what[:80]}")
        found.append(Wanted(name, what))
    return tuple(found)


@final
class Models:
    """The models of a server by name. ``seen`` is told the name and the size of each batch."""

    def __init__(
        self,
        asked: Sequence[Wanted],
        settings: Settings,
        workspace: Workspace,
        *,
        int8: bool = False,
        seen: Callable[[str, int], None] = lambda _name, _size: None,
    ) -> None:
        """Open all of them. Errors: StriateError for one that cannot be."""
        self._asked, self._settings, self._workspace, self._int8, self._seen = asked, settings, workspace, int8, seen
        self._changing = threading.Lock()
        self._served: dict[str, Served] = {}
        for one in asked:
            self._served[one.name] = self._open(one, 1)

    @property
    def served(self) -> Mapping[str, Served]:
        """Those that answer now."""
        return self._served

    def pick(self, name: str | None) -> Served | None:
        """Return the model of a name; without one the first. None: there is none."""
        return next(iter(self._served.values())) if name is None else self._served.get(name)

    def renew(self) -> list[tuple[str, str]]:
        """Open what has changed since, put it in the place of what answers, and return what came of each by name.

        What cannot be opened is said, and what answered goes on. May take seconds; not for the event loop.
        """
        told: list[tuple[str, str]] = []
        with self._changing:
            for one in self._asked:
                before = self._served[one.name]
                try:
                    path = self._find(one)
                    if (path, _stamp(path)) == (before.path, before.stamp):
                        continue
                    now = self._open(one, before.version + 1)
                except Exception as error:  # whatever it is, what answered goes on
                    told.append((one.name, f"stays at version {before.version}: {error}"))
                    continue
                self._served = {**self._served, one.name: now}
                # A request that had taken the older one may be about to ask it: it is left a while.
                later = threading.Timer(self._settings.deadline + self._settings.decode_seconds, before.batcher.close)
                later.daemon = True  # who stops waits for nobody who has nothing to answer
                later.start()
                told.append((one.name, f"version {now.version} answers"))
        return told

    def close(self) -> None:
        """Stop, once all that they were given is answered."""
        for one in self._served.values():
            one.batcher.close()

    def _find(self, one: Wanted) -> Path:
        path = Path(one.what)
        runs_dir = self._workspace.runs_dir
        if one.what == "last" or is_run(runs_dir / path) or is_run(path) or not (path.exists() or _is_published(path)):
            return find_model(run=one.what, workspace=self._workspace)
        if path.is_dir():
            return path / "model.safetensors"
        return find_model(model=one.what, workspace=self._workspace)

    def _open(self, one: Wanted, version: int) -> Served:
        path = self._find(one)
        stamp = _stamp(path)
        predictor = Predictor.open(path, device="cpu", int8=self._int8, torch=False)
        assert predictor.onnx is not None
        predictor.onnx.settle(threads=self._settings.threads or max(1, thread_count() - 1))
        shape = predictor.facts.input
        for number in {1, self._settings.batch}:  # what it takes in memory it takes now, and what fails, fails now
            blank = np.full((number, *shape[1:], shape[0]), 128, np.uint8)
            try:
                predictor.ask(blank, many=True)
            except ModelError as error:
                raise ModelError(f"{path}: {error}") from None
        digest = tensorfile.read_header(path).metadata.get(tensorfile.CHECKSUM, "")
        batcher = Batcher(predictor, most=self._settings.batch, seen=lambda size: self._seen(one.name, size))
        return Served(one.name, version, predictor, batcher, path, stamp, digest)


def _is_published(name: Path) -> bool:
    from striate.model.pretrained.pretrained import canonical

    return canonical(str(name)) is not None


def _stamp(path: Path) -> tuple[int, ...]:
    """Return what tells one writing of a model from the next: of its file, and of the ONNX file beside it."""
    found: list[int] = []
    for each in (path, path.with_suffix(".onnx")):
        try:
            facts = each.stat()
            found += [facts.st_mtime_ns, facts.st_size, facts.st_ino]
        except OSError:
            found.append(0)
    return tuple(found)
