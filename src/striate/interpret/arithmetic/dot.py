"""How is this one number made? One value of a part's output, term by term, and what the next layers make of it.

found = dot(probe, part="conv1", channel=5, at=(7, 9))
found.contributions.terms.sum() + found.contributions.bias        # what the network computed

No torch: it is the `Probe` that computes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from striate import spec
from striate.errors import DescribeError
from striate.interpret.arithmetic import dot_points, dot_windows
from striate.interpret.arithmetic.contributions import Contributions, Map, Place
from striate.interpret.probe import Probe, Seen
from striate.spec import Layer, Net, Shape

ROUNDING: Final = 1e-5  # of the size of what is added up: further apart, contributions and network disagree
# How each layer makes a number: (layer, its numbers, what it is given, where) -> contributions. A line a layer.
CONTRIBUTIONS: dict[type[Layer], Callable[[Any, dict[str, Any], Map, Place], Contributions]] = {
    spec.Conv: dot_windows.conv,
    spec.ConvTranspose: dot_windows.conv_transpose,
    spec.MaxPool: dot_windows.extreme,
    spec.MinPool: dot_windows.extreme,
    spec.GlobalMaxPool: dot_windows.extreme,
    spec.GlobalMinPool: dot_windows.extreme,
    spec.AvgPool: dot_windows.mean,
    spec.GlobalAvgPool: dot_windows.mean,
    spec.AdaptiveAvgPool: dot_windows.mean,
    spec.Subsample: dot_windows.mean,
    spec.Upsample: dot_windows.upsample,
    spec.Crop: dot_windows.crop,
    spec.Flatten: dot_windows.flatten,
    spec.PadChannels: dot_windows.pad_channels,
    spec.Dense: dot_windows.dense,
    spec.Rbf: dot_windows.rbf,
    spec.BatchNorm: dot_points.batch_norm,
    spec.GroupNorm: dot_points.group_norm,
    spec.LayerNorm: dot_points.layer_norm,
    spec.LocalResponseNorm: dot_points.local_response_norm,
    spec.LayerScale: dot_points.layer_scale,
    spec.Softmax: dot_points.softmax,
    **dict.fromkeys(dot_points.FUNCTIONS, dot_points.activation),
    **dict.fromkeys(dot_points.SAME, dot_points.same),
}
# What is shown of the layers behind a part: those that work on its value alone.
_BEHIND = (
    spec.BatchNorm,
    spec.GroupNorm,
    spec.LayerNorm,
    spec.LayerScale,
    spec.LocalResponseNorm,
    *dot_points.FUNCTIONS,
    *dot_points.SAME,
)


@dataclass(frozen=True)
class Made:
    """A number that a part puts out: how it was made, and the ``network``'s own float32 result."""

    part: str
    layer: str
    contributions: Contributions
    network: float

    @property
    def off(self) -> float:
        """How far the account is from the network, as a share of the size of what was added up; rounding is 1e-6."""
        apart = abs(self.contributions.result - self.network)
        return apart / max(self.contributions.size, abs(self.network), 1e-30)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {"part": self.part, "layer": self.layer, "network": self.network, **self.contributions.to_dict()}


@dataclass(frozen=True, eq=False)
class Dot:
    """One number of a network, term by term. ``at`` is (row, column), None in a flat vector.

    ``given`` are the parts that it was made from, with their shapes; ``then`` what norm and activation behind it make
    of it; ``seen`` the pixels of the picture that it can depend on.
    """

    probe: Probe
    made: Made
    shape: Shape
    channel: int
    at: tuple[int, int] | None
    given: tuple[tuple[str, Shape], ...]
    then: tuple[Made, ...]
    seen: Seen

    @property
    def contributions(self) -> Contributions:
        """How the number was made."""
        return self.made.contributions

    @property
    def place(self) -> str:
        """Where it is, in words; of the network's answer also which class."""
        probe, where = self.probe, f" at row {self.at[0]}, column {self.at[1]}" if self.at else ""
        answers = [row.path for row in probe.survey.rows if not row.auxiliary][-1]
        last = self.made.part == answers and self.shape.channels == len(probe.names) and probe.trained
        name = f" ({probe.names[self.channel]})" if last else ""
        return f"channel {self.channel} of {self.shape.channels}{name}{where}"

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "picture": self.probe.name,
            "trained": self.probe.trained,
            "frozen": self.probe.frozen.get(self.made.part),
            "channel": self.channel,
            "at": list(self.at) if self.at else None,
            "shape": list(self.shape),
            "given": [{"part": part, "shape": list(shape)} for part, shape in self.given],
            **self.made.to_dict(),
            "then": [made.to_dict() for made in self.then],
            "sees": {
                "input": [int(edge) for edge in self.seen.box],
                "input_unclipped": [int(edge) for edge in self.seen.unclipped],
                "picture": [round(float(edge), 3) for edge in self.seen.picture],
            },
        }


