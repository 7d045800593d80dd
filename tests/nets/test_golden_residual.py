"""The residual networks against the published implementations: entries, logits, and real weights to the picture."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor

from striate.model import tensorfile
from striate.model.build import Model, build
from striate.model.published import arrange
from striate.nets import CATALOG
from striate.spec import Shape


@pytest.fixture
def golden(shared: Path) -> ModuleType:
    """The module that fills the manifests; skipped where the folder is absent."""
    file = shared / "golden" / "weights.py"
    if not file.is_file():
        pytest.skip(f"needs the golden manifests at {file.parent}")
    module_spec = importlib.util.spec_from_file_location("golden_weights", file)
    assert module_spec is not None and module_spec.loader is not None
    module = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(module)
    return module


def filled(name: str, entries: dict[str, Tensor], side: int) -> Model:
    """The net of the catalogue with these entries, every one of them in its place."""
    entry = CATALOG[name]
    model = build(entry.function(entry.classes), Shape(3, side, side)).eval()
    own = {key: value for key, value in model.state_dict().items() if not key.startswith("input.")}
    arranged = arrange(entries, {key: tuple(value.shape) for key, value in own.items()}, entry.names, what=name)
    assert len(arranged) == len(entries)
    missing, unexpected = model.load_state_dict(arranged, strict=False)
    assert not unexpected
    assert {key.rpartition(".")[2] for key in missing} <= {"scale", "offset", "num_batches_tracked"}
    return model


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnet152", "mobilenet_v2"])
def test_the_published_logits(name: str, golden: ModuleType) -> None:
    manifest = golden.load(name)
    entries = {key: torch.from_numpy(np.asarray(value)) for key, value in golden.fill(manifest).items()}
    model = filled(name, entries, manifest["size"])
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == manifest["parameters"]
    survey = model.net.on(model.shape)
    assert survey.parameters == manifest["parameters"]
    assert round(survey.macs / 1e9, 3) == manifest["gmacs_published"]
    with torch.no_grad():
        logits = model(torch.from_numpy(golden.picture(manifest["size"])))
    expected = torch.tensor(manifest["logits"])
    assert float((logits[:, :20] - expected).norm() / expected.norm()) < 1e-4
    assert logits.sum(1).tolist() == pytest.approx(manifest["logits_sum"], rel=1e-4)


@pytest.mark.parametrize(("name", "right"), [("resnet20", 932), ("resnet56", 943)])
def test_trained_weights_answer_as_published(name: str, right: int, shared: Path) -> None:
    """91.6 and 92.7 % of the first 1,017 test pictures of CIFAR-10."""
    file = shared / "data" / "weights" / f"cifar10-{name}.safetensors"
    rows = np.fromfile(next((shared / "data" / "cifar10-test1017").glob("*.bin")), np.uint8).reshape(-1, 3073)
    assert len(rows) == 1017
    entries, _ = tensorfile.read(file)
    model = filled(name, entries, 32)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    pictures = (torch.from_numpy(rows[:, 1:].reshape(-1, 3, 32, 32)) / 255 - mean) / std
    with torch.no_grad():
        answers = torch.cat([model(batch).argmax(1) for batch in pictures.split(128)])
    assert int((answers == torch.from_numpy(rows[:, 0])).sum()) == right
