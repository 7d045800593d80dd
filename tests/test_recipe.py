"""The recipe: gaps filled by rule, round trip through TOML, errors that teach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate import recipe
from striate.errors import RecipeError
from striate.recipe import Recipe
from striate.train_config import closed


@given(
    pictures=st.integers(1, 10**7),
    height=st.integers(1, 4000),
    width=st.integers(1, 4000),
    uniform=st.booleans(),
    gray=st.booleans(),
    optimiser=st.sampled_from([None, "sgd", "muon", "rmsprop", "adam", "adamw"]),
)
def test_settled_leaves_no_gap_and_round_trips(
    pictures: int, height: int, width: int, uniform: bool, gray: bool, optimiser: str | None
) -> None:
    start = recipe.from_dict({"source": 'p€ts "x"', "task": "classify", "optimiser": optimiser})
    full = start.settled(pictures=pictures, height=height, width=width, uniform=uniform, gray=gray)
    again = recipe.from_toml(full.to_toml())
    assert again.to_toml() == full.to_toml() and closed(again, {}) == full
    assert again.settled(pictures=1, height=1, width=1, uniform=False, gray=not gray) == full


def test_what_is_said_is_kept() -> None:
    said = Recipe(source="x", task="tag", epochs=3, net="conv 8 3x3", size=(20, 30), flip=True, learning_rate=0.5)
    full = said.settled(pictures=100, height=28, width=28, uniform=True, gray=True)
    assert (full.epochs, full.net, full.size, full.flip, full.learning_rate) == (3, "conv 8 3x3", (20, 30), True, 0.5)


def test_one_number_is_the_size_of_both_sides() -> None:
    assert Recipe(size=96).size == (96, 96) == recipe.from_toml("size = 96").size


@pytest.mark.parametrize("size", [0, -3, 96.5, "96x128", (96,), (0, 96), (1, 2, 3), [[96], [96]], {"height": 96}])
def test_what_is_no_size_is_refused_as_it_was_said_and_once(size: object) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe.from_dict({"size": size})
    remedy = "must be a number of pixels, or [height, width], such as 96 or [96, 128]"
    assert str(caught.value) == f"size = {size!r}: {remedy}"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"epoch": 3}, ["no field 'epoch'", "epochs"]),
        ({"epochs": 0}, ["epochs = 0", "greater than or equal to 1"]),
        ({"optimiser": "adamv"}, ["optimiser = 'adamv'", "sgd, muon, rmsprop, adam, adamw"]),
        ({"val": 0.6, "test": 0.5}, ["0.6", "0.5", "below 1"]),
        ({"learning_rate": float("nan")}, ["learning_rate", "finite"]),
        ({"device": "tpu"}, ["device = 'tpu'"]),
        ({"milestones": (0.5, 0.5)}, ["must rise"]),
        ({"progressive": 16}, ["progressive = 16", "a list in brackets", "[[0.3, 14], [0.7, 20]]"]),
        ({"progressive": [16]}, ["progressive.0 = 16", "a list in brackets"]),
        ({"first": "sobel", "start": "resnet18"}, ["first = 'sobel'", "a first layer of their own"]),
    ],
)
def test_errors_name_field_value_and_remedy(values: dict[str, object], words: list[str]) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe.from_dict(values)
    for word in words:
        assert word in str(caught.value)


def test_files_that_are_not_recipes(tmp_path: Path) -> None:
    for name, content in {
        "broken.toml": b"epochs = = 3",
        "latin.toml": b"source = '\xe9'",
        "typo.toml": b"epoch = 3",
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(RecipeError, match=name):
            recipe.read(path)
    with pytest.raises(RecipeError, match=r"missing\.toml"):
        recipe.read(tmp_path / "missing.toml")


def test_a_net_without_norms_is_not_trained_at_the_rates_of_one_with_them() -> None:
    facts = {"pictures": 700, "height": 128, "width": 128, "uniform": True, "gray": False}
    plain = Recipe(source="x", task="tag", net="conv 8 3x3").settled(**facts, normed=False)
    assert (plain.optimiser, plain.learning_rate) == ("adamw", 1e-3)
    said = Recipe(source="x", task="tag", net="conv 8 3x3", optimiser="sgd").settled(**facts, normed=False)
    assert (said.optimiser, said.learning_rate) == ("sgd", 0.01)
    assert Recipe(source="x", task="tag").settled(**facts).optimiser == "sgd"


def test_a_recipe_of_before_reads_as_it_was_meant() -> None:
    """Every field a run of version 0.1.0 has saved; what came later stands at what torch did then."""
    saved = """
