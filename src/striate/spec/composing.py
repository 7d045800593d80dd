"""Compositions as functions, for lists that a loop made: a row, a repeat, a side head."""

from __future__ import annotations

from striate.spec.net import AuxHead, Net, Repeat, Row


def row(first: Net, *others: Net) -> Net:
    """Nets one after the other; one net alone is itself. ``row(*stages)`` for a list that a loop made."""
    return Row((first, *others)) if others else first


def repeat(count: int, net: Net) -> Repeat:
    """Return ``count`` copies of a ``net`` in a row, each with weights of its own.

    Example: ``repeat(3, Conv(2, 1)).on(2, 4, 4).parameters`` is 18.
    """
    return Repeat(net, count)


def auxiliary(head: Net, *, weight: float = 0.3) -> AuxHead:
    """Return a ``head`` to the side of a row, whose loss counts ``weight``; see `AuxHead`. `side` is the same.

    Example: ``(Conv(2, 1) >> auxiliary(Flatten() >> Dense(3)) >> Conv(4, 1)).on(1, 4, 4).output`` is
    ``Shape(4, 4, 4)``.
    """
    return AuxHead(head, weight=weight)


side = auxiliary
Side = AuxHead  # as it was called in version 0.1.0
