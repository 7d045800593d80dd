"""A trained run and its ONNX file: the same answers with and without torch, and what is not its own is passed over."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from striate.errors import ExportError, ModelError, PictureError
from striate.export import onnx as exporting
from striate.model.files import tensorfile, weights
from striate.recipe import Recipe
from striate.runs import durable, onnx_file
from striate.runs.predictor import Predictor
from striate.runs.run import RunDirectory
from striate.runs.seal import beside, check_seal, sealed
from striate.tasks.ood import OODDetector
from striate.tasks.prediction import Scores
from striate.verbs import export as verb
from striate.verbs.export import export
from striate.verbs.predict import open_predictor
from striate.verbs.train import train
from striate.verbs.workspace import Workspace


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    runs = tmp_path_factory.mktemp("runs")
    return train(Recipe(source="digits", epochs=2, threads=1), workspace=Workspace(runs))


@pytest.fixture
def run(trained: RunDirectory, tmp_path: Path) -> RunDirectory:
    """A copy, to be changed."""
    return RunDirectory.open("last", Path(shutil.copytree(trained.path.parent, tmp_path / "runs")))


@pytest.fixture(scope="module")
def digits() -> list[np.ndarray]:
    """Digits, and pictures that are none."""
    from sklearn.datasets import load_digits

    draw = np.random.default_rng(0)
    images = [(image * 15.9).astype(np.uint8) for image in load_digits().images[:40]]
    return [
        *images,
        *(255 - image for image in images[:4]),
        *(draw.integers(0, 256, (8, 8), np.uint8) for _ in range(5)),
    ]


def answers(predictor: Predictor, pictures: list[Any]) -> list[Any]:
    return [answer.to_dict() for answer in predictor.predict(pictures)]


def without_onnx(run: RunDirectory) -> Predictor:
    file = beside(run.model_path)
    aside = file.rename(file.with_suffix(".aside"))
    predictor = Predictor.open(run.path)
    aside.rename(file)
    assert predictor.onnx is None
    return predictor


def test_a_run_ends_with_its_onnx_file(trained: RunDirectory) -> None:
    predictor = Predictor.open(trained.path)
    assert predictor.onnx is not None and predictor.notes == ()
    parity = predictor.onnx.parity
    assert parity["pictures"] == parity["same_class"] == 32
    assert 0 <= max(parity["logits"], parity["embedding"]) <= parity["tolerance"] == 1e-4
    header = tensorfile.read_header(trained.model_path)
    seen = check_seal(predictor.onnx.path)
    assert seen.metadata["striate"] == header.metadata["striate"]
    assert json.loads(seen.metadata["striate"])["names"] == list(predictor.classes)
    assert seen.digest == header.metadata["striate.graph"]  # its very weights, without reading them a second time
    onnx.checker.check_model(beside(trained.model_path), full_check=True)


@pytest.mark.parametrize("size", [1, 9, 49])
def test_answers_are_torchs(
    run: RunDirectory, digits: list[np.ndarray], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logits to 1e-4, classes, and "none of these" with how strange, through the whole Predictor."""
    monkeypatch.setattr(OODDetector, "answers", True)  # which of a net trained whole takes that it was measured
    quick, slow = Predictor.open(run.path), without_onnx(run)
    pixels = np.stack([quick.preprocess.pixels(each) for each in digits])
    mine, theirs = quick.ask(pixels), slow.ask(pixels)
    assert set(mine) == set(theirs) == {"logits", "embedding"}
    for found, wanted in ((mine[name], theirs[name]) for name in mine):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
    pairs = zip(quick.predict(digits, batch_size=size), slow.predict(digits, batch_size=size), strict=True)
    for found, wanted in pairs:
        assert (found.best, found.unknown) == (wanted.best, wanted.unknown)
        assert found.ood_score == pytest.approx(wanted.ood_score, rel=1e-3, abs=1e-3)
        np.testing.assert_allclose(found.probabilities, wanted.probabilities, atol=1e-5)
    assert any(answer.unknown for answer in quick.predict(digits))


def test_the_same_pictures_get_the_same_bits(run: RunDirectory, digits: list[np.ndarray]) -> None:
    predictor = Predictor.open(run.path)
    first = answers(predictor, digits[:1])
    many = answers(predictor, digits)
    assert answers(predictor, digits[:1]) == first == answers(Predictor.open(run.path), digits[:1])
    assert answers(Predictor.open(run.path), digits) == many


