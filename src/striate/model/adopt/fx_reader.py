"""A module read step by step: what torch's symbolic trace shows of it, each step as layers of ours or as a join."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F  # noqa: N812  (as everybody writes it)

from striate import spec
from striate.model.adopt.given import SingleOutput, Which
from striate.model.adopt.operations import (
    SAME_ORDER,
    At,
    Layers,
    UnsupportedOpError,
    known,
    layers_of,
    layers_of_call,
)
from striate.spec import Branches

BATCH = 2  # pictures that shapes are read with
_INSIDE = "module."  # where `SingleOutput` holds the module
_WEIGHT_HOOK = "Norm"  # torch.nn.utils.weight_norm and spectral_norm hang one before forward

SPREADS: frozenset[str] = frozenset(("expand", "expand_as"))
LOG_SOFTMAX: frozenset[Any] = frozenset((F.log_softmax, torch.log_softmax, "log_softmax", nn.LogSoftmax))
JOINS: dict[Any, type[Branches]] = {
    operator.add: spec.Add,
    operator.iadd: spec.Add,
    torch.add: spec.Add,
    "add": spec.Add,
    "add_": spec.Add,
    operator.mul: spec.Multiply,
    operator.imul: spec.Multiply,
    torch.mul: spec.Multiply,
    torch.multiply: spec.Multiply,
    "mul": spec.Multiply,
    "mul_": spec.Multiply,
    torch.cat: spec.Concat,
    torch.concat: spec.Concat,
}


@dataclass(frozen=True)
class Step:
    """One step: ``layers`` in a row on its one source, or a ``join`` of several; ``holder`` has the weights."""

    name: str
    sources: tuple[str, ...]
    layers: Layers
    join: type[Branches] | None
    holder: str | None
    given: tuple[int, ...]
    out: tuple[int, ...]


@dataclass(frozen=True)
class Reading:
    """The steps by name in the order they work, the name of the input and of the output, and what was left out."""

    steps: Mapping[str, Step]
    start: str
    end: str
    notes: tuple[str, ...]


def read(module: nn.Module, pictures: Tensor, output: Which = None) -> Reading:
    """Read a module, as it is in training, on a batch. It is run, so give a copy.

    Raises `UnsupportedOpError` with the reason.

    It is read as it works with pictures alone: what else its forward takes is at its default, and a branch on that is
    the branch taken then. ``output`` says which of several outputs is read.
    """
    graph = _traced(module, output)
    values = _Values(graph)
    try:
        values.run(pictures)
    except Exception as error:  # whatever somebody's code makes of values that its trace did not show
        raise UnsupportedOpError(f"its steps by themselves do not work ({first_line(error)})") from None
    placeholders = [node for node in graph.graph.nodes if node.op == "placeholder"]
    (last,) = (node for node in graph.graph.nodes if node.op == "output")
    end, notes = last.args[0], []
    if not isinstance(end, fx.Node):
        raise UnsupportedOpError("in training it returns more than one tensor")
    if _kind(graph, end) in LOG_SOFTMAX:
        end = next(iter(end.all_input_nodes))
        notes.append("its last log_softmax is left out: the net puts out logits, and their softmax is the same")
    start = placeholders[0]
    steps: dict[str, Step] = {}
    wanted = _reaching(end)
    for node in graph.graph.nodes:
        if node in wanted and node is not start and isinstance(values.known[node], Tensor):
            try:
                step = _step(graph, node, values.known)
            except UnsupportedOpError as unsaid:
                raise UnsupportedOpError(f"{_where(node)}: {unsaid}") from None
            steps[step.name] = step
    notes += _unused(module, steps.values())
    if end is not start and not isinstance(values.known[end], Tensor):
        raise UnsupportedOpError("in training it returns more than one tensor")
    return Reading(_convolved(_together(steps)), start.name, end.name, tuple(notes))


def _traced(module: nn.Module, output: Which) -> fx.GraphModule:
    if isinstance(module, torch.jit.ScriptModule):
        raise UnsupportedOpError("it is a ScriptModule, whose steps torch does not show")
    for path, part in module.named_modules():
        if hasattr(part, "parametrizations") or any(_WEIGHT_HOOK in type(hook).__name__ for hook in _before(part)):
            raise UnsupportedOpError(f"{path or 'it'} makes its weights anew from others (a parametrisation)")
        if part._forward_hooks or part._forward_pre_hooks:
            raise UnsupportedOpError(f"{path or 'it'} has hooks, which change what it does")
    owners: dict[int, str] = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        if owners.setdefault(id(parameter), name) != name:
            raise UnsupportedOpError(f"{owners[id(parameter)]} and {name} are one and the same weights")
    try:
        asked = SingleOutput(module, output)
        return fx.GraphModule(asked, _Tracer().trace(asked))
    except Exception as error:
        said = first_line(error)
        if "control flow" in said:
            said = "its forward decides by what it is given (an if or a loop over values)"
        raise UnsupportedOpError(f"{said}; so it cannot be traced") from None


def _before(part: nn.Module) -> list[Any]:
    """Return what runs before a module works: old-style weight norm and spectral norm are among it."""
    return list(part._forward_pre_hooks.values())


def _own(target: Any) -> str:
    """Return a path within the module that is read: what it was asked through is no part of it."""
    return str(target).removeprefix(_INSIDE)


def first_line(error: BaseException) -> str:
    """Return what an error says first, or its kind."""
    return str(error).strip().split("\n")[0] or type(error).__name__


class _Tracer(fx.Tracer):
    """Follows a module's forward, down to torch's own layers and those made from them."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return known(m) is not None or super().is_leaf_module(m, module_qualified_name)


