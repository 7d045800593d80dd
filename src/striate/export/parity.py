"""Parity: a copy of a model held against what `striate predict` says, picture by picture, before it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.data.pictures.crop_transform import CropTransform
from striate.data.pictures.image import decode
from striate.errors import ExportError
from striate.export.parity_pictures import Sample
from striate.runs.predictor import Predictor
from striate.tasks.decoding import MANY, Compared, Out
from striate.words import counted

Asker = Callable[[NDArray[np.uint8]], Mapping[str, NDArray[Any]]]
"""What asks a copy: pixels (N, H, W, C) to its outputs by name."""

TOLERANCE: Final = 1e-4  # of probabilities as they are, of other numbers beside the largest of them or 1
LOOSE: Final = 10  # times that for what decides nothing by itself, such as a strangeness far from its threshold
BATCHES: Final = (1, 2, 7, 16)  # pictures that a copy is asked about at once, in turns
AHEAD: Final = 16
OF: Final = "pictures"  # the output that says of which picture of a batch each thing is that was found


@dataclass(frozen=True)
class ParityRow:
    """One kind of pictures: how many, how many of them got the same answer, and how far apart numbers are at most."""

    kind: str
    pictures: int
    same: int
    apart: Mapping[str, float]


@dataclass(frozen=True)
class ParityTable:
    """How far the answers of a copy lie from the model's own, by kind of picture.

    ``worst`` says of the picture that lies farthest off what it is, and by how much; "" where none was compared.
    """

    rows: tuple[ParityRow, ...]
    loose: frozenset[str]
    worst: str

    @property
    def pictures(self) -> int:
        """How many pictures were compared."""
        return sum(row.pictures for row in self.rows)

    @property
    def same(self) -> int:
        """How many of them got the same answer."""
        return sum(row.same for row in self.rows)

    @property
    def apart(self) -> dict[str, float]:
        """The largest difference of each output, over all pictures."""
        names = dict.fromkeys(name for row in self.rows for name in row.apart)
        return {name: max(row.apart.get(name, 0.0) for row in self.rows) for name in names}

    def allowed(self, name: str) -> float:
        """Return how far an output may be apart."""
        return TOLERANCE * (LOOSE if name in self.loose else 1)

    @property
    def holds(self) -> bool:
        """Whether the copy answers as the model does."""
        return self.same == self.pictures > 0 and all(value <= self.allowed(name) for name, value in self.apart.items())

    def __str__(self) -> str:
        """Return the table as lines: a kind of picture each, then all of them and what is allowed."""
        names = list(self.apart)
        heads = ["pictures", "same answer", *names]
        lines = [["", *heads]]
        for row in self.rows:
            lines.append(_cells(row.kind, row.pictures, row.same, [row.apart.get(name, 0.0) for name in names]))
        lines.append(_cells("all", self.pictures, self.same, list(self.apart.values())))
        lines.append(["allowed", "", "all", *(f"{self.allowed(name):.0e}" for name in names)])
        wide = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if at == 0 else cell.rjust(width)
                for at, (cell, width) in enumerate(zip(line, wide, strict=True))
            ).rstrip()
            for line in lines
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {
            "pictures": self.pictures,
            "same": self.same,
            "apart": self.apart,
            "allowed": {name: self.allowed(name) for name in self.apart},
            "kinds": [
                {"kind": row.kind, "pictures": row.pictures, "same": row.same, "apart": dict(row.apart)}
                for row in self.rows
            ],
            "worst": self.worst,
        }


def _cells(kind: str, pictures: int, same: int, apart: Sequence[float]) -> list[str]:
    return [kind, f"{pictures:,}", f"{same:,}", *(f"{value:.1e}" if value else "0" for value in apart)]


def measure(
    ask: Asker,
    predictor: Predictor,
    outputs: Mapping[str, Out],
    samples: Iterable[Sample],
    *,
    any_size: bool,
    many: bool,
) -> ParityTable:
    """Return how far a copy's answers lie from those of ``predictor``, picture by picture.

    ``ask`` asks the copy, which puts out ``outputs``. It is given pictures of ``any_size`` as they are, else as
    `Preprocess` makes them, ``many`` of them at once or one. Errors: ExportError where the copy cannot be asked.
    """
    found: dict[str, list[tuple[str, Compared]]] = {}
    left = iter(samples)
    sizes = cycle(BATCHES if many and not any_size else (1,))
    while some := list(islice(left, AHEAD)):
        wanted = list(_wanted(predictor, some, any_size))
        at = 0
        while at < len(some):
            step = next(sizes)
            part = wanted[at : at + step]
            said = ask(np.stack([one.given for one in part]))
            for number, one in enumerate(part):
                mine = _own(said, outputs, number)
                compared = predictor.task.held(
                    mine, one.answer, one.outputs, predictor.labels, predictor.learnt, one.crop
                )
                found.setdefault(some[at + number].kind, []).append((some[at + number].name, compared))
            at += len(part)
    return _table(found)


@dataclass(frozen=True, eq=False)
class _Wanted:
    """A picture as a copy is given it, and what is said of it here."""

    given: NDArray[np.uint8]
    answer: Any
    outputs: Mapping[str, NDArray[np.float32]]
    crop: CropTransform | None


def _wanted(predictor: Predictor, samples: Sequence[Sample], any_size: bool) -> Iterator[_Wanted]:
    """Yield what is to be said of each picture: by `striate predict` from the file on, wherever that says the same."""
    how, task = predictor.preprocess, predictor.task
    pixels = np.stack([how.pixels(one.content) for one in samples])
    outputs = predictor.ask(pixels, many=False)
    if any_size or not task.placed:
        answers = predictor.predict([one.content for one in samples])
    else:  # of the input, and not of the picture that it was made from
        answers = task.decode(outputs, predictor.labels, predictor.learnt)
    for number, (one, answer) in enumerate(zip(samples, answers, strict=True)):
        crop = None
        if task.placed:
            crop = how.crop_of(one.content) if any_size else _whole(how.height, how.width)
        told = answer if any_size or crop is None else answer.in_picture(crop)
        given = _upright(one.content, how.bits) if any_size else pixels[number]
        yield _Wanted(given, told, {name: value[number : number + 1] for name, value in outputs.items()}, crop)


def _whole(height: int, width: int) -> CropTransform:
    """Return the crop of a picture that is the input itself."""
    return CropTransform(0.0, 0.0, 1.0, 1.0, height, width, (height, width))


def _upright(content: bytes | NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Return a picture as its pixels (H, W, 3), upright: what the person's program reads of the file."""
    if isinstance(content, bytes):
        return decode(content, channels=3, bits=bits)
    return np.repeat(content, 3, axis=2) if content.shape[2] == 1 else content


