from __future__ import annotations

import dataclasses
import io
import itertools
import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from striate.data.pictures.preprocess import Preprocess
from striate.errors import ModelError, PictureError, RunError
from striate.model.build.model import build
from striate.model.files.weights import ModelFile, to_bytes, with_state
from striate.runs.predictor import Predictor
from striate.runs.run import RunDirectory
from striate.session import run as session
from striate.spec import parse
from striate.spec.shape import Shape
from striate.tasks.calibrate import Calibration
from striate.tasks.classify import Learnt, state_of
from striate.tasks.ood import fit_ood

NET = "conv 6 3x3 pad 1 >> batchnorm >> relu >> maxpool 2 >> flatten >> dense 8 >> relu >> dense 3"
CLASSES = ("cat", "dog", "owl")
PREPROCESS = Preprocess(12, 16, 3, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))
FACTS = ModelFile(
    net=NET,
    input=(3, 12, 16),
    task="classify",
    names=CLASSES,
    preprocess=PREPROCESS.to_dict(),
    state={"calibration": {"temperature": 1.7}, "unknown": None},
    provenance={},
)


@pytest.fixture(scope="module")
def model() -> Any:
    model = build(parse(NET), Shape(3, 12, 16), preprocess=PREPROCESS, seed=5).eval()
    with torch.no_grad():  # statistics of its own, so that forgetting them would show
        model.state_dict()["batchnorm1.running_mean"].uniform_(-0.5, 0.5)
        model.state_dict()["batchnorm1.running_var"].uniform_(0.5, 2)
    return model


@pytest.fixture
def path(tmp_path: Path, model: Any) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(to_bytes(model.state_dict(), FACTS))
    return path


@pytest.fixture(scope="module")
def pixels() -> list[np.ndarray]:
    draw = np.random.default_rng(0)
    sizes = [(12, 16), (30, 41), (7, 9), (100, 20), (12, 16), (13, 16), (64, 64)]
    return [draw.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]


def encoded(pixels: np.ndarray, kind: str = "png") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def probabilities(answers: list[Any]) -> np.ndarray:
    return np.stack([answer.probabilities for answer in answers])


def test_the_answer_is_the_softmax_of_the_calibrated_logits(path: Path, model: Any, pixels: list[np.ndarray]) -> None:
    predictor = Predictor.open(path, device="cpu")
    assert predictor.classes == CLASSES
    assert predictor.preprocess == PREPROCESS
    assert predictor.learnt.calibration.temperature == 1.7
    assert predictor.learnt.unknown is None
    answers = predictor.predict(pixels)
    inputs = torch.stack(
        [
            (torch.from_numpy(PREPROCESS.pixels(each).copy()).double() / 255 - torch.tensor(PREPROCESS.mean).double())
            / torch.tensor(PREPROCESS.std).double()
            for each in pixels
        ]
    ).permute(0, 3, 1, 2)
    with torch.no_grad():
        wanted = torch.softmax(model(inputs.float()).double() / 1.7, 1).numpy()
    np.testing.assert_allclose(probabilities(answers), wanted, rtol=1e-4, atol=1e-6)
    assert [answer.best for answer in answers] == [CLASSES[index] for index in wanted.argmax(1)]
    assert not any(answer.unknown for answer in answers)


def test_paths_bytes_and_arrays_agree_to_the_bit(path: Path, tmp_path: Path, pixels: list[np.ndarray]) -> None:
    predictor = Predictor.open(path)
    files = [tmp_path / f"{n}.png" for n in range(len(pixels))]
    for file, each in zip(files, pixels, strict=True):
        file.write_bytes(encoded(each))
    wanted = probabilities(predictor.predict(pixels))
    for given in (files, [str(file) for file in files], [file.read_bytes() for file in files]):
        assert np.array_equal(probabilities(predictor.predict(given)), wanted)
    assert np.array_equal(probabilities(Predictor.open(path).predict(pixels)), wanted)  # and every time


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 100])
def test_the_batch_size_changes_nothing_but_rounding(path: Path, pixels: list[np.ndarray], batch_size: int) -> None:
    predictor = Predictor.open(path)
    found = predictor.predict(pixels, batch_size=batch_size)
    np.testing.assert_allclose(probabilities(found), probabilities(predictor.predict(pixels)), rtol=1e-5, atol=1e-7)


