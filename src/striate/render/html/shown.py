"""What a run was shown, as a section of its report: pictures by part, what of them is learnt; what was left out."""

from __future__ import annotations

import numpy as np

from striate.render.html.facts import CROSS_VALIDATED, Page, Section
from striate.render.html.sections import part_html
from striate.render.html.tables import named
from striate.render.tasks.own import OWN
from striate.words import counted, plural

LISTED = 200  # skipped pictures that are named


def shown(page: Page) -> Section:
    """Return what it was shown."""
    counts = page.source["pictures"]
    rest = "".join(
        f", {counts[part]:,} to {verb}" for part, verb in (("val", "validate"), ("test", "test")) if counts[part]
    )
    text = f"<p>{named(str(page.source['location']))}: {counted(counts['train'], 'picture')} to train{rest}."
    if page.part == CROSS_VALIDATED:
        text += " Cross-validated: each was also answered for by a training that had not seen it."
    if left := counts.get("left_out"):
        verb = plural(left, "was")
        text += f" {counted(left, 'copy')} of validation or test pictures {verb} left out of training."
    if over := page.source.get("passed_over", {}).get("files"):
        first = page.source["passed_over"]["first"][:3]
        names = ", ".join(named(str(name)) for name in first) + (", ..." if over > len(first) else "")
        text += f" {counted(over, 'other file')} {plural(over, 'was')} passed over ({names})."
    text += f"{page.enlarged}</p>" + _body(page)
    if rejected := page.source["rejected"]:
        items = "".join(f"<li>{named(str(bad['key']))}: {named(str(bad['reason']))}</li>" for bad in rejected[:LISTED])
        more = f"<li>and {len(rejected) - LISTED:,} more</li>" if len(rejected) > LISTED else ""
        said = f"{counted(len(rejected), 'picture')} {plural(len(rejected), 'was')} skipped"
        text += f"<details><summary>{said}</summary><ul>{items}{more}</ul></details>"
    return Section("What was it shown?", text, half=page.few)


def _body(page: Page) -> str:
    """Return what of the pictures is learnt, as the task has it."""
    own = OWN.get(page.task.name)
    if own is not None:
        return own.shown(page)
    rows, keys = np.arange(len(page.pixels)), [item.key for item in page.items]
    parts = page.task.shown_parts(page.values, page.parts, page.labels)
    return "".join(part_html(part, pixels=page.pixels, rows=rows, keys=keys) for part in parts)
