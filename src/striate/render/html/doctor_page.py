"""What is wrong with a folder of pictures? What was found, as answers of a page, each with its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from striate.render.answer import Answer, Row, Table, Tile
from striate.render.html.find_page import tile
from striate.render.html.look_page import page
from striate.search.examined import Case, Examined, Finding

SINGLES: Final = 24  # pictures of a finding that are shown
GROUPS, EACH = 12, 6  # groups of a finding that are shown, and pictures of each


class Diagnosis(Protocol):
    """What was found: `striate.verbs.doctor.Diagnosis`."""

    @property
    def examined(self) -> Examined: ...  # noqa: D102
    @property
    def findings(self) -> Sequence[Finding]: ...  # noqa: D102
    @property
    def notes(self) -> Sequence[str]: ...  # noqa: D102
    def summary(self) -> str: ...  # noqa: D102


def whole_page(found: Diagnosis) -> str:
    """Return the page of what was found in a folder: a table of all, then each with its pictures."""
    folder = Path(found.examined.folder)
    name = folder.resolve().name
    heads = ("What was found", "How bad", "Share of pictures")
    rows = tuple((_sentence(one.said), one.level, _share(one.share)) for one in found.findings)
    first = Answer(
        question=f"What is wrong with {name}?",
        said=found.summary(),
        table=Table(heads, rows) if rows else None,
        notes=tuple(_sentence(note) + "." for note in found.notes),
        hides=(
            "Whether a label is right, and whether the pictures are those that will be predicted one day. A finding is"
            " worth a look; whether something has to be done about it, a person has to say. The folder was only read."
        ),
    )
    rest = [_answer(folder, one) for one in found.findings]
    return page(f"What is wrong with {name}?", f"The pictures in {found.examined.folder}.", [first, *rest])


def _answer(folder: Path, finding: Finding) -> Answer:
    shown = _rows(folder, finding.cases)
    number = sum(len(row.tiles) for row in shown)
    left = sum(len(case.paths) for case in finding.cases) - number
    more = (f"And {left:,} more; striate doctor --json names all.",) if left else ()
    return Answer(
        question=_sentence(finding.said),
        said=f"{_sentence(finding.level)}.",
        rows=shown,
        notes=(finding.means, f"What to do: {finding.remedy}", *more),
    )


def _rows(folder: Path, cases: Sequence[Case]) -> tuple[Row, ...]:
    """Return single pictures as one row, and groups as a row each."""
    if all(len(case.paths) == 1 for case in cases):
        tiles = tuple(_tile(folder, case.paths[0], case.said) for case in cases[:SINGLES])
        return (Row(tiles),) if tiles else ()
    return tuple(
        Row(tuple(_tile(folder, path, "") for path in case.paths[:EACH]), heading=case.said) for case in cases[:GROUPS]
    )


def _tile(folder: Path, path: str, said: str) -> Tile:
    return tile(folder / path, f"{path}: {said}" if said else path)


def _share(share: float) -> str:
    return "all" if share >= 1 else f"{100 * share:.1f} %" if share >= 0.001 else "under 0.1 %"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
