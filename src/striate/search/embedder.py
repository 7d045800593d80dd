"""Embedder: what makes vectors of pictures, as a file of its own: a graph, and how its maps become vectors. No torch.

The last map of a network (1,280 channels on 7 x 7 places, for the trunk that photographs start from) is taken to fewer
numbers a place by one matrix, the ``projection``. A picture's vector is the mean over all places; that of a part of it,
the mean over those places, so that whole pictures and parts are compared as they are.

The projection comes from what the network's last layer learnt to tell apart: the main directions of its weights, a row
a class, about their mean. That needs no pictures, so vectors of different folders compare, and an index grows without
being made anew. Measured in docs/find.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.data.pictures.preprocess import Preprocess
from striate.errors import ModelError

WIDTH: Final = 256  # numbers of a vector: docs/find.md has what fewer and more are worth
FEWEST: Final = 64  # directions that a last layer has to know for its own to be taken


@dataclass(frozen=True, eq=False)
class Embedder:
    """What makes vectors of pictures.

    ``graph`` is an ONNX file's bytes: ``pixels`` (N, H, W, C) uint8 to ``maps`` (N, channels * high * wide) float16;
    ``shape`` is (channels, high, wide). ``projection`` (channels, D) takes a place to D numbers. ``model`` is the
    digest of the weights it was made of, ``words`` what a person calls them.

    Example: ``embedder.vector(embedder.maps(np.zeros((224, 224, 3), np.uint8))).shape`` is ``(256,)``.
    """

    graph: bytes
    shape: tuple[int, int, int]
    preprocess: Preprocess
    projection: NDArray[np.float32]
    model: str
    words: str

    @cached_property
    def digest(self) -> str:
        """What says whether two vectors may be compared: of the weights, the preprocessing and the projection."""
        rule = {"model": self.model, "shape": list(self.shape), "preprocess": self.preprocess.to_dict()}
        said = json.dumps(rule, sort_keys=True).encode()
        return hashlib.sha256(said + np.ascontiguousarray(self.projection).tobytes()).hexdigest()

    @cached_property
    def _session(self) -> Any:
        from striate.runs.onnx_file import session

        return session(self.graph, many=True, threads=1)

    def maps(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the vectors of every place (high, wide, D) of an input (H, W, C). Errors: ModelError.

        May be called from several threads at once: each computes by itself.
        """
        try:
            (row,) = self._session.run(["maps"], {"pixels": np.ascontiguousarray(pixels[None])})
        except Exception as error:  # its errors have no common class of their own
            raise ModelError(f"ONNX Runtime cannot compute the graph: {str(error).splitlines()[0][:200]}") from None
        channels, high, wide = self.shape
        places = row.reshape(channels, high * wide).T.astype(np.float32)
        if self.directed:
            places = places @ self.projection
        found: NDArray[np.float32] = places.reshape(high, wide, -1)
        return found

    @property
    def directed(self) -> bool:
        """Whether there is a projection yet: `maps` gives the network's own numbers where there is none."""
        return bool(self.projection.shape[1])

    @staticmethod
    def vector(maps: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the vector (D,) of what lies at some places (high, wide, D): their mean."""
        mean: NDArray[np.float32] = maps.mean(axis=(0, 1), dtype=np.float32)
        return mean

    def facts(self) -> dict[str, Any]:
        """Return what a file has to say of it beside its graph and its projection, ready for JSON."""
        return {
            "digest": self.digest,
            "model": self.model,
            "words": self.words,
            "shape": list(self.shape),
            "preprocess": self.preprocess.to_dict(),
        }

    @classmethod
    def of(cls, facts: Mapping[str, Any], graph: bytes, projection: NDArray[np.float32]) -> Embedder:
        """Return what `facts` tells of, checked against its digest. Errors: ModelError."""
        try:
            channels, high, wide = (int(side) for side in facts["shape"])
            found = cls(
                graph,
                (channels, high, wide),
                Preprocess.from_dict(facts["preprocess"]),
                projection,
                str(facts["model"]),
                str(facts["words"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"what made the vectors is not said whole: {error}") from None
        if projection.ndim != 2 or len(projection) != channels or found.digest != facts.get("digest"):
            raise ModelError("what made the vectors is not what their index says; make the index anew")
        return found


def class_directions(weights: NDArray[Any]) -> NDArray[np.float32] | None:
    """Return the projection (channels, D) that a last layer's weights (classes, channels) give; None from too few.

    A layer that tells few classes apart knows few directions, in which pictures that are unlike fall together.

    Example: ``class_directions(np.eye(3))`` is ``None``.
    """
    about = np.asarray(weights, np.float64) - np.mean(weights, axis=0, dtype=np.float64)
    if min(about.shape[0] - 1, about.shape[1]) < FEWEST:
        return None
    _, _, axes = np.linalg.svd(about, full_matrices=False)
    return _signed(axes[: min(WIDTH, about.shape[0] - 1)]).T.astype(np.float32)


def main_directions(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """Return the projection (channels, D) onto the main directions of vectors (N, channels): D at most 256.

    Example: ``main_directions(np.array([[0.0, 1.0], [0.0, 3.0]]))`` is ``[[0.0], [1.0]]``.
    """
    about = np.asarray(vectors, np.float64) - np.mean(vectors, axis=0, dtype=np.float64)
    _, values, axes = np.linalg.svd(about, full_matrices=False)
    known = max(1, int(np.sum(values > 1e-6 * max(values[0], 1e-30))))
    return _signed(axes[: min(WIDTH, known)]).T.astype(np.float32)


def _signed(axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return directions (D, channels) whose largest number is above 0: which way one points is left to chance."""
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
    return axes * np.sign(np.where(largest == 0, 1.0, largest))
