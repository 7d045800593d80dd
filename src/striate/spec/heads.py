"""A new head on a net: the part that answers for the classes taken off, and one in its place for other classes.

Everything before the head keeps its path, so that weights of the old net belong to the same parts of the new one.
"""

from __future__ import annotations

from striate.errors import DescribeError
from striate.spec.composing import row
from striate.spec.layers import Dense, FlatHead, GlobalAvgPool
from striate.spec.net import AuxHead, Named, Net, Repeat, Row
from striate.spec.windowed import Conv, ConvTranspose, Flatten


def with_new_head(net: Net) -> Net:
    """The net with a dense head of as many outputs as there will be classes, and without side heads.

    A net that ends in a dense layer gets a new one in its place. In a fully convolutional one the last convolution, and
    what follows it, gives way to the average over all positions and a dense layer: the same features answer, and the
    new head is linear in them. Raises `DescribeError` where the head is inside branches or a repeat.

        >>> from striate.spec import parse
        >>> print(with_new_head(parse("conv 8 3x3 >> relu >> flatten >> dense 1000")))
        conv 8 3x3 >> relu >> flatten >> dense
        >>> print(with_new_head(parse("conv 8 3x3 >> relu >> conv 1000 1x1 >> globalavgpool >> flatten")))
        conv 8 3x3 >> relu >> globalavgpool >> flatten >> dense
    """
    plain = _without_sides(net)
    assert plain is not None  # a side head taps a row, which has something else in it
    dense = _holds(plain, FlatHead)
    if not dense and not _holds(plain, Conv | ConvTranspose):
        raise DescribeError("this net has neither a dense layer nor a convolution whose place a new head could take")
    return _replaced(plain, dense=dense)


def _replaced(net: Net, *, dense: bool) -> Net:
    """The net with its last head (or its last convolution and all behind it) replaced."""
    if isinstance(net, Row):
        kinds = FlatHead if dense else Conv | ConvTranspose
        last = max(place for place, part in enumerate(net.nets) if _holds(part, kinds))
        after = net.nets[last + 1 :] if dense else ()
        return row(*net.nets[:last], _replaced(net.nets[last], dense=dense), *after)
    if isinstance(net, Named):
        # A layer's name goes with its weights; a name over several parts stays over them.
        inside = _replaced(net.net, dense=dense)
        return inside if not dense and not net.net.inside() else inside.name(net.label)
    if net.inside():
        where = "repeated" if isinstance(net, Repeat) else "in one of several branches"
        raise DescribeError(
            f"the head of this net is {where} ({net.keyword}), so that it cannot be replaced by another"
        )
    return Dense() if dense else GlobalAvgPool() >> Flatten() >> Dense()


def _holds(net: Net, kinds: object) -> bool:
    return any(isinstance(layer, kinds) for layer in net.layers())  # type: ignore[arg-type]


def _without_sides(net: Net) -> Net | None:
    """The net as prediction has it; None where nothing but a side head was there."""
    if isinstance(net, AuxHead):
        return None
    if not net.inside():
        return net
    kept = [part for part in map(_without_sides, net.inside()) if part is not None]
    if len(kept) == len(net.inside()):
        return net.with_inside(tuple(kept))
    return row(*kept) if kept else None
