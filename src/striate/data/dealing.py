"""Dealing: whether pictures are split once or dealt into folds, and by which groups. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from striate.data.folds import Folds, fold
from striate.data.group_dealing import fold_groups
from striate.data.groups import Groups, identities
from striate.data.sources.items import Source
from striate.data.split import Split, split
from striate.data.store.rows import digest_of
from striate.data.strata import Strata
from striate.data.stratify import fold_labels
from striate.defaults import FEW, FOLDS
from striate.errors import PictureError, RecipeError, SourceError
from striate.recipe import Recipe
from striate.train_config import TrainConfig
from striate.words import counted, plural

AFFORDABLE = 4.8e12  # multiply-accumulates: two minutes of training on a laptop (docs/defaults.md)


def by_itself(recipe: Recipe, source: Source) -> int:
    """Return how many folds pictures get that nobody said anything of, where the folds are cheap; 0: a fixed split.

    Many pictures, parts of the source's own, shares that were said and patience, which needs validation pictures, all
    mean a fixed split.
    """
    labelled = [item.split for item in source.items if item.labelled]
    plain = Recipe.model_fields
    said = recipe.patience is not None or any(getattr(recipe, name) != plain[name].default for name in ("val", "test"))
    return 0 if said or len(labelled) >= FEW or {"val", "test"} & set(labelled) else FOLDS


def check_some_train(source: Source, recipe: Recipe) -> None:
    """Refuse a source whose own parts leave nothing to train on. Errors: SourceError, with the numbers."""
    own = [item.split for item in source.items if item.labelled]
    measured = {part: own.count(part) for part in ("val", "test")}
    if own and sum(measured.values()) == len(own) and not (recipe.folds and measured["val"]):
        said = " and ".join(f"{number:,} of its {part} part" for part, number in measured.items() if number)
        raise SourceError(
            f"{source.location}: there are no pictures to train on: of {counted(len(own), 'labelled picture')} {said};"
            " put some into a train part, or name the folder of that part alone"
        )


def to_train_on(source: Source, recipe: Recipe) -> int:
    """Return about how many pictures will be trained on, before the split is drawn."""
    own = [item.split for item in source.items if item.labelled]
    free = own.count(None)
    if recipe.folds:
        return max(1, len(own) - own.count("test"))
    share = 1.0 - recipe.val - recipe.test
    train = own.count("train") * (1.0 if "val" in own else 1.0 - recipe.val)
    return max(1, round(free * share + train))


def trained_rows(source: Source, recipe: Recipe, strata: Strata, groupings: Sequence[Groups] = ()) -> NDArray[np.int64]:
    """Return the rows of the pictures that will be trained on, before any is decoded.

    The files are read for it, where a share of them is drawn, as the split goes by their content. `divided` draws the
    same, but for pictures that then do not decode. ``groupings``: as of `divided`. Errors: SourceError, as `split`.
    """
    own = {item.split for item, known in zip(source.items, strata.known, strict=True) if known}
    if recipe.folds or {"val", "test"} <= own:
        parts = ("train", None, "val") if recipe.folds else ("train", None)
        at = [row for row, item in enumerate(source.items) if strata.known[row] and item.split in parts]
        return np.array(at, np.int64)
    digests, known = [], strata.known.copy()
    for row in range(len(source.items)):
        try:
            digests.append(digest_of(source.picture(row)))
        except PictureError:
            digests.append(b"")
            known[row] = False
    said = {"seed": recipe.seed, "val": recipe.val, "test": recipe.test, "grouped": recipe.group is not None}
    same = identities([item.key for item in source.items], digests, groupings)
    return np.array(split(source, same, strata=replace(strata, known=known), **said).train, np.int64)  # type: ignore[arg-type]


def affordable(config: TrainConfig, macs: int, pictures: int) -> bool:
    """Whether the folds of a training are cheap: those of a head on features, or two minutes for a whole net.

    ``macs`` are the net's multiply-accumulates for a picture forward; back are twice as many.
    """
    if not config.folds or config.tune == "head":
        return True
    return 3 * macs * pictures * (config.folds - 1) * config.epochs <= AFFORDABLE


def divided(
    config: TrainConfig,
    source: Source,
    digests: Sequence[bytes],
    strata: Strata,
    *,
    grouped: bool = False,
) -> tuple[Split, Folds | None]:
    """Return which pictures train, and how they are dealt where the figure is cross-validated and they can be.

    ``digests`` are of their content, or identities of groups where they are ``grouped``; ``strata`` are the groups of
    pictures that keep their shares. `check_groups` says whether that will do.
    """
    if config.folds:
        parts = everything(source, digests, strata, seed=config.seed, grouped=grouped)
        said = {"seed": config.seed, "count": config.folds, "draws": config.repeats}
        if grouped:
            dealt = fold_groups(strata, digests, parts.train, **said)
        elif strata.values.ndim == 1:
            dealt = fold(strata.values.astype(np.int64), digests, parts.train, **said)
        else:
            dealt = fold_labels(strata.values.astype(bool), digests, parts.train, **said)
        if dealt is not None:
            return parts, dealt
    parts = split(source, digests, seed=config.seed, val=config.val, test=config.test, strata=strata, grouped=grouped)
    return parts, None


def check_groups(
    recipe: Recipe,
    source: Source,
    same: Sequence[bytes],
    parts: Split,
    dealt: Folds | None,
    groupings: Sequence[Groups],
) -> None:
    """Refuse a split or folds in which groups, none of which is divided, leave nothing to train or to measure on.

    ``same`` are the identities of the pictures; fewer folds than the ``recipe`` says are refused, fewer than are dealt
    by themselves are not. Errors: SourceError, RecipeError, with the numbers.
    """
    if not groupings:
        return
    by = f"by {', '.join(one.by for one in groupings)}"
    number = len({one for one, item in zip(same, source.items, strict=True) if item.labelled})
    there = f"{source.location}: {by} and copies there {plural(number, 'is')} {counted(number, 'group')}"
    if recipe.folds and (dealt is None or dealt.count < recipe.folds):
        most = "they cannot be dealt at all" if dealt is None else f"the most that can be dealt are {dealt.count}"
        raise RecipeError(
            f"{there}, and folds = {recipe.folds} need as many with one class (or tag) in common, for none is divided:"
            f" {most}; say fewer folds, or smaller groups"
        )
    own = {item.split for item in source.items if item.labelled}
    wanted = [] if dealt is not None else [name for name in ("val", "test") if getattr(recipe, name) or name in own]
    lacking = [name for name in ("train", *wanted) if not getattr(parts, name)]
    if lacking:
        zero = " ".join(f"--set {name}=0" for name in lacking if name not in own and name != "train")
        raise SourceError(
            f"{there}, which leaves none for {' and '.join(lacking)}, as no group is divided and every class needs one"
            f" to train on; say smaller groups{f', or do without: {zero}' if zero else ''}"
        )


def everything(source: Source, digests: Sequence[bytes], strata: Strata, *, seed: int, grouped: bool = False) -> Split:
    """Return the split of a cross-validated run: all pictures to train on, but for a test part of the source's own.

    Validation pictures of the source's own are dealt like the others. Errors: SourceError, as `split`.
    """
    items = tuple(replace(item, split=None) if item.split == "val" else item for item in source.items)
    whole = replace(source, items=items)
    return split(whole, digests, seed=seed, val=0.0, test=0.0, strata=strata, grouped=grouped)
