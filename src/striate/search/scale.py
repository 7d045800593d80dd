"""How alike is alike: what the cosines of a folder's own pictures are, so that one of them can be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.search.nearest import directions, middle, nearest

PAIRS: Final = 20_000  # pairs drawn
SHARES: Final = (0.5, 0.9, 0.99, 0.999)
ASKED: Final = 256  # pictures whose nearest neighbour is looked for
FEW: Final = 20  # pictures below which nothing is said


@dataclass(frozen=True)
class Scale:
    """What is usual among the pictures of an index.

    ``pairs`` are the cosines that 50, 90, 99 and 99.9 % of random pairs stay below; ``neighbour`` the cosine that 5 %
    of pictures do not reach with their nearest neighbour. Empty and None of fewer than 20 pictures.
    """

    pairs: tuple[float, ...] = ()
    neighbour: float | None = None

    @classmethod
    def of(cls, vectors: NDArray[Any]) -> Scale:
        """Measure vectors (N, D) as an index keeps them, by pairs and pictures drawn with a fixed seed.

        Example: ``Scale.of(np.zeros((3, 2)))`` is ``Scale()``.
        """
        if len(vectors) < FEW:
            return cls()
        rng, centre = np.random.default_rng(0), middle(vectors)
        one, other = rng.integers(0, len(vectors), PAIRS), rng.integers(1, len(vectors), PAIRS)
        other = (one + other) % len(vectors)  # never the same picture twice
        ends = [directions(vectors[rows], centre) for rows in (one, other)]
        cosines = np.einsum("nd,nd->n", *ends)
        asked = np.sort(rng.permutation(len(vectors))[:ASKED])
        found = nearest(vectors, directions(vectors[asked], centre), 2, centre=centre)
        own = found.rows == asked[:, None]
        best = np.where(own, -2.0, found.cosine).max(axis=1)
        return cls(
            tuple(round(float(value), 4) for value in np.quantile(cosines, SHARES)),
            round(float(np.quantile(best, 0.05)), 4),
        )

    def words(self, cosine: float) -> str:
        """Return how rare a cosine is among random pairs, in words; nothing where that was not measured.

        >>> Scale((0.0, 0.1, 0.3, 0.5)).words(0.4)
        'more alike than 99 % of random pairs'
        """
        below = [share for share, value in zip(SHARES, self.pairs, strict=False) if cosine > value]
        if not self.pairs:
            return ""
        if not below:
            return "no more alike than half of all pairs"
        return f"more alike than {100 * below[-1]:.3g} % of random pairs"

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {"pairs": list(self.pairs), "neighbour": self.neighbour}

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Scale:
        """Return what `to_dict` gave. Errors: ValueError, TypeError, KeyError."""
        neighbour = said["neighbour"]
        return cls(tuple(float(value) for value in said["pairs"]), None if neighbour is None else float(neighbour))
