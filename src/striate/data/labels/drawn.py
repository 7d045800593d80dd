"""What a reader of objects hands on: the shapes as somebody's tool wrote them, before anything is judged."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from striate.words import counted, plural

Box = tuple[float, float, float, float]
Points = tuple[tuple[float, float], ...]
Spot = tuple[str, float, float]
"""A point, which marks an object or a part of one: class, x, y."""


@dataclass(frozen=True)
class Drawn:
    """One object: its class by name, its box (left, top, right, bottom), its rings, whether it is to be ignored.

    Example: ``Drawn.around("cat", (((1, 2), (5, 2), (5, 9)),)).box`` is ``(1, 2, 5, 9)``.
    """

    label: str
    box: Box
    rings: tuple[Points, ...] = ()
    ignored: bool = False

    @classmethod
    def around(cls, label: str, rings: tuple[Points, ...], *, ignored: bool = False) -> Drawn:
        """Return an object that is known by its outline, with the box around it."""
        across = [x for ring in rings for x, _ in ring]
        down = [y for ring in rings for _, y in ring]
        return cls(label, (min(across), min(down), max(across), max(down)), rings, ignored)


@dataclass(frozen=True)
class DrawnPicture:
    """What one picture is said to hold.

    Arguments:
        name: the picture as the file names it: a name, a path, or a name without its ending.
        where: the file of labels that says so.
        drawn: its objects.
        size: width and height as they were written down, None where they were not.
        shares: whether coordinates are shares of width and height, 0 to 1, in place of pixels.
        split: "train", "val" or "test", where a file says so.
        labelled: the names of the classes that were looked for, None: all.
        points: points that were marked, of which no box is known.

    Example: ``DrawnPicture("cat.jpg", Path("cat.xml"), ()).split`` is ``""``.
    """

    name: str
    where: Path
    drawn: tuple[Drawn, ...]
    size: tuple[int, int] | None = None
    shares: bool = False
    split: str = ""
    labelled: tuple[str, ...] | None = None
    points: tuple[Spot, ...] = ()


@dataclass
class Reading:
    """What a reader found, filled while it reads.

    ``classes`` are names in an order that the files give; names met later are added in their own order. ``unusable``
    counts objects that cannot be used, by why, with the first of each in ``first``; ``left_out`` counts shapes that are
    no boxes or outlines, by what they are; ``boxed`` counts those of which the box alone is kept.

    Example: ``reading = Reading("COCO"); reading.refuse("no box", Path("a.json")); reading.unusable["no box"]`` is 1.
    """

    form: str
    classes: list[str] = field(default_factory=list)
    pictures: list[DrawnPicture] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unusable: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    boxed: Counter[str] = field(default_factory=Counter)

    def refuse(self, why: str, where: Path | str) -> None:
        """Count an object that cannot be used."""
        self.unusable[why] += 1
        self.first.setdefault(why, str(where))

    def rotated(self, number: int) -> None:
        """Note how many rotated boxes became outlines, where there are any."""
        if number:
            boxes, outlines = counted(number, "rotated box"), plural(number, "outline")
            self.notes.append(f"{boxes} taken as {outlines}, with the upright box around each")
