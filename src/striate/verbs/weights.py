"""Weights: published ones by name, fetched once, made into a model file of ours, and opened like any other.

In the cache, ``weights/<name>.safetensors`` is the model file and ``weights/published/`` where files as published are
looked for and downloaded to; once converted, what was downloaded is removed, and ``<file>.sha256`` stays: the file has
to be the same the next time. Nothing is fetched but what was named.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from striate.data.sources.download import Fetched, fetch, offline
from striate.data.store.cache import weights_dir
from striate.errors import DownloadError, ModelError, SourceError
from striate.model.files import weights
from striate.model.files.weights import ModelFile
from striate.model.pretrained import pretrained
from striate.model.pretrained.pretrained import File, Published
from striate.runs.names import MARK, followed
from striate.verbs.alone import alone
from striate.verbs.hub import fetch_hub, is_hub
from striate.verbs.workspace import HERE, Workspace

if TYPE_CHECKING:
    import torch


MODEL: Final = "model.safetensors"
_FILES: Final = (".safetensors", ".onnx", ".pth", ".pt", ".th", ".bin")
_DIGESTS: Final = ".sha256"


@dataclass(frozen=True)
class Weights:
    """Published weights and what is here of them: ``path`` of the model file, None where it is not in the cache.

    ``notes``: sentences a person should read, on where they came from and what they were checked against.
    """

    name: str
    published: Published
    path: Path | None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return the facts as plain JSON values."""
        entry = self.published
        return {
            "name": self.name,
            "net": entry.net,
            "trained_on": entry.trained_on,
            "top1": entry.accuracy,
            "mib": entry.mib,
            "licence": entry.licence,
            "source": entry.source,
            "files": [{"name": file.name, "url": file.url, "sha256": file.sha256} for file in entry.files],
            "preprocess": entry.preprocess.to_dict(),
            "path": None if self.path is None else str(self.path),
        }


def list_weights() -> tuple[Weights, ...]:
    """Return all that is known by name, resnet50 before resnet101, and which of them are in the cache."""
    names = sorted(pretrained.PRETRAINED, key=lambda name: re.sub(r"\d+", lambda number: number[0].zfill(6), name))
    return tuple(
        Weights(name, pretrained.PRETRAINED[name], _ready(name, pretrained.PRETRAINED[name])) for name in names
    )


def open_weights(
    what: str | Path,
    workspace: Workspace = HERE,
) -> Path:
    """Return the model file that ``what`` stands for: its path, a run's folder, published weights or a run by name.

    Or ``hf://user/name`` on the Hub (`striate.verbs.hub`).
    Published weights are taken from the cache, else from the workspace's ``data_dir`` (or STRIATE_DATA), else from the
    package that brings them along, where it is installed, else downloaded, where the workspace and STRIATE_OFFLINE
    leave that. Raises `ModelError` for what is none of these, `DownloadError` saying which file to put where.

    Example: ``open_weights("efficientnet_lite0").name`` is ``"efficientnet_lite0.safetensors"``.
    """
    if is_hub(what):
        return fetch_hub(what, workspace)
    path = followed(what, workspace.runs_dir)
    name = str(path)
    for folder in (path, workspace.runs_dir / path):
        if (folder / MARK).is_file() and (folder == path or pretrained.canonical(name) is None):
            return _finished(folder)
    if path.is_file() or (path / MODEL).is_file():
        return path if path.is_file() else path / MODEL
    if pretrained.canonical(name) is None:
        if path.exists() or path.parent != Path() or path.suffix in _FILES:
            return path  # whoever opens it says what is wrong with it
        raise ModelError(
            f"{name!r} is neither a model file, nor the name of a run or of published weights; {pretrained.near(name)}"
        )
    ready = fetch_weights(name, workspace)
    for note in ready.notes:
        workspace.tell(note)
    assert ready.path is not None
    return ready.path


def _finished(folder: Path) -> Path:
    """Return the model file of a run's folder. Errors: ModelError for a run that has none yet, with what to do."""
    if not (folder / MODEL).is_file():
        name = folder.absolute().name
        raise ModelError(
            f"run {name} has no model yet: it is still training, or was stopped before its end; striate train --resume"
            f" {name} goes on with it, and then its weights can be used"
        )
    return folder / MODEL


