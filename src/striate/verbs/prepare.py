"""Prepare: from a recipe to everything a training needs, before torch is imported. Imports spec, nets, recipe, data.

Impossible geometry, a folder that is not one and a net that does not read all stop here, in a fraction of a second.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np

from striate import nets
from striate.data import folds as dealing
from striate.data.folds import Folds
from striate.data.labels.enough import check_enough
from striate.data.pictures.depth import FULL
from striate.data.pictures.preprocess import Preprocess
from striate.data.sources.source import Source, check_rejected, find
from striate.data.split import Split
from striate.data.store.store import Store, channel_statistics, open_store
from striate.engine import progressive
from striate.errors import DescribeError, RecipeError, ShapeError, SourceError
from striate.interpret.arithmetic import filters
from striate.recipe import FIRST, Recipe
from striate.spec.code import Code
from striate.spec.layers import BatchNorm, Conv, GroupNorm
from striate.spec.net import Named, Net
from striate.spec.shape import Shape
from striate.spec.stages import stages
from striate.spec.survey import Survey
from striate.tasks.table import kind_of, learnable
from striate.verbs import fit
from striate.verbs.start import MISSING, STARTED, Start, started, with_tune
from striate.words import counted

if TYPE_CHECKING:
    from striate.model.build.model import Model

Progress = Callable[[str, int, int], None]

WORTH_SHARING = 100_000_000  # MACs forward a step: below, threads wait for each other longer than they compute


@dataclass(frozen=True)
class Prepared:
    """A recipe settled, a net that fits, pictures decoded and split; ``folds`` where the figure is cross-validated.

    ``added`` and ``missing``: keys of pictures that lie in the source now and are not the run's, and of the run's that
    are gone and left out, where a run was opened again (`striate.verbs.reopen`). ``start``: the weights that it starts
    from, and ``by_itself`` what a person should know where nobody named them.
    """

    recipe: Recipe
    net: Net
    survey: Survey
    source: Source
    store: Store
    split: Split
    preprocess: Preprocess
    added: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    start: Start | None = None
    by_itself: tuple[str, ...] = ()
    folds: Folds | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know: where the weights are from that nobody named, which pixels are never looked at."""
        return self.by_itself + fit.notes(self.recipe, self.survey)

    @property
    def targets(self) -> np.ndarray:
        """Class index of every picture of the store, int64, (N,); -1 where there is no label."""
        return np.array([item.target for item in self.source.items], np.int64)

    def keys(self, part: str) -> list[str]:
        """Return the keys of a part: ``train``, ``val``, ``test`` or ``left_out``."""
        return [self.source.items[index].key for index in getattr(self.split, part)]

    def digest(self) -> str:
        """Return one name for exactly these pictures with exactly these labels."""
        sha = hashlib.sha256(repr(self.source.classes).encode())
        for item, content in zip(self.source.items, self.store.digests, strict=True):
            sha.update(f"{item.key}\0{item.target}\0".encode("utf-8", "surrogateescape") + content)
        return sha.hexdigest()


@dataclass(frozen=True)
class ProvidedModel:
    """A network that is there already, with weights to begin from: what `striate.adopt` brings to a training.

    ``preprocess`` is kept as it is, mean and std too, where its weights are used to it (None: as the pictures say);
    ``classes`` are the names its outputs have (None: whatever the pictures show); ``make`` gives the model.
    """

    net: Net
    preprocess: Preprocess | None
    classes: tuple[str, ...] | None
    make: Callable[[Preprocess], Model]
    output: str | int | None = None  # which of its outputs answers, where its code has several