def dot(probe: Probe, part: str | None = None, channel: int | None = None, at: tuple[int, int] | None = None) -> Dot:
    """Return how one number of a part's output was made.

    Without ``part`` it is the first convolution; without ``channel`` or ``at`` (row, column), both from 0, the value
    that is largest. Errors: DescribeError for a part, a channel or a place that is not there.

    Example: ``len(dot(probe, "conv1", 5, (7, 9)).contributions.terms)`` is 27.
    """
    path = probe.part(part) if part is not None else _first(probe)
    if path == "input":
        raise DescribeError("input is the picture itself: nothing made it; name a layer, such as " + _first(probe))
    sources, behind = probe.reads(path), _behind(probe, path)
    outputs = probe.tap([path, *sources, *behind])
    shape = probe.shape(path)
    values = as_map(outputs[path])
    place = place_of(probe, path, shape, values, channel, at)
    layers = {row.path: net for row, net in zip(probe.survey.rows, probe.survey.layers, strict=True)}

    def made(name: str, given: tuple[str, ...]) -> Made:
        contributions = _contributions(probe, layers[name], name, [as_map(outputs[source]) for source in given], place)
        return Made(
            name,
            str(layers[name]) if isinstance(layers[name], Layer) else layers[name].keyword,
            contributions,
            float(as_map(outputs[name])[place]),
        )

    return Dot(
        probe,
        made(path, sources),
        shape,
        place[0],
        (place[1], place[2]) if shape.is_map else None,
        tuple((source, probe.shape(source)) for source in sources),
        tuple(made(name, (before,)) for name, before in zip(behind, (path, *behind), strict=False)),
        probe.receptive_field(path, place[1], place[2]),
    )


def _contributions(probe: Probe, net: Net, path: str, given: list[Map], place: Place) -> Contributions:
    if not isinstance(net, Layer):
        return dot_points.join(net, given, place)
    return CONTRIBUTIONS[type(net)](net, dict(probe.tensors(path)), given[0], place)


def as_map(values: Any) -> Map:
    """Return what a part puts out as a map; a flat vector (C,) as (C, 1, 1)."""
    result: Map = values if values.ndim == 3 else values[:, None, None]
    return result


def _first(probe: Probe) -> str:
    """Return the first convolution, or whatever comes first."""
    for row, net in zip(probe.survey.rows, probe.survey.layers, strict=True):
        if isinstance(net, spec.Conv | spec.ConvTranspose):
            return row.path
    return probe.survey.rows[0].path


def _behind(probe: Probe, path: str) -> tuple[str, ...]:
    """Return the parts behind one that work on its value alone, as long as nobody else reads it: norm, activation."""
    readers: dict[str, list[str]] = {}
    kinds = {row.path: net for row, net in zip(probe.survey.rows, probe.survey.layers, strict=True)}
    for name in kinds:
        for source in probe.reads(name):
            readers.setdefault(source, []).append(name)
    found: list[str] = []
    while len(next_ones := readers.get(path, [])) == 1 and isinstance(kinds[next_ones[0]], _BEHIND):
        path = next_ones[0]
        found.append(path)
        if type(kinds[path]) in dot_points.FUNCTIONS:
            break
    return tuple(found)


def place_of(
    probe: Probe, path: str, shape: Shape, values: Map, channel: int | None, at: tuple[int, int] | None
) -> Place:
    """Return the place that is asked for: where the value is largest, within the channel or place that is given."""
    if channel is not None and not 0 <= channel < shape.channels:
        raise DescribeError(f"{path} has no channel {channel}: it has {shape.channels}, from 0 to {shape.channels - 1}")
    if at is not None and not shape.is_map:
        raise DescribeError(
            f"{path} puts out a flat vector of {shape.channels}: it has channels and no places, leave --at out"
        )
    if at is not None:
        probe.require_place(path, *at)
    kept = np.ones(values.shape, bool)
    if channel is not None:
        kept &= np.arange(shape.channels)[:, None, None] == channel
    if at is not None:
        kept[:, np.arange(shape.size[0]) != at[0]] = False
        kept[:, :, np.arange(shape.size[1]) != at[1]] = False
    strongest = np.unravel_index(int(np.where(kept & ~np.isnan(values), values, -np.inf).argmax()), values.shape)
    return int(strongest[0]), int(strongest[1]), int(strongest[2])
