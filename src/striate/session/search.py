"""Find, group and index pictures, as a person calls them in Python; what comes back shows itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from striate.session.run import Run
from striate.session.shown import Shown, framed
from striate.session.watch import bar, waiting
from striate.verbs.workspace import Workspace
from striate.words import counted

if TYPE_CHECKING:
    from striate.data.pictures.given import Picture
    from striate.verbs.cluster import Clustered
    from striate.verbs.find import Matches, Rectangle
    from striate.verbs.index import Indexed


def index(
    photos: Path | str,
    output: Path | str | None = None,
    *,
    model: str | Path | Run | None = None,
    parts: bool = False,
    runs_dir: Path | str = "runs",
    data_dir: Path | str | None = None,
    offline: bool = False,
    progress: bool = True,
) -> Indexed:
    """Make the index of a folder of pictures, or bring it up to date: only what has changed is looked at again.

    Arguments:
        photos: the folder, read at any depth and never written to.
        output: the folder of the index; None: one in the cache.
        model: whose maps become vectors: a run, a model file or published weights; None: efficientnet_lite0.
        parts: whether parts of pictures are to be found too, which takes 50 times the room.
        runs_dir: the folder of runs.
        data_dir: where the files of published weights are.
        offline: whether nothing may be downloaded.
        progress: whether a bar shows how far it is.

    Errors: SearchError for a folder without pictures, or an index that is damaged, another's, or of another model.

    Example: ``len(striate.index("album").index)`` is ``6``.
    """
    from striate.verbs.index import index as made

    place = None if output is None else Path(output)
    with _workspace(runs_dir, data_dir, offline=offline, progress=progress) as workspace:
        return made(Path(photos), place, model=_named(model), parts=parts, workspace=workspace)


def find(
    like: Picture | Sequence[Picture],
    where: Path | str,
    *,
    unlike: Picture | Sequence[Picture] = (),
    box: Rectangle | None = None,
    parts: bool = False,
    number: int = 12,
    exact: bool = False,
    model: str | Path | Run | None = None,
    runs_dir: Path | str = "runs",
    data_dir: Path | str | None = None,
    offline: bool = False,
    progress: bool = True,
) -> Shown[Matches]:
    """Return the pictures of a folder that are most like a picture, or like several.

    It prints as lines, shows itself in a notebook with the pictures, and ``save(path)`` writes the page.

    Arguments:
        like: one or several pictures (paths, bytes, pixels) that it shall be like, all together.
        where: a folder of pictures, whose index is brought up to date first, or an index, taken as it is.
        unlike: pictures that it shall not be like.
        box: the part of the one picture ``like`` that is meant: left, top, right, bottom in its pixels.
        parts: whether it may be a part of a picture, which is then framed.
        number: how many.
        exact: whether all vectors are compared where there are a million and more too.
        model: whose maps are compared: a run, a model file or published weights; None: efficientnet_lite0.
        runs_dir: the folder of runs.
        data_dir: where the files of published weights are.
        offline: whether nothing may be downloaded.
        progress: whether a bar shows how far the index is.

    Errors: SearchError; PictureError for a picture that cannot be read.

    Example: ``striate.find("cat.jpg", "album", number=2).hits[0].path.parent.name`` is ``"album"``.
    """
    from striate.verbs.find import find as found_in

    asked, against = _several(like), _several(unlike)
    with _workspace(runs_dir, data_dir, offline=offline, progress=progress) as workspace:
        found = found_in(
            asked,
            Path(where),
            unlike=against,
            box=box,
            parts=parts,
            number=number,
            exact=exact,
            model=_named(model),
            workspace=workspace,
        )

    def whole() -> str:
        from striate.render.html.find_page import whole_page

        return whole_page(asked, against, box, found)

    return Shown(found, text=lambda: text(found), html=lambda: framed(whole()), page=whole)


def cluster(
    photos: Path | str,
    number: int | None = None,
    *,
    links: Path | str | None = None,
    model: str | Path | Run | None = None,
    seed: int = 0,
    runs_dir: Path | str = "runs",
    data_dir: Path | str | None = None,
    offline: bool = False,
    progress: bool = True,
) -> Shown[Clustered]:
    """Return the groups of a folder's pictures that are alike, with words for each.

    It prints as a line a group, shows itself in a notebook with the most typical pictures, and ``save(path)`` writes
    the page.

    Arguments:
        photos: a folder of pictures, whose index is brought up to date first, or an index, taken as it is.
        number: how many groups; None: as many, from 2 to 40, as are most separate.
        links: a new folder that is made, with a folder of links to its pictures for each group.
        model: whose maps are compared: a run, a model file or published weights; None: efficientnet_lite0.
        seed: which pictures are compared each with each, where there are more than 4,000.
        runs_dir: the folder of runs.
        data_dir: where the files of published weights are.
        offline: whether nothing may be downloaded.
        progress: whether a bar shows how far the index is.

    Errors: SearchError; DataError for a folder of links that is there.

    Example: ``len(striate.cluster("album", 2).groups)`` is ``2``.
    """
    from striate.verbs.cluster import cluster as grouped

    place = None if links is None else Path(links)
    with _workspace(runs_dir, data_dir, offline=offline, progress=progress) as workspace:
        made = grouped(Path(photos), number, links=place, model=_named(model), seed=seed, workspace=workspace)
    return Shown(
        made, text=lambda: cluster_text(made), html=lambda: framed(cluster_html(made)), page=lambda: cluster_html(made)
    )


def cluster_text(made: Clustered) -> str:
    """Return groups as lines: each with its words, then how separate they are and how far folders agree."""
    return "\n".join([*made.lines(), *(f"note: {line}" for line in _notes(made))])


def cluster_html(made: Clustered) -> str:
    """Return groups as a page."""
    from striate.render.html.cluster_page import SHOWN, GroupShown, MapShown, cluster_page

    shown = [
        GroupShown(", ".join(group.words) or "no words", len(group.rows), tuple(made.paths(group.rows[:SHOWN])))
        for group in made.groups
    ]
    alone = GroupShown("", len(made.alone), tuple(made.paths(made.alone[:SHOWN])))
    index = made.indexed.index
    chart = MapShown(index.paths, made.places(), made.found.labels)
    return cluster_page(shown, alone, folder=index.folder, model=index.embedder.words, notes=_notes(made), chart=chart)


def _notes(made: Clustered) -> list[str]:
    notes = []
    if made.asked is not None and made.asked != len(made.groups):
        notes.append(f"{made.asked} groups were asked for; the pictures are too much alike to make so many")
    if made.found.silhouette is not None:
        worth = made.found.silhouette
        how = "clearly apart" if worth >= 0.25 else "apart, with much between them" if worth >= 0.1 else "hardly apart"
        notes.append(f"the groups are {how}: mean silhouette {worth:.2f}, of 1 at most")
    if made.agreement is not None:
        rand, information = made.agreement.rand, made.agreement.information
        notes.append(
            f"agreement with the folders: adjusted Rand index {rand:.2f}, normalised mutual information"
            f" {information:.2f} (1 entirely, 0 as chance would have it)"
        )
    unread = made.indexed.index.unread
    if unread:
        notes.append(f"{counted(len(unread), 'picture')} cannot be read: {unread[0].path}: {unread[0].reason}")
    return notes


def text(found: Matches) -> str:
    """Return what was found as lines: the cosine, the path, where in the picture, and what to know of it."""
    lines = [hit.line() for hit in found.hits] or ["nothing but what was asked with"]
    return "\n".join([*lines, *(f"note: {line}" for line in found.cautions)])


@contextmanager
def _workspace(
    runs_dir: Path | str, data_dir: Path | str | None, *, offline: bool, progress: bool
) -> Iterator[Workspace]:
    """Yield a workspace whose bar is removed at the end."""
    drawn = bar(progress=progress)
    try:
        yield Workspace.at(runs_dir, data_dir, download=not offline, progress=waiting(drawn), tell=drawn.say)
    finally:
        drawn.close()


def _several(what: Any) -> list[Any]:
    """Return one picture or several as a list; an array is one."""
    return list(what) if isinstance(what, list | tuple) else [what]


def _named(model: str | Path | Run | None) -> str | None:
    if isinstance(model, Run):
        return str(model.path)
    return None if model is None else str(model)
