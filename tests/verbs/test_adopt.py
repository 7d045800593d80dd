"""Adopted modules on the whole journey: as nets that need nothing of them any more, and as code that stays code."""

from __future__ import annotations

import argparse
import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from tests.model.adopt.adoptees import Attention, DenseLayer, Gate, Small
from tests.verbs.test_journey import bits
from torch import Tensor, nn

import striate
from striate.data.pictures.preprocess import Preprocess
from striate.engine.fit import Epoch
from striate.errors import (
    DescribeError,
    ExportError,
    ModelError,
    RecipeError,
    RunError,
    ShapeError,
    SourceError,
    TrainingError,
)
from striate.model.adopt.wrapped_module import WrappedModule
from striate.model.build.model import Model
from striate.model.files.weights import read
from striate.recipe import Recipe
from striate.runs.predictor import Predictor
from striate.runs.run import RunDirectory
from striate.spec.code import Code
from striate.verbs.adopt import Adopted
from striate.verbs.train import resume, resuming
from striate.verbs.workspace import Workspace

CLASSES = ("ant", "bee", "cow")
EPOCHS = 4


class Plain(nn.Module):
    """A net of layers."""

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.bn = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.1)
        self.fc = nn.Linear(4, classes)

    def forward(self, x: Tensor) -> Any:
        x = torch.relu(self.bn(self.conv(x)))
        return self.fc(self.drop(x.mean((2, 3))))


class Gated(Plain):
    """The same with a layer that nobody else has, and a view that needs the usual memory order."""

    def __init__(self, classes: int = 3) -> None:
        super().__init__(classes)
        self.gate = Gate()

    def forward(self, x: Tensor) -> Any:
        x = self.gate(torch.relu(self.bn(self.conv(x))))
        return self.fc(self.drop(x.view(x.size(0), 4, -1).mean(2)))


KINDS = pytest.mark.parametrize("kind", [Plain, Gated], ids=lambda kind: kind.__name__)


def module(kind: type[nn.Module]) -> nn.Module:
    torch.manual_seed(4)
    return kind()


def adopted(kind: type[nn.Module], classes: Any = CLASSES, **more: Any) -> Adopted:
    return striate.adopt(module(kind), input=(3, 16, 16), classes=classes, **more)


def recipe(source: Path, **changes: Any) -> Recipe:
    start = Recipe(source=str(source), epochs=EPOCHS, batch=8, learning_rate=0.05, augment="light", ema=0.8, threads=1)
    return start.changed(**changes)


