"""The worst answers of a run, of a task without classes, each beside the evidence for what was said."""

from __future__ import annotations

from dataclasses import replace

from striate.interpret.look import RunLook
from striate.render.answer import Answer, Row
from striate.render.evidence import heat
from striate.render.png.drawn import picture_tile

_WIDE = 200  # pixels of a picture and of the evidence beside it: a phone has room for both


def worst_answer(look: RunLook) -> Answer:
    """Return the worst answers, each beside the evidence for what was said."""
    rows = []
    for one in look.worst:
        photo = picture_tile(one.pixels, caption="", alt=f"{one.key}. {one.caption}", shown=_WIDE)
        if one.why is None:
            rows.append(Row((photo,), f"{one.key}: {one.caption}"))
            continue
        tile, legend = heat(one.why)
        words = () if one.why.trust is None else (f"{one.why.question.title} {one.why.trust.words[0]}",)
        rows.append(Row((photo, replace(tile, shown=_WIDE)), f"{one.key}: {one.caption}", legend, words))
    return Answer(
        f"What confuses {look.name}?",
        f"Its {look.what} on its {look.part} pictures; here are the worst answers, worst first.",
        tuple(rows),
        shows="each picture with what was said of it and what it is, beside what speaks for that answer, with how far"
        " to trust it, crossed out where it fails a check.",
        hides="how common such an answer is: the report counts them. Evidence shows where the net looked, not that it"
        " was right to.",
    )
