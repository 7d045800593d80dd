"""Every target by every task: what it says is what `striate predict` says; one that is not installed is skipped."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from tests.models_of_tasks import MAKERS, classes

from striate.errors import ExportError
from striate.export.deployed import Deployment
from striate.export.parity import measure
from striate.export.parity_pictures import Sample, made
from striate.export.targets import TARGETS
from striate.runs.predictor import Predictor

OTHERS = [name for name, target in TARGETS.items() if name != "onnx" and target.asked]


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return [one for one in made(22) if one.kind != "huge"]


def installed(name: str) -> None:
    try:
        TARGETS[name].check_installed()
    except ExportError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("task", MAKERS)
@pytest.mark.parametrize("name", OTHERS)
def test_it_says_what_predict_says(name: str, task: str, samples: list[Sample], tmp_path: Path) -> None:
    installed(name)
    target, predictor = TARGETS[name], Predictor.open(MAKERS[task](tmp_path / "model.safetensors"))
    deployment, place = Deployment(predictor, whole=target.whole), tmp_path / f"it{target.suffix}"
    files = target.write(deployment, place)
    assert place in files and sorted(files) == sorted(one for one in tmp_path.iterdir() if one.stem == "it")
    table = measure(target.opened(place), predictor, deployment.outputs, samples, any_size=False, many=target.many)
    assert table.holds and table.pictures == len(samples), str(table)


@pytest.mark.parametrize("name", [name for name in ("torch", "openvino") if name in OTHERS])
def test_wide_embeddings_too(name: str, samples: list[Sample], tmp_path: Path) -> None:
    installed(name)
    target = TARGETS[name]
    predictor = Predictor.open(classes(tmp_path / "model.safetensors", wide=True))
    deployment, place = Deployment(predictor), tmp_path / f"it{target.suffix}"
    target.write(deployment, place)
    table = measure(target.opened(place), predictor, deployment.outputs, samples[:9], any_size=False, many=True)
    assert table.holds


def test_an_exported_program_holds_no_pickle(tmp_path: Path) -> None:
    predictor = Predictor.open(MAKERS["tag"](tmp_path / "model.safetensors"))
    TARGETS["torch"].write(Deployment(predictor), tmp_path / "it.pt2")
    with zipfile.ZipFile(tmp_path / "it.pt2") as archive:
        for name in archive.namelist():
            start = archive.read(name)[:4]
            assert not start.startswith((b"PK", b"\x80\x02", b"\x80\x04")), name


def test_no_target_is_imported_before_it_is_asked_for() -> None:
    assert all(target.module.startswith("striate.export.") for target in TARGETS.values())
    assert [name for name, target in TARGETS.items() if target.any_size] == ["onnx"]


@pytest.mark.parametrize("task", MAKERS)
def test_a_package_for_core_ml_is_converted(task: str, tmp_path: Path) -> None:
    installed("coreml")
    target, predictor = TARGETS["coreml"], Predictor.open(MAKERS[task](tmp_path / "model.safetensors"))
    (place,) = target.write(Deployment(predictor, whole=target.whole), tmp_path / "it.mlpackage")
    assert sorted(one.name for one in place.iterdir()) == ["Data", "Manifest.json"]
