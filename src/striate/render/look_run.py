"""What a run learnt, when, and what confuses it, as answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from striate.interpret.activations.epoch_maps import settled
from striate.interpret.attribution.value import Evidence
from striate.interpret.diagnostics.confusion import Confusion
from striate.interpret.diagnostics.health import Health
from striate.interpret.look import Mistake, RunLook
from striate.render.answer import Answer, Legend, Row, Table, Tile
from striate.render.look_worst import worst_answer
from striate.render.png.drawn import (
    as_rgb,
    enlarged,
    large,
    map_sheet,
    map_tile,
    moving,
    over,
    picture_tile,
    scale_of,
    sheet,
)
from striate.settings import FIRST
from striate.words import counted, plural

_STILLS = 5  # with the picture they fill a line
_MOVING = 8  # channels that are shown at once

Map: TypeAlias = NDArray[np.float32]


def run_answers(look: RunLook) -> list[Answer]:
    """Return the answers of `look RUN`: what confuses it; which labels are worth a look; what it learnt, and when;
    whether all layers work. The labels come first where they are what its verdict asks for.
    """
    first = worst_answer(look) if look.confusion is None else _confusion(look, look.confusion)
    about = [first, *([_labels(look)] if look.labels else [])]
    return [*(about[::-1] if look.labels_first else about), _learnt(look), _health(look.health)]


def _labels(look: RunLook) -> Answer:
    names, number = look.names, len(look.labels)
    tiles = [
        _photo(
            one,
            f"labelled {names[one.doubt.truth]} ({one.doubt.of_truth:.2f}), called {names[one.doubt.said]}"
            f" ({one.doubt.of_said:.2f}): {one.key}",
        )
        for one in look.labels
    ]
    first = look.labels[0]
    order = ", the one whose label is least likely first" if number > 1 else ""
    return Answer(
        "Which labels are worth a look?",
        f"{counted(number, 'picture')}{order}: {first.key}, labelled {names[first.doubt.truth]} and called"
        f" {names[first.doubt.said]}.",
        (Row(tuple(tiles)),),
        shows="pictures whose answer stands against their label with confidence, in the order of self-confidence, the"
        " probability of the label (Northcutt et al. 2021). Of a cross-validated run, each was answered by what had not"
        " seen it.",
        hides="which is wrong, the answer or the label: that, a person has to say.",
    )


def _confusion(look: RunLook, found: Confusion) -> Answer:
    names = look.names
    rows = [_mistake(mistake, names) for mistake in look.mistakes]
    for pair, between in zip(found.pairs, look.between, strict=True):
        first, second = names[pair.first], names[pair.second]
        counts = f"{first} called {second}: {pair.first_as_second}; {second} called {first}: {pair.second_as_first}"
        tiles = [
            _photo(one, f"{names[one.doubt.said]} {one.doubt.of_said:.2f}, is {names[one.doubt.truth]}")
            for one in between
        ]
        rows.append(Row(tuple(tiles), f"Between {first} and {second} ({counts})"))
    if found.wrong:
        said = (
            f"{found.wrong:,} of {counted(found.pictures, f'{look.part} picture')}"
            f" {plural(found.wrong, 'is')} wrong; here are those it was surest of"
        )
    else:
        said = f"None of the {counted(found.pictures, f'{look.part} picture')} is wrong; here are the closest calls"
    folded = any(one.kept is not None for one in look.mistakes)
    return Answer(
        f"What confuses {look.name}?",
        f"{said}, and the pictures between the classes it takes for each other.",
        tuple(rows),
        caution="The answers here are out-of-fold: each picture was answered by what had not seen it. What speaks for"
        " either class is asked of the model that is kept, which has seen all of them; beside each mistake stands what"
        " that one says."
        if folded
        else "",
        shows="mistakes with what speaks for what was said and not the truth beside what speaks for the truth and not"
        " what was said, on one scale, each with how far to trust it, crossed out where it fails a check; then, pair by"
        " pair, the pictures whose two probabilities are closest.",
        hides="how common a mistake is: the report's confusion table counts them. Evidence shows where the net looked,"
        " not that it was right to.",
    )


def _photo(mistake: Mistake, caption: str) -> Tile:
    return picture_tile(mistake.pixels, caption=caption, alt=f"{mistake.key}. {caption}", shown=132)


def _mistake(mistake: Mistake, names: Sequence[str]) -> Row:
    """Return a mistake beside what speaks for either class, on one scale, and how far to trust it."""
    doubt, shown = mistake.doubt, [each for each in (mistake.for_said, mistake.for_truth) if each is not None]
    heading = f"{mistake.key}: {names[doubt.said]} {doubt.of_said:.2f}, is {names[doubt.truth]} ({doubt.of_truth:.2f})"
    if mistake.kept is not None:
        heading += f"; the model that is kept, which has seen it: {mistake.kept}"
    top = max((float(each.heat.max()) for each in shown), default=0.0) or 1.0
    return Row(
        (_photo(mistake, ""), *(_evidence(mistake, each, top) for each in shown)),
        heading,
        Legend(0.0, 1.0, "evidence, 1 at the largest of both") if shown else None,
        tuple(
            f"For {each.answer}{f' and not {each.against}' if each.against else ''}: {each.trust.words[0]}"
            for each in shown
            if each.trust is not None
        ),
    )


def _evidence(mistake: Mistake, why: Evidence, top: float) -> Tile:
    crossed = why.trust is not None and why.trust.reason is not None
    shown = large(as_rgb(mistake.pixels), 264)[0]
    heat = enlarged(np.maximum(why.heat, 0) / top, shown.shape[:2])
    trust = "" if why.trust is None else ": trust none, crossed out" if crossed else f": trust {why.trust.level}"
    return picture_tile(
        over(shown, heat, high=1.0, crossed=crossed),
        caption=f"for {why.answer}{trust}",
        alt=f"what speaks for {why.answer} in {mistake.key}{', crossed out' if crossed else ''}. {why.focus}",
        shown=132,
    )


def _learnt(look: RunLook) -> Answer:
    question = "What did it learn, and when?"
    if not look.filters and look.watched is None:
        return Answer(
            question,
            f"Neither filters nor maps were kept epoch by epoch: {look.unwatched}.",
        )
    given = look.frozen.get(FIRST) if look.filters else None
    rows = [*(_first_filters(look) if given is None else _given(look, given)), *_course(look)]
    said = []
    if look.filters and given is None:
        said.append(f"the filters of the first layer by epoch {settled(look.filters)}")
    if look.watched is not None:
        said.append(f"the maps of {look.watched} by epoch {settled(look.course[look.watched].maps)}")
    last = max([*look.filters, *(epoch for kept in look.course.values() for epoch in kept.maps)])
    gone = f"90 % of the way was gone, for good, in {' and '.join(said)}, of {last}." if said else ""
    nothing = "" if given is None else f"Its first layer learnt nothing: it is {given}, frozen from the beginning. "
    return Answer(
        question,
        nothing + gone,
        tuple(rows),
        shows="the weights of the first layer themselves, where they can be read, and what channels of a part, the"
        " liveliest at the end, make of one picture; each on one scale over all epochs, rounded to 127ths of the"
        " largest.",
        hides="what later layers weigh: their filters have too many channels to be read. Another picture may settle"
        " earlier or later; --part shows another part's maps.",
        table=_when(look),
    )


def _first_filters(look: RunLook) -> list[Row]:
    if not look.filters:
        return []
    epochs = sorted(look.filters)
    bound = max(float(np.abs(one).max()) for one in look.filters.values())
    boards = [sheet(look.filters[epoch], bound) for epoch in epochs]
    filters = _film(
        boards,
        epochs,
        f"The filters of the first layer, epoch {epochs[0]} to {epochs[-1]}; middle gray is zero",
        f"{counted(len(look.filters[epochs[-1]]), 'filter')} of the first layer",
    )
    stills = _stills(look.maps, look.example, f"filter {look.channel}")
    return [
        Row((filters,), "First filters"),
        Row(
            stills, f"What filter {look.channel} made of one picture", Legend(*_ends(look.maps), "activation, no bias")
        ),
    ]


def _course(look: RunLook) -> list[Row]:
    """Return the rows of what the watched part made of one picture: all that moves, and the liveliest channel still."""
    if look.watched is None or look.shown is None:
        return []
    kept = look.course[look.watched]
    epochs = sorted(kept.maps)
    lively = np.argsort(-kept.maps[epochs[-1]].std((1, 2)), kind="stable")[:_MOVING]
    low, high = _ends({epoch: maps[lively] for epoch, maps in kept.maps.items()})
    boards = [map_sheet(kept.maps[epoch][lively], low=low, high=high) for epoch in epochs]
    names = ", ".join(str(kept.channels[number]) for number in lively)
    tile = _film(
        boards,
        epochs,
        f"Channels {names}, epoch {epochs[0]} to {epochs[-1]}",
        f"maps of channels {names} of {look.watched}",
    )
    first = int(lively[0])
    alone = {epoch: maps[first] for epoch, maps in kept.maps.items()}
    legend = Legend(low, high, "activation")
    return [
        Row((tile,), f"What {look.watched} made of one picture", legend),
        Row(
            _stills(alone, look.shown, f"channel {kept.channels[first]}", (low, high)),
            f"Channel {kept.channels[first]} of it",
            legend,
        ),
    ]


def _film(boards: Sequence[NDArray[np.uint8]], epochs: Sequence[int], caption: str, what: str) -> Tile:
    """Return the last board, which moves through all of them where there are several."""
    return Tile(
        boards[-1],
        caption,
        f"{what} as they are after epoch {epochs[-1]}",
        shown=min(520, boards[-1].shape[1]),
        moving=moving(boards, labels=[_after(epoch) for epoch in epochs]) if len(epochs) > 1 else None,
    )


def _stills(
    maps: dict[int, Map], example: np.ndarray, what: str, ends: tuple[float, float] | None = None
) -> tuple[Tile, ...]:
    """Return a picture, and what was made of it after some epochs from the first to the last."""
    epochs, (low, high) = sorted(maps), ends or _ends(maps)
    chosen = [epochs[index] for index in np.unique(np.linspace(0, len(epochs) - 1, _STILLS).round().astype(int))]
    return (
        picture_tile(large(example, 132)[0], caption="the picture", alt="the picture", shown=132),
        *(
            map_tile(maps[epoch], low=low, high=high, caption=_after(epoch), alt=f"map of {what}, {_after(epoch)}")
            for epoch in chosen
        ),
    )


def _given(look: RunLook, what: str) -> list[Row]:
    """Return the rows of a first layer that was given, and not learnt: what it is and what it does."""
    last = look.filters[max(look.filters)]
    board = sheet(last, float(np.abs(last).max()))
    made = look.maps[max(look.maps)]
    low, high = scale_of(float(made.min()), float(made.max()))
    filters = Tile(
        board,
        f"{what}, the frozen first layer; middle gray is zero",
        f"{counted(len(last), 'filter')} of the first layer, {what}, which training left as they are",
        shown=min(520, board.shape[1]),
    )
    pair = (
        picture_tile(large(look.example, 132)[0], caption="the picture", alt="the picture", shown=132),
        map_tile(made, low=low, high=high, caption="its map", alt=f"what {what} makes of it"),
    )
    return [
        Row((filters,), "First filters, frozen"),
        Row(pair, f"What filter {look.channel} makes of one picture", Legend(low, high, "activation, no bias")),
    ]


def _when(look: RunLook) -> Table | None:
    """Return when each part that was watched came to stay as it is."""
    if not look.course:
        return None
    learnt = look.filters and FIRST not in look.frozen
    rows = [("filters of the first layer", str(settled(look.filters)))] if learnt else []
    rows += [(f"maps of {part}", str(settled(kept.maps))) for part, kept in look.course.items()]
    return Table(("what", "90 % of the way gone, for good, by epoch"), tuple(rows))


def _ends(maps: dict[int, Map]) -> tuple[float, float]:
    return scale_of(min(float(one.min()) for one in maps.values()), max(float(one.max()) for one in maps.values()))


def _after(epoch: int) -> str:
    return f"epoch {epoch}" if epoch else "before training"


def _health(health: Health) -> Answer:
    pulls = {one.part: one for one in health.gradients}
    pairs = {
        part: sum(twin.part == part for twin in health.duplicates) for part in {twin.part for twin in health.duplicates}
    }
    rows = []
    for one in health.activations:
        pull = pulls.get(one.part)
        rows.append(
            (
                one.part,
                one.layer.split()[0] + (", frozen" if one.part in health.frozen else ""),
                f"{one.mean:.3g}",
                f"{one.deviation:.3g}",
                f"{100 * one.zeros:.0f} %",
                f"{len(one.dead)} of {one.channels}" if one.layer.split()[0] in ("relu", "relu6") else "",
                str(pairs.get(one.part, "")),
                f"{pull.norm:.2e}" if pull else "",
                f"{pull.relative:.2e}" if pull else "",
            )
        )
    number, of = len(health.frozen), len(health.activations)
    still = " of what was trained" if number else ""
    given = (
        (f"{number} of {of} parts did not learn: they are frozen as they came, and there is no advice about them.",)
        if number
        else ()
    )
    return Answer(
        "Do all its layers work?",
        health.advice[0][:1].upper() + health.advice[0][1:] + "."
        if health.advice
        else f"Nothing{still} is dead, alike, vanishing or exploding on {counted(health.pictures, 'picture')}.",
        notes=(*(f"{text[:1].upper()}{text[1:]}." for text in health.advice[1:]), *given),
        table=Table(
            ("part", "layer", "mean", "deviation", "zeros", "dead", "alike", "gradient", "gradient / weights"),
            tuple(rows),
        ),
        shows=f"what every part puts out over {counted(health.pictures, 'picture')}; channels that a rectifier"
        " never lets through"
        " (dead); pairs of filters with a cosine of 0.95 and more (alike); the norm of the loss's gradient.",
        hides="whether a dead or doubled channel costs accuracy: a net can do without many. Another batch of pictures"
        " may wake a channel.",
    )
