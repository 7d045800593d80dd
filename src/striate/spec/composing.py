"""Compositions as functions, for lists that a loop made: a row, a repeat, a side head."""

from __future__ import annotations

from striate.spec.net import AuxHead, Net, Repeat, Row


def row(first: Net, *others: Net) -> Net:
    """Nets one after the other; one net alone is itself. ``row(*stages)`` for a list that a loop made."""
    return Row((first, *others)) if others else first


def repeat(count: int, net: Net) -> Repeat:
    """`count` copies of a net in a row, each with weights of its own."""
    return Repeat(net, count)


def auxiliary(head: Net, *, weight: float = 0.3) -> AuxHead:
    """Tap a row with a head of its own; see `AuxHead`. `side` is the same: the word of the notation."""
    return AuxHead(head, weight=weight)


side = auxiliary
Side = AuxHead  # as it was called in version 0.1.0
