"""A model card of every task: read by the Hub's own library, true to what was measured, and silent on all else."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import ModelCard
from PIL import Image
from tests.pictures import paint
from tests.tasks.drawn import SIDE
from tests.tasks.drawn import scene as masked_scene
from tests.tasks.scenes import write_voc
from tests.verbs.test_kill import bits

from striate.errors import RunError
from striate.model.files.weights import read_facts
from striate.recipe import Recipe
from striate.render.markdown.card import Card
from striate.runs.rebuild import surveyed
from striate.runs.run import RunDirectory
from striate.tasks.table import TASKS
from striate.verbs.card import model_card
from striate.verbs.train import train
from striate.verbs.workspace import Workspace

NET = "conv 4 3x3 stride 2 pad 1 no bias >> batchnorm >> relu >> globalavgpool >> flatten >> dense"
MAPS = "conv 4 5x5 stride 2 pad 2 >> relu >> conv classes 1x1"
NASTY = "a|b <script>alert(1)</script> `x` [y](z)"
HEADS = [
    "What it was trained on",
    "How good it is",
    "Where it fails",
    "How far its answers can be believed",
    "How to use it",
    "How to train it again",
]
PIPELINES = {  # the Hub's own words: https://huggingface.co/tasks
    "classify": "image-classification",
    "tag": "image-classification",
    "detect": "object-detection",
    "segment": "image-segmentation",
    "regress": None,
    "count": None,
}


def folders(root: Path) -> dict[str, tuple[Path, str | None]]:
    """What each task learns from, and a net where it needs a small one."""
    random = np.random.default_rng(0)
    zoo = paint(root / "zoo", ("ant", NASTY.replace("/", "-"), "cow"), count=12)
    shutil.copy(zoo / "ant" / "0-03.png", zoo / "ant" / "patient-7-again.png")
    keys = sorted(path.relative_to(zoo).as_posix() for path in zoo.rglob("*.png"))
    lines = [f"{key},{key[0]}|{'odd' if place % 2 else 'even'}" for place, key in enumerate(keys)]
    (zoo / "tags.csv").write_text(
        "\n".join(["file,labels", *(f'"{a}","{b}"' for a, b in (x.rsplit(",", 1) for x in lines))])
    )
    numbers = [f'"{key}",{np.asarray(Image.open(zoo / key)).mean():.3f}' for key in keys]
    (zoo / "numbers.csv").write_text("\n".join(["file,size", *numbers]))
    dots = ["file,x,y"]
    for part in ("masked/images", "masked/masks", "dotted/images"):
        (root / part).mkdir(parents=True)
    for number in range(20):
        picture, mask, middles = masked_scene(random)
        for part in ("masked", "dotted"):
            Image.fromarray(picture).save(root / part / "images" / f"{number:02}.png")
        Image.fromarray(mask).save(root / "masked" / "masks" / f"{number:02}.png")
        dots += [f"images/{number:02}.png,{x:.2f},{y:.2f}" for x, y in middles]
    (root / "masked" / "classes.txt").write_text("ground\ndisc\nbar\n")
    (root / "dotted" / "dots.csv").write_text("\n".join(dots) + "\n")
    write_voc(root / "boxed", 20)
    return {
        "classify": (zoo, NET),
        "tag": (zoo / "tags.csv", NET),
        "regress": (zoo / "numbers.csv", NET),
        "detect": (root / "boxed", None),
        "segment": (root / "masked", MAPS),
        "count": (root / "dotted", MAPS),
    }


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run of every task, named after it."""
    root = tmp_path_factory.mktemp("cards")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRIATE_CACHE", str(root / "cache"))
        for task, (source, net) in folders(root).items():
            size = {"size": (64, 64) if net is None else (SIDE, SIDE)} if TASKS[task].placed else {}
            how: dict[str, Any] = {"epochs": 1, "batch": 4, "device": "cpu", "threads": 1, "folds": 0, "start": "none"}
            recipe = Recipe(source=str(source), task=task, **({"net": net} if net else {}), **size, **how)
            train(recipe, workspace=Workspace(root / "runs"), name=task)
        yield root


def card_of(home: Path, task: str, **said: Any) -> Card:
    return model_card(f"{task}-1", workspace=Workspace(home / "runs"), **said)


