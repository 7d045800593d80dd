"""One word for one setting: flag, keyword in Python and key in TOML are the same, but for what is said here.

docs/decisions/0016-one-word-for-a-setting.md has the words that were chosen, and the older ones that still do.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest

import striate
from striate import recipe
from striate.cli.main import COMMANDS
from striate.recipe import Recipe
from striate.session.asked import runs
from striate.session.run import Run
from striate.settings import ALIASES
from striate.verbs.cache import clear
from striate.verbs.card import model_card
from striate.verbs.convert import convert
from striate.verbs.deploy import deploy
from striate.verbs.dot import dot
from striate.verbs.export import export
from striate.verbs.export_page import export_page
from striate.verbs.filter import filter_picture
from striate.verbs.nets import list_nets
from striate.verbs.predict import open_predictor
from striate.verbs.probe import Network
from striate.verbs.push import push
from striate.verbs.run_notes import note_run, rename_run
from striate.verbs.runs import remove
from striate.verbs.score_map import score_map
from striate.verbs.walk import walk_of
from striate.verbs.weights import fetch_weights, list_weights
from striate.verbs.workspace import Workspace
from striate.web.server.server import serve
from striate.web.server.settings import Settings
from striate.web.studio.studio import studio

# What each command calls in Python. `striate recipes` prints files, and has no options.
CALLS: dict[str, tuple[Callable[..., Any], ...]] = {
    "describe": (striate.describe,),
    "nets": (list_nets,),
    "train": (striate.train, striate.training, striate.resume, Recipe),
    "evaluate": (striate.evaluate,),
    "predict": (Run.predict, open_predictor, score_map),
    "look": (striate.look,),
    "filter": (filter_picture,),
    "dot": (dot, Network),
    "walk": (walk_of,),
    "compare": (striate.compare,),
    "runs": (runs,),
    "runs remove": (remove,),
    "runs rename": (rename_run,),
    "runs note": (note_run,),
    "export": (export, deploy, export_page),
    "doctor": (striate.doctor,),
    "card": (model_card,),
    "push": (push,),
    "serve": (Settings, serve),
    "studio": (studio,),
    "find": (striate.find,),
    "index": (striate.index,),
    "cluster": (striate.cluster,),
    "convert": (convert,),
    "recipes": (),
    "weights": (),
    "weights list": (list_weights,),
    "weights fetch": (fetch_weights,),
    "weights import": (striate.import_weights,),
    "cache": (),
    "cache clear": (clear,),
}
# Flags of what is printed, drawn or asked on a terminal: in Python it is done with what a call returns.
TERMINAL: dict[str, set[str]] = {
    "*": {"json", "ascii", "png", "output", "csv", "help"},
    "describe": {"diagram"},  # Survey's drawing
    # progress=, TensorBoard, keywords as they are, striate.resume, verbs.foresee.foresee()
    "train": {"quiet", "log", "set", "resume", "dry_run", "inputs"},
    "predict": {  # of an answer, score_map(...), an answer's objects() and mask(), aims={...}
        "top",
        "map",
        "coco",
        "yolo",
        "voc",
        "masks",
        "pixel",  # Masks.at_scale
        "precision",
        "recall",
        "url",  # striate.web.client.Client
    },
    "evaluate": {"slices", "at"},  # verbs.slices.slices(evaluation), [cut.at(0.8) for cut in evaluation.found.cuts()]
    "doctor": {"apply"},  # verbs.mending.apply()
    "serve": {"config", "token_file"},  # files of what Settings takes
    "studio": {"no_browser"},
    "find": {"paths"},  # [hit.path for hit in it.hits]
    "export": {"page"},  # export_page()
    "runs remove": {"yes"},
    "cache clear": {"weights"},  # clear_weights()
}
# Keywords that there are in Python alone, each for what a terminal has no word for.
PYTHON: dict[str, set[str]] = {
    "*": {
        "progress",
        "tell",
        "device",
        "workspace",
    },  # how it is shown; a terminal shows it. A predictor's device: what is here
    "train": {"picture", "label", "settings", "module"},  # columns of a table in memory; fields; a torch module
    "predict": {"batch_size"},
    "dot": {"network"},
    "serve": {"started", "stream", *Settings.model_fields},  # all bounds, by --config
    "studio": {"started"},
    "weights fetch": {"again"},
    "card": {"repository"},  # striate push
    "weights import": {"limits"},
}
# A call of a verb to the left downloads or does not; a person says --offline, or offline=True where they call it.
OPPOSITE = {"offline": "download"}
# Older and shorter words that are taken for ever.
SHORT: dict[str, dict[str, str]] = {
    "train": {"from": "start", "lr": "learning-rate", "optimizer": "optimiser"},
    "look": {"class": "why"},
    "convert": {"form": "labels", "from": "labels"},
    "find": {"in": "where", "not": "unlike"},
    "walk": {"pad": "padding", "outpad": "output-padding"},
    "filter": {"pad": "padding", "colour": "gray"},  # --gray or --colour: gray=True or gray=False
    "weights import": {"as": "net"},
}


def commands() -> dict[str, click.Command]:
    """Every command, those in a group by both their names."""
    found: dict[str, click.Command] = {}
    for name, (module, _) in COMMANDS.items():
        command = import_module(module).command
        found[name] = command
        if isinstance(command, click.Group):
            context = click.Context(command)
            for inner in command.list_commands(context):
                one = command.get_command(context, inner)
                assert one is not None
                found[f"{name} {inner}"] = one
    return found


ALL = commands()


def flags(command: click.Command) -> dict[str, set[str]]:
    """The long flags of each option: the first is its word, the others stand for the same; ``no-`` is the other way."""
    found: dict[str, set[str]] = {}
    for option in command.params:
        if isinstance(option, click.Option):
            words = [word[2:] for word in (*option.opts, *option.secondary_opts) if word.startswith("--")]
            found[words[0]] = {word for word in words[1:] if word != f"no-{words[0]}"}
    return found


def keywords(name: str) -> set[str]:
    said = {word for call in CALLS[name] for word in inspect.signature(call).parameters}
    return said - {"self"}


def test_every_command_is_here() -> None:
    assert ALL.keys() == CALLS.keys()


@pytest.mark.parametrize("name", ALL)
def test_a_flag_is_a_keyword_of_the_same_word(name: str) -> None:
    there = keywords(name)
    if "workspace" in there:  # which is where runs and data sets are, and who hears of what is done
        there |= set(Workspace.__dataclass_fields__)
    there |= {flag for flag, other in OPPOSITE.items() if other in there}
    wanted = {word.replace("-", "_") for word in flags(ALL[name])}
    mine = TERMINAL["*"] | TERMINAL.get(name, set())
    assert not wanted - there - mine, "flags that Python has no keyword for, or another"


@pytest.mark.parametrize("name", ALL)
def test_a_keyword_is_a_flag_or_an_argument_of_the_same_word(name: str) -> None:
    there = {word.replace("-", "_") for word in flags(ALL[name])}
    there |= {str(option.name) for option in ALL[name].params if isinstance(option, click.Argument)}
    there |= {other for flag, other in OPPOSITE.items() if flag in there}
    mine = PYTHON["*"] | PYTHON.get(name, set())
    positional = {  # what stands without a word on a terminal may be called otherwise there: PICTURE, FILE
        word
        for call in CALLS[name]
        for word, one in inspect.signature(call).parameters.items()
        if one.kind is one.POSITIONAL_OR_KEYWORD and one.default is one.empty
    }
    fields = set(Recipe.model_fields) if name == "train" else set()  # all others by --set
    assert not keywords(name) - there - mine - positional - fields - {"a", "b"}


@pytest.mark.parametrize("name", ALL)
def test_older_words_are_taken_and_no_others(name: str) -> None:
    found = {other: word for word, others in flags(ALL[name]).items() for other in others}
    assert found == SHORT.get(name, {})


def test_a_recipe_takes_the_short_words_of_the_flags() -> None:
    for short, word in SHORT["train"].items():
        assert ALIASES[short] == word.replace("-", "_")
    old, new = (
        recipe.from_toml(text)
        for text in (
            'from = "resnet50"\ntune = "all"\nlr = 0.1\ncolor = "gray"\noptimizer = "adam"\n',
            'start = "resnet50"\ntune = "all"\nlearning_rate = 0.1\ncolour = "gray"\noptimiser = "adam"\n',
        )
    )
    assert old == new and new.changed(lr=0.2).learning_rate == 0.2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lr = -1", "lr = -1: input should be greater than 0"),
        ("learning_rate = -1", "learning_rate = -1: input"),
        ('color = "blu"', "color = 'blu': must be one of rgb, gray"),
        ("learning_rate = 1\nlr = 2", "learning_rate and lr say the same setting; leave out one"),
    ],
)
def test_an_error_has_the_word_that_was_used(text: str, said: str) -> None:
    with pytest.raises(striate.StriateError, match=said):
        recipe.from_toml(text)


def test_the_flags_of_before_do_what_they_did(tmp_path: Path) -> None:
    from striate.cli.train import command

    for words in (["--start", "w", "--learning-rate", "0.5"], ["--from", "w", "--lr", "0.5"]):
        context = command.make_context("train", ["pets", *words])
        assert (context.params["start"], context.params["learning_rate"]) == ("w", 0.5)
