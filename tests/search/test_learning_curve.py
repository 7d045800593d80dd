"""A learning curve is carried on along the power it falls by, and its interval says what is known."""

from __future__ import annotations

import numpy as np

from striate.search.learning_curve import carried_on, learning_curve

PICTURES = np.array([100, 200, 400, 800])


def test_a_power_with_a_rest_is_carried_on() -> None:
    for rest, power in ((0.0, 0.3), (0.05, 0.5), (0.1, 1.0)):
        errors = rest + PICTURES**-power
        assert abs(carried_on(PICTURES.astype(float), errors[None], 1600.0)[0] - rest - 1600**-power) < 2e-3


def test_errors_that_rise_are_not_carried_below_what_is_there() -> None:
    errors = np.array([[0.1, 0.12, 0.11, 0.13]])
    assert abs(carried_on(PICTURES.astype(float), errors, 1600.0)[0] - errors.mean()) < 1e-9


def test_the_interval_holds_what_is_true_and_narrows() -> None:
    def curve(pictures: int) -> tuple[float, float, float]:
        rng = np.random.default_rng(1)
        right = rng.random((4, pictures)) > (0.05 + 2 * PICTURES**-0.6)[:, None]
        found = learning_curve(PICTURES, right.astype(np.float64))
        return found.twice.low, found.twice.high, found.gain.high - found.gain.low

    true = 1 - 0.05 - 2 * 1600**-0.6
    small, large = curve(200), curve(8000)
    assert small[0] <= true <= small[1] and large[0] <= true <= large[1]
    assert large[2] < small[2] / 2


def test_what_was_measured_on_fewer_is_carried_on_to_all() -> None:
    right = np.repeat([[0.6], [0.7], [0.775], [0.83]], 50, axis=1)
    few, many = learning_curve(PICTURES, right), learning_curve(PICTURES, right, of=3200)
    assert few.of == 800 and abs(few.now.value - 0.83) < 1e-9
    assert many.of == 3200 and many.twice.value > many.now.value > few.now.value
