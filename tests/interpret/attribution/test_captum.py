"""Our methods against Captum's, on nets that both are given: gradients, maps and falls agree to 1e-4."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from striate.interpret.attribution.cam import grad_cam, layer_cam, maps, spread
from striate.interpret.attribution.modified_backprop import deconvolution, guided_backpropagation
from striate.interpret.attribution.occlusion import occlusion
from striate.interpret.attribution.path import integrated_gradients
from striate.interpret.torch_probe import TorchProbe
from striate.model.build.model import Model
from striate.spec import Shape, parse
from striate.tasks.class_question import ClassQuestion

attr = pytest.importorskip("captum.attr")

NETS = {
    "gray": (
        "conv 6 5x5 pad 2 >> relu >> maxpool 2 >> conv 8 3x3 pad 1 >> relu >> maxpool 2 >> flatten "
        ">> dense 20 >> relu >> dense 5",
        (1, 20, 20),
        "relu2",
    ),
    "residual": (
        "conv 8 3x3 pad 1 >> batchnorm >> relu >> ((conv 8 3x3 pad 1 >> batchnorm >> relu >> conv 8 3x3 pad 1) "
        "+ identity >> relu) >> maxpool 2 >> conv 12 3x3 pad 1 >> relu >> globalavgpool >> flatten >> dense 4",
        (3, 24, 18),
        "relu3",
    ),
}


def made(name: str) -> TorchProbe:
    import numpy as np

    text, shape, _ = NETS[name]
    draws = np.random.default_rng(3)
    pixels = draws.integers(0, 256, (*shape[1:], shape[0]), dtype=np.uint8)
    probe = TorchProbe.untrained(parse(text), Shape(*shape), pixels[..., 0] if shape[0] == 1 else pixels, seed=2)
    with torch.no_grad():  # biases and norms that do something
        for tensor in probe.model.parameters():
            tensor.add_(0.1 * torch.randn(tensor.shape, generator=torch.Generator().manual_seed(tensor.numel())))
    return probe


class Probe(nn.Module):
    """What Captum is given: the net with the question as its only output."""

    def __init__(self, model: Model, question: ClassQuestion) -> None:
        super().__init__()
        self.model, self.question = model, question

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.question.score(self.model(inputs))[:, None]


CASES = [
    ("gray", ClassQuestion(1)),
    ("gray", ClassQuestion(0, 3)),
    ("residual", ClassQuestion(1)),
    ("residual", ClassQuestion(3, 0)),
]
close = {"rtol": 1e-4, "atol": 1e-5}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("name", "question"), CASES)
class TestCaptum:
    def test_guided_backpropagation(self, name: str, question: ClassQuestion) -> None:
        probe = made(name)
        own = guided_backpropagation(probe.model, probe.inputs, question)
        theirs = attr.GuidedBackprop(Probe(probe.model, question)).attribute(
            probe.inputs.clone().requires_grad_(), target=0
        )
        assert theirs.abs().max() > 1e-3
        torch.testing.assert_close(own, theirs[0].detach(), **close)

    def test_integrated_gradients(self, name: str, question: ClassQuestion) -> None:
        probe = made(name)
        base = torch.full_like(probe.inputs, 0.2)
        own, _ = integrated_gradients(probe.model, probe.inputs, question, baseline=base, steps=20)
        theirs = attr.IntegratedGradients(Probe(probe.model, question)).attribute(
            probe.inputs.clone().requires_grad_(), base, target=0, n_steps=20, method="gausslegendre"
        )
        torch.testing.assert_close(own, theirs[0].float().detach(), **close)

    def test_grad_cam(self, name: str, question: ClassQuestion) -> None:
        probe, part = made(name), NETS[name][2]
        own = grad_cam(maps(probe.model, probe.inputs, question, [part])[0])
        asked = Probe(probe.model, question)
        theirs = attr.LayerGradCam(asked, probe.model.get_submodule(part)).attribute(
            probe.inputs, target=0, relu_attributions=True
        )
        assert theirs.max() > 1e-3
        torch.testing.assert_close(own, theirs[0, 0].detach(), **close)
        size = tuple(probe.inputs.shape[2:])
        wide = attr.LayerAttribution.interpolate(theirs, size, "bilinear")[0, 0].detach()
        torch.testing.assert_close(spread(own, *size), wide, **close)

    def test_occlusion(self, name: str, question: ClassQuestion) -> None:
        probe = made(name)
        own = occlusion(probe.model, probe.inputs, question, window=5, stride=3)
        base = probe.inputs.mean((2, 3), keepdim=True).expand_as(probe.inputs)
        channels = probe.inputs.shape[1]
        theirs = attr.Occlusion(Probe(probe.model, question)).attribute(
            probe.inputs, (channels, 5, 5), (channels, 3, 3), base, target=0
        )
        torch.testing.assert_close(own, theirs[0, 0].float().detach(), **close)

    def test_deconvolution(self, name: str, question: ClassQuestion) -> None:
        probe, part = made(name), NETS[name][2]
        _, seen = probe.model.forward_with(probe.inputs, [part])
        row, column = divmod(int(seen[part][0, 3].argmax()), seen[part].shape[3])
        own = deconvolution(probe, part, 3)

        class Unit(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.model = probe.model

            def forward(self, inputs: torch.Tensor) -> torch.Tensor:
                return self.model.forward_with(inputs, [part])[1][part][:, 3, row, column][:, None]

        theirs = attr.Deconvolution(Unit()).attribute(probe.inputs.clone().requires_grad_(), target=0)
        assert theirs.abs().max() > 1e-3
        torch.testing.assert_close(torch.from_numpy(own), theirs[0].detach(), **close)

    def test_integrated_gradients_are_complete(self, name: str, question: ClassQuestion) -> None:
        probe = made(name)
        parts, missing = integrated_gradients(probe.model, probe.inputs, question, steps=64)
        even = probe.inputs.mean((2, 3), keepdim=True).expand_as(probe.inputs)
        with torch.no_grad():
            rise = question.score(probe.model(probe.inputs)) - question.score(probe.model(even))
        assert abs(float(parts.sum() - rise)) < 0.01 * max(1.0, abs(float(rise)))
        assert abs(float(parts.double().sum()) - float(rise) - missing) < 1e-4

    def test_layer_cam_as_it_is_written(self, name: str, question: ClassQuestion) -> None:
        probe, part = made(name), NETS[name][2]
        at = maps(probe.model, probe.inputs, question, [part])[0]
        own, (channels, height, width) = layer_cam(at), at.values.shape
        for row in range(height):
            for column in range(width):
                total = sum(
                    max(0.0, float(at.gradients[channel, row, column])) * float(at.values[channel, row, column])
                    for channel in range(channels)
                )
                assert abs(max(0.0, total) - float(own[row, column])) < 1e-5


def test_rules_leave_no_trace() -> None:
    probe = made("residual")
    question = ClassQuestion(1)

    def plain() -> torch.Tensor:
        given = probe.inputs.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(question.score(probe.model(given)).sum(), given)
        return gradient

    before = plain()
    guided = guided_backpropagation(probe.model, probe.inputs, question)
    assert torch.equal(plain(), before)
    assert not torch.allclose(guided, before[0])
    assert not any(module._forward_hooks for module in probe.model.modules())
