"""Counts: how many objects of each class are in a picture, within what, and where about they lie. No torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.data.labels.marks import several
from striate.errors import StriateError
from striate.metrics.probability import Floats
from striate.tasks.prediction import Prediction, Value

if TYPE_CHECKING:
    from PIL import Image

    from striate.data.pictures.crop_transform import CropTransform

MEAN_ABSOLUTE_ERROR: Final = "mean absolute error"
LATE: Final = 4.0  # how far above 0 what the net puts out has to be, for a cell to hold something


def densities(maps: NDArray[np.floating]) -> Floats:
    """Return what maps of a net say of how many objects are in each cell: a softplus of each, less 4; at least 0.

    >>> densities(np.array([4.0])).round(3).tolist()
    [0.693]
    """
    return np.asarray(np.logaddexp(0.0, np.asarray(maps, np.float64) - LATE), np.float64)


@dataclass(frozen=True, eq=False, repr=False)
class Count(Prediction):
    """How many objects of each class there are, with the interval that each count can be trusted to.

    Arguments:
        names: the classes.
        density: (K, h, w), how many objects are in each cell of the net's last map; its sum is the count.
        low: (K,), from where on each count lies with probability ``level``; 0 where that is not known.
        high: (K,), up to where; infinite where it is not known.
        level: of the intervals.
        crop: where the input lies in the person's picture; None: places are told in cells.

    >>> str(Count(("cells",), np.full((1, 2, 2), 0.8), np.array([1.9]), np.array([5.2])))
    '3 cells (2 to 5)'
    """

    names: tuple[str, ...]
    density: NDArray[np.floating]
    low: Floats
    high: Floats
    level: float = 0.9
    crop: CropTransform | None = None

    def __post_init__(self) -> None:
        if not len(self.names) == len(self.density) == len(self.low) == len(self.high):
            raise StriateError(f"{len(self.names)} classes but densities of shape {self.density.shape}")

    @cached_property
    def counts(self) -> Floats:
        """How many there are of each class, (K,), not rounded."""
        return np.asarray(self.density.sum((1, 2), dtype=np.float64), np.float64)

    @property
    def whole(self) -> tuple[int, ...]:
        """How many there are of each class, to the nearest whole number."""
        return tuple(math.floor(count + 0.5) for count in self.counts.tolist())

    def ends(self, place: int) -> tuple[int, int] | None:
        """Return the whole numbers within the interval of a class, first and last; None where there is no interval."""
        if not math.isfinite(self.high[place]):
            return None
        first, last = math.ceil(max(0.0, self.low[place]) - 1e-9), math.floor(self.high[place] + 1e-9)
        nearest = self.whole[place]  # which is told, so that it lies within
        return min(first, nearest), max(last, nearest)

    def text(self, top: int | None = None) -> str:
        """Return each count with its interval, of many classes those that are there: ``41 RBC (38 to 44), 3 WBC``."""
        there = [place for place, count in enumerate(self.whole) if count or len(self.names) == 1]
        there = sorted(there, key=lambda place: -self.counts[place])[:top]
        return ", ".join(self._said(place) for place in there) or "none"

    def __str__(self) -> str:
        return self.text()

    def _said(self, place: int) -> str:
        within = self.ends(place)
        between = "" if within is None else f" ({within[0]:,} to {within[1]:,})"
        many, name = self.whole[place], self.names[place]
        return f"{many:,} {several(name, many)}{between}"

    def cells(self, top: int | None = None) -> tuple[Value, ...]:
        """Return each count, not rounded, and the ends of its interval, under `count_columns`."""
        found: list[Value] = []
        for place, count in enumerate(self.counts.tolist()):
            within = self.ends(place)
            found += [count, *(map(float, within) if within else (None, None))]
        return tuple(found)

    def to_dict(self, top: int | None = None) -> dict[str, object]:
        """Return the answer ready for JSON; low and high are None where there is no interval."""
        each = []
        for place, name in enumerate(self.names):
            low, high = self.ends(place) or (None, None)
            each.append({"class": name, "count": float(self.counts[place]), "low": low, "high": high})
        return {"counts": each, "level": self.level}

    def in_picture(self, crop: CropTransform) -> Count:
        """Return the answer with its places in pixels of the person's picture."""
        return replace(self, crop=crop)

    def points(self, name: str | int | None = None) -> NDArray[np.float64]:
        """Return where about objects of a class lie (P, 2), the surest first: peaks of the density, as many as counted.

        x and y are pixels of the person's picture. Objects that lie close together may share a peak: there are then
        fewer than the count. Errors: StriateError for a class that is not there.
        """
        place = self._number(name)
        found = peaks(self.density[place], self.whole[place])
        if self.crop is None:
            return found
        height, width = self.density.shape[1:]
        scale = np.array([self.crop.size[1] / width, self.crop.size[0] / height])
        return self.crop.points_back(found * scale)

    def drawn(self, image: Image.Image) -> Image.Image:
        """Return a picture (RGB, as it is seen) with the density over it in colours, and a ring at each peak."""
        from striate.render.png.density_drawn import drawn_density

        summed = self.density.sum(0)
        size = image.size[1], image.size[0]
        if self.crop is None or self.crop.picture != size:
            raise StriateError(
                f"the picture is {size[0]}x{size[1]} pixels, and this is an answer about another: draw it over the"
                " picture that it was said of, as it is seen"
            )
        points = np.concatenate([self.points(place) for place in range(len(self.names))])
        return drawn_density(image, self.crop.maps_back(summed, fill=0.0), points, str(self))

    def _number(self, name: str | int | None) -> int:
        if name is None and len(self.names) == 1:
            return 0
        if isinstance(name, str) and name in self.names:
            return self.names.index(name)
        if isinstance(name, int) and 0 <= name < len(self.names):
            return name
        what = "which class is it" if name is None else f"there is no class {name!r}"
        raise StriateError(f"{what}; there are {', '.join(self.names[:10])}")


