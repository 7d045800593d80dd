"""Our nets against the published ones: the same entries, the same parameters, the same answers.

A manifest lists the entries of a published checkpoint and what the published implementation answers for stand-in
weights that follow from their names (`weights.py` beside it).
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from tests.conftest import SHARED

from striate.model.build.model import Model, build
from striate.model.pretrained.key_mapping import arrange
from striate.nets import CATALOG
from striate.spec import Shape

GOLDEN = SHARED / "golden"
# A line a manifest; a manifest that is there and not here fails `test_every_manifest_is_here`.
NETS = [
    *("alexnet", "densenet121", "googlenet", "inception_v3", "mobilenet_v2"),
    *("resnet18", "resnet50", "resnet152", "vgg11", "vgg16_bn"),
]


@pytest.fixture(scope="module")
def weights() -> ModuleType:
    """`weights.py` of the golden folder."""
    if not GOLDEN.is_dir():
        pytest.skip(f"needs the manifests of published networks at {GOLDEN}")
    spec = importlib.util.spec_from_file_location("golden_weights", GOLDEN / "weights.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def empty(name: str, shape: Shape) -> Model:
    """The net of the catalogue as a module whose weights are nowhere yet: only their names and shapes."""
    with torch.device("meta"):
        return build(CATALOG[name].function(CATALOG[name].classes), shape)


def shapes(model: Model) -> dict[str, tuple[int, ...]]:
    """Every tensor that a publisher must give: all but our own scaling of the picture."""
    return {name: tuple(value.shape) for name, value in model.state_dict().items() if not name.startswith("input.")}


def test_every_manifest_is_here(weights: ModuleType) -> None:
    assert sorted(NETS) == sorted(path.stem for path in GOLDEN.glob("*.json"))


@pytest.mark.parametrize("name", NETS)
def test_the_published_network(name: str, weights: ModuleType) -> None:
    manifest: dict[str, Any] = weights.load(name, Path(GOLDEN))
    shape = Shape(3, manifest["size"], manifest["size"])
    survey = CATALOG[name].function(1000).on(shape)
    assert survey.parameters == manifest["parameters"]  # auxiliary heads too
    # The published figure counts neither auxiliary heads nor biases, norms and pooling.
    macs = sum(row.macs for row in survey.rows if not row.auxiliary)
    assert macs == pytest.approx(1e9 * manifest["gmacs_published"], rel=0.01)

    model = empty(name, shape)
    entries = {entry: torch.from_numpy(value) for entry, value in weights.fill(manifest).items()}
    arranged = arrange(entries, shapes(model), CATALOG[name].names, what=name)
    assert len(arranged) == len(entries)
    model.load_state_dict(arranged, strict=False, assign=True)
    assert not any(parameter.is_meta for parameter in model.parameters())
    with torch.inference_mode():
        logits = model.eval()(torch.from_numpy(weights.picture(manifest["size"])))
    told = torch.tensor(manifest["logits"])
    assert logits.shape == (2, 1000)
    assert (logits[:, :20] - told).abs().max() < 1e-4 * told.abs().max()
    sums = torch.tensor(manifest["logits_sum"])
    # A thousand logits of both signs may sum to nearly 0: then what float32 can tell of their sizes is the measure.
    assert ((logits.sum(1) - sums).abs() < 1e-4 * sums.abs() + 1e-6 * logits.abs().sum(1)).all()