class _Values(fx.Interpreter):
    """Runs a graph and remembers the value of each node."""

    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__(graph, garbage_collect_values=False)
        self.known: dict[fx.Node, Any] = {}

    @torch.no_grad()
    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        self.known[n] = value
        return value


def _step(graph: fx.GraphModule, node: fx.Node, known: Mapping[fx.Node, Any]) -> Step:
    """Return what a node says. Raises `UnsupportedOpError`."""
    kind, out = _kind(graph, node), tuple(known[node].shape)
    if node.op == "get_attr":
        raise UnsupportedOpError(f"{_own(node.target)} is used by itself, outside a layer")

    def plain(value: Any) -> Any:
        return fx.node.map_arg(value, lambda each: each if isinstance(known[each], Tensor) else known[each])

    args, kwargs = plain(node.args), dict(plain(node.kwargs))
    if kind in JOINS:
        return _join(node, JOINS[kind], args, kwargs, known)
    source = args[0] if args else kwargs.pop("input", None)
    rest = args[1:]
    if kind in SPREADS and isinstance(source, fx.Node) and known[source].dim() == 4 and _vector(known[source].shape):
        # A 1x1 map that is spread over a larger one; `Multiply` does that by itself.
        return Step(node.name, (source.name,), (), None, None, tuple(known[source].shape), out)
    if not isinstance(source, fx.Node) or any(isinstance(value, fx.Node) for value in (*rest, *kwargs.values())):
        raise UnsupportedOpError(
            f"{getattr(kind, '__name__', kind)} on several tensors is not a layer that Striate has"
        )
    at = At(tuple(known[source].shape), out)
    holder = None
    if node.op == "call_module":
        module = graph.get_submodule(str(node.target))
        layers = () if _flat(kind, at) else layers_of(module, at)
        holder = _own(node.target) if module.state_dict() else None
    else:
        layers = () if _flat(kind, at) else layers_of_call(kind, at, *rest, **kwargs)
    return Step(node.name, (source.name,), layers, None, holder, at.given, at.out)


def _flat(kind: Any, at: At) -> bool:
    """Whether it is a mere change of shape between (N, C, 1, 1), (N, C, 1) and (N, C) that `_convolved` looks after."""
    reshapes = kind in SAME_ORDER or kind in (nn.Flatten, nn.Unflatten)
    return reshapes and at.out != at.given and _vector(at.given) and _vector(at.out) and at.given[:2] == at.out[:2]


def _vector(shape: Sequence[int]) -> bool:
    return len(shape) >= 2 and all(side == 1 for side in shape[2:])


def _join(
    node: fx.Node, join: type[Branches], args: tuple[Any, ...], kwargs: dict[str, Any], known: Mapping[fx.Node, Any]
) -> Step:
    values = args
    shape = tuple(known[node].shape)
    if join is spec.Concat:
        values = tuple(args[0] if args else kwargs.pop("tensors", ()))
        axis = args[1] if len(args) > 1 else kwargs.pop("dim", 0)
        if axis not in (1, 1 - len(shape)):
            raise UnsupportedOpError(f"tensors laid together along axis {axis}, not along the channels")
    others = [value for value in values if not isinstance(value, fx.Node)]
    if others or kwargs:
        raise UnsupportedOpError(f"{join.keyword} of a tensor and {str(others[0]) if others else next(iter(kwargs))}")
    return Step(node.name, tuple(value.name for value in values), (), join, None, shape, shape)