def fetch_weights(
    name: str,
    workspace: Workspace = HERE,
    *,
    again: bool = False,
) -> Weights:
    """Return published weights with their model file in the cache, fetched and converted where it was not.

    ``again`` proves the checksum of what is there and makes it anew where it is damaged. Otherwise as `open_weights`.
    Nothing half-written is left: a download that broke off is resumed by the next call.
    """
    key = pretrained.canonical(name)
    if key is None:
        raise ModelError(f"no published weights are known as {name!r}; {pretrained.near(name)}")
    entry, places = pretrained.PRETRAINED[key], _places(workspace.data_dir)
    if (path := _ready(key, entry, whole=again)) is not None:
        return Weights(key, entry, path)
    with alone(weights_dir() / f".{key}.lock", key, workspace.tell):
        if (path := _ready(key, entry, whole=again)) is not None:
            return Weights(key, entry, path)  # another process has made it meanwhile
        if (found := _found(entry, places)) is not None:
            file, at = found
            notes = [f"{key}: made from {at}" + _told(_converted(key, entry, file, at, at.as_posix()))]
        else:
            notes = _downloaded(key, entry, places, workspace)
    return Weights(key, entry, _model(key), tuple(notes))


def is_ready(name: str) -> bool:
    """Return whether the model file of published weights is in the cache.

    Example: ``is_ready("efficientnet_lite7")`` is ``False``.
    """
    key = pretrained.canonical(name)
    return key is not None and _ready(key, pretrained.PRETRAINED[key], whole=False) is not None


def _model(key: str) -> Path:
    return weights_dir() / f"{key}.safetensors"


def _originals() -> Path:
    return weights_dir() / "published"


def _ready(key: str, entry: Published, *, whole: bool = False) -> Path | None:
    """Return the model file in the cache if it is there, is readable, and was made the way it would be made today."""
    path = _model(key)
    try:
        facts = weights.read(path)[1] if whole else weights.read_facts(path)
    except ModelError:
        return None
    return path if facts.preprocess == entry.preprocess.to_dict() and facts.names == entry.classes else None


def _places(data_dir: Path | None) -> list[Path]:
    """Return the folders in which files as published are looked for, the cache's own last."""
    given = data_dir or (Path(os.environ["STRIATE_DATA"]) if os.environ.get("STRIATE_DATA") else None)
    if given is None:
        return [_originals()]
    given = Path(os.path.abspath(given.expanduser()))  # noqa: PTH100
    if not given.is_dir():
        raise SourceError(f"the data folder {given} is not there; name another with --data-dir, or leave it out")
    return [given, given / "weights", _originals()]


def _found(entry: Published, places: list[Path]) -> tuple[File, Path] | None:
    """Return the first file that is here: in one of the places, or in an installed package that brings it along."""
    for place in places:
        for file in entry.files:
            if (place / file.name).is_file():
                return file, place / file.name
    brought = ((file, pretrained.in_package(file)) for file in entry.files)
    return next(((file, at) for file, at in brought if at is not None), None)


def _downloaded(key: str, entry: Published, places: list[Path], workspace: Workspace) -> list[str]:
    """Download the first file that is to be had, convert it, and return what to say of it."""
    why = (
        "downloading is turned off (--offline)"
        if not workspace.download
        else "STRIATE_OFFLINE is set"
        if offline()
        else ""
    )
    reasons = [why] if why else []
    for file in () if why else entry.files:
        if not file.url:
            continue
        at, host = _originals() / file.name, urlsplit(file.url).netloc
        workspace.tell(f"{key}: downloading {file.url} (about {entry.mib:,.0f} MiB)")
        try:
            came = fetch([file.url], at, sha256=_expected(file), progress=workspace.progress)
        except DownloadError as error:
            reasons.append(str(error) + (_changed(file) if "SHA-256" in str(error) else ""))
            continue
        try:
            _converted(key, entry, file, at, file.url)
        except ModelError:
            at.unlink(missing_ok=True)  # what came is no weights: the next call asks for it again
            raise
        kept = at.with_name(at.name + _DIGESTS)
        first = not kept.exists()
        with suppress(OSError):
            kept.write_text(came.sha256 + "\n", encoding="utf-8")
            at.unlink()
        return [f"{key}: {_checked(came, file, host, first=first)}; {entry.licence}, from {entry.source}"]
    file = entry.files[0]
    what = f"Save {file.url} (about {entry.mib:,.0f} MiB) as" if file.url else "Nobody serves its file; copy it to"
    if file.package:
        what = f"It comes with a package: pip install {file.package}. Or copy its file {file.name} to"
    said = "; ".join(reasons) or "it has no address"
    looked = f"not in {places[0]} and " if len(places) > 1 else ""
    raise DownloadError(
        f"{key} is {looked}not in the cache: {said}. {what} {_originals() / file.name}, "
        "or under that name into a folder named with --data-dir or STRIATE_DATA"
    )


