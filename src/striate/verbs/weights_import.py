"""Import: somebody else's weights into a model file of ours. Imports nets, data, model, runs; torch late.

A pickle comes in by `striate.model.sandbox` alone; what it holds is laid into a net of the catalogue by that net's own
table of names, and whatever the file does not say about pictures and classes is said by who imports it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from striate import nets
from striate.data.labels.classes import check_names
from striate.data.pictures.preprocess import Preprocess
from striate.errors import DescribeError, ModelError
from striate.model.files.weights import ModelFile, to_pieces
from striate.model.pretrained.key_mapping import HEADLESS, Names, arrange, by_number, place_of, without_prefix
from striate.model.sandbox.parent import LIMITS, Limits, Passed, through
from striate.nets import CATALOG
from striate.runs import durable
from striate.runs.environment import environment
from striate.spec import Net, Shape
from striate.tasks.table import BY_ITSELF
from striate.verbs.class_files import read_classes
from striate.words import counted, plural

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
    net: str,
    output: Path | str = "model.safetensors",
    classes: int | Sequence[str] | Path | None = None,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    size: int | None = None,
    input: tuple[int, int, int] | None = None,
    entry: str = "",
    force: bool = False,
    limits: Limits = LIMITS,
) -> Imported:
    """Write a model file with the weights of somebody else's file, and return what was made of it.

    Weights without a head become a model file to start a training from.

    Arguments:
        path: a pickle (``.pth``, ``.pt``, ``.th``, ``.bin``) or safetensors.
        net: the one of the catalogue that they are for, or the text of a net or a file with it.
        output: the model file; one that exists is replaced with ``force`` alone.
        classes: how many, their names in the order of the logits, or a file of them; without it as many as its head
            answers for, named "class 0" and so on.
        mean, std: per channel, in 0..1; without them pixels are divided by 255.
        size: of the input in pixels, where it is square.
        input: (channels, height, width) of a net that is a text.
        entry: where in the file the weights are ("ema": the averaged ones beside the others).
        force: whether an ``output`` that exists is replaced.
        limits: what the process that reads a pickle may take: seconds and bytes.

    Errors: DoorError for a pickle that is more than weights, ModelError for what does not fit, DiskError.

    Example: ``import_weights("lenet5.pth", net="lenet5", output="lenet5.safetensors").parameters`` is 61706.
    """
    path, output = Path(path), Path(output)
    named = read_classes(classes) if isinstance(classes, Path) else classes
    _check_output(output, force)
    meant = _meant(net, size, input)
    pictures = replace(meant.preprocess, mean=tuple(mean), std=tuple(std))
    passed = through(path, entry=entry, limits=limits)
    said = None if classes is None else str(classes) if isinstance(classes, Path) else "--classes"
    laid = lay(passed.tensors, meant, classes=named, preprocess=pictures, what=path.name, said=said)
    came_from = {
        "file": path.name,
        "sha256": passed.sha256,
        "bytes": passed.size,
        "part": passed.part,
        "confined_by": list(passed.layers),
    }
    origin = {"net": meant.name, "imported": came_from, "environment": environment()}
    facts = replace(laid.facts, provenance={**laid.facts.provenance, **origin})
    notes = [*_notes(path.name, passed), *laid.notes]
    if not pictures.std:
        notes.append("No --mean and --std were given: pixels are divided by 255 and no more.")
    if laid.headless:
        notes.append(f"It has no head, answers nothing, and is to start from: striate train PICTURES --start {output}")
    elif classes is None:
        notes.append(f'No --classes were given: the answers are "class 0" to "{facts.names[-1]}".')
    durable.write(output, to_pieces(laid.tensors, facts))
    survey = meant.net.with_classes(len(facts.names)).on(*facts.input, fit="floor")
    return Imported(
        output, meant.name, facts, len(passed.tensors), survey.parameters, passed.confinement(), tuple(notes)
    )


@dataclass(frozen=True)
class Meant:
    """The net that weights are for: its name (or its text), itself, the names that publishers give its tensors, how
    many classes it was published for (None: open), and what pictures it takes.
    """

    name: str
    net: Net
    schemes: tuple[Names, ...]
    classes: int | None
    preprocess: Preprocess


@dataclass(frozen=True)
class Laid:
    """Somebody's entries laid into a net: all its tensors, the facts of the model file, what a person should know.

    ``headless``: the entries had none for the head, whose weights are zero.
    """

    tensors: dict[str, Tensor]
    facts: ModelFile
    notes: tuple[str, ...]
    headless: bool


def _meant(text: str, size: int | None, input: tuple[int, int, int] | None) -> Meant:
    """Return the net that ``--net`` stands for: a name of the catalogue, a file with a net, or its text."""
    key = text.strip().lower().replace("-", "_")
    if key in CATALOG:
        entry = CATALOG[key]
        channels, height, width = input or (entry.input.channels, *(size or side or 1 for side in entry.input.size))
        net = entry.function(None)
        return Meant(key, net, tuple(entry.names), entry.classes, Preprocess(height, width, channels))
    if re.fullmatch(r"[\w-]+", key) and not Path(text).is_file():
        near = difflib.get_close_matches(key, CATALOG, n=1)
        raise ModelError(
            f"the catalogue has no net {text!r}" + (f"; did you mean {near[0]}?" if near else f": {', '.join(CATALOG)}")
        )
    try:
        net = nets.resolve(text)
    except DescribeError as error:
        raise ModelError(f"--net: {error}") from None
    if input is None:
        raise ModelError("--net is a net in words, whose input is not known: say it with --input, such as 3x32x32")
    channels, height, width = input
    classes = None
    if not net.is_open:
        output = net.on(*input, fit="floor").output
        if output is None or output != Shape(output.channels):
            raise ModelError(f"--net: that net puts out {output}, and answers for classes are a row of numbers")
        classes = output.channels
    return Meant(str(net), net, (), classes, Preprocess(height, width, channels))


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

    ``name``: of the catalogue; otherwise as `lay`, but that a head must be there.
    """
    entry = CATALOG[name]
    meant = Meant(name, entry.function(None), tuple(entry.names), entry.classes, preprocess)
    laid = lay(entries, meant, classes=classes, preprocess=preprocess, what=what, said=what, whole=True)
    return laid.tensors, laid.facts, list(laid.notes)


