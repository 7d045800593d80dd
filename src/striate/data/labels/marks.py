"""What is marked in a picture: boxes, points or the mask of it, as frozen values that compare, hash and go into JSON.

They are the targets of items (`striate.data.sources.items`) of which no class, tag or number is told. Coordinates are
pixels of the picture as it is seen and count edges, as everywhere (`striate.data.pictures.affine`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

from striate.words import plural

if TYPE_CHECKING:  # reading a run needs no NumPy
    from striate.data.labels.objects import PictureObjects

OBJECT: Final = "object"  # the class of what is marked and has no class
_NAMELESS: Final = ("count", "counts")  # names of columns of counts
_MOST: Final = 2**31  # pixels, classes
Point = tuple[float, float]
Box = tuple[float, float, float, float]


def several(name: str, number: float = 2) -> str:
    """Return what ``number`` of a class are called: what is marked and has no class is a word of ours, others' stay.

    A column of counts that is called so names no class either.

    >>> several("object"), several("object", 1), several("Platelets", 1), several("count")
    ('objects', 'object', 'Platelets', 'objects')
    """
    return plural(1 if number == 1 else 2, OBJECT) if name in (OBJECT, *_NAMELESS) else name


class Marks(ABC):
    """What is marked in one picture; one in which nothing is marked is labelled too, and teaches."""

    __slots__ = ()

    @abstractmethod
    def said(self, names: Sequence[str]) -> str:
        """Return it in words, the classes by their ``names``: "3 RBC, 1 WBC", or "nothing"."""

    @abstractmethod
    def renumbered(self, places: Sequence[int], number: int) -> Marks:
        """Return the same marks with other indices of classes: ``places`` has the new one of each, -1 for none.

        ``number`` is how many classes there are then. What is of a class that is none of them is left out, and a class
        that the marks know nothing of is one that nobody looked for.
        """

    @property
    def marked(self) -> frozenset[int]:
        """The indices of the classes of which something is marked, where that is known without a look at a file."""
        return frozenset()

    @property
    def alike(self) -> Hashable:
        """What is equal where two pictures are marked alike, wherever that is written."""
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON; `marks_from` reads it back."""
        return {"marks": _NAMES[type(self)], **asdict(self)}  # type: ignore[call-overload]


@dataclass(frozen=True, slots=True)
class BoxMarks(Marks):
    """Boxes.

    Arguments:
        size: height and width of the picture.
        boxes: left, top, right, bottom of each; within the picture, with an area.
        classes: the index of each one's class.
        ignored: the indices of those that are to be ignored: whoever finds one is neither right nor wrong.
        labelled: the classes that were looked for in this picture, None: all of them.

    Example: ``BoxMarks((60, 80), ((1, 2, 9, 8),), (0,)).said(("cat",))`` is ``"1 cat"``.
    """

    size: tuple[int, int]
    boxes: tuple[Box, ...] = ()
    classes: tuple[int, ...] = ()
    ignored: tuple[int, ...] = ()
    labelled: tuple[int, ...] | None = None

    @classmethod
    def of(cls, picture: PictureObjects) -> BoxMarks:
        """Return the boxes of a picture of an `ObjectSet`.

        Example: ``BoxMarks.of(PictureObjects.of("a.jpg", 8, 6, [(1, 2, 5, 6)], [0])).size`` is ``(6, 8)``.
        """
        return cls(
            (picture.height, picture.width),
            tuple((left, top, right, bottom) for left, top, right, bottom in picture.boxes.tolist()),
            tuple(picture.classes.tolist()),
            tuple(index for index, ignored in enumerate(picture.ignored.tolist()) if ignored),
            picture.labelled,
        )

    @property
    def marked(self) -> frozenset[int]:
        """The indices of the classes of which something is marked."""
        return frozenset(self.classes)

    def said(self, names: Sequence[str]) -> str:
        """Return how many of each class there are, in the order of the classes; ignored ones are not counted."""
        return _counts(names, [klass for at, klass in enumerate(self.classes) if at not in self.ignored])

    def renumbered(self, places: Sequence[int], number: int) -> BoxMarks:
        """Return the same boxes with other indices of classes; see `Marks.renumbered`."""
        kept = [at for at, klass in enumerate(self.classes) if places[klass] >= 0]
        looked = range(len(places)) if self.labelled is None else self.labelled
        known = tuple(sorted({places[klass] for klass in looked if places[klass] >= 0}))
        return replace(
            self,
            boxes=tuple(self.boxes[at] for at in kept),
            classes=tuple(places[self.classes[at]] for at in kept),
            ignored=tuple(new for new, at in enumerate(kept) if at in self.ignored),
            labelled=None if len(known) == number else known,
        )


