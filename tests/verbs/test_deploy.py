"""An artefact is written whole, with its note, once its answers are known; and not at all otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from tests.models_of_tasks import MAKERS

from striate.errors import ExportError
from striate.export import onnx_target, parity_pictures
from striate.export.onnx_target import open_onnx
from striate.export.parity import Asker
from striate.export.targets import TARGETS, Target
from striate.recipe import Recipe
from striate.runs.predictor import Predictor
from striate.verbs import deploy as verb
from striate.verbs import export as exporting
from striate.verbs.deploy import deploy
from striate.verbs.train import train
from striate.verbs.workspace import Workspace


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer pictures than a person's are compared on, but where all are asked for."""
    monkeypatch.setattr(parity_pictures, "MADE", 20)


def files(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def test_all_two_hundred_pictures_are_compared_and_the_table_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parity_pictures, "MADE", 200)
    model = MAKERS["tag"](tmp_path / "tags.safetensors")
    done = deploy(model=model, any_size=True)
    assert done.path == tmp_path / "tags.deployed.any-size.onnx" and done.note.name == f"{done.path.name}.json"
    assert done.table is not None and done.table.pictures >= 232 and done.table.holds
    told = json.loads(done.note.read_text())
    assert told["parity"] == done.table.to_dict() and told["files"] == [done.path.name]
    assert told["names"] == ["sea", "sky", "snow", "sun"] and told["task"] == "tag"
    assert told["input"]["shape"] == [1, "height", "width", 3] and told["input"]["type"] == "uint8"
    assert set(told["outputs"]) == {"probabilities", "said"} == set(done.outputs)
    kinds = {row["kind"] for row in told["parity"]["kinds"]}
    assert kinds == {*parity_pictures.KINDS, "photographs"}
    lines = str(done.table).splitlines()
    assert lines[0].split() == ["pictures", "same", "answer", "probabilities"] and lines[-1].startswith("allowed")
    assert onnx.load(done.path).producer_name == "striate"


def test_a_copy_that_says_something_else_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = MAKERS["classify"](tmp_path / "model.safetensors")

    def bent(place: Path) -> Asker:
        asked = open_onnx(place)

        def ask(pixels: np.ndarray[Any, Any]) -> Mapping[str, Any]:
            said = dict(asked(pixels))
            said["probabilities"] = said["probabilities"] + (pixels.mean() > 128) * np.float32(0.01)
            return said

        return ask

    monkeypatch.setattr(onnx_target, "open_onnx", bent)
    with pytest.raises(
        ExportError, match=r"probabilities differ by up to 1\.0e-02 \(allowed: 1e-04\); the worst pict"
    ) as why:
        deploy(model=model)
    assert "the same answer; probabilities by 1.0e-02" in str(why.value) and files(tmp_path) == ["model.safetensors"]
    monkeypatch.undo()
    monkeypatch.setattr(parity_pictures, "MADE", 20)
    monkeypatch.setattr(
        onnx_target,
        "open_onnx",
        lambda place: lambda pixels: {**open_onnx(place)(pixels), "class": np.full(len(pixels), 2)},
    )
    with pytest.raises(
        ExportError, match=r"\d+ of \d+ pictures get another answer; the worst picture is .*: another answer"
    ):
        deploy(model=model)
    assert files(tmp_path) == ["model.safetensors"]


def test_not_a_number_is_a_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = MAKERS["count"](tmp_path / "model.safetensors")

    def ask(place: Path) -> Asker:
        return lambda pixels: {**open_onnx(place)(pixels), "counts": np.full((len(pixels), 2), np.nan, np.float32)}

    monkeypatch.setattr(onnx_target, "open_onnx", ask)
    with pytest.raises(ExportError, match="counts differ by up to nan"):
        deploy(model=model)


