"""The convolutions of ResNet-18 at 160 pixels, batches of 32, float32, each timed by itself: the profile of training.

What a step of the net cannot take less than, as torch convolves: forward, the gradient of the input (but of the first
layer's) and that of the weights, in channels-last, the median of nine each.
"""

import statistics
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from benchmarks import limit
from benchmarks.table import Result, Row

SIDE, BATCH, TIMES = 160, 32, 9


class Work(NamedTuple):
    """One kind of convolution: channels, kernel, stride, and the side of its input."""

    before: int
    after: int
    kernel: int
    stride: int
    side: int

    def __str__(self) -> str:
        return f"{self.before} to {self.after}, {self.kernel}x{self.kernel}, stride {self.stride}, {self.side} px"


def run(trials: int) -> Result:
    """Time every kind of convolution of the net."""
    counts = works()
    rows, total, rates = [], [0.0] * trials, [limit.rates()["float32"] for _ in range(trials)]
    for work, count in counts.items():
        times = [sum(seconds(work)) for _ in range(trials)]
        total = [sum(pair) for pair in zip(total, (count * each for each in times), strict=True)]
        rows.append(Row(f"{count} of {work}: each", tuple(1000 * each for each in times), "ms"))
    operations = sum(count * useful(work) for work, count in counts.items())
    reached = tuple(100 * operations / 1e9 / each / max(rates) for each in total)
    return Result(
        (
            Row("the fastest kernel, float32", tuple(rates), "GFLOP/s", more=True),
            *rows,
            Row("all of a step", tuple(1000 * each for each in total), "ms"),
            Row("all of a step, as a rate of training", tuple(BATCH / each for each in total), "pictures/s", more=True),
            Row("their share of the machine's rate", reached, "%", more=True, ceiling=100.0),
        ),
        notes=("Forward, gradient of the input (but of the first) and gradient of the weights together.",),
    )


def works() -> Counter[Work]:
    """Return the convolutions of the net with how often each kind is there, in the net's order."""
    from striate import nets
    from striate.model.build.model import build
    from striate.spec import Shape

    found: Counter[Work] = Counter()

    def seen(module: nn.Conv2d, given: tuple[Tensor], _: Tensor) -> None:
        kernel, stride = module.kernel_size[0], module.stride[0]
        found[Work(module.in_channels, module.out_channels, kernel, stride, given[0].shape[-1])] += 1

    model = build(nets.resolve("resnet18").with_classes(2), Shape(3, SIDE, SIDE), seed=0).eval()
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(seen)
    with torch.no_grad():
        model(torch.zeros(1, 3, SIDE, SIDE))
    return found


def useful(work: Work) -> int:
    """Return the operations of one kind of convolution in a step: two a multiply-accumulate."""
    out = -(-work.side // work.stride)
    macs = BATCH * out * out * work.after * work.before * work.kernel**2
    return 2 * macs * (2 if work.before == 3 else 3)


def seconds(work: Work) -> list[float]:
    """Return the seconds forward, for the gradient of the input (0 for the first layer's) and for the weights'."""
    last = torch.channels_last
    inputs = torch.randn(BATCH, work.before, work.side, work.side).to(memory_format=last)
    weight = torch.randn(work.after, work.before, work.kernel, work.kernel).to(memory_format=last)
    pad = work.kernel // 2

    def forward() -> Tensor:
        return nn.functional.conv2d(inputs, weight, stride=work.stride, padding=pad)

    gradient = torch.randn_like(forward())

    def backward(*which: bool) -> object:
        return torch.ops.aten.convolution_backward(
            gradient, inputs, weight, [0], [work.stride] * 2, [pad] * 2, [1, 1], False, [0, 0], 1, [*which, False]
        )

    of_input = 0.0 if work.before == 3 else _median(lambda: backward(True, False))
    return [_median(forward), of_input, _median(lambda: backward(False, True))]


def _median(action: Callable[[], object]) -> float:
    action()
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return statistics.median(times)
