"""A class a pixel, after training: tables of answers, what they are worth, what may be asked of them. No torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.errors import ModelError, StriateError
from striate.tasks.answering import PARTS, Answering
from striate.tasks.calibrate import HIGHEST, LOWEST, fit_temperature
from striate.tasks.maps import checked_maps
from striate.tasks.masks import MEAN_IOU, PIXEL_ACCURACY, VOID, mask_columns
from striate.tasks.masks_pixels import classes_at, confidence_at, logits_at, middles
from striate.tasks.values import LabelFacts, Labels, Outputs, State
from striate.words import counted

if TYPE_CHECKING:  # what measures and explains is imported by who does: predicting needs none of it
    from striate.data.pictures.crop_transform import CropTransform
    from striate.tasks.assessment import Assessment, Basis
    from striate.tasks.decoding import Compared, Decoding, Frame
    from striate.tasks.question import Place
    from striate.tasks.sections import Part
    from striate.tasks.segment_question import MaskQuestion
    from striate.tasks.task import Judged

MASKS: Final = "masks"
SAMPLED: Final = 100_000  # pixels that a temperature is fitted to at most
A_PICTURE: Final = 2000  # of one picture at most: its pixels say much the same


@dataclass(frozen=True)
class LearntMasks:
    """What is learnt after training: the temperature, and of how many pictures."""

    temperature: float = 1.0
    pictures: int = 0


class SegmentAnswering(Answering):
    """The answering half of `striate.tasks.segment.Segment`. ``learnt`` is a `LearntMasks`."""

    output = MASKS
    headline = MEAN_IOU
    asks = frozenset({"pixel", "box"})

    def columns(self, facts: LabelFacts, top: int | None = None) -> tuple[str, ...]:  # noqa: D102
        return mask_columns(facts.names, top)

    def decoding(self, facts: LabelFacts, learnt: Any, frame: Frame) -> Decoding:
        """Return the steps to a class a pixel, and how sure that is."""
        from striate.tasks.map_decoding import mask_decoding

        return mask_decoding(facts, learnt, frame)

    def held(
        self,
        said: Mapping[str, NDArray[Any]],
        answer: Any,
        outputs: Outputs,
        facts: LabelFacts,
        learnt: Any,
        crop: CropTransform | None = None,
    ) -> Compared:
        """Return what a graph said of one picture, against its answer."""
        from striate.tasks.map_decoding import same_masks

        return same_masks(said, answer)

    def measure(self, outputs: Outputs, targets: NDArray[Any], facts: LabelFacts) -> dict[str, float]:
        """Return the mean IoU over the classes that are there, and the share of pixels that are right; 0 without any.

        Both are of one confusion over all pixels of all pictures, at the size of the network's input.
        """
        from striate.metrics.segmentation import pixel_counts

        if not len(targets):
            return {MEAN_IOU: 0.0, PIXEL_ACCURACY: 0.0}
        counts = pixel_counts(said(outputs[MASKS], targets.shape[1:]), targets, len(facts.names))
        there = counts.iou[~np.isnan(counts.iou)]
        if not len(there):  # all is void
            return {MEAN_IOU: 0.0, PIXEL_ACCURACY: 0.0}
        return {MEAN_IOU: float(there.mean()), PIXEL_ACCURACY: counts.accuracy}

    def shown(self, name: str, value: float, facts: LabelFacts) -> str:
        """Return a share in percent: ``mean IoU 56.1 %``."""
        return f"{name} {100 * value:.1f} %"

    def evaluate(
        self, outputs: Outputs, targets: NDArray[Any], facts: LabelFacts, learnt: Any, basis: Basis
    ) -> Assessment:
        """Return IoU and Dice by class; out-of-fold answers are calibrated by those of the other folds."""
        from striate.tasks.segment_assessment import assess_masks

        maps, size = checked_maps(outputs[MASKS], len(facts.names), "class"), targets.shape[1:]
        temperatures = np.full(len(maps), learnt.temperature)
        if basis.folds is not None:
            for fold in np.unique(basis.folds):
                mine = basis.folds == fold
                temperatures[mine] = fitted(maps[~mine], targets[~mine]).temperature
        at = middles(size[0], maps.shape[2]), middles(size[1], maps.shape[3])
        sure = (confidence_at(one / warmth, *at) for one, warmth in zip(maps, temperatures, strict=True))
        return assess_masks(np.stack(list(said(maps, size))), sure, targets, facts.names, basis)

    def shown_parts(
        self, values: NDArray[Any], parts: Mapping[str, NDArray[np.int64]], facts: LabelFacts
    ) -> tuple[Part, ...]:
        """Return which share of the labelled pixels of each part is of each class, and how many pictures show it."""
        from striate.tasks.sections import Table

        used = [part for part in PARTS if len(parts[part])]
        pixels = {part: pixels_by_class(values, parts[part], len(facts.names)) for part in used}
        rows = [
            (
                name,
                *(
                    f"{100 * pixels[part][:, place].sum() / max(1, int(pixels[part].sum())):.3g} % of the pixels,"
                    f" in {counted(int((pixels[part][:, place] > 0).sum()), 'picture')}"
                    for part in used
                ),
            )
            for place, name in enumerate(facts.names)
        ]
        rows.append(("pictures", *(f"{len(parts[part]):,}" for part in used)))
        heads = ("class", *(PARTS[part] for part in used))
        return (Table(heads, tuple(rows), label="pixels of each class, by part", folded=len(rows) > 40),)

    def matched(self, labels: Labels, facts: LabelFacts) -> NDArray[Any]:
        """Return masks (N, H, W) of another source with this model's numbers of the classes.

        Errors: StriateError for classes that the model does not know, and that pictures show.
        """
        table = np.full(VOID + 1, VOID, np.uint8)
        there = pixels_by_class(labels.values, np.arange(len(labels.values)), len(labels.names)).sum(0) > 0
        strange = [name for place, name in enumerate(labels.names) if there[place] and name not in facts.names]
        if strange:
            raise StriateError(
                f"has {counted(len(strange), 'class')} the model does not know:"
                f" {', '.join(strange[:5])}{' ...' if len(strange) > 5 else ''}; it knows {', '.join(facts.names[:10])}"
            )
        for place, name in enumerate(labels.names):
            if name in facts.names:
                table[place] = facts.names.index(name)
        found: NDArray[Any] = table[labels.values]
        return found

    def question(
        self,
        output: NDArray[np.float32],
        facts: LabelFacts,
        learnt: Any,
        word: str | int | None = None,
        against: str | int | None = None,
    ) -> MaskQuestion:
        """Return why a class was said wherever it was; without a word, that which most of the picture is said to be."""
        from striate.tasks.segment_question import mask_question

        return mask_question(output, facts.names, word, against)

    def question_at(
        self,
        output: NDArray[np.float32],
        facts: LabelFacts,
        learnt: Any,
        place: Place,
        against: str | int | None = None,
    ) -> MaskQuestion:
        """Return why a class was said at a pixel, or of most of a box."""
        from striate.tasks.segment_question import place_question

        return place_question(output, facts.names, place, against, temperature=learnt.temperature)


def said(maps: NDArray[np.floating], size: tuple[int, ...]) -> Iterator[NDArray[np.uint8]]:
    """Yield the likeliest class of every pixel (H, W) of the input, of each of the maps (N, K, h, w)."""
    rows, columns = middles(size[0], maps.shape[2]), middles(size[1], maps.shape[3])
    return (classes_at(each, rows, columns) for each in maps)


def pixels_by_class(values: NDArray[np.uint8], rows: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Return how many pixels of each of some masks are of each class, (rows, K)."""
    found = np.zeros((len(rows), classes), np.int64)
    for place, row in enumerate(rows.tolist()):
        found[place] = np.bincount(values[row].ravel(), minlength=VOID + 1)[:classes]
    return found