def test_nothing_of_others_is_written_over_and_wrong_names_are_refused(tmp_path: Path) -> None:
    model = MAKERS["classify"](tmp_path / "model.safetensors")
    other = tmp_path / "other.onnx"
    other.write_bytes(b"somebody's")
    for output, says in (
        (other, "is there already and is not ours"),
        (tmp_path / "x.pt", "ends in .pt: what --to onnx writes is a .onnx"),
        (tmp_path / "no" / "x.onnx", "there is no folder"),
    ):
        with pytest.raises(ExportError, match=says):
            deploy(model=model, output=output)
    assert other.read_bytes() == b"somebody's"
    first = deploy(model=model).path.read_bytes()
    assert deploy(model=model).path.read_bytes() == first  # over its own, and the same bytes
    with pytest.raises(ExportError, match="there is no target 'onx'; did you mean onnx"):
        deploy(model=model, to="onx")
    with pytest.raises(ExportError, match="name a run, not a model file"):
        deploy(model=model, int8=True)


def test_what_is_not_installed_and_what_a_target_cannot_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = MAKERS["classify"](tmp_path / "model.safetensors")
    lacking = Target("lacking", ".x", "", "nowhere", packages=("no_such_package",), extra="lacking")
    monkeypatch.setitem(TARGETS, "lacking", lacking)
    with pytest.raises(ExportError, match=r"needs no_such_package, .*: pip install 'striate\[lacking\]'"):
        deploy(model=model, to="lacking")
    with pytest.raises(ExportError, match="--to lacking has no any size; it is there for onnx"):
        deploy(model=model, to="lacking", any_size=True)
    with pytest.raises(ExportError, match="--to lacking has no int8"):
        deploy(model=model, to="lacking", int8=True)
    monkeypatch.setitem(TARGETS, "blind", replace(TARGETS["onnx"], asked=False))
    done = deploy(model=model, to="blind")
    assert done.table is None and "nothing is known" in json.loads(done.note.read_text())["parity"]


def test_boxes_are_the_same_graph_under_their_name(tmp_path: Path) -> None:
    model = MAKERS["detect"](tmp_path / "model.safetensors")
    done = deploy(model=model, boxes=True)
    assert done.path.name == "model.boxes.onnx" and set(done.outputs) == {"boxes", "classes", "scores", "pictures"}
    assert done.table is not None and done.table.same == done.table.pictures > 20
    with pytest.raises(ExportError, match="boxes are decoded in float32"):
        deploy(model=model, boxes=True, any_size=True)
    with pytest.raises(ExportError, match="only boxes are decoded by --boxes"):
        deploy(model=MAKERS["count"](tmp_path / "count.safetensors"), boxes=True)


def test_int8_is_the_runs_own_measured_and_refused_over_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Workspace(tmp_path)
    run = train(Recipe(source="digits", epochs=1, threads=1), workspace=work)
    plain = deploy(run.name, workspace=work)
    assert plain.table is not None and plain.table.holds
    assert "the run's own" in {row.kind for row in plain.table.rows}
    with monkeypatch.context() as patch:
        patch.setattr(exporting, "MOST_LOST", -1.0)
        with pytest.raises(ExportError, match="would be lost, so it was not written"):
            deploy(run.name, int8=True, workspace=work)
    assert not [one for one in files(run.path) if "int8" in one]
    done = deploy(run.name, int8=True, workspace=work)
    assert done.path.name == "model.deployed.int8.onnx" and "int8 is right on" in done.cost
    assert done.to_dict()["int8"] == done.cost and (run.path / "model.int8.onnx").is_file()
    kinds = {one.data_type for one in onnx.load(done.path).graph.initializer if len(one.dims) == 4}
    assert kinds == {onnx.TensorProto.INT8}
    pixels = Predictor.open(run.model_path).preprocess.pixels(np.full((8, 8), 9, np.uint8))
    small, wide = (open_onnx(one.path)(pixels[None]) for one in (done, plain))
    assert not np.array_equal(small["probabilities"], wide["probabilities"])
    assert verb.TARGETS["onnx"].int8