@pytest.fixture(scope="module")
def runs(zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[type[nn.Module], RunDirectory]:
    """A training of each that nobody disturbed."""
    return {kind: adopted(kind).train(recipe(zoo), runs_dir=tmp_path_factory.mktemp("runs")) for kind in (Plain, Gated)}


def test_the_survey_of_a_net_is_the_nets() -> None:
    one = adopted(Plain)
    assert one.why is None
    text = "conv: conv 4 3x3 pad 1 >> bn: batchnorm >> relu >> globalavgpool >> flatten >> dropout 0.1 >> fc: dense 3"
    assert str(one.net) == text
    assert one.survey.to_dict() == striate.parse(text).on(3, 16, 16).to_dict()


def test_the_survey_of_code_says_what_is_not_known() -> None:
    one = adopted(Gated)
    assert isinstance(one.net, Code) and one.why is not None and "gate.gain is used by itself" in one.why
    assert one.survey.parameters == sum(p.numel() for p in one.module.parameters())
    assert one.survey.macs == 16 * 16 * 4 * 27 + 4 * 3  # those of the convolution and the dense layer
    rows = {row.path: row for row in one.survey.rows}
    assert list(rows) == ["conv", "bn", "gate", "drop", "fc"]
    assert rows["gate"].macs is None and rows["gate"].field is None and str(rows["gate"].output) == "4x16x16"
    assert rows["conv"].layer == "conv 4 3x3 pad 1" and rows["gate"].layer == "Gate"
    table = str(one.survey)
    assert "not known: the MACs of gate, what the code does between its modules, receptive fields, unseen" in table
    (row,) = (line for line in table.splitlines() if line.startswith("gate"))
    assert row.split() == ["gate", "Gate", "4x16x16", "4", "?", "4.10", "kB", "?"]
    assert "gate.gain" in one.survey._repr_html_()
    assert one.survey.to_dict()["rows"][2]["macs"] is None
    with pytest.raises(DescribeError, match="which pixels conv sees is not known"):
        one.survey.footprint("conv")
    with pytest.raises(ShapeError, match="surveyed on 3x16x16, not on 3x20x20"):
        one.net.on(3, 20, 20)


def test_an_output_that_is_no_map_is_not_called_one() -> None:
    rows = striate.adopt(Attention(), input=(3, 32, 32), classes=10).survey.rows
    assert [row.output for row in rows if row.path == "qkv"] == [None]
    assert [row.macs for row in rows if row.path == "qkv"] == [16 * 4 * 12]


@KINDS
def test_nothing_in_the_module_changes(kind: type[nn.Module], zoo: Path, tmp_path: Path) -> None:
    given = module(kind).train()
    before = copy.deepcopy(given.state_dict())
    one = striate.adopt(given, input=(3, 16, 16), classes=CLASSES)
    held = copy.deepcopy(one.module.state_dict())
    run = one.train(recipe(zoo, epochs=1), runs_dir=tmp_path)
    assert given.training
    for name, tensor in given.state_dict().items():
        assert torch.equal(tensor, before[name]) and torch.equal(one.module.state_dict()[name], held[name])
    assert not torch.equal(one.load(run).module.state_dict()["fc.weight"], before["fc.weight"])


@KINDS
def test_it_predicts_what_the_module_says(kind: type[nn.Module], zoo: Path) -> None:
    preprocess = Preprocess(16, 16, 3, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))
    one = adopted(kind, preprocess=preprocess)
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    inputs = (pixels / 255.0 - np.array(preprocess.mean)) / np.array(preprocess.std)
    with torch.no_grad():
        logits = module(kind).eval()(torch.tensor(inputs.transpose(2, 0, 1)[None], dtype=torch.float32))
    (answer,) = one.predict([pixels])
    np.testing.assert_allclose(answer.probabilities, logits.softmax(1)[0].numpy(), atol=1e-5)
    assert answer.classes == CLASSES
    evaluation = one.evaluate(zoo)
    right = [one.predict([zoo / key])[0].best == key.split("/")[0] for key in evaluation.keys]
    assert evaluation.report.accuracy.value == pytest.approx(np.mean(right))


@KINDS
def test_a_run_learns_and_is_complete(
    kind: type[nn.Module], runs: dict[type[nn.Module], RunDirectory], zoo: Path
) -> None:
    run = runs[kind]
    assert run.state == "finished" and len(run.history) == EPOCHS
    assert run.report.read_text().count("</html>") == 1
    assert run.history[-1]["train_loss"] < run.history[0]["train_loss"]
    answer: Any = run.predict(zoo / "bee" / "0-03.png", unknown=False)
    loaded = adopted(kind).load(run)
    (again,) = loaded.predict([zoo / "bee" / "0-03.png"], unknown=False)
    assert (answer.probabilities == again.probabilities).all() and answer.best == "bee"
    assert loaded.evaluate(zoo).report.accuracy.value > 0.8


@KINDS
def test_the_trained_module_is_given_back(
    kind: type[nn.Module], runs: dict[type[nn.Module], RunDirectory], zoo: Path
) -> None:
    loaded = adopted(kind).load(runs[kind])
    picture = zoo / "cow" / "0-01.png"
    preprocess = loaded.predictor.preprocess
    pixels = preprocess.pixels(picture.read_bytes())
    inputs = (pixels / 255.0 - np.array(preprocess.mean)) / np.array(preprocess.std)
    with torch.no_grad():
        logits = loaded.module.eval()(torch.tensor(inputs.transpose(2, 0, 1)[None], dtype=torch.float32))
    temperature = loaded.predictor.learnt.calibration.temperature
    (answer,) = loaded.predict([picture], unknown=False)
    np.testing.assert_allclose(answer.probabilities, (logits / temperature).softmax(1)[0].numpy(), atol=1e-4)


@KINDS
@pytest.mark.parametrize("after", [0, 2])
def test_a_stopped_run_goes_on_to_the_bit(
    kind: type[nn.Module], after: int, runs: dict[type[nn.Module], RunDirectory], zoo: Path, tmp_path: Path
) -> None:
    events = adopted(kind).training(recipe(zoo), runs_dir=tmp_path)
    for event in events:
        if after == 0 or (isinstance(event, Epoch) and event.index == after):
            break
    events.close()  # type: ignore[attr-defined]
    other = kind()  # the weights are the run's, whatever this one begins with
    run = resume("last", workspace=Workspace(tmp_path), module=other if kind is Gated else None)
    assert bits(run) == bits(RunDirectory.open(runs[kind].path))