def fitted(maps: NDArray[np.floating], targets: NDArray[np.uint8]) -> LearntMasks:
    """Return the temperature by which the probabilities of pixels are likeliest, of maps of pictures not trained on."""
    chosen = [pixels for pixels in _sampled(maps, targets) if len(pixels[0])]
    if not chosen:
        return LearntMasks()
    logits, wanted = (np.concatenate(each) for each in zip(*chosen, strict=True))
    return LearntMasks(fit_temperature(logits, wanted), len(chosen))


def _sampled(
    maps: NDArray[np.floating], targets: NDArray[np.uint8]
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """Yield logits (P, K) and classes (P,) of some labelled pixels of each picture, drawn by its place alone."""
    (height, width), classes = targets.shape[1:], maps.shape[1]
    most = max(1, min(A_PICTURE, SAMPLED // max(1, len(maps))))
    for place, (each, target) in enumerate(zip(maps, targets, strict=True)):
        known = np.flatnonzero(target.ravel() < classes)
        random = np.random.Generator(np.random.Philox(key=place))
        pixels = known if len(known) <= most else np.sort(random.choice(known, most, replace=False))
        rows, columns = np.divmod(pixels, width)
        at = (rows + 0.5) * (maps.shape[2] / height), (columns + 0.5) * (maps.shape[3] / width)
        yield logits_at(each, *at), target.ravel()[pixels].astype(np.int64)


def state_of(judged: Judged, facts: LabelFacts) -> State:
    """Return the temperature as a model file keeps it; `learnt_of` reads it."""
    found = fitted(np.asarray(judged.outputs[MASKS]), judged.targets)
    notes = []
    if not found.pictures:
        notes.append("there was no picture to calibrate by, so that the confidence of pixels is what the net says")
    elif found.temperature in (LOWEST, HIGHEST):
        notes.append(f"the temperature stopped at the end of its range, {LOWEST} to {HIGHEST}")
    return State({"temperature": found.temperature, "pictures": found.pictures}, notes=tuple(notes))


def learnt_of(state: State) -> LearntMasks:
    """Return what `state_of` kept. Errors: ModelError for what is damaged."""
    temperature, pictures = state.facts.get("temperature", 1.0), state.facts.get("pictures", 0)
    number = isinstance(temperature, int | float) and not isinstance(temperature, bool)
    if not number or not LOWEST <= temperature <= HIGHEST or type(pictures) is not int or pictures < 0:
        raise ModelError("the model file's calibration does not read: its temperature is no number of its range")
    return LearntMasks(float(temperature), pictures)
