"""From a net to a torch module: one plain table from layer type to module, and a flat plan to walk.

The tree of the net is followed once, while building. What it says to do becomes a list of steps, each of which reads
values by number and writes one, and drops what nobody reads any more; running the network is a loop over that list.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, final

import torch
from torch import Tensor, nn

import striate.model.forked  # noqa: F401  (what it registers is for every model that is built)
from striate.errors import DescribeError, ShapeError
from striate.model.build.execution_plan import ExecutionPlan, draft
from striate.model.build.initialise import initialise
from striate.model.build.layer_modules import module_for
from striate.model.build.modules import Input, Rbf, TableConv
from striate.spec.net import Net
from striate.spec.shape import Shape

if TYPE_CHECKING:
    from striate.data.pictures.preprocess import Preprocess


class Outputs(NamedTuple):
    """What training measures: the main output, and in training mode each side head's with its weight."""

    main: Tensor
    sides: tuple[tuple[Tensor, float], ...]


@final
class Model(nn.Module):
    """A net with its weights. Make one with `build`.

    A part's tensors go by its path: ``stage1.2.conv1.weight``. To change a layer, build from a changed net: the plan
    holds the modules it was made with.
    """

    net: Net
    shape: Shape
    embedding_part: str
    """Path of the last dense layer of the main way through; what flows into it is the embedding."""

    def __init__(self, net: Net, shape: Shape, entry: Input, *, seed: int | None) -> None:
        super().__init__()
        self.net, self.shape = net, shape
        drafted = draft(net, shape, module_for)
        self._sides, self._taps = drafted.sides, drafted.taps
        self._full = ExecutionPlan(drafted.steps, drafted.output, [value for value, _ in drafted.sides])
        self._main = ExecutionPlan([step for step in drafted.steps if not step.auxiliary], drafted.output)
        self.embedding_part, self._embedding = _embedding(self._main)
        put(self, "input", entry)
        for step in drafted.steps:
            if isinstance(step.action, nn.Module):
                if seed is not None:
                    initialise(step.action, step.path, seed)
                put(self, step.path, step.action)

    def normalise(self, pixels: Tensor) -> Tensor:
        """Return pixels (N, C, H, W) uint8 as `forward` takes them: float, pixels * scale + offset per channel."""
        entry = self._modules["input"]
        assert entry is not None
        return entry(pixels)  # type: ignore[no-any-return]

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits (N, K) for normalised inputs (N, C, H, W); side heads are not computed."""
        return self._main.run(inputs)[self._main.output]

    def outputs(self, inputs: Tensor) -> Outputs:
        """Return the logits and, in training mode, each side head's (logits, weight); in evaluation no sides."""
        if not (self.training and self._sides):
            return Outputs(self._main.run(inputs, reuse=True)[self._main.output], ())
        values = self._full.run(inputs, reuse=True)
        return Outputs(values[self._full.output], tuple((values[value], weight) for value, weight in self._sides))

    def forward_with(self, inputs: Tensor, taps: Sequence[str]) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the logits, and what the parts named in ``taps`` put out, in the order asked.

        A tap is the path of a layer (``stage1.2.conv1``), of a join (``stage1.2.add1``), of a part that holds several
        (``stage1.2``: what its last puts out), or ``input``.
        Only what is asked for is kept. Raises `DescribeError` for a path this net does not have.

        Example: ``model.forward_with(inputs, ["conv1", "conv2"])[1]["conv2"].shape`` is ``(1, 8, 8, 8)``.
        """
        wanted = {tap: self._value(tap) for tap in taps}
        plan = self._main if self._main.values.issuperset(wanted.values()) else self._full
        values = plan.run(inputs, keep=frozenset(wanted.values()))
        return values[plan.output], {tap: values[value] for tap, value in wanted.items()}

    def until(self, inputs: Tensor, tap: str) -> Tensor:
        """Return what the part named ``tap`` puts out; nothing that it does not need is computed.

        As far as no dense layer is on the way, the inputs may have any size that fits. Raises `DescribeError` for a
        path this net does not have.

        Example: ``model.until(inputs, "maxpool1").shape`` is ``(1, 8, 8, 8)``.
        """
        plan = self._full.until(self._value(tap))
        return plan.run(inputs)[plan.output]

    def source(self, tap: str) -> str:
        """Return the path of the first part that the layer or join named ``tap`` reads; ``input`` of the first."""
        value = self._value(tap)
        step = next((step for step in self._full.steps if step.target == value), None)
        before = step.sources[0] if step else 0
        return next((step.path for step in self._full.steps if step.target == before), "input")

    def each(self, inputs: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield the path of every layer and join with what it puts out, one by one; side heads are left out.

        What has been yielded is let go of as soon as no later part reads it, so memory does not grow with the parts.
        """
        return self._main.each(inputs)

    def embed(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits (N, K) and the embedding (N, D): what goes into `embedding_part`, flattened.

        In a net without a dense layer the part is its last convolution; of a map going into it, the average over all
        positions is taken.
        """
        values = self._main.run(inputs, keep=frozenset((self._embedding,)), reuse=not torch.is_grad_enabled())
        embedding = values[self._embedding]
        return values[self._main.output], embedding.mean((2, 3)) if embedding.dim() == 4 else embedding

    def as_convolutional(self) -> Model:
        """Return this classifier as one that slides: (N, C, H, W) of at least its shape -> (N, K, rows, columns).

        The weights are copies of its own, those of dense layers reshaped. `striate.spec.sliding.slide` says where the
        windows lie and whether a score is exactly its crop's; its errors are raised here.

        Example: ``model.as_convolutional()(torch.zeros(1, 3, 16, 20)).shape`` is ``(1, 2, 1, 3)``.
        """
        entry = self.get_submodule("input")
        assert isinstance(entry, Input)
        sliding = Model(
            self.net.as_convolutional(self.shape), self.shape, Input(entry.scale, entry.offset), seed=None
        ).to(entry.scale.device)
        pairs = zip(_learned(sliding._main), _learned(self._main), strict=True)
        for own, given in pairs:
            wanted = own.state_dict()
            own.load_state_dict({name: value.view(wanted[name].shape) for name, value in given.state_dict().items()})
        return sliding.train(self.training)

    def taps(self) -> tuple[str, ...]:
        """Return every path that `forward_with` takes, in the order their values come."""
        return tuple(self._taps)

    def reads(self, path: str) -> tuple[str, ...]:
        """Return the paths of the layers and joins whose outputs a layer or join reads, in order; or ``input``.

        Raises `DescribeError` for a path that is no layer or join of this net.
        """
        made = {0: "input", **{step.target: step.path for step in self._full.steps}}
        for step in self._full.steps:
            if step.path == path:
                return tuple(made[source] for source in step.sources)
        raise DescribeError(f"this net has no layer or join {path!r}")

    def _value(self, tap: str) -> int:
        if tap not in self._taps:
            near = difflib.get_close_matches(tap, self._taps, n=3, cutoff=0.4)
            raise DescribeError(f"this net has no part {tap!r}; " + (f"near it: {', '.join(near)}" if near else ""))
        return self._taps[tap]


def build(
    net: Net, shape: Shape, *, classes: int | None = None, preprocess: Preprocess | None = None, seed: int = 0
) -> Model:
    """Return the module of a net for inputs of ``shape``, its weights drawn from ``seed``.

    ``classes`` fills the layers that wait for it (``Dense()``). ``preprocess`` gives `Model.normalise` its scale and
    offset; without it pixels are divided by 255. Every weight is a function of (seed, its name) alone. The global
    random state is neither read nor changed.

    Raises what `Net.on` raises for a net that cannot be on this shape (a position that is never seen is accepted:
    `Net.on` is where to refuse it), and `ShapeError` for a net that still waits for its classes.

    Example: ``build(parse("flatten >> dense"), Shape(1, 8, 8), classes=10)(torch.zeros(1, 1, 8, 8)).shape`` is
    ``(1, 10)``.
    """
    if classes is not None:
        net = net.with_classes(classes)
    if net.is_open:
        raise ShapeError("this net ends in as many outputs as there are classes; say how many: build(..., classes=10)")
    net.on(shape, fit="floor")
    return Model(net, shape, entry(shape, preprocess), seed=seed)


def plan_of(model: Model) -> tuple[ExecutionPlan, int]:
    """Return the steps from a model's input to its main output, and which of their values is the embedding.

    Errors: DescribeError for a net with side heads, which a plan leaves out.
    """
    if model._sides:
        raise DescribeError("this net has heads to the side, and is not cut in two")
    return model._main, model._embedding


def decayed(model: nn.Module) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the trained parameters that weight decay is for, and of those it is not for.

    Not for biases, the scale and shift of norms, and subsampling's coefficient: all that has one number a channel.

    Example: ``decayed(model)[0]`` is ``("conv1.weight", "conv2.weight", "dense1.weight")``.
    """
    names = [(name, parameter.dim() > 1) for name, parameter in model.named_parameters() if parameter.requires_grad]
    return tuple(name for name, many in names if many), tuple(name for name, many in names if not many)


def _learned(plan: ExecutionPlan) -> list[nn.Module]:
    """Return the modules of a plan that hold numbers, in the order they work."""
    return [step.action for step in plan.steps if isinstance(step.action, nn.Module) and step.action.state_dict()]


def _embedding(plan: ExecutionPlan) -> tuple[str, int]:
    """Return the path of the layer that answers, and the value that flows into it."""
    layers = [step for step in plan.steps if isinstance(step.action, nn.Module)]
    for kinds in ((nn.Linear, Rbf), (nn.Conv2d, nn.ConvTranspose2d, TableConv), (nn.Module,)):
        for step in reversed(layers):
            if isinstance(step.action, kinds):
                return step.path, step.sources[0]
    return "input", 0  # nothing but side heads


def entry(shape: Shape, preprocess: Preprocess | None) -> Input:
    """Return what turns pixels into inputs of ``shape``; without ``preprocess`` they are divided by 255."""
    if preprocess is None:
        return Input(torch.full((shape.channels,), 1 / 255), torch.zeros(shape.channels))
    scale, offset = (torch.tensor(numbers, dtype=torch.float32) for numbers in preprocess.scale_and_offset())
    if len(scale) != shape.channels:
        raise ShapeError(
            f"the pictures are prepared with {len(scale)} channels and the net takes {shape.channels}: "
            "give both the same colour (gray is 1 channel, rgb 3)"
        )
    return Input(scale, offset)


def put(root: nn.Module, path: str, module: nn.Module) -> None:
    """Hang a module at a dotted path, with plain modules between. Raises `DescribeError` for a name that is taken."""
    names = path.split(".")
    for depth, name in enumerate(names):
        if name not in root._modules:
            if hasattr(root, name):
                raise DescribeError(
                    f"{path!r}: no part can be named {name!r}, as torch or the model uses that name itself"
                )
            root.add_module(name, module if depth == len(names) - 1 else nn.Module())
        root = root.get_submodule(name)