def test_killed_before_its_first_epoch_it_has_its_own_weights(zoo: Path, tmp_path: Path) -> None:
    events = adopted(Plain).training(recipe(zoo), runs_dir=tmp_path)
    next(events)
    tensors, facts = RunDirectory.open("last", tmp_path).latest_checkpoint() or ({}, {})
    events.close()  # type: ignore[attr-defined]
    assert facts["epochs_done"] == 0
    assert torch.equal(tensors["weights.fc.weight"], module(Plain).state_dict()["fc.weight"])


@KINDS
def test_its_run_is_looked_into(kind: type[nn.Module], runs: dict[type[nn.Module], RunDirectory]) -> None:
    from striate.interpret.look import RunLook

    look = adopted(kind).look(runs[kind]).value
    assert isinstance(look, RunLook) and look.confusion.pictures > 0 and look.health.activations
    assert list(look.filters) == [*range(EPOCHS + 1)]
    assert [list(kept.maps) for kept in look.course.values()] == [[*range(EPOCHS + 1)]]
    last = look.course[look.watched or ""]
    probe = adopted(kind).load(runs[kind]).probe(look.shown if look.shown is not None else b"")
    seen = probe.tap([look.watched or ""])[look.watched or ""][list(last.channels)]
    reach = np.abs(last.maps[EPOCHS]).max()
    np.testing.assert_allclose(last.maps[EPOCHS], seen, atol=reach / 127)


def test_a_net_needs_nothing_of_the_module_any_more(runs: dict[type[nn.Module], RunDirectory], zoo: Path) -> None:
    """Another process, which never heard of the class, answers from the file alone."""
    run, picture = runs[Plain], str(zoo / "ant" / "0-00.png")
    code = (
        "import sys, striate; "
        "print(striate.Predictor.open(sys.argv[1]).predict([sys.argv[2]], unknown=False)[0].probabilities.tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(run.path / "model.safetensors"), picture],
        capture_output=True,
        text=True,
        check=True,
    )
    answer: Any = run.predict(picture, unknown=False)
    np.testing.assert_allclose(json.loads(done.stdout), answer.probabilities, atol=1e-6)


def test_code_without_its_code_is_one_clear_error(runs: dict[type[nn.Module], RunDirectory]) -> None:
    run = RunDirectory.open(runs[Gated].path)
    said = r"module [\w.]*\.Gated is a network that only its own code .*striate.adopt\(Gated\(\.\.\.\).*\.load\("
    with pytest.raises(ModelError, match=said):
        Predictor.open(run.path)
    with pytest.raises(ModelError, match=said):
        striate.evaluate(run.name, runs_dir=run.path.parent)
    with pytest.raises(
        RunError, match=r"go on with it from Python.*striate\.resume\('zoo-1', module=Gated\(\.\.\.\)\)"
    ):
        list(resuming(run.name, epochs=EPOCHS + 1, workspace=Workspace(run.path.parent)))
    with pytest.raises(RunError, match=r"trains module .*Gated, and the module given is: conv: conv 4"):
        resume(run.name, epochs=EPOCHS + 1, workspace=Workspace(run.path.parent), module=Plain())
    assert run.state() == "finished"
    with pytest.raises(DescribeError, match="only its own code"):
        striate.parse("module app.MyNet")


@KINDS
def test_saved_and_loaded_it_is_the_same(kind: type[nn.Module], tmp_path: Path, zoo: Path) -> None:
    one = adopted(kind)
    one.save(tmp_path / "model.safetensors")
    again = striate.adopt(kind(), input=(3, 16, 16), classes=CLASSES).load(tmp_path / "model.safetensors")
    assert again.classes == CLASSES
    for name, tensor in one.module.state_dict().items():
        assert torch.equal(tensor, again.module.state_dict()[name])
    assert read(tmp_path / "model.safetensors")[1].provenance["adopted"].endswith(kind.__name__)


