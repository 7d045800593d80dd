"""What is wrong with a folder of pictures, as a person calls it in Python, and as lines."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Final

from striate.session.shown import Shown, framed
from striate.session.watch import bar, waiting
from striate.verbs.workspace import Workspace

if TYPE_CHECKING:
    from striate.verbs.doctor import Diagnosis

NAMED: Final = 3  # cases of a finding that are named in lines
WIDE: Final = 100


def doctor(
    photos: Path | str,
    *,
    labels: bool = True,
    mend: str | Path | None = None,
    model: str | Path | None = None,
    runs_dir: Path | str = "runs",
    data_dir: Path | str | None = None,
    offline: bool = False,
    progress: bool = True,
) -> Shown[Diagnosis]:
    """Return what is wrong with the pictures of a folder, worst first, and what to do; the folder is only read.

    It prints as lines, shows itself in a notebook with the pictures, and ``save(path)`` writes the page.

    Arguments:
        photos: the folder, read at any depth; of class folders, with or without train, val and test above them, more is
            looked for.
        labels: whether labels are doubted too, which asks the usual trunk about every picture.
        mend: the file of what was decided before (labels.toml); "none", or None for the one kept beside the runs.
        model: a run or a model file that finds boxes, which is asked what speaks against those that are labelled.
        runs_dir: the folder of runs.
        data_dir: where the files of published weights are.
        offline: whether nothing may be downloaded.
        progress: whether a bar shows how far it is.

    Errors: SearchError for a folder that is not there or holds no picture.

    Example: ``striate.doctor("album").examined.folder`` is ``"album"``.
    """
    from striate.verbs.doctor import doctor as found_in

    drawn = bar(progress=progress)
    try:
        workspace = Workspace.at(runs_dir, data_dir, download=not offline, progress=waiting(drawn), tell=drawn.say)
        given = {name: None if one is None else str(one) for name, one in (("mend", mend), ("model", model))}
        found = found_in(Path(photos), labels=labels, **given, workspace=workspace)
    finally:
        drawn.close()

    def whole() -> str:
        from striate.render.html.doctor_page import whole_page

        return whole_page(found)

    said = (*lines(found), *(f"note: {note}" for note in (*found.judged, *found.notes)))
    return Shown(found, text=lambda: "\n".join(said), html=lambda: framed(whole()), page=whole)


def lines(found: Diagnosis) -> list[str]:
    """Return what was found as lines: the summary, then each finding with its first cases and what to do."""
    said = [f"{found.examined.folder}: {found.summary()}"]
    for finding in found.findings:
        said.append("")
        said += textwrap.wrap(f"{finding.level.upper()}: {finding.said}", WIDE, break_long_words=False)
        said += [f"  {case.line()}" for case in finding.cases[:NAMED]]
        if len(finding.cases) > NAMED:
            said.append(f"  and {len(finding.cases) - NAMED:,} more (-o PAGE shows them, --json names all)")
        for text in (finding.means, f"What to do: {finding.remedy}"):
            said += textwrap.wrap(text, WIDE, initial_indent="  ", subsequent_indent="  ", break_long_words=False)
    return said
