"""Objects in pictures, as values: boxes, outlines and classes of a whole set, whatever file they were read from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Ring = NDArray[np.float64]
"""The corners of one outline, (N, 2) x and y."""


@dataclass(frozen=True)
class PictureObjects:
    """The objects of one picture, K of them; a picture without any is a value too, and teaches.

    Coordinates are pixels of the picture as it is seen (upright), x to the right and y down, and count edges: a box
    around the whole picture is 0, 0, width, height (`striate.data.pictures.affine`).

    Arguments:
        key: the path of the picture below the folder of labels, with slashes; as written, if not there.
        width, height: its size in pixels, as it is seen.
        boxes: (K, 4) float64: left, top, right, bottom; every box has an area and lies within the picture.
        classes: (K,) int64, indices into the classes of the set.
        outlines: the rings of each object, several where it is in parts, in pixels; none where it is known by its box
            alone. They may reach over the picture's edge.
        ignored: (K,) bool: a crowd, or too difficult: whoever finds it is neither right nor wrong.
        split: "train", "val", "test", or "" where nothing says so.
        labelled: the classes that were looked for in this picture; None: all of them.
        found: whether the picture itself is there.
        points: the class, x and y of each point that was marked; they are no objects, but may be counted as such.
        scores: how sure a model is of each object; none where a person drew them.
        runs: which pixels each object has, as COCO's compressed run lengths; none where outlines or boxes say it.

    Example: ``PictureObjects.of("cat.jpg", 500, 375, [(10, 20, 110, 220)], [0]).boxes.shape`` is ``(1, 4)``.
    """

    key: str
    width: int
    height: int
    boxes: NDArray[np.float64]
    classes: NDArray[np.int64]
    outlines: tuple[tuple[Ring, ...], ...]
    ignored: NDArray[np.bool_]
    split: str = ""
    labelled: tuple[int, ...] | None = None
    found: bool = True
    points: tuple[tuple[int, float, float], ...] = ()
    scores: tuple[float, ...] = ()
    runs: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        key: str,
        width: int,
        height: int,
        boxes: list[tuple[float, float, float, float]],
        classes: list[int],
        *,
        outlines: tuple[tuple[Ring, ...], ...] | None = None,
        ignored: list[bool] | None = None,
        split: str = "",
        labelled: tuple[int, ...] | None = None,
        found: bool = True,
        points: tuple[tuple[int, float, float], ...] = (),
        scores: tuple[float, ...] = (),
        runs: tuple[str, ...] = (),
    ) -> PictureObjects:
        """Return the objects of a picture out of plain lists, one entry an object.

        Example: ``len(PictureObjects.of("a.jpg", 8, 6, [], []))`` is 0.
        """
        return cls(
            key,
            width,
            height,
            np.array(boxes, np.float64).reshape(-1, 4),
            np.array(classes, np.int64),
            ((),) * len(boxes) if outlines is None else outlines,
            np.zeros(len(boxes), np.bool_) if ignored is None else np.array(ignored, np.bool_),
            split,
            labelled,
            found,
            points,
            scores,
            runs,
        )

    def __len__(self) -> int:
        return len(self.boxes)

    def masks(self, names: Sequence[str]) -> list[dict[str, object]]:
        """Return the pixels of each object as COCO's run lengths, ready for JSON; none where boxes or outlines say it.

        ``names`` are those of the classes.
        """
        size = [self.height, self.width]
        return [
            {"class": names[int(index)], "size": size, "counts": runs}
            for index, runs in zip(self.classes, self.runs, strict=bool(self.runs))
        ]


@dataclass(frozen=True)
class ObjectSet:
    """All pictures of a set with their objects.

    Arguments:
        form: the format that it was read from, as people call it ("Pascal VOC").
        classes: the names of the classes, in the order of the indices.
        pictures: one entry a picture, in the order of their keys.
        notes: sentences: what was assumed and why, what was left out and how often.
        broken: the keys of pictures that do not read and whose size nothing says, and why: they are left out.
    """

    form: str
    classes: tuple[str, ...]
    pictures: tuple[PictureObjects, ...]
    notes: tuple[str, ...] = field(default=())
    broken: tuple[tuple[str, str], ...] = field(default=())

    def counts(self) -> dict[str, int]:
        """Return how many objects each class has, in the order of the classes; ignored ones count too.

        Example: ``ObjectSet("COCO", ("cat",), ()).counts()`` is ``{"cat": 0}``.
        """
        number = Counter(int(index) for picture in self.pictures for index in picture.classes)
        return {name: number[index] for index, name in enumerate(self.classes)}
