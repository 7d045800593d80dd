"""Calibration: one temperature, fitted on answers to pictures that were not trained on, after which 87 % means 87 %.

These are the validation pictures, or, where a run is cross-validated, all of them, each answered out of its fold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from striate.errors import ModelError
from striate.metrics.probability import Floats, Ints, checked_scores, checked_targets, softmax
from striate.words import counted

if TYPE_CHECKING:  # what fits imports it: predicting needs none of it
    from striate.metrics.outcomes import Outcomes

LOWEST, HIGHEST = 0.05, 20.0
# How far log T is thought to lie from 0 before any answer is seen: of nets as they are trained, and of heads on
# features, whose weight decay was chosen by their loss on other pictures, which leaves little to mend
# (docs/decisions/0010).
SPREAD, HEAD_SPREAD = 0.5, 0.1
VALIDATION, OUT_OF_FOLD = "validation pictures", "out-of-fold answers"
_FEW = 30


@dataclass(frozen=True)
class Calibration:
    """The temperature and what it did on the pictures it was fitted on.

    ``on`` says what these are, VALIDATION or OUT_OF_FOLD; of the latter ``after`` is measured with the temperature
    fitted to the other folds. ``nll`` is the mean of -log p(own class) in nats, ``ece`` the expected calibration error
    over 15 equal bins; None where there was no picture. ``note`` says in a sentence when the temperature deserves less
    trust, else is empty.
    """

    temperature: float = 1.0
    nll_before: float | None = None
    nll_after: float | None = None
    ece_before: float | None = None
    ece_after: float | None = None
    pictures: int = 0
    note: str = ""
    on: str = VALIDATION

    def __str__(self) -> str:
        """Return on how many pictures it stands, in words."""
        return f"calibrated on {self.pictures:,} {self.on}" if self.pictures else "not calibrated"

    def to_dict(self) -> dict[str, object]:
        """Return every field, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Calibration:
        """Return what ``to_dict`` wrote; an empty dict is a model that was never calibrated. ModelError otherwise."""
        try:
            if unknown := set(values) - set(cls.__dataclass_fields__):
                raise ValueError(f"it has no {min(map(str, unknown))[:40]!r}")
            for name in ("nll_before", "nll_after", "ece_before", "ece_after"):
                _number(values.get(name), name)
            temperature = _number(values.get("temperature", 1.0), "temperature")
            if temperature is None or not LOWEST <= temperature <= HIGHEST:
                raise ValueError(f"its temperature is not a number from {LOWEST} to {HIGHEST}")
            pictures, note = values.get("pictures", 0), values.get("note", "")
            if type(pictures) is not int or not 0 <= pictures < 2**63 or not isinstance(note, str):
                raise ValueError("its pictures or its note are none")
        except ValueError as error:
            raise ModelError(f"the model file's calibration does not read: {error}") from None
        return cls(**dict(values))  # type: ignore[arg-type]


