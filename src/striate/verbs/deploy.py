"""Deploy: a model as one artefact for programs without Striate, written once it answers the same. Prints nothing."""

from __future__ import annotations

import difflib
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from striate.data.pictures.preprocess import Preprocess
from striate.errors import ExportError, ModelError
from striate.export import parity_pictures
from striate.export.parity_pictures import Sample
from striate.export.targets import TARGETS, Target
from striate.files import TEXT, open_file, read_bytes
from striate.model.files.weights import version
from striate.runs import durable
from striate.runs.predictor import Predictor
from striate.runs.run import RunDirectory
from striate.runs.seal import beside
from striate.tasks.decoding import MANY
from striate.verbs.export import judging, photographs, quantise
from striate.verbs.prepared import Prepared, subset
from striate.verbs.reopen import reopen_data
from striate.verbs.workspace import HERE, Workspace

if TYPE_CHECKING:
    from striate.export.deployed import Deployment
    from striate.export.parity import ParityTable

OWN: Final = 56  # pictures of the run's own that answers are compared on too
BOXES: Final = ".boxes.onnx"  # what ends the name of a graph of boxes
DEPLOYED: Final = "deployed"  # what the names of artefacts say behind that of the model


@dataclass(frozen=True)
class Deployed:
    """An artefact, and what was measured before it was written.

    ``files`` are all of it, ``path`` the first; ``note`` is the JSON beside it, which has the names of the labels, the
    input, the outputs and what was measured. ``table`` is how its answers compare with those of `striate predict`, None
    where it cannot be asked here; ``cost`` what int8 costs, in words. ``outputs`` are what it puts out, in words.
    """

    target: str
    path: Path
    files: tuple[Path, ...]
    note: Path
    table: ParityTable | None
    outputs: Mapping[str, str]
    cost: str = ""

    @property
    def bytes(self) -> int:
        """How many bytes all files of it have."""
        return sum(_size(file) for file in self.files)

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {
            "target": self.target,
            "path": str(self.path),
            "files": [str(file) for file in self.files],
            "note": str(self.note),
            "bytes": self.bytes,
            "parity": None if self.table is None else self.table.to_dict(),
            "outputs": dict(self.outputs),
            **({"int8": self.cost} if self.cost else {}),
        }


def deploy(
    run: str = "last",
    *,
    model: Path | None = None,
    to: str = "onnx",
    output: Path | None = None,
    int8: bool = False,
    any_size: bool = False,
    boxes: bool = False,
    workspace: Workspace = HERE,
) -> Deployed:
    """Write a run's model, or a ``model`` file, as one artefact that answers by itself, beside it or at ``output``.

    ``to`` is one of `striate.export.targets.TARGETS`. Pixels go in, uint8; what `striate predict` says comes out:
    probabilities, tags, numbers with intervals, boxes, masks, counts, and "none of these". ``any_size``: crop and
    resize are inside, so that a picture of any size can be given, one at a time. ``int8``: the network is that of
    ``model.int8.onnx``, which is made where it is not there, and refused where it loses too much. ``boxes``: refused
    where the model finds no boxes, and called ``model.boxes.onnx``.
    Its answers are compared with those of `striate predict` on 200 pictures of every kind, drawn here, and on some of
    the run's own; where they differ by more than 1e-4, ExportError names the worst picture and nothing is written.

    Example: ``print(deploy("last", any_size=True).table)``
    """
    target = target_named(to)
    for asked, can, word in ((int8, target.int8, "int8"), (any_size, target.any_size, "any size")):
        if asked and not can:
            can_ = ", ".join(one.name for one in TARGETS.values() if (one.int8 if word == "int8" else one.any_size))
            raise ExportError(f"--to {to} has no {word}; it is there for {can_}")
    if int8 and model is not None:
        raise ExportError("int8 is calibrated and measured on a run's own pictures; name a run, not a model file")
    target.check_installed()
    opened = None if model is not None else RunDirectory.open(run, workspace.runs_dir)
    file = model if opened is None else opened.model_path
    assert file is not None
    predictor = Predictor.open(file)
    assert predictor.path is not None
    if boxes:
        _check_boxes(predictor, to, int8=int8, any_size=any_size)
        output = output or predictor.path.with_suffix(BOXES)
    place = output or _place(predictor.path, target, int8=int8, any_size=any_size)
    _check_place(place, target)
    prepared = None if opened is None else reopen_data(opened, workspace=workspace)
    cost = ""
    if int8:
        assert prepared is not None
        predictor, cost = _in_int8(predictor, prepared)
    samples = chain(parity_pictures.made(parity_pictures.MADE), _own(predictor.preprocess, prepared))
    return deployed(predictor, target, place, samples, int8=int8, any_size=any_size, cost=cost)


