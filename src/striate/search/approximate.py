"""Approximate search: a graph of a million vectors and more, whose recall is measured before it is believed.

usearch (an extra, ``striate[search]``) links each vector to near ones (HNSW, Malkov and Yashunin 2018). How many of the
exact nearest it then finds depends on how far it looks, and its own setting may find far too few: so that is raised
until recall at 10 is 0.95 on vectors of the index itself, against the exact answer. What is said of it is measured on
other vectors than it was chosen by.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate import files
from striate.errors import FileError
from striate.metrics.intervals import Interval, wilson
from striate.runs import durable
from striate.search.nearest import Nearest, directions, nearest

FROM: Final = 1_000_000  # vectors from which on it is used; below them comparing all takes no tenth of a second more
RECALL: Final = 0.95
AT: Final = 10
SAMPLE: Final = 200  # vectors that its setting is chosen by, and others that recall is then measured with
LINKS: Final = 24  # of a vector, to others
BUILT: Final = 128  # candidates that are looked at where one is added
LOOKED: Final = (64, 128, 256, 512, 1024, 2048, 4096)  # and where one is looked for: the first that will do
BLOCK: Final = 65_536
SEED: Final = 0


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph of vectors: ``found`` of `usearch`, how far it ``looks``, and the ``recall`` at 10 that was measured."""

    found: Any
    looks: int
    recall: Interval

    def nearest(self, queries: NDArray[np.float32], number: int) -> Nearest:
        """Return the nearest of the vectors to queries (Q, D) of length 1, as `striate.search.nearest.nearest` does.

        Not surely all of them: ``recall`` says how many.
        """
        matches = self.found.search(np.asarray(queries, np.float32), min(number, len(self.found)))
        rows = np.asarray(matches.keys, np.int64).reshape(len(queries), -1)
        return Nearest(rows, (1 - np.asarray(matches.distances, np.float32)).reshape(rows.shape))

    def words(self) -> str:
        """Return in a sentence what was measured of it."""
        value, low, high = (f"{100 * one:.1f}" for one in (self.recall.value, self.recall.low, self.recall.high))
        return (
            f"an approximate index answered: of the {AT} nearest it finds {value} in 100 ({low} to {high}), measured"
            f" against the exact answer on {SAMPLE} of these vectors; --exact compares all"
        )


def installed() -> bool:
    """Return whether usearch is here."""
    return find_spec("usearch") is not None


def _index_of_usearch() -> Any:
    """Return usearch's index. ONNX Runtime comes first: imported after usearch 2.26 it ends the process."""
    import onnxruntime  # noqa: F401
    from usearch.index import Index

    return Index


def linked(
    vectors: NDArray[Any], centre: NDArray[np.float32], progress: Callable[[str, int, int], None] | None = None
) -> Graph:
    """Return the graph of vectors (N, D) as an index keeps them, seen from ``centre``, that looks as far as it must.

    Example: ``linked(np.eye(8, dtype=np.float16), np.zeros(8, np.float32)).recall.value`` is ``1.0``.
    """
    found: Any = _index_of_usearch()(
        ndim=vectors.shape[1], metric="cos", dtype="f16", connectivity=LINKS, expansion_add=BUILT, expansion_search=64
    )
    for begin in range(0, len(vectors), BLOCK):
        some = directions(vectors[begin : begin + BLOCK], centre)
        found.add(np.arange(begin, begin + len(some)), some)
        if progress is not None:
            progress("linking vectors", begin + len(some), len(vectors))
    drawn = np.random.default_rng(SEED).permutation(len(vectors))[: 2 * SAMPLE]
    chosen_by, measured_on = drawn[::2], drawn[1::2]
    looks = LOOKED[-1]
    for looks in LOOKED:
        found.expansion_search = looks
        if _recall(found, vectors, centre, chosen_by).mean() >= RECALL:
            break
    shares = _recall(found, vectors, centre, measured_on)
    # A question is one trial, whose share cannot spread more than yes or no would: where all is found it has width too.
    return Graph(found, looks, wilson(float(shares.sum()), len(shares)) or Interval(0.0, 0.0, 1.0))


def _recall(
    found: Any, vectors: NDArray[Any], centre: NDArray[np.float32], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the share of the exact nearest that a graph finds for each of some vectors, each itself left out."""
    asked = directions(vectors[np.sort(rows)], centre)
    exact = nearest(vectors, asked, AT + 1, centre=centre).rows  # itself, which is no neighbour, and ten others
    said = np.asarray(found.search(asked, min(AT + 1, len(found))).keys, np.int64).reshape(len(rows), -1)
    true = [set(row.tolist()) - {own} for row, own in zip(exact, np.sort(rows).tolist(), strict=True)]
    return np.array([len(some & set(row.tolist())) / len(some) for some, row in zip(true, said, strict=True)])


def keep(graph: Graph, folder: Path, token: str) -> None:
    """Write a graph beside an index, for its writing ``token``. Errors: DiskError."""
    durable.write(folder / f"graph-{token}.usearch", bytes(graph.found.save()))
    facts = {"looks": graph.looks, "recall": graph.recall.to_dict(), "count": len(graph.found)}
    durable.write(folder / f"graph-{token}.json", json.dumps(facts).encode())


def kept(folder: Path, token: str, count: int) -> Graph | None:
    """Return the graph that was kept for this writing of an index of ``count`` vectors, mapped; None for none whole."""
    path = folder / f"graph-{token}.usearch"
    try:
        facts = json.loads(files.read_text(path.with_suffix(".json")))
        if facts["count"] != count or not path.is_file():
            return None
        found: Any = _index_of_usearch().restore(str(path), view=True)
        if found is None or len(found) != count:
            return None
        found.expansion_search = int(facts["looks"])
        return Graph(found, int(facts["looks"]), Interval(**facts["recall"]))
    except (OSError, FileError, ValueError, KeyError, TypeError, RuntimeError):
        return None