def _kind(graph: fx.GraphModule, node: fx.Node) -> Any:
    if node.op != "call_module":
        return node.target
    module = graph.get_submodule(str(node.target))
    return known(module) or type(module)


def _reaching(end: fx.Node) -> set[fx.Node]:
    found: set[fx.Node] = set()
    waiting = [end]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += node.all_input_nodes
    return found


def _where(node: fx.Node) -> str:
    """Name a step as its author does: by the module it is in."""
    stack = list(node.meta.get("nn_module_stack", {}).values())
    if node.op == "call_module":
        return _own(node.target)
    if not stack or stack[-1][0] in ("", _INSIDE.rstrip(".")):
        return "forward"
    return f"forward of {_own(stack[-1][0])}"


def _unused(module: nn.Module, steps: Iterable[Step]) -> list[str]:
    holders = {step.holder for step in steps}
    names = [path for path, part in module.named_modules() if part._parameters or part._buffers]
    return [f"{name} is never used in its forward, and is left out" for name in names if name not in holders]


def _together(steps: Mapping[str, Step]) -> dict[str, Step]:
    """Let a concat go on from an earlier one: (a | b | c) where a | b is there already is that one and c.

    That is how a densely connected block, which lays everything before together anew for each layer, is a row.
    """
    made: dict[str, Step] = {}
    concats: dict[tuple[str, ...], str] = {}
    for step in steps.values():
        if step.join is spec.Concat:
            sources = step.sources
            while found := max(
                (known for known in concats if len(known) > 1 and sources[: len(known)] == known), key=len, default=None
            ):
                sources = (concats[found], *sources[len(found) :])
            concats.setdefault(step.sources, step.name)
            step = replace(step, sources=sources, join=spec.Concat if len(sources) > 1 else None)  # noqa: PLW2901
        made[step.name] = step
    return made


def _convolved(steps: Mapping[str, Step]) -> dict[str, Step]:
    """Settle the places where a map of one position is taken for a vector.

    A way from such a map through dense layers back to a map, as squeeze and excitation is often written, becomes one
    of 1x1 convolutions, which is the same sum. A way that stays flat begins with the word flatten.
    """
    made = _by_way_of_three(steps)
    flattened = {name for name, step in made.items() if _turns(step, 4, 2)}
    for name, step in list(made.items()):
        if not _turns(step, 2, 4):
            continue
        chain: list[str] = []
        at = step.sources[0]
        while at not in flattened:
            here = made.get(at)
            if here is None or len(here.sources) != 1 or here.join:
                raise UnsupportedOpError(f"a vector made a map again ({name}), not by dense layers alone")
            chain.append(at)
            at = here.sources[0]
        for inner in (*chain, at):
            readers = [other.name for other in made.values() if inner in other.sources]
            if len(readers) > 1:
                raise UnsupportedOpError(f"a vector that is made a map again ({name}) and also used as it is")
        for inner in chain:
            made[inner] = replace(made[inner], layers=tuple(map(_as_convolution, made[inner].layers)))
        if made[at].layers == (spec.Flatten(),):
            raise UnsupportedOpError(f"a whole map made a vector and then a map again ({name})")
        flattened.remove(at)
        made[at] = replace(made[at], layers=tuple(each for each in made[at].layers if each != spec.Flatten()))
    for name in flattened:
        if not made[name].layers:
            made[name] = replace(made[name], layers=(spec.Flatten(),))
    return made


def _by_way_of_three(steps: Mapping[str, Step]) -> dict[str, Step]:
    """Read two changes of shape, from (N, C, 1, 1) to (N, C, 1) to (N, C) or back, as the one they are."""
    made: dict[str, Step] = {}
    for name, step in steps.items():
        if len(step.given) == 3 and step.join is None and not step.layers and len(made[step.sources[0]].out) == 3:
            first = made[step.sources[0]]
            step = replace(step, sources=first.sources, given=first.given)  # noqa: PLW2901
        made[name] = step
    return made


def _turns(step: Step, before: int, after: int) -> bool:
    """Whether a step turns a map into a vector, or a vector into a map of one position."""
    return step.join is None and len(step.given) == before and len(step.out) == after and _vector(step.out)


def _as_convolution(layer: spec.Layer) -> spec.Layer:
    if isinstance(layer, spec.Dense):
        assert layer.out is not None
        return spec.Conv(layer.out, 1, bias=layer.bias)
    return layer
