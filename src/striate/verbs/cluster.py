"""Cluster: the groups of a folder's pictures that are alike, each with a description; prints nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.errors import SearchError, StriateError
from striate.search.clusters import ALONE, Clusters, clusters
from striate.search.embedder import Embedder
from striate.search.layout import layout
from striate.search.nearest import directions
from striate.verbs.embedder import class_rows
from striate.verbs.index import Indexed, open_index
from striate.verbs.new_folder import check_place, writing_folder
from striate.verbs.workspace import HERE, Workspace

WORDS: Final = 3  # classes that describe a group
MOST_LETTERS: Final = 60  # of a folder's name


@dataclass(frozen=True, eq=False)
class Group:
    """Pictures that are alike: their ``rows`` in the index, the most typical first.

    ``words`` are the classes of the model that made the vectors, which say most of what sets the group apart; () where
    it has too few. ``folders`` says from which folders its pictures are.
    """

    rows: NDArray[np.int64]
    words: tuple[str, ...]
    folders: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Agreement:
    """How far groups agree with the folders that pictures lie in: 1 entirely, 0 as chance would have it.

    ``rand`` is the adjusted Rand index (Hubert and Arabie 1985), ``information`` the normalised mutual information;
    pictures in no group are a group of their own.
    """

    rand: float
    information: float


@dataclass(frozen=True, eq=False)
class Clustered:
    """The groups of the pictures of ``indexed``, the largest first; ``alone`` are the rows of those in none.

    ``asked`` is how many groups were asked for: there are fewer where pictures are too much alike to make so many.
    """

    groups: tuple[Group, ...]
    alone: NDArray[np.int64]
    found: Clusters
    indexed: Indexed
    agreement: Agreement | None
    asked: int | None = None
    seed: int = 0

    def paths(self, rows: NDArray[np.int64]) -> list[Path]:
        """Return the files of some rows."""
        index = self.indexed.index
        return [Path(index.folder) / index.paths[row] for row in rows]

    def places(self) -> NDArray[np.float32]:
        """Return where the pictures lie on a map: (N, 2) from 0 to 1, in the order of the index."""
        index = self.indexed.index
        return layout(directions(index.vectors, index.centre), seed=self.seed)

    def lines(self) -> list[str]:
        """Return a line a group: how many pictures, what describes them, where they lie."""
        lines = []
        for number, group in enumerate(self.groups, 1):
            places = ", ".join(f"{name} {count:,}" for name, count in group.folders[:4])
            more = ", ..." if len(group.folders) > 4 else ""
            lines.append(
                f"{number:3}  {len(group.rows):6,}  {', '.join(group.words) or 'no words'}"
                + (f"  ({places}{more})" if places else "")
            )
        if len(self.alone):
            lines.append(f"     {len(self.alone):6,}  in no group")
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        agreement = self.agreement
        return {
            "groups": [
                {
                    "words": list(group.words),
                    "folders": dict(group.folders),
                    "pictures": [str(path) for path in self.paths(group.rows)],
                }
                for group in self.groups
            ],
            "in_no_group": [str(path) for path in self.paths(self.alone)],
            "silhouette": self.found.silhouette,
            "agreement": None if agreement is None else vars(agreement),
            "model": self.indexed.index.embedder.words,
        }


def cluster(
    photos: Path,
    number: int | None = None,
    *,
    links: Path | None = None,
    model: str | None = None,
    seed: int = 0,
    workspace: Workspace = HERE,
) -> Clustered:
    """Return the groups of a folder's pictures that are alike.

    Arguments:
        photos: a folder of pictures, whose index is made first or brought up to date, or an index, taken as it is.
        number: how many groups; None: as many, from 2 to 40, as are most separate.
        links: a new folder that is made, with a folder of links to its pictures for each group.
        model: whose maps are compared; None: the usual trunk.
        seed: which pictures are compared each with each, where there are more than 4,000.
        workspace: where runs and weights are, and who hears of progress.

    Errors: SearchError for fewer than 3 pictures or more groups than pictures; DataError for ``links`` that is there.

    Example: ``len(cluster(Path("album"), 2).groups)`` is ``2``.
    """
    if links is not None:
        check_place(links, photos, begins=None, option="--links")
    indexed = open_index(photos, model, workspace=workspace)
    index = indexed.index
    if len(index) < 3:
        raise SearchError(f"{photos} has {len(index)} pictures that can be read; groups are made of 3 or more")
    if number is not None and not 1 <= number <= len(index):
        raise SearchError(f"{number} groups cannot be made of {len(index):,} pictures")
    vectors = directions(index.vectors, index.centre)
    found = clusters(vectors, number, seed=seed)
    folders = [PurePosixPath(path).parent.as_posix() for path in index.paths]
    described = _described(index.embedder, found, np.asarray(index.vectors, np.float32), workspace)
    groups = tuple(
        Group(rows, words, _places([folders[row] for row in rows], known=len(set(folders))))
        for rows, words in zip((found.members(group) for group in range(len(found.centres))), described, strict=True)
    )
    made = Clustered(
        groups, np.flatnonzero(found.labels == ALONE), found, indexed, _agreement(folders, found), number, seed
    )
    if links is not None:
        _link(made, links)
    return made


def _places(folders: Sequence[str], *, known: int) -> tuple[tuple[str, int], ...]:
    return tuple(Counter(folders).most_common()) if known > 1 else ()


def _described(
    embedder: Embedder, found: Clusters, vectors: NDArray[np.float32], workspace: Workspace
) -> list[tuple[str, ...]]:
    """Return the classes that each group has most more of than all pictures, by the model's own last layer."""
    try:
        rows = class_rows(embedder, workspace)
    except StriateError:  # the model is not here any more; its vectors are
        rows = None
    if rows is None:
        return [()] * len(found.centres)
    names, weights = rows
    whole = vectors.mean(axis=0)
    described = []
    for group in range(len(found.centres)):
        more = weights @ (vectors[found.labels == group].mean(axis=0) - whole)
        described.append(tuple(names[at] for at in np.argsort(-more, kind="stable")[:WORDS]))
    return described


def _agreement(folders: Sequence[str], found: Clusters) -> Agreement | None:
    """Return how far groups agree with folders; None where there is one folder, or one for each picture."""
    if not 1 < len(set(folders)) < len(folders):
        return None
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    return Agreement(
        float(adjusted_rand_score(folders, found.labels)), float(normalized_mutual_info_score(folders, found.labels))
    )


def _link(made: Clustered, links: Path) -> None:
    """Make a folder of links for each group, whole or not at all. Errors: DiskError."""
    with writing_folder(links) as add:
        for number, group in enumerate(made.groups, 1):
            words = "".join(letter if letter.isalnum() else " " for letter in " ".join(group.words))
            _add(add, f"{number:02} {' '.join(words.split())}"[:MOST_LETTERS].rstrip(), made.paths(group.rows))
        _add(add, "in no group", made.paths(made.alone))


def _add(add: Callable[[str, bytes | Path], None], folder: str, files: Sequence[Path]) -> None:
    for order, path in enumerate(files, 1):
        add(f"{folder}/{order:05} {path.name}", path.absolute())