def test_weights_of_another_net_are_refused(runs: dict[type[nn.Module], RunDirectory], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds the net conv: conv 4.*and this is conv: conv 4 3x3.*dense 10"):
        striate.adopt(Small(), input=(3, 16, 16), classes=10).load(runs[Plain])
    with pytest.raises(ModelError, match="do not belong together"):
        adopted(Gated).load(runs[Plain])


def test_its_own_preprocessing_is_kept_and_none_is_measured(zoo: Path, tmp_path: Path) -> None:
    own = Preprocess(16, 16, 3, resize="stretch", mean=(0.1, 0.2, 0.3), std=(0.5, 0.5, 0.5))
    run = adopted(Plain, preprocess=own).train(recipe(zoo, epochs=1), runs_dir=tmp_path)
    assert Predictor.open(run.path).preprocess == own
    run = adopted(Plain).train(recipe(zoo, epochs=1), runs_dir=tmp_path)
    measured = Predictor.open(run.path).preprocess
    assert measured.mean != own.mean and all(0 < mean < 1 for mean in measured.mean)


def test_it_begins_from_its_weights(zoo: Path, tmp_path: Path, runs: dict[type[nn.Module], RunDirectory]) -> None:
    """Trained again, its first epoch is far better than the first of a fresh one."""
    run = adopted(Plain).load(runs[Plain]).train(recipe(zoo, epochs=1, learning_rate=1e-4, ema=0.0), runs_dir=tmp_path)
    assert run.history[0]["train_loss"] < runs[Plain].history[-1]["train_loss"] + 0.05


def test_classes_by_number_are_named_by_the_pictures(zoo: Path, tmp_path: Path) -> None:
    run = adopted(Plain, 3).train(recipe(zoo, epochs=1), runs_dir=tmp_path)
    assert Predictor.open(run.path).classes == CLASSES
    assert adopted(Plain, 3).classes == ("0", "1", "2")


def test_classes_of_other_names_are_refused(zoo: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"has the classes ant, bee, cow, in this order.*ant, cow, bee.*classes=3"):
        adopted(Plain, ("ant", "cow", "bee")).train(recipe(zoo), runs_dir=tmp_path)
    with pytest.raises(ShapeError, match="puts out 4, and 3 classes take 3 numbers"):
        striate.adopt(Plain(4), input=(3, 16, 16), classes=4).train(recipe(zoo), runs_dir=tmp_path)
    with pytest.raises(RecipeError, match=r"size = .*the adopted module was taken with"):
        adopted(Plain).train(recipe(zoo, size=(32, 32)), runs_dir=tmp_path)
    with pytest.raises(RecipeError, match="starts from its own weights"):
        adopted(Plain).train(recipe(zoo, start="resnet20"), runs_dir=tmp_path)
    assert not list(tmp_path.iterdir())


class Tuple(Small):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x), x


class TupleInTraining(Small):
    def forward(self, x: Tensor) -> Any:
        return (super().forward(x), x) if self.training else super().forward(x)


class Lazy(Small):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.LazyLinear(10)  # type: ignore[assignment]


class Probable(Small):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x).softmax(1)


class Batchwise(Small):
    def body(self, x: Tensor) -> Tensor:
        return super().body(x) - super().body(x).mean(0)


class OnlyLists(Small):
    def __init__(self) -> None:
        super().__init__()
        self.dense = DenseLayer(4)

    def forward(self, x: Tensor) -> Any:
        return self.dense(x)


REFUSED: list[tuple[Any, Any, str]] = [
    (Small, 10, "was given the class Small; call it"),
    (object(), 10, "was given object"),
    (Small(), 7, "Small gives 1x10 for a batch of 1x3x16x16; 7 classes take 1x7"),
    (Small(), ["b", "a", "c", "a"], r"classes 1 and 3 \(from 0\) are both called 'a'"),
    (Small(), 1, "two classes or more"),
    (Tuple(), 10, r"Tuple returns a tuple of 2 for a batch of 1x3x16x16; wanted is one tensor of 1x10 logits"),
    (Lazy(), 10, r"lazy layers whose sizes are still open \(fc.weight\).*module\(torch.zeros\(1, 3, 16, 16\)\)"),
    (Small().half(), 10, r"conv.weight in torch.float16; training here is in float32: module.float\(\)"),
    (Probable(), 10, "leave its last softmax out"),
    (Batchwise(), 10, "an answer must not depend on its batch"),
    (OnlyLists(), 10, "OnlyLists fails on a batch of 1x3x16x16: "),
    (nn.Sequential(nn.Flatten(), nn.Linear(12, 10)), 10, "fails on a batch of 1x3x16x16: mat1 and mat2"),
]


