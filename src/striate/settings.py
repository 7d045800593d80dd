"""Settings: every choice of how to train, with its type, its unit and what is refused. Imports errors (and pydantic).

They come in two kinds. A `striate.recipe.Recipe` is what a person wishes: whatever they do not care about is None, "by
itself". A `striate.train_config.TrainConfig` is what a training goes by: the same settings without gaps.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WrapValidator, model_validator

from striate.errors import RecipeError
from striate.recipe_words import LISTS, no_such, sentence

Share = Annotated[float, Field(ge=0.0, lt=1.0)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Periods = Annotated[
    str,
    Field(min_length=1, max_length=200),
    BeforeValidator(lambda said: f"{said:g}" if isinstance(said, int | float) else said),
]
TaskName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=40)]
Folds = Annotated[int, Field(ge=0), BeforeValidator(lambda said: 0 if said == "none" else said)]
Decay = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
RateDecay = Annotated[float, Field(gt=0.0, le=1.0)]
Fit = Literal["exact", "floor"]
Colour = Literal["rgb", "gray"]


def _both_sides(said: object, check: Callable[[object], tuple[int, int]]) -> tuple[int, int]:
    """Return (height, width) of what is said of a size: one number is both sides."""
    try:
        return check((said, said) if isinstance(said, int) and not isinstance(said, bool) else said)
    except ValidationError:  # of a side that a person may not have named: said of the whole
        raise ValueError("must be a number of pixels, or [height, width], such as 96 or [96, 128]") from None


Size = Annotated[tuple[Count, Count], WrapValidator(_both_sides)]
Resize = Literal["crop", "stretch", "pad"]
Optimiser = Literal["sgd", "muon", "rmsprop", "adam", "adamw"]
Strength = Literal[
    "none",
    "light",
    "zoom",
    "standard",
    "strong",
    "windows",
    "alexnet-2012",
    "vgg-2014",
    "googlenet-2014",
    "resnet-2015",
]
AnySettings = TypeVar("AnySettings", bound="Settings")

CHANCE = "none"  # as ``start``: no weights, but a net whose own are drawn
# Words that say the same, wherever a setting is said: in a recipe, in Python and after --set.
ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {"from": "start", "lr": "learning_rate", "color": "colour", "optimizer": "optimiser"}
)
FIRST = "filter"  # the part that a filter by name is in a net that has one as its first layer


class Settings(BaseModel):
    """How to train, field by field. None, where the type has it, is "by itself" in a recipe.

    Units: learning rates are per step, ``warmup`` and ``milestones`` are shares of all steps, ``every`` is in epochs,
    ``size`` is (height, width) in pixels, one number where both are the same, ``val`` and ``test`` are shares of the
    pictures that the source itself leaves unsplit. ``alpha`` (the decay of the mean square, of rmsprop) and ``eps``
    (what is added to its root) are torch's.
    ``epoch_share`` is how much of the training pictures one epoch sees, another draw of them each time.
    ``whiten`` begins the first convolution with the components of its patches (`striate.model.build.whiten`).
    ``progressive`` trains on smaller pictures first: (until which share of all steps, pixels of the longer side) each.

    ``fit`` is ``exact``, which refuses a net that never sees some of its picture, or ``floor``, which accepts that.
    Left out it is floor where a net comes as it is (a published net at its published size, weights to start from at
    theirs, an adopted module), and exact for any other.

    ``bits`` is how many of 16 gray pictures use whose files state nothing (None: 16, or what the weights are used to).

    ``label_from`` is a pattern that takes the labels out of the names of the files. ``labels`` are those of the source
    that are meant, where it has several or they lie elsewhere: a format, or a file or folder. ``group`` says which
    pictures stay on one side of every split: a pattern in their paths, ``parent`` or a list (`striate.data.groups`).
    ``mend`` is the file of what a person decided about the pictures ("none": nothing; None: the one kept for the
    folder). ``task`` is what is
    learnt of the labels; unsaid, it is guessed from how they look, and said. ``loss`` is what numbers are learnt by
    (smooth-l1, squared, quantile, "quantile 0.9") or tags (cross-entropy, asymmetric), None for the first of these;
    ``circular`` is the period of numbers that go round: ``360``, or of several ``angle=360 hour=24``.

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
    ``unfreeze`` of the epochs; of a task that answers at places, ``maps``: its head, on the maps of a frozen trunk.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, validate_default=True)

    if not TYPE_CHECKING:  # whoever checks types sees the fields

        def __init__(self, /, **values: object) -> None:
            """Make settings of fields by name, or by one of `ALIASES`. Errors: RecipeError that names what is wrong."""
            kind = type(self)
            said, words = _by_field(kind, values)
            try:
                super().__init__(**said)
            except ValidationError as error:
                raise RecipeError(
                    "; ".join(sentence(one, kind.model_fields, words) for one in error.errors())
                ) from None

    source: str = ""
    label_from: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    labels: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    group: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    mend: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    task: TaskName | None = None
    loss: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    circular: Periods | None = None
    net: str | None = None
    first: Annotated[str, Field(min_length=1)] | None = None
    start: str | None = None
    start_digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    tune: Literal["head", "maps", "all"] | None = None
    head_epochs: Annotated[int, Field(ge=0)] | None = None
    rate_decay: RateDecay | None = None
    unfreeze: Share | None = None
    fit: Fit | None = None
    size: Size | None = None
    colour: Colour | None = None
    resize: Resize | None = None
    bits: Annotated[int, Field(ge=8, le=16)] | None = None
    val: Share = 0.1
    test: Share = 0.15
    folds: Folds | None = None
    repeats: Count | None = None
    augment: Strength | None = None
    flip: bool | None = None
    epochs: Count | None = None
    epoch_share: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    progressive: tuple[tuple[Share, Count], ...] = ()
    batch: Count | None = None
    whiten: bool = False
    optimiser: Optimiser | None = None
    learning_rate: Positive | None = None
    momentum: Share = 0.9
    nesterov: bool = True
    betas: tuple[Share, Share] = (0.9, 0.999)
    alpha: Share = 0.99
    eps: Positive = 1e-8
    weight_decay: Decay | None = None
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
    def _consistent(self) -> Self:
        if self.val + self.test >= 1.0:
            raise ValueError(
                f"val {self.val} and test {self.test} together leave no picture to train on; they must stay below 1"
            )
        if self.folds == 1:
            raise ValueError("folds = 1: one fold leaves nothing to train on; say 2 or more (5 is usual), or none")
        if self.folds and self.patience is not None:
            raise ValueError(
                f"patience = {self.patience}: it chooses by validation pictures, and with folds none are set aside;"
                " leave it out, or say folds = 0"
            )
        if self.strangers and not self.unknown:
            raise ValueError('strangers: how well "none of these" is told is of no use where unknown = false; say one')
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

    def changed(self, **changes: object) -> Self:
        """Return a copy with some settings changed, checked as a whole. Errors: RecipeError."""
        others = {name: value for name, value in self.model_dump().items() if name not in map(field_of, changes)}
        return checked(type(self), {**others, **changes})

    def written(self) -> dict[str, Any]:
        """Return the settings that are said, as plain JSON, in the order of the fields."""
        return self.model_dump(mode="json", exclude_none=True)

    def to_toml(self) -> str:
        """Return the settings as TOML, one a line; what is not said is left out (TOML has no null)."""
        # A JSON scalar or list of scalars is also a TOML one.
        return "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in self.written().items())


