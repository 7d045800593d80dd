"""Crop and resize as steps of an ONNX graph: pictures of any size to what `Preprocess` makes of them. No torch.

Pillow resamples in two passes, along rows and then along columns, each a sum of pixels times coefficients that are
rounded to 22 bits behind the point, and rounds to whole numbers after each. The graph makes the same coefficients of
the picture's size, as a matrix a pass, and multiplies in float64, where such sums are exact: so pixels are Pillow's to
the bit, whatever computes the graph in float64. (Sources: Pillow's src/libImaging/Resample.c; Keys 1981, "Cubic
convolution interpolation for digital image processing", with a = -0.5.)
"""

from __future__ import annotations

from typing import Final

import numpy as np
import PIL

from striate.data.pictures.preprocess import FILL, Preprocess
from striate.tasks.decoding import (
    BYTE_CODE,
    DOUBLE_CODE,
    REAL_CODE,
    CropNames,
    Decoding,
    double,
    whole,
)

PICTURE: Final = "pixels"
"""What the graph's own input is called: (1, H, W, 3) uint8."""
PREPARED: Final = "prepare.pixels"
"""And what the network's is: (1, height, width, channels) uint8."""
COLUMNS_FIRST: Final = 13  # the version of Pillow from which on columns may come first
BITS: Final = 22  # behind the point of Pillow's coefficients
REACH: Final = {"bicubic": 2.0, "bilinear": 1.0}
_LUMA: Final = (19595, 38470, 7471)  # of 65,536: ITU-R BT.601 as Pillow has it


def preparing(how: Preprocess) -> tuple[Decoding, CropNames]:
    """Return the steps from `PICTURE` to `PREPARED`, and the names of where the input lies in the picture.

    Example: ``preparing(Preprocess(224, 224, 3))[0].steps[0].operator`` is ``"Shape"``.
    """
    graph = Decoding({}, prefix="prepare")
    sides = graph.double(graph("Shape", PICTURE))
    height, width = (graph("Gather", sides, np.array(at, np.int64), axis=0) for at in (1, 2))
    boxes, crop = _crop(graph, how, height, width)
    value = graph("Cast", graph("Squeeze", PICTURE, whole(0)), to=DOUBLE_CODE)  # (H, W, 3)
    if how.channels == 1:
        value = _gray(graph, value)
    value = graph("Transpose", value, perm=[2, 0, 1])  # (C, H, W)
    down, across = boxes
    rows, tall = _matrix(graph, how, height, down, how.height)
    columns, wide = _matrix(graph, how, width, across, how.width)
    value = _both(graph, value, rows, columns, _upright_first(graph, height, width, down, across))
    if how.resize == "pad":
        inside = graph("And", graph("Unsqueeze", tall, whole(1)), graph("Unsqueeze", wide, whole(0)))
        value = graph("Where", inside, value, double(FILL))
    value = graph("Cast", graph("Transpose", value, perm=[1, 2, 0]), to=BYTE_CODE)
    graph("Unsqueeze", value, whole(0), into=PREPARED)
    return graph, crop


def _upright_first(graph: Decoding, height: str, width: str, down: Side, across: Side) -> str:
    """Return whether columns are resampled before rows.

    Pillow does so, from version 13 on, where a picture becomes lower by more than twice as much as it becomes narrower.
    """
    if int(PIL.__version__.split(".")[0]) < COLUMNS_FIRST:
        return graph("Less", height, double(0.0))
    lower, narrower = graph("Sub", height, down[2]), graph("Sub", width, across[2])
    more = graph("Greater", lower, graph("Mul", narrower, double(2.0)))
    return graph("And", graph("Greater", lower, double(0.0)), more)


def _both(graph: Decoding, value: str, rows: str, columns: str, upright: str) -> str:
    """Return a picture (C, H, W) after both passes, in their order.

    Both orders are in the graph; the one that is not wanted is given a single row or column, and costs nothing.
    """
    sides = graph("Shape", value)
    one = whole(1)
    high, long = (graph("Slice", sides, whole(at), whole(at + 1), whole(0)) for at in (1, 2))
    lines, strip = graph("Where", upright, one, high), graph("Where", upright, long, one)
    part = graph("Slice", value, whole(0), lines, one)
    first = _rounded(graph, graph("MatMul", part, graph("Transpose", columns, perm=[1, 0])))
    first = _rounded(graph, graph("MatMul", graph("Slice", rows, whole(0), lines, one), first))
    part = graph("Slice", value, whole(0), strip, whole(2))
    other = _rounded(graph, graph("MatMul", rows, part))
    turned = graph("Transpose", graph("Slice", columns, whole(0), strip, one), perm=[1, 0])
    return graph("Where", upright, _rounded(graph, graph("MatMul", other, turned)), first)


Side = tuple[str, str, str, str]  # where the region begins and ends, how many pixels it becomes, how many come before


