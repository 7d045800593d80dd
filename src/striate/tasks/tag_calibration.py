"""Calibration of tags: after it, of the answers that say 87 % about a tag, 87 in 100 are true. No torch.

A tag's probability is sigmoid(z / T + s): one temperature T for all tags, and a shift s of each (Platt 1999, whose
slope the tags share here). Both are fitted on answers to pictures that were not trained on, and both stay near what
they are without calibration, 1 and 0, where those say little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from striate.errors import ModelError
from striate.metrics.probability import Bools, Floats, Ints, checked_scores, checked_tags, log_sigmoid, sigmoid
from striate.tasks.calibrate import HIGHEST, LOWEST, OUT_OF_FOLD, SPREAD, VALIDATION
from striate.words import counted

# How far a shift is thought to lie from 0 before any answer is seen, in nats. Heads whose weights are decayed say too
# little of rare tags; of 0.001 to 1, on features of 60 to 250 pictures of scenes, 1 left the lowest log loss elsewhere.
SHIFT_SPREAD = 1.0
_FEW = 30
_LARGEST = 1e6  # of a shift in a file


@dataclass(frozen=True)
class TagCalibration:
    """The temperature, the shift of each tag, and what they did on the pictures they were fitted on.

    ``on`` says what these are, VALIDATION or OUT_OF_FOLD; of the latter ``after`` is measured with what was fitted to
    the other folds. ``nll`` is the mean over pictures and tags of -log of the probability given to the truth, in nats,
    ``ece`` the mean over tags of the expected calibration error over 15 equal bins; None where there was no picture.
    ``note`` says when the calibration deserves less trust, else is empty.
    """

    temperature: float = 1.0
    shifts: tuple[float, ...] = ()
    nll_before: float | None = None
    nll_after: float | None = None
    ece_before: float | None = None
    ece_after: float | None = None
    pictures: int = 0
    note: str = ""
    on: str = VALIDATION

    def probabilities(self, logits: ArrayLike) -> Floats:
        """Return the calibrated probabilities (N, T) of logits (N, T)."""
        return sigmoid(self.scaled(logits))

    def scaled(self, logits: ArrayLike) -> Floats:
        """Return the logits whose sigmoid is the calibrated probability."""
        matrix = checked_scores(logits)
        return matrix / self.temperature + (np.asarray(self.shifts) if self.shifts else 0.0)

    def __str__(self) -> str:
        """Return on how many pictures it stands, in words."""
        return f"calibrated on {self.pictures:,} {self.on}" if self.pictures else "not calibrated"

    def to_dict(self) -> dict[str, object]:
        """Return every field, ready for JSON."""
        return {**asdict(self), "shifts": list(self.shifts)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, tags: int) -> TagCalibration:
        """Return what ``to_dict`` wrote; an empty dict is a model that was never calibrated. ModelError otherwise."""
        try:
            if unknown := set(values) - set(cls.__dataclass_fields__):
                raise ValueError(f"it has no {min(map(str, unknown))[:40]!r}")
            temperature = _number(values.get("temperature", 1.0), "temperature")
            if not LOWEST <= temperature <= HIGHEST:
                raise ValueError(f"its temperature is not a number from {LOWEST} to {HIGHEST}")
            shifts = values.get("shifts", [])
            if not isinstance(shifts, list | tuple) or len(shifts) not in (0, tags):
                raise ValueError(f"its shifts are not one a tag, {tags} in all")
            for name in ("nll_before", "nll_after", "ece_before", "ece_after"):
                if values.get(name) is not None:
                    _number(values[name], name)
            pictures = values.get("pictures", 0)
            if type(pictures) is not int or not 0 <= pictures < 2**63:
                raise ValueError("its pictures are no whole number")
            if not isinstance(values.get("note", ""), str) or not isinstance(values.get("on", ""), str):
                raise ValueError("its note is no text")
            checked = tuple(_number(shift, "shift") for shift in shifts)
        except ValueError as error:
            raise ModelError(f"the model file's calibration does not read: {error}") from None
        return cls(**{**values, "temperature": temperature, "shifts": checked})


def _number(value: object, name: str) -> float:
    """Return a finite number as it is. Errors: ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        raise ValueError(f"its {name} is no number")
    return float(value)


def calibrate_tags(
    logits: ArrayLike,
    targets: ArrayLike,
    *,
    folds: Ints | None = None,
    spread: float = SPREAD,
    shift_spread: float = SHIFT_SPREAD,
    begin: Floats | None = None,
) -> TagCalibration:
    """Fit temperature and shifts on (N, T) logits and (N, T) tags, and measure before and after.

    ``folds`` (N,) says which fold answered, where these are out-of-fold answers; ``spread`` and ``begin`` are
    `fit`'s. Never fails for want of pictures: none leave the answers as they are, and ``note`` says so.

    Example: ``calibrate_tags([[9.0], [9.0], [-9.0], [-9.0]], [[1], [0], [0], [0]]).temperature > 1``
    """
    from striate.metrics.tagging import calibration_errors  # which decoding has no use for

    matrix = checked_scores(logits)
    if len(matrix) == 0:
        return TagCalibration(note="no validation pictures, so the probabilities are not calibrated")
    wanted = checked_tags(targets, pictures=len(matrix), tags=matrix.shape[1])
    temperature, shifts = fit(matrix, wanted, spread=spread, shift_spread=shift_spread, begin=begin)
    if folds is None:
        scaled = matrix / temperature + shifts
    else:
        scaled = fold_scaled(matrix, wanted, folds, spread=spread, shift_spread=shift_spread, begin=begin)
    notes = [f"fitted on {counted(len(matrix), 'picture')} only"] if len(matrix) < _FEW else []
    if temperature in (LOWEST, HIGHEST):
        notes.append(f"the temperature stopped at the end of its range, {LOWEST} to {HIGHEST}")
    return TagCalibration(
        temperature=temperature,
        shifts=tuple(float(shift) for shift in shifts),
        nll_before=_nll(matrix, wanted),
        nll_after=_nll(scaled, wanted),
        ece_before=float(calibration_errors(sigmoid(matrix), wanted).mean()),
        ece_after=float(calibration_errors(sigmoid(scaled), wanted).mean()),
        pictures=len(matrix),
        note="; ".join(notes),
        on=VALIDATION if folds is None else OUT_OF_FOLD,
    )