def field_of(word: str) -> str:
    """Return the field that a word names: itself, or what it is an alias of."""
    return ALIASES.get(word, word)


def checked(kind: type[AnySettings], values: Mapping[str, object]) -> AnySettings:
    """Return the settings that these fields describe, or raise RecipeError that names each wrong one.

    A field goes by its name or by one of `ALIASES`; the error has the word that was used.
    """
    made: Callable[..., AnySettings] = kind
    return made(**values)


def _by_field(kind: type[Settings], values: Mapping[str, object]) -> tuple[dict[str, object], dict[str, str]]:
    """Return values by the names of fields, and the word that was used for each. Errors: RecipeError."""
    said: dict[str, object] = {}
    words: dict[str, str] = {}
    for word, value in values.items():
        name = field_of(word)
        if name not in kind.model_fields:
            raise RecipeError(no_such("a recipe", word, kind.model_fields, called="field"))
        if name in said:
            raise RecipeError(f"{words[name]} and {word} say the same setting; leave out one")
        if _has_bool(value) and not _takes(kind.model_fields[name].annotation, bool):
            raise RecipeError(f"{word} = {value!r}: true and false are no numbers and no names; say which")
        said[name], words[name] = value, word
    return said, words


def _has_bool(value: object) -> bool:
    """Whether a value is true or false, or has one of them in it: pydantic would take them for 1 and 0."""
    return isinstance(value, bool) or (isinstance(value, list | tuple) and any(map(_has_bool, value)))


def _takes(annotation: object, kind: type) -> bool:
    """Whether a type, or a part of it, is ``kind``."""
    return annotation is kind or any(_takes(part, kind) for part in get_args(annotation))
