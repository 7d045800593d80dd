"""Channel: what a channel of a part looks for, in pictures, grown, by its weights. Imports inside; prints nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from striate.data.pictures.crop_transform import Box
from striate.interpret.activations import feature_visualization
from striate.interpret.activations.maps import feature_maps
from striate.interpret.activations.top_activations import (
    TopActivations,
    frame,
    part_row,
    require_channel,
    top_activations,
)
from striate.interpret.attribution.modified_backprop import deconvolution, is_ruled
from striate.interpret.look import ChannelLook
from striate.interpret.torch_probe import TorchProbe
from striate.model.adopt.wrapped_module import WrappedModule
from striate.verbs.prepared import Prepared, subset

SEARCHED = 5000  # pictures that are enough to find what excites a channel
GROWN = 12, 96  # steps that a maximised picture grows on a page, at least and at the most
WORK = 300e9  # multiply-accumulates of all those steps forwards, which a laptop does in half a minute, backwards too


def look_channel(
    probe: TorchProbe, part: str, channel: int, pictures: Prepared | None, *, seed: int = 0
) -> ChannelLook:
    """Return what a channel of a part (a row of the survey) looks for; what excites it, where pictures are searched.

    Errors: DescribeError for a channel that is not there.
    """
    row = part_row(probe.survey, part)
    require_channel(row, channel)
    weights, reads = _weights(probe, part, channel)
    norms = [] if weights is None else np.sqrt((weights**2).sum((1, 2))).tolist()
    sources = sorted(enumerate(norms), key=lambda one: -one[1])[:5]
    found: TopActivations | None = None
    crops: tuple[np.ndarray, ...] = ()
    keys: tuple[str, ...] = ()
    place = None
    if pictures is not None:
        rows = subset(pictures.split.train or range(len(pictures.store.pixels)), SEARCHED, seed=seed)
        found = top_activations(probe.model, pictures.store.pixels, part, [channel], rows=rows)
        crops = tuple(np.array(pictures.store.pixels[patch.picture]) for patch in found.patches[0])
        keys = tuple(pictures.source.items[patch.picture].key for patch in found.patches[0])
        place = found.patches[0][0].place
    wanted = feature_visualization.unit(probe.model, part, channel, place)
    grown = feature_visualization.maximise(probe.model, wanted, steps=_steps_worth(probe, part), seed=seed)
    size = row.shape.size
    seen, _ = frame(probe.survey, part, place or (size[0] // 2, size[1] // 2))
    return ChannelLook(
        channel,
        weights,
        tuple(sources),
        reads,
        found,
        crops,
        keys,
        grown,
        seen,
        _projections(probe, part, channel, found, crops),
    )


def _steps_worth(probe: TorchProbe, part: str) -> int:
    """Return how many steps a picture may grow for a part: fewer where the way to it is long."""
    rows = list(probe.rows)
    macs = sum(probe.rows[path].macs or 0 for path in rows[: rows.index(part) + 1])
    return int(min(max(WORK // max(macs, 1), GROWN[0]), GROWN[1]))


def _projections(
    probe: TorchProbe, part: str, channel: int, found: TopActivations | None, crops: Sequence[np.ndarray]
) -> tuple[np.ndarray, ...]:
    """Return what each patch, or this picture where the data were not searched, shows the channel.

    None of somebody's code whose activations deconvolution cannot reach.
    """
    shown = []
    if found is None:
        place = feature_maps(probe, part, channel=channel).maps[0].place
        box = probe.receptive_field(part, *place).box
        shown.append((probe, place, box if box.height and box.width else Box(0, 0, *probe.pixels.shape[:2])))
    for patch, pixels in zip(found.patches[0] if found else (), crops, strict=True):
        inputs = probe.model.normalise(torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()))
        shown.append((replace(probe, pixels=pixels, original=pixels, inputs=inputs), patch.place, patch.box))
    if isinstance(probe.model, WrappedModule) and not is_ruled(probe.model):
        return ()
    return tuple(
        deconvolution(one, part, channel, place)[:, int(box.top) : int(box.bottom), int(box.left) : int(box.right)]
        for one, place, box in shown
    )


def _weights(probe: TorchProbe, part: str, channel: int) -> tuple[np.ndarray | None, str]:
    """Return the filter of a channel, of the convolution that a norm or activation follows, and what that reads."""
    if isinstance(probe.model, WrappedModule):
        module = probe.model.module.get_submodule(part)
        return (module.weight.detach()[channel].numpy() if isinstance(module, torch.nn.Conv2d) else None), "its input"
    path = part
    for _ in range(4):
        try:
            module = probe.model.get_submodule(path)
        except AttributeError:
            return None, ""
        if isinstance(module, torch.nn.Conv2d):
            filters: np.ndarray = module.weight.detach()[channel].numpy()
            return filters, probe.model.source(path)
        kind = part_row(probe.survey, path).layer.split()[0]
        if kind not in ("batchnorm", "relu", "relu6", "silu", "gelu", "hardswish", "leakyrelu", "tanh", "dropout"):
            return None, ""
        path = probe.model.source(path)
    return None, ""
