"""How many objects there are, learnt from a dot on each, or from counts alone. Torch comes where tensors are computed.

The net answers with a density: how many objects are in each cell of its last map. Its sum is the count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.data.labels.marks import BoxMarks, DotMarks
from striate.data.labels.numbers import NUMBERS
from striate.errors import ShapeError, SourceError
from striate.metrics.probability import Floats
from striate.spec.shape import Shape
from striate.tasks.count_answering import (
    BY,
    COUNTS,
    DENSITY,
    DOTS,
    CountAnswering,
    LearntCounts,
    learnt_of,
    state_of,
    summed,
    truth_of,
)
from striate.tasks.maps import checked_maps
from striate.tasks.points import LATE, Count, densities
from striate.tasks.prediction import Prediction
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
    from striate.spec.survey import Survey
    from striate.tasks.map_tiles import CountStitcher
    from striate.train_config import TrainConfig

LONGEST: Final = 512  # pixels of the longer side, where nobody says
STRIDE: Final = 2  # of the map that answers
WIDTH: Final = 24  # channels of a pyramid, whose finest maps are large
STEPS: Final = 320  # of a net from chance, where nobody says
FEWEST: Final = 5  # pictures with a count, below which there is nothing to learn and measure
FEW: Final = 10  # objects a picture, in the middle of all, up to which boxes say more
AT_ONCE: Final = 16  # pictures whose validation loss is computed together
_INSIDE: Final = 1e-3  # pixels: a dot on the right or lower edge is so far within


class CountObjects(CountAnswering, Task):
    """How many objects of each class a picture shows."""

    name = "count"
    kind = DOTS
    noun = "class"
    ends = "a map a class"
    terms = ("density", "count")
    placed = True
    solved = False
    by_chance = "a slim U-Net that answers at every second pixel"
    # What is cut off would be missing in the count.
    defaults = MappingProxyType({"resize": "stretch", "flip": True, "label_smoothing": 0.0})

    def size_for(self, height: int, width: int, labels: Labels) -> tuple[int, int]:
        """Return a size near the pictures' own proportions, 512 pixels at the longer side at most."""
        from striate.tasks import scene_nets

        return scene_nets.size_within(height, width, LONGEST)

    def on_trunk(self, net: Net, shape: Shape, labels: Labels) -> Net:
        """Return a pyramid that ends in one map of stride 2, a density a class."""
        from striate.tasks import scene_nets

        return scene_nets.map_on(net, shape, STRIDE, WIDTH)

    def from_chance(self, shape: Shape, labels: Labels) -> Net:
        """Return a small U-Net, a density at every second pixel."""
        from striate.tasks import scene_nets

        return scene_nets.chance_map()

    def usual(self, pictures: int, *, chance: bool) -> dict[str, Any]:
        """Return the task's own defaults."""
        from striate.tasks import scene_nets

        steps = scene_nets.chance_steps(pictures, steps=STEPS, rate=3e-3, least=10) if chance else {}
        return {**self.defaults, **steps}

    def labels(self, source: Source, recipe: Settings) -> Labels:
        """Return the dots (N, M, 3) float32 of each picture: class, x and y; or counts (N, K).

        The class is -1 behind the last dot of a picture. Of boxes the middles are the dots.
        Errors: SourceError for other labels.
        """
        known = np.array([item.labelled for item in source.items], bool)
        if source.kind == NUMBERS:
            return Labels(source.label_names, _counts(source), known, {BY: COUNTS})
        dots = [_dots(item.target) for item in source.items]
        if source.kind not in (DOTS, "boxes") or any(
            one is None for one, there in zip(dots, known, strict=True) if there
        ):
            raise SourceError(
                f"{source.location}: its labels are {source.kind}, and task {self.name} takes a dot or a box for each"
                " object, or a list with a column of counts"
            )
        values = np.full((len(dots), max([1, *(len(one) for one in dots if one is not None)]), 3), -1.0, np.float32)
        for row, one in enumerate(dots):
            if one is not None:
                values[row, : len(one)] = one
        return Labels(source.label_names, values, known, {BY: DOTS})

    def check_labels(self, source: Source, labels: Labels) -> None:
        """Refuse too few pictures, counts that are none, and the same count on all of them."""
        counts = truth_of(labels.values, labels.kept)[labels.known]
        if len(counts) < FEWEST:
            raise SourceError(
                f"{source.location} holds {counted(len(counts), 'picture')} whose objects are counted; to learn and"
                f" measure takes {FEWEST} at least, and 30 or more for a figure that means something"
            )
        for place, name in enumerate(labels.names):
            each = counts[:, place]
            if not (np.isfinite(each) & (each >= 0)).all():
                row = int(np.argmin(np.isfinite(each) & (each >= 0)))
                item = [item for item, there in zip(source.items, labels.known, strict=True) if there][row]
                raise SourceError(f"{source.location}: {name} of {item.key} is {each[row]:g}, which is no count")
        if (counts == counts[0]).all():
            said = ", ".join(f"{count:g} {name}" for count, name in zip(counts[0], labels.names, strict=True))
            raise SourceError(
                f"{source.location}: there {'are' if counts[0].sum() != 1 else 'is'} {said} on all"
                f" {counted(len(counts), 'picture')}; there is nothing to learn"
            )

    def strata(self, labels: Labels) -> Strata:
        """Return ranges of the counts: each keeps its share of every part."""
        from striate.data.strata import Strata, strata_of

        return Strata(strata_of(truth_of(labels.values, labels.kept), labels.known), labels.known)

    def place(self, labels: Labels, crops: Sequence[CropTransform]) -> Labels:
        """Return dots with x and y as shares of the input's sides, which hold at any size of it.

        Those that the crop left out are none. Counts alone lie nowhere.
        """
        if labels.facts[BY] == COUNTS:
            return labels
        values = labels.values.copy()
        for row, crop in enumerate(crops):
            there = values[row, :, 0] >= 0
            moved = crop.points(values[row, there, 1:])
            sides = np.array([crop.size[1], crop.size[0]], np.float64)
            inside = ((moved >= 0) & (moved <= sides)).all(1)
            values[row, there, 1:] = np.minimum(moved, sides - _INSIDE) / sides
            values[row, there, 0] = np.where(inside, values[row, there, 0], -1)
        return replace(labels, values=values)

    def encode(self, labels: Labels, rows: Sequence[int] | NDArray[np.int64] | None = None) -> NDArray[Any]:
        """Return dots as they are, or counts, float32."""
        return np.nan_to_num(np.asarray(super().encode(labels, rows), np.float32))

    def move(self, targets: NDArray[Any], moves: Moves) -> NDArray[Any]:
        """Return the dots (N, M, 3) of a batch where its pictures went, without those beyond an edge or covered.

        Beyond its edges a moved picture shows its mirror image, objects too: their dots are mirrored with them.
        """
        still = moves.geometry is None and moves.erased is None
        if targets.ndim == 2 or still:
            return targets
        rows, places = np.nonzero(targets[..., 0] >= 0)
        kinds = targets[rows, places, 0]
        sides = np.array([moves.source[1], moves.source[0]], np.float64)
        points = targets[rows, places, 1:] * sides
        if moves.geometry is not None:
            shown = [(points, kinds, rows)]
            for across, down in np.ndindex(3, 3):  # what is beyond: left or right of it, above or below
                if (across, down) != (1, 1):
                    ends = np.array([[0.0, np.nan, 2 * sides[0]][across], [0.0, np.nan, 2 * sides[1]][down]])
                    shown.append((np.where(np.isnan(ends), points, ends - points), kinds, rows))
            points, kinds, rows = (np.concatenate(each) for each in zip(*shown, strict=True))
        moved = moves.points(points, of=rows)
        wide, tall = moves.size[1], moves.size[0]
        seen = moves.sees(moved, of=rows) & (moved[:, 0] < wide) & (moved[:, 1] < tall)
        return _packed(rows[seen], kinds[seen], moved[seen] / (wide, tall), targets.shape)

    def cautions(self, labels: Labels, rows: Sequence[int], config: TrainConfig) -> tuple[str, ...]:
        """Return that boxes say more where objects are few, and what moving pictures does to counts alone."""
        counts = truth_of(labels.values[np.asarray(rows, np.int64)], labels.kept)
        said, middle = [], float(np.median(counts.sum(1))) if len(counts) else 0.0
        if middle <= FEW:
            said.append(
                f"half of the pictures to train on hold {middle:,.0f} {plural(round(middle), 'object')} or fewer: of"
                " objects that are few and large, boxes and --task detect tell more, and which is where"
            )
        if labels.facts[BY] == COUNTS and config.augment != "none":
            said.append(
                f"of counts alone nobody knows where the objects are, and augment = {config.augment!r} moves some of"
                " them beyond the edge: their pictures keep their count; dots would go with them"
            )
        return tuple(said)

    def check(self, survey: Survey, facts: LabelFacts) -> None:
        """Refuse a net that does not end in a map a class, at any stride."""
        classes, output = self.width(facts), survey.output
        height, width = survey.input.size
        if (
            output is None
            or not output.is_map
            or output.channels != classes
            or output.size == (1, 1) != (height, width)
        ):
            raise ShapeError(
                f"the net puts out {output}, and {counted(classes, self.noun)} {'take' if classes > 1 else 'takes'} a"
                f" density each, {Shape(classes, max(1, height // 2), max(1, width // 2))} or of another size; let it"
                f" end in: conv {classes} 1x1, with nothing behind it that pools or flattens"
            )

    def loss(
        self, outputs: Mapping[str, Tensor], targets: Tensor, config: TrainConfig, weights: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return how far off the density is, cell by cell (of counts alone 0), and how far off the count."""
        from striate.tasks import count_loss

        found = count_loss.densities(outputs[DENSITY])
        classes, size = found.shape[1], (found.shape[2], found.shape[3])
        if targets.dim() == 2:
            wanted, density = targets.to(found.dtype), found.sum() * 0
        else:
            wanted = count_loss.dots_of(targets, classes)
            density = count_loss.density_error(found, count_loss.rendered(targets, classes, size))
        return dict(zip(self.terms, (density, count_loss.count_error(found.sum((2, 3)), wanted)), strict=True))

    def plain_loss(self, outputs: Mapping[str, Tensor], targets: Tensor, config: TrainConfig) -> float:
        """Return the loss that is learnt by, a mean over pictures."""
        maps, total = outputs[DENSITY], 0.0
        for begin in range(0, len(maps), AT_ONCE):
            some = maps[begin : begin + AT_ONCE]
            found = self.loss({DENSITY: some}, targets[begin : begin + AT_ONCE], config)
            total += len(some) * float(sum(value.item() for value in found.values()))
        return total / max(1, len(maps))

    def fit_state(self, judged: Judged, facts: LabelFacts) -> State:
        """Return what counts are multiplied by, where that makes them better, and what is known of their errors."""
        return state_of(judged, facts)

    def opened(self, state: State, facts: LabelFacts) -> LearntCounts:
        """Return the corrections and the intervals. Errors: ModelError for what is damaged."""
        return learnt_of(state, facts)

    def decode(
        self, outputs: Outputs, facts: LabelFacts, learnt: Any, *, options: Mapping[str, Any] = NOTHING
    ) -> list[Prediction]:
        """Return the `Count` of each picture; the option ``level`` is that of its intervals, 0.9 without it."""
        maps = checked_maps(outputs[DENSITY], len(facts.names), self.noun)
        level = options.get("level") or learnt.level
        low, high = learnt.within(summed(maps) * learnt.slopes, level)
        return [
            Count(facts.names, densities(each) * learnt.slopes[:, None, None], first, last, level)
            for each, first, last in zip(maps, low, high, strict=True)
        ]

    def means(self, facts: LabelFacts, learnt: Any) -> dict[str, str]:
        """Return how a map becomes a count."""
        times = ", ".join(f"{slope:.4g}" for slope in learnt.slopes.tolist())
        words = (
            f"(N, {len(facts.names)}, h, w): log(1 + exp(value - {LATE:g})) is how many objects are in a cell; the"
            f" sum of them, times {times}, is the count"
        )
        return {DENSITY: words}

    def stitcher(
        self, tiling: Tiling, facts: LabelFacts, learnt: Any, options: Mapping[str, Any] = NOTHING
    ) -> CountStitcher:
        """Return what lays the densities of tiles together."""
        from striate.tasks.map_tiles import CountStitcher

        return CountStitcher(tiling, facts, learnt, options)


def _counts(source: Source) -> Floats:
    """Return the counts (N, K) that a source of numbers says, NaN where it says none."""
    values = np.full((len(source.items), len(source.label_names)), np.nan)
    for row, item in enumerate(source.items):
        if isinstance(item.target, tuple):
            values[row] = item.target
    return values


def _dots(target: object) -> NDArray[np.float32] | None:
    """Return the dots (P, 3) of a picture, class, x and y; of boxes their middles; None of other labels."""
    if isinstance(target, DotMarks):
        points: NDArray[np.floating] = np.asarray(target.points, np.float32).reshape(-1, 2)
        classes = target.classes
    elif isinstance(target, BoxMarks):
        boxes = np.asarray(target.boxes, np.float32).reshape(-1, 4)
        kept = np.setdiff1d(np.arange(len(boxes)), np.asarray(target.ignored, np.int64))
        points = (boxes[kept, :2] + boxes[kept, 2:]) / 2
        classes = tuple(target.classes[place] for place in kept.tolist())
    else:
        return None
    return np.column_stack([np.asarray(classes, np.float32), points])


def _packed(
    rows: NDArray[np.int64], kinds: NDArray[Any], points: NDArray[Any], shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return dots, each on a row, as (N, M, 3), filled up with none: M is that of ``shape``, or of the fullest row."""
    order = np.argsort(rows, kind="stable")
    rows, counts = rows[order], np.bincount(rows, minlength=shape[0])
    found = np.full((shape[0], max(shape[1], int(counts.max(initial=0))), 3), -1.0, np.float32)
    begins = np.cumsum(counts) - counts
    places = np.arange(len(rows)) - begins[rows]
    found[rows, places] = np.column_stack([kinds[order], points[order]])
    return found
