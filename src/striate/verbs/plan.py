"""Plan: the net of a training on its pictures, and what it cannot be, before torch is imported.

Impossible geometry and a net that does not read stop here, in a fraction of a second.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from striate import nets
from striate.data.pictures.depth import FULL
from striate.data.pictures.preprocess import Preprocess
from striate.engine import progressive
from striate.errors import DescribeError, RecipeError
from striate.interpret.arithmetic import filters
from striate.settings import FIRST
from striate.spec.code import Code
from striate.spec.layers import BatchNorm, Conv, GroupNorm
from striate.spec.net import Named, Net
from striate.spec.pyramid import front, trunk_path
from striate.spec.stages import stages
from striate.spec.survey import Survey
from striate.tasks.table import task_of
from striate.tasks.task import LabelFacts
from striate.train_config import TrainConfig
from striate.verbs.prepared import ProvidedModel


def plan(
    config: TrainConfig,
    facts: LabelFacts,
    *,
    preprocess: Preprocess | None = None,
    provided: ProvidedModel | None = None,
) -> tuple[Net, Survey, Preprocess]:
    """Return the net of a settled config, its survey, and how pictures become its input.

    ``facts`` are those of what is learnt, and decide how the net ends. ``preprocess`` is that of the weights it starts
    from; what the config says of size and resizing wins over it.

    Errors: DescribeError, also for a net that does not end as its task has to.
    """
    channels = 1 if config.colour == "gray" else 3
    height, width = config.size
    task = task_of(config)
    net = net_of(config.net, provided).with_classes(task.width(facts))
    if config.first is not None:
        net = Named(first_layer(config.first, channels)[0], FIRST) >> net
    survey = net.on(channels, height, width, fit=config.fit)
    task.check(survey, facts)
    _check_whiten(config, survey, provided)
    _check_progressive(config, net, survey)
    if config.first is not None:
        survey = survey.with_frozen([FIRST])
    if config.tune == "maps":
        survey = survey.with_frozen([row.path for row in survey.rows if trunk_path(row.path) is not None])
    if config.tune == "all" and not task.solved:
        survey = survey.with_frozen(front(survey))
    if config.tune == "head":
        survey = survey.with_frozen([path for stage in stages(survey)[:-1] for path in stage])
    if preprocess is not None:
        bits = config.bits or preprocess.bits
        return net, survey, replace(preprocess, height=height, width=width, resize=config.resize, bits=bits)
    bits = config.bits or FULL
    return net, survey, Preprocess(height=height, width=width, channels=channels, resize=config.resize, bits=bits)


def first_layer(text: str, channels: int) -> tuple[Conv, np.ndarray]:
    """Return the convolution that a filter is on each channel of the pictures by itself, and its weights.

    The maps are as large as the pictures. Errors: DescribeError for no filter, RecipeError for one without a centre.
    """
    filter = filters.read(text)
    if not all(side % 2 for side in filter.size):
        rows, columns = filter.size
        raise RecipeError(
            f"first = {text!r}: a filter of {rows}x{columns} has no pixel in its middle; give it an odd number of rows"
            " and columns"
        )
    return filters.as_conv(filter, channels=channels, padding="same")


def net_of(net: str, provided: ProvidedModel | None) -> Net:
    """Return the net of this name or text, or the one that is there already."""
    if provided is not None:
        return provided.net
    return nets.resolve(net)


def lasting(config: TrainConfig, provided: ProvidedModel | None) -> str:
    """Return the name of a published net as it is, any other net, of a file too, as its text."""
    return config.net if config.net in nets.CATALOG else str(net_of(config.net, provided))


def normed(net: Net) -> bool:
    """Whether a net normalises over pictures or maps; layer norm alone wants AdamW all the same (ConvNeXt's paper)."""
    return any(
        isinstance(layer, BatchNorm | GroupNorm) or (isinstance(layer, Code) and layer.normed) for layer in net.layers()
    )


def _check_whiten(config: TrainConfig, survey: Survey, provided: ProvidedModel | None) -> None:
    """Refuse whitening where there is no convolution to begin with it. Errors: RecipeError."""
    if not config.whiten:
        return
    if provided is not None:
        raise RecipeError("whiten: an adopted module comes with its own first weights; leave whiten out")
    begins = survey.layers[0]
    if not (isinstance(begins, Conv) and begins.groups == 1 and begins.connections is None):
        raise RecipeError(
            f"whiten: the net begins with {survey.rows[0].path} ({survey.rows[0].layer}), and what can begin by"
            " whitening is a convolution that sees all channels; leave whiten out"
        )


def _check_progressive(config: TrainConfig, net: Net, survey: Survey) -> None:
    """Refuse stages of progressive resizing that this very net cannot be trained at. Errors: RecipeError."""
    full = survey.input.size
    if config.progressive and config.augment == "windows":
        raise RecipeError("progressive: augment = 'windows' shows parts of pictures in their own size; leave one out")
    for until, longer in config.progressive:
        if longer >= max(full):
            raise RecipeError(
                f"progressive: {longer} pixels until {until:g} of the steps, and the pictures have {max(full)} anyway;"
                " leave that stage out, or name a larger size"
            )
        height, width = progressive.size(full, longer)
        try:
            there = net.on(survey.input.channels, height, width, fit="floor")
        except DescribeError as error:
            raise RecipeError(f"progressive: the net does not take pictures of {height}x{width}: {error}") from None
        if there.parameters != survey.parameters:
            raise RecipeError(
                f"progressive: at {height}x{width} the net has {there.parameters:,} parameters and at"
                f" {full[0]}x{full[1]} {survey.parameters:,}, so it is another; let it end in global pooling"
            )
