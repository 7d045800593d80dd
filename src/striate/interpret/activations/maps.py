"""Feature maps: what the channels of a part make of a picture, the most active first, and where each looks. Torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from striate.errors import DescribeError
from striate.interpret.torch_probe import Seen, TorchProbe
from striate.spec.survey import Part

STAGES = 5


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """One channel: its ``values`` (H, W) float32, their ``mean``, and ``highest`` at ``place`` (row, column).

    ``seen`` is what that place can see of the picture; None where it is not known and would have to be measured.
    """

    channel: int
    values: NDArray[np.float32]
    mean: float
    highest: float
    place: tuple[int, int]
    seen: Seen | None


@dataclass(frozen=True, eq=False)
class Stage:
    """What a part makes of a picture: the ``maps`` of its most active channels, of ``channels`` in all.

    ``silent`` channels are nowhere above zero on this picture. ``low`` and ``high`` bound the values of all channels,
    so that maps are drawn on one scale.
    """

    part: str
    layer: str
    size: tuple[int, int]
    channels: int
    silent: int
    low: float
    high: float
    maps: tuple[FeatureMap, ...]


def feature_maps(probe: TorchProbe, part: str, *, most: int = 12, channel: int | None = None) -> Stage:
    """Return what a part makes of the picture, its ``most`` active channels first, or one channel alone.

    A channel is as active as the mean over its map of what is above zero: what a ReLU lets through. Errors:
    DescribeError for a part or a channel that is not there, and for a part that puts out a flat vector.

    Example: ``feature_maps(probe, "conv1", channel=5).maps[0].channel`` is 5.
    """
    row = probe.rows.get(probe.part(part))
    if row is None:
        raise DescribeError("input is the picture itself, not a part that sees it")
    values = probe.tap([row.path])[row.path]
    if channel is not None and not 0 <= channel < len(values):
        raise DescribeError(
            f"{row.path} has no channel {channel}: it puts out {len(values)}, numbered from 0 to {len(values) - 1}"
        )
    if values.ndim != 3:
        raise DescribeError(f"{row.path} puts out {row.output}, a flat vector: it has no map to show")
    return _stage(probe, row, values, most, channel)


def stages(probe: TorchProbe, *, most: int = 6, parts: Sequence[str] | None = None) -> tuple[Stage, ...]:
    """Return one `Stage` for each size that the maps have on their way, the last part of that size; at most five.

    The network works once, and what was looked at is let go of before the next part: memory does not grow with them.
    """
    wanted = dict.fromkeys(last_of_each_size(probe.rows) if parts is None else map(probe.part, parts))
    found = []
    with torch.no_grad():
        for path, value in probe.model.each(probe.inputs):
            if path in wanted and value.dim() == 4:
                row = probe.rows[path]
                found.append(_stage(probe, row, value[0].numpy(), most, None, measure=False))
    return tuple(found)


def last_of_each_size(rows: Mapping[str, Part]) -> list[str]:
    """Return the last part of each size of map on the main way, at most five of them, in the net's order."""
    last: dict[tuple[int, int], str] = {}
    for row in rows.values():
        if row.output is not None and not row.auxiliary and row.output.is_map and row.output.size != (1, 1):
            last.pop(row.output.size, None)
            last[row.output.size] = row.path
    paths = list(last.values())
    if len(paths) <= STAGES:
        return paths
    chosen = np.linspace(0, len(paths) - 1, STAGES).round().astype(int)
    return [paths[index] for index in chosen]


def _stage(
    probe: TorchProbe, row: Part, values: NDArray[np.float32], most: int, channel: int | None, *, measure: bool = True
) -> Stage:
    activity = np.maximum(values, 0).mean((1, 2))
    order = [channel] if channel is not None else np.argsort(-activity, kind="stable")[:most].tolist()
    maps = []
    for number in order:
        one = values[number]
        place = divmod(int(one.argmax()), one.shape[1])
        maps.append(
            FeatureMap(
                number,
                one.copy(),
                float(one.mean()),
                float(one.max()),
                place,
                probe.receptive_field(row.path, *place) if measure or not probe.is_code else None,
            )
        )
    silent = int((values.max((1, 2)) <= 0).sum())
    low, high = float(values.min()), float(values.max())
    layer = f"{row.layer}, frozen" if row.frozen else row.layer
    return Stage(row.path, layer, row.shape.size, len(values), silent, low, high, tuple(maps))
