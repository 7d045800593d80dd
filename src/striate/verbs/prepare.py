"""Prepare: from a recipe to everything a training needs, before torch is imported. Imports spec, nets, recipe, data.

Impossible geometry, a folder that is not one and a net that does not read all stop here, in a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from threading import Thread

from striate import nets
from striate.data import dealing
from striate.data.groups import Groups, find_groups, group_lasting, identities
from striate.data.pictures.preprocess import Preprocess
from striate.data.sources import chosen as labels_chosen
from striate.data.sources.items import TASK, Facts, Source
from striate.data.sources.source import check_rejected
from striate.data.store.store import open_store
from striate.errors import RecipeError, SourceError
from striate.recipe import Recipe
from striate.spec.net import Net
from striate.spec.shape import Shape
from striate.spec.survey import Survey
from striate.tasks.table import task_for, task_named, task_said
from striate.tasks.task import Labels, Task
from striate.train_config import TrainConfig
from striate.verbs import fit
from striate.verbs.mending import decided_groups
from striate.verbs.pictures import find_pictures
from striate.verbs.places import placed, with_scale
from striate.verbs.plan import first_layer, lasting, normed, plan
from striate.verbs.prepared import WORTH_SHARING, Prepared, ProvidedModel, Start, scaled
from striate.verbs.start import GRAY, MISSING, STARTED, USUAL, started, with_tune
from striate.verbs.workspace import HERE, Workspace
from striate.words import plural


def prepare(
    recipe: Recipe,
    workspace: Workspace = HERE,
    *,
    provided: ProvidedModel | None = None,
    start: Start | None = None,
    usual: Callable[[], Start | None] | None = None,
    allow_bad: bool = False,
) -> Prepared:
    """Find the pictures, settle the recipe, survey the net, decode what is not decoded yet, split.

    With weights to ``start`` from, net, size and preprocessing are theirs. ``usual`` gives those of photographs, where
    the recipe leaves open what to start from; None where they are not here. `Prepared.start` are those it came to.

    Errors: SourceError, RecipeError, DescribeError, StoreError, each before anything is written but the cache.
    """
    if recipe.first is not None:
        if provided is not None:
            raise RecipeError(f"first = {recipe.first!r}: an adopted module has a first layer of its own; leave it out")
        first_layer(recipe.first, 1)  # a name that is none stops here, before pictures are looked for
    source = find_pictures(recipe, workspace, allow_bad=allow_bad)
    said = task_said(recipe)
    said = said or source.label_facts.get(TASK)
    task = task_for(source.kind) if said is None else task_named(said)
    task.check_recipe(recipe)
    recipe = recipe.changed(task=task.name)
    dealing.check_some_train(source, recipe)
    labels = task.labels(source, recipe)
    task.check_labels(source, labels)
    said_groups = find_groups(source, recipe.group)
    by_name = () if said_groups is None else (said_groups,)
    groupings = (*by_name, *decided_groups(source))
    if provided is not None and provided.names not in (None, labels.names):
        raise SourceError(
            f"{source.location} has the {plural(2, task.noun)} {', '.join(labels.names[:5])}, in this order, and the"
            f" adopted module {', '.join((provided.names or ())[:5])}; to have it learn them anew, adopt it with their"
            f" number: classes={len(labels.names)}"
        )
    facts = source.facts()
    by_itself: tuple[str, ...] = ()
    if usual is not None and provided is None:
        height, width = facts.common_size or facts.median_size
        if recipe.photographs(height=height, width=width, gray=facts.gray, solved=task.solved):
            start = usual()
            by_itself = (MISSING if start is None else STARTED,)
    if start is not None:
        recipe = _on_start(recipe, start, task, _to_train_on(recipe, source, task, labels, groupings), facts)
    elif not task.solved and recipe.net is None and provided is None:
        if facts.gray and recipe.start is None:
            by_itself = (*by_itself, GRAY.format(net=task.by_chance))
        recipe = _by_chance(recipe, task, _to_train_on(recipe, source, task, labels, groupings), facts)
    brought = start.preprocess if start is not None else provided.preprocess if provided is not None else None

    def settled(begun: Recipe) -> tuple[TrainConfig, Net, Survey, Preprocess]:
        height, width = facts.common_size or facts.median_size
        net = provided.net if provided is not None else None if begun.net is None else nets.resolve(begun.net)
        chosen = begun.settled(
            pictures=dealing.to_train_on(source, begun),
            height=height,
            width=width,
            uniform=facts.common_size is not None,
            gray=facts.gray,
            normed=net is None or normed(net),
            zooms=None if task.solved else task.zooms,
            usual=task.usual(dealing.to_train_on(source, begun), chance=begun.weights is None),
        )
        at = None if start is None else start.preprocess
        # A file of either name may change or go: from here on the config is all that a run and a reader need.
        chosen = chosen.changed(
            source=source.location,
            labels=None if begun.labels is None else labels_chosen.lasting(begun.labels, Path(source.location)),
            group=group_lasting(begun.group),
            mend=source.mended_by or begun.mend,
            net=lasting(chosen, provided),
            fit=begun.fit or fit.by_itself(chosen, provided=provided is not None, start=at),
        )
        return chosen, *plan(chosen, labels.kept, preprocess=brought, provided=provided)

    alone = 0 if not task.solved else dealing.by_itself(recipe, source)
    folds = alone if recipe.folds is None else recipe.folds
    plans = settled(recipe.changed(folds=folds))
    if recipe.folds is None and not dealing.affordable(plans[0], plans[2].macs, len(source.items)):
        plans = settled(recipe.changed(folds=0))
    config, net, survey, preprocess = plans
    _import_ahead()
    if config.threads is None and survey.macs * config.batch < WORTH_SHARING:
        config = config.changed(threads=1)
    stored = open_store(source, preprocess, progress=workspace.progress)
    check_rejected(stored.source, allow_bad=allow_bad)
    labels, crops = placed(task, task.labels(stored.source, config), stored.source, preprocess)  # of what was decoded
    same = identities([item.key for item in stored.source.items], stored.store.digests, groupings)
    parts, dealt = dealing.divided(config, stored.source, same, task.strata(labels), grouped=bool(by_name))
    dealing.check_groups(recipe, stored.source, same, parts, dealt, by_name)
    by_itself += tuple(one.line(stored.source.items, left_out=len(parts.left_out)) for one in by_name)
    labels = task.laid_out(task.settle(with_scale(labels, crops, parts.train), parts.train), survey)
    if dealt is None:
        config = config.changed(folds=0, repeats=1)
    pictures = scaled(preprocess, stored.store, parts, provided)
    return Prepared(
        config,
        net,
        survey,
        stored.source,
        labels,
        stored.store,
        parts,
        pictures,
        folds=dealt,
        groups=same if groupings else (),
        start=start,
        by_itself=by_itself,
    )


def _to_train_on(recipe: Recipe, source: Source, task: Task, labels: Labels, groupings: Sequence[Groups]) -> Labels:
    """Return the labels by which a size and a net are chosen: where labels choose it, of the pictures to train on."""
    if not task.sized_by_labels:
        return labels
    rows = dealing.trained_rows(source, recipe, task.strata(labels), groupings)
    return replace(labels, values=labels.values[rows], known=labels.known[rows])


def _on_start(recipe: Recipe, start: Start, task: Task, labels: Labels, facts: Facts) -> Recipe:
    """Return the recipe with what weights to start from bring along, and the task's own head on their net."""
    if task.solved and recipe.tune == "maps":
        raise RecipeError(
            f"tune = 'maps': the head of task {task.name} is solved on features, one vector a picture; say head, or all"
        )
    if task.solved:
        return started(with_tune(recipe), start, gray=facts.gray)
    if start.task and not task_named(start.task).solved and start.whole is None:
        raise RecipeError(
            f"{start.words} is of task {start.task}, and its net, one from chance, has no trunk that another head could"
            f" be put on; start from weights of photographs (--start {USUAL}) or from chance (--start none), or train"
            " that very run longer (striate train --resume RUN --epochs N)"
        )
    same = start.gives_head(task.name, labels.names)
    if recipe.size is None and same:
        recipe = recipe.changed(size=(start.preprocess.height, start.preprocess.width))  # at which the head learnt
    if recipe.size is None and (size := task.size_for(*(facts.common_size or facts.median_size), labels)) is not None:
        recipe = recipe.changed(size=size)
    said = recipe.tune is not None or recipe.epochs is not None or bool(recipe.said_of_pictures or recipe.folds)
    whole = recipe.tune == "all" or (not said and task.learns_whole(labels))
    recipe = recipe.changed(tune="all" if whole else "maps")
    moving = () if recipe.tune == "all" else ("augment", "progressive")
    if moves := [name for name in moving if getattr(recipe, name) not in (None, "none", ())]:
        raise RecipeError(
            f"{', '.join(moves)}: the maps of a frozen trunk are made once, of each picture and its mirror image, and"
            " nothing else is drawn of them; leave it out (--set flip=false leaves out the mirror images), or train the"
            " whole net behind the head (--tune all)"
        )
    if recipe.folds and recipe.tune == "all":
        raise RecipeError(
            f"folds = {recipe.folds}: where the whole net is trained behind its head it is not cross-validated; leave"
            " tune out (the head alone is), or folds"
        )
    begun = started(recipe, start, gray=facts.gray)
    assert begun.size is not None
    if same and begun.size == (start.preprocess.height, start.preprocess.width):
        return begun.changed(net=str(start.whole))
    shape = Shape(start.preprocess.channels, *begun.size)
    return begun.changed(net=str(task.on_trunk(start.net, shape, labels)))


def _by_chance(recipe: Recipe, task: Task, labels: Labels, facts: Facts) -> Recipe:
    """Return the recipe with the task's own net and size, where nobody says them and no weights are started from."""
    size = recipe.size or task.size_for(*(facts.common_size or facts.median_size), labels)
    assert size is not None
    shape = Shape(1 if (recipe.colour or ("gray" if facts.gray else "rgb")) == "gray" else 3, *size)
    return recipe.changed(size=size, net=str(task.from_chance(shape, labels)))


def _import_ahead() -> None:
    """Begin to import torch, a second or two, beside the decoding, which mostly runs outside the interpreter."""

    def quietly() -> None:
        with suppress(Exception):  # whoever imports it next meets the same error, and says so
            import_module("striate.engine.fit")

    Thread(target=quietly, name="import torch").start()