def _own(said: Mapping[str, NDArray[Any]], outputs: Mapping[str, Out], number: int) -> dict[str, NDArray[Any]]:
    """Return what was said of one picture of a batch, as of a batch of it alone."""
    own = {}
    for name, out in outputs.items():
        value = np.asarray(said[name])
        own[name] = value[said[OF] == number] if out.per == MANY else value[number : number + 1]
        if name == OF:
            own[name] = own[name] - number
    return own


def _table(found: Mapping[str, Sequence[tuple[str, Compared]]]) -> ParityTable:
    rows, loose = [], frozenset[str]()
    worst, worst_words = -1.0, ""
    for kind, each in found.items():
        names = dict.fromkeys(name for _, one in each for name in one.apart)
        apart = {name: max(one.apart.get(name, 0.0) for _, one in each) for name in names}
        rows.append(
            ParityRow(
                kind,
                len(each),
                sum(one.same for _, one in each),
                {name: _short(value) for name, value in apart.items()},
            )
        )
        for name, one in each:
            loose |= one.loose
            by = {what: value / (LOOSE if what in one.loose else 1) for what, value in one.apart.items()}
            off = max(by.values(), default=0.0) + (0 if one.same else 1e9)
            if not off <= worst:  # NaN is the worst of all
                words = ", ".join(f"{what} by {value:.1e}" for what, value in one.apart.items())
                answer = "the same answer" if one.same else "another answer"
                worst, worst_words = off, f"{name}: {answer}; {words}"
    return ParityTable(tuple(rows), loose, worst_words)


def _short(value: float) -> float:
    return float(f"{value:.1e}")


def checked(table: ParityTable, what: str) -> ParityTable:
    """Return a table that holds. Errors: ExportError that names the worst picture and the numbers."""
    if table.holds:
        return table
    others = table.pictures - table.same
    far = ", ".join(
        f"{name} differ by up to {value:.1e} (allowed: {table.allowed(name):.0e})"
        for name, value in table.apart.items()
        if not value <= table.allowed(name)
    )
    said = [f"{others:,} of {counted(table.pictures, 'picture')} get another answer"] if others else []
    words = "; ".join([*said, *([far] if far else [])])
    raise ExportError(
        f"{what} does not answer as striate predict does, and was not written: {words}; the worst picture is"
        f" {table.worst}"
    )
