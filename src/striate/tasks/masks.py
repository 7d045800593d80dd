"""Masks: what a model says of every pixel of a picture. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.errors import StriateError
from striate.tasks.masks_pixels import classes_at, confidence_at, middles, pixels_of
from striate.tasks.prediction import Prediction, Value
from striate.words import figure

if TYPE_CHECKING:
    from PIL import Image

    from striate.data.labels.objects import PictureObjects
    from striate.data.pictures.crop_transform import CropTransform

VOID: Final = 255  # the id of a pixel of which nothing is said; so there are at most 255 classes
MEAN_IOU: Final = "mean IoU"
PIXEL_ACCURACY: Final = "pixel accuracy"
SHOWN: Final = 5  # how many classes a line of text names at most
WIDE: Final = 50  # up to so many classes have a column each


@dataclass(frozen=True, eq=False, repr=False)
class Masks(Prediction):
    """Which class each pixel of a picture is of, and how sure that is.

    Arguments:
        names: the classes.
        logits: (K, h, w), calibrated: a softmax over K makes probabilities of them. They lie over the whole input.
        crop: where the input lies in the person's picture; None: the answer has a pixel a cell of ``logits``.
        side: how long the side of a pixel is, in ``unit``; None where that is not known.
        unit: of a length: mm, µm. Areas are then in its square.

    What the crop left out of a picture is void, 255.

    >>> masks = Masks(("road", "sky"), np.array([[[0.0, 0.0]], [[9.0, 1.0]]]))
    >>> str(masks), masks.ids.tolist(), masks.areas.tolist()
    ('sky 100 %', [[1, 1]], [0, 2])
    """

    names: tuple[str, ...]
    logits: NDArray[np.floating]
    crop: CropTransform | None = None
    side: float | None = None
    unit: str = ""

    def __post_init__(self) -> None:
        if len(self.names) != len(self.logits) or not 0 < len(self.names) <= VOID:
            raise StriateError(f"{len(self.names)} classes but maps of shape {self.logits.shape}")

    @cached_property
    def ids(self) -> NDArray[np.uint8]:
        """The class of each pixel (H, W), 255 where nothing is said of it."""
        if self.crop is None:
            return np.asarray(self.logits.argmax(0), np.uint8)
        rows, columns = self.crop.places(self.logits.shape[1:])
        found = classes_at(self.logits, rows, columns)
        found[(rows < 0) | (rows >= self.logits.shape[1])] = VOID
        found[:, (columns < 0) | (columns >= self.logits.shape[2])] = VOID
        return np.asarray(self.crop.stored(found), np.uint8)

    @cached_property
    def confidence(self) -> NDArray[np.float32]:
        """The probability (H, W) of what is said of each pixel, 0 where nothing is said of it."""
        height, width = self.logits.shape[1:]
        if self.crop is None:
            return confidence_at(self.logits, middles(height, height), middles(width, width))
        found = confidence_at(self.logits, *self.crop.places((height, width)))
        turned: NDArray[np.float32] = self.crop.stored(found)
        turned[self.ids == VOID] = 0
        return turned

    @cached_property
    def areas(self) -> NDArray[np.int64]:
        """How many pixels are of each class, (K,)."""
        return pixels_of(self.ids, len(self.names))

    @property
    def shares(self) -> NDArray[np.float64]:
        """Which share of the pixels of which something is said is of each class, (K,)."""
        return np.asarray(self.areas / max(1, int(self.areas.sum())), np.float64)

    @cached_property
    def certainty(self) -> NDArray[np.float64]:
        """The mean probability of each class (K,) over the cells that are said to be of it; NaN where none is."""
        height, width = self.logits.shape[1:]
        said = self.logits.argmax(0).ravel()
        sure = confidence_at(self.logits, middles(height, height), middles(width, width)).ravel()
        count = np.bincount(said, minlength=len(self.names))
        total = np.bincount(said, sure, minlength=len(self.names))
        return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan), np.float64)

    def of(self, name: str | int) -> NDArray[np.bool_]:
        """Return where the picture shows a class, (H, W), by its name or number. Errors: StriateError."""
        return np.asarray(self.ids == self._number(name))

    def rle(self, name: str | int) -> dict[str, Any]:
        """Return where the picture shows a class, run-length encoded as COCO has it: ``size`` and ``counts``, a text.

        pycocotools decodes it. Errors: StriateError for a class that is not there.

        >>> Masks(("road", "sky"), np.array([[[0.0, 0.0]], [[9.0, 1.0]]])).rle("sky")
        {'size': [1, 2], 'counts': '02'}
        """
        return run_lengths(self.of(name))

    def at_scale(self, side: float, unit: str) -> Masks:
        """Return the same with areas in units: the side of a pixel is ``side`` ``unit`` long. Errors: StriateError."""
        if not (np.isfinite(side) and side > 0 and unit):
            raise StriateError(
                f"a scale is the length of a pixel's side with its unit, such as 0.5 mm: not {side} {unit}"
            )
        return replace(self, side=float(side), unit=unit)

    def in_picture(self, crop: CropTransform) -> Masks:
        """Return the answer for every pixel of the person's picture."""
        return replace(self, crop=crop)

    def mask(self) -> NDArray[np.uint8]:
        """Return `ids`."""
        return self.ids

    def objects(self, key: str, size: tuple[int, int], top: int | None = None) -> PictureObjects:
        """Return the area of each class that the picture shows, or of the ``top`` largest, as one object each."""
        from striate.data.labels.objects import PictureObjects

        order = self._order()[:top]
        boxes = []
        for place in order:
            there = self.of(place)
            (across,), (down,) = np.nonzero(there.any(0)), np.nonzero(there.any(1))
            boxes.append((float(across[0]), float(down[0]), float(across[-1] + 1), float(down[-1] + 1)))
        sure = [float(self.confidence[self.of(place)].mean()) for place in order]
        runs = tuple(self.rle(place)["counts"] for place in order)
        return PictureObjects.of(key, size[1], size[0], boxes, order, scores=tuple(sure), runs=runs)

    def drawn(self, image: Image.Image) -> Image.Image:
        """Return a picture (RGB, as it is seen) with the areas over it in colours, named where they are large enough.

        Errors: StriateError for a picture of another size.
        """
        from striate.render.png.masks_drawn import drawn_masks

        return drawn_masks(image, self.ids, self.names)

    def text(self, top: int | None = None) -> str:
        """Return the largest areas, 5 or ``top`` of them: ``road 41 %, sky 20 %, and 3 more``."""
        order, shown = self._order(), SHOWN if top is None else top
        if not order:
            return "nothing"
        words = [f"{self.names[place]} {_percent(self.shares[place])}{self._area(place)}" for place in order[:shown]]
        rest = len(order) - len(words)
        return ", ".join(words) + (f", and {rest} more" if rest else "")

    def __str__(self) -> str:
        return self.text()

    def cells(self, top: int | None = None) -> tuple[Value, ...]:
        """Return the cells under `mask_columns`: the largest class, then the pixels of each or of the ``top`` ones."""
        order = self._order()
        largest = self.names[order[0]] if order else None
        if ranks := _ranks(len(self.names), top):
            pairs = [(self.names[place], float(self.areas[place])) for place in order[:ranks]]
            empty: list[tuple[Value, Value]] = [(None, None)] * (ranks - len(pairs))
            return (largest, *(cell for pair in (*pairs, *empty) for cell in pair))
        return (largest, *(float(area) for area in self.areas))

    def to_dict(self, top: int | None = None) -> dict[str, object]:
        """Return the answer ready for JSON: each class that is there, largest first; ``void`` is in pixels too."""
        return {
            "size": list(self.ids.shape),
            "areas": [
                {
                    "class": self.names[place],
                    "pixels": int(self.areas[place]),
                    "share": float(self.shares[place]),
                    "confidence": None if np.isnan(self.certainty[place]) else float(self.certainty[place]),
                    **({} if self.side is None else {"area": self._in_units(place), "unit": f"{self.unit}2"}),
                }
                for place in self._order()[:top]
            ],
            "void": int(self.ids.size - self.areas.sum()),
        }

    def _order(self) -> list[int]:
        """Return the classes that are there, the largest first."""
        order = np.argsort(-self.areas, kind="stable")
        return [int(place) for place in order if self.areas[place]]

    def _number(self, name: str | int) -> int:
        if isinstance(name, str) and name in self.names:
            return self.names.index(name)
        if isinstance(name, int) and 0 <= name < len(self.names):
            return name
        raise StriateError(f"there is no class {name!r}; there are {', '.join(self.names[:10])}")

    def _in_units(self, place: int) -> float:
        assert self.side is not None
        return float(self.areas[place]) * self.side**2

    def _area(self, place: int) -> str:
        return "" if self.side is None else f" ({figure(self._in_units(place), 4)} {self.unit}²)"


