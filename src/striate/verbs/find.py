"""Find: the pictures of a folder that are most like some pictures, or hold what is most like a part of one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.data.pictures.given import one
from striate.data.pictures.image import decode
from striate.data.store.rows import digest_of
from striate.errors import PictureError, SearchError, StriateError
from striate.files import not_a_url
from striate.runs.reading import content_of, unreadable
from striate.search import approximate
from striate.search.nearest import directions, nearest
from striate.search.regions import regions
from striate.verbs.index import Indexed, open_index
from striate.verbs.workspace import HERE, Workspace
from striate.words import counted, plural

if TYPE_CHECKING:
    from striate.data.pictures.given import Picture
    from striate.search.embedder import Embedder

NUMBER: Final = 12  # pictures that are named where nobody says how many
AWAY: Final = 0.5  # how much what it shall not be like weighs against what it shall be like (Rocchio 1971)

Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True)
class Hit:
    """A picture that was found: its file, how alike it is (the cosine, 1 at most), and in words how rare that is.

    ``box`` is where in it, (left, top, right, bottom) in its pixels, where parts were looked for. ``same`` says that
    the file is, byte for byte, one that was asked with.
    """

    path: Path
    cosine: float
    rare: str
    box: Rectangle | None = None
    same: bool = False

    def line(self) -> str:
        """Return it in a line.

        >>> Hit(Path("a.jpg"), 0.5, "", (1.0, 2.0, 30.0, 40.0)).line()
        ' 0.50  a.jpg  at 1,2,30,40'
        """
        place = "" if self.box is None else "  at " + ",".join(f"{edge:.0f}" for edge in self.box)
        return f"{self.cosine:5.2f}  {self.path}{place}" + "  the same file" * self.same

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {
            "picture": str(self.path),
            "cosine": round(self.cosine, 4),
            "rare": self.rare,
            **({} if self.box is None else {"box": [round(edge, 1) for edge in self.box]}),
            "same": self.same,
        }


@dataclass(frozen=True, eq=False)
class Matches:
    """What was found, the most alike first, among the pictures of ``indexed``; ``cautions`` are to be read with it."""

    hits: tuple[Hit, ...]
    indexed: Indexed
    cautions: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {
            "found": [hit.to_dict() for hit in self.hits],
            "among": len(self.indexed.index),
            "index": str(self.indexed.folder),
            "model": self.indexed.index.embedder.words,
            "scale": self.indexed.index.scale.to_dict(),
            "cautions": list(self.cautions),
        }


def find(
    like: Sequence[Picture],
    where: Path,
    *,
    unlike: Sequence[Picture] = (),
    box: Rectangle | None = None,
    parts: bool = False,
    number: int = NUMBER,
    model: str | None = None,
    exact: bool = False,
    workspace: Workspace = HERE,
) -> Matches:
    """Return the pictures in a folder that are most like some pictures.

    Arguments:
        like: one or several pictures (paths, bytes, pixels) that it shall be like, all together.
        where: a folder of pictures, whose index is made or brought up to date first, or an index, taken as it is.
        unlike: pictures that it shall not be like.
        box: the part of the one picture ``like`` that is asked for: left, top, right, bottom in its pixels.
        parts: whether it may be a part of a picture, which is then framed.
        number: how many.
        model: a run, a model file or published weights whose maps are compared; None: the usual trunk.
        exact: whether all vectors are compared, a million and more too.
        workspace: where runs and weights are, and who hears of progress.

    All pictures are compared, none is passed over; of a million and more an approximate index answers, where usearch is
    installed, and says how many of the nearest it finds (`striate.search.approximate`). A picture that was asked with
    is not among the answers; a copy of it is, and is said to be one. Errors: SearchError, and PictureError for a
    picture that cannot be read.

    Example: ``find(["cat.jpg"], Path("album"), number=3).hits[0].path.parent.name`` is ``"album"``.
    """
    if not like:
        raise SearchError("nothing to look for: name a picture, such as striate find cat.jpg --in photos")
    if box is not None and len(like) > 1:
        raise SearchError(f"a box is a part of one picture, and {len(like)} were named")
    if number < 1:
        raise SearchError(f"{number} pictures cannot be found; ask for 1 or more")
    _there((*like, *unlike))
    indexed = open_index(where, model, parts=parts, workspace=workspace)
    index = indexed.index
    centre = index.centre
    asked = [_vector(index.embedder, what, box) for what in like]
    query = _direction([vector for _, vector in asked], centre)
    if unlike:
        away = _direction([_vector(index.embedder, what)[1] for what in unlike], centre)
        query = directions((query - AWAY * away)[None], np.zeros_like(centre))[0]
    digests = {digest_of(content) for content, _ in asked}
    own = {os.path.realpath(what) for what in (*like, *unlike) if isinstance(what, str | os.PathLike)}
    wanted = number + len(own)
    said = ""
    found: tuple[NDArray[np.int64], NDArray[np.float32], Sequence[Any]]
    if parts and index.parts is not None:
        found = regions(index.parts, query, wanted, centre=centre)
    else:
        graph, said = (None, "") if exact else _graph(indexed, workspace)
        if graph is None:
            near = nearest(index.vectors, query[None], wanted, centre=centre)
        else:
            near = graph.nearest(query[None], wanted)
        found = near.rows[0], near.cosine[0], (None,) * len(near.rows[0])
    hits = []
    for row, cosine, window in zip(*found, strict=True):
        path = Path(index.folder) / index.paths[row]
        if os.path.realpath(path) in own:
            continue
        facts = index.pictures[row]
        place = (
            None if window is None else _in_picture(index.embedder, window, int(facts["height"]), int(facts["width"]))
        )
        same = bytes(facts["digest"]) in digests
        hits.append(Hit(path, float(cosine), index.scale.words(float(cosine)), place, same))
    return Matches(tuple(hits[:number]), indexed, (*_cautions(indexed, hits, parts=parts), *filter(None, (said,))))


def _graph(indexed: Indexed, workspace: Workspace) -> tuple[approximate.Graph | None, str]:
    """Return the approximate index of very many vectors, and what to know of it; None where all are compared."""
    index = indexed.index
    if len(index) < approximate.FROM:
        return None, ""
    if not approximate.installed():
        return None, f"of {len(index):,} pictures an approximate index answers sooner: pip install 'striate[search]'"
    token = Path(str(getattr(index.vectors, "filename", ""))).stem.partition("-")[2]
    graph = approximate.kept(indexed.folder, token, len(index)) if token else None
    if graph is None:
        workspace.tell(f"linking {len(index):,} vectors, once")
        graph = approximate.linked(index.vectors, index.centre, workspace.progress)
        if token:
            with suppress(StriateError):  # an index that may only be read is searched all the same
                approximate.keep(graph, indexed.folder, token)
    return graph, graph.words()


def _there(pictures: Sequence[Picture]) -> None:
    """Refuse a file that is not there, before an index is made. Errors: PictureError."""
    for what in pictures:
        if isinstance(what, str | os.PathLike) and not Path(what).exists():
            raise PictureError(not_a_url(str(what)) or f"there is no picture {what}")


def _vector(
    embedder: Embedder, what: Picture, box: Rectangle | None = None
) -> tuple[bytes | NDArray[np.uint8], NDArray[np.float32]]:
    """Return what a picture has in it, and its vector (D,). Errors: PictureError that names it, SearchError."""
    picture = one(what)
    key = str(picture) if isinstance(picture, str | Path) else "the picture"
    try:
        content = content_of(picture)
        shown = content if box is None else _part(content, box, embedder.preprocess.channels)
        return content, embedder.vector(embedder.maps(embedder.preprocess.pixels(shown)))
    except OSError as error:
        raise PictureError(not_a_url(key) or str(unreadable(key, error))) from None
    except PictureError as error:
        raise PictureError(f"{key}: {error}") from None


def _part(content: bytes | NDArray[np.uint8], box: Rectangle, channels: int) -> NDArray[np.uint8]:
    """Return the pixels within a box. Errors: SearchError for one that is not in the picture."""
    pixels = decode(content, channels=channels) if isinstance(content, bytes) else content
    high, wide = pixels.shape[:2]
    left, top, right, bottom = box
    if not (0 <= left < right <= wide and 0 <= top < bottom <= high) or right - left < 1 or bottom - top < 1:
        raise SearchError(
            f"the box {','.join(f'{edge:g}' for edge in box)} (left, top, right, bottom) is no part of a picture"
            f" that is {wide} wide and {high} high"
        )
    return np.ascontiguousarray(pixels[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))])


def _direction(vectors: Sequence[NDArray[np.float32]], centre: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the direction (D,) that several vectors have in common."""
    seen = directions(np.stack(vectors).astype(np.float16), centre)  # as the index keeps its own
    found: NDArray[np.float32] = directions(seen.mean(axis=0)[None], np.zeros_like(centre))[0]
    return found


