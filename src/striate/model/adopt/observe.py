"""A module seen at work: what each of its own modules puts out for one picture, and what of its cost is known."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from striate.errors import DescribeError
from striate.model.adopt.given import outputs
from striate.model.adopt.operations import At, UnsupportedOpError, layers_of
from striate.spec import Shape
from striate.spec.survey import FLOAT_BYTES, Part

_NORMS = (
    nn.modules.batchnorm._BatchNorm,
    nn.GroupNorm,
    nn.LayerNorm,
    nn.modules.instancenorm._InstanceNorm,
)


def observe(module: nn.Module, shape: Shape) -> tuple[Part, ...]:
    """Return a row for each call of a module without modules in it, and for each with weights of its own, as they work.

    Shapes and parameters are counted; MACs are known for torch's own layers and None for anybody else's. Every
    parameter of the module counts once, where it is used first: one that its own layer is not called for (attention
    uses the weights of a dense layer inside it so) with the nearest module around it that is, one that nothing uses in
    a row of its own. The module is run on one picture of zeros in evaluation, so give a copy.
    """
    module.eval()
    trained = {id(tensor) for tensor in module.parameters() if tensor.requires_grad}
    waiting = {id(tensor): path for path, tensor in module.named_parameters()}
    tensors: dict[str, Tensor] = dict(module.named_parameters())
    if isinstance(module, torch.jit.ScriptModule):
        return (_row("itself", module, None, module(torch.zeros(1, *shape)), list(tensors.values()), trained),)
    rows: list[Part] = []

    def watch(path: str, part: nn.Module) -> Any:
        def seen(_: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            own = [tensor for tensor in _own(part) if waiting.pop(id(tensor), None) is not None]
            given = next(iter((*args, *kwargs.values())), None)
            rows.append(_row(path, part, given, output, own, trained))

        return seen

    hooks = [
        part.register_forward_hook(watch(path or "itself", part), with_kwargs=True)
        for path, part in module.named_modules()
        if (not _children(part) or part._parameters) and not of_weights(path)
    ]
    for tensor in tensors.values():  # in a copy: what is used shows in the way back
        if tensor.is_floating_point():
            tensor.requires_grad_(True)
    try:
        with torch.enable_grad():  # without, torch's own blocks take ways that go past their parts
            answer = module(torch.zeros(1, *shape))
    finally:
        for hook in hooks:
            hook.remove()
    left = [tensors[path] for path in waiting.values()]
    used = _used(answer, left)
    return tuple(_with_the_rest(module, rows, left, waiting, used, trained))


def _with_the_rest(
    module: nn.Module,
    rows: list[Part],
    left: list[Tensor],
    paths: dict[int, str],
    used: set[int],
    trained: set[int],
) -> list[Part]:
    """Return the rows with the parameters that no call of their own layer accounts for."""
    beside: dict[str, list[Tensor]] = {}
    for tensor in left:
        owner = paths[id(tensor)].partition(".parametrizations.")[0]
        owner = owner if owner != paths[id(tensor)] else owner.rpartition(".")[0]
        around = [owner.rsplit(".", cut)[0] for cut in range(owner.count(".") + 1)] if owner else []
        at = next((n for path in around for n, row in enumerate(rows) if row.path == path), None)
        if id(tensor) in used and at is not None and _alike(rows[at], tensor, trained):
            frozen = rows[at].frozen or (not rows[at].parameters and id(tensor) not in trained)
            rows[at] = replace(rows[at], parameters=rows[at].parameters + tensor.numel(), frozen=frozen)
        else:
            beside.setdefault(owner, []).append(tensor)
    return rows + [
        part for owner, own in beside.items() for part in unplaced(module, owner, own, used=used, trained=trained)
    ]


def _alike(row: Part, tensor: Tensor, trained: set[int]) -> bool:
    """Whether a tensor is trained as those of a row are."""
    return not row.parameters or row.frozen == (id(tensor) not in trained)


def unplaced(
    module: nn.Module, owner: str, tensors: Sequence[Tensor], *, used: Collection[int], trained: Collection[int]
) -> Iterator[Part]:
    """Yield rows for tensors of a module within one that no call accounts for: those in use, those never used."""
    kind = type(module.get_submodule(owner)).__name__
    for is_used in (True, False):
        for frozen in (False, True):
            own = [
                tensor
                for tensor in tensors
                if (id(tensor) in used) == is_used and (id(tensor) not in trained) == frozen
            ]
            if own:
                yield Part(
                    path=owner or "itself",
                    layer=f"{kind}, {'its weights used by others' if is_used else 'never used'}",
                    output=None,
                    parameters=sum(tensor.numel() for tensor in own),
                    fixed=0,
                    macs=None if is_used and any(tensor.dim() > 1 for tensor in own) else 0,
                    memory_bytes=0,
                    field=None,
                    unseen=None,
                    auxiliary=not is_used,
                    frozen=frozen,
                )


def _used(answer: Any, tensors: Sequence[Tensor]) -> set[int]:
    """Return which tensors (by id) an answer depends on."""
    asked = [tensor for tensor in tensors if tensor.requires_grad]
    reached = [tensor for tensor in _tensors(answer) if tensor.requires_grad]
    if not asked or not reached:
        return set()
    total = torch.stack([tensor.float().sum() for tensor in reached]).sum()
    found = torch.autograd.grad(total, asked, allow_unused=True)
    return {id(tensor) for tensor, gradient in zip(asked, found, strict=True) if gradient is not None}


def _tensors(answer: Any) -> list[Tensor]:
    if isinstance(answer, Tensor):
        return [answer] if answer.is_floating_point() else []
    return [tensor for value in outputs(answer).values() for tensor in _tensors(value)]


def of_weights(path: str) -> bool:
    """Whether a path is of what makes weights anew from others: a part of the layer, and none of its own."""
    return "parametrizations" in path.split(".")


def _children(part: nn.Module) -> list[str]:
    return [name for name, _ in part.named_children() if name != "parametrizations"]


def _own(part: nn.Module) -> list[Tensor]:
    """Return a module's own parameters, those that its weights are made from included."""
    made_from = getattr(part, "parametrizations", None)
    own: list[Tensor] = [tensor for tensor in part._parameters.values() if tensor is not None]
    return own + (list(made_from.parameters()) if isinstance(made_from, nn.Module) else [])


