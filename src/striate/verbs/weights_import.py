"""Import: somebody else's weights into a model file of ours. Imports nets, data, model, runs; torch late.

A pickle comes in by `striate.model.door` alone; what it holds is laid into a net of the catalogue by that net's own
table of names, and whatever the file does not say about pictures and classes is said by who imports it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from striate.data.classes import check_names
from striate.data.preprocess import Preprocess
from striate.errors import ModelError
from striate.model.door.parent import LIMITS, Limits, Passed, through
from striate.model.published import arrange
from striate.model.weights import ModelFile, to_pieces
from striate.nets import CATALOG
from striate.runs import durable
from striate.runs.environment import environment
from striate.spec import Shape
from striate.words import counted

if TYPE_CHECKING:
    from torch import Tensor

_WRAPPERS: Final = ("module.", "_orig_mod.")  # DataParallel and torch.compile put these before every name
_NAMED_DIGEST: Final = re.compile(r"-([0-9a-f]{8,64})\.[A-Za-z]+$")  # torch.hub: resnet50-0676ba61.pth


@dataclass(frozen=True)
class Imported:
    """A model file made of somebody else's weights.

    ``path`` of the model file; ``net`` its name in the catalogue; ``facts`` what the model file says of itself;
    ``tensors`` taken, with ``parameters`` trained numbers in the net; ``confinement``: a sentence on what kept the
    file from doing anything; ``notes``: sentences a person should read.
    """

    path: Path
    net: str
    facts: ModelFile
    tensors: int
    parameters: int
    confinement: str
    notes: tuple[str, ...]


def import_weights(
    path: Path | str,
    *,
    as_: str,
    output: Path | str = "model.safetensors",
    classes: int | Sequence[str] | None = None,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    size: int | None = None,
    force: bool = False,
    limits: Limits = LIMITS,
) -> Imported:
    """Write a model file with the weights of somebody else's file, and return what was made of it.

    ``path``: a pickle (``.pth``, ``.pt``, ``.th``, ``.bin``) or safetensors; ``as_``: the net of the catalogue that
    they are for; ``classes``: how many, or their names in the order of the logits (without them as many as the net was
    published for, named "class 0" and so on); ``mean`` and ``std`` per channel, in 0..1 (without them pixels are
    divided by 255); ``size`` of the input in pixels. An ``output`` that exists is replaced with ``force`` alone.

    Raises `DoorError` for a pickle that is more than weights, `ModelError` for what does not fit, `DiskError`.

    Example: ``import_weights("resnet20-12fca82f.th", as_="resnet20", output="resnet20.safetensors").parameters``
    """
    path, output = Path(path), Path(output)
    name = _catalogued(as_)
    _check_output(output, force)
    shape = CATALOG[name].input
    height, width = size or shape.height or 1, size or shape.width or 1
    pictures = Preprocess(height, width, shape.channels, mean=tuple(mean), std=tuple(std))
    passed = through(path, limits=limits)
    names = _class_names(classes, name)
    entries, wrapper = unwrapped(passed.tensors)
    tensors, facts, converted = fit(entries, name, classes=names, preprocess=pictures, what=path.name)
    came_from = {
        "file": path.name,
        "sha256": passed.sha256,
        "bytes": passed.size,
        "part": passed.part,
        "confined_by": list(passed.layers),
    }
    facts = replace(facts, provenance={"net": name, "imported": came_from, "environment": environment()})
    notes = (
        *_notes(path.name, passed, wrapper),
        *converted,
        *([] if pictures.std else ["No --mean and --std were given: pixels are divided by 255 and no more."]),
        *([] if classes is not None else [f'No --classes were given: the answers are "class 0" to "{names[-1]}".']),
    )
    durable.write(output, to_pieces(tensors, facts))
    survey = CATALOG[name].function(len(names)).on(*facts.input, fit="floor")
    return Imported(output, name, facts, len(passed.tensors), survey.parameters, passed.confinement(), notes)


def unwrapped(entries: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """Return the entries without what a wrapper put before every name, and what that was ("" where nothing was)."""
    taken, off = dict(entries), ""
    while wrapper := next((text for text in _WRAPPERS if all(name.startswith(text) for name in taken)), ""):
        taken, off = {name.removeprefix(wrapper): tensor for name, tensor in taken.items()}, off + wrapper
    return taken, off


def fit(
    entries: Mapping[str, Tensor], name: str, *, classes: Sequence[str], preprocess: Preprocess, what: str
) -> tuple[dict[str, Tensor], ModelFile, list[str]]:
    """Return a net's tensors and the facts of its model file, from a publisher's entries; and notes on what changed.

    ``name``: of the catalogue; ``what`` names the file in errors. Numbers of another precision become the net's.
    Raises `ModelError` for entries that are missing, left over, of another shape, or not finite.
    """
    import torch

    from striate.model.build import build

    shape = Shape(preprocess.channels, preprocess.height, preprocess.width)
    net = CATALOG[name].function(len(classes))
    model = build(net, shape, preprocess=preprocess)
    own = model.state_dict()
    shapes = {part: tuple(tensor.shape) for part, tensor in own.items() if not part.startswith("input.")}
    schemes = (*CATALOG[name].names, {part: part for part in shapes})  # a publisher's names, or our own
    tensors, kinds = {}, set()
    for part, tensor in arrange(entries, shapes, schemes, what=what).items():
        if tensor.is_floating_point() != own[part].is_floating_point():
            raise ModelError(f"{what}: {part} is of {tensor.dtype}, and the net has {own[part].dtype} there")
        if not torch.isfinite(tensor).all():
            raise ModelError(
                f"{what}: {part} holds values that are not finite; a net with such weights answers nothing"
            )
        if tensor.dtype != own[part].dtype:
            kinds.add(str(tensor.dtype).removeprefix("torch."))
        tensors[part] = tensor.to(own[part].dtype)
    facts = ModelFile(
        net=str(net),
        input=(preprocess.channels, preprocess.height, preprocess.width),
        task="classify",
        classes=tuple(classes),
        preprocess=preprocess.to_dict(),
        calibration={},
        unknown=None,
        provenance={"net": name},
    )
    return (
        {**own, **tensors},
        facts,
        [f"Its {kind} numbers became float32." for kind in sorted(kinds) if "int" not in kind],
    )


def _catalogued(name: str) -> str:
    key = name.strip().lower().replace("-", "_")
    if key not in CATALOG:
        near = difflib.get_close_matches(key, CATALOG, n=1)
        raise ModelError(
            f"the catalogue has no net {name!r}" + (f"; did you mean {near[0]}?" if near else f": {', '.join(CATALOG)}")
        )
    return key


def _check_output(output: Path, force: bool) -> None:
    """Refuse before anything is read what could not be written after it."""
    if output.is_dir():
        raise ModelError(f"{output} is a folder; -o names the file to write")
    if not output.parent.is_dir():
        raise ModelError(f"there is no folder {output.parent} to write {output.name} in; make it first")
    if output.exists() and not force:
        raise ModelError(f"{output} exists and was left as it is; --force replaces it")


def _class_names(classes: int | Sequence[str] | None, name: str) -> tuple[str, ...]:
    if classes is None or isinstance(classes, int):
        count = CATALOG[name].classes if classes is None else classes
        if count < 1:
            raise ModelError(f"{counted(count, 'class')}; a net answers with at least one")
        return tuple(f"class {number}" for number in range(count))
    check_names(classes, "the list of classes")
    return tuple(classes)


def _notes(name: str, passed: Passed, wrapper: str) -> list[str]:
    """Return what a person should know of the file itself."""
    notes = []
    if found := _NAMED_DIGEST.search(name):
        if passed.sha256.startswith(found[1]):
            notes.append(f"Its SHA-256 begins with {found[1]}, as its name says.")
        elif not re.fullmatch(r"20\d{6}", found[1]):  # a date
            notes.append(
                f"ITS NAME SAYS {found[1]} AND ITS SHA-256 BEGINS WITH {passed.sha256[: len(found[1])]}: if the name "
                "carries a checksum, this is not the file that was published."
            )
    if passed.part:
        beside = f"; {_listed(passed.beside)} beside it {'was' if len(passed.beside) == 1 else 'were'} not taken"
        notes.append(f"The weights were in its {passed.part}{beside if passed.beside else ''}.")
    if passed.skipped:
        notes.append(f"Among them {_listed(passed.skipped)}: no tensor, not taken.")
    if wrapper:
        notes.append(f"{wrapper} was taken off every name.")
    return notes


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
