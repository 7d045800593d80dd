"""Recipe: what a person wishes of a training, and recipes as files and by name. No torch, no numpy.

A person writes what they care about and leaves the rest as None ("by itself"); ``settled`` fills every gap from the
facts of the pictures and gives a `striate.train_config.TrainConfig`, by which alone is trained and which a run keeps.
The rules that fill the gaps stand in ``defaults.py``; where the figures come from is in docs/defaults.md. Recipes with
a name, of papers and our own, are the files of the folder recipes/ beside this one.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self

from pydantic import model_validator

from striate import files
from striate.defaults import (
    FEW,
    LARGE,
    MAP_STEPS,
    OWN_RATES,
    PICTURES_ALONE,
    REPEATS,
    SMALL,
    SMALLEST,
    STEPS_ALONE,
    WEIGHTS_ALONE,
    rules_for,
    start_rules,
)
from striate.errors import RecipeError
from striate.settings import CHANCE, Count, Settings, checked
from striate.train_config import TrainConfig, closed

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
# What settings stood for that a run of an earlier version did not write.
BEFORE: Final[Mapping[str, Any]] = MappingProxyType(
    {
        **{"fit": "exact", "folds": 0, "repeats": 1, "flip": False, "rate_decay": 1.0, "unfreeze": 0.0},
        **{"warmup": 0.0, "label_smoothing": 0.0, "ema": 0.0},
    }
)
LONGEST_NAME = 1024  # characters of a recipe's name or path
NAMED = Path(__file__).with_name("recipes")  # one TOML file a recipe


class Recipe(Settings):
    """What a person wishes of a training. Settings left as None are chosen by ``settled``.

    Example: ``Recipe(source="pets", task="classify").settled(pictures=200, height=375, width=500).learning_rate``
    """

    head_epochs: Count | None = None

    @model_validator(mode="after")
    def _of_use(self) -> Self:
        if self.repeats is not None and not self.folds:
            raise ValueError(f"repeats = {self.repeats}: only with folds, which are dealt so often (folds = 5)")
        # Where nobody says where the weights come from, that is seen with the pictures.
        by_chance = self.start == CHANCE or (self.start is None and self.own_net)
        if by_chance and (said := self.said_of_weights):
            raise ValueError(f"{', '.join(said)}: only with weights to start from (start = a run, a file or a name)")
        return self

    @property
    def own_net(self) -> bool:
        """Whether the recipe says what the net, or its beginning, is."""
        return self.net is not None or self.first is not None or self.whiten

    @property
    def said_of_weights(self) -> list[str]:
        """The fields that are given and say something of weights to start from alone."""
        return [name for name in WEIGHTS_ALONE if getattr(self, name) is not None]

    @property
    def said_of_pictures(self) -> list[str]:
        """The fields that are given and that a head fitted to features, all of them at once, has no use for."""
        plain = {name: field.default for name, field in Recipe.model_fields.items()}
        return [name for name in (*PICTURES_ALONE, *STEPS_ALONE) if getattr(self, name) != plain[name]]

    def photographs(self, *, height: int, width: int, gray: bool, solved: bool = True) -> bool:
        """Return whether pictures of this median size (pixels) are photographs that start from published weights.

        So they do where they have colour, are larger than 64 pixels, and nothing is said that makes the net one's own
        or speaks of a training that passes pictures through it; ``tune`` said with it speaks of weights. A head
        that is not ``solved`` on features takes steps either way.
        """
        large = max(height, width) > SMALL and (self.size is None or max(self.size) > SMALL)
        plain = (
            self.start is None and not self.own_net and (self.tune == "all" or not solved or not self.said_of_pictures)
        )
        return large and plain and not gray and self.colour != "gray"

    def settled(
        self,
        *,
        pictures: int,
        height: int,
        width: int,
        uniform: bool = False,
        gray: bool = False,
        normed: bool = True,
        zooms: int | None = None,
        usual: Mapping[str, Any] = NOTHING,
    ) -> TrainConfig:
        """Return what a training goes by: the recipe with every gap filled.

        ``pictures`` is how many there are to train on, ``height`` x ``width`` (pixels) the median size, ``uniform``
        whether all have that very size, ``gray`` whether none has colour; ``normed`` whether the net normalises
        inside (without it the rates of the house's nets blow its weights up), ``zooms`` how many more
        views a head on maps sees (`Task.zooms`; None for one on features). ``usual`` is what its task has otherwise
        than `striate.defaults` say, of the steps those of a net from chance or of a head on maps. ``fit`` that nobody
        said is exact.

        Errors: RecipeError for what goes not together, and where ``task`` is not said.
        """
        size, colour = self.size, self.colour or ("gray" if gray else "rgb")
        if size is None:
            side = max(height, width)
            size = (height, width) if side <= SMALL and uniform else (min(side, LARGE),) * 2
            size = (max(size[0], SMALLEST), max(size[1], SMALLEST))
        rules: dict[str, Any] = {"folds": 0, "repeats": 1, "fit": "exact", "size": size, "colour": colour}
        rules |= rules_for(pictures=max(1, round(self.epoch_share * pictures)), side=max(size), gray=colour == "gray")
        if self.weights is None:
            if said := self.said_of_weights:
                raise RecipeError(
                    f"{', '.join(said)}: only with weights to start from, and these pictures begin from chance by"
                    " themselves; say which weights with start (--start a run, a file or a name)"
                )
            optimiser = self.optimiser or ("sgd" if normed else "adamw")
            if optimiser != rules["optimiser"] or not normed:
                # The rate and decay of the rules belong to their optimiser and nets; others get their own usual ones.
                rules |= {"optimiser": optimiser, **OWN_RATES[optimiser]}
            return closed(self, {**rules, **usual})
        rules |= start_rules(self.tune or "head", pictures, zooms=zooms)
        if rules["tune"] == "head" and (said := self.said_of_pictures):
            raise RecipeError(
                f"{', '.join(said)}: the head alone is fitted to features, which has no use for that; leave it"
                " out, or train the whole net with tune = all (--tune all)"
            )
        if self.folds and rules["tune"] == "head" and pictures < FEW:
            rules["repeats"] = REPEATS
        if rules["tune"] == "all" and zooms is not None:
            # How a task's head learns on maps is not how the whole net does behind it; the head takes no longer then.
            rules["head_epochs"] = min(rules["head_epochs"], usual.get("epochs", rules["head_epochs"]))
            usual = {name: value for name, value in usual.items() if name not in ("epochs", *MAP_STEPS)}
        return closed(self, {**rules, **usual})


def from_dict(values: Mapping[str, object]) -> Recipe:
    """Return the recipe these fields describe, or raise RecipeError that names each wrong one."""
    return checked(Recipe, values)


def from_toml(text: str, *, where: str = "recipe") -> Recipe:
    """Read a recipe from TOML text; ``where`` names the file in errors."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{where} is not TOML: {error}") from None
    except RecursionError:
        raise RecipeError(f"{where} is nested too deeply to be a recipe") from None
    except ValueError:  # Python reads no number of more than 4,300 digits
        raise RecipeError(f"{where} holds a number of thousands of digits") from None
    try:
        return from_dict(values)
    except RecipeError as error:
        raise RecipeError(f"{where}: {error}") from None


