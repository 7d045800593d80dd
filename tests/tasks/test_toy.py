"""A task of one file (`tests.tasks.toy`) and one line of the table goes everywhere, and nothing else knows of it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.stage import Place
from tests.tasks.toy import Brightness, BrightnessAssessment, Toy

from striate.cli.evaluate import text
from striate.data.pictures.preprocess import Preprocess
from striate.errors import ModelError, StriateError
from striate.export.onnx import export_onnx
from striate.model.build.model import build
from striate.model.files.weights import ModelFile, read_facts, to_pieces, with_state
from striate.render.html.look_page import as_text
from striate.render.html.sections import drawn
from striate.runs.predictor import Predictor
from striate.spec import Shape, parse
from striate.tasks.pairing import Shared
from striate.tasks.table import TASKS
from striate.verbs.evaluate import evaluate_on
from striate.verbs.look import answers, look, page

NET = "conv 4 3x3 pad same >> relu >> globalavgpool >> flatten >> dense"
HOW = Preprocess(8, 8, 1)


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one line."""
    monkeypatch.setitem(TASKS, Toy.name, Toy())


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Squares, and a list that says how bright each is."""
    root, random = tmp_path_factory.mktemp("toy"), np.random.default_rng(0)
    lines = ["file,brightness"]
    for number in range(60):
        bright = random.uniform(0.1, 0.9)
        pixels = random.normal(255 * bright, 20, (8, 8)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(root / f"{number}.png")
        lines.append(f"{number}.png,{bright:.3f}")
    (root / "labels.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A model file of it, made by hand."""
    net = parse(NET).with_classes(1)
    model = build(net, Shape(1, 8, 8), preprocess=HOW, seed=3).eval()
    facts = ModelFile(
        net=str(net),
        input=(1, 8, 8),
        task=Toy.name,
        names=("brightness",),
        labels={"scale": 1.0},
        preprocess=HOW.to_dict(),
        state={"off": 0.25},
        provenance={},
    )
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"".join(to_pieces(with_state(model.state_dict(), {"apart": np.ones(3, np.float32)}), facts)))
    pixels = np.random.default_rng(1).integers(0, 256, (32, 8, 8, 1), dtype=np.uint8)
    parity = export_onnx(model, path, pixels)
    assert parity.same == 32 and set(parity.apart) == {"brightness", "embedding"}
    return path


