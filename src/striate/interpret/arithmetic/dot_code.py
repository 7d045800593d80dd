"""How is one number of somebody's own code made? Of modules that are layers we know, term by term. Imports torch."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import DescribeError, StriateError
from striate.interpret.arithmetic.dot import CONTRIBUTIONS, Dot, Made, as_map, place_of
from striate.interpret.torch_probe import TorchProbe
from striate.model.adopt.wrapped_module import WrappedModule
from striate.spec import Layer, Shape, parse


def dot_in_code(
    probe: TorchProbe, part: str | None = None, channel: int | None = None, at: tuple[int, int] | None = None
) -> Dot:
    """Return how one number of a module within somebody's code was made, as `dot.dot` does for a net.

    What went into the module is caught on its way; what its code does between modules is not known, so nothing is said
    of what comes behind. Errors: DescribeError for a module that is no layer of ours, or more than one.

    Example: ``print(dot_in_code(code_probe, "0").contributions.formula)``
    """
    assert isinstance(probe.model, WrappedModule)
    path = probe.part(part) if part is not None else _first(probe)
    if path == "input":
        raise DescribeError("input is the picture itself: nothing made it; name a module, such as " + _first(probe))
    layer = _layer(probe, path)
    if layer is None:
        known = [row.path for row in probe.survey.rows if _layer(probe, row.path) is not None]
        raise DescribeError(
            f"{path} is {probe.rows[path].layer}: how it makes its numbers is in its own code; "
            + (f"these can be asked: {', '.join(known)}" if known else "none of its modules can be asked")
        )
    with torch.no_grad():
        given, output = (as_map(each[0].numpy()) for each in probe.model.through(probe.inputs, path))
    shape = probe.shape(path)
    place = place_of(probe, path, shape, output, channel, at)
    numbers = _numbers(probe.model.module.get_submodule(path))
    contributions = CONTRIBUTIONS[type(layer)](layer, numbers, given, place)
    return Dot(
        probe,
        Made(path, str(layer), contributions, float(output[place])),
        shape,
        place[0],
        (place[1], place[2]) if shape.is_map else None,
        ((f"what goes into {path}", Shape(*given.shape)),),
        (),
        probe.receptive_field(path, place[1], place[2]),
    )


def _numbers(module: nn.Module) -> dict[str, NDArray[Any]]:
    """Return a layer's numbers as it works with them: where a parametrisation makes its weights, those made."""
    numbers = {name: value.numpy() for name, value in module.state_dict().items()}
    for name in ("weight", "bias"):
        made = getattr(module, name, None)
        if isinstance(made, Tensor):
            numbers[name] = made.detach().numpy()
    return numbers


def _layer(probe: TorchProbe, path: str) -> Layer | None:
    """Return the layer of ours that a module is; None where it is none, or several."""
    row = probe.rows.get(path)
    if row is None or row.output is None:
        return None
    try:
        layer = parse(row.layer)
    except StriateError:
        return None
    return layer if isinstance(layer, Layer) and type(layer) in CONTRIBUTIONS else None


def _first(probe: TorchProbe) -> str:
    """Return the first convolution, or whatever comes first."""
    return next((row.path for row in probe.survey.rows if row.layer.startswith("conv")), probe.survey.rows[0].path)