def lay(
    entries: Mapping[str, Tensor],
    meant: Meant,
    *,
    classes: int | Sequence[str] | None,
    preprocess: Preprocess,
    what: str,
    said: str | None,
    whole: bool = False,
) -> Laid:
    """Return a net's tensors and the facts of its model file, from somebody's entries.

    ``what`` names the file in errors, ``said`` what names the classes. Numbers of another precision become the net's,
    one prefix before all names is taken off; where the head is missing its weights are zero, unless it must be
    ``whole``. Raises `ModelError` for entries that are missing, left over, of another shape, or not finite.
    """
    import torch

    from striate.model.build.model import build

    shape = Shape(preprocess.channels, preprocess.height, preprocess.width)
    count = _count(classes, meant)
    model = build(meant.net.with_classes(count or 2), shape, preprocess=preprocess)
    own = model.state_dict()
    shapes = {part: tuple(tensor.shape) for part, tensor in own.items() if not part.startswith("input.")}
    schemes = (*meant.schemes, {part: part for part in shapes})  # a publisher's names, or our own
    below, prefix, aside = without_prefix(entries, shapes, schemes)
    notes = [f"{prefix} was taken off every name."] if prefix else []
    if aside:
        notes.append(f"{_listed(aside)} beside {plural(len(aside), 'it')}: not the net's, not taken.")
    head = [part for part in shapes if part.startswith(f"{model.embedding_part}.")]
    if numbered := by_number(below, shapes, head):
        schemes = (numbered,)
        notes.append("Its names are numbers: they were taken in their order, and every shape fits.")
    answers = _answers(f"{model.embedding_part}.weight", below, shapes, schemes)
    if answers is not None and answers != count:
        if count is not None and (said is not None or not meant.net.is_open):
            raise ModelError(
                f"{said or 'the net'} has {counted(count, 'class')}, and the head of {what} answers for {answers:,}; is"
                " it for other classes, or another net?"
            )
        return lay(entries, meant, classes=answers, preprocess=preprocess, what=what, said=what, whole=whole)
    names = _class_names(classes, count or 2)
    tensors, kinds = {}, set()
    for part, tensor in arrange(below, shapes, schemes, what=what, spared=() if whole else head).items():
        if tensor.is_floating_point() != own[part].is_floating_point():
            raise ModelError(f"{what}: {part} is of {tensor.dtype}, and the net has {own[part].dtype} there")
        if not torch.isfinite(tensor).all():
            raise ModelError(
                f"{what}: {part} holds values that are not finite; a net with such weights answers nothing"
            )
        if tensor.dtype != own[part].dtype:
            kinds.add(str(tensor.dtype).removeprefix("torch."))
        tensors[part] = tensor.to(own[part].dtype)
    headless = not any(part in tensors for part in head)
    blank = {part: torch.zeros_like(own[part]) for part in head} if headless else {}
    facts = ModelFile(
        net=str(meant.net.with_classes(len(names))),
        input=(preprocess.channels, preprocess.height, preprocess.width),
        task=BY_ITSELF,
        names=names,
        preprocess=preprocess.to_dict(),
        provenance={"net": meant.name, **({HEADLESS: True} if headless else {})},
    )
    notes += [f"Its {kind} numbers became float32." for kind in sorted(kinds) if "int" not in kind]
    return Laid({**own, **blank, **tensors}, facts, tuple(notes), headless)


def _answers(
    head: str, entries: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]], schemes: Sequence[Names]
) -> int | None:
    """Return how many classes the head in somebody's entries answers for; None where there is none."""
    name = place_of(head, entries, shapes, schemes)
    return None if name is None or not entries[name].dim() else int(entries[name].shape[0])


def _count(classes: int | Sequence[str] | None, meant: Meant) -> int | None:
    """Return how many classes there are to be; None where nobody said."""
    count = meant.classes if classes is None else classes if isinstance(classes, int) else len(classes)
    if count is not None and count < 1:
        raise ModelError(f"{counted(count, 'class')}; a net answers with at least one")
    return count


def _check_output(output: Path, force: bool) -> None:
    """Refuse before anything is read what could not be written after it."""
    if output.is_dir():
        raise ModelError(f"{output} is a folder; -o names the file to write")
    if not output.parent.is_dir():
        raise ModelError(f"there is no folder {output.parent} to write {output.name} in; make it first")
    if output.exists() and not force:
        raise ModelError(f"{output} exists and was left as it is; --force replaces it")


def _class_names(classes: int | Sequence[str] | None, count: int) -> tuple[str, ...]:
    if classes is None or isinstance(classes, int):
        return tuple(f"class {number}" for number in range(count))
    check_names(classes, "the list of classes")
    return tuple(classes)


def _notes(name: str, passed: Passed) -> list[str]:
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
    if passed.others:
        first = passed.others[0]
        notes.append(f"{_listed(passed.others)} beside it holds weights too: --entry {first} takes them.")
    return notes


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
