"""Compositions as functions, for lists that a loop made: a row, a repeat, a side head."""

from __future__ import annotations

from striate.spec.net import Net, Repeat, Row, Side


def row(first: Net, *others: Net) -> Net:
    """Nets one after the other; one net alone is itself. ``row(*stages)`` for a list that a loop made."""
    return Row((first, *others)) if others else first


def repeat(count: int, net: Net) -> Repeat:
    """`count` copies of a net in a row, each with weights of its own."""
    return Repeat(net, count)


def side(head: Net, *, weight: float = 0.3) -> Side:
    """Tap a row with a head of its own; see `Side`."""
    return Side(head, weight=weight)
