"""Momentum against torch's own, Muon against the singular vectors it stands for and the formula written out."""

from __future__ import annotations

import subprocess
import sys
from tempfile import TemporaryDirectory

import pytest
import torch
from tests.configs import config
from torch import nn

from striate.engine.momentum import Momentum, orthogonal
from striate.engine.optimise import optimiser
from striate.model.build.model import build
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
    ours = Momentum(groups, lr=0.05, momentum=0.6)
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
        for group in optimiser(model, config(optimiser="muon", learning_rate=0.1, weight_decay=0.01)).param_groups
        for weight in group["params"]
    }
    assert kinds["conv1.weight"] == (False, 0.01)  # the first layer
    assert kinds["conv2.weight"] == kinds["conv4.weight"] == kinds["dense1.weight"] == (True, 0.01)
    assert kinds["conv3.weight"] == (False, 0.01)  # depthwise
    assert kinds["dense2.weight"] == (False, 0.01)  # what answers
    assert kinds["batchnorm1.weight"] == kinds["dense2.bias"] == (False, 0.0)
    assert len(kinds) == len(named)


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.9, True), (0.9, False), (0.0, True)])
def test_plain_steps_are_torchs_to_the_bit(momentum: float, nesterov: bool) -> None:
    generator = torch.Generator().manual_seed(3)
    shapes = [(8, 3, 3, 3), (8,), (5, 40), (1,)]
    ours, theirs = ([nn.Parameter(torch.full(shape, 0.5)) for shape in shapes] for _ in range(2))

    def groups(weights: list[nn.Parameter]) -> list[dict[str, object]]:
        return [{"params": weights[::2], "weight_decay": 5e-4}, {"params": weights[1::2], "weight_decay": 0.0}]

    mine = Momentum(groups(ours), lr=0.05, momentum=momentum, nesterov=nesterov)
    torchs = torch.optim.SGD(
        groups(theirs), lr=0.05, momentum=momentum, nesterov=nesterov and momentum > 0, foreach=True
    )
    for step in range(5):
        for one, other in zip(ours, theirs, strict=True):
            one.grad = torch.randn(one.shape, generator=generator)
            other.grad = one.grad.clone()
        if step == 3:
            ours[0].grad = theirs[0].grad = None  # a weight that no path reached
        mine.step()
        torchs.step()
        mine.zero_grad()
        assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))
        assert all(one.grad is None for one in ours)


def test_a_training_does_not_import_torchs_compiler() -> None:
    code = (
        "import sys, striate; striate.train('digits', epochs=1, device='cpu'); import torch;"
        "print([name for name in ('torch._dynamo', 'torch._inductor', 'sympy') if name in sys.modules])"
    )
    with TemporaryDirectory() as folder:
        done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