@pytest.mark.parametrize("threads", ["1", "3"])
@pytest.mark.parametrize("size", [2, 16, 64])
def test_threads_that_answer_at_once_keep_the_order(
    run: RunDirectory, digits: list[np.ndarray], monkeypatch: pytest.MonkeyPatch, threads: str, size: int
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    given: list[Any] = [*digits[:20], b"no picture", *digits[20:]]
    predictor = Predictor.open(run.path)
    wanted = [predictor.predict([each])[0] for each in digits]
    for pictures in (given, iter(given)):
        found = list(predictor.predict_each(pictures, batch_size=size))
        assert [key for key, _ in found] == [f"picture {number}" for number in range(1, len(given) + 1)]
        assert isinstance(found.pop(20)[1], PictureError)
        for (_, answer), one in zip(found, wanted, strict=True):
            assert isinstance(answer, Scores)
            np.testing.assert_allclose(answer.probabilities, one.probabilities, atol=1e-5)
    stopped = predictor.predict_each(digits * 20)
    assert next(stopped)[0] == "picture 1"
    stopped.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("striate-")]


@pytest.mark.parametrize(("side", "pictures"), [(8, 16), (224, 13), (448, 3), (4000, 1)])
def test_fewer_large_pictures_are_computed_at_once(side: int, pictures: int) -> None:
    assert onnx_file.at_once(np.empty((0, side, side, 3), np.uint8)) == pictures