@dataclass(frozen=True, slots=True)
class DotMarks(Marks):
    """Points, one an object.

    Arguments:
        size: height and width of the picture.
        points: x and y of each.
        classes: the index of each one's class.

    Example: ``DotMarks((60, 80), ((1.5, 2.5),), (0,)).said(("cell",))`` is ``"1 cell"``.
    """

    size: tuple[int, int]
    points: tuple[Point, ...] = ()
    classes: tuple[int, ...] = ()

    @property
    def marked(self) -> frozenset[int]:
        """The indices of the classes of which something is marked."""
        return frozenset(self.classes)

    def said(self, names: Sequence[str]) -> str:
        """Return how many points of each class there are, in the order of the classes."""
        return _counts(names, self.classes)

    def renumbered(self, places: Sequence[int], number: int) -> DotMarks:
        """Return the same points with other indices of classes; see `Marks.renumbered`."""
        kept = [at for at, klass in enumerate(self.classes) if places[klass] >= 0]
        return replace(
            self,
            points=tuple(self.points[at] for at in kept),
            classes=tuple(places[self.classes[at]] for at in kept),
        )


@dataclass(frozen=True, slots=True)
class MaskMarks(Marks):
    """The mask of a picture, a class a pixel, which the source reads when it is asked (`Source.mask`).

    Arguments:
        key: where it is: the path of its file below the source, or of the labels that it is drawn from.
        stamp: a digest of what it says: it changes when the mask does.

    Example: ``MaskMarks("masks/1.png", "9f86d081").said(("road", "sky"))`` is ``"masks/1.png"``.
    """

    key: str
    stamp: str

    @property
    def alike(self) -> Hashable:
        """What the mask says, whichever file says it."""
        return self.stamp

    def said(self, names: Sequence[str]) -> str:
        """Return where it is; what it shows, its pixels tell."""
        return self.key

    def renumbered(self, places: Sequence[int], number: int) -> MaskMarks:
        """Return itself: the source numbers the classes of pixels."""
        return self


_KINDS: Final[Mapping[str, type[Marks]]] = {"boxes": BoxMarks, "dots": DotMarks, "mask": MaskMarks}
_NAMES: Final[Mapping[type[Marks], str]] = {kind: name for name, kind in _KINDS.items()}


def marks_from(values: Mapping[str, Any]) -> Marks:
    """Return marks out of what `Marks.to_dict` made of them, after a way through JSON.

    Errors: ValueError for what is none. Example: ``marks_from(DotMarks((6, 8)).to_dict())`` is ``DotMarks((6, 8))``.
    """
    kind = values.get("marks")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ValueError(f"it says to be {kind!r}, and marks are {', '.join(_KINDS)}")
    names = {"marks", *(field.name for field in fields(_KINDS[kind]))}  # type: ignore[arg-type]
    if values.keys() != names:
        raise ValueError(f"{kind} have {', '.join(sorted(names))}, and it has {', '.join(sorted(values))[:80]}")
    if kind == "mask":
        if not all(isinstance(values[name], str) for name in ("key", "stamp")):
            raise ValueError("key and stamp are no texts")
        return MaskMarks(values["key"], values["stamp"])
    size = _wholes(values["size"], "size", least=1)
    classes = _wholes(values["classes"], "classes")
    if len(size) != 2:
        raise ValueError("size is not height and width")
    if kind == "dots":
        return DotMarks((size[0], size[1]), tuple((x, y) for x, y in _rows(values["points"], 2, len(classes))), classes)
    boxes = tuple((a, b, c, d) for a, b, c, d in _rows(values["boxes"], 4, len(classes)))
    ignored = _wholes(values["ignored"], "ignored")
    labelled = None if values["labelled"] is None else _wholes(values["labelled"], "labelled")
    return BoxMarks((size[0], size[1]), boxes, classes, ignored, labelled)


def _wholes(values: Any, what: str, *, least: int = 0) -> tuple[int, ...]:
    if not isinstance(values, list | tuple) or not all(type(one) is int and least <= one < _MOST for one in values):
        raise ValueError(f"{what} are no whole numbers")
    return tuple(values)


def _rows(values: Any, width: int, number: int) -> list[tuple[float, ...]]:
    """Return rows of ``width`` numbers, ``number`` of them."""
    if not isinstance(values, list | tuple) or len(values) != number:
        raise ValueError(f"it has {number} classes, and not as many places")
    for row in values:
        if not isinstance(row, list | tuple) or len(row) != width:
            raise ValueError(f"a place is not {width} numbers")
        if not all(type(one) in (int, float) and abs(one) < _MOST for one in row):
            raise ValueError("a place is no numbers")
    return [tuple(row) for row in values]


def _counts(names: Sequence[str], classes: Sequence[int]) -> str:
    number = Counter(classes)
    there = [(number[at], name) for at, name in enumerate(names) if number[at]]
    return ", ".join(f"{many:,} {several(name, many)}" for many, name in there) or "nothing"
