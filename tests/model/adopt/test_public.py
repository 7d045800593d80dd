"""Modules as the public writes them: adopted as they are, every parameter counted once, and answering as they do."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from tests.model.adopt.adoptees import CODE, EXPRESSIBLE
from tests.model.adopt.public import CLASSES, ZOO, Base, WithDict, WithTuple, plain
from tests.pictures import paint
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import striate
from striate.errors import DescribeError, ExportError, FitError
from striate.interpret.look import PictureLook
from striate.metrics.probability import softmax
from striate.model.adopt.given import picked, unwrapped
from striate.recipe import Recipe
from striate.verbs.adopt import Adopted
from striate.verbs.train import resume
from striate.verbs.why import why
from striate.verbs.workspace import Workspace

PIXELS = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
NAMES = ("ant", "bee", "cow")


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paint(tmp_path_factory.mktemp("pictures") / "zoo")


def made(name: str) -> tuple[nn.Module, Adopted]:
    kind, output, _ = ZOO[name]
    torch.manual_seed(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = kind()
        return module, striate.adopt(module, input=(3, 32, 32), classes=NAMES, output=output)


@pytest.mark.parametrize("name", ZOO)
def test_it_is_adopted_as_it_is(name: str) -> None:
    module, adopted = made(name)
    assert (adopted.why is None) == ZOO[name][2], adopted.why
    whole = sum(parameter.numel() for parameter in module.parameters())
    assert adopted.survey.parameters == whole and adopted.survey.fixed == 0
    total = next(line for line in str(adopted.survey).splitlines() if line.startswith("total"))
    assert f"{whole:,}" in total.split()
    assert str(adopted.survey.output) == str(CLASSES)
    with torch.no_grad():
        inputs = torch.from_numpy(PIXELS.transpose(2, 0, 1)[None].copy()) / 255
        logits = picked(unwrapped(module).eval()(inputs), ZOO[name][1])
    answer: Any = adopted.predict(PIXELS)
    np.testing.assert_allclose(answer.probabilities, logits.softmax(1)[0].numpy(), atol=1e-5)


@pytest.mark.parametrize("kind", [*EXPRESSIBLE, *CODE], ids=lambda kind: kind.__name__)
def test_the_survey_counts_every_parameter_there_is(kind: type[nn.Module]) -> None:
    module = kind()
    survey = striate.adopt(module, input=(3, 32, 32), classes=10).survey
    assert survey.parameters == sum(parameter.numel() for parameter in module.parameters())


SCRIPTS = ("scripted", "traced")
QUICK = ("transformers", "encoder", "frozen", "old weight norm")  # one of each: an output, a block, a freeze, a hook


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in ZOO]
)
def test_training_evaluating_predicting_looking_and_exporting_agree(name: str, zoo: Path, tmp_path: Path) -> None:
    _, adopted = made(name)
    run = adopted.train(Recipe(source=str(zoo), epochs=1, batch=8, threads=1, folds=0), runs_dir=tmp_path)
    assert run.state == "finished" and "could not be drawn" not in run.report.read_text()
    loaded = adopted.load(run)
    evaluation = loaded.evaluate(run)
    wanted = softmax(evaluation.outputs["logits"], loaded.predictor.learnt.calibration.temperature)
    pictures = [zoo / key for key in evaluation.keys]
    for asked in (loaded, run):
        answers: Any = asked.predict(pictures, unknown=False)
        np.testing.assert_allclose([answer.probabilities for answer in answers], wanted, atol=1e-5)
    assert loaded.look(run).confusion.pictures == len(evaluation.keys)  # type: ignore[union-attr]
    if name in SCRIPTS:
        with pytest.raises(DescribeError, match=r"nothing of what the parts of a ScriptModule do.*method='occlusion'"):
            loaded.look(pictures[0])
        with pytest.raises(ExportError, match="is a ScriptModule, which torch's exporter does not follow"):
            loaded.export(tmp_path / "own.onnx")
        assert why(loaded.probe(pictures[0]), method="occlusion").evidence.heat.shape
        return
    look = loaded.look(pictures[0])
    assert isinstance(look.value, PictureLook) and look.answer is not None
    np.testing.assert_allclose(look.answer.probabilities, wanted[0], atol=1e-5)
    loaded.export(tmp_path / "own.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "own.onnx"))
    pixels = np.stack([loaded.predictor.preprocess.pixels(path.read_bytes()) for path in pictures])
    logits = session.run(["logits"], {"pixels": pixels})[0]
    scale = max(1.0, float(np.abs(evaluation.outputs["logits"]).max()))
    np.testing.assert_allclose(logits, evaluation.outputs["logits"], atol=1e-4 * scale)


def test_a_stopped_training_goes_on_by_the_output_it_began_with(zoo: Path, tmp_path: Path) -> None:
    class Coded(WithTuple):
        def __init__(self) -> None:
            super().__init__()
            self.act = nn.PReLU()

        def trunk(self, x: Tensor) -> Tensor:
            return self.act(self.conv(x))

    adopted = striate.adopt(Coded(), input=(3, 32, 32), classes=3, output=1)
    events = adopted.training(Recipe(source=str(zoo), epochs=2, batch=8, threads=1), runs_dir=tmp_path)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert resume("last", workspace=Workspace(tmp_path), module=Coded()).state() == "finished"


class Sigmoid(Base):
    def forward(self, x: Tensor) -> Any:
        return torch.sigmoid(super().forward(x)).flatten(1)


class Softmax(Sigmoid):
    def forward(self, x: Tensor) -> Any:
        return Base.forward(self, x).softmax(1)


class Rectified(Base):
    """All its answers may lie between 0 and 1, and are logits all the same."""

    def forward(self, x: Tensor) -> Any:
        return F.relu(0.1 * super().forward(x)).clamp(0, 1)


class Needs(Base):
    def forward(self, x: Tensor, other: Tensor) -> Any:
        return super().forward(x + other)


REFUSED: list[tuple[Any, Any, str]] = [
    (Sigmoid, None, r"Sigmoid ends in sigmoid, so it puts out prob.*second squashing: leave its last sigmoid out"),
    (Softmax, None, r"Softmax ends in softmax, so it puts out probabilities"),
    (lambda: torch.jit.script(nn.Sequential(plain(), nn.Softmax(1))), None, "ends in softmax"),
    (WithDict, None, r"a dict of 2.*It has features \(1x6x16x16\), logits \(1x3\); say which .* output='features'"),
    (WithTuple, None, r"a tuple of 2.*It has 0 \(1x6\), 1 \(1x3\); say which answers, such as output=0"),
    (WithTuple, 0, "gives 1x6 for a batch of 1x3x32x32; 3 classes take 1x3"),
    (WithDict, "logit", r"there is no output 'logit'; it has 'features', 'logits'"),
    (WithTuple, 2, "there is no output 2; it has '0', '1'"),
    (Base, "logits", "output = 'logits' chooses among several, and Base returns one tensor; leave it out"),
    (Needs, None, "fails on a batch of 1x3x32x32: .*missing 1 required positional argument: 'other'"),
]


@pytest.mark.parametrize(("kind", "output", "said"), REFUSED, ids=[said[:20] for _, _, said in REFUSED])
def test_what_is_refused_is_said(kind: Any, output: Any, said: str) -> None:
    with pytest.raises(DescribeError, match=said):
        striate.adopt(kind(), input=(3, 32, 32), classes=3, output=output)


def test_logits_that_look_like_probabilities_are_not_refused() -> None:
    assert striate.adopt(Rectified(), input=(3, 32, 32), classes=3).survey.parameters == 189


def test_what_is_never_seen_is_a_note_or_refused() -> None:
    adopted = striate.adopt(ZOO["floors"][0](), input=(3, 32, 32), classes=3)
    assert adopted.notes == ("rows 30-31 and columns 30-31 of every picture are never seen: it is taken as it is",)
    with pytest.raises(FitError, match="never sees row"):
        striate.adopt(ZOO["floors"][0](), input=(3, 32, 32), classes=3, fit="exact")


def test_the_survey_says_where_weights_are_used_and_which_are_not() -> None:
    rows = {row.path: row for row in made("einsum")[1].survey.rows}
    assert (rows["fc"].layer, rows["fc"].parameters, rows["fc"].macs) == (
        "Linear, its weights used by others",
        21,
        None,
    )
    rows = {row.path: row for row in made("multi-head")[1].survey.rows}
    assert rows["attn"].parameters == 4 * 36 + 4 * 6 and "attn.out_proj" not in rows
    one = made("spare")[1]
    assert [(row.path, row.layer) for row in one.survey.rows if row.auxiliary] == [
        ("itself", "Spare, never used"),
        ("old.0", "Linear, never used"),
        ("old.1", "BatchNorm1d, never used"),
    ]
    assert str(one.survey).splitlines()[-1] == f"never used in its forward: {7 + 35 + 10} parameters"
    assert one.net.on(3, 32, 32, fit="floor").parameters == 189
    frozen = {row.path: row.frozen for row in made("frozen")[1].survey.rows if row.parameters}
    assert frozen["conv"] and not frozen["fc"]


def test_an_export_that_fails_says_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    class Odd(Base):
        def forward(self, x: Tensor) -> Any:
            return super().forward(x) + torch.linalg.eigvals(x[:, 0, :3, :3]).real

    with pytest.raises(ExportError) as raised:
        striate.adopt(Odd(), input=(3, 32, 32), classes=3).export(tmp_path / "own.onnx")
    assert "\n" not in str(raised.value) and "linalg_eigvals" in str(raised.value)
    assert capfd.readouterr() == ("", "") and not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["weight norm", "old weight norm", "spectral norm", "old spectral norm"])
def test_a_number_is_made_with_the_weights_that_a_parametrisation_makes(name: str) -> None:
    made_number = made(name)[1].dot(PIXELS, "conv", 2, (3, 4)).made
    assert made_number.off < 1e-5 and made_number.layer.startswith("conv 6 3x3")
