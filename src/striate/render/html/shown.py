"""What a run was shown, as a section of its report: pictures by class and part, with samples; what was left out."""

from __future__ import annotations

from collections.abc import Sequence

from striate.render import pictures
from striate.render.html.facts import FEW_CLASSES, Page, Section
from striate.render.html.results import PART as CROSS_VALIDATED
from striate.render.html.tables import named, scrolling
from striate.words import counted, plural

MANY = 20  # classes, above which only those with the fewest and the most pictures are shown with samples
PARTS = {"train": "train", "val": "validate", "test": "test"}
LISTED = 200  # skipped pictures that are named
_FEW, _SMALL = 6, 3  # samples a class, and where there are many classes
_STRIP = 120  # pixels that the samples of a class take at the least: where the table is narrow they stand in rows


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
    text += f"{page.enlarged}</p>" + _by_class(page)
    if rejected := page.source["rejected"]:
        items = "".join(f"<li>{named(str(bad['key']))}: {named(str(bad['reason']))}</li>" for bad in rejected[:LISTED])
        more = f"<li>and {len(rejected) - LISTED:,} more</li>" if len(rejected) > LISTED else ""
        said = f"{counted(len(rejected), 'picture')} {plural(len(rejected), 'was')} skipped"
        text += f"<details><summary>{said}</summary><ul>{items}{more}</ul></details>"
    return Section("What was it shown?", text, half=len(page.classes) <= FEW_CLASSES)


def _by_class(page: Page) -> str:
    total = page.counts["train"] + page.counts["val"] + page.counts["test"]
    order = list(range(len(page.classes)))
    note = ""
    if len(order) > MANY:
        ranked = sorted(order, key=lambda number: int(total[number]))
        chosen = sorted([*ranked[: MANY // 2], *ranked[-MANY // 2 :]])
        note = (
            f"<p>The {MANY // 2} classes with the fewest and the {MANY // 2} with the most pictures, of"
            f" {len(order)}.</p>"
        )
    else:
        chosen = order
    few = _SMALL if len(order) > MANY // 2 else _FEW
    text = note + scrolling(_table(page, chosen, few), label="pictures by class", extra=_STRIP if few else 0)
    if len(chosen) < len(order):
        text += f"<details><summary>All {len(order)} classes</summary>"
        text += scrolling(_table(page, order, 0), label="pictures of all classes") + "</details>"
    return text


def _table(page: Page, chosen: Sequence[int], few: int) -> str:
    rows, parts = [], {part: word for part, word in PARTS.items() if page.source["pictures"].get(part)}
    for number in chosen:
        cells = "".join(f"<td>{int(page.counts[part][number]):,}</td>" for part in parts)
        name = page.classes[number]
        images = "".join(
            pictures.image(page.pixels[row], alt=f"a picture of {name}") for row in page.samples[number][:few]
        )
        cells += f'<td class="samples">{images}</td>' if few else ""
        rows.append(f'<tr><th scope="row">{named(name)}</th>{cells}</tr>')
    heads = "".join(f"<th>{word}</th>" for word in parts.values())
    head = f"<th>class</th>{heads}" + ("<th></th>" if few else "")
    return f'<table class="shown"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