def deployed(
    predictor: Predictor,
    target: Target,
    place: Path,
    samples: Iterator[Sample],
    *,
    int8: bool = False,
    any_size: bool = False,
    cost: str = "",
) -> Deployed:
    """Write what answers as ``predictor`` does on ``samples``, and its note, or nothing. Errors: ExportError."""
    from striate.export.parity import checked, measure

    deployment = _deployment(predictor, any_size=any_size, int8=int8, whole=target.whole)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, place.name)
        files = target.write(deployment, made)
        table = None
        if target.asked:
            asked = target.opened(made)
            outputs, how = deployment.outputs, {"any_size": any_size, "many": target.many}
            table = checked(measure(asked, predictor, outputs, samples, **how), f"the {target.name} artefact")
        there = [place.parent / one.relative_to(folder) for one in files]
        note = place.with_name(f"{place.name}.json")
        for one, other in reversed([*zip(files, there, strict=True)]):  # the first, which is opened, at last
            _put(one, other)
    told = _told(deployment, target, there, table, cost)
    durable.write(note, (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode())
    means = {name: one.means for name, one in deployment.outputs.items()}
    return Deployed(target.name, there[0], tuple(there), note, table, means, cost)


def target_named(name: str) -> Target:
    """Return a target by its name. Errors: ExportError with those there are."""
    if name not in TARGETS:
        near = difflib.get_close_matches(name, TARGETS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(TARGETS)}"
        raise ExportError(f"there is no target {name[:40]!r}; {hint}")
    return TARGETS[name]


def _check_boxes(predictor: Predictor, to: str, *, int8: bool, any_size: bool) -> None:
    """Refuse what does not go with boxes that are decoded, and a model that finds none. Errors: ExportError."""
    if to != "onnx" or int8 or any_size:
        raise ExportError("boxes are decoded in float32, in ONNX, at one size; leave out the boxes, or the other words")
    deployment = _deployment(predictor)
    if not any(one.per == MANY for one in deployment.outputs.values()):
        task = predictor.task
        raise ExportError(
            f"only boxes are decoded by --boxes, and this model says none: --to onnx writes what it says; its ONNX file"
            f" puts out {task.output}, {task.means(predictor.labels, predictor.learnt)[task.output]}"
        )


def _deployment(predictor: Predictor, **how: bool) -> Deployment:
    from striate.export.deployed import Deployment

    return Deployment(predictor, **how)


def _place(model: Path, target: Target, *, int8: bool, any_size: bool) -> Path:
    words = [DEPLOYED, *(["int8"] if int8 else []), *(["any-size"] if any_size else [])]
    return model.with_suffix(f".{'.'.join(words)}{target.suffix}")


def _check_place(place: Path, target: Target) -> None:
    """Refuse a place where something else lies, or without a folder. Errors: ExportError."""
    if place.suffix != target.suffix:
        raise ExportError(
            f"{place} ends in {place.suffix or 'nothing'}: what --to {target.name} writes is a {target.suffix}"
        )
    if not place.parent.is_dir():
        raise ExportError(f"{place} cannot be written: there is no folder {place.parent}")
    if place.exists() and not _is_ours(place):
        raise ExportError(f"{place} is there already and is not ours; name another file with -o")


def _is_ours(place: Path) -> bool:
    """Say whether Striate wrote what lies at a place: its note says so, or, of an ONNX file, its first bytes."""
    try:
        if place.is_file():
            with open_file(place, limit=sys.maxsize) as file:
                if b"striate" in file.read(64):
                    return True
        told = json.loads(read_bytes(place.with_name(f"{place.name}.json"), limit=TEXT))
    except (OSError, ValueError):
        return False
    return isinstance(told, dict) and "striate" in told


def _in_int8(predictor: Predictor, prepared: Prepared) -> tuple[Predictor, str]:
    """Return the model in int8, made where it is not there, and what it costs. Errors: ExportError."""
    assert predictor.path is not None
    try:
        small = Predictor.open(predictor.path, int8=True)
    except ModelError:
        quantise(predictor, prepared, beside(predictor.path, int8=True))
        small = Predictor.open(predictor.path, int8=True)
    assert small.onnx is not None
    return small, small.task.cost_words(small.onnx.parity)


def _own(how: Preprocess, prepared: Prepared | None) -> Iterator[Sample]:
    """Yield pictures that the model is for: those of its run that judge it, or photographs."""
    if prepared is None:
        for number, one in enumerate(photographs(how), 1):
            yield Sample(f"photograph {number}", "photographs", one)
        return
    rows = judging(prepared)
    for number, row in enumerate(subset(rows, OWN, seed=0), 1):
        yield Sample(f"the run's picture {number}", "the run's own", np.asarray(prepared.store.pixels[row]))


def _put(file: Path, place: Path) -> None:
    """Write a file, or all files of a folder, where it is wanted."""
    if file.is_dir():
        if not place.exists():
            durable.make_directory(place)
        for one in sorted(file.iterdir()):
            _put(one, place / one.name)
        return
    durable.write(place, read_bytes(file, limit=sys.maxsize))


def _size(file: Path) -> int:
    return sum(_size(one) for one in file.iterdir()) if file.is_dir() else file.stat().st_size


def _told(
    deployment: Deployment, target: Target, files: Sequence[Path], table: ParityTable | None, cost: str
) -> dict[str, Any]:
    """Return the note: all that a program has to know of an artefact."""
    import PIL

    predictor = deployment.predictor
    return {
        "striate": version(),
        "target": target.name,
        "files": [file.name for file in files],
        "task": predictor.task.name,
        "names": list(predictor.labels.names),
        "input": {
            "name": "pixels",
            "type": "float32, from 0 to 255" if target.real else "uint8",
            "shape": list(deployment.input) if target.many or deployment.any_size else [1, *deployment.input[1:]],
            "means": _input_words(predictor.preprocess, deployment.any_size),
        },
        "outputs": {
            name: {"type": one.type, "shape": [one.per, *one.sizes], "means": one.means}
            for name, one in deployment.outputs.items()
        },
        "preprocess": predictor.preprocess.to_dict(),
        "parity": "it cannot be asked here, so that nothing is known of its answers"
        if table is None
        else table.to_dict(),
        **({"int8": cost} if cost else {}),
        "pillow": PIL.__version__,
    }


def _input_words(how: Preprocess, any_size: bool) -> str:
    """Return what the input is, in words."""
    if any_size:
        return "one picture of any size: rows, columns, red, green and blue, upright"
    colours = "red, green and blue" if how.channels == 3 else "gray"
    size, share = f"{how.height} x {how.width}", how.crop_share
    ways = {
        "crop": f"scaled until it covers {size}{'' if share == 1 else f' / {share:g}'}, and the middle {size} taken",
        "stretch": f"{'it' if share == 1 else f'its middle {share:g}'} scaled to {size}, whatever its sides",
        "pad": f"scaled until it fits within {size}, and centred on gray 128",
    }
    return (
        f"pictures, upright, each {ways[how.resize]}: rows, columns, {colours}. Scaling is Pillow's resize,"
        f" {how.interpolation}, antialiased; nothing else is done to pixels"
    )