def prepare(
    recipe: Recipe,
    *,
    own: ProvidedModel | None = None,
    start: Start | None = None,
    usual: Callable[[], Start | None] | None = None,
    data_dir: Path | None = None,
    download: bool = True,
    allow_bad: bool = False,
    progress: Progress | None = None,
) -> Prepared:
    """Find the pictures, settle the recipe, survey the net, decode what is not decoded yet, split.

    With weights to ``start`` from, net, size and preprocessing are theirs. ``usual`` gives those of photographs, where
    the recipe leaves open what to start from; None where they are not here. `Prepared.start` are those it came to.

    Errors: SourceError, RecipeError, DescribeError, StoreError, each before anything is written but the cache.
    """
    if recipe.first is not None:
        if own is not None:
            raise RecipeError(f"first = {recipe.first!r}: an adopted module has a first layer of its own; leave it out")
        first_layer(recipe.first, 1)  # a name that is none stops here, before pictures are looked for
    source = find_pictures(recipe, data_dir=data_dir, download=download, progress=progress)
    check_enough(source)
    if own is not None and own.classes not in (None, source.classes):
        raise SourceError(
            f"{source.location} has the classes {', '.join(source.classes[:5])}, in this order, and the adopted module"
            f" {', '.join((own.classes or ())[:5])}; to have it learn them anew, adopt it with their number:"
            f" classes={len(source.classes)}"
        )
    facts = source.facts()
    by_itself: tuple[str, ...] = ()
    if usual is not None and own is None:
        height, width = facts.common_size or facts.median_size
        if recipe.photographs(height=height, width=width, gray=facts.gray):
            start = usual()
            by_itself = (MISSING if start is None else STARTED,)
    if start is not None:
        recipe = started(with_tune(recipe), start, gray=facts.gray)
    brought = start.preprocess if start is not None else own.preprocess if own is not None else None

    def settled(begun: Recipe) -> tuple[Recipe, Net, Survey, Preprocess]:
        height, width = facts.common_size or facts.median_size
        chosen = begun.settled(
            pictures=dealing.to_train_on(source, begun),
            height=height,
            width=width,
            uniform=facts.common_size is not None,
            gray=facts.gray,
            normed=(begun.net is None and own is None) or _normed(_net(begun, own)),
        )
        # A file of either name may change or go: from here on the recipe is all that a run and a reader need.
        chosen = chosen.changed(
            source=source.location,
            net=_lasting(chosen, own),
            fit=fit.settled(chosen, own=own is not None, start=None if start is None else start.preprocess),
        )
        return chosen, *plan(chosen, classes=len(source.classes), preprocess=brought, own=own)

    folds = dealing.by_itself(recipe, source) if recipe.folds is None else recipe.folds
    plans = settled(recipe.changed(folds=folds))
    if recipe.folds is None and not dealing.affordable(plans[0], plans[2].macs, len(source.items)):
        plans = settled(recipe.changed(folds=0))
    recipe, net, survey, preprocess = plans
    _import_ahead()
    if recipe.threads is None and survey.macs * (recipe.batch or 32) < WORTH_SHARING:
        recipe = recipe.changed(threads=1)
    stored = open_store(source, preprocess, progress=progress)
    check_rejected(stored.source, allow_bad=allow_bad)
    parts, dealt = dealing.divided(recipe, stored.source, stored.store.digests)
    if dealt is None:
        recipe = recipe.changed(folds=0, repeats=None)
    pictures = scaled(preprocess, stored.store, parts, own)
    return Prepared(
        recipe, net, survey, stored.source, stored.store, parts, pictures, folds=dealt, start=start, by_itself=by_itself
    )


def find_pictures(
    recipe: Recipe,
    *,
    data_dir: Path | None = None,
    download: bool = True,
    least_classes: int = 2,
    progress: Progress | None = None,
) -> Source:
    """Return the source that a recipe names: the one place where its pictures are looked for, first and later.

    Errors: SourceError, DownloadError.
    """
    source = find(
        recipe.source,
        data_dir=data_dir,
        download=download,
        least_classes=least_classes,
        label_from=recipe.label_from,
        kind=kind_of(recipe.task),
        progress=progress,
    )
    return learnable(source)