def _number(value: object, name: str) -> float | None:
    """Return a finite number or None as it is. Errors: ValueError."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
        raise ValueError(f"its {name} is no number")
    return value


def calibrate(
    logits: ArrayLike, targets: ArrayLike, *, folds: Ints | None = None, spread: float = SPREAD
) -> Calibration:
    """Fit the temperature on (N, K) logits and (N,) targets, and measure before and after.

    ``folds`` (N,) says which fold answered, where these are out-of-fold answers; ``spread`` is `fit_temperature`'s.
    Never fails for want of pictures: none leave the temperature at 1, and ``note`` says so.

    Example: ``calibrate([[9.0, 0.0], [9.0, 0.0], [0.0, 9.0], [0.0, 9.0]], [0, 1, 1, 1]).temperature > 1``
    """
    from striate.metrics.outcomes import outcomes

    temperature = fit_temperature(logits, targets, spread=spread)
    matrix = checked_scores(logits)
    if len(matrix) == 0:
        return Calibration(note="no validation pictures, so the probabilities are not calibrated")
    measured = temperature if folds is None else fold_temperatures(logits, targets, folds, spread=spread)
    before, after = outcomes(matrix, targets), outcomes(matrix, targets, temperature=measured)
    notes = []
    if len(matrix) < _FEW:
        notes.append(f"fitted on {counted(len(matrix), 'picture')} only")
    if temperature in (LOWEST, HIGHEST):
        notes.append(f"the temperature stopped at the end of its range, {LOWEST} to {HIGHEST}")
    if bool(before.correct.all()):
        notes.append("every one of these pictures is answered rightly, so the temperature rests on their number alone")
    return Calibration(
        temperature=temperature,
        nll_before=float(before.nll.mean()),
        nll_after=float(after.nll.mean()),
        ece_before=_error(before),
        ece_after=_error(after),
        pictures=len(matrix),
        note="; ".join(notes),
        on=VALIDATION if folds is None else OUT_OF_FOLD,
    )


def fold_temperatures(logits: ArrayLike, targets: ArrayLike, folds: Ints, *, spread: float = SPREAD) -> Floats:
    """Return for each of N answers the temperature (N,) fitted to the answers of the other folds.

    What is measured with these is measured on pictures that nothing was fitted to.
    """
    matrix, wanted = np.asarray(logits), np.asarray(targets)
    result = np.ones(len(matrix))
    for fold in np.unique(folds):
        mine = folds == fold
        result[mine] = fit_temperature(matrix[~mine], wanted[~mine], spread=spread)
    return result


def fit_temperature(logits: ArrayLike, targets: ArrayLike, *, spread: float = SPREAD) -> float:
    """Return the temperature, 0.05 to 20, that is likeliest after these answers (Guo et al. 2017, section 4.2).

    It maximises the posterior: the likelihood of the answers, times a normal distribution of log T about 0 (a
    temperature of 1) with the standard deviation ``spread``. So it stays near 1 where the answers are few or say
    little, and is the plain maximum likelihood where they are many. `benchmarks/calibration.py` says where the spread
    is from (docs/decisions/0010).

    The own class of each of N pictures counts for (N + 1/2) / (N + 1) and the likeliest other one for the rest, half a
    mistake in all (Jeffreys' prior; smoothed targets as in Platt 1999, section 2.2), which keeps a model that made no
    mistake on them from becoming certain. No pictures, or one class: 1.
    """
    matrix = checked_scores(logits)
    wanted = checked_targets(targets, pictures=len(matrix), classes=matrix.shape[1])
    pictures, classes = matrix.shape
    if pictures == 0 or classes == 1 or not np.ptp(matrix, axis=1).any():
        return 1.0
    matrix = matrix - matrix.max(axis=1, keepdims=True)
    rows = np.arange(pictures)
    rest = matrix.copy()
    rest[rows, wanted] = -np.inf
    aim = float(((pictures + 0.5) * matrix[rows, wanted] + 0.5 * rest.max(axis=1)).mean() / (pictures + 1))

    # In x = -log T, b = exp x: pictures * (mean(logsumexp(b z)) - b aim) + x^2 / (2 spread^2). Its first part is convex
    # in b, so its slope changes sign once, at some x; between 0 and that x the slope of the whole does.
    def slope(x: float) -> tuple[float, float]:
        b = float(np.exp(x))
        weights = np.exp(b * matrix)
        weights /= weights.sum(axis=1, keepdims=True)
        mean = (weights * matrix).sum(axis=1)
        varied = float((weights * (matrix - mean[:, None]) ** 2).sum(axis=1).mean())
        rise = b * (float(mean.mean()) - aim)
        return pictures * rise + x / spread**2, pictures * (rise + b * b * varied) + 1 / spread**2

    sharper = slope(0.0)[0] < 0
    low, high = (0.0, -float(np.log(LOWEST))) if sharper else (-float(np.log(HIGHEST)), 0.0)
    if sharper and slope(high)[0] <= 0:
        return LOWEST
    if not sharper and slope(low)[0] >= 0:
        return HIGHEST
    x = 0.0
    for _ in range(200):
        rise, curve = slope(x)
        low, high = (x, high) if rise < 0 else (low, x)
        step = x - rise / curve if curve > 0 else np.inf
        # Newton where it stays between what is known to be too low and too high, else halve that.
        following = step if low < step < high else (low + high) / 2
        if abs(following - x) <= 1e-12:
            break
        x = following
    return float(np.exp(-x))


def _error(seen: Outcomes) -> float:
    """Return the expected calibration error without its interval, which fitting has no use for."""
    from striate.metrics.reliability import reliability_of

    gaps = [
        one.pictures * abs(one.accuracy.value - one.confidence)
        for one in reliability_of(seen.confidence, seen.correct)
        if one.accuracy is not None and one.confidence is not None
    ]
    return float(sum(gaps) / len(seen))


__all__ = ["Calibration", "calibrate", "fit_temperature", "softmax"]