@pytest.mark.parametrize(("given", "classes", "said"), REFUSED)
def test_what_cannot_be_adopted_is_said(given: Any, classes: Any, said: str) -> None:
    with pytest.raises(DescribeError, match=said):
        striate.adopt(given, input=(3, 16, 16), classes=classes)


def test_what_only_answers_is_not_trained(zoo: Path, tmp_path: Path) -> None:
    one = striate.adopt(TupleInTraining(), input=(3, 16, 16), classes=10)
    assert len(one.predict([zoo / "ant" / "0-00.png"])) == 1
    with pytest.raises(TrainingError, match="TupleInTraining, in training, returns a tuple of 2"):
        one.train(recipe(zoo), runs_dir=tmp_path)
    frozen = Gated().requires_grad_(False)
    with pytest.raises(TrainingError, match="no parameters that are trained"):
        striate.adopt(frozen, input=(3, 16, 16), classes=CLASSES).train(recipe(zoo), runs_dir=tmp_path)


def test_a_borrowed_module_answers_all_that_a_model_does() -> None:
    def public(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")} | set(kind.__annotations__)

    assert public(Model) <= public(WrappedModule)
    one: Any = adopted(Gated).predictor.model
    pictures = torch.randn(2, 3, 16, 16)
    logits, seen = one.forward_with(pictures, ["gate", "input", "fc"])
    assert torch.equal(seen["fc"], logits) and seen["gate"].shape == (2, 4, 16, 16)
    again, embedding = one.embed(pictures)
    assert one.embedding_part == "fc" and torch.equal(logits, again)
    torch.testing.assert_close(embedding, seen["gate"].mean((2, 3)))
    with pytest.raises(DescribeError, match="no part 'gaet'; near it: gate"):
        one.forward_with(pictures, ["gaet"])


class Turns(nn.Module):
    """Which way it takes depends on the picture; no one graph has both."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x) if float(x.mean()) < 0.01 else -3 * self.conv(x)
        return self.fc(x.mean((2, 3)))


@KINDS
def test_an_adopted_module_is_exported_and_the_file_answers_alike(kind: type[nn.Module], tmp_path: Path) -> None:
    one = adopted(kind)
    parity = one.export(tmp_path / "own.onnx")
    assert parity.same == parity.pictures == 32
    pixels = np.random.default_rng(3).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    session = onnxruntime.InferenceSession(str(tmp_path / "own.onnx"))
    logits, _ = session.run(["logits", "embedding"], {"pixels": pixels})
    with torch.no_grad():
        wanted = module(kind).eval()(torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy()) / 255)
    np.testing.assert_allclose(logits, wanted.numpy(), rtol=1e-4, atol=1e-4)


def test_a_way_that_depends_on_the_picture_is_not_exported_as_another(tmp_path: Path) -> None:
    one = striate.adopt(Turns(), input=(3, 16, 16), classes=10)
    with pytest.raises(ExportError, match="does not answer as torch does"):
        one.export(tmp_path / "own.onnx")
    assert not list(tmp_path.iterdir())


@KINDS
def test_somebody_elses_weights_come_by_the_door(kind: type[nn.Module], tmp_path: Path) -> None:
    one, theirs = adopted(kind), kind()
    torch.save(
        {"state_dict": nn.DataParallel(theirs).state_dict(), "args": argparse.Namespace(a=1)}, tmp_path / "x.tar"
    )
    again = one.load_weights(tmp_path / "x.tar")
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    with torch.no_grad():
        wanted = theirs.eval()(torch.tensor(pixels / 255, dtype=torch.float32).permute(2, 0, 1)[None]).softmax(1)[0]
    np.testing.assert_allclose(again.predict(pixels).probabilities, wanted.numpy(), atol=1e-5)
    assert again.classes == one.classes and torch.equal(one.module.state_dict()["fc.bias"], module(kind).fc.bias)
    torch.save({"fc.weight": torch.ones(3, 4)}, tmp_path / "y.tar")
    with pytest.raises(ModelError, match=r"y.tar: its 1 entries are not those of the adopted module: no entry for"):
        one.load_weights(tmp_path / "y.tar")
