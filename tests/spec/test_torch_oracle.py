"""The spec room's arithmetic against PyTorch: random nets are built and run, and what they say is measured.

What a position sees is measured by gradients: weights are made positive, whatever picks or bends (max, tanh, norms
over positions) is made to pass on or to average, in float64, and then a pixel has a gradient exactly when a path leads
from it. Every check runs on a few hundred nets here and on thousands in the slow suite.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, assume, given, settings
from numpy.typing import NDArray
from tests.strategies import cases, loose_cases
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from striate import spec
from striate.errors import DescribeError, FitError, ShapeError
from striate.model.build.execution_plan import JOINS
from striate.model.build.layer_modules import module_for
from striate.model.build.model import Model, build
from striate.model.build.modules import GlobalPool, LocalResponseNorm, MinPool, Rbf, ScaledTanh, TableConv
from striate.spec import Net, Shape
from striate.spec.branches import Branches
from striate.spec.survey import Survey

Mask = NDArray[np.bool_]
Case = tuple[Net, Shape]


def often(strategy: Any, *, few: int, many: int) -> Callable[[Callable[[Case], None]], Any]:
    """Run a check on drawn cases: ``few`` in the ordinary suite, ``many`` in the slow one; the same ones every time."""

    def decorate(check: Callable[[Case], None]) -> Any:
        def run(examples: int) -> None:
            settings(
                max_examples=examples,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
                phases=(Phase.generate,),  # to shrink takes minutes; the first case that fails says enough
                report_multiple_bugs=False,
            )(given(strategy)(check))()

        @pytest.mark.parametrize("examples", [few, pytest.param(many, marks=pytest.mark.slow)])
        def test(examples: int) -> None:
            run(examples)

        test.__doc__ = check.__doc__
        return test

    return decorate


def is_small(case: Case) -> bool:
    """Whether its maps stay small: enlarging layers within repeats can fill the memory."""
    return case[0].on(case[1], fit="floor").memory_bytes < 1_000_000


# -- shapes, parameters, multiply-accumulates ----------------------------------------------------------------------


def counted_macs(module: nn.Module, given: Tensor, output: Tensor) -> int:
    """Weights times the positions each is used at, from the tensors that really went in and came out."""
    if isinstance(module, nn.ConvTranspose2d):
        return module.weight.numel() * prod(given.shape[2:])
    if isinstance(module, nn.Conv2d | TableConv):
        return module.weight.numel() * prod(output.shape[2:])
    if isinstance(module, nn.Linear):
        return module.weight.numel()
    return module.prototypes.numel() if isinstance(module, Rbf) else 0


@often(cases().filter(is_small), few=200, many=2000)
def test_every_row_is_what_the_built_module_does(case: Case) -> None:
    """Output shapes, trained and fixed parameters and MACs, part by part; the names of the parts; the totals."""
    net, shape = case
    survey = net.on(shape, fit="floor")
    model = build(net, shape).eval()
    macs: dict[str, int] = {}
    modules = dict(model.named_modules())
    for path, _ in net.parts():

        def count(module: nn.Module, args: tuple[Tensor, ...], output: Tensor, path: str = path) -> None:
            macs[path] = counted_macs(module, args[0], output)

        modules[path].register_forward_hook(count)
    with torch.no_grad():
        logits, taps = model.forward_with(torch.randn(2, *shape), [row.path for row in survey.rows])
    assert tuple(logits.shape[1:]) == tuple(survey.output or ())
    for row in survey.rows:
        assert tuple(taps[row.path].shape) == (2, *row.output), row
        assert row.memory_bytes == taps[row.path][0].numel() * 4, row
        module = modules.get(row.path, nn.Identity())  # a join has none
        assert row.parameters == sum(p.numel() for p in module.parameters() if p.requires_grad), row
        assert row.fixed == (module.prototypes.numel() if isinstance(module, Rbf) else 0), row
        assert row.macs == macs.get(row.path, 0), row
    assert survey.parameters == sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert [row.path for row in survey.rows if row.path in modules] == [path for path, _ in net.parts()]
    if not any(isinstance(module, TableConv | Rbf) for module in modules.values()):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model._full.run(torch.randn(1, *shape))
        assert 2 * survey.macs == counter.get_total_flops()


# -- refusals ------------------------------------------------------------------------------------------------------


def just_run(net: Net, value: Tensor) -> Tensor:
    """Let torch do what the net says, asking nobody whether it can be: shapes come from the tensors themselves."""
    if isinstance(net, spec.Row):
        for part in net.nets:
            value = just_run(part, value)
        return value
    if isinstance(net, spec.Repeat):
        for _ in range(net.count):
            value = just_run(net.net, value)
        return value
    if isinstance(net, spec.Named):
        return just_run(net.net, value)
    if isinstance(net, spec.AuxHead):
        just_run(net.net, value)
        return value
    if isinstance(net, Branches):
        given = [just_run(branch, value) for branch in net.nets]
        if not isinstance(net, spec.Concat):
            same = all(each.shape == given[0].shape for each in given)
            small = isinstance(net, spec.Multiply) and all(each.shape[1] == given[0].shape[1] for each in given)
            if not same and not small:
                raise Stricter("torch would spread one over the other")
        return JOINS[type(net)](*given)
    assert isinstance(net, spec.Layer)
    if isinstance(net, spec.Dense) and value.dim() != 2:
        raise Stricter("torch would take the last axis of a map")
    if isinstance(net, spec.Head) and net.out is None:
        raise Stricter("nobody said how many classes")
    if isinstance(net, spec.LayerNorm) and value.shape[1] == 1:
        raise Stricter("torch would make 0 of every value")
    if isinstance(net, spec.PadChannels) and value.shape[1] > net.out:
        raise Stricter("torch would cut channels off")
    if isinstance(net, spec.SpatialDropout | spec.LocalResponseNorm) and value.dim() != 4:
        raise Stricter("torch has a meaning of its own for a flat vector")
    value = module_for(net, Shape(*value.shape[1:])).eval()(value)
    if not value.numel():
        raise Stricter("torch would go on with a map of no positions")
    return value


class Stricter(Exception):  # noqa: N818
    """Torch would run it, and mean something else."""


@often(loose_cases(), few=300, many=8000)
def test_spec_refuses_what_torch_cannot_run_and_nothing_else(case: Case) -> None:
    net, shape = case
    try:
        with torch.no_grad():
            ran = tuple(just_run(net, torch.randn(1, *shape)).shape[1:])
    except Exception as error:
        refused: Exception | None = error
    else:
        refused = None
    try:
        survey = net.on(shape, fit="floor")
    except DescribeError as error:
        assert refused is not None, f"torch runs it: {net} on {shape} gives {ran}; spec says: {error}"
        assert isinstance(error, ShapeError | FitError)
    else:
        assert refused is None, f"torch refuses {net} on {shape}: {refused!r}"
        assert survey.output is not None and tuple(survey.output) == ran


# -- what is seen --------------------------------------------------------------------------------------------------


def laid_open(net: Net, shape: Shape) -> Model:
    """The built model, changed so that a gradient flows exactly where a path leads."""
    model = build(net, shape).double().eval()
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.MaxPool2d):  # and MinPool, which is one
            module.forward = lambda given, module=module: functional.avg_pool2d(  # type: ignore[method-assign,misc,assignment]
                given, module.kernel_size, module.stride, module.padding, module.ceil_mode, False
            )
        elif isinstance(module, GlobalPool):
            module.kind = "average"
        elif isinstance(module, TableConv):
            # Which channels a table leaves out is not what the survey tells of: positions are.
            weight = 0.5 + torch.rand(module.outputs, module.inputs, *module.kernel, generator=generator).double()
            module.forward = lambda given, module=module, weight=weight: (  # type: ignore[method-assign,misc]
                functional.conv2d(functional.pad(given, module.sides), weight, None, module.stride, 0, module.dilation)
                + 0.1
            )
        elif isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            # Scaled by the fan-in, so that no value leaves the numbers; shifted, so that no factor is 0 at an edge.
            drawn = 0.5 + torch.rand(module.weight.shape, generator=generator)
            module.weight.data = (drawn / module.weight[0].numel()).double()
            module.register_forward_hook(lambda module, given, output: output + 0.1)
        elif isinstance(module, BENT):
            module.forward = lambda given: given  # type: ignore[method-assign]
    return model


BENT = (
    nn.ReLU, nn.LeakyReLU, nn.Tanh, ScaledTanh, nn.Sigmoid, nn.GELU, nn.SiLU, nn.Softmax,
    nn.ReLU6, nn.Hardsigmoid, nn.Hardswish, LocalResponseNorm, nn.GroupNorm, nn.LayerNorm,
)  # fmt: skip


def seen_from(value: Tensor, inputs: Tensor) -> Mask:
    """Which pixels (height, width) the sum of ``value`` depends on."""
    (gradient,) = torch.autograd.grad(value.sum(), inputs, retain_graph=True, allow_unused=True)
    if gradient is None:
        return np.zeros(inputs.shape[2:], bool)
    slope = gradient[0].abs().amax(0)
    return (slope > 1e-11 * slope.max()).numpy()  # type: ignore[no-any-return]


def as_mask(pixels: frozenset[tuple[int, int]], shape: Shape) -> Mask:
    mask = np.zeros(shape.size, bool)
    for pixel in pixels:
        mask[pixel] = True
    return mask


@often(cases().filter(is_small), few=200, many=2000)
def test_what_is_unseen_has_no_gradient_and_the_rest_has(case: Case) -> None:
    net, shape = case
    inputs = torch.ones(1, *shape, dtype=torch.float64, requires_grad=True)
    seen = seen_from(laid_open(net, shape)(inputs), inputs)
    unseen = net.on(shape, fit="floor").unseen
    if unseen is None:
        assert seen.all()
        net.on(shape)
        return
    assert unseen.of == seen.size
    assert unseen.positions == (~seen).sum()
    assert list(unseen.rows) == np.flatnonzero(~seen.any(1)).tolist()
    assert list(unseen.columns) == np.flatnonzero(~seen.any(0)).tolist()
    with pytest.raises(FitError):
        net.on(shape)


@often(cases().filter(is_small), few=200, many=2000)
def test_the_receptive_field_is_the_footprint_of_the_gradient(case: Case) -> None:
    """At the middle and at a corner of every map: the very pixels, and the window (size, jump, start) around them."""
    net, shape = case
    survey = net.on(shape, fit="floor")
    inputs = torch.ones(1, *shape, dtype=torch.float64, requires_grad=True)
    _, taps = laid_open(net, shape).forward_with(inputs, [row.path for row in survey.rows])
    # A factor that sees nothing but padding is 0, and so is every gradient through the product: nothing is measured.
    assume(all((taps[row.path] != 0).all() for row in survey.rows if row.layer.startswith("multiply")))
    sharp = True  # whether the window told is the very one seen, up to here
    for row in survey.rows:
        assert row.field is not None
        kind = row.layer.split()[0]
        sharp = sharp and kind not in BLURRED and not kind.startswith("global")
        height, width = row.output.size
        for y, x in {(height // 2, width // 2), (height - 1, 0)}:
            value = taps[row.path][0, :, y, x] if row.output.is_map else taps[row.path][0]
            measured = seen_from(value, inputs)
            told = as_mask(survey.footprint(row.path, y, x), shape)
            assert (measured == told).all(), (row.path, (y, x), measured.astype(int), told.astype(int))
            hulls = (np.flatnonzero(measured.any(1)), np.flatnonzero(measured.any(0)))
            spans = [reach.span(position) for reach, position in zip(row.field, (y, x), strict=True)]
            whole = all(first >= 0 and last < side for (first, last), side in zip(spans, shape.size, strict=True))
            for hull, reach, position, (first, last) in zip(hulls, row.field, (y, x), spans, strict=True):
                assert last - first + 1 <= reach.size
                if len(hull):
                    assert first <= hull[0] and hull[-1] <= last, row
                if sharp and whole:
                    assert (first, last) == (hull[0], hull[-1]), row
                    assert (first, reach.size) == (reach.start + position * reach.jump, last - first + 1), row


# What has no evenly moving window; and past a crop, padding may lie inside the picture, where the window tells pixels.
BLURRED = ("convtranspose", "upsample", "adaptiveavgpool", "flatten", "crop")


def rows_of(survey: Survey) -> dict[str, tuple[object, object, object]]:
    return {row.path: (row.field.size, row.field.jump, row.field.start) for row in survey.rows if row.field}


@pytest.mark.parametrize(
    ("text", "path", "size", "jump", "start"),
    [
        ("conv 1 3x3 >> maxpool 3x3 >> conv 1 2x2", "conv2", 8, 3, 0),
        ("conv 1 3x3 dilation 2 pad 2 >> conv 1 3x3 stride 2 pad 1", "conv2", 7, 2, -3),
        ("conv 1 3x3 pad 1 + conv 1 5x5 pad 2", "add1", 5, 1, -2),
        ("(conv 2 1x1 | conv 2 7x7 pad 3) >> maxpool 2x2", "maxpool1", 8, 2, -3),
        ("conv 1 3x3 >> crop 2 >> conv 1 3x3", "conv2", 5, 1, 2),
    ],
)
def test_fields_worked_by_hand(text: str, path: str, size: int, jump: int, start: int) -> None:
    survey = spec.parse(text).on(1, 24, 24, fit="floor")
    assert rows_of(survey)[path] == ((size, size), (jump, jump), (start, start))
    middle = next(row.output.size[0] for row in survey.rows if row.path == path) // 2
    inputs = torch.ones(1, 1, 24, 24, dtype=torch.float64, requires_grad=True)
    _, taps = laid_open(survey.net, Shape(1, 24, 24)).forward_with(inputs, [path])
    seen = np.flatnonzero(seen_from(taps[path][0, :, middle, middle], inputs).any(1))
    assert (seen[0], seen[-1]) == (start + jump * middle, start + jump * middle + size - 1)


# -- the oracle can fail -------------------------------------------------------------------------------------------


def test_the_gradient_tells_a_lost_row_from_a_seen_one() -> None:
    inputs = torch.ones(1, 1, 7, 7, dtype=torch.float64, requires_grad=True)
    seen = seen_from(laid_open(spec.Conv(2, 3, stride=3), Shape(1, 7, 7))(inputs), inputs)
    assert seen[:6, :6].all() and not seen[6].any() and not seen[:, 6].any()


def test_the_opened_model_keeps_windows_and_paths() -> None:
    net = spec.MaxPool(2) >> spec.MinPool(2) >> spec.GlobalMaxPool()
    model = laid_open(net, Shape(1, 4, 4))
    assert isinstance(dict(model.named_modules())["minpool1"], MinPool)
    ramp = torch.arange(16.0, dtype=torch.float64).view(1, 1, 4, 4)
    assert float(model(ramp)) == 7.5
