"""What a look inside returns: values that a page, a sheet or a terminal is drawn from. Imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from striate.data.pictures.crop_transform import Box
from striate.errors import DescribeError
from striate.interpret.activations.feature_visualization import FeatureVisualization
from striate.interpret.activations.maps import Stage
from striate.interpret.activations.receptive import Effective
from striate.interpret.activations.top_activations import TopActivations
from striate.interpret.attribution.value import Evidence
from striate.interpret.diagnostics.confusion import Confusion, UncertainExample
from striate.interpret.diagnostics.health import Health
from striate.interpret.torch_probe import TorchProbe
from striate.runs.maps import Kept
from striate.tasks.prediction import Prediction
from striate.tasks.question import Question


@dataclass(frozen=True, eq=False)
class PictureLook:
    """A net on a picture: its answer, why, what each stage saw, and how much its winning place sees.

    ``answer`` is None for a net that gives no answer for the whole picture; ``why``, the evidence for the answer, also
    for a net that has learnt nothing. ``failed`` is evidence that was sought first and is not to be trusted.
    ``caution`` says that the run has learnt from this very picture, where it has.
    """

    probe: TorchProbe
    answer: Prediction | None
    why: Evidence | None
    failed: tuple[Evidence, ...]
    stages: tuple[Stage, ...]
    field: Effective
    caution: str = ""


@dataclass(frozen=True, eq=False)
class ChannelLook:
    """What a channel looks for: ``weights`` (inputs, height, width) of its filter where it has one of its own.

    ``top_activations`` and ``pictures``, those of its patches with their ``keys``, where the run's pictures were
    searched; ``feature_visualization`` what maximises it, of which it sees ``visualization_box``; ``projections``
    (C, h, w) what in each patch (without patches: in this picture's strongest place) it answers to, by deconvolution;
    ``sources`` the channels of what it reads that its filter weighs most, strongest first, with the norm of their
    weights.
    """

    channel: int
    weights: NDArray[np.float32] | None
    sources: tuple[tuple[int, float], ...]
    reads: str
    top_activations: TopActivations | None
    pictures: tuple[NDArray[np.uint8], ...]
    keys: tuple[str, ...]
    feature_visualization: FeatureVisualization
    visualization_box: Box
    projections: tuple[NDArray[np.float32], ...]


@dataclass(frozen=True, eq=False)
class PartLook:
    """A part of a net on a picture: its maps, how much one of its places sees, and what one channel looks for."""

    probe: TorchProbe
    stage: Stage
    field: Effective
    channel: ChannelLook | None
    caution: str = ""


@dataclass(frozen=True, eq=False)
class Mistake:
    """A picture, (H, W, C) uint8 as the net takes it, with what is said of it, and the evidence for either class.

    ``for_said`` is why what was said and not the truth, ``for_truth`` why the truth and not that. ``kept`` is what the
    model that is kept says, whose evidence it is, where the ``doubt`` is that of one which had not seen the picture.
    """

    key: str
    pixels: NDArray[np.uint8]
    doubt: UncertainExample
    for_said: Evidence | None = None
    for_truth: Evidence | None = None
    kept: Prediction | None = None


@dataclass(frozen=True, eq=False)
class Worst:
    """A picture, (H, W, C) uint8 as the net takes it, whose answer is among the worst: what was said, and why."""

    key: str
    pixels: NDArray[np.uint8]
    caption: str
    why: Evidence | None = None


@dataclass(frozen=True, eq=False)
class RunLook:
    """What a run learnt, when, what confuses it, and whether all its layers work.

    ``confusion`` with its ``mistakes`` and the pictures ``between`` classes is that of a run that answers with classes
    (else None); ``worst`` are the worst answers of any other, ``what`` says in words how good the answers are.

    ``filters`` are the first layer's after each epoch that they were kept of (0: before the first); ``maps`` what those
    make of ``example``, for the channel that reacts to it most. ``frozen`` are the parts that were given, not trained,
    and what was given. ``course`` is what parts made of the picture ``shown``, epoch by epoch, and ``watched`` that of
    them which was asked for. ``between`` are the pictures of each pair, in the pairs' order.
    ``notes`` say what was added to its pictures since, or is gone. ``unwatched`` says why neither filters nor maps were
    kept, where none were. ``labels`` are the pictures whose label is worth a look, the one whose label is least likely
    first; ``labels_first``: that is what the run's verdict asks for.
    """

    name: str
    part: str
    names: tuple[str, ...]
    confusion: Confusion | None
    between: tuple[tuple[Mistake, ...], ...]
    mistakes: tuple[Mistake, ...]
    health: Health
    filters: dict[int, NDArray[np.float32]]
    example: NDArray[np.uint8]
    maps: dict[int, NDArray[np.float32]]
    channel: int
    frozen: Mapping[str, str]
    course: dict[str, Kept]
    watched: str | None
    shown: NDArray[np.uint8] | None
    notes: tuple[str, ...] = ()
    unwatched: str = ""
    labels: tuple[Mistake, ...] = ()
    labels_first: bool = False
    worst: tuple[Worst, ...] = ()
    what: str = ""


def answered(probe: TorchProbe) -> Prediction | None:
    """Return what the net says of the picture; None where it puts out a map that is no answer of its task."""
    with torch.no_grad():
        output = probe.model(probe.inputs)
    if output.dim() != 2 and not probe.task.placed:
        return None
    outputs, options = {probe.task.output: output.numpy()}, {"unknown": False}
    answer = probe.task.decode(outputs, probe.labels, probe.learnt, options=options)[0]
    return answer.in_picture(probe.frame)


def winning_place(probe: TorchProbe, part: str, question: Question | None) -> tuple[int, int]:
    """Return the place of a part's map that speaks most for an answer: the highest gradient times activation.

    Without a question, or where the part is not on the way to an answer, the place where the map is highest.
    """
    path = probe.part(part)
    shape = probe.shape(path)
    if not shape.is_map:
        raise DescribeError(f"{path} puts out {shape}, a flat vector: it has no places")
    if question is None:
        values = torch.from_numpy(probe.tap([path])[path])
        return divmod(int(values.clamp(min=0).sum(0).argmax()), shape.size[1])
    with torch.enable_grad():
        output, seen = probe.model.forward_with(probe.inputs.clone().requires_grad_(True), [path])
        (gradient,) = torch.autograd.grad(question.score(output).sum(), [seen[path]])
    share = (gradient * seen[path].detach())[0].sum(0)
    return divmod(int(share.argmax()), shape.size[1])


def filters_over(
    example: torch.Tensor, filters: dict[int, NDArray[np.float32]], stride: tuple[int, int], padding: tuple[int, int]
) -> tuple[dict[int, NDArray[np.float32]], int]:
    """Return what one filter made of a picture (1, C, H, W) epoch by epoch, and which: that which varies most last.

    The bias, which moves all values alike, is left out.
    """
    if not filters:
        return {}, 0
    made = {
        epoch: torch.nn.functional.conv2d(
            example,
            torch.from_numpy(weights),
            stride=stride,
            padding=padding,
            groups=example.shape[1] // weights.shape[1],
        )[0]
        for epoch, weights in filters.items()
    }
    last = made[max(made)]
    channel = int(last.flatten(1).std(1).argmax())
    return {epoch: values[channel].numpy() for epoch, values in made.items()}, channel
