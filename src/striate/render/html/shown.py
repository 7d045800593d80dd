"""What a run was shown, as a section of its report: pictures by part, what of them is learnt; what was left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from striate.render.html.environment import html
from striate.render.html.facts import CROSS_VALIDATED, Page, Section
from striate.render.html.sections import part_html
from striate.render.tasks.own import OWN

if TYPE_CHECKING:
    from markupsafe import Markup

LISTED = 200  # skipped pictures that are named


def shown(page: Page) -> Section:
    """Return what it was shown."""
    over = page.source.get("passed_over", {})
    body = html(
        "report/shown.html",
        location=page.source["location"],
        counts=page.source["pictures"],
        left=page.source["pictures"].get("left_out"),
        cross_validated=page.part == CROSS_VALIDATED,
        over=over.get("files"),
        first=over.get("first", [])[:3],
        enlarged=page.enlarged,
        parts=_parts(page),
        rejected=page.source["rejected"][:LISTED],
        skipped=len(page.source["rejected"]),
    )
    return Section("What was it shown?", body, half=page.few)


def _parts(page: Page) -> list[Markup]:
    """Return what of the pictures is learnt, as the task has it."""
    own = OWN.get(page.task.name)
    if own is not None:
        return [own.shown(page)]
    rows, keys = np.arange(len(page.pixels)), [item.key for item in page.items]
    parts = page.task.shown_parts(page.values, page.parts, page.labels)
    return [part_html(part, pixels=page.pixels, rows=rows, keys=keys) for part in parts]
