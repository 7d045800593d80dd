"""Objects in pictures: where they are, as boxes, and what they are.

Any net that ends in maps of a logit a class and four distances learns it (`striate.tasks.cells`). Torch is imported by
what computes with tensors alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import ShapeError, SourceError
from striate.tasks.box_candidates import BOXES, candidates
from striate.tasks.box_rows import COLUMNS, LEVEL, counts, moved, placed, rows_of, truths
from striate.tasks.cells import SIDES, Cells, levels_of
from striate.tasks.detect_answering import UNUSED, DetectAnswering, by_overlap, learnt_of
from striate.tasks.detect_state import LearntBoxes, learnt_from
from striate.tasks.task import Task
from striate.tasks.values import NOTHING, Judged, LabelFacts, Labels, Outputs, State
from striate.words import counted, plural

if TYPE_CHECKING:
    from torch import Tensor

    from striate.data.batches.moves import Moves
    from striate.data.pictures.crop_transform import CropTransform
    from striate.data.pictures.tiles import Tiling
    from striate.data.sources.items import Source
    from striate.data.strata import Strata
    from striate.settings import Settings
    from striate.spec.net import Net
    from striate.spec.shape import Shape
    from striate.spec.survey import Survey
    from striate.tasks.detect_tiles import BoxStitcher
    from striate.tasks.prediction import Prediction
    from striate.train_config import TrainConfig

CELLS_A_BOX = 6.0  # that answer for one, about: nine of which some lie outside of it, or are another's
WHOLE_PICTURES = 170  # to train on: more take more than 100 CPU seconds to learn from whole
_SOME = 64  # pictures whose validation loss is computed at once


class Detect(DetectAnswering, Task):
    """Boxes around objects of several classes."""

    name = "detect"
    kind = BOXES
    noun = "class"
    pipeline = "object-detection"
    ends = "a logit a class and four distances"
    terms = ("score", "box")
    placed = True
    solved = False
    zooms = 1
    sized_by_labels = True
    # Nothing is cut off, and boxes keep their proportions.
    defaults = MappingProxyType({"resize": "pad", "label_smoothing": 0.0})

    def size_for(self, height: int, width: int, labels: Labels) -> tuple[int, int]:
        """Return a size near the pictures' proportions, 320 pixels long, up to 480 where boxes are small."""
        from striate.tasks import box_sizes, scene_nets

        return scene_nets.size_within(height, width, box_sizes.longest(labels.values))

    def on_trunk(self, net: Net, shape: Shape, labels: Labels) -> Net:
        """Return a pyramid that answers at strides 8, 16 and 32, and at 4 where boxes are tiny."""
        from striate.tasks import box_sizes, scene_nets

        return scene_nets.boxes_on(net, shape, box_sizes.strides(shape, labels.values))

    def from_chance(self, shape: Shape, labels: Labels) -> Net:
        """Return such a pyramid on a small residual net."""
        from striate.tasks import box_sizes, scene_nets

        return scene_nets.chance_boxes(shape, box_sizes.strides(shape, labels.values))

    def learns_whole(self, labels: Labels) -> bool:
        """Return whether pictures are few, and their objects few and large: raccoons gain 0.07 of AP by it."""
        from striate.tasks import box_sizes

        many = int(labels.known.sum())
        return many <= WHOLE_PICTURES and box_sizes.few_and_large(labels.values[labels.known])

    def usual(self, pictures: int, *, chance: bool) -> dict[str, Any]:
        """Return the task's own defaults."""
        from striate.tasks import scene_nets

        return {**self.defaults, **(scene_nets.chance_steps(pictures) if chance else {})}

    def labels(self, source: Source, recipe: Settings) -> Labels:
        """Return the boxes of every picture (N, M, 7), in its own pixels. Errors: SourceError for other labels."""
        from striate.data.labels.marks import BoxMarks

        marks = [item.target if isinstance(item.target, BoxMarks) else None for item in source.items]
        if source.kind != self.kind:
            raise SourceError(f"{source.location} has {source.kind}; to find objects takes boxes around them")
        known = np.array([one is not None for one in marks], bool)
        values = rows_of(marks, len(source.label_names)) if marks else np.zeros((0, 1, COLUMNS), np.float32)
        facts = {name: source.label_facts[name] for name in (UNUSED,) if source.label_facts.get(name)}
        return Labels(source.label_names, values, known, facts, _notes(values[known], source.label_names))

    def check_labels(self, source: Source, labels: Labels) -> None:
        """Refuse a source of fewer than two labelled pictures, or without a box."""
        pictures = int(labels.known.sum())
        boxes = int(counts(labels.values[labels.known], len(labels.names)).sum())
        if not boxes:
            raise SourceError(
                f"{source.location}: there is no box in {counted(pictures, 'labelled picture')}; there is nothing to"
                " learn"
            )
        if pictures < 2:
            raise SourceError(
                f"{source.location} has boxes in one picture; it takes two at least, one to learn from and one to"
                " judge by"
            )

    def strata(self, labels: Labels) -> Strata:
        """Return which classes each picture shows: each keeps its share of every part, the rare ones too."""
        from striate.data.strata import Strata

        return Strata(counts(labels.values, len(labels.names)) > 0, labels.known, noun=self.noun)

    def settle(self, labels: Labels, rows: Sequence[int]) -> Labels:
        """Return labels with how many boxes of each class the pictures trained on have, and how high and wide most are.

        The latter in pixels of the input: of no class are more than one in twenty higher, or wider.
        """
        mine = labels.values[np.asarray(rows, np.int64)]
        trained = {"pictures": len(rows), "boxes": counts(mine, len(labels.names)).sum(axis=0).tolist()}
        boxes = mine[mine[:, :, 0] >= 0]
        sides = [
            np.quantile(of[:, 3:5] - of[:, 1:3], 0.95, axis=0)
            for of in (boxes[boxes[:, 0] == kind] for kind in range(len(labels.names)))
            if len(of)
        ]
        extent = {"extent": np.max(sides, axis=0)[::-1].round(2).tolist()} if sides else {}
        kept = {name: value for name, value in labels.facts.items() if name != UNUSED}  # of this source alone
        return replace(labels, facts={**kept, "trained": trained, **extent})

    def place(self, labels: Labels, crops: Sequence[CropTransform]) -> Labels:
        """Return the boxes in pixels of the network's input; those that it does not show are left out."""
        return replace(labels, values=placed(labels.values, crops))

    def move(self, targets: NDArray[Any], moves: Moves) -> NDArray[Any]:
        """Return the boxes of a batch where its moves take them; those that hardly show any more are ignored."""
        return moved(targets, moves)

    def laid_out(self, labels: Labels, survey: Survey) -> Labels:
        """Return labels that know how the net's output is laid out: the size of each map, and of the input."""
        cells = levels_of(survey, len(labels.names))
        levels = [list(size) for size in cells.sizes]
        return replace(labels, facts={**labels.facts, "levels": levels, "input": list(cells.input)})

    def encode(self, labels: Labels, rows: Sequence[int] | NDArray[np.int64] | None = None) -> NDArray[Any]:
        """Return the rows of boxes with those of the net's maps behind them, which the loss has to know."""
        values = super().encode(labels, rows)
        if "levels" not in labels.facts:
            return values
        cells = Cells.of(labels.facts, len(labels.names))
        levels = np.zeros((len(values), len(cells.sizes), COLUMNS), np.float32)
        rate = _boxes_a_picture(labels) * CELLS_A_BOX
        levels[:] = [(LEVEL, *size, *cells.input, cells.classes, rate) for size in cells.sizes]
        return np.concatenate([values, levels], axis=1)

    def width(self, facts: LabelFacts) -> int:
        """Return how many channels a map has: a logit a class, and four distances."""
        return len(facts.names) + SIDES

    def check(self, survey: Survey, facts: LabelFacts) -> None:
        """Refuse a net that does not end in maps of as many channels, or that has side heads."""
        levels_of(survey, len(facts.names))
        side = next((row.path for row in survey.rows if row.auxiliary), None)
        if side is not None:
            raise ShapeError(f"{side} is part of a side head, and what finds boxes is learnt without; leave it out")

    def loss(
        self, outputs: Mapping[str, Tensor], targets: Tensor, config: TrainConfig, weights: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return the loss of the scores and that of the places of boxes."""
        from striate.tasks.detect_loss import detect_loss

        score, box = detect_loss(outputs[BOXES], targets)
        return {"score": score, "box": box}

    def plain_loss(self, outputs: Mapping[str, Tensor], targets: Tensor, config: TrainConfig) -> float:
        """Return the sum of both terms, a mean over pictures."""
        from striate.tasks.detect_loss import detect_loss

        output, total = outputs[BOXES], 0.0
        for begin in range(0, len(output), _SOME):
            some = slice(begin, begin + _SOME)
            score, box = detect_loss(output[some], targets[some])
            total += float(score + box) * len(output[some])
        return total / len(output)

    def fit_state(self, judged: Judged, facts: LabelFacts) -> State:
        """Return how likely boxes are right by their scores, and from which score on those of each class are said.

        And which of two boxes say the same: the overlap under which average precision is best, of AP50 and AP the mean.
        """
        found = by_overlap(judged.outputs, judged.targets, facts)
        return learnt_of(found, truths(judged.targets), range(len(judged.targets)), facts)

    def unlearnt(self, why: str) -> State:
        """Return a state of raw scores; ``why`` stands in it."""
        return State({"slopes": None, "why": why})

    def opened(self, state: State, facts: LabelFacts) -> LearntBoxes:
        """Return what was learnt of scores. Errors: ModelError for what is damaged."""
        return learnt_from(state, len(facts.names))

    def decode(
        self, outputs: Outputs, facts: LabelFacts, learnt: Any, *, options: Mapping[str, Any] = NOTHING
    ) -> list[Prediction]:
        """Return the `Boxes` of each picture; ``options`` are ``precision`` or ``recall``, a share to be reached."""
        return list(candidates(outputs, facts, learnt, options=options))

    def means(self, facts: LabelFacts, learnt: Any) -> dict[str, str]:
        """Return how the numbers of cells lie, and where they are decoded already."""
        cells = Cells.of(facts.facts, len(facts.names))
        maps = ", ".join(f"{height} x {width}" for height, width in cells.sizes)
        words = (
            f"(N, {cells.numbers}): map after map ({maps} cells), each channel by channel: {len(facts.names)} logits of"
            " scores, then 4 distances; --to onnx writes a graph that puts out the boxes themselves"
        )
        return {BOXES: words}

    def stitcher(
        self, tiling: Tiling, facts: LabelFacts, learnt: Any, options: Mapping[str, Any] = NOTHING
    ) -> BoxStitcher:
        """Return what makes the boxes of a picture of those of its tiles."""
        from striate.tasks.detect_tiles import BoxStitcher

        return BoxStitcher(tiling, facts, learnt, options)


def _boxes_a_picture(labels: Labels) -> float:
    """Return how many boxes a picture to train on has on average."""
    trained = labels.facts.get("trained")
    if trained is not None:
        return float(sum(trained["boxes"]) / max(trained["pictures"], 1))
    many = counts(labels.values[labels.known], len(labels.names))
    return float(many.sum()) / max(len(many), 1)


def _notes(values: NDArray[Any], names: Sequence[str]) -> tuple[str, ...]:
    """Return what a person should know: classes of which one picture alone has a box."""
    if not len(values):
        return ()
    pictures = (counts(values, len(names)) > 0).sum(axis=0)
    alone = [name for name, many in zip(names, pictures, strict=True) if many == 1]
    if not alone:
        return ()
    shown = ", ".join(alone[:5]) + (f" and {len(alone) - 5} more" if len(alone) > 5 else "")
    return (
        f"only one picture has a box of the {plural(len(alone), 'class')} {shown}: how well"
        f" {'it is' if len(alone) == 1 else 'they are'} found cannot be measured",
    )