def peaks(density: NDArray[np.floating], most: int) -> NDArray[np.float64]:
    """Return where a density (h, w) is higher than around it, (P, 2): x and y in cells, the ``most`` highest of them.

    Between cells a peak lies where a Gaussian through it and its neighbours has its top.

    >>> peaks(np.array([[0.0, 0.0, 0.0], [0.0, 0.9, 0.0], [0.0, 0.0, 0.0]]), 2).tolist()
    [[1.5, 1.5]]
    """
    height, width = density.shape
    padded = np.pad(np.asarray(density, np.float64), 1, constant_values=0.0)
    around = np.stack([padded[y : y + height, x : x + width] for y in range(3) for x in range(3)])
    before, behind = around[:4].max(0), around[5:].max(0)
    rows, columns = np.nonzero((density > before) & (density >= behind))  # of equal ones the first alone
    order = np.argsort(-density[rows, columns], kind="stable")[: max(0, most)]
    rows, columns = rows[order], columns[order]
    logs = np.log(np.maximum(around[:, rows, columns], 1e-12))  # (9, P): of a Gaussian a parabola
    return np.stack([columns + 0.5 + _top(logs[3:6]), rows + 0.5 + _top(logs[1::3])], 1)


def _top(logs: Floats) -> Floats:
    """Return where parabolas through three values each (3, P) have their top, from the middle one; at most half way."""
    before, middle, behind = logs
    bent = np.maximum(2 * middle - before - behind, 1e-9)
    return np.asarray(np.clip((behind - before) / (2 * bent), -0.5, 0.5), np.float64)


def count_columns(names: Sequence[str]) -> tuple[str, ...]:
    """Return what the cells of `Count` stand under. Example: ``count_columns(("cells",))[0]`` is ``"cells"``."""
    return tuple(cell for name in names for cell in (name, f"{name} from", f"{name} to"))


def as_counts(targets: NDArray[Any], by: str, classes: int) -> Floats:
    """Return how many objects of each class are in each picture (N, K), of what a task keeps of labels.

    ``by`` is "dots", then targets are (N, M, 3) with the class first and -1 for none; or "counts", and they are that.
    """
    if by == "counts":
        return np.asarray(targets, np.float64)
    which = np.asarray(targets)[..., 0]
    return np.stack([(which == place).sum(1) for place in range(classes)], 1).astype(np.float64)
