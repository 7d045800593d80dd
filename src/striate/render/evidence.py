"""Evidence as answers: the heat over the picture with its trust, both checks in numbers, what would change its mind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from striate.interpret.attribution.counterfactual import Change
from striate.interpret.attribution.removal import REMOVALS
from striate.interpret.attribution.value import Evidence, Trust
from striate.render.answer import Answer, Legend, Row, Table, Tile
from striate.render.png.drawn import as_rgb, enlarged, large, over, picture_tile
from striate.render.svg.charts import Curve, line_chart
from striate.words import counted

if TYPE_CHECKING:
    from markupsafe import Markup

_WIDE = 360  # pixels


def why_answer(why: Evidence, said: str, failed: Sequence[Evidence] = (), drawn: Tile | None = None) -> Answer:
    """Return why it said so: what was ``said``, the heat over the picture, how far to trust it.

    ``failed`` is evidence that was sought before and did not pass its checks: shown crossed out, folded away. ``drawn``
    stands beside the heat in place of what the net was given: the answer over the picture.
    """
    given = drawn or picture_tile(
        large(why.pixels)[0], caption="What the net was given", alt="the picture as the net takes it", shown=_WIDE
    )
    tile, legend = heat(why)
    more = [] if why.trust is None else [checks_answer(why)]
    if failed:
        more.append(_failed(failed))
    return Answer(
        why.question.title,
        f"{why.question.told or said}. {why.focus}",
        (Row((given, tile), legend=legend),),
        shows=why.shows,
        hides=why.hides,
        lead=why.trust.phrase if why.trust else "",
        more=tuple(more),
    )


def heat(why: Evidence) -> tuple[Tile, Legend]:
    """Return evidence over the picture, crossed out where it is not to be trusted, and what its colours stand for."""
    reach = float(np.abs(why.heat).max()) or 1.0
    low, high = (-reach, reach) if why.heat.min() < 0 else (0.0, reach)
    shown = large(why.pixels)[0]
    crossed = why.trust is not None and why.trust.reason is not None
    tile = picture_tile(
        over(shown, enlarged(why.heat, shown.shape[:2]), low=low, high=high, crossed=crossed),
        caption=f"{why.title}{f' at {why.part}' if why.part else ''}{_score(why.trust)}",
        alt=f"evidence for {why.answer} over the picture{', crossed out' if crossed else ''}. {why.focus}",
        shown=_WIDE,
    )
    return tile, Legend(low, high, f"evidence: {why.unit}")


def checks_answer(why: Evidence) -> Answer:
    """Return both checks of evidence: the curves against random orders, and the likeness with shuffled weights."""
    trust = why.trust
    assert trust is not None
    curves, shuffled, chance = trust.curves, trust.shuffled, trust.curves.chance
    rows = [
        ("most evidence removed first", f"{curves.deletion_area:.2f}", "lower is better"),
        ("most evidence brought back first", f"{curves.insertion_area:.2f}", "higher is better"),
        (
            f"{len(curves.random)} random orders",
            f"{chance.value:.2f}",
            f"95 % of others between {max(0, chance.low):.2f} and {min(1, chance.high):.2f}",
        ),
        ("gain: the second less the first", f"{curves.gain:.2f}", f"random orders reach {curves.chance_gain:.2f}"),
    ]
    for part, ranks, structure in zip(shuffled.parts, shuffled.correlations, shuffled.structures, strict=True):
        told = "no evidence left" if ranks is None or structure is None else f"{ranks:.2f}, {structure:.2f}"
        read = "by ranks, by structure; 1 is the same, 0 no more than chance"
        rows.append((f"likeness with the weights shuffled down to {part}", told, read))
    notes = [] if why.choice is None else [_chosen(why)]
    return Answer(
        "How far can I trust that picture?",
        f"Trust: {trust.level}, by two checks, whose figures are here.",
        shows=f"the {why.question.unit} while cells of the picture are taken away, and whether the evidence "
        f"changes with the weights. Taken away means {REMOVALS[curves.removal]}.",
        hides="whether the evidence is all there is: two causes may each be enough alone.",
        notes=tuple(notes),
        table=Table(("check", "value", "read as"), tuple(rows)),
        drawn=(_chart(trust, why.question.unit),),
    )


def change_answer(change: Change) -> Answer:
    """Return what would change its mind: the picture with what has to go, and without it."""
    shown = as_rgb(change.pixels)
    if change.after is None:
        return Answer(f"What would it take not to say {change.before}?", change.sentence)
    gone = np.where(change.mask[..., None], shown, (0.35 * shown + 0.65 * 255).astype(np.uint8))
    tiles = (
        picture_tile(
            large(gone)[0],
            caption="What has to go; the rest is faded",
            alt=f"the {100 * change.share:.0f} % of the picture without which it does not say {change.before}",
            shown=_WIDE,
        ),
        picture_tile(
            large(change.without)[0],
            caption=f"What the net was given then: it says {change.after}",
            alt=f"the picture without that part, of which the net says {change.after}",
            shown=_WIDE,
        ),
    )
    return Answer(
        f"What would it take not to say {change.before}?",
        change.sentence,
        (Row(tiles),),
        shows=f"a part that the answer hangs on, found by asking the network about {counted(change.asked, 'picture')}.",
        hides=f"whether a smaller part elsewhere would do, or why it then says {change.after}.",
    )


def _score(trust: Trust | None) -> str:
    """Return the trust as it stands under a picture."""
    if trust is None:
        return ""
    return f": trust {trust.level}{', crossed out' if trust.reason else ''}"


def _failed(failed: Sequence[Evidence]) -> Answer:
    drawn = [heat(one) for one in failed]
    return Answer(
        "What else was asked?",
        f"{' and '.join(one.title for one in failed)}: crossed out, as it failed a check.",
        tuple(Row((tile,), legend=legend) for tile, legend in drawn),
        notes=tuple(f"{one.title}. {one.trust.phrase}" for one in failed if one.trust),
        shows="evidence by another method, which fails the checks that the evidence above went through.",
        hides="a reason for the answer: it is here to be seen as what it is.",
    )


def _chosen(why: Evidence) -> str:
    choice = why.choice
    assert choice is not None
    measured = ", ".join(
        f"{part} a gain of {gain:.2f}, a likeness of {alike:.2f}, most on {100 * size:.0f} % of the picture"
        for part, gain, alike, size in zip(choice.parts, choice.gains, choice.alike, choice.areas, strict=True)
    )
    return (
        f"It was looked at {choice.part}: of the parts that pass both checks about as well as the best, "
        f"the one whose evidence lies on the least of the picture ({measured})."
    )


def _chart(trust: Trust, unit: str) -> Markup:
    curves = trust.curves
    along = [100 * float(fraction) for fraction in curves.fractions]

    def drawn(values: np.ndarray) -> list[tuple[float, float]]:
        return [(x, float(y)) for x, y in zip(along, values, strict=True)]

    every = np.concatenate([curves.insertion, curves.deletion, curves.random.mean(0)])
    lowest, highest = float(every.min()), float(every.max())
    return line_chart(
        [
            Curve("brought back, most evidence first", drawn(curves.insertion), mark=True),
            Curve("removed, most evidence first", drawn(curves.deletion), mark=True),
            Curve("removed in random order, on average", drawn(curves.random.mean(0))),
        ],
        x_label="percent of the picture removed or brought back",
        y_label=unit,
        y_from=min(0.0, lowest),
        y_to=max(1.0, highest),
        alt=f"the {unit}: on average {curves.insertion_area:.2f} while what has most evidence is "
        f"brought back first, {curves.deletion_area:.2f} while it is removed first, {curves.chance.value:.2f} in "
        "random order",
    )