def fold_scaled(
    logits: ArrayLike,
    targets: ArrayLike,
    folds: Ints,
    *,
    spread: float = SPREAD,
    shift_spread: float = SHIFT_SPREAD,
    begin: Floats | None = None,
) -> Floats:
    """Return the logits (N, T) scaled and shifted by what was fitted to the answers of the other folds.

    What is measured with these is measured on pictures that nothing was fitted to.
    """
    matrix, wanted = checked_scores(logits), np.asarray(targets)
    result = np.empty_like(matrix)
    for fold in np.unique(folds):
        mine = folds == fold
        temperature, shifts = fit(matrix[~mine], wanted[~mine], spread=spread, shift_spread=shift_spread, begin=begin)
        result[mine] = matrix[mine] / temperature + shifts
    return result


def fit(
    logits: ArrayLike,
    targets: ArrayLike,
    *,
    spread: float = SPREAD,
    shift_spread: float = SHIFT_SPREAD,
    begin: Floats | None = None,
) -> tuple[float, Floats]:
    """Return the temperature, 0.05 to 20, and the shifts (T,) that are likeliest after these answers.

    They maximise the posterior: the likelihood of the answers, times a normal distribution of log T about 0 with the
    standard deviation ``spread``, and of each shift about ``begin`` (T,), or 0, with ``shift_spread``. ``begin`` is
    where a loss with weights on the positives has moved the tags: -log of the weight. The answers about one tag aim at
    (n + 1/2) / (n + 1) where it is there (n pictures) and at 1/2 / (m + 1) where it is not (m), so that tags told
    without a mistake do not become certain (Platt 1999, section 2.2, with Jeffreys' prior).
    """
    matrix = checked_scores(logits)
    pictures, tags = matrix.shape
    wanted = checked_tags(targets, pictures=pictures, tags=tags)
    start = np.zeros(tags) if begin is None else np.asarray(begin, np.float64)
    if pictures == 0:
        return 1.0, start
    aims = _aims(wanted)
    x, shifts = 0.0, start.copy()  # x = -log T
    low, high = -float(np.log(HIGHEST)), -float(np.log(LOWEST))

    def cost(x: float, shifts: Floats) -> float:
        scaled = np.exp(x) * matrix + shifts
        loss = float((np.logaddexp(0.0, scaled) - aims * scaled).sum())
        return loss + x * x / (2 * spread**2) + float(((shifts - start) ** 2).sum()) / (2 * shift_spread**2)

    # Newton's method; the second derivatives are an arrow, of x with each shift, and that is solved exactly. Where x's
    # own is not positive (the loss is convex in exp x, not in x) the square of the slope stands in for it.
    now = cost(x, shifts)
    for _ in range(200):
        scaled_by = np.exp(x) * matrix
        p = sigmoid(scaled_by + shifts)
        off, bend = p - aims, p * (1 - p)
        by_x = float((off * scaled_by).sum()) + x / spread**2
        by_shift = off.sum(axis=0) + (shifts - start) / shift_spread**2
        head = float((bend * scaled_by**2).sum()) + 1 / spread**2
        exact = head + float((off * scaled_by).sum())
        both = (bend * scaled_by).sum(axis=0)
        own = bend.sum(axis=0) + 1 / shift_spread**2
        left = exact - float((both**2 / own).sum())
        left = left if left > 0 else head - float((both**2 / own).sum())
        step_x = -(by_x - float((both * by_shift / own).sum())) / max(left, 1e-12)
        step = -(by_shift + both * step_x) / own
        share = 1.0
        while share > 1e-9:
            x_there = float(np.clip(x + share * step_x, low, high))
            there = cost(x_there, shifts + share * step)
            if there <= now:
                break
            share /= 2
        else:
            break
        moved = max(abs(x_there - x), float(np.abs(share * step).max()))
        x, shifts, now = x_there, shifts + share * step, there
        if moved <= 1e-11:
            break
    return float(np.clip(np.exp(-x), LOWEST, HIGHEST)), shifts


def _aims(wanted: Bools) -> Floats:
    """Return what each answer aims at: nearly 1 where the tag is there, nearly 0 where it is not."""
    there = wanted.sum(axis=0)
    missing = len(wanted) - there
    aims: Floats = np.where(wanted, (there + 0.5) / (there + 1), 0.5 / (missing + 1))
    return aims


def _nll(scaled: Floats, wanted: Bools) -> float:
    """Return the mean of -log of the probability given to the truth."""
    return float(-np.where(wanted, log_sigmoid(scaled), log_sigmoid(-scaled)).mean())
