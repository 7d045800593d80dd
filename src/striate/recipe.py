"""Recipe: how to train, every choice in one value. Imports errors only (and pydantic); no torch, no numpy.

A person writes what they care about and leaves the rest as None ("by itself"); ``settled`` fills every gap from the
facts of the pictures, and only a settled recipe is trained with and saved. The rules that fill the gaps stand in
``defaults.py``; where the figures come from is in docs/defaults.md. Recipes with a name, of
papers and our own, are the files of the folder recipes/ beside this one.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from striate import files
from striate.defaults import (
    FEW,
    LARGE,
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
from striate.recipe_words import LISTS, sentence

Share = Annotated[float, Field(ge=0.0, lt=1.0)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Periods = Annotated[
    str,
    Field(min_length=1, max_length=200),
    BeforeValidator(lambda said: f"{said:g}" if isinstance(said, int | float) else said),
]
Strength = Literal["none", "light", "standard", "strong", "alexnet-2012", "vgg-2014", "googlenet-2014", "resnet-2015"]

CHANCE = "none"  # as ``start``: no weights, but a net whose own are drawn
LONGEST_NAME = 1024  # characters of a recipe's name or path
FIRST = "filter"  # the part that a filter by name is in a net that has one as its first layer

NAMED = Path(__file__).with_name("recipes")  # one TOML file a recipe


class Recipe(BaseModel):
    """How to train. Fields left as None are chosen by ``settled``.

    Units: learning rates are per step, ``warmup`` and ``milestones`` are shares of all steps, ``every`` is in epochs,
    ``size`` is (height, width) in pixels, ``val`` and ``test`` are shares of the pictures that the source itself leaves
    unsplit. ``alpha`` (the decay of the mean square, of rmsprop) and ``eps`` (what is added to its root) are torch's.
    ``epoch_share`` is how much of the training pictures one epoch sees, another draw of them each time.
    ``whiten`` begins the first convolution with the components of its patches (`striate.model.build.whiten`).
    ``progressive`` trains on smaller pictures first: (until which share of all steps, pixels of the longer side) each.

    ``fit`` is ``exact``, which refuses a net that never sees some of its picture, or ``floor``, which accepts that.
    Left out it is floor where a net comes as it is (a published net at its published size, weights to start from at
    theirs, an adopted module), and exact for any other.

    ``bits`` is how many of 16 gray pictures use whose files state nothing (None: 16, or what the weights are used to).

    ``label_from`` is a pattern that takes the labels out of the names of the files. ``task`` is what is learnt of the
    labels; unsaid, it is guessed from how they look, and said. ``loss`` is what numbers are learnt by (smooth-l1,
    squared, quantile, "quantile 0.9") or tags (cross-entropy, asymmetric), and ``circular`` the period of numbers that
    go round: ``360``, or of several ``angle=360 hour=24``.

    ``folds`` is how many parts the pictures are dealt into so that each is answered for by a training that did not see
    it (cross-validation; 0 or ``none``: one fixed split), and ``repeats`` how often they are dealt anew. The model that
    is kept is trained on all of them, and ``val`` and ``test`` are not used.

    ``first`` is a filter by name (``sobel``, ``gaussian 5``) or the rows of one, put in front of the net as its first
    layer, on each colour by itself; training leaves its weights as they are.

    ``start`` is where the weights come from (a run, a model file, the name of known weights; "none": from chance; None:
    photographs from `verbs.start.USUAL`, all else from chance) and
    ``start_digest`` which very weights. ``tune`` says what is trained then: the new ``head`` alone, on features, for at
    most ``epochs`` passes over them, or ``all``: the head for at most ``head_epochs`` passes, then the whole net for
    ``epochs``, each stage at ``rate_decay`` times the rate of the next, all of them unfrozen after the share
    ``unfreeze`` of the epochs.

    Example: ``Recipe(source="pets", epochs=5).settled(pictures=200, height=375, width=500, uniform=False, gray=False)``
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, validate_default=True)

    source: str = ""
    label_from: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    task: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=40)] | None = None
    loss: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    circular: Periods | None = None
    net: str | None = None
    first: Annotated[str, Field(min_length=1)] | None = None
    start: str | None = None
    start_digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    tune: Literal["head", "all"] | None = None
    head_epochs: Count | None = None
    rate_decay: Annotated[float, Field(gt=0.0, le=1.0)] | None = None
    unfreeze: Share | None = None
    fit: Literal["exact", "floor"] | None = None
    size: tuple[Count, Count] | None = None
    colour: Literal["rgb", "gray"] | None = None
    resize: Literal["crop", "stretch", "pad"] | None = None
    bits: Annotated[int, Field(ge=8, le=16)] | None = None
    val: Share = 0.1
    test: Share = 0.15
    folds: Annotated[int, Field(ge=0), BeforeValidator(lambda said: 0 if said == "none" else said)] | None = None
    repeats: Count | None = None
    augment: Strength | None = None
    flip: bool | None = None
    epochs: Count | None = None
    epoch_share: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    progressive: tuple[tuple[Share, Count], ...] = ()
    batch: Count | None = None
    whiten: bool = False
    optimiser: Literal["sgd", "muon", "rmsprop", "adam", "adamw"] | None = None
    learning_rate: Positive | None = None
    momentum: Share = 0.9
    nesterov: bool = True
    betas: tuple[Share, Share] = (0.9, 0.999)
    alpha: Share = 0.99
    eps: Positive = 1e-8
    weight_decay: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] | None = None
    schedule: Literal["constant", "step", "exponential", "cosine", "one-cycle"] = "one-cycle"
    warmup: Share | None = None
    milestones: tuple[Share, ...] = (0.5, 0.75)
    gamma: Positive = 0.1
    every: Count = 1
    final_rate: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    label_smoothing: Share | None = None
    class_weights: Literal["none", "balanced"] = "none"
    clip: Positive | None = None
    accumulate: Count = 1
    ema: Share | None = None
    patience: Count | None = None
    unknown: bool = True
    strangers: bool | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    channels_last: bool = True
    compile: bool = False
    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")] = "auto"
    threads: Count | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Recipe:
        if self.val + self.test >= 1.0:
            raise ValueError(
                f"val {self.val} and test {self.test} together leave no picture to train on; they must stay below 1"
            )
        if self.folds == 1:
            raise ValueError("folds = 1: one fold leaves nothing to train on; say 2 or more (5 is usual), or none")
        if self.repeats is not None and not self.folds:
            raise ValueError(f"repeats = {self.repeats}: only with folds, which are dealt so often (folds = 5)")
        if self.folds and self.patience is not None:
            raise ValueError(
                f"patience = {self.patience}: it chooses by validation pictures, and with folds none are set aside;"
                " leave it out, or say folds = 0"
            )
        if self.strangers and not self.unknown:
            raise ValueError('strangers: how well "none of these" is told is of no use where unknown = false; say one')
        # Where nobody says where the weights come from, that is seen with the pictures.
        by_chance = self.start == CHANCE or (self.start is None and self.own_net)
        if by_chance and (said := self.said_of_weights):
            raise ValueError(f"{', '.join(said)}: only with weights to start from (start = a run, a file or a name)")
        if self.weights is not None and self.whiten:
            raise ValueError("whiten: the weights to start from have a first layer that has learnt; leave whiten out")
        if self.first is not None and self.whiten:
            raise ValueError(f"whiten and first = {self.first!r} both say what the first layer is; leave out one")
        if self.weights is not None and self.first is not None:
            raise ValueError(
                f"first = {self.first!r}: the weights to start from have a first layer of their own; leave out one"
            )
        if any(b <= a for a, b in pairwise(self.milestones)):
            raise ValueError(f"milestones {list(self.milestones)} must rise from one to the next")
        stages = [(0.0, 0), *self.progressive]
        if any(b[0] <= a[0] or b[1] <= a[1] for a, b in pairwise(stages)):
            raise ValueError(
                "progressive: both the shares of the steps and the pixels must rise from one stage to the next, such as"
                f" {LISTS['progressive']}, and are {[list(stage) for stage in self.progressive]}"
            )
        return self

    @property
    def weights(self) -> str | None:
        """The weights that are started from; None for a net that begins from chance."""
        return None if self.start == CHANCE else self.start

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

    def photographs(self, *, height: int, width: int, gray: bool) -> bool:
        """Return whether pictures of this median size (pixels) are photographs that start from published weights.

        So they do where they have colour, are larger than 64 pixels, and nothing is said that makes the net one's own
        or speaks of a training that passes pictures through it; ``tune`` said with it speaks of weights.
        """
        large = max(height, width) > SMALL and (self.size is None or max(self.size) > SMALL)
        plain = self.start is None and not self.own_net and (self.tune == "all" or not self.said_of_pictures)
        return large and plain and not gray and self.colour != "gray"

    def settled(
        self, *, pictures: int, height: int, width: int, uniform: bool, gray: bool, normed: bool = True
    ) -> Recipe:
        """Return the same recipe with every gap filled.

        ``pictures`` is how many there are to train on, ``height`` x ``width`` (pixels) the median size, ``uniform``
        whether all have that very size, ``gray`` whether none has colour; ``normed`` whether the net normalises
        inside (without it the rates of the house's nets blow its weights up).
        """
        size, colour = self.size, self.colour or ("gray" if gray else "rgb")
        if size is None:
            side = max(height, width)
            size = (height, width) if side <= SMALL and uniform else (min(side, LARGE),) * 2
            size = (max(size[0], SMALLEST), max(size[1], SMALLEST))
        rules: dict[str, Any] = {"patience": None, "folds": 0}
        rules |= rules_for(pictures=max(1, round(self.epoch_share * pictures)), side=max(size), gray=colour == "gray")
        if self.weights is None and (said := self.said_of_weights):
            raise RecipeError(
                f"{', '.join(said)}: only with weights to start from, and these pictures begin from chance by"
                " themselves; say which weights with start (--from a run, a file or a name)"
            )
        if self.weights is not None:
            rules |= start_rules(self.tune or "head")
            if self.folds:
                rules["repeats"] = REPEATS if rules["tune"] == "head" and pictures < FEW else 1
            unused = self.said_of_pictures
            if unused and rules["tune"] == "head":
                raise RecipeError(
                    f"{', '.join(unused)}: the head alone is fitted to features, which has no use for that; leave it"
                    " out, or train the whole net with tune = all (--tune all)"
                )
            return self.changed(
                size=size,
                colour=colour,
                **{name: value for name, value in rules.items() if getattr(self, name) is None},
            )
        if self.folds:
            rules.setdefault("repeats", 1)
        gaps = {name: value for name, value in rules.items() if getattr(self, name) is None}
        optimiser = self.optimiser or ("sgd" if normed else "adamw")
        if optimiser != rules["optimiser"] or not normed:
            # The rate and decay of the rules belong to their optimiser and nets; others get their own usual ones.
            own = {"optimiser": optimiser, **OWN_RATES[optimiser]}
            gaps |= {name: value for name, value in own.items() if name in gaps}
        return self.changed(size=size, colour=colour, **gaps)

    def changed(self, **changes: object) -> Recipe:
        """Return a copy with some fields changed, checked as a whole."""
        return from_dict({**self.model_dump(), **changes})

    def to_toml(self) -> str:
        """Return the recipe as TOML, one field a line; what is None is left out (TOML has no null)."""
        fields = self.model_dump(mode="json")
        # A JSON scalar or list of scalars is also a TOML one.
        return "".join(
            f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in fields.items() if value is not None
        )


def from_dict(values: Mapping[str, object]) -> Recipe:
    """Return the recipe these fields describe, or raise RecipeError that names each wrong one."""
    for name in values:
        if name not in Recipe.model_fields:
            near = difflib.get_close_matches(str(name), Recipe.model_fields, n=2)
            hint = f"did you mean {' or '.join(near)}?" if near else "the fields are " + ", ".join(Recipe.model_fields)
            raise RecipeError(f"a recipe has no field {name!r}; {hint}")
    try:
        return Recipe.model_validate(dict(values))
    except ValidationError as error:
        raise RecipeError("; ".join(sentence(detail, Recipe.model_fields) for detail in error.errors())) from None


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
