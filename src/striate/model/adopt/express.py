"""A torch module of somebody's own -> a net of ours with its weights, believed only when both answer alike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from striate.errors import DescribeError
from striate.model.adopt.fx_reader import BATCH, Reading, read
from striate.model.adopt.given import Which, copied, picked
from striate.model.adopt.graph_to_net import Leaf, graph_to_net
from striate.model.adopt.observe import unplaced
from striate.model.adopt.operations import UnsupportedOpError
from striate.model.build.model import Model, build
from striate.spec import Net, Shape, parse
from striate.spec.survey import Part

TOLERANCE = 1e-5  # of the largest logit, between the module and its net
TRAINED_TOLERANCE = 1e-3  # in training, where batch norm divides by the spread of a few pictures
_DROPOUTS = (functional.dropout, functional.dropout2d)


@dataclass(frozen=True)
class Expressed:
    """A module as a net: ``names`` says which tensor of the module (or None) is which of the net's.

    ``left_out`` are rows for what of the module the net has not, because nothing uses it.
    """

    net: Net
    names: Mapping[str, str | None]
    notes: tuple[str, ...]
    left_out: tuple[Part, ...] = ()

    def load(self, model: Model, module: nn.Module) -> Model:
        """Copy the module's weights into a model of the net, and return the model."""
        theirs = module.state_dict()
        with torch.no_grad():
            for name, tensor in model.state_dict().items():
                source = self.names.get(name)
                if source is not None:
                    tensor.copy_(theirs[source].reshape(tensor.shape))
        return model

    def give_back(self, model: Model, module: nn.Module) -> None:
        """Copy a model's weights into a module of the class that the net was read from."""
        theirs = module.state_dict()
        with torch.no_grad():
            for name, tensor in model.state_dict().items():
                source = self.names.get(name)
                if source is not None:
                    theirs[source].copy_(tensor.reshape(theirs[source].shape))


def express(module: nn.Module, shape: Shape, output: Which = None) -> Expressed:
    """Return a module as a net of ours. It is run on pictures of ``shape``, in copies; nothing in it changes.

    The net is believed when it answers as the module does, to 1e-5 of the largest logit in evaluation, and in
    training with the dropout off. Raises `UnsupportedOpError` with the reason why it is no net of ours.
    """
    torch_state = torch.random.get_rng_state()
    try:
        return _express(module, shape, output)
    finally:
        torch.random.set_rng_state(torch_state)


def _express(module: nn.Module, shape: Shape, output: Which) -> Expressed:
    reading = read(copied(module).train(), noise(BATCH, shape), output)
    try:
        expressed, model = _built(reading, module, shape, named=True)
    except DescribeError:  # a name of its author's that torch or we use ourselves
        try:
            expressed, model = _built(reading, module, shape, named=False)
        except DescribeError as error:
            raise UnsupportedOpError(f"as a net it cannot be: {error}") from None
    if parse(str(expressed.net)) != expressed.net:
        raise UnsupportedOpError("as a net it cannot be written and read back")
    _prove(expressed, model, module, shape, output)
    return expressed


def _built(reading: Reading, module: nn.Module, shape: Shape, *, named: bool) -> tuple[Expressed, Model]:
    net, leaves = graph_to_net(reading, named=named)
    model = build(net, shape)
    frozen = [name for name, parameter in module.named_parameters() if not parameter.requires_grad]
    others = f" and {len(frozen) - 1} more do" if len(frozen) > 1 else " does"
    notes = (*reading.notes, *(f"{name}{others} not learn in the module, and will in the net" for name in frozen[:1]))
    names = _names(net, leaves, model, module)
    expressed = Expressed(net, names, notes, tuple(_left_out(module, frozenset(names.values()))))
    return expressed, expressed.load(model, module)


