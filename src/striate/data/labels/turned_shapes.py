"""Shapes that tools turn: a rotated box as the outline that it is, an ellipse as the box around it."""

from __future__ import annotations

from math import cos, hypot, radians, sin

from striate.data.labels.drawn import Box, Points


def turned_box(box: Box, degrees: float, about: tuple[float, float]) -> Points:
    """Return the corners of a box turned clockwise (y points down) about a point.

    Example: ``turned_box((0, 0, 4, 2), 90, (0, 0))`` is about ``((0.0, 0.0), (0.0, 4.0), (-2.0, 4.0), (-2.0, 0.0))``.
    """
    left, top, right, bottom = box
    x, y = about
    along, across = cos(radians(degrees)), sin(radians(degrees))
    return tuple(
        (x + (px - x) * along - (py - y) * across, y + (px - x) * across + (py - y) * along)
        for px, py in ((left, top), (right, top), (right, bottom), (left, bottom))
    )


def ellipse_box(x: float, y: float, rx: float, ry: float, degrees: float = 0.0) -> Box:
    """Return the box around an ellipse by its middle and half axes, turned by degrees.

    Example: ``ellipse_box(10, 10, 4, 2, 90)`` is about ``(8.0, 6.0, 12.0, 14.0)``.
    """
    along, across = cos(radians(degrees)), sin(radians(degrees))
    wide, high = hypot(rx * along, ry * across), hypot(rx * across, ry * along)
    return x - wide, y - high, x + wide, y + high
