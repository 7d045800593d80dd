"""A model file: weights and everything needed to use them, in one safetensors file. No torch until tensors are read.

The header's metadata holds, under ``striate``, one JSON object: the fields of ``ModelFile`` and the version that wrote
it. Tensors are named by part path (``stage1.2.conv1.weight``); ``state.*`` are what the task learnt after training.

Format 1 knew one task, and named what that had: ``classes`` are the names now, ``calibration`` and ``unknown`` its
state, whose tensors were ``unknown.*``. It is read for ever, and never written.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from striate.errors import ModelError
from striate.model.files import strict, tensorfile
from striate.words import counted

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

FORMAT = 2
STATE = "state."  # what the tensors of the state begin with
OLD_STATE = "unknown."  # and in format 1
KEY = "striate"
GRAPH = "striate.graph"  # beside the facts: the digest of the ONNX graph that holds these very weights
# Characters of a net's text: the longest of the catalogue has 7,502, and reading goes at some 200,000 a second.
TEXT_LIMIT = 250_000
SIDE_LIMIT = 16_384  # pixels or channels: what `Preprocess` makes at most
_Tensor = TypeVar("_Tensor")


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """The facts of a model file.

    ``net`` is the net's text, ``input`` (channels, height, width) in pixels, ``task`` what it is for, ``names`` what
    its outputs are called, in their order (classes, tags, numbers), ``labels`` what else the task knows of its labels
    (units), ``preprocess`` how a picture becomes the input, ``state`` what the task learnt after training
    (calibration, thresholds, intervals) as far as it is no array, ``provenance`` where it came from: recipe, data
    digest, library versions. ``format`` is the one it was read from; what is written is always of the newest.
    """

    format: int = FORMAT
    net: str
    input: tuple[int, int, int]
    task: str
    names: tuple[str, ...]
    labels: dict[str, Any] = field(default_factory=dict)
    preprocess: dict[str, Any]
    state: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any]


def to_bytes(tensors: Mapping[str, Tensor | np.ndarray[Any, Any]], facts: ModelFile) -> bytes:
    """Return the model file with these tensors and facts. Raises ModelError for facts that ``read`` would refuse.

    Example: ``Path("model.safetensors").write_bytes(to_bytes(model.state_dict(), facts))``
    """
    return b"".join(to_pieces(tensors, facts))


def to_pieces(
    tensors: Mapping[str, Tensor | np.ndarray[Any, Any]], facts: ModelFile, *, graph: str | None = None
) -> list[bytes | memoryview]:
    """Return the same bytes in pieces, without copying the tensors; ``graph`` is the digest of the ONNX graph of it."""
    header = {"striate": version(), **dataclasses.asdict(facts), "format": FORMAT}
    try:
        text = json.dumps(header, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError) as error:
        raise ModelError(f"the facts of a model file must be plain JSON: {error}") from None
    _facts(text, "the model file")
    return tensorfile.pack(tensors, {KEY: text} if graph is None else {KEY: text, GRAPH: graph})


def read_facts(path: Path | str) -> ModelFile:
    """Read what a model file says of itself; its tensors stay where they are, and torch is not imported.

    Raises ModelError for anything that is not a model file of ours, is cut short, or needs a newer Striate.
    """
    with _readable(Path(path)):
        header = tensorfile.read_header(Path(path))
    return _from_header(header, Path(path))


def read(path: Path | str) -> tuple[dict[str, Tensor], ModelFile]:
    """Read a model file: its tensors (CPU) by name, and its facts. Raises as ``read_facts``, and for damaged bytes."""
    path = Path(path)
    with _readable(path):
        tensors, header = tensorfile.read(path, check=lambda header: _checked(header, path))
    return tensors, _from_header(header, path)


def read_arrays(path: Path | str) -> tuple[dict[str, np.ndarray[Any, Any]], ModelFile]:
    """Read a model file as ``read`` does, its tensors as numpy arrays; torch is not imported."""
    path = Path(path)
    with _readable(path):
        arrays, header = tensorfile.read_all_arrays(path, check=lambda header: _checked(header, path))
    return arrays, _from_header(header, path)


def state_of(tensors: Mapping[str, _Tensor], facts: ModelFile) -> dict[str, _Tensor]:
    """Return the tensors of a task's state, by the names that the task gave them.

    Example: ``state_of(*read_arrays(run.model_path))``
    """
    start = state_prefix(facts)
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}


def state_prefix(facts: ModelFile) -> str:
    """Return what the names of the tensors of a file's state begin with."""
    return OLD_STATE if facts.format == 1 else STATE


def with_state(
    tensors: Mapping[str, Tensor], state: Mapping[str, np.ndarray[Any, Any]]
) -> dict[str, Tensor | np.ndarray[Any, Any]]:
    """Return a model's tensors and those of its task's state, as one file holds them. ModelError where names meet."""
    named = {f"{STATE}{name}": array for name, array in state.items()}
    if both := named.keys() & tensors.keys():
        raise ModelError(f"{min(both)} is a tensor of the net and of its task's state; give that part another name")
    return {**tensors, **named}


