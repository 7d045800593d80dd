"""A survey as a table: plain text for a terminal, HTML for a notebook."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from striate.spec.field import Field
from striate.spec.survey import Part, Survey

NARROWEST, WIDEST = 80, 120
_GAP = "  "
_HEAD = ("part", "layer", "output", "parameters", "MACs", "memory", "field", "jump", "unseen")
_TEXT_COLUMNS = 2  # the first columns are text, the others numbers
# What gives way when the terminal is narrow, in this order.
_VARIANTS = ((), ("jump",), ("jump", "long MACs"), ("jump", "long MACs", "memory"))


def text_table(survey: Survey, width: int | None = None) -> str:
    """The survey as lines of plain text at most `width` columns wide (None: the terminal's, 80 to 120)."""
    width = _terminal_width() if width is None else width
    parts = list(fold(survey.rows))
    for without in _VARIANTS:
        columns = _columns(survey, parts, without)
        numbers = sum(len(_GAP) + max(map(len, column)) for column in columns[_TEXT_COLUMNS:])
        wanted = [max(map(len, column)) for column in columns[:_TEXT_COLUMNS]]
        room = width - numbers - len(_GAP)
        if room >= min(wanted[0], 30) + min(wanted[1], 26):
            break
    first = min(wanted[0], max(room - wanted[1], room * 2 // 5, 8))
    widths = [first, max(min(wanted[1], room - first), 8)]
    right = [max(map(len, column)) for column in columns[_TEXT_COLUMNS:]]
    lines = []
    for cells in zip(*columns, strict=True):
        texts = [_short_path(cells[0], widths[0]), _short(cells[1], widths[1])]
        words = [text.ljust(size) for text, size in zip(texts, widths, strict=True)]
        words += [cell.rjust(size) for cell, size in zip(cells[_TEXT_COLUMNS:], right, strict=True)]
        lines.append(_GAP.join(words).rstrip())
    rule = "─" * max(map(len, lines))
    lines = [lines[0], rule, *lines[1:-1], rule, lines[-1], *_notes(survey)]
    return "\n".join(lines)


def _columns(survey: Survey, parts: Sequence[Part], without: Sequence[str]) -> list[list[str]]:
    """The cells column by column: heading, a row for the input, one for each part, the totals."""
    count = (lambda number: f"{number:,}") if "long MACs" not in without else magnitude
    rows = [["input", "", str(survey.input), "", "", "", "", "", ""]]
    for part in parts:
        rows.append(
            [
                part.path,
                part.layer,
                str(part.output or ("" if part.auxiliary else "?")),
                _numbers(part),
                "?" if part.macs is None else count(part.macs) if part.macs else "0",
                _bytes(part.memory_bytes),
                *(_field(part.field) if survey.why is None else ("?", "")),
                f"{100 * part.unseen.share:.3g} %" if part.unseen else "",
            ]
        )
    total = ["total", "", str(survey.output or ""), f"{survey.parameters:,}", count(survey.macs)]
    rows.append([*total, _bytes(survey.memory_bytes), "", "", ""])
    columns = [list(cells) for cells in zip(_HEAD, *rows, strict=True)]
    empty = [] if any(part.unseen for part in parts) else ["unseen"]
    return [column for column in columns if column[0] not in without and column[0] not in empty]


def _notes(survey: Survey) -> Iterator[str]:
    if survey.why is not None:
        yield f"what its modules were seen to do, as it is no net of layers: {survey.why}"
        unknown = [part.path for part in survey.rows if part.macs is None]
        lacking = f"the MACs of {', '.join(unknown[:3])}{' ...' if len(unknown) > 3 else ''}, " if unknown else ""
        yield f"not known: {lacking}what the code does between its modules, receptive fields, unseen pixels"
    if survey.fixed:
        yield f"not trained: {survey.fixed:,} fixed numbers"
    if survey.frozen:
        yield (
            f"frozen: {survey.frozen:,} of the {survey.parameters:,} parameters keep the values they start from, and"
            " frozen norms their statistics"
        )
    spare = sum(part.parameters for part in survey.rows if part.auxiliary and part.output is None)
    if spare:
        yield f"never used in its forward: {spare:,} parameters"
    beside = [part for part in survey.rows if part.auxiliary and part.output is not None]
    if beside:
        yield (
            f"of this in side heads, which only training has: {sum(part.parameters for part in beside):,} parameters, "
            f"{sum(part.macs or 0 for part in beside):,} MACs"
        )
    if survey.unseen:
        yield f"never seen: {survey.unseen} of the picture ({100 * survey.unseen.share:.3g} % of it)"


def _numbers(part: Part) -> str:
    if part.fixed and not part.parameters:
        return f"{part.fixed:,} fixed"
    return f"{part.parameters:,}{' frozen' if part.frozen and part.parameters else ''}"


def fold(parts: Sequence[Part]) -> Iterator[Part]:
    """The rows with every run of repetitions that are alike as the first of them and one row for the others.

    Somebody's code may use one part again and again: all that it does alike after the first time is one row.
    """
    yield from _fold(list(_used_again(parts)), 0)


def _used_again(parts: Sequence[Part]) -> Iterator[Part]:
    """Give uses of a part after its first a row of their own name, ``conv2 again``, those that are alike in one."""
    uses: dict[tuple[str, str, object], list[Part]] = {}
    for part in parts:
        uses.setdefault((part.path, part.layer, part.output), []).append(part)
    seen: set[str] = set()
    for part in parts:
        alike = uses.pop((part.path, part.layer, part.output), [])
        if alike and part.path not in seen:
            seen.add(part.path)
            yield alike.pop(0)
        if alike:
            times = f", {len(alike)} times" if len(alike) > 1 else ""
            yield _as_one(alike, f"{part.path} again", part.layer + times)


def _as_one(parts: Sequence[Part], path: str, layer: str) -> Part:
    """Return several rows as one, their costs added up."""
    return replace(
        parts[-1],
        path=path,
        layer=layer,
        parameters=sum(part.parameters for part in parts),
        fixed=sum(part.fixed for part in parts),
        macs=None if any(part.macs is None for part in parts) else sum(part.macs or 0 for part in parts),
        memory_bytes=sum(part.memory_bytes for part in parts),
        unseen=None,
    )


def _fold(parts: list[Part], depth: int) -> Iterator[Part]:
    groups = [list(group) for _, group in groupby(parts, key=lambda part: part.path.split(".")[: depth + 1])]
    for _, run in groupby(groups, key=lambda group: _likeness(group, depth)):
        alike = list(run)
        first, others = alike[0], alike[1:]
        if all(part.path.count(".") <= depth for part in first):  # nothing further inside
            yield from (part for group in alike for part in group)
            continue
        yield from _fold(first, depth + 1)
        if not others:
            continue
        names = [".".join(group[0].path.split(".")[: depth + 1]) for group in alike]
        rest = [part for group in others for part in group]
        number = names[-1].rsplit(".", 1)[-1]
        same = all(part.layer == other.layer for group in others for part, other in zip(group, first, strict=True))
        yield _as_one(
            rest,
            names[1] if len(others) == 1 else f"{names[1]}–{number}",
            f"{'the same as' if same else 'like'} {names[0]}" + (f", {len(others)} times" if len(others) > 1 else ""),
        )


def _likeness(group: list[Part], depth: int) -> object:
    """What repetitions that are alike have in common; a part that is no repetition is like nothing else.

    How often each drops its path makes no difference to any column: stochastic depth grows from block to block.
    """
    steps = group[0].path.split(".")
    if depth >= len(steps) or not steps[depth].isdigit():
        return group[0].path
    layers = ("droppath" if part.layer.startswith("droppath") else part.layer for part in group)
    return [
        (part.path.split(".")[depth + 1 :], layer, part.output, part.parameters, part.macs, part.frozen)
        for part, layer in zip(group, layers, strict=True)
    ]


def table_cells(survey: Survey) -> tuple[list[tuple[str, ...]], list[str]]:
    """The rows of the survey's table, the first of them its heads and the last its totals, and the notes under it.

    Example: ``table_cells(net.on(1, 28, 28))[0][0]  # ("part", "layer", ...)``
    """
    columns = _columns(survey, list(fold(survey.rows)), ())
    return list(zip(*columns, strict=True)), list(_notes(survey))


def html_table(survey: Survey) -> str:
    """The survey as one HTML table that needs nothing else."""
    from html import escape

    (head, *rows), notes = table_cells(survey)
    lines = ['<table style="border-collapse:collapse;font-variant-numeric:tabular-nums">', "<thead><tr>"]
    lines += [
        f'<th style="text-align:{_side(index)};padding:2px 8px">{escape(name)}</th>' for index, name in enumerate(head)
    ]
    lines.append("</tr></thead><tbody>")
    for row in rows:
        bold = ";font-weight:bold;border-top:1px solid" if row is rows[-1] else ""
        cells = (
            f'<td style="text-align:{_side(index)};padding:2px 8px{bold}">{escape(cell)}</td>'
            for index, cell in enumerate(row)
        )
        lines.append(f"<tr>{''.join(cells)}</tr>")
    lines.append("</tbody></table>")
    lines += [f"<p>{escape(note)}</p>" for note in notes]
    return "\n".join(lines)


def _side(column: int) -> str:
    return "left" if column < _TEXT_COLUMNS else "right"


def _field(field: Field | None) -> tuple[str, str]:
    if field is None:
        return "", ""
    if field.jump == (0, 0):
        return "all", ""
    return _both(*field.size), _both(*(f"{float(jump):.4g}" for jump in field.jump))


def _both(height: object, width: object) -> str:
    return f"{height}" if height == width else f"{height}x{width}"


def magnitude(number: int) -> str:
    """Three figures and a prefix: 470 k, 2.51 M, 11.5 G."""
    for size, prefix in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= 0.9995 * size:
            figures = number / size
            return f"{figures:.{2 if figures < 9.995 else 1 if figures < 99.95 else 0}f} {prefix}"
    return str(number)


def _bytes(number: int) -> str:
    return f"{magnitude(number)}B" if number >= 1000 else f"{number} B"


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _short_path(path: str, width: int) -> str:
    """A path without as many names in its middle as it takes: ``stage1…branch2.conv1`` keeps its stage and its leaf."""
    names = path.split(".")
    if len(path) <= width or len(names) < 2:
        return _short(path, width)
    begin, end = 1, 1
    if len(f"{names[0]}…{names[-1]}") > width:
        leaf = names[-1][-width + 1 :]
        return f"{names[0][: width - 1 - len(leaf)]}…{leaf}"
    while True:
        longer = ((begin, end + 1), (begin + 1, end))
        fitting = [pair for pair in longer if len(_without_middle(names, *pair)) <= width]
        if not fitting:
            return _without_middle(names, begin, end)
        begin, end = fitting[0]


def _without_middle(names: Sequence[str], begin: int, end: int) -> str:
    return f"{'.'.join(names[:begin])}…{'.'.join(names[-end:])}"


def _terminal_width() -> int:
    try:
        columns = int(os.environ.get("COLUMNS", "")) or os.get_terminal_size().columns
    except (ValueError, OSError):
        try:
            columns = os.get_terminal_size().columns
        except (ValueError, OSError):
            columns = 100
    return max(NARROWEST, min(WIDEST, columns))
