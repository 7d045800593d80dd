"""What is wrong with a folder of pictures? What was found, as answers of a page, each with its pictures."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from striate.data.labels.classes import is_text
from striate.data.labels.marks import Box
from striate.render.answer import Answer, Row, Table, Tile
from striate.render.html.environment import html
from striate.render.html.find_page import tile
from striate.render.html.look_page import page
from striate.search.examined import Case, Examined, Finding

if TYPE_CHECKING:
    from markupsafe import Markup

SINGLES: Final = 24  # pictures of a finding that are shown
COPIES: Final = ("equal-", "near-")  # how the kinds of findings begin whose groups are one thing each
GROUPS, EACH = 12, 6  # groups of a finding that are shown, and pictures of each


class Diagnosis(Protocol):
    """What was found: `striate.verbs.doctor.Diagnosis`."""

    @property
    def examined(self) -> Examined: ...  # noqa: D102
    @property
    def findings(self) -> Sequence[Finding]: ...  # noqa: D102
    @property
    def notes(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def judged(self) -> Sequence[str]: ...  # noqa: D102
    def summary(self) -> str: ...  # noqa: D102


def whole_page(found: Diagnosis) -> str:
    """Return the page of what was found in a folder: a table of all, then each with its pictures.

    Below each picture a person decides what to do with it; a script of the page makes labels.toml of that.
    """
    folder = Path(found.examined.folder)
    name = folder.resolve().name
    heads = ("What was found", "How bad", "Share of pictures")
    rows = tuple((_sentence(one.said), one.level, _share(one.share)) for one in found.findings)
    first = Answer(
        question=f"What is wrong with {name}?",
        said=found.summary(),
        table=Table(heads, rows) if rows else None,
        notes=(
            *(f"Decided before: {note}." for note in found.judged),
            *(_sentence(note) + "." for note in found.notes),
        ),
        drawn=(_bar(found.examined),) if found.findings else (),
        hides=(
            "Whether a label is right, and whether the pictures are those that will be predicted one day. A finding is"
            " worth a look; whether something has to be done about it, a person has to say. The folder was only read."
        ),
    )
    rest = [_answer(folder, found.examined, one) for one in found.findings]
    return page(f"What is wrong with {name}?", f"The pictures in {found.examined.folder}.", [first, *rest], opened=1)


def _answer(folder: Path, examined: Examined, finding: Finding) -> Answer:
    shown = _rows(folder, _Decisions(examined, finding.kind), finding.cases)
    number = sum(len(row.tiles) for row in shown)
    left = sum(len(case.paths) for case in finding.cases) - number
    more = (f"And {left:,} more; striate doctor --json names all.",) if left else ()
    return Answer(
        question=_sentence(finding.said),
        said=f"{_sentence(finding.level)}.",
        rows=shown,
        notes=(finding.means, f"What to do: {finding.remedy}", *more),
        drawn=() if finding.cases else (_Decisions(examined, finding.kind).about_all(finding.said),),
    )


def _bar(examined: Examined) -> Markup:
    """Return what stands at the foot of the window: what was decided, and how it is kept."""
    folder = str(Path(examined.folder).resolve())
    said = {"folder": folder, "named": shlex.quote(examined.folder), "classes": json.dumps(examined.names)}
    return html("answers/mend.html", **said)


@dataclass(frozen=True)
class _Decisions:
    """Where a person decides about the pictures of findings of a ``kind``. The script of the page fills it."""

    examined: Examined
    kind: str

    def about(self, path: str, *, alone: bool) -> Markup | None:
        """Return the place for one picture; None for one that cannot be named. Not ``alone``, it is one of a group."""
        return self._place("picture", path, (path,), self.kind if alone else "")

    def about_group(self, paths: Sequence[str]) -> Markup | None:
        """Return the place for a group, as far as its pictures can be named; copies may be said to be one thing."""
        return self._place(
            "copies" if self.kind.startswith(COPIES) else "group", f"these {len(paths)} pictures", paths, self.kind
        )

    def about_all(self, said: str) -> Markup:
        """Return the place for a finding that names no pictures."""
        found = self._place("group", said, (), self.kind)
        assert found is not None
        return found

    def _place(self, what: str, about: str, paths: Sequence[str], kind: str) -> Markup | None:
        digests = [self.examined.digest_of(path) for path in paths]
        if not all(digests) or any(not is_text(path) for path in paths):
            return None
        lists = {"pictures": json.dumps(paths), "digests": json.dumps(digests)}
        return html("answers/decide.html", of=what, about=about, finding=kind, **lists)


def _rows(folder: Path, decisions: _Decisions, cases: Sequence[Case]) -> tuple[Row, ...]:
    """Return single pictures as one row, and groups as a row each."""

    def shown(path: str, said: str, boxes: Sequence[Box] = (), *, alone: bool) -> Tile:
        made = tile(folder / path, f"{path}: {said}" if said else path, *boxes)
        return replace(made, below=decisions.about(path, alone=alone))

    if all(len(case.paths) == 1 for case in cases):
        tiles = tuple(shown(case.paths[0], case.said, case.boxes, alone=True) for case in cases[:SINGLES])
        return (Row(tiles),) if tiles else ()
    return tuple(
        Row(
            tuple(shown(path, "", alone=False) for path in case.paths[:EACH]),
            heading=case.said,
            below=decisions.about_group(case.paths),
        )
        for case in cases[:GROUPS]
    )


def _share(share: float) -> str:
    return "all" if share >= 1 else f"{100 * share:.1f} %" if share >= 0.001 else "under 0.1 %"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
