"""A model cut in two: together they are the whole, and what the rest learns the model has learnt."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from striate import nets
from striate.errors import DescribeError, ModelError
from striate.export.onnx_maps import MAPS, maps_graph
from striate.model.build.frozen_part import Cut, Rest
from striate.model.build.model import Model, build
from striate.runs.onnx_file import session
from striate.spec import Shape, parse
from striate.spec.pyramid import on_levels, trunk_path

SHAPE = Shape(3, 64, 96)


@pytest.fixture(scope="module")
def model() -> Model:
    net = on_levels(nets.resolve("resnet"), SHAPE, strides=(8, 16), width=16)
    return build(net, SHAPE, classes=7).eval()


def rows(cut: Cut, inputs: torch.Tensor) -> torch.Tensor:
    return cut.compute(inputs)[:, None, None]


def test_both_parts_are_the_whole(model: Model) -> None:
    cut = Cut(model, lambda path: trunk_path(path) is not None)
    inputs = torch.rand(2, *SHAPE, generator=torch.Generator().manual_seed(0))
    rest = Rest(cut)
    assert [str(shape) for shape in cut.maps] == ["64x8x12", "128x4x6", "256x2x3"]
    assert cut.width == 64 * 96 + 128 * 24 + 256 * 6
    with torch.no_grad():
        whole, embedding = model.embed(inputs)
        found, mine = rest.embed(rows(cut, inputs))
        assert torch.allclose(found, whole, atol=1e-4) and torch.allclose(mine, embedding, atol=1e-4)  # other layouts
        half = rest.normalise(
            torch.from_numpy(rows(cut, inputs).half().permute(0, 2, 3, 1).contiguous().numpy().view(np.uint8)).permute(
                0, 3, 1, 2
            )
        )
        assert torch.allclose(rest(half), whole, atol=0.01)


def test_what_the_rest_learns_the_model_has_learnt(model: Model) -> None:
    cut = Cut(model, lambda path: trunk_path(path) is not None)
    rest, names = Rest(cut), dict(model.named_parameters())
    assert all(parameter is names[name] for name, parameter in rest.named_parameters())
    assert {name for name, _ in rest.named_parameters()} == {
        name for name in names if trunk_path(name.rpartition(".")[0]) is None
    }
    inputs = torch.rand(1, 3, *SHAPE.size)
    with torch.no_grad():
        before = model(inputs)
        next(rest.parameters()).mul_(2)
        assert not torch.equal(model(inputs), before)
        assert torch.allclose(rest(rows(cut, inputs)), model(inputs), atol=1e-4)


def test_the_frozen_part_in_onnx_gives_the_same_maps(model: Model) -> None:
    cut = Cut(model, lambda path: trunk_path(path) is not None)
    tensors = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    content = maps_graph(
        model.net, SHAPE, tensors, cut.paths(), scale=tensors["input.scale"], offset=tensors["input.offset"]
    )
    pixels = np.random.default_rng(0).integers(0, 256, (2, *SHAPE.size, 3), np.uint8)
    (found,) = session(content, many=True, threads=1).run([MAPS], {"pixels": pixels})
    wanted = cut.compute(model.normalise(torch.from_numpy(pixels).permute(0, 3, 1, 2))).numpy()
    assert found.dtype == np.float16 and found.shape == wanted.shape
    assert np.abs(found - wanted).max() < 2e-3 * np.abs(wanted).max()


def test_what_cannot_be_cut_is_refused() -> None:
    net = build(parse("conv 2 3x3 >> flatten >> dense 2"), Shape(1, 4, 4))
    with pytest.raises(ModelError, match="every part of this net is frozen"):
        Cut(net, lambda path: True)
    sides = build(parse("conv 2 3x3 >> side 0.3 (flatten >> dense 2) >> flatten >> dense 2"), Shape(1, 4, 4))
    with pytest.raises(DescribeError, match="heads to the side"):
        Cut(sides, lambda path: path.startswith("conv"))
