"""The check that every answer in maps starts with: one a name, and finite. No torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from striate.errors import StriateError


def checked_maps(maps: NDArray[np.floating], names: int, what: str) -> NDArray[np.floating]:
    """Return maps (N, K, h, w) that are finite, K as many as there are names. Errors: StriateError.

    ``what`` is what one of the names is called: class.
    """
    if maps.ndim != 4 or maps.shape[1] != names:
        raise StriateError(f"a net answers with a map for each {what}, {names} in all, not with {maps.shape[1:]}")
    finite = np.isfinite(maps).all(axis=(1, 2, 3))
    if not finite.all():
        raise StriateError(
            f"{int((~finite).sum())} of {len(maps)} answers hold NaN or infinity; the model that gave them is broken,"
            " so train it again from a sound checkpoint"
        )
    return maps