def _in_picture(embedder: Embedder, window: Any, height: int, width: int) -> Rectangle:
    """Return where a window of the map lies in a picture of that size."""
    _, high, wide = embedder.shape
    given = embedder.preprocess
    down, across = given.height / high, given.width / wide
    box = [window.left * across, window.top * down, window.right * across, window.bottom * down]
    left, top, right, bottom = given.crop_transform(height, width).boxes_back(np.array([box]))[0]
    return (
        max(0.0, float(left)),
        max(0.0, float(top)),
        min(float(width), float(right)),
        min(float(height), float(bottom)),
    )


def _cautions(indexed: Indexed, hits: Sequence[Hit], *, parts: bool) -> tuple[str, ...]:
    index, lines = indexed.index, []
    usual = index.scale.neighbour
    if hits and usual is not None and hits[0].cosine < usual and not parts:
        lines.append(
            f"nothing here is much like it: the nearest has a cosine of {hits[0].cosine:.2f}, and 95 of 100 of these"
            f" pictures have a nearer neighbour ({usual:.2f} and above)"
        )
    if index.unread:
        number, first = len(index.unread), index.unread[0]
        lines.append(
            f"{counted(number, 'picture')} cannot be read and {plural(number, 'is')} not among these:"
            f" {first.path}: {first.reason}" + "; ..." * (number > 1)
        )
    if not Path(index.folder).is_dir():
        lines.append(f"the pictures' folder {index.folder} is not here; paths are as they were")
    return tuple(lines)