def plan(
    recipe: Recipe, *, classes: int, preprocess: Preprocess | None = None, own: ProvidedModel | None = None
) -> tuple[Net, Survey, Preprocess]:
    """Return the net of a settled recipe, its survey, and how pictures become its input.

    ``preprocess`` is that of the weights it starts from; what the recipe says of size and resizing wins over it.

    Errors: DescribeError, also for a net that does not end in one number a class.
    """
    assert recipe.net is not None and recipe.size is not None and recipe.resize is not None
    channels = 1 if recipe.colour == "gray" else 3
    height, width = recipe.size
    net = _net(recipe, own).with_classes(classes)
    if recipe.first is not None:
        net = Named(first_layer(recipe.first, channels)[0], FIRST) >> net
    survey = net.on(channels, height, width, fit=recipe.fit or "exact")  # a run of before this field was exact
    following = [*survey.rows[1:], None]
    ends = {
        row.path: row.output
        for row, after in zip(survey.rows, following, strict=True)
        if row.auxiliary and row.output is not None and (after is None or not after.auxiliary)
    }
    for where, output in {**ends, "the net": survey.output}.items():
        if output != Shape(classes):
            raise ShapeError(
                f"{where} puts out {output}, and {counted(classes, 'class')} take {counted(classes, 'number')}"
                " a picture;"
                " let it end in: flatten >> dense (without a number, dense gives one a class)"
            )
    _check_whiten(recipe, survey, own)
    _check_progressive(recipe, net, survey)
    if recipe.first is not None:
        survey = survey.with_frozen([FIRST])
    if recipe.tune == "head":
        survey = survey.with_frozen([path for stage in stages(survey)[:-1] for path in stage])
    if preprocess is not None:
        bits = recipe.bits or preprocess.bits
        return net, survey, replace(preprocess, height=height, width=width, resize=recipe.resize, bits=bits)
    bits = recipe.bits or FULL
    return net, survey, Preprocess(height=height, width=width, channels=channels, resize=recipe.resize, bits=bits)


def _check_whiten(recipe: Recipe, survey: Survey, own: ProvidedModel | None) -> None:
    """Refuse whitening where there is no convolution to begin with it. Errors: RecipeError."""
    if not recipe.whiten:
        return
    if own is not None:
        raise RecipeError("whiten: an adopted module comes with its own first weights; leave whiten out")
    begins = survey.layers[0]
    if not (isinstance(begins, Conv) and begins.groups == 1 and begins.connections is None):
        raise RecipeError(
            f"whiten: the net begins with {survey.rows[0].path} ({survey.rows[0].layer}), and what can begin by"
            " whitening is a convolution that sees all channels; leave whiten out"
        )


def _check_progressive(recipe: Recipe, net: Net, survey: Survey) -> None:
    """Refuse stages of progressive resizing that this very net cannot be trained at. Errors: RecipeError."""
    full = survey.input.size
    for until, longer in recipe.progressive:
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


def scaled(preprocess: Preprocess, store: Store, parts: Split, own: ProvidedModel | None) -> Preprocess:
    """Return a preprocess with mean and deviation: those it has, else those of the training pictures.

    That of an adopted module is kept as it is, without any too.
    """
    if preprocess.mean or (own is not None and own.preprocess is not None):
        return preprocess
    mean, std = channel_statistics(store.pixels, parts.train)
    return replace(preprocess, mean=mean, std=std)


def _net(recipe: Recipe, own: ProvidedModel | None) -> Net:
    if own is not None:
        return own.net
    assert recipe.net is not None
    return nets.resolve(recipe.net)


def _lasting(recipe: Recipe, own: ProvidedModel | None) -> str:
    """Return the name of a published net as it is, any other net, of a file too, as its text."""
    return recipe.net if recipe.net in nets.CATALOG else str(_net(recipe, own))


def _normed(net: Net) -> bool:
    """Whether a net normalises over pictures or maps; layer norm alone wants AdamW all the same (ConvNeXt's paper)."""
    return any(
        isinstance(layer, BatchNorm | GroupNorm) or (isinstance(layer, Code) and layer.normed) for layer in net.layers()
    )


def _import_ahead() -> None:
    """Begin to import torch, a second or two, beside the decoding, which mostly runs outside the interpreter."""

    def quietly() -> None:
        with suppress(Exception):  # whoever imports it next meets the same error, and says so
            import_module("striate.engine.fit")

    Thread(target=quietly, name="import torch").start()


def subset(indices: Sequence[int], most: int, *, seed: int) -> np.ndarray:
    """Return at most ``most`` of the indices, drawn by ``seed``, in rising order."""
    chosen = np.array(indices, np.int64)
    if len(chosen) > most:
        chosen = np.sort(np.random.Generator(np.random.Philox(key=seed)).choice(chosen, most, replace=False))
    return chosen
