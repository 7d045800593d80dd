"""Classes of which there are far fewer pictures than of others, and what comes of that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from striate.metrics.intervals import wilson
from striate.search.examined import Examined, Finding
from striate.words import counted, plural

FEW: Final = 20  # pictures of a class, below which nothing that is measured of it says much
TIMES: Final = 3  # as many in the largest class as in the smallest, from which on answers are looked at
FAR: Final = 10  # from which on it is said whatever the answers are
NAMED: Final = 4


def class_sizes(examined: Examined) -> Iterator[Finding]:
    """Find classes that are small: where few of their pictures are recognised, or too few to know are there.

    That one class is larger than another does no harm by itself. It is said where a class has fewer than 20 pictures
    and another twice as many, where it is ten times smaller than the largest, or where it is three times smaller and
    its pictures are recognised less often than those of the others, beyond what chance does.
    """
    counts = np.bincount(examined.labels[examined.labels >= 0], minlength=len(examined.names))
    if len(counts) < 2 or not counts.max():
        return
    largest = int(counts.max())
    order = np.argsort(counts, kind="stable")
    few = [int(place) for place in order if counts[place] < FEW and 2 * counts[place] <= largest]
    small = [int(place) for place in order if counts[place] * TIMES <= largest]
    missed = {place: said for place in small if (said := _missed(examined, place))}
    if not few and not missed and (not small or counts[small[0]] * FAR > largest):
        return
    named = list(dict.fromkeys([*few, *missed, *small]))
    words = [f"{examined.names[place]} {counts[place]:,}{missed.get(place, '')}" for place in named[:NAMED]]
    if len(named) > NAMED:
        words.append(f"{len(named) - NAMED:,} more")
    most = int(np.argmax(counts))
    pictures = int(counts[named].sum())
    yield Finding(
        "class-sizes",
        "doubtful" if few or missed else "to know",
        f"{counted(len(named), 'class')} {plural(len(named), 'has')} far fewer pictures than {examined.names[most]}"
        f" ({largest:,}): {', '.join(words)}",
        "What is rare is learnt worse and hardly counts in the accuracy over all; how right answers to it are can be"
        " told of few pictures only roughly."
        + ("" if missed or examined.told is None else " Here no small class is recognised less than the others are."),
        "Collect more of the small classes; until then go by the balanced accuracy and by each class, and train with"
        " --class-weights balanced where a rare class matters as much as a frequent one.",
        share=pictures / max(1, len(examined)),
    )


def _missed(examined: Examined, place: int) -> str:
    """Return how often the pictures of a class are recognised, where that is less than those of the others."""
    told = examined.told
    if told is None:
        return ""
    right, mine = told.probabilities.argmax(axis=1) == told.labels, told.labels == place
    here, there = wilson(int(right[mine].sum()), int(mine.sum())), wilson(int(right[~mine].sum()), int((~mine).sum()))
    if here is None or there is None or here.high >= there.low:
        return ""
    return f" (recognised: {100 * here.value:.0f} % of them, of the others {100 * there.value:.0f} %)"
