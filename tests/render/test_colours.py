"""Colours that order values: equal steps look equal, the middle of a signed range is the lightest, ink is readable."""

from __future__ import annotations

import numpy as np

from striate.render.colours import diverging, hexadecimal, ink, paint, sequential


def lab(colours: np.ndarray) -> np.ndarray:
    """sRGB to OKLab, by inverting the matrices of its definition."""
    scaled = colours / 255
    linear = np.where(scaled <= 0.04045, scaled / 12.92, ((scaled + 0.055) / 1.055) ** 2.4)
    cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    opponent = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return np.cbrt(linear @ cones.T) @ opponent.T


def test_equal_steps_look_equal() -> None:
    for table in (sequential(), diverging()):
        steps = np.linalg.norm(np.diff(lab(table[::16].astype(float)), axis=0), axis=1)
        assert steps.max() < 1.25 * steps.min()


def test_the_middle_of_a_signed_range_is_the_lightest_and_the_ends_are_as_dark() -> None:
    seen = lab(diverging().astype(float))
    assert seen[:, 0].argmax() == 127 and np.abs(seen[127, 1:]).max() < 0.01
    np.testing.assert_allclose(seen[:, 0], seen[::-1, 0], atol=0.01)


def test_paint_is_the_tables_ends_and_middle() -> None:
    painted = paint(np.array([-2.0, 0.0, 2.0]), low=-2, high=2)
    np.testing.assert_array_equal(painted, diverging()[[0, 127, 254]])
    np.testing.assert_array_equal(paint(np.array([0.0, 5.0, 9.0]), low=0, high=5), sequential()[[0, 255, 255]])
    assert hexadecimal(np.array([0, 16, 255], np.uint8)) == "#0010ff"


def test_ink_has_the_contrast_wcag_asks_for() -> None:
    for colour in (*sequential()[::8], *diverging()[::8]):
        scaled = colour / 255
        light = float(
            np.where(scaled <= 0.04045, scaled / 12.92, ((scaled + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
        )
        other = 0.0 if ink(colour) == "#000000" else 1.0
        assert (max(light, other) + 0.05) / (min(light, other) + 0.05) >= 4.5