def test_one_bad_picture_does_not_stop_the_rest(path: Path, tmp_path: Path, pixels: list[np.ndarray]) -> None:
    predictor = Predictor.open(path)
    good, cut, text = tmp_path / "good.png", tmp_path / "cut.png", tmp_path / "text.jpg"
    good.write_bytes(encoded(pixels[0]))
    cut.write_bytes(encoded(pixels[1])[:-40])
    text.write_text("no picture")
    given = [
        cut,
        pixels[0],
        good,
        tmp_path / "none.png",
        tmp_path,
        "a\0b.png",
        text,
        b"",
        np.zeros((2, 2), np.int32),
        good,
    ]
    found = list(predictor.predict_each(given, batch_size=2))
    assert [key for key, _ in found] == [
        str(cut),
        "picture 2",
        str(good),
        str(tmp_path / "none.png"),
        str(tmp_path),
        "a\0b.png",
        str(text),
        "picture 8",
        "picture 9",
        str(good),
    ]
    assert [isinstance(answer, PictureError) for _, answer in found] == [True, False, False, *[True] * 6, False]
    for key, answer in found:
        if isinstance(answer, PictureError):
            assert str(answer).startswith(key)
            assert str(answer).count(key) == 1
    assert np.array_equal(found[1][1].probabilities, found[2][1].probabilities)  # type: ignore[union-attr]
    with pytest.raises(PictureError, match=r"none\.png cannot be read: there is no such file"):
        predictor.predict([good, tmp_path / "none.png"])
    with pytest.raises(ValueError, match="batch_size"):
        predictor.predict([good], batch_size=0)
    assert predictor.predict([]) == []


def test_pictures_may_be_endless(path: Path, pixels: list[np.ndarray]) -> None:
    taken = []

    def camera() -> Iterator[np.ndarray]:
        for number in itertools.count():
            taken.append(number)
            yield pixels[0]

    answers = Predictor.open(path).predict_each(camera(), batch_size=4)
    assert [key for key, _ in itertools.islice(answers, 6)][-1] == "picture 6"
    assert len(taken) == 8


def test_a_gray_model_answers_for_colour_and_gray(tmp_path: Path, pixels: list[np.ndarray]) -> None:
    preprocess = Preprocess(12, 16, 1)
    model = build(parse(NET), Shape(1, 12, 16), preprocess=preprocess)
    facts = dataclasses.replace(FACTS, input=(1, 12, 16), preprocess=preprocess.to_dict())
    path = tmp_path / "gray.safetensors"
    path.write_bytes(to_bytes(model.state_dict(), facts))
    gray = pixels[0][..., 0]
    one, two, three = probabilities(Predictor.open(path).predict([gray, np.stack([gray] * 3, 2), encoded(gray)]))
    assert np.array_equal(one, two)
    assert np.array_equal(one, three)