def test_no_torch_is_imported(run: RunDirectory, tmp_path: Path, digits: list[np.ndarray]) -> None:
    Image.fromarray(digits[0]).save(tmp_path / "zero.png")
    code = (
        "import sys, resource\nfrom striate.cli.main import main\n"
        "try:\n    main()\nfinally:\n"
        "    print([n for n in ('torch', 'scipy', 'sklearn', 'onnx', 'rich') if n in sys.modules], file=sys.stderr)\n"
        "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, 'MB at most', file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", code, "predict", "zero.png"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.endswith(" 0\n") or " 0, " in done.stdout
    assert done.stderr.splitlines()[0] == "[]"
    print(done.stderr)


def test_the_proof_begins_before_numpy_is_imported(run: RunDirectory, tmp_path: Path, digits: list[np.ndarray]) -> None:
    Image.fromarray(digits[0]).save(tmp_path / "zero.png")
    code = (
        "import sys\nfrom striate.runs import seal\nreal = seal.check_seal\n"
        "def watched(path):\n    print('numpy' in sys.modules, file=sys.stderr)\n    return real(path)\n"
        "seal.check_seal = watched\nfrom striate.cli.main import main\nmain()\n"
    )
    command = [sys.executable, "-c", code, "predict", "zero.png"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stderr == "False\n", "once, and early"


def damaged(file: Path, run: RunDirectory) -> str:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    return "is damaged"


def cut(file: Path, run: RunDirectory) -> str:
    file.write_bytes(file.read_bytes()[:-9])
    return "cut short"


def empty(file: Path, run: RunDirectory) -> str:
    file.write_bytes(b"")
    return "cut short"


def foreign(file: Path, run: RunDirectory) -> str:
    proto = onnx.load(file)
    del proto.metadata_props[:]
    onnx.save(proto, file)
    return "not written by Striate"


def of_another_model(file: Path, run: RunDirectory) -> str:
    tensors, facts = weights.read(run.model_path)
    tensors["dense1.bias"] = tensors["dense1.bias"] + 1
    run.save_model(tensors, facts)
    return "made of another model"


def refused_by_the_runtime(file: Path, run: RunDirectory) -> str:
    proto = onnx.load(file)
    proto.graph.node[3].op_type = "NoSuchOperator"
    file.write_bytes(sealed(proto.SerializeToString()[:-64] + b"0" * 64))
    return "'NoSuchOperator', which is none of its operators"


@pytest.mark.parametrize("spoil", [damaged, cut, empty, foreign, of_another_model, refused_by_the_runtime])
def test_what_is_not_its_own_is_passed_over(run: RunDirectory, digits: list[np.ndarray], spoil: Any) -> None:
    says = spoil(beside(run.model_path), run)
    wanted = answers(without_onnx(run), digits)
    predictor = Predictor.open(run.path)
    assert predictor.onnx is None
    (note,) = predictor.notes
    assert says in note and note.endswith("torch answers instead")
    assert answers(predictor, digits) == wanted
    told: list[str] = []
    open_predictor(run=run.name, workspace=Workspace(run.path.parent, tell=told.append))
    assert told == [note]


def test_a_damaged_header_is_not_believed(run: RunDirectory, digits: list[np.ndarray]) -> None:
    """The ONNX file proves its own copy of the facts; those of the model file must be the same."""
    content = run.model_path.read_bytes()
    assert content.count(b'\\"3\\", \\"4\\"') == 1  # classes, as text within text
    run.model_path.write_bytes(content.replace(b'\\"3\\", \\"4\\"', b'\\"4\\", \\"3\\"'))
    with pytest.raises(ModelError, match="damaged"):
        Predictor.open(run.path)


def test_without_onnxruntime_torch_answers(
    run: RunDirectory, digits: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    predictor = Predictor.open(run.path)
    assert predictor.onnx is None and "needs onnxruntime" in predictor.notes[0]
    assert len(predictor.predict(digits[:2])) == 2


def test_it_is_written_whole_or_not_at_all(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every byte goes through ``durable``; a kill before the rename leaves no file, and the run predicts."""
    file = beside(run.model_path)
    file.unlink()

    def killed(path: Path, data: Any, **_: Any) -> None:
        assert path == file and bytes(data)[-64:].isalnum()
        raise KeyboardInterrupt

    monkeypatch.setattr(durable, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        export(run.name, workspace=Workspace(run.path.parent))
    assert not file.exists()
    assert Predictor.open(run.path).onnx is None


def test_export_writes_the_same_bytes_anywhere(run: RunDirectory, tmp_path: Path) -> None:
    done = export(run.name, output=tmp_path / "else.onnx", workspace=Workspace(run.path.parent))
    written, there = (onnx.load(path) for path in (done.path, beside(run.model_path)))
    assert written.graph == there.graph and len(written.metadata_props) == len(there.metadata_props) == 5
    again = export(model=run.model_path, output=tmp_path / "model.onnx")  # on photographs instead
    assert again.path.is_file() and again.to_dict()["same_class"] == 32


def test_answers_that_differ_are_not_written(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    file = beside(run.model_path)
    file.unlink()
    straight = exporting.graph_bytes

    def bent(model: Any, *task: Any) -> bytes:
        with torch.no_grad():
            model.get_submodule("input").offset.add_(0.01)
        content = straight(model, *task)
        with torch.no_grad():
            model.get_submodule("input").offset.sub_(0.01)
        return content

    monkeypatch.setattr(exporting, "graph_bytes", bent)
    with pytest.raises(ExportError, match="does not answer as torch does"):
        export(run.name, workspace=Workspace(run.path.parent))
    assert not file.exists()


def test_int8_is_measured_and_answers(
    run: RunDirectory, digits: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OODDetector, "answers", True)
    told: list[str] = []
    predictor = open_predictor(run=run.name, workspace=Workspace(run.path.parent, tell=told.append), int8=True)
    assert told[0].startswith("making model.int8.onnx") and "int8 is right on" in told[1]
    again = open_predictor(run=run.name, workspace=Workspace(run.path.parent, tell=told.append), int8=True)
    assert told[2:] == told[1:2]
    assert again.onnx is not None and again.onnx.path.name == "model.int8.onnx"
    kinds = {tensor.data_type for tensor in onnx.load(again.onnx.path).graph.initializer if len(tensor.dims) == 4}
    assert kinds == {onnx.TensorProto.INT8}
    loss = again.onnx.parity
    assert loss["accuracy"] - loss["accuracy_int8"] <= 0.01
    assert loss["kept_int8"] >= loss["kept"] > 0.9
    assert predictor.learnt.unknown is not None and predictor.learnt.unknown.threshold == loss["threshold"]
    exact = Predictor.open(run.path)
    pairs = zip(predictor.predict(digits[:40]), exact.predict(digits[:40]), strict=True)
    assert sum(a.best == b.best for a, b in pairs) >= 38


def test_int8_that_loses_too_much_is_refused(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verb, "MOST_LOST", -1.0)
    with pytest.raises(ExportError, match=r"int8 is right on .* so it was not written"):
        export(run.name, int8=True, workspace=Workspace(run.path.parent))
    assert not beside(run.model_path, int8=True).exists()
    with pytest.raises(ModelError, match=r"model\.int8\.onnx; striate export --int8 makes it"):
        Predictor.open(run.path, int8=True)


def test_an_int8_file_of_another_model_is_made_anew(run: RunDirectory) -> None:
    export(run.name, int8=True, workspace=Workspace(run.path.parent))
    of_another_model(beside(run.model_path), run)
    told: list[str] = []
    workspace = Workspace(run.path.parent, tell=told.append)
    assert open_predictor(run=run.name, workspace=workspace, int8=True).onnx is not None
    assert "made of another model" in told[0]


def test_threads_are_what_the_person_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert onnx_file.thread_count() == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert onnx_file.thread_count() >= 1
