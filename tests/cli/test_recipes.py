"""``striate recipes`` and ``striate train --recipe NAME``: every recipe trains a handful of pictures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.cli.stage import NET, QUICK, Place
from tests.pictures import paint

from striate import nets, recipe
from striate.runs.predictor import Predictor
from striate.runs.run import RunDirectory


def test_the_list_has_a_line_for_each(place: Place) -> None:
    *lines, last = place("recipes").done().out.splitlines()
    assert [line.split()[0] for line in lines] == list(recipe.names())
    assert "--recipe NAME" in last


def test_one_in_full_is_its_file_and_the_start_of_ones_own(place: Place) -> None:
    text = place("recipes", "vgg-2014").done().out
    assert text == recipe.text_of("vgg-2014") and "# Source: Simonyan" in text
    paint(place.path / "pets", count=4)
    (place.path / "mine.toml").write_text(text.replace("epochs = 74 ", "epochs = 1 "))
    place("train", "pets", "--recipe", "mine.toml", "--size", "16", *QUICK).done()
    assert recipe.from_toml(RunDirectory.open("last", place.path / "runs").recipe_toml()).augment == "vgg-2014"


def test_a_wrong_name_is_told_the_right_ones(place: Place) -> None:
    place("recipes", "resnet").refused("no recipe 'resnet'", "the names are resnet-2015, ")
    paint(place.path / "pets", count=2)
    place("train", "pets", "--recipe", "resnet-2014").refused("no recipe 'resnet-2014'", "resnet-2015, ")
    place("train", "pets", "--recipe", "gone.toml").refused("gone.toml cannot be read")
    assert not (place.path / "runs").exists()


@pytest.mark.parametrize("name", recipe.names())
def test_every_recipe_trains_a_handful_of_pictures(place: Place, name: str) -> None:
    """Batches of up to 256 where there are 10 pictures; gray ones too."""
    paint(place.path / "pets", count=5)
    out = place("train", "pets", "--recipe", name, "--size", "16", "--epochs", "1", *QUICK).done().out
    assert re.search(r"epoch 1/1  loss [0-9.]+", out) and "test accuracy" in out
    kept = recipe.from_toml(RunDirectory.open("last", place.path / "runs").recipe_toml())
    wanted = recipe.find(name)
    said = {"source", "net", "size", "colour", "resize", "epochs", "device", "threads", "flip", "fit", "task", "folds"}
    assert kept.model_dump(exclude=said) == wanted.model_dump(exclude=said)
    assert (kept.net, kept.size, kept.epochs) == (str(nets.resolve(NET)), (16, 16), 1)
    assert place("predict", next((place.path / "pets").rglob("*.png"))).done().out


@pytest.mark.parametrize("name", ["alexnet-2012", "inception-v2-rmsprop"])
def test_a_papers_recipe_takes_gray_pictures(place: Place, name: str) -> None:
    paint(place.path / "pets", count=5)
    words = ("--size", "16", "--epochs", "1", "--set", "colour=gray")
    place("train", "pets", "--recipe", name, *words, *QUICK).done()


def narrow_googlenet() -> str:
    """GoogLeNet as it is, with an eighth of the channels."""
    text = str(nets.googlenet(None))
    return re.sub(r"\b(conv|dense) (\d+)", lambda found: f"{found[1]} {max(int(found[2]) // 8, 2)}", text)


def test_googlenet_learns_with_both_heads_and_answers_with_one(place: Place) -> None:
    """Its own recipe, all but the width: trained, stopped by nothing, saved, asked."""
    paint(place.path / "pets", count=8)
    (place.path / "narrow.txt").write_text(narrow_googlenet())
    words = (
        "--net",
        "narrow.txt",
        "--size",
        "64",
        "--epochs",
        "2",
        "--batch",
        "8",
        "--threads",
        "1",
        "--device",
        "cpu",
    )
    out = place("train", "pets", "--recipe", "googlenet-2014", *words).done().out
    losses = re.findall(r"epoch ./2  loss ([0-9.]+) \(([0-9.]+) of it side heads\)  val loss ([0-9.]+)", out)
    assert len(losses) == 2
    for train, side, _ in losses:
        assert 0.3 * 2 * 0.5 < float(side) < float(train)  # two heads of 0.3, each near log 3
    run = RunDirectory.open("last", place.path / "runs")
    assert [entry["side_loss"] for entry in run.history()] == pytest.approx([float(s) for _, s, _ in losses], abs=1e-3)
    (run.path / "model.onnx").unlink()  # so that torch answers, and can be watched
    predictor = Predictor.open(run.model_path)
    model = predictor.model
    assert {"aux1", "aux2"} <= {name.partition(".")[0] for name in model.state_dict()}
    called: list[str] = []
    for name, module in model.named_modules():
        module.register_forward_hook(lambda *_, name=name: called.append(name))
    picture = next((place.path / "pets").rglob("*.png"))
    (first,) = predictor.predict([picture])
    assert "head" in called and not [name for name in called if name.startswith("aux")]
    (again,) = Predictor.open(run.model_path).predict([picture])
    assert first.probabilities.tolist() == again.probabilities.tolist()


@pytest.mark.skipif("resnet20" not in nets.CATALOG, reason="the residual nets for CIFAR are not in this catalogue")
def test_resnet_cifar_with_its_own_net_at_its_own_size(place: Place) -> None:
    paint(place.path / "pets", count=6)
    words = ("--epochs", "1", "--threads", "1", "--device", "cpu")
    out = place("train", "pets", "--recipe", "resnet-cifar-2015", *words).done().out
    assert "resnet20 on 3x32x32" in out


def test_python_takes_a_name_too(tmp_path: Path) -> None:
    import striate
    from striate.errors import RecipeError

    paint(tmp_path / "pets", count=4)
    words = {"net": NET, "size": (16, 16), "epochs": 1, "device": "cpu", "runs_dir": tmp_path / "runs"}
    run = striate.train(tmp_path / "pets", recipe="resnet-2015", **words)
    assert run.recipe.weight_decay == 1e-4
    with pytest.raises(RecipeError, match="a whole recipe already"):
        striate.train(recipe.find("resnet-2015"), recipe="vgg-2014")
