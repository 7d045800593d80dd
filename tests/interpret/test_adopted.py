"""Looking inside adopted modules: as nets every question; as code those that make sense, a clear line for others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tests.page_reader import whole as whole_page
from torch import Tensor, nn

import striate
from striate.errors import DescribeError
from striate.interpret.activations.receptive import effective_field
from striate.interpret.attribution.methods import METHODS
from striate.interpret.look import PartLook, PictureLook
from striate.verbs import why as reasons
from striate.verbs.adopt import Adopted
from striate.verbs.look import page

PIXELS = np.random.default_rng(3).integers(0, 256, (24, 20, 3), dtype=np.uint8)


def _plain() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3, padding=1, groups=2),
        nn.GELU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 4),
    )


class Branched(nn.Module):
    """Two branches and a shortcut, written in code; activations are functions, and in place."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.near, self.far = nn.Conv2d(6, 4, 1), nn.Conv2d(6, 4, 5, padding=2)
        self.join = nn.Conv2d(8, 6, 1)
        self.fc = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Any:
        x = torch.relu_(self.stem(x))
        x = x + self.join(torch.cat([self.near(x), self.far(x)], 1))
        return self.fc(torch.relu(x).mean((2, 3)))


class Gate(nn.Module):
    """A layer nobody else has."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(6))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gain.sigmoid()[:, None, None]


class Coded(nn.Module):
    """What no net can be: a layer of its own, a relu in place used twice, a weight used outside a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.norm = nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.relu, self.pool, self.gate = nn.ReLU(inplace=True), nn.MaxPool2d(2), Gate()
        self.conv2, self.fc = nn.Conv2d(6, 6, 3, padding=1), nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Any:
        x = self.gate(self.pool(self.relu(self.norm(self.conv1(x)))))
        x = self.relu(self.conv2(x) + x)
        return self.fc(x.mean((2, 3)))


class Functional(Coded):
    """The same, its activations no modules."""

    def __init__(self) -> None:
        super().__init__()
        del self.relu

    def forward(self, x: Tensor) -> Any:
        x = self.gate(self.pool(torch.relu(self.norm(self.conv1(x)))))
        return self.fc(torch.relu(self.conv2(x) + x).mean((2, 3)))


def _adopted(kind: Callable[[], nn.Module]) -> Adopted:
    torch.manual_seed(0)
    module = kind()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.running_mean, -1, 1)
            nn.init.uniform_(part.running_var, 0.5, 2)
    return striate.adopt(module, input=(3, 24, 20), classes=["ant", "bee", "cow", "emu"])


NETS, CODES = (_plain, Branched), (Coded, Functional)


@pytest.mark.parametrize("kind", [*NETS, *CODES], ids=lambda kind: kind.__name__)
def test_a_picture_a_part_and_a_channel(kind: Callable[[], nn.Module]) -> None:
    adopted = _adopted(kind)
    assert (adopted.why is None) == (kind in NETS)
    whole = adopted.look(PIXELS).value
    assert isinstance(whole, PictureLook) and whole.why is not None and whole.why.trust is not None
    assert str(whole.answer) == str(adopted.predict([PIXELS], unknown=False)[0])
    part = whole.stages[0].part
    for look in (whole, adopted.look(PIXELS, part=part).value, adopted.look(PIXELS, part=part, channel=2).value):
        whole_page(page(look))
    one = adopted.look(PIXELS, part=part, channel=2).value
    assert (
        isinstance(one, PartLook)
        and one.channel is not None
        and one.channel.feature_visualization.value > one.channel.feature_visualization.start
    )


@pytest.mark.parametrize("kind", [*NETS, *CODES], ids=lambda kind: kind.__name__)
def test_every_number_of_a_known_layer_is_what_the_module_computed(kind: Callable[[], nn.Module]) -> None:
    adopted = _adopted(kind)
    asked = 0
    for row in adopted.survey.rows:
        if row.layer == "Gate":
            with pytest.raises(DescribeError, match=r"gate is Gate: .* own code; these can be asked: conv1, norm, "):
                adopted.dot(PIXELS, row.path)
            continue
        found = adopted.dot(PIXELS, row.path)
        assert found.made.off < 1e-5, row.path
        asked += 1
    assert asked >= 5
    first = adopted.dot(PIXELS)
    assert first.made.layer.startswith("conv") and len(first.contributions.terms) == 27
    with pytest.raises(DescribeError, match=f"{first.made.part} has no place 30,0"):
        adopted.dot(PIXELS, first.made.part, 0, (30, 0))


def test_what_a_place_of_code_sees_is_measured() -> None:
    probe = _adopted(Coded).probe(PIXELS)
    seen = probe.receptive_field("conv1", 5, 7)
    assert seen.measured and seen.box == seen.unclipped == (4, 6, 7, 9)
    assert probe.receptive_field("conv1", 0, 0).box == (0, 0, 2, 2)
    assert effective_field(probe, "conv1", (5, 7)).seen == seen
    assert probe.receptive_field("conv2", 6, 5).box == (9, 7, 17, 15)  # 3x3 of pools of 2x2 of 3x3


def test_what_works_in_place_behind_a_part_does_not_change_what_is_seen_of_it() -> None:
    adopted = _adopted(Coded)
    probe = adopted.probe(PIXELS)
    module = adopted.module.eval()
    assert isinstance(module, Coded)
    with torch.no_grad():
        wanted = module.norm(module.conv1(probe.inputs))[0].numpy()
    np.testing.assert_allclose(probe.tap(["norm"])["norm"], wanted, atol=1e-6)
    assert wanted.min() < 0
    inputs = probe.inputs.clone().requires_grad_(True)
    logits, seen = probe.model.forward_with(inputs, ["norm"])
    (gradient,) = torch.autograd.grad(logits[0, 1], [seen["norm"]])  # the tap is on the way to the answer
    assert float(gradient.abs().max()) > 0
    torch.testing.assert_close(logits, module(probe.inputs))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_or_a_clear_line(method: str) -> None:
    for kind in CODES:
        probe = _adopted(kind).probe(PIXELS)
        if method == "guided-backpropagation" and kind is Functional:
            with pytest.raises(DescribeError, match="no activation of Functional is a module"):
                reasons.why(probe, method=method)
            continue
        found = reasons.why(probe, method=method, target="bee", against="cow").evidence
        assert found.heat.shape == (24, 20) and found.trust is not None
        assert found.trust.shuffled.parts[-1] == "module.conv1"


def test_a_class_against_itself_is_one_clear_error() -> None:
    probe = _adopted(_plain).probe(PIXELS)
    said = str(_adopted(_plain).predict(PIXELS)).split()[1].rstrip(",")
    others = ", ".join(name for name in probe.names if name != said)
    with pytest.raises(
        DescribeError, match=f"^'{said}' is what it says itself, and against itself .* such as {others}$"
    ):
        reasons.why(probe, against=said)
    with pytest.raises(DescribeError, match=r"^'bee' is the class asked about, and against itself"):
        reasons.why(probe, target="bee", against=1)