def mask_columns(names: Sequence[str], top: int | None = None) -> tuple[str, ...]:
    """Return what the cells of `Masks` stand under: the largest class, then pixels a class, or of the ``top`` ones.

    >>> mask_columns(("road", "sky"))
    ('largest', 'pixels of road', 'pixels of sky')
    """
    if ranks := _ranks(len(names), top):
        return ("largest", *(f"{what} {rank}" for rank in range(1, ranks + 1) for what in ("class", "pixels")))
    return ("largest", *(f"pixels of {name}" for name in names))


def _ranks(classes: int, top: int | None) -> int:
    """Return how many of the largest are named; 0 where each class has a column."""
    if top is not None:
        return min(top, classes)
    return SHOWN if classes > WIDE else 0


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else f"{100 * share:.2g} %"


def run_lengths(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """Return a mask (H, W) run-length encoded as COCO has it: column by column, runs of 0 and 1 in turns.

    From the fourth on a run is written as its difference to the run two before; 5 bits a letter, the lowest first
    (Lin et al., "Microsoft COCO", 2014; the format is that of its ``maskApi``).

    >>> run_lengths(np.array([[0, 1], [0, 1]], bool))
    {'size': [2, 2], 'counts': '22'}
    """
    flat = np.asarray(mask, bool).ravel(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], edges, [flat.size]]))
    if flat.size and flat[0]:
        runs = np.concatenate([[0], runs])
    runs[3:] -= runs[1:-2].copy()
    return {"size": list(mask.shape), "counts": "".join(map(_letters, runs.tolist()))}


def _letters(value: int) -> str:
    """Return a whole number as COCO writes it."""
    found = ""
    while True:
        low, value = value & 31, value >> 5
        last = value == (-1 if low & 16 else 0)
        found += chr((low if last else low | 32) + 48)
        if last:
            return found