def test_none_of_these(path: Path, model: Any, pixels: list[np.ndarray]) -> None:
    draw = np.random.default_rng(1)
    targets = np.repeat(np.arange(3), 40)
    known = np.clip(
        draw.normal(0, 6, (120, 12, 16, 3)) + (60, 120, 180) + 50 * np.eye(3)[targets][:, None, None], 0, 255
    )
    with torch.no_grad():
        inputs = model.normalise(torch.from_numpy(known.astype(np.uint8)).permute(0, 3, 1, 2))
        logits, embeddings = (tensor.numpy() for tensor in model.embed(inputs))
    unknown = fit_ood(embeddings[::2], targets[::2], embeddings[1::2], logits[1::2], temperature=1.7)
    state = state_of(Learnt(Calibration(temperature=1.7), unknown))
    facts = dataclasses.replace(FACTS, state=dict(state.facts))
    path.write_bytes(to_bytes(with_state(model.state_dict(), state.arrays), facts))
    predictor = Predictor.open(path)
    noise = pixels[0]
    answers = predictor.predict([*known[1:40:2].astype(np.uint8), noise])
    wanted = unknown.score(*_asked(model, noise))
    assert answers[-1].ood_score == pytest.approx(float(wanted[0]), rel=1e-4)
    assert answers[-1].unknown == bool(unknown.is_unknown(wanted)[0])
    assert sum(answer.unknown for answer in answers[:-1]) <= 2
    assert np.argmax([answer.ood_score for answer in answers]) == 20
    plain = predictor.predict([noise], unknown=False)[0]
    assert not plain.unknown
    assert np.array_equal(plain.probabilities, answers[-1].probabilities) or np.allclose(
        plain.probabilities, answers[-1].probabilities, rtol=1e-5
    )


