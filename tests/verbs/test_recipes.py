"""The recipes with a name: true to their papers, equal to our rules, complete, and told in docs/recipes.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from striate import nets, recipe
from striate.recipe import Recipe
from striate.tasks.task import LabelFacts
from striate.train_config import closed
from striate.verbs.plan import plan
from striate.verbs.recipes import NamedRecipe, named, named_all

ALL = named_all()
RACES = {"mnist-speedrun", "cifar10-speedrun"}
PAPERS = [one for one in ALL if not one.name.startswith("striate-") and one.name not in RACES]
LARGE = {"pictures": 5000, "height": 300, "width": 400, "uniform": False, "gray": False}
SMALL = {"pictures": 50_000, "height": 28, "width": 28, "uniform": True, "gray": True}

# What the issue, or the paper, says of each: typed from there, not from the files.
SAID = {
    "alexnet-2012": {"batch": 128, "learning_rate": 1e-2, "weight_decay": 5e-4, "schedule": "step", "gamma": 0.1},
    "vgg-2014": {"batch": 256, "learning_rate": 1e-2, "weight_decay": 5e-4, "schedule": "step", "gamma": 0.1},
    "googlenet-2014": {"schedule": "exponential", "gamma": 0.96, "every": 8},
    "inception-v2-rmsprop": {
        "optimiser": "rmsprop", "alpha": 0.9, "eps": 1.0, "learning_rate": 0.045, "schedule": "exponential",
        "gamma": 0.94, "every": 2, "label_smoothing": 0.1, "clip": 2.0, "size": (299, 299), "epochs": 100,
    },
    "resnet-2015": {"batch": 256, "learning_rate": 0.1, "weight_decay": 1e-4, "schedule": "step", "gamma": 0.1},
    "resnet-cifar-2015": {
        "batch": 128, "learning_rate": 0.1, "weight_decay": 1e-4, "milestones": (32 / 64, 48 / 64), "size": (32, 32),
        "augment": "light", "val": 5 / 50,
    },
}  # fmt: skip


def test_the_papers_are_these():
    assert {one.name for one in PAPERS} == SAID.keys()


@pytest.mark.parametrize("one", PAPERS, ids=lambda one: one.name)
def test_a_papers_recipe_says_what_the_paper_says_and_leaves_nothing_to_our_rules(one: NamedRecipe):
    for field, value in SAID[one.name].items():
        assert getattr(one.recipe, field) == value, field
    plain = one.recipe.optimiser == "sgd"
    assert not one.recipe.nesterov or not plain
    assert one.recipe.momentum == 0.9 and one.recipe.warmup == 0.0
    assert one.recipe.source == "" and one.recipe.colour is None  # of the pictures, not of the recipe
    large, small = (one.recipe.changed(task="classify").settled(**facts) for facts in (LARGE, SMALL))
    assert large.changed(colour="gray") == small
    of_pictures = {"task": "classify", "colour": "gray", "resize": "crop", "folds": 0, "fit": "exact"}
    assert closed(one.recipe, of_pictures) == small


def test_64_thousand_steps_of_128_are_182_epochs_of_45_thousand():
    found = named("resnet-cifar-2015").recipe
    assert found.epochs == round(64_000 * 128 / 45_000)


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("striate-tiny", SMALL),
        ("striate-small", SMALL | {"gray": False}),
        ("striate-small", SMALL | {"gray": False, "height": 64, "width": 48, "pictures": 4000}),
        ("striate-large", LARGE),
        ("striate-large", LARGE | {"gray": True, "height": 90}),
    ],
)
def test_ours_are_the_rules(name: str, facts: dict[str, int | bool]):
    assert named(name).recipe.changed(task="classify").settled(**facts) == Recipe(task="classify").settled(**facts)


def test_ours_leave_open_only_what_they_say_they_do():
    for one in ALL:
        if one.name.startswith("striate-"):
            left = {field for field, value in one.recipe.model_dump().items() if value is None}
            left -= {"clip", "patience", "threads", "colour", "first", "fit", "folds", "repeats", "bits"}
            left -= {"circular", "loss", "strangers"}  # of a task
            left -= {"label_from", "labels", "task", "group", "mend"}  # of pictures: a recipe for any cannot say them
            # without weights to start from
            left -= {"start", "start_digest", "tune", "head_epochs", "rate_decay", "unfreeze"}
            assert {"size", "epochs"} <= left <= {"size", "epochs", "flip"}
            assert all(f"# {field}: " in one.text for field in left)


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_a_file_reads_begins_with_where_it_is_from_and_what_was_changed(one: NamedRecipe):
    assert one.summary and one.source and one.changed.endswith(".") and "#" not in one.source + one.changed
    assert len(one.summary) <= 110 and all(len(line) <= 120 for line in one.text.splitlines())
    assert recipe.from_toml(one.text) == one.recipe == recipe.find(one.name)


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_its_net_is_in_the_catalogue_and_takes_its_size(one: NamedRecipe):
    assert one.recipe.net is not None
    if "resnet18" not in nets.CATALOG and one.recipe.net.startswith("resnet") and one.recipe.net != "resnet":
        pytest.skip("the residual nets of the literature are not in this catalogue")
    entry = nets.CATALOG[one.recipe.net]
    size = one.recipe.size or entry.input.size
    survey = nets.resolve(one.recipe.net).on(entry.input.channels, *size, classes=7)
    assert survey.output is not None and survey.output.channels == 7
    if one in PAPERS:
        assert size == entry.input.size


def test_the_page_has_every_recipe_as_its_file_says():
    page = (Path(__file__).resolve().parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `") and line.count(" | ") == 3]
    assert rows == [f"| `{one.name}` | {one.summary} | {one.source} | {one.changed} |" for one in ALL]


@pytest.mark.parametrize(("name", "channels"), [("mnist-speedrun", 1), ("cifar10-speedrun", 3)])
def test_a_race_leaves_nothing_to_our_rules_and_can_be_run(name: str, channels: int):
    one = named(name).recipe.changed(task="classify")
    facts = {"pictures": 50_000, "height": 32, "width": 32, "uniform": True, "gray": channels == 1}
    other = {"pictures": 100, "height": 300, "width": 200, "uniform": False, "gray": channels == 1}
    assert one.settled(**facts) == one.settled(**other)
    _, survey, _ = plan(one.changed(source="x").settled(**facts), LabelFacts(tuple("abcdefghij")))
    assert survey.output.channels == 10 and one.whiten