def test_a_model_file_answers_with_and_without_torch(file: Path, pictures: Path) -> None:
    quick, slow = Predictor.open(file), Predictor.open(file, onnx=False)
    assert quick.onnx is not None and quick.learnt == 0.25 and set(quick.state.arrays) == {"apart"}
    found, wanted = (one.predict(pictures / "0.png")[0] for one in (quick, slow))
    assert isinstance(found, Brightness) and isinstance(wanted, Brightness)
    assert found.value == pytest.approx(wanted.value, abs=1e-4) and str(found).endswith("give or take 0.25")
    code = (
        "import sys; from tests.tasks.toy import Toy; from striate.tasks.table import TASKS; TASKS[Toy.name] = Toy()\n"
        "from striate.runs.predictor import Predictor\n"
        f"print(Predictor.open({str(file)!r}).predict({str(pictures / '0.png')!r})[0], 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert done.stdout.strip() == f"{found} False"


def test_predict_prints_lines_tables_and_json(file: Path, pictures: Path, tmp_path: Path) -> None:
    place, ask = Place(tmp_path), ("predict", pictures / "0.png", "--model", file)
    (answer,) = Predictor.open(file).predict(pictures / "0.png")
    assert isinstance(answer, Brightness)
    assert place(*ask).done().out == f"{answer}\n"
    (told,) = json.loads(place(*ask, "--json").done().out)
    assert told == {"picture": str(pictures / "0.png"), **answer.to_dict()}
    for _ in range(2):  # a table of ours is replaced
        place(*ask, "--csv", "answers.csv").done()
    with (tmp_path / "answers.csv").open(newline="") as stream:
        heads, row = csv.reader(stream)
    assert heads == ["picture", "error", "brightness", "off"]
    assert row == [str(pictures / "0.png"), "", repr(answer.value), "0.25"]


@pytest.mark.parametrize("state", [{"off": "much"}, {"off": -1}, {"off": True}, {"off": 10**400}])
def test_its_state_is_checked_by_the_task(file: Path, state: dict[str, object]) -> None:
    facts = read_facts(file)
    model = build(parse(facts.net), Shape(1, 8, 8), preprocess=HOW, seed=3)
    try:
        changed = ModelFile(**{**vars(facts), "state": state})
        file.write_bytes(b"".join(to_pieces(model.state_dict(), changed)))
    except ModelError:
        return
    with pytest.raises(ModelError, match="brightness does not read"):
        Predictor.open(file)


def test_a_net_of_another_width_is_refused(file: Path) -> None:
    facts = read_facts(file)
    changed = ModelFile(**{**vars(facts), "names": ("brightness", "more")})
    file.write_bytes(b"".join(to_pieces(build(parse(facts.net), Shape(1, 8, 8)).state_dict(), changed)))
    with pytest.raises(ModelError, match="its net puts out 1 for 2 levels"):
        Predictor.open(file)


def test_it_looks_inside(file: Path, pictures: Path) -> None:
    seen = look(pictures / "0.png", model=file)
    first = answers(seen)[0]
    assert first.question == "What raises the brightness, and what lowers it?"
    assert "give or take" in page(seen) and "brightness" in as_text(answers(seen))
    with pytest.raises(StriateError, match="a map shows where something is, and this net's answer is a level"):
        from striate.verbs.score_map import score_map

        score_map(Predictor.open(file), (pictures / "0.png").read_bytes(), scale=3.0)


def test_it_is_measured_on_other_pictures_and_drawn_from_its_sections(file: Path, pictures: Path) -> None:
    found = evaluate_on(Predictor.open(file), str(pictures / "labels.csv"), name="by hand")
    assert isinstance(found.found, BrightnessAssessment) and len(found.keys) == 60 == len(found.targets)
    told = json.loads(json.dumps(found.to_dict()))
    assert told["headline"]["name"] == "mean absolute error" and told["headline"]["share"] is False
    assert told["headline"]["value"] == told["error"]["value"] == pytest.approx(found.report.error.value)
    assert [one["picture"] for one in told["worst"]] == [found.keys[row] for row in found.found.worst()]
    said = text(found)
    assert "by hand on 60" in said and "mean absolute error" in said and said.endswith("after no pictures.")
    sections = [
        drawn(one, pixels=np.zeros((60, 8, 8, 1), np.uint8), rows=found.indices, keys=found.keys)
        for one in found.found.sections()
    ]
    assert [one.title for one in sections] == ["Where is it farthest off?", "How does it do?"]
    assert sections[0].body.count("<img") == 6 and "&lt;first&gt;" in sections[0].body


def test_two_of_it_are_compared_by_their_losses(file: Path, pictures: Path) -> None:
    task = TASKS[Toy.name]
    one = evaluate_on(Predictor.open(file), str(pictures / "labels.csv"), name="by hand").found
    assert isinstance(one, BrightnessAssessment)
    better = BrightnessAssessment(one.report, one.is_ + 0.9 * (one.said - one.is_), one.is_)
    rows = np.arange(60)
    paired = task.paired(Shared(one, better, rows, rows))
    assert paired.verdict("a", "b").startswith("b is better than a: absolute error of b - a is -")
    assert [len(each) for each in paired.apart()] == [0, 60]
    same = task.paired(Shared(one, one, rows, rows))
    assert same.verdict("a", "b").startswith("no difference that 60 pictures can show")
    assert str(paired.table("a", "b").rows[0][0]) == "absolute error"


def test_int8_costs_what_its_own_figure_says(file: Path) -> None:
    task, labels = TASKS[Toy.name], Predictor.open(file).labels
    wanted = np.array([[0.5], [0.5]])
    good, bad = ({"brightness": np.array([[0.5 + off], [0.5 - off]], np.float32)} for off in (0.1, 0.2))
    cost = task.cost(good, bad, wanted, labels, 0.25, trained=False, known=False)
    assert cost.lost == pytest.approx(1.0, rel=1e-4) and "2 validation pictures" in str(cost)
    assert task.cost_words(cost.to_dict()) == str(cost)
    assert task.cost(bad, good, wanted, labels, 0.25, trained=True, known=True).lost < 0
