"""Find: what is like a picture or a part of one, the groups of a folder, and the map of all its pictures."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from striate import files
from striate.data.pictures.image import header
from striate.data.sources.items import FolderSource, Item, file_header
from striate.errors import PictureError
from striate.runs import durable
from striate.verbs.workspace import Workspace
from striate.web.server.admission import Refused
from striate.web.studio.journey import (
    Command,
    Studio,
    StudioRoute,
    checked_folder,
    command_text,
    folder_of,
    number,
    picture_sent,
    query,
    told,
    while_wanted,
)
from striate.web.studio.journeys.pictures import picture_shown
from striate.web.studio.journeys.train import REPORT

ASKED: Final = "asked"  # the folder of pictures that were dropped, within the studio's own
MAPS: Final = "maps"  # that of the pages of maps
KEPT: Final = 200  # pictures that were dropped, and that are kept
MAPS_KEPT: Final = 40
FOUND: Final = 200  # pictures of one answer at most
IN_PAGE: Final = 1_000  # pictures that a map shows within a page (striate.render.html.map_drawn)


class Where(Command):
    """A folder whose pictures are compared, and by whose maps: None for the usual network."""

    folder: str
    model: str | None = None

    def words(self) -> tuple[str, ...]:
        """Return what a command is told of the model."""
        return () if self.model is None else ("--model", self.model)


class ToIndex(Where):
    """An index to be made, or brought up to date."""

    parts: bool = False


class Search(Where):
    """What to look for: pictures by their paths below the folder, or the whole path of one that was dropped."""

    like: list[str]
    unlike: list[str] = Field(default_factory=list)
    box: list[float] | None = None
    parts: bool = False
    number: int = 24


class Grouping(Where):
    """Groups to be made, ``number`` of them or as many as are most separate."""

    number: int | None = None


async def kept(studio: Studio, request: Request) -> Any:
    """Say how many pictures a folder has, and what its index has of them."""
    where = Where(folder=query(request, "folder"), model=request.query_params.get("model"))
    return await asyncio.to_thread(_kept, studio, checked_folder(where.folder), where)


def _kept(studio: Studio, folder: Path, where: Where) -> dict[str, Any]:
    from striate.verbs.index import kept_index
    from striate.verbs.indexing import files_of

    there = {one.path for one in files_of(folder)}
    found = kept_index(folder, where.model, workspace=studio.workspace)
    known = set() if found is None else {*found.index.paths, *(one.path for one in found.index.unread)}
    return {
        "folder": str(folder),
        "pictures": len(there),
        "index": None if found is None else {**found.to_dict(), "missing": len(there - known)},
        "command": command_text(studio, "index", str(folder), *where.words()),
    }


async def pictures(studio: Studio, request: Request) -> Any:
    """List some pictures of a folder, spread evenly: those whose path has a ``part``."""
    folder, part = folder_of(request), query(request, "part", "").casefold()
    most = number(request, "most", 60, 1_000)
    return await asyncio.to_thread(_listed, folder, part, most)


def _listed(folder: Path, part: str, most: int) -> dict[str, Any]:
    from striate.verbs.indexing import files_of

    found = [one.path for one in files_of(folder) if part in one.path.casefold()]
    step = max(1, len(found) // max(1, most))
    return {"paths": found[::step][:most], "of": len(found)}


async def dropped(studio: Studio, request: Request) -> Any:
    """Keep a picture, the body of the request, to ask with."""
    called = query(request, "called", "")
    content = await picture_sent(request, called)
    return await asyncio.to_thread(_dropped, studio.state / ASKED, content, called)


def _dropped(folder: Path, content: bytes, called: str) -> dict[str, Any]:
    try:
        form = header(content).format.lower()
    except PictureError as error:
        raise PictureError(f"{called[:100] or 'it'} {error}") from None
    path = folder / f"{hashlib.sha256(content).hexdigest()[:16]}.{form}"
    durable.make_parents(folder)
    durable.write(path, content)
    _forget(folder, KEPT)
    return {"path": str(path.resolve())}


def _forget(folder: Path, most: int) -> None:
    """Remove all but the newest files of a folder of ours."""
    by_age = sorted((one for one in folder.iterdir() if one.is_file()), key=lambda one: one.stat().st_mtime_ns)
    for one in by_age[:-most]:
        with suppress(OSError):
            durable.remove(one)


async def picture(studio: Studio, request: Request) -> Response:
    """Show a picture of a folder, at any depth, or one that was dropped."""
    file = _file(studio, folder_of(request), query(request, "path"))
    where = str(file.parent)
    source = FolderSource(where, where, (), (Item(file.name, None),), root=file.parent)
    return await picture_shown(studio, request, source, 0)


def _file(studio: Studio, folder: Path, said: str) -> Path:
    """Return the file of a picture below a folder, or of one that was dropped. Errors: Refused (400, 403, 404)."""
    path = Path(said)
    if "\0" in said or ".." in path.parts:
        raise Refused(400, f"{said[:200]!r} is no path below a folder")
    if path.is_absolute() and path.parent != (studio.state / ASKED).resolve():
        raise Refused(403, "pictures of the folder are looked for, and those that were dropped here")
    with suppress(OSError):  # too long a name is no file either
        if (folder / path).is_file():
            return folder / path
    raise Refused(404, f"there is no picture {said[:300]}")


async def indexed(studio: Studio, request: Request) -> Any:
    """Make the index of a folder, or bring it up to date."""
    asked = await told(request, ToIndex)
    checked_folder(asked.folder)
    found = await while_wanted(request, studio.questions.ask("find.index", asked.model_dump()))
    more = ("--parts",) if asked.parts else ()
    return {**found, "command": command_text(studio, "index", asked.folder, *asked.words(), *more)}


async def search(studio: Studio, request: Request) -> Any:
    """Say which pictures are most like some, or like a part of one."""
    asked = await told(request, Search)
    folder = checked_folder(asked.folder)
    if not 1 <= asked.number <= FOUND or (asked.box is not None and len(asked.box) != 4):
        raise Refused(400, f"number is from 1 to {FOUND}, and a box has four edges: left, top, right, bottom")
    like, unlike = ([str(_file(studio, folder, one)) for one in some] for some in (asked.like, asked.unlike))
    question = {**asked.model_dump(), "like": like, "unlike": unlike}
    found = await while_wanted(request, studio.questions.ask("find.search", question))
    words = [*like, "--in", asked.folder, *(("--not", *unlike) if unlike else ())]
    if asked.box is not None:
        words += ["--box", ",".join(f"{edge:g}" for edge in asked.box)]
    words += ["--parts"] * asked.parts + ["-n", str(asked.number)]
    return {**found, "command": command_text(studio, "find", *words, *asked.words())}


async def groups(studio: Studio, request: Request) -> Any:
    """Say which pictures of a folder belong together."""
    asked = await told(request, Grouping)
    checked_folder(asked.folder)
    found = await while_wanted(request, studio.questions.ask("find.groups", asked.model_dump()))
    return {**found, "command": _cluster_command(studio, asked)}


async def mapped(studio: Studio, request: Request) -> Any:
    """Make the page with the map of a folder's pictures."""
    asked = await told(request, Grouping)
    checked_folder(asked.folder)
    question = {**asked.model_dump(), "into": str(studio.state / MAPS)}
    found = await while_wanted(request, studio.questions.ask("find.map", question))
    return {**found, "command": _cluster_command(studio, asked, "-o", "map.html")}