def is_normed(module: nn.Module) -> bool:
    """Say whether a module normalises what flows through it, by a norm of torch's."""
    return any(isinstance(part, _NORMS) for part in module.modules())


def last_with_weights(module: nn.Module, inputs: Tensor) -> str | None:
    """Return the path of the dense layer or convolution that works last: what flows into it is the embedding.

    One that is given other than a row a picture, such as all places of all pictures, is passed over.
    """
    found: list[str] = []

    def seen(path: str, args: Any, kwargs: Any) -> None:
        given = next(iter((*args, *kwargs.values())), None)
        if isinstance(given, Tensor) and given.dim() > 1 and len(given) == len(inputs):
            found.append(path)

    hooks = [
        part.register_forward_pre_hook(lambda _, args, kwargs, path=path: seen(path, args, kwargs), with_kwargs=True)
        for path, part in module.named_modules()
        if isinstance(part, nn.Linear | nn.Conv2d)
    ]
    try:
        with torch.no_grad():
            module.eval()(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    dense = [path for path in found if isinstance(module.get_submodule(path), nn.Linear)]
    return (dense or found)[-1] if found else None


def _row(path: str, part: nn.Module, given: Any, output: Any, own: Sequence[Tensor], trained: set[int]) -> Part:
    """Return the row of a call. Where only some of its weights are trained the row says nothing of freezing."""
    return Part(
        path=path,
        layer=_said(part, given, output),
        output=_shape(output),
        parameters=sum(tensor.numel() for tensor in own),
        fixed=0,
        macs=_macs(part, given, output),
        memory_bytes=FLOAT_BYTES * output.numel() if isinstance(output, Tensor) else 0,
        field=None,
        unseen=None,
        auxiliary=False,
        frozen=bool(own) and not any(id(tensor) in trained for tensor in own),
    )


def _said(part: nn.Module, given: Any, output: Any) -> str:
    """Return the layer in our words where we have them, and the name of its class where not."""
    if isinstance(given, Tensor) and isinstance(output, Tensor):
        try:
            layers = layers_of(part, At(tuple(given.shape), tuple(output.shape)))
            return " >> ".join(map(str, layers)) or "identity"
        except UnsupportedOpError:
            pass
    return type(part).__name__


def _shape(output: Any) -> Shape | None:
    if not isinstance(output, Tensor) or output.dim() not in (2, 4):
        return None
    try:
        return Shape(*output.shape[1:])
    except DescribeError:
        return None


def _macs(part: nn.Module, given: Any, output: Any) -> int | None:
    """Return the multiply-accumulates for one picture of a layer of torch's; None for what is not known."""
    if not isinstance(given, Tensor) or not isinstance(output, Tensor):
        return None
    if type(part).__module__.split(".")[:2] != ["torch", "nn"]:
        return None
    if isinstance(part, nn.Linear):
        return output.numel() * part.in_features
    if isinstance(part, nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d):
        return given.numel() * prod(part.weight.shape[1:])
    if isinstance(part, nn.modules.conv._ConvNd):
        return output.numel() * prod(part.weight.shape[1:])
    return None if any(tensor.dim() > 1 for tensor in part.parameters()) else 0
