"""A model cut in two: what stays as it is, computed once a picture, and the rest, which is trained on what that gives.

The frozen part is every layer that is said to be frozen, and every one without weights that reads nothing else. What
the rest reads of it are its maps. Both are views of one model: their weights are the model's own tensors, so that
when the rest has learnt, the model has.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import torch
from torch import Tensor, nn

from striate.errors import ModelError
from striate.model.build.execution_plan import ExecutionPlan, Step
from striate.model.build.model import Model, Outputs, plan_of, put
from striate.spec.shape import Shape


class Cut:
    """The two parts of a model: ``frozen`` steps, the values that the ``rest`` reads of them, in order, and `maps`.

    ``is_frozen`` says of a layer's path whether its weights stay. Errors: ModelError where nothing is left to be
    trained, DescribeError where the net has heads to the side.

    Example: ``Cut(model, lambda path: path == "conv1").width`` is ``2048``.
    """

    def __init__(self, model: Model, is_frozen: Callable[[str], bool]) -> None:
        plan, self.embedding = plan_of(model)
        still: set[int] = {0}
        frozen: list[Step] = []
        rest: list[Step] = []
        for step in plan.steps:
            learns = isinstance(step.action, nn.Module) and any(True for _ in step.action.parameters())
            if all(source in still for source in step.sources) and (not learns or is_frozen(step.path)):
                still.add(step.target)
                frozen.append(step)
            else:
                rest.append(step)
        if not rest:
            raise ModelError("every part of this net is frozen, and nothing is left to be trained")
        self.model = model
        self.reads = tuple(dict.fromkeys(source for step in rest for source in step.sources if source in still))
        self.rest = ExecutionPlan(rest, plan.output)
        self._frozen = ExecutionPlan(frozen, self.reads[-1], self.reads)
        self.maps = self._shapes()

    @property
    def width(self) -> int:
        """How many numbers the maps of a picture have, all together."""
        return sum(prod((shape.channels, *shape.size)) for shape in self.maps)

    def paths(self) -> tuple[str, ...]:
        """Return the paths of the parts whose outputs the rest reads, in the order of `maps`."""
        made = {step.target: step.path for step in self._frozen.steps}
        return tuple(made.get(value, "input") for value in self.reads)

    def trunk_paths(self, named: Callable[[str], str | None]) -> tuple[str, ...]:
        """Return `paths` as the trunk alone calls these parts, by what ``named`` makes of each."""
        return tuple(named(path) or path for path in self.paths())

    @torch.no_grad()
    def compute(self, inputs: Tensor) -> Tensor:
        """Return the maps of normalised inputs (N, C, H, W) as rows (N, width): each map channel by channel."""
        values = self._frozen.run(inputs, keep=self.reads)
        return torch.cat([values[value].flatten(1) for value in self.reads], 1)

    def _shapes(self) -> tuple[Shape, ...]:
        """Return the shape of every map: what the net's survey says of the part that makes it."""
        made = {step.target: step.path for step in self._frozen.steps}
        rows = {row.path: row.shape for row in self.model.net.on(self.model.shape, fit="floor").rows}
        return tuple(rows[made[value]] if value in made else self.model.shape for value in self.reads)


class Rest(nn.Module):
    """What of a model is trained behind its frozen part, as a model whose inputs are rows of maps (`Cut.compute`).

    Its parameters are the model's own, by their names there. It answers what the training loop asks of a model:
    `normalise`, `outputs`, `embed`.

    Example: ``len(list(Rest(Cut(model, lambda path: path != "dense1")).parameters()))`` is ``2``.
    """

    def __init__(self, cut: Cut) -> None:
        super().__init__()
        self.net, self.shape = cut.model.net, Shape(1, 1, cut.width)
        self._cut = [cut]  # a list: torch would take the whole model for a part of this
        self._embedding = cut.embedding
        for step in cut.rest.steps:
            if isinstance(step.action, nn.Module):
                put(self, step.path, step.action)

    def normalise(self, pixels: Tensor) -> Tensor:
        """Return rows of maps as the loader hands them on, bytes of float16 (N, 2, 1, width), as (N, 1, 1, width)."""
        rows = pixels.permute(0, 2, 3, 1).contiguous().view(torch.float16)
        return rows.float().permute(0, 3, 1, 2)

    def outputs(self, rows: Tensor) -> Outputs:
        """Return the main output for rows of maps (N, 1, 1, width)."""
        plan = self._cut[0].rest
        return Outputs(plan.run_from(self._values(rows), reuse=True)[plan.output], ())

    def forward(self, rows: Tensor) -> Tensor:
        """Return the main output for rows of maps (N, 1, 1, width)."""
        return self.outputs(rows).main

    def embed(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return what `Model.embed` does, for rows of maps."""
        plan = self._cut[0].rest
        values = plan.run_from(self._values(rows), keep=frozenset((self._embedding,)))
        embedding = values[self._embedding]
        return values[plan.output], embedding.mean((2, 3)) if embedding.dim() == 4 else embedding

    def _values(self, rows: Tensor) -> dict[int, Tensor]:
        """Return the maps by the number of the value, each by itself in memory: convolutions are quicker on that."""
        flat, found, begin = rows.flatten(1), {}, 0
        cut = self._cut[0]
        for value, shape in zip(cut.reads, cut.maps, strict=True):
            end = begin + prod((shape.channels, *shape.size))
            part = flat[:, begin:end].contiguous()
            found[value] = part.view(len(part), shape.channels, *shape.size) if shape.is_map else part
            begin = end
        return found