def _names(net: Net, leaves: list[Leaf], model: Model, module: nn.Module) -> dict[str, str | None]:
    ours, theirs = model.state_dict(), module.state_dict()
    names: dict[str, str | None] = {}
    for (path, layer), (known, holder) in zip(net.parts(), leaves, strict=True):
        assert layer == known
        for name, tensor in ours.items():
            if name.rpartition(".")[0] == path:
                source = f"{holder}.{name.rpartition('.')[2]}"
                if source not in theirs or theirs[source].numel() != tensor.numel():
                    raise UnsupportedOpError(f"{source} is not in the module as the net has it")
                names[name] = source
    return names | {name: None for name in ours if name.startswith("input.")}


def _left_out(module: nn.Module, taken: frozenset[str | None]) -> Iterator[Part]:
    """Yield a row for each part with parameters that the net has not."""
    spare: dict[str, list[Tensor]] = {}
    for path, tensor in module.named_parameters():
        if path not in taken:
            spare.setdefault(path.rpartition(".")[0], []).append(tensor)
    for owner, tensors in spare.items():
        yield from unplaced(module, owner, tensors, used=(), trained=[id(tensor) for tensor in tensors])


def noise(count: int, shape: Shape) -> Tensor:
    """Return inputs (N, C, H, W) by chance, the same each time."""
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(0))


def _prove(expressed: Expressed, model: Model, module: nn.Module, shape: Shape, output: Which) -> None:
    """Raise `UnsupportedOpError` unless both answer alike, and learn the same statistics in training."""
    log = any("log_softmax" in note for note in expressed.notes)
    pictures = noise(3, shape)
    with torch.no_grad():
        first, second = picked(copied(module).eval()(pictures.clone()), output), model.eval()(pictures)
        _compare(first, second.log_softmax(1) if log else second, TOLERANCE, "")
        with _NoDropout(), _without_dropout(copied(module)) as theirs, _without_dropout(model) as ours:
            first, second = picked(theirs.train()(pictures.clone()), output), ours.train()(pictures)
            state = theirs.state_dict()
            for name, tensor in ours.state_dict().items():
                source = expressed.names[name]
                if source is not None and not tensor.requires_grad and tensor.is_floating_point():
                    _compare(state[source].flatten(), tensor.flatten(), TRAINED_TOLERANCE, f" in {source} after a step")
        _compare(first, second.log_softmax(1) if log else second, TRAINED_TOLERANCE, " in training")
    expressed.load(model, module)


def _compare(one: Any, other: Tensor, tolerance: float, where: str) -> None:
    if not isinstance(one, Tensor) or one.shape != other.shape:
        raise UnsupportedOpError(f"the net puts out another shape{where}")
    apart = float((one - other).abs().max())
    if not apart <= tolerance * max(1.0, float(one.abs().max())):
        raise UnsupportedOpError(f"a net read from it answers otherwise{where}, by {apart:.2g}")


class _NoDropout(TorchFunctionMode):
    """Lets everything through where torch would set values to 0 by chance."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _DROPOUTS:
            return args[0] if args else kwargs["input"]
        return func(*args, **(kwargs or {}))


@contextmanager
def _without_dropout(module: nn.Module) -> Iterator[nn.Module]:
    """Lend a module whose dropout layers let everything through, as in evaluation, whatever its mode."""
    layers = [part for part in module.modules() if isinstance(part, nn.Dropout | nn.Dropout2d)]
    kept = [layer.p for layer in layers]
    for layer in layers:
        layer.p = 0.0
    try:
        yield module
    finally:
        for layer, p in zip(layers, kept, strict=True):
            layer.p = p


def class_name(module: nn.Module) -> str:
    """Return where a module's class is written, as dotted names."""
    kind = type(module)
    if isinstance(module, torch.jit.ScriptModule):
        return re.sub(r"[^\w.]", "", f"torch.jit.{module.original_name}")
    return re.sub(r"[^\w.]", "", f"{kind.__module__}.{kind.__qualname__}".replace("<locals>.", ""))
