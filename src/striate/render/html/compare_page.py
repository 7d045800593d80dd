"""Which of two runs is better? The comparison as answers: verdict, figures, the pictures that tell them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from striate.metrics.intervals import Interval
from striate.metrics.paired import PairedAccuracy
from striate.render.answer import Answer, Row, Table, Tile
from striate.words import counted, plural

SHOWN = 24  # pictures of each kind


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two runs, ``a`` and ``b``, asked about the same N pictures, none of which either has learnt from.

    ``keys`` (N,) and ``pixels`` (N, H, W, C) uint8 are as run a has them; ``targets`` and the two ``answers`` (N,) are
    indices into ``classes``, ``sure`` how likely each said its answer to be. ``log_loss`` is that of a, that of b, and
    b - a, in nats. ``parts`` are the parts of the runs that the pictures come from, ``left_out``
    says which of them are not compared, and why, a sentence each.
    """

    a: str
    b: str
    parts: tuple[str, str]
    classes: tuple[str, ...]
    keys: tuple[str, ...]
    pixels: np.ndarray
    targets: np.ndarray
    answers: tuple[np.ndarray, np.ndarray]
    sure: tuple[np.ndarray, np.ndarray]
    accuracy: PairedAccuracy
    log_loss: tuple[Interval, Interval, Interval]
    left_out: tuple[str, ...] = ()

    def verdict(self) -> str:
        """Return in a sentence which run is better, and whether that is more than noise."""
        found = self.accuracy
        value, low, high = (
            100 * part for part in (found.difference.value, found.difference.low, found.difference.high)
        )
        on = counted(found.pictures, "picture")
        span = f"{value:+.1f} points ({low:+.1f} to {high:+.1f})"
        if found.real:
            better, worse = (self.b, self.a) if value > 0 else (self.a, self.b)
            return f"{better} is better than {worse}: {self.b} - {self.a} is {span} on {on}, p = {found.p_value:.2g}"
        more = "" if found.needed is None else f"; about {found.needed:,} pictures would show a difference of that size"
        loss = self.log_loss[2]
        if loss.low > 0 or loss.high < 0:
            better = self.b if loss.value < 0 else self.a
            more += f"; but the probabilities of {better} are better, log loss {_number(loss, signed=True)}"
        return f"no difference that {on} can show: {self.b} - {self.a} is {span}, p = {found.p_value:.2g}{more}"

    def apart(self) -> tuple[np.ndarray, np.ndarray]:
        """Return which pictures a alone gets right, and which b alone does; those first whose error was surest."""
        right = [answer == self.targets for answer in self.answers]
        only = (np.flatnonzero(right[0] & ~right[1]), np.flatnonzero(right[1] & ~right[0]))
        return tuple(  # type: ignore[return-value]
            rows[np.argsort(-self.sure[wrong][rows], kind="stable")] for rows, wrong in zip(only, (1, 0), strict=True)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the pixels, ready for JSON."""
        said = [[self.classes[index] for index in answer] for answer in self.answers]
        return {
            "a": self.a,
            "b": self.b,
            "parts": list(self.parts),
            "verdict": self.verdict(),
            "left_out": list(self.left_out),
            "accuracy": self.accuracy.to_dict(),
            "log_loss": {
                name: value.to_dict() for name, value in zip(("a", "b", "difference"), self.log_loss, strict=True)
            },
            "pictures": [
                {"picture": key, "is": self.classes[target], "a": a, "b": b}
                for key, target, a, b in zip(self.keys, self.targets, *said, strict=True)
            ],
        }


def answers(found: Comparison) -> list[Answer]:
    """Return the answers of which `look_page.page` makes a page: the verdict first, then what each alone gets right."""
    only_a, only_b = found.apart()
    return [
        _verdict(found),
        _alone(found, found.b, found.a, only_b, right=1),
        _alone(found, found.a, found.b, only_a, right=0),
    ]


def table(found: Comparison) -> Table:
    """Return the figures of both runs and their difference, each with its 95 % interval."""
    accuracy, (loss_a, loss_b, loss) = found.accuracy, found.log_loss
    return Table(
        ("", found.a, found.b, f"{found.b} - {found.a}"),
        (
            (
                "accuracy",
                _percent(accuracy.a),
                _percent(accuracy.b),
                _percent(accuracy.difference, signed=True).replace(" %", " points"),
            ),
            ("log loss (nats)", _number(loss_a), _number(loss_b), _number(loss, signed=True)),
            ("right alone", f"{accuracy.only_a:,}", f"{accuracy.only_b:,}", ""),
            ("both right", f"{accuracy.both_right:,}", f"{accuracy.both_right:,}", ""),
            ("both wrong", f"{accuracy.both_wrong:,}", f"{accuracy.both_wrong:,}", ""),
        ),
    )


def _verdict(found: Comparison) -> Answer:
    one, other = found.parts
    parts = f"{one} of both" if one == other else f"{one} of {found.a}, {other} of {found.b}"
    return Answer(
        question=f"Which is better, {found.a} or {found.b}?",
        said=f"{found.verdict()[0].upper()}{found.verdict()[1:]}.",
        table=table(found),
        notes=found.left_out,
        shows=(
            f"Both answered the same {counted(found.accuracy.pictures, 'picture')} ({parts}), which neither has learnt"
            " from. Points are percentage points; in brackets the 95 % interval of each figure. p is how often equals"
            " would differ so much by chance (McNemar's test, mid-p): below 0.05 the difference is called real."
        ),
        hides=(
            "How they would do after another training: one run of a recipe is one draw of its seed. A difference"
            " between recipes takes several seeds of each."
        ),
    )


def _alone(found: Comparison, better: str, worse: str, rows: np.ndarray, *, right: int) -> Answer:
    shown = rows[:SHOWN]
    more = f"; here are the {len(shown)} on which {worse} was surest" if len(shown) < len(rows) else ""
    said = f"{counted(len(rows), 'picture')}{more}." if len(rows) else "No picture."
    tiles = tuple(_tile(found, int(row), wrong=1 - right) for row in shown)
    return Answer(
        question=f"What does {better} get right and {worse} wrong?",
        said=said,
        rows=(Row(tiles),) if tiles else (),
        shows=f"{plural(len(rows), 'picture').capitalize()} with what {worse} said, how sure it was, and what is true.",
    )


def _tile(found: Comparison, row: int, *, wrong: int) -> Tile:
    pixels = found.pixels[row]
    said = found.classes[found.answers[wrong][row]]
    caption = f"{said} {found.sure[wrong][row]:.2f}, is {found.classes[found.targets[row]]}; {found.keys[row]}"
    return Tile(
        np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels,
        caption,
        alt=found.keys[row],
        smooth=max(pixels.shape) > 32,
    )


def text(found: Comparison) -> str:
    """Return the comparison as lines for the terminal: the verdict, then the figures in columns."""
    heads, rows = table(found).heads, table(found).rows
    return "\n".join([found.verdict(), *found.left_out, "", *_columns([heads, *rows])])


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    sizes = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(size) for cell, size in zip(row, sizes, strict=True)).rstrip() for row in rows]


def _percent(value: Interval, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    middle, low, high = (f"{100 * part:{sign}.1f}" for part in (value.value, value.low, value.high))
    return f"{middle} % ({low} to {high})"


def _number(value: Interval, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    middle, low, high = (f"{part:{sign}.3f}" for part in (value.value, value.low, value.high))
    return f"{middle} ({low} to {high})"
