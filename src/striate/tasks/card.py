"""What a model card says of an evaluation: words and tables as plain JSON, with no picture of anybody's in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from striate.tasks.sections import Cell, Figure, Matrix, Part, Section, Table, Text

if TYPE_CHECKING:
    from striate.tasks.assessment import Assessment

ROWS: Final = 30  # of a table: a card is read, not searched
MIXED: Final = 10  # of a matrix: what is most often called something else
MISTAKEN: Final = "is, called"  # the corner of a matrix that says what is called what


def card_facts(found: Assessment, shown: Sequence[Part] = ()) -> dict[str, Any]:
    """Return what a card says of answers that were measured, and of what was ``shown`` (`Answering.shown_parts`).

    Pictures and charts are left out, and with them the names of files.

    Example: ``sorted(card_facts(striate.evaluate("last").found))[0]`` is ``"caveats"``.
    """
    return {
        "figures": [{"value": one.value, "between": one.between, "text": one.text} for one in found.figures()],
        "caveats": list(found.caveats()),
        "learnt": list(dict.fromkeys((*found.learnt_lines(), *found.lines()))),
        "sections": [kept for one in found.card_sections() if (kept := _section(one))],
        "shown": [kept for part in shown if (kept := _part(part))],
    }


def _section(section: Section) -> dict[str, Any] | None:
    """Return a section without its pictures; None where nothing but words is left."""
    drawn = any(isinstance(part, Matrix) for part in section.parts)  # then its words are about rows and columns
    chosen = [part for part in section.parts if not (drawn and isinstance(part, Text))]
    parts = [kept for part in chosen if (kept := _part(part))]
    return {"title": section.title, "parts": parts} if any("rows" in part for part in parts) else None


def _part(part: Part) -> dict[str, Any] | None:
    if isinstance(part, Text):
        return {"text": part.text}
    if isinstance(part, Matrix) and part.corner == MISTAKEN:
        part = _mixed_up(part)
    if not isinstance(part, Table) or not part.rows:
        return None
    rows = [[_cell(cell) for cell in row] for row in part.rows[:ROWS]]
    return {"label": part.label, "heads": list(part.heads), "rows": rows, "more": max(0, len(part.rows) - ROWS)}


def _mixed_up(matrix: Matrix) -> Table:
    """Return the cells of a matrix of classes in which most of a class is called another."""
    cells = [
        (float(matrix.shares[row, column]), row, column)
        for row, one in enumerate(matrix.rows)
        for column, other in enumerate(matrix.columns)
        if one != other and matrix.shares[row, column] > 0
    ]
    cells.sort(key=lambda cell: -cell[0])
    rows = tuple(
        (matrix.rows[row], matrix.columns[column], f"{100 * share:.1f} %") for share, row, column in cells[:MIXED]
    )
    return Table(("is", "called", "share"), rows, matrix.label)


def _cell(cell: Cell) -> str:
    return str(cell) if isinstance(cell, Figure) else cell