def version() -> str:
    """Return the version of Striate that is installed, "0" where it is not installed at all."""
    import importlib.metadata

    try:
        return importlib.metadata.version("striate")
    except importlib.metadata.PackageNotFoundError:
        return "0"


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what the system says of a path that cannot be read into a ModelError."""
    try:
        yield
    except FileNotFoundError:
        raise ModelError(f"there is no file {path}; striate train writes runs/<name>/model.safetensors") from None
    except OSError as error:
        if path.is_dir():
            raise ModelError(
                f"{path} is a folder; a model file is called model.safetensors and lies in a run"
            ) from None
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from None


def _checked(header: tensorfile.Header, path: Path) -> None:
    _from_header(header, path)
    if tensorfile.CHECKSUM not in header.metadata:
        raise ModelError(f"{path} carries no checksum, so another program has rewritten it; take the original")


def _from_header(header: tensorfile.Header, path: Path) -> ModelFile:
    if KEY not in header.metadata:
        names = list(header.places)
        shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        what = "a checkpoint of a training" if "striate.checkpoint" in header.metadata else "a safetensors file"
        raise ModelError(
            f"{path} is {what} with {counted(len(names), 'tensor')}"
            f"{f' ({shown})' if names else ''}, but not a model file of Striate: it does not say which net, classes "
            "and preprocessing its weights belong to. striate train writes such files as model.safetensors, and "
            f"striate weights import {path.name} --net NET makes one of somebody else's weights"
        )
    return _facts(header.metadata[KEY], str(path))


def _facts(text: str, where: str) -> ModelFile:
    """Check a header's JSON field by field."""

    def wrong(field: str, need: str) -> ModelError:
        return ModelError(f"{where}: the header's {field} must be {need}")

    try:
        values = strict.loads(text)
        if "\\u" in text:  # half of a pair of surrogates is no text, and nothing that writes text takes it
            json.dumps(values, ensure_ascii=False).encode()
    except ValueError as error:
        raise ModelError(f"{where}: the header under {KEY!r} is not JSON ({str(error)[:80]})") from None
    if not isinstance(values, dict):
        raise ModelError(f"{where}: the header under {KEY!r} is not a JSON object")
    number = values.get("format")
    if type(number) is not int or number < 1:
        raise wrong("format", f"a whole number from 1 to {FORMAT}")
    if number > FORMAT:
        writer = values.get("striate")
        by = f"Striate {writer[:40]}" if isinstance(writer, str) else "a newer Striate"
        raise ModelError(
            f"{where} is of format {number} and was written by {by}; this is Striate {version()} and reads format "
            f"{FORMAT}. Read it with {by} or later (pip install --upgrade striate)"
        )
    old = number == 1
    needed = _FIELDS_1 if old else tuple(ModelFile.__dataclass_fields__)
    absent = [name for name in needed if name not in values]
    if absent:
        raise ModelError(f"{where}: the header lacks {', '.join(absent)}")
    for name in ("net", "task"):
        if not isinstance(values[name], str) or not 0 < len(values[name]) <= TEXT_LIMIT:
            raise wrong(name, f"text of 1 to {TEXT_LIMIT:,} characters")
    shape = values["input"]
    if (
        not isinstance(shape, list | tuple)
        or len(shape) != 3
        or not all(type(size) is int and 0 < size <= SIDE_LIMIT for size in shape)
    ):
        raise wrong("input", "three whole numbers: channels, height, width")
    said = "classes" if old else "names"
    names = values[said]
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) and name for name in names):
        raise wrong(said, "a list of names")
    if len(set(names)) != len(names):
        raise wrong(said, "names that differ from one another")
    for name in ("preprocess", "provenance", *(("calibration",) if old else ("labels", "state"))):
        if not isinstance(values[name], dict):
            raise wrong(name, "an object")
    if old:
        values = _from_format_1(values, wrong)
    kept = {name: values[name] for name in ("net", "task", "labels", "preprocess", "state", "provenance")}
    return ModelFile(format=number, input=(shape[0], shape[1], shape[2]), names=tuple(names), **kept)


_FIELDS_1 = ("format", "net", "input", "task", "classes", "preprocess", "calibration", "unknown", "provenance")


def _from_format_1(values: Mapping[str, Any], wrong: Callable[[str, str], ModelError]) -> dict[str, Any]:
    """Return the fields of format 1 as those of format 2; what its one task had learnt is that task's state."""
    if values["unknown"] is not None and not isinstance(values["unknown"], dict):
        raise wrong("unknown", "an object or null")
    temperature = values["calibration"].get("temperature", 1.0)
    if type(temperature) not in (int, float) or not 0 < temperature <= 1e9:
        raise wrong("calibration.temperature", "a number above 0 and at most 1e9")
    state = {"calibration": values["calibration"], "unknown": values["unknown"]}
    return {**values, "labels": {}, "state": state}