source = "/pets"
task = "classify"
net = "small"
size = [32, 32]
colour = "rgb"
resize = "crop"
val = 0.1
test = 0.15
augment = "light"
flip = true
epochs = 12
batch = 64
optimiser = "rmsprop"
learning_rate = 0.05
momentum = 0.9
nesterov = true
betas = [0.9, 0.999]
weight_decay = 0.0005
schedule = "step"
warmup = 0.2
milestones = [0.5, 0.75]
gamma = 0.1
final_rate = 0.0
label_smoothing = 0.1
class_weights = "none"
accumulate = 1
ema = 0.0
unknown = true
seed = 0
precision = "auto"
channels_last = true
compile = false
device = "auto"
"""
    old = recipe.from_toml(saved)
    assert (old.alpha, old.eps, old.every) == (0.99, 1e-8, 1)
    facts = {"pictures": 700, "height": 32, "width": 32, "uniform": True, "gray": False}
    said = {name: value for name, value in old.model_dump().items() if value is not None}
    for found in (old.settled(**facts), closed(old, recipe.before(old))):
        assert {name: getattr(found, name) for name in said} == said
        assert (found.folds, found.fit, found.head_epochs) == (0, "exact", 0), "one fixed split, as it was"


def test_a_name_is_a_file_first_and_then_a_recipe_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert recipe.find("resnet-2015").batch == 256
    (tmp_path / "resnet-2015").mkdir()  # a folder of that name is no recipe
    assert recipe.find("resnet-2015").batch == 256
    (tmp_path / "resnet-2015").rmdir()
    (tmp_path / "resnet-2015").write_text("batch = 7")
    assert recipe.find("resnet-2015").batch == 7
    assert recipe.find(tmp_path / "resnet-2015").batch == 7
    for path in ("mine.toml", "recipes/mine"):  # what looks like a file is one
        with pytest.raises(RecipeError, match=f"{path} cannot be read: No such file"):
            recipe.find(path)


def test_an_unknown_name_lists_those_there_are_nearest_first() -> None:
    with pytest.raises(RecipeError, match=r"no recipe 'alexnet-2021'.*the names are alexnet-2012, ") as caught:
        recipe.find("alexnet-2021")
    assert all(name in str(caught.value) for name in recipe.names())


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"epoch": 3}, "a recipe has no field 'epoch'; did you mean epochs or head_epochs"),
        ({"lr": -1.0}, r"^lr = -1.0: input should be greater than 0$"),
        ({"epochs": True}, r"epochs = True: true and false are no numbers"),
        ({"betas": (0.9, False)}, r"betas = \(0.9, False\): true and false are no numbers"),
        ({"circular": True}, "circular = True: true and false"),
        ({"size": True}, "size = True: true and false"),
        ({"lr": 0.1, "learning_rate": 0.1}, "lr and learning_rate say the same setting"),
        ({"val": 0.6, "test": 0.6}, "together leave no picture to train on"),
    ],
)
def test_a_recipe_called_by_its_name_is_refused_in_the_words_of_a_file(said: dict[str, Any], error: str) -> None:
    for made in (lambda: Recipe(**said), lambda: recipe.from_dict(said), lambda: Recipe().changed(**said)):
        with pytest.raises(RecipeError, match=error):
            made()


def test_what_is_true_or_false_is_taken_where_it_means_something() -> None:
    assert Recipe(flip=True, lr=0.5).learning_rate == 0.5 and Recipe(unknown=False).unknown is False


def test_how_a_tasks_head_learns_on_maps_is_not_how_the_whole_net_does_behind_it() -> None:
    facts: dict[str, Any] = {"pictures": 120, "height": 480, "width": 640, "zooms": 0}
    usual = {"epochs": 7, "batch": 6, "learning_rate": 0.02, "resize": "stretch"}
    said = Recipe(source="x", task="segment", start="efficientnet_lite0", tune="all")
    plain, own = said.settled(**facts), said.settled(**facts, usual=usual)
    assert (plain.epochs, plain.head_epochs, plain.batch) == (5, 8, 8)
    assert own == plain.changed(head_epochs=7, resize="stretch"), "the head learns no longer than it does alone"
    maps = said.changed(tune="maps").settled(**facts, usual=usual)
    assert (maps.epochs, maps.batch, maps.learning_rate) == (7, 6, 0.02)
