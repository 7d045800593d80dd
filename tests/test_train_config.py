"""TrainConfig: the settings of a recipe without a gap, whose types say so, made in one place and kept as TOML."""

from __future__ import annotations

import re
import types
import typing
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from tests.configs import config

import striate
from striate import recipe
from striate.errors import RecipeError
from striate.recipe import Recipe, before
from striate.settings import Settings
from striate.train_config import TrainConfig, closed, still_open

SRC = Path(striate.__file__).parent
OLD = Path(__file__).parent / "runs" / "old" / "runs"
FACTS: dict[str, Any] = {"pictures": 200, "height": 32, "width": 32, "gray": False}
# What may be off, or said by nobody, in a training too: nothing is trained otherwise for want of it.
OFF = {
    "label_from",
    "labels",
    "mend",
    "loss",
    "circular",
    "first",
    "start",
    "start_digest",
    "tune",
    "bits",
    "group",
    "weight_decay",
    "clip",
} | {
    "patience",
    "strangers",
    "threads",
}


def may_be_none(kind: type[Settings], name: str) -> bool:
    said = typing.get_type_hints(kind)[name]
    return get_origin(said) in (typing.Union, types.UnionType) and type(None) in get_args(said)


def test_what_a_recipe_may_leave_open_a_config_may_not() -> None:
    assert list(TrainConfig.model_fields) == list(Recipe.model_fields) == list(Settings.model_fields)
    opened = {name for name in Recipe.model_fields if may_be_none(Recipe, name)}
    assert {name for name in opened if may_be_none(TrainConfig, name)} == OFF
    assert {name for name, field in TrainConfig.model_fields.items() if field.is_required()} == opened - OFF


def test_no_code_asks_whether_a_training_has_gaps() -> None:
    asks = re.compile(r"assert (config|recipe|\w+\.config)\b|(config|\.config)\.\w+ or (\d|None|\w*[\"'])")
    found = [
        f"{path.relative_to(SRC)}: {line.strip()}"
        for path in SRC.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if asks.search(line) and "weight_decay" not in line
    ]
    assert not found


KINDS: dict[str, dict[str, Any]] = {
    "from chance": {},
    "from chance in folds": {"folds": 3},
    "head": {"start": "y"},
    "head in folds": {"start": "y", "folds": 5},
    "all": {"start": "y", "tune": "all"},
    "all without differences": {"start": "y", "tune": "all", "rate_decay": 1.0, "unfreeze": 0.0, "folds": 2},
}
IDLE = {  # what stands in no file of a run of that kind, as it never did
    "from chance": {"head_epochs", "rate_decay", "unfreeze", "repeats"},
    "from chance in folds": {"head_epochs", "rate_decay", "unfreeze"},
    "head": {"head_epochs", "rate_decay", "unfreeze", "repeats", "augment", "flip", "batch", "optimiser"}
    | {"learning_rate", "warmup", "label_smoothing", "ema"},
    "all": {"repeats"},
    "all without differences": set(),
}
IDLE["head in folds"] = IDLE["head"] - {"repeats"}


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_kept_as_a_recipe_that_trains_the_same_again(kind: str) -> None:
    full = Recipe(source="x", task="tag", **KINDS[kind]).settled(**FACTS)
    text = full.to_toml()
    again = recipe.from_toml(text)
    assert closed(again, before(again)) == full, "as a run opens it"
    assert again.settled(**FACTS) == full, "as striate train --recipe takes it"
    written = {line.partition(" ")[0] for line in text.splitlines()}
    assert TrainConfig.model_fields.keys() - written - OFF == IDLE[kind]


@pytest.mark.parametrize("run", sorted(path.name for path in OLD.iterdir() if path.is_dir()))
def test_the_file_of_an_older_run_is_read_and_written_again_as_it_was(run: str) -> None:
    text = (OLD / run / "recipe.toml").read_text(encoding="utf-8")
    old = recipe.from_toml(text)
    assert not still_open(old, before(old))
    assert closed(old, before(old)).to_toml() == text


def test_what_is_still_open_is_named() -> None:
    with pytest.raises(RecipeError, match="task: still open, and nothing"):
        Recipe(source="x").settled(**FACTS)
    wanted = ["task", "net", "fit", "size", "colour", "resize", "folds", "epochs"]
    assert still_open(Recipe(tune="head", start="y"), {}) == wanted


def test_a_change_is_checked_and_leaves_no_gap() -> None:
    made = config(source="x")
    assert made.changed(epochs=9).epochs == 9 and made.epochs != 9
    for changes, words in [({"epochs": None}, "epochs = None"), ({"epoch": 3}, "no field 'epoch'; did you mean epoch")]:
        with pytest.raises(RecipeError, match=words):
            made.changed(**changes)


def test_a_task_has_its_say_only_of_what_the_training_does() -> None:
    usual = {"augment": "strong", "resize": "stretch", "folds": 7}
    whole = Recipe(source="x", task="tag", folds=0).settled(**FACTS, usual=usual)
    head = Recipe(source="x", task="tag", start="y", resize="pad").settled(**FACTS, usual=usual)
    assert (whole.augment, whole.resize, whole.folds) == ("strong", "stretch", 0)
    assert (head.augment, head.resize, head.folds) == ("none", "pad", 7)
