"""A class a pixel: what a picture shows where. Torch is imported by what computes with tensors alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.errors import PictureError, RecipeError, ShapeError, SourceError
from striate.spec.shape import Shape
from striate.tasks.maps import checked_maps
from striate.tasks.masks import VOID, Masks
from striate.tasks.prediction import Prediction
from striate.tasks.segment_answering import (
    MASKS,
    LearntMasks,
    SegmentAnswering,
    learnt_of,
    pixels_by_class,
    state_of,
)
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
    from striate.tasks.map_tiles import MaskStitcher
    from striate.train_config import TrainConfig

LONGEST: Final = 480  # pixels of the longer side, where nobody says
STRIDE: Final = 4  # of the map that answers
MIXED: Final = (8, 16)  # strides at which the pyramid looks around: at 4 a step takes twice the time, for as good masks
MAP_STEPS: Final = 420  # of a head on the maps of a trunk, where nobody says
STEPS: Final = 200  # of a net from chance, where nobody says: small batches learn sooner
FEWEST: Final = 2  # pictures with a mask, below which there is nothing to learn and measure
COUNTED_AT_ONCE: Final = 16  # pictures whose validation loss is computed together


@dataclass(frozen=True, eq=False)
class SourceMasks(Labels):
    """Masks as a source has them: ``values`` (N,) are their rows, and ``read`` gives one (H, W) of its picture's size.

    So nothing is read before it is placed, and never more than one in its own size is held.
    """

    read: Callable[[int], NDArray[np.uint8]] = field(kw_only=True)


class Segment(SegmentAnswering, Task):
    """A class for every pixel; 255 in a mask says nothing of a pixel, and it takes no part in anything."""

    name = "segment"
    kind = "masks"
    noun = "class"
    pipeline = "image-segmentation"
    ends = "a map a class"
    terms = ("cross-entropy", "dice")
    choices = frozenset({"class_weights"})
    placed = True
    solved = False
    by_chance = "a slim U-Net that answers at every second pixel"
    light = 0.4
    # A picture is divided whole: nothing is cut off, and its labels are not smoothed. A mirror takes the labels along.
    defaults = MappingProxyType({"resize": "stretch", "flip": True, "label_smoothing": 0.0})

    def labels(self, source: Source, recipe: Settings) -> Labels:
        """Return which pictures have a mask; masks are read when they are placed (`SourceMasks`).

        Errors: SourceError for labels that are no masks.
        """
        if source.kind != self.kind:
            raise SourceError(
                f"{source.location}: its labels are {source.kind}, and task {self.name} takes masks; leave --task"
                f" {self.name} out, or give a mask beside each picture"
            )
        if len(source.label_names) > VOID:
            raise SourceError(
                f"{source.location} names {len(source.label_names)} classes, and masks have room for {VOID} at most"
            )
        known = np.array([item.labelled for item in source.items], bool)
        rows = np.arange(len(source.items))
        return SourceMasks(source.label_names, rows, known, read=source.mask)

    def size_for(self, height: int, width: int, labels: Labels) -> tuple[int, int]:
        """Return a size near the pictures' own proportions, 480 pixels at the longer side at most."""
        from striate.tasks import scene_nets

        return scene_nets.size_within(height, width, LONGEST)

    def on_trunk(self, net: Net, shape: Shape, labels: Labels) -> Net:
        """Return a pyramid that ends in one map of stride 4, a channel a class."""
        from striate.tasks import scene_nets

        return scene_nets.map_on(net, shape, STRIDE, mixed=MIXED)

    def from_chance(self, shape: Shape, labels: Labels) -> Net:
        """Return a small U-Net, a class a pixel."""
        from striate.tasks import scene_nets

        return scene_nets.chance_map()

    def usual(self, pictures: int, *, chance: bool) -> dict[str, Any]:
        """Return the task's own defaults."""
        from striate.defaults import MAPS_BATCH, VIEWS, epochs_of
        from striate.tasks import scene_nets

        if not chance:
            return {**self.defaults, "epochs": epochs_of(MAP_STEPS, MAPS_BATCH, VIEWS * pictures)}
        steps = scene_nets.chance_steps(pictures, steps=STEPS, batch=2, least=10)
        # Muon learns more from a step (docs/defaults.md): thin structures take it 72 steps that take AdamW 200.
        return {**self.defaults, **steps, "optimiser": "muon", "learning_rate": 0.05, "weight_decay": 5e-4}

    def check_labels(self, source: Source, labels: Labels) -> None:
        """Refuse too few masks, and masks of one class alone; so many are read as it takes to see two classes."""
        rows = np.flatnonzero(labels.known).tolist()
        if len(rows) < FEWEST:
            raise SourceError(
                f"{source.location} holds {counted(len(rows), 'picture')} with a mask; to learn and measure takes"
                f" {FEWEST} at least, and 30 or more for a figure that means something"
            )
        seen: set[int] = set()
        for row in rows:
            seen |= set(np.unique(_read(labels, row)).tolist()) - {VOID}
            if len(seen) > 1:
                return
        what = labels.names[seen.pop()] if seen else "nothing"
        raise SourceError(
            f"{source.location}: every labelled pixel of {counted(len(rows), 'mask')} is {what}; to tell pixels apart"
            " takes two classes at least, and 255 says nothing of a pixel"
        )

    def strata(self, labels: Labels) -> Strata:
        """Return which classes each picture shows: each keeps its share of every part, the rare ones too."""
        from striate.data.strata import Strata

        if isinstance(labels, SourceMasks):
            each = [_pixels(_read(labels, row), len(labels.names)) for row in range(len(labels.known))]
            there = np.array(each).reshape(-1, len(labels.names)) > 0
        else:
            there = pixels_by_class(labels.values, np.arange(len(labels.values)), len(labels.names)) > 0
        return Strata(there, labels.known, noun=self.noun)

    def place(self, labels: Labels, crops: Sequence[CropTransform]) -> Labels:
        """Return the masks (N, H, W) uint8 in pixels of the input, read one by one.

        Errors: SourceError for a mask that is of another size than its picture.
        """
        if not isinstance(labels, SourceMasks):
            raise RecipeError("these masks are placed already")  # a fault of ours
        size = crops[0].size if crops else (1, 1)
        values = np.full((len(crops), *size), VOID, np.uint8)
        for row in np.flatnonzero(labels.known).tolist():
            mask = _read(labels, row)
            try:
                values[row] = crops[row].masks(mask)
            except PictureError as error:
                raise SourceError(f"the mask of picture {row + 1} does not fit it: {error}") from None
            values[row][values[row] >= len(labels.names)] = VOID
        return Labels(labels.names, values, labels.known, {**labels.facts, "input": list(size)}, labels.notes)

    def move(self, targets: NDArray[Any], moves: Moves) -> NDArray[Any]:
        """Return the masks of a batch where its pictures went; what comes from beyond an edge is void."""
        if moves.geometry is None and moves.erased is None and moves.size == moves.source:
            return targets
        import torch

        from striate.data.batches.warp import move_masks

        return move_masks(torch.from_numpy(targets), moves, void=VOID).numpy()

    def cautions(self, labels: Labels, rows: Sequence[int], config: TrainConfig) -> tuple[str, ...]:
        """Return which classes no picture to train on shows, and that most pixels are unlabelled, where they are."""
        pixels = pixels_by_class(labels.values, np.asarray(rows, np.int64), len(labels.names))
        none = [name for name, count in zip(labels.names, pixels.sum(0), strict=True) if not count]
        said = []
        if none:
            some = ", ".join(none[:5]) + (f" and {len(none) - 5} more" if len(none) > 5 else "")
            they = "it is" if len(none) == 1 else "they are"
            said.append(f"no picture to train on shows the {plural(len(none), 'class')} {some}: {they} not learnt")
        share = pixels.sum() / max(1, len(rows) * int(np.prod(labels.values.shape[1:])))
        if share < 0.5:
            said.append(f"only {100 * share:.2g} % of the pixels to train on are labelled; the others take no part")
        return tuple(said)

    def settle(self, labels: Labels, rows: Sequence[int]) -> Labels:
        """Return labels with how many pixels of the pictures trained on are of each class."""
        pixels = pixels_by_class(labels.values, np.asarray(rows, np.int64), len(labels.names)).sum(0)
        return replace(labels, facts={**labels.facts, "trained": {"pictures": len(rows), "pixels": pixels.tolist()}})

    def check(self, survey: Survey, facts: LabelFacts) -> None:
        """Refuse a net that does not end in a map a class, at any stride."""
        classes, output = self.width(facts), survey.output
        height, width = survey.input.size
        if output is None or not output.is_map or output.channels != classes:
            tall, wide = output.size if output is not None and output.is_map else (max(1, height // 4), width // 4 or 1)
            raise ShapeError(
                f"the net puts out {output}, and {counted(classes, self.noun)} {'take' if classes > 1 else 'takes'} a"
                f" map each, {Shape(classes, tall, wide)} or of another size; let it end in: conv {classes} 1x1,"
                " without flatten and dense behind it"
            )
        if output.size == (1, 1) and max(height, width) > 1:
            raise ShapeError(
                f"the net puts out {output}, one position for all of a picture of {height}x{width}; leave out what"
                f" pools over the whole map, and let it end in: conv {classes} 1x1"
            )

    def weights(self, targets: NDArray[Any], facts: LabelFacts, config: TrainConfig) -> Tensor | None:
        """Return the weight of each class (K,): one over the root of its share of the pixels; 1 in the mean over them.

        With class_weights = "balanced" one over the share itself, so that all classes count the same. A class that
        is not there has none.
        """
        import torch

        pixels = pixels_by_class(targets, np.arange(len(targets)), len(facts.names)).sum(0)
        share = pixels / max(1, targets.size)
        power = 1.0 if config.class_weights == "balanced" else 0.5
        raised = np.where(pixels > 0, np.maximum(share, 1e-12) ** -power, 0.0)
        return torch.from_numpy(raised / max(1e-12, float((share * raised).sum()))).float()

    def loss(
        self, outputs: Mapping[str, Tensor], targets: Tensor, config: TrainConfig, weights: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return the weighted cross-entropy of the cells and how far areas are from overlapping, both over pictures."""
        from striate.tasks import segment_loss

        maps = outputs[MASKS]
        shares = segment_loss.class_shares(targets, maps.shape[1], (maps.shape[2], maps.shape[3]))
        smoothing = config.label_smoothing
        entropy = segment_loss.cross_entropy(maps, shares, weights=weights, smoothing=smoothing)
        return dict(zip(self.terms, (entropy, segment_loss.dice(maps, shares)), strict=True))

    def plain_loss(self, outputs: Mapping[str, Tensor], targets: Tensor, config: TrainConfig) -> float:
        """Return cross-entropy without weights and the other term, a mean over pictures."""
        from striate.tasks import segment_loss

        maps, total = outputs[MASKS], 0.0
        for begin in range(0, len(maps), COUNTED_AT_ONCE):
            some = maps[begin : begin + COUNTED_AT_ONCE]
            size = (some.shape[2], some.shape[3])
            shares = segment_loss.class_shares(targets[begin : begin + COUNTED_AT_ONCE], some.shape[1], size)
            total += len(some) * float(segment_loss.cross_entropy(some, shares) + segment_loss.dice(some, shares))
        return total / max(1, len(maps))

    def fit_state(self, judged: Judged, facts: LabelFacts) -> State:
        """Return the temperature that the probabilities of pixels are likeliest by."""
        return state_of(judged, facts)

    def opened(self, state: State, facts: LabelFacts) -> LearntMasks:
        """Return the temperature. Errors: ModelError for what is damaged."""
        return learnt_of(state)

    def decode(
        self, outputs: Outputs, facts: LabelFacts, learnt: Any, *, options: Mapping[str, Any] = NOTHING
    ) -> list[Prediction]:
        """Return the `Masks` of each picture."""
        maps = checked_maps(outputs[MASKS], len(facts.names), self.noun)
        return [Masks(facts.names, each / np.float32(learnt.temperature)) for each in maps]

    def means(self, facts: LabelFacts, learnt: Any) -> dict[str, str]:
        """Return what the maps of logits are."""
        words = (
            f"(N, {len(facts.names)}, h, w): logits of the classes, in their order, over the whole input; the largest"
            f" at a place is the class there, and a softmax of them over {learnt.temperature:.4g} how likely each is"
        )
        return {MASKS: words}

    def stitcher(
        self, tiling: Tiling, facts: LabelFacts, learnt: Any, options: Mapping[str, Any] = NOTHING
    ) -> MaskStitcher:
        """Return what blends the areas of tiles."""
        from striate.tasks.map_tiles import MaskStitcher

        return MaskStitcher(tiling, facts, learnt, options)


def _read(labels: Labels, row: int) -> NDArray[np.uint8]:
    """Return the mask of a row, wherever the labels lie."""
    return labels.read(row) if isinstance(labels, SourceMasks) else labels.values[row]


def _pixels(mask: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    return np.bincount(mask.ravel(), minlength=VOID + 1)[:classes]
