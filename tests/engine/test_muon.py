"""Muon against the singular vectors it stands for, and against the formula written out."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from striate.engine.muon import Muon, orthogonal
from striate.engine.optimise import optimiser
from striate.model.build import build
from striate.recipe import Recipe
from striate.spec import Shape, parse

NET = parse(
    "conv 8 3x3 pad 1 no bias >> batchnorm >> relu >> conv 16 3x3 pad 1 no bias >> maxpool 2 >> batchnorm >> relu"
    ">> conv 16 3x3 groups 16 pad 1 no bias >> batchnorm >> conv 24 1x1 >> batchnorm"
    ">> (conv 24 1x1 no bias + identity) >> batchnorm >> globalavgpool >> flatten >> dense 12 no bias >> dense 5"
)


@pytest.mark.parametrize("shape", [(16, 72), (72, 16), (5, 5)])
def test_the_step_has_the_gradients_singular_vectors_and_values_near_one(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    turned = torch.diag(left.T @ orthogonal(matrix) @ right.T)
    # Three rounds of the quintic bring what is not hopelessly small next to 1.
    clear = values > 0.15 * values.max()
    assert clear.sum() > 3
    assert ((turned > 0.5) & (turned < 1.4))[clear].all()
    rest = left.T @ orthogonal(matrix) @ right.T - torch.diag(turned)
    assert rest.abs().max() < 0.05


def test_steps_are_the_formula() -> None:
    generator = torch.Generator().manual_seed(2)
    matrix, plain = (nn.Parameter(torch.randn(6, 3, 3, 3, generator=generator)) for _ in range(2))
    expected = [weight.detach().clone() for weight in (matrix, plain)]
    momenta = [torch.zeros_like(weight) for weight in expected]
    groups = [{"params": [matrix], "weight_decay": 0.1, "matrix": True}, {"params": [plain], "weight_decay": 0.1}]
    ours = Muon(groups, lr=0.05, momentum=0.6)
    for _ in range(3):
        for number, weight in enumerate((matrix, plain)):
            weight.grad = torch.randn(weight.shape, generator=generator)
            gradient = weight.grad + (0.1 * expected[1] if number else 0)
            momenta[number] = 0.6 * momenta[number] + gradient
            step = gradient + 0.6 * momenta[number]
            if not number:
                expected[0] *= 1 - 0.05 * 0.1
            expected[number] -= 0.05 * (step if number else orthogonal(step.view(6, 27)).view_as(step))
        ours.step()
    for weight, wanted in zip((matrix, plain), expected, strict=True):
        torch.testing.assert_close(weight.detach(), wanted)


def test_only_hidden_layers_move_as_matrices() -> None:
    model = build(NET, Shape(3, 16, 16))
    named = {id(parameter): name for name, parameter in model.named_parameters()}
    kinds = {
        named[id(weight)]: (group["matrix"], group["weight_decay"])
        for group in optimiser(model, Recipe(optimiser="muon", learning_rate=0.1, weight_decay=0.01)).param_groups
        for weight in group["params"]
    }
    assert kinds["conv1.weight"] == (False, 0.01)  # the first layer
    assert kinds["conv2.weight"] == kinds["conv4.weight"] == kinds["dense1.weight"] == (True, 0.01)
    assert kinds["conv3.weight"] == (False, 0.01)  # depthwise
    assert kinds["dense2.weight"] == (False, 0.01)  # what answers
    assert kinds["batchnorm1.weight"] == kinds["dense2.bias"] == (False, 0.0)
    assert len(kinds) == len(named)