def test_every_task_is_here() -> None:
    assert set(TASKS) == set(PIPELINES)


@pytest.mark.parametrize("task", PIPELINES)
def test_the_hub_reads_the_header_and_its_figures_are_those_measured(home: Path, task: str) -> None:
    card = card_of(home, task, license="Apache-2.0")
    read = ModelCard(str(card))
    assert read.data.library_name == "striate" and read.data.license == "apache-2.0"
    assert read.data.get("pipeline_tag") == PIPELINES[task] and {"striate", task} <= set(read.data.tags)
    (result,) = read.data.eval_results
    measured = RunDirectory.open(f"{task}-1", home / "runs").read_json("finished.json")
    assert result.metric_value == pytest.approx(measured["headline"]["value"], nan_ok=True)
    assert result.metric_type == measured["headline"]["name"].lower().replace(" ", "_")
    assert result.dataset_args is None and result.dataset_split == measured["part"] == "test"


@pytest.mark.parametrize("task", PIPELINES)
def test_it_says_what_was_measured_and_names_no_picture(home: Path, task: str) -> None:
    run = RunDirectory.open(f"{task}-1", home / "runs")
    text, kept = str(card_of(home, task)), run.read_json("finished.json")
    heads = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert heads == HEADS
    figures = kept["card"]["figures"]
    assert figures and all(one["value"] in text and one["between"] in text for one in figures)
    plain = text.replace("\\", "")
    assert task != "classify" or "patient-7-again" in json.dumps(kept["verdict"]), "the report names copies"
    assert kept["verdict"]["text"] in plain and run.source()["digest"] in text
    assert str(home) not in text, "where somebody's pictures are is nobody's business"
    assert not [key for part in run.split().values() for key in part if key in plain]
    assert kept["card"]["sections"] and all(f"### {one['title']}" in text for one in kept["card"]["sections"])
    facts = read_facts(run.model_path)
    assert f"{surveyed(facts).parameters:,} parameters" in text
    assert "license" not in card_of(home, task).header


def test_what_a_card_says_of_how_to_repeat_it_gives_the_same_weights(home: Path, tmp_path: Path) -> None:
    text = str(card_of(home, "classify"))
    (recipe,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert recipe.startswith('source = "zoo"\n')
    (tmp_path / "recipe.toml").write_text(recipe.replace('"zoo"', json.dumps(str(home / "zoo"))))
    from striate.recipe import from_toml

    again = train(
        from_toml((tmp_path / "recipe.toml").read_text()), workspace=Workspace(tmp_path / "runs"), name="again"
    )
    first = RunDirectory.open("classify-1", home / "runs")
    assert bits(again) == bits(first)


def test_names_are_words_whatever_they_are(home: Path) -> None:
    text = str(card_of(home, "classify"))
    assert "<script>" not in text and "\\<script\\>" in text and "](z)" not in text.replace("\\](z)", "")
    table = next(block for block in text.split("\n\n") if block.startswith("| class | pictures | recall"))
    unescaped = [len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()]
    assert len(set(unescaped)) == 1, "a name opens no column"


def test_a_run_that_kept_less_is_measured_again(home: Path) -> None:
    run = RunDirectory.open("regress-1", home / "runs")
    before, told = str(card_of(home, "regress")), run.read_json("finished.json")
    try:
        run.write_json("finished.json", {name: value for name, value in told.items() if name != "card"})
        assert str(card_of(home, "regress")) == before
        run.write_json("finished.json", {**told, "card": {**told["card"], "sections": 3}})
        with pytest.raises(RunError, match=r"finished\.json is damaged \(TypeError: .*no card can be made"):
            card_of(home, "regress")
    finally:
        run.write_json("finished.json", told)


def test_what_is_no_license_and_what_is_not_finished_is_refused(home: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"'my own: terms' is no name of one; .*apache-2\.0"):
        card_of(home, "tag", license="my own: terms")
    run = RunDirectory.create(tmp_path, "begun", 'source = "zoo"\n', source={}, environment={})
    run.unlock()
    with pytest.raises(RunError, match="begun-1 is not finished"):
        model_card("begun-1", workspace=Workspace(tmp_path))
