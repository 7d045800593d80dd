"""What is held while a net is walked through: not more with more parts, as taps are taken and dropped."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import striate
from striate.interpret.activations.epoch_maps import small_maps, watched
from striate.interpret.activations.maps import feature_maps, stages
from striate.interpret.arithmetic.dot import dot
from striate.interpret.look import answered
from striate.interpret.torch_probe import TorchProbe
from striate.model.build.model import Model
from striate.spec import Shape, parse

PIXELS = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
MAP = 8 * 32 * 32 * 4  # bytes of what one part puts out


class Meter(TorchDispatchMode):
    """Counts the bytes of the tensors that torch makes within and that are still alive; ``most`` of them at once."""

    def __init__(self) -> None:
        super().__init__()
        self.alive: dict[int, int] = {}
        self.most = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        for each in tree_leaves(output):
            if isinstance(each, Tensor) and each._base is None:
                self.alive[id(each)] = each.nbytes
                weakref.finalize(each, self.alive.pop, id(each), None)
        self.most = max(self.most, sum(self.alive.values()))
        return output


def _most(work: Callable[[], Any]) -> int:
    with Meter() as meter:
        work()
    return meter.most


def _deep(parts: int) -> TorchProbe:
    body = " >> ".join(["conv 8 3x3 pad 1 >> batchnorm >> relu"] * parts)
    return TorchProbe.untrained(parse(f"{body} >> globalavgpool >> flatten >> dense 3"), Shape(3, 32, 32), PIXELS)


WALKS: dict[str, Callable[[TorchProbe], Any]] = {
    "stages": stages,
    "feature maps": lambda probe: feature_maps(probe, probe.survey.rows[-5].path),
    "answer": answered,
    "dot": lambda probe: dot(probe, probe.survey.rows[-5].path),
    "course": lambda probe: small_maps(probe.model, probe.pixels, watched(probe.model)),
}


@pytest.mark.parametrize("name", WALKS)
def test_more_parts_do_not_hold_more(name: str) -> None:
    few, many = (_most(lambda probe=probe: WALKS[name](probe)) for probe in (_deep(4), _deep(24)))
    assert MAP < few <= 8 * MAP
    assert many <= few + MAP // 8, "the weights' own copies"


def test_the_meter_sees_what_is_kept() -> None:
    probe = _deep(24)
    with torch.no_grad():
        kept = _most(lambda: list(probe.model.each(probe.inputs)))
    assert kept > 60 * MAP


def test_nor_does_somebodys_code() -> None:
    class Code(nn.Module):
        def __init__(self, parts: int) -> None:
            super().__init__()
            self.body = nn.ModuleList(nn.Conv2d(8 if part else 3, 8, 3, padding=1) for part in range(parts))
            self.fc = nn.Linear(8, 3)

        def forward(self, x: Tensor) -> Any:
            for part in self.body:
                x = part(x) if float(x.sum()) > -1e9 else x  # no net: its way depends on the picture
            return self.fc(x.mean((2, 3)))

    def held(parts: int) -> int:
        probe = striate.adopt(Code(parts), input=(3, 32, 32), classes=3).probe(PIXELS)
        assert probe.is_code and not isinstance(probe.model, Model)
        return _most(lambda: stages(probe))

    assert held(16) <= held(4) + MAP // 8