def _asked(model: Any, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    with torch.no_grad():
        inputs = model.normalise(torch.from_numpy(PREPROCESS.pixels(picture)[None].copy()).permute(0, 3, 1, 2))
        logits, embeddings = (tensor.numpy() for tensor in model.embed(inputs))
    return embeddings, logits


def test_the_file_is_enough_by_itself(path: Path, tmp_path: Path, pixels: list[np.ndarray]) -> None:
    """Copied to another folder, it answers the same in a fresh process."""
    away = tmp_path / "away"
    away.mkdir()
    shutil.move(path, away / "renamed.bin")
    (away / "a.png").write_bytes(encoded(pixels[1]))
    code = (
        "import json, torch; torch.set_num_threads(1)\nfrom striate.runs.predictor import Predictor\n"
        "print(json.dumps(Predictor.open('renamed.bin').predict(['a.png'])[0].probabilities.tolist()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=away)
    here = Predictor.open(away / "renamed.bin").predict([pixels[1]])[0].probabilities.tolist()
    assert json.loads(done.stdout) == here


def test_weights_that_are_not_the_nets(tmp_path: Path, model: Any) -> None:
    path = tmp_path / "model.safetensors"
    state = dict(model.state_dict())
    lacking = {name: tensor for name, tensor in state.items() if not name.startswith("dense1")}
    for tensors, match in (
        (lacking | {"x": torch.ones(9999)}, r"lacks dense1\.bias, dense1\.weight;"),
        (state | {"dense7.weight": torch.ones(1)}, r"has, besides its net, dense7\.weight;"),
        (state | {"dense2.bias": torch.ones(4)}, r"dense2\.bias is torch\.float32 \(4,\) in the file and .* \(3,\)"),
        (state | {"dense2.bias": torch.ones(3).double()}, r"dense2\.bias is torch\.float64"),
    ):
        path.write_bytes(to_bytes(tensors, FACTS))
        with pytest.raises(ModelError, match=match) as caught:
            Predictor.open(path)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"net": "conv 6 3x3 >>"}, "its net does not read"),
        ({"net": "__import__('os')"}, "its net does not read"),
        ({"net": "conv 64 99x99 >> flatten >> dense 3"}, "its net does not read"),
        ({"net": "flatten >> dense 1000000000 >> dense 3"}, "parameters and the file holds"),
        ({"net": "flatten >> dense 4"}, "puts out 4 for 3 classes"),
        ({"net": "conv 3 3x3"}, "puts out 3x10x14 for 3 classes"),
        ({"input": (3, 16, 12)}, r"prepared as \(3, 12, 16\) .* its net takes \(3, 16, 12\)"),
        ({"preprocess": {"height": 12, "width": 16}}, "channels is missing"),
        ({"preprocess": PREPROCESS.to_dict() | {"resize": "melt"}}, "resize"),
        ({"state": {"calibration": {"temperature": 1e6}}}, "calibration"),
        ({"state": {"calibration": [1]}}, "calibration does not read"),
        ({"state": {"unknown": "all"}}, 'none of these" does not read'),
        ({"state": {"unknown": {}}}, 'none of these" lacks'),
        ({"task": "dream"}, "task 'dream'"),
    ],
)
def test_facts_that_do_not_belong_together(tmp_path: Path, model: Any, changes: dict[str, Any], match: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(to_bytes(model.state_dict(), dataclasses.replace(FACTS, **changes)))
    with pytest.raises(ModelError, match=match) as caught:
        Predictor.open(path)
    assert str(path) in str(caught.value)


def test_a_run_answers(tmp_path: Path, model: Any, pixels: list[np.ndarray]) -> None:
    run = RunDirectory.create(tmp_path / "runs", "pets", "", source={}, environment={})
    for place in (run.path, run.model_path):
        with pytest.raises(ModelError, match=r"run pets-1 has no model yet.*striate train --resume pets-1"):
            Predictor.open(place)
    broken = dict(model.state_dict()) | {"dense2.bias": torch.tensor([0.0, float("nan"), 0.0])}
    with pytest.raises(RunError, match=r"the model is refused: dense2\.bias holds"):
        run.save_model(broken, FACTS)
    assert not run.model_path.exists()
    run.save_model(model.state_dict(), FACTS)
    one, many = session.Run(run).predict(pixels[0]), session.Run(run).predict([pixels[0], encoded(pixels[1])])
    assert isinstance(many, list)
    assert str(one) == str(many[0])
    assert len(many) == 2
    assert str(Predictor.open(run.path).predict([pixels[0]])[0]) == str(one)
    with pytest.raises(ModelError, match="there is no file"):
        Predictor.open(tmp_path / "none")


def test_one_in_one_out_and_many_in_a_list_out(tmp_path: Path, path: Path, pixels: list[np.ndarray]) -> None:
    """Of whatever kind: the predictor gives a list, a run (and an adopted module) one answer for one picture."""
    run = RunDirectory.create(tmp_path / "runs", "pets", "", source={}, environment={})
    shutil.copyfile(path, run.model_path)
    predictor, picture = Predictor.open(path), pixels[0]
    wanted = predictor.predict([picture])[0].probabilities
    tensor = torch.from_numpy(picture.transpose(2, 0, 1).copy())
    for one in (picture, Image.fromarray(picture), tensor, io.BytesIO(_png(picture))):
        (answer,) = predictor.predict(one)
        single = session.Run(run).predict(one)
        assert not isinstance(single, list)
        assert (answer.probabilities == wanted).all() and (single.probabilities == wanted).all()
    for many in ([picture, picture], np.stack([picture, picture]), (picture for _ in range(2)), tensor[None]):
        answers = session.Run(run).predict(many)
        assert isinstance(answers, list) and len(answers) in (1, 2)
        assert all(np.allclose(answer.probabilities, wanted, atol=1e-6) for answer in answers)
    assert session.Run(run).predict([]) == [] == predictor.predict([])
    with pytest.raises(PictureError, match="can be one picture with its channels first"):
        session.Run(run).predict(picture.transpose(2, 0, 1))
    with pytest.raises(PictureError, match=r"picture 2: pixels of type int64"):
        predictor.predict([picture, picture.astype(np.int64)])


def _png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def test_a_predictor_travels_as_its_file(path: Path, model: Any, pixels: list[np.ndarray]) -> None:
    predictor = Predictor.open(path, device="cpu", onnx=False)
    again = pickle.loads(pickle.dumps(predictor))
    assert (again.predict(pixels[0])[0].probabilities == predictor.predict(pixels[0])[0].probabilities).all()
    assert again.onnx is None and str(again.device) == "cpu" and len(pickle.dumps(predictor)) < 500
    with pytest.raises(ModelError, match=r"is in this process alone and cannot be pickled; save it, and open the file"):
        pickle.dumps(Predictor(None, dataclasses.replace(FACTS, net=str(model.net)), provided=model))
