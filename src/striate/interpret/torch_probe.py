"""A model and a picture, ready to be asked: torch on the CPU in float32. Imports torch.

probe = TorchProbe.of("model.safetensors", Path("cat.jpg"))
probe.tap(["conv1"])["conv1"]             # what conv1 puts out, (C, H, W)
probe.receptive_field("conv1", 3, 4)      # which pixels position 3, 4 of it sees
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.data.pictures.crop_transform import Box
from striate.data.pictures.given import Picture
from striate.data.pictures.preprocess import Preprocess
from striate.errors import DescribeError
from striate.interpret.probe import Probe, Seen, show
from striate.model.build.model import Model, build
from striate.runs.predictor import Predictor
from striate.runs.rebuild import frozen
from striate.spec import Net, Shape
from striate.spec.layers import Flatten
from striate.spec.survey import Part, Survey
from striate.tasks.question import Place, Question, Word
from striate.tasks.table import BY_ITSELF, TASKS
from striate.tasks.task import LabelFacts, State, Task

__all__ = ["Seen", "TorchProbe"]


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class TorchProbe(Probe):
    """A model and one picture. Make one with `of` or `untrained`.

    ``inputs`` (1, C, H, W) float32 are the pixels, normalised. ``task`` is what the model is for, ``labels`` what its
    outputs are called, ``learnt`` what it learnt after training (`Task.opened`); the other fields are those of `Probe`.
    """

    model: Model
    inputs: Tensor
    task: Task
    labels: LabelFacts
    learnt: Any

    @classmethod
    def of(cls, what: Predictor | Path | str, picture: Picture) -> TorchProbe:
        """Return a model with a picture: a path, the bytes of a file, or pixels (H, W) or (H, W, 3) uint8.

        ``what``: a predictor, a model file or a run's folder. Errors: ModelError, PictureError.
        """
        predictor = what if isinstance(what, Predictor) else Predictor.open(what, device="cpu", onnx=False)
        return cls._with(
            predictor.model.cpu().float().eval(),
            predictor.labels,
            predictor.preprocess,
            picture,
            task=predictor.task,
            learnt=predictor.learnt,
            frozen=frozen(predictor.facts),
        )

    @classmethod
    def untrained(
        cls, net: Net, shape: Shape, picture: Picture, *, classes: int | None = None, seed: int = 0
    ) -> TorchProbe:
        """Return a net whose weights are drawn from ``seed`` with a picture: it computes, but has learnt nothing.

        The picture is cropped to ``shape`` and its pixels are divided by 255. Errors: DescribeError, PictureError.
        """
        how = Preprocess(*shape.size, shape.channels)
        model = build(net, shape, classes=classes, preprocess=how, seed=seed).eval()
        output = model.net.on(shape, fit="floor").output
        assert output is not None
        task = TASKS[BY_ITSELF]
        labels = LabelFacts(tuple(f"{task.noun} {number}" for number in range(output.channels)))
        learnt = task.opened(State(), labels)
        return cls._with(model, labels, how, picture, task=task, learnt=learnt, trained=False)

    @classmethod
    def _with(
        cls,
        model: Model,
        labels: LabelFacts,
        how: Preprocess,
        picture: Picture,
        *,
        task: Task,
        learnt: Any,
        trained: bool = True,
        frozen: Mapping[str, str] | None = None,
    ) -> TorchProbe:
        shown = show(picture, how)
        with torch.no_grad():
            inputs = model.normalise(torch.from_numpy(shown.pixels.copy()).permute(2, 0, 1)[None].contiguous())
        return cls(
            **shown._asdict(),
            model=model,
            names=labels.names,
            labels=labels,
            task=task,
            learnt=learnt,
            preprocess=how,
            inputs=inputs,
            trained=trained,
            frozen=frozen or {},
        )

    def question(self, output: Tensor, word: Word = None, against: str | int | None = None) -> Question:
        """Return what is asked of the net's output (1, ...); see `Answering.question`. Errors: StriateError."""
        if output.dim() != 2 and not self.task.placed:
            shape = tuple(output.shape[1:])
            raise DescribeError(f"evidence is of an answer for the whole picture; this net puts out {shape}")
        said = output[0].detach().numpy()
        if isinstance(word, Question):
            question = word
        elif isinstance(word, Place):
            question = self.task.question_at(said, self.labels, self.learnt, word, against)
        else:
            question = self.task.question(said, self.labels, self.learnt, word, against)
        question.score(output)  # refuses what cannot be asked
        return question

    def answering(self, question: Question) -> tuple[str, tuple[int, int], int] | None:
        """Return the part, the place (row, column) of it and the channel that answer a question; None where many do.

        The part is that whose map is the answer, or is flattened to be a part of it.
        """
        if question.cell is None or self.is_code:
            return None
        level, row, column, channel = question.cell
        ends = [self.reads(one.path)[0] for one in self._flattened()] or [self.survey.rows[-1].path]
        return (ends[level], (row, column), channel) if level < len(ends) else None

    def _flattened(self) -> list[Part]:
        """Return the layers that flatten a map of several places, where the answer is a vector."""
        output = self.survey.output
        if output is None or output.is_map:
            return []
        kinds = zip(self.survey.rows, self.survey.layers, self.survey.given, strict=False)
        return [row for row, net, given in kinds if isinstance(net, Flatten) and given.is_map and not row.auxiliary]

    def _survey(self) -> Survey:
        return self.model.net.on(self.model.shape, fit="floor")

    def taps(self) -> tuple[str, ...]:  # noqa: D102
        return self.model.taps()

    def reads(self, path: str) -> tuple[str, ...]:  # noqa: D102
        return self.model.reads(path)

    def tap(self, parts: Sequence[str]) -> dict[str, NDArray[np.float32]]:  # noqa: D102
        paths = {part: self.part(part) for part in parts}
        with torch.no_grad():
            _, values = self.model.forward_with(self.inputs, list(dict.fromkeys(paths.values())))
        return {part: values[path][0].numpy() for part, path in paths.items()}

    def tensors(self, path: str) -> dict[str, NDArray[Any]]:  # noqa: D102
        return {name: value.numpy() for name, value in self.model.get_submodule(path).state_dict().items()}

    def receptive_field(self, part: str, row: int = 0, column: int = 0) -> Seen:  # noqa: D102
        path = self.part(part)
        if not self.is_code or path == "input":
            return super().receptive_field(part, row, column)
        self.require_place(path, row, column)
        box = self._footprint(path, row, column)
        return Seen(box, box, self.frame.box(box.clipped(*self.model.shape.size)), measured=True)

    @property
    def is_code(self) -> bool:
        """Whether the model is a module that only its own code can be, of which no windows are known."""
        return self.survey.why is not None

    def _footprint(self, path: str, row: int, column: int) -> Box:
        """Return the box of the pixels that move a position of a part on this picture; empty where none does."""
        inputs = self.inputs.clone().requires_grad_(True)
        values = self.model.until(inputs, path)[0]
        values = values[:, row, column] if values.dim() == 3 else values
        mixed = torch.rand(len(values), generator=torch.Generator().manual_seed(0))  # so that no channels cancel out
        (gradient,) = torch.autograd.grad(values @ mixed, inputs)
        rows, columns = (torch.nonzero(gradient[0].abs().amax((0, axis))).flatten().tolist() for axis in (2, 1))
        return Box(rows[0], columns[0], rows[-1] + 1, columns[-1] + 1) if rows else Box(0, 0, 0, 0)
