"""What a benchmark returns, as the Markdown of its section of docs/benchmarks.md, and that section written in place."""

from __future__ import annotations

import re
import statistics
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import SHARED

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
HEAD = (
    "| what | median | least to most | trials | against the peer | peak memory | bar |\n|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Row:
    """One thing that was measured, a value a trial. ``peer``: the rows below are compared with it.

    ``more``: more is better (a rate, an accuracy). Bars: ``ratio`` at least so many times as good as the peer,
    ``most`` and ``least`` for the median. ``peak`` is the largest resident memory in MB. ``ceiling``: what no value can
    pass (100 of a share of what the machine can do); one that does shows that the limit was measured too low.
    """

    what: str
    values: tuple[float, ...]
    unit: str = "s"
    more: bool = False
    peer: bool = False
    ratio: float | None = None
    most: float | None = None
    least: float | None = None
    peak: float | None = None
    ceiling: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)


@dataclass(frozen=True)
class Result:
    """Rows in the order they are shown, the commands that were run, and sentences for below the table."""

    rows: tuple[Row, ...] = ()
    commands: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def markdown(result: Result, *, machine: str) -> str:
    """Return the body of a section; the folder with data sets is written ``DATA``, wherever it lies here."""
    peer, lines = None, [HEAD]
    for row in result.rows:
        peer = row if row.peer else peer
        lines.append(_line(row, None if row.peer else peer))
    parts = [f"{machine}.", *(f"`{command}`" for command in result.commands), "\n".join(lines), *result.notes]
    return portable("\n\n".join(parts) + "\n")


def portable(text: str) -> str:
    """Return text without the paths of this machine: ``DATA`` is the folder with data sets, ``TMP`` a temporary one."""
    folders = ((SHARED, "DATA"), (PAGE.parents[1], "."), (Path(tempfile.gettempdir()), "TMP"), (Path.home(), "~"))
    for folder, word in folders:
        for written in {str(folder), str(folder.resolve())} - {"/"}:
            text = text.replace(written, word)
    return text


def passed(result: Result) -> list[str]:
    """Return a sentence for each row with a value above what no value can pass."""
    return [
        f"**Past the limit**: {row.what}: {_number(max(row.values))} {row.unit} where {row.ceiling:g} {row.unit} is all"
        " there can be: the limit was measured too low, and its shares mean nothing until it is mended."
        for row in result.rows
        if row.ceiling is not None and max(row.values) > row.ceiling
    ]


def slower(result: Result, published: str) -> list[str]:
    """Return a sentence for each row all of whose trials are worse than all those published, by 5 % and more."""
    found = []
    for row in result.rows:
        line = re.search(rf"^\| {re.escape(row.what)} \| [^|]* \| ([\d.]+) to ([\d.]+) \|", published, re.MULTILINE)
        if line is None or row.peer:
            continue
        low, high = (float(number) for number in line.groups())
        worse = max(row.values) < 0.95 * low if row.more else min(row.values) > 1.05 * high
        if worse:
            now = f"{_number(min(row.values))} to {_number(max(row.values))} {row.unit}"
            found.append(f"**Slower than published**: {row.what}: {now}, was {low:g} to {high:g} {row.unit}.")
    return found


def published(name: str, page: str) -> str:
    """Return the section of a benchmark as it stands on the page; empty where there is none."""
    begin, end = _marks(name)
    return page.partition(begin)[2].partition(end)[0] if begin in page else ""


def replaced(name: str, title: str, body: str, page: str) -> str:
    """Return the page with the body of one section new; what people wrote around it stays."""
    begin, end = _marks(name)
    block = f"{begin}\n{body.strip()}\n{end}"
    if begin not in page:
        return f"{page.rstrip()}\n\n## {name}: {title}\n\n{block}\n"
    before, _, rest = page.partition(begin)
    return before + block + rest.partition(end)[2]


def _marks(name: str) -> tuple[str, str]:
    return f"<!-- written by: python -m benchmarks {name} --write -->", f"<!-- end of {name} -->"


def _line(row: Row, peer: Row | None) -> str:
    times = None
    if peer is not None and peer.unit == row.unit and row.median and peer.median:
        times = row.median / peer.median if row.more else peer.median / row.median
    cells = (
        row.what,
        f"{_number(row.median)} {row.unit}",
        f"{_number(min(row.values))} to {_number(max(row.values))}",
        str(len(row.values)),
        "1" if row.peer else "" if times is None else f"{times:.2f}x",
        "" if row.peak is None else f"{row.peak:.0f} MB",
        "; ".join(_bars(row, times)),
    )
    return "| " + " | ".join(cells) + " |"


def _bars(row: Row, times: float | None) -> Iterable[str]:
    for bar, text, met in (
        (row.ratio, "{:g}x", times is not None and row.ratio is not None and times >= row.ratio),
        (row.most, f"under {{:g}} {row.unit}", row.most is not None and row.median < row.most),
        (row.least, f"at least {{:g}} {row.unit}", row.least is not None and row.median >= row.least),
    ):
        if bar is not None:
            yield f"{text.format(bar)}: {'met' if met else '**missed**'}"


def _number(value: float) -> str:
    """Three digits that count, without an exponent."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"