def _cluster_command(studio: Studio, asked: Grouping, *more: str) -> str:
    said = () if asked.number is None else ("-n", str(asked.number))
    return command_text(studio, "cluster", asked.folder, *said, *asked.words(), *more)


async def map_page(studio: Studio, request: Request) -> Response:
    """Show the page with a map, which reaches nothing of the studio."""
    name = query(request, "name")
    file = studio.state / MAPS / f"{name}.html"
    if not re.fullmatch("[0-9a-f]{32}", name) or not file.is_file():
        raise Refused(404, "there is no such map; make it again")
    content = await asyncio.to_thread(files.read_bytes, file, limit=files.MODEL)
    return Response(content, media_type="text/html", headers={"content-security-policy": REPORT})


def make_index(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Answer what was done to bring an index up to date."""
    from striate.verbs.index import index

    return index(
        Path(arguments["folder"]), model=arguments["model"], parts=arguments["parts"], workspace=workspace
    ).to_dict()


def look_for(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Answer what is like some pictures: paths below the folder, and where in each, with its size."""
    from striate.verbs.find import find

    box = arguments["box"]
    found = find(
        arguments["like"],
        Path(arguments["folder"]),
        unlike=arguments["unlike"],
        box=None if box is None else (box[0], box[1], box[2], box[3]),
        parts=arguments["parts"],
        number=arguments["number"],
        model=arguments["model"],
        workspace=workspace,
    )
    index = found.indexed.index
    rows = {path: row for row, path in enumerate(index.paths)}
    said = found.to_dict()
    for hit, one in zip(found.hits, said["found"], strict=True):
        one["picture"] = hit.path.relative_to(index.folder).as_posix()
        facts = index.pictures[rows[one["picture"]]]
        one["size"] = [int(facts["width"]), int(facts["height"])]
    return {**said, "asked": [_size(path) for path in arguments["like"]]}


def _size(path: str) -> list[int]:
    """Return the width and height of a picture, as it is seen."""
    found = file_header(Path(path))
    return [found.width, found.height]


def group(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Answer the groups of a folder's pictures, each with its words and its most typical pictures."""
    from striate.session.search import cluster_text
    from striate.verbs.cluster import cluster

    made = cluster(Path(arguments["folder"]), arguments["number"], model=arguments["model"], workspace=workspace)
    index = made.indexed.index

    def some(rows: Any) -> list[str]:
        return [index.paths[row] for row in rows[:FOUND]]

    return {
        "groups": [
            {
                "words": list(one.words),
                "folders": [list(each) for each in one.folders[:4]],
                "pictures": len(one.rows),
                "some": some(one.rows),
            }
            for one in made.groups
        ],
        "alone": {"pictures": len(made.alone), "some": some(made.alone)},
        "notes": [line[6:] for line in cluster_text(made).splitlines() if line.startswith("note: ")],
        "pictures": len(index),
        "model": index.embedder.words,
    }


def draw_map(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Write the page of the groups with its map, or find the one that was written of the very same pictures."""
    from striate.session.search import cluster_html
    from striate.verbs.cluster import cluster
    from striate.verbs.index import open_index

    folder, model, into = Path(arguments["folder"]), arguments["model"], Path(arguments["into"])
    index = open_index(folder, model, workspace=workspace).index
    name = _named(arguments["number"], index.embedder.digest, index.folder, index.pictures.tobytes(), index.paths)
    place = into / f"{name}.html"
    if not place.is_file():
        made = cluster(folder, arguments["number"], model=model, workspace=workspace)
        if workspace.progress is not None:
            workspace.progress("laying out the map", 0, 0)
        durable.make_parents(into)
        durable.write(place, cluster_html(made).encode("utf-8", "surrogateescape"))
        _forget(into, MAPS_KEPT)
    return {"name": name, "pictures": len(index), "within": len(index) <= IN_PAGE}


def _named(number: int | None, digest: str, folder: str, rows: bytes, paths: Sequence[str]) -> str:
    """Return what a map is called: another where a picture, the network or the number of groups is."""
    told = hashlib.sha256(f"{number}\0{digest}\0{folder}\0".encode(errors="surrogateescape") + rows)
    told.update("\0".join(paths).encode(errors="surrogateescape"))
    return told.hexdigest()[:32]


ROUTES = (
    StudioRoute("GET", "/api/find", kept),
    StudioRoute("GET", "/api/find/pictures", pictures),
    StudioRoute("POST", "/api/find/dropped", dropped),
    StudioRoute("GET", "/find/picture", picture),
    StudioRoute("POST", "/api/find/index", indexed),
    StudioRoute("POST", "/api/find/search", search),
    StudioRoute("POST", "/api/find/groups", groups),
    StudioRoute("POST", "/api/find/map", mapped),
    StudioRoute("GET", "/find/map", map_page),
)
QUESTIONS = {"index": make_index, "search": look_for, "groups": group, "map": draw_map}