def before(recipe: Recipe, **chosen: object) -> dict[str, object]:
    """Return what the settings stood for that earlier versions did not write of a run, and ``chosen`` ones."""
    return {**BEFORE, "head_epochs": recipe.epochs, **chosen}


def read(path: Path) -> Recipe:
    """Read a recipe file."""
    try:
        text = files.read_text(path)
    except OSError as error:
        raise RecipeError(f"recipe {path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise RecipeError(f"recipe {path} is not UTF-8 text (byte {error.start})") from None
    return from_toml(text, where=str(path))


def names() -> tuple[str, ...]:
    """Return the names of the recipes that come with the package."""
    return tuple(sorted(path.stem for path in NAMED.glob("*.toml")))


def text_of(name: str) -> str:
    """Return the file of a recipe with a name, comments and all. Errors: RecipeError, with the names, nearest first."""
    known = names()
    if name not in known:
        near = sorted(known, key=lambda one: -difflib.SequenceMatcher(None, name.lower(), one).ratio())
        raise RecipeError(
            f"there is no recipe {name!r}, neither a file here nor a name; the names are {', '.join(near)}"
        )
    return (NAMED / f"{name}.toml").read_text(encoding="utf-8")


def find(what: str | Path) -> Recipe:
    """Return the recipe in a file, or, where there is no such file, of that name.

    Errors: RecipeError. Example: ``find("resnet-2015").learning_rate == 0.1``
    """
    if len(str(what)) > LONGEST_NAME:
        short = f"{str(what)[:40]}…"
        raise RecipeError(f"{short} is neither a recipe's file nor its name: it has {len(str(what)):,} characters")
    path = Path(what)
    meant = path.is_file() or path.suffix == ".toml" or len(path.parts) != 1
    if meant or (path.exists() and str(what) not in names()):
        return read(path)
    return from_toml(text_of(str(what)), where=f"recipe {what}")