def _expected(file: File) -> str:
    """Return the SHA-256 that a file has to have: the one known, else the one it had the first time."""
    if len(file.sha256) < 64:
        with suppress(OSError, ValueError):
            text = (_originals() / (file.name + _DIGESTS)).read_text(encoding="utf-8").strip()
            if len(text) == 64 and text.startswith(file.sha256):
                return text
    return file.sha256


def _changed(file: File) -> str:
    """Say where the SHA-256 stands that a file is held against, where that is the one of the first time."""
    kept = _originals() / (file.name + _DIGESTS)
    if len(file.sha256) < 64 and kept.exists():
        return f" (the one it had the first time; to take another, remove {kept})"
    return ""


def _checked(came: Fetched, file: File, host: str, *, first: bool) -> str:
    """Say in a phrase what a download was checked against."""
    if len(file.sha256) == 64:
        return "its SHA-256 is the one known of it"
    if not first:
        return "its SHA-256 is the one it had the first time"
    if came.checked == "known":
        return f"its SHA-256 begins with {file.sha256}, as its name says"
    if came.checked == "stated":
        return f"its SHA-256 is what {host} states, trusted this first time and kept for the next"
    return f"{host} states no SHA-256 of it: checked by its length alone, and its SHA-256 kept for the next time"


def _converted(key: str, entry: Published, file: File, at: Path, origin: str) -> list[str]:
    """Write the model file that a file as published gives; return notes on what was changed."""
    from dataclasses import replace

    from striate.model.sandbox.parent import through
    from striate.runs.environment import environment
    from striate.verbs.weights_import import fit, unwrapped

    passed = through(at)
    if not passed.sha256.startswith(_expected(file)):
        raise ModelError(
            f"{at} is not {file.name} as published: its SHA-256 is {passed.sha256[:12]}…, and should be "
            f"{_expected(file)[:12]}…; get it again" + _changed(file)
        )
    entries, _ = unwrapped(passed.tensors)
    tensors, facts, notes = fit(entries, entry.net, classes=entry.classes, preprocess=entry.preprocess, what=file.name)
    if entry.bgr:
        first = next(part for part, tensor in tensors.items() if tensor.dim() == 4)
        tensors[first] = tensors[first].flip(1)
        notes.append("Its first convolution was turned from blue, green, red to red, green, blue.")
    came_from = {
        "name": key,
        "file": file.name,
        "origin": origin,
        "sha256": passed.sha256,
        "bytes": passed.size,
        "source": entry.source,
        "licence": entry.licence,
        "top1": entry.accuracy,
        "confined_by": list(passed.layers),
    }
    facts = replace(facts, provenance={"net": entry.net, "published": came_from, "environment": environment()})
    return notes + _with_onnx(_model(key), tensors, facts)


def _with_onnx(file: Path, tensors: dict[str, torch.Tensor], facts: ModelFile) -> list[str]:
    """Write a model file into the cache, and its ONNX file beside it; return why that could not be."""
    from striate.data.pictures.preprocess import Preprocess
    from striate.runs import durable
    from striate.runs.rebuild import rebuilt
    from striate.verbs.export import export_beside, graph_for, photographs

    how = Preprocess.from_dict(facts.preprocess)
    model = rebuilt(tensors, facts, how).eval()
    content, digest = graph_for(model)
    durable.write(file, weights.to_pieces(tensors, facts, graph=digest))
    why = export_beside(model, file, photographs(how), content)
    return [why] if why else []


def _told(notes: list[str]) -> str:
    return "".join(f". {note.removesuffix('.')}" for note in notes)