def _crop(graph: Decoding, how: Preprocess, height: str, width: str) -> tuple[tuple[Side, Side], CropNames]:
    """Return the region of the picture, down and across, and the crop: `Preprocess._fitted` and `crop_transform`."""
    high, wide, share = double(how.height), double(how.width), double(how.crop_share)
    nothing = double(0.0)
    if how.resize == "stretch":
        part = graph("Mul", height, share), graph("Mul", width, share)
        down, across = graph("Div", part[0], high), graph("Div", part[1], wide)
        top, left = (
            graph("Div", graph("Sub", one, of), double(2.0)) for one, of in zip((height, width), part, strict=True)
        )
        sides = (
            (top, graph("Add", top, part[0]), graph("Identity", high), graph("Identity", nothing)),
            (left, graph("Add", left, part[1]), graph("Identity", wide), graph("Identity", nothing)),
        )
        return sides, CropNames(top, left, down, across, height, width)
    ratio = graph("Div", height, high), graph("Div", width, wide)
    if how.resize == "pad":
        scale = graph("Max", *ratio)
        regions, ends = [], []
        for side, most in ((height, high), (width, wide)):
            size = graph("Min", graph("Max", graph("Round", graph("Div", side, scale)), double(1.0)), most)
            before = graph("Floor", graph("Div", graph("Sub", most, size), double(2.0)))
            step = graph("Div", side, size)
            regions.append((graph("Identity", nothing), side, size, before))
            ends.append((graph("Neg", graph("Mul", before, step)), step))
        (top, down), (left, across) = ends
        return (regions[0], regions[1]), CropNames(top, left, down, across, height, width)
    both = graph("Mul", graph("Min", *ratio), share)
    even = graph("Equal", both, double(1.0))  # nothing is resampled then: the crop begins at a whole pixel
    taken, begins = [], []
    for side, own in ((height, high), (width, wide)):
        covered = graph("Min", graph("Mul", both, own), side)
        begin = graph("Div", graph("Sub", side, covered), double(2.0))
        begin = graph("Where", even, graph("Floor", begin), begin)
        taken.append((begin, graph("Add", begin, covered), graph("Identity", own), graph("Identity", nothing)))
        exact = graph("Max", graph("Div", graph("Sub", side, graph("Mul", both, own)), double(2.0)), nothing)
        begins.append(graph("Where", even, graph("Floor", exact), exact))
    return (taken[0], taken[1]), CropNames(begins[0], begins[1], both, both, height, width)


def _gray(graph: Decoding, value: str) -> str:
    """Return the luma (H, W, 1) of a picture (H, W, 3), in Pillow's whole numbers."""
    total = graph("ReduceSum", graph("Mul", value, double(_LUMA)), whole(2), keepdims=1)
    return graph("Floor", graph("Div", graph("Add", total, double(32768)), double(65536)))


def _rounded(graph: Decoding, value: str) -> str:
    """Return sums of pixels times coefficients (in 2^-22) as whole numbers from 0 to 255."""
    near = graph("Floor", graph("Div", graph("Add", value, double(1 << (BITS - 1))), double(1 << BITS)))
    return graph("Min", graph("Max", near, double(0.0)), double(255.0))


def _matrix(graph: Decoding, how: Preprocess, side: str, of: Side, wide: int) -> tuple[str, str]:
    """Return the coefficients (wide, side) in 2^-22 of one pass, and which rows show the picture (wide,).

    Pillow is told the region in float32.
    """
    begin, end, size, before = of
    edges = graph("Max", begin, double(0.0)), graph("Min", end, side)
    first, last = (graph("Cast", one, to=REAL_CODE) for one in edges)
    scale = graph("Div", graph.double(graph("Sub", last, first)), size)
    grown = graph("Max", scale, double(1.0))
    reach = graph("Mul", grown, double(REACH[how.interpolation]))
    place = graph("Sub", double(np.arange(wide)), before)
    middle = graph("Add", graph.double(first), graph("Mul", graph("Add", place, double(0.5)), scale))  # (wide,)
    from_ = graph("Max", graph("Floor", graph("Add", graph("Sub", middle, reach), double(0.5))), double(0.0))
    to = graph("Min", graph("Floor", graph("Add", graph("Add", middle, reach), double(0.5))), side)
    pixels = graph("Range", double(0.0), side, double(1.0))
    column = [graph("Unsqueeze", one, whole(1)) for one in (middle, from_, to)]
    off = graph("Add", graph("Sub", pixels, column[0]), double(0.5))
    weight = _filter(graph, how.interpolation, graph("Abs", graph("Mul", off, graph("Div", double(1.0), grown))))
    taken = graph("And", graph("GreaterOrEqual", pixels, column[1]), graph("Less", pixels, column[2]))
    weight = graph("Where", taken, weight, double(0.0))
    total = graph("ReduceSum", weight, whole(1), keepdims=1)
    share = graph("Div", weight, graph("Where", graph("Equal", total, double(0.0)), double(1.0), total))
    scaled = graph("Mul", share, double(float(1 << BITS)))
    sign = graph("Where", graph("Less", scaled, double(0.0)), double(-1.0), double(1.0))
    near = graph("Mul", sign, graph("Floor", graph("Add", graph("Abs", scaled), double(0.5))))
    shown = graph("And", graph("GreaterOrEqual", place, double(0.0)), graph("Less", place, size))
    return near, shown


def _filter(graph: Decoding, name: str, off: str) -> str:
    """Return the filter's value at distances of at least 0."""
    if name == "bilinear":
        return graph("Max", graph("Sub", double(1.0), off), double(0.0))
    near = graph("Sub", graph("Mul", off, double(1.5)), double(2.5))
    near = graph("Add", graph("Mul", graph("Mul", near, off), off), double(1.0))
    beyond = graph("Mul", graph("Sub", off, double(5.0)), off)
    beyond = graph("Sub", graph("Mul", graph("Add", beyond, double(8.0)), off), double(4.0))
    beyond = graph("Mul", beyond, double(-0.5))
    inner, outer = graph("Less", off, double(1.0)), graph("Less", off, double(2.0))
    return graph("Where", inner, near, graph("Where", outer, beyond, double(0.0)))
