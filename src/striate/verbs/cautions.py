"""Cautions: what a person should know of their pictures before a figure about them is believed. Prints nothing."""

from __future__ import annotations

from striate.data.copies import Copies, find_copies
from striate.data.pictures import depth
from striate.data.sources.items import Source
from striate.verbs.prepared import Prepared
from striate.words import counted, plural


def copies_of(prepared: Prepared) -> Copies:
    """Return which pictures of a run equal another: in one class, in several, in several parts of the source's own.

    Example: ``copies_of(reopen_data(run)).counts()["across_classes"]`` is 0.
    """
    return find_copies(prepared.source.items, prepared.store.digests)


def left_out(source: Source) -> tuple[str, ...]:
    """Return sentences about what of a source is not measured: its notes, and the first of what was rejected."""
    number = len(source.rejected)
    if not number:
        return source.notes
    first = sorted(source.rejected, key=lambda one: not one.bad)[:3]
    named = "; ".join(f"{one.key}: {one.reason}" for one in first) + ("; ..." if number > 3 else "")
    return (*source.notes, f"{counted(number, 'file')} {plural(number, 'is')} left out: {named}")


def cautions(prepared: Prepared) -> tuple[str, ...]:
    """Return sentences about the pictures of a run: what was left out, how many bits they use, copies, uneven classes.

    Example: ``cautions(reopen_data(run))``
    """
    source = prepared.source
    return (
        *source.notes,
        *depth.notes(depth.tally(prepared.store.depths), prepared.preprocess.bits),
        *copies_of(prepared).lines(source.items, prepared.labels.names, prepared.task.noun),
        *prepared.labels.notes,
        *prepared.task.cautions(prepared.labels, prepared.split.train, prepared.config),
    )
