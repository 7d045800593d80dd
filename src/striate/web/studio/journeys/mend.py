"""Mend: what is wrong with a folder's pictures, and what a person decides about them, kept beside the runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from starlette.requests import Request

from striate.data.labels.mending import NAME, Entry, Mending, Named
from striate.runs import durable
from striate.verbs.mending import kept_at, read_mending
from striate.verbs.workspace import Workspace
from striate.web.server.admission import Refused
from striate.web.studio.journey import (
    Command,
    Studio,
    StudioRoute,
    checked_folder,
    command_text,
    folder_of,
    told,
    while_wanted,
)


class Decision(Command):
    """One decision: pictures that get another class, are left out, stay together, or a finding that is none."""

    kind: Literal["relabel", "drop", "same_group", "ignore"]
    pictures: list[str]
    word: str = ""


class Decisions(Command):
    """Decisions about the pictures of a folder."""

    folder: str
    decisions: list[Decision]


class Folder(Command):
    """A folder, to be looked at; ``labels`` is whether labels are doubted too."""

    folder: str
    labels: bool = True


async def wrong(studio: Studio, request: Request) -> Any:
    """Say what is wrong with the pictures of a folder, worst first."""
    asked = await told(request, Folder)
    checked_folder(asked.folder)
    question = studio.questions.ask("mend.doctor", {"folder": asked.folder, "labels": asked.labels})
    found = await while_wanted(request, question)
    words = () if asked.labels else ("--no-labels",)
    return {**found, "command": command_text(studio, "doctor", asked.folder, *words)}


async def decide(studio: Studio, request: Request) -> Any:
    """Keep what a person decided; the folder itself is only read."""
    asked = await told(request, Decisions)
    folder = checked_folder(asked.folder)
    if not asked.decisions:
        raise Refused(400, "decisions: there is none")
    return await asyncio.to_thread(_decided, studio, folder, asked.decisions)


def _decided(studio: Studio, folder: Path, decisions: list[Decision]) -> dict[str, Any]:
    from striate.verbs.doctor import decide as keep

    entries = [entry for one in decisions for entry in _entries(one)]
    file = studio.state / NAME
    durable.write(file, Mending(tuple(entries), str(folder.resolve())).to_toml().encode())
    try:
        keep(folder, file, workspace=studio.workspace)
    finally:
        durable.remove(file)
        studio.albums.forget(str(folder))
    return _kept(studio, folder)


def _entries(one: Decision) -> list[Entry]:
    named = tuple(Named(path) for path in one.pictures)
    if one.kind in ("relabel", "drop"):
        return [Entry(one.kind, (each,), one.word) for each in named]
    return [Entry(one.kind, named, one.word)]


async def decided(studio: Studio, request: Request) -> Any:
    """Say what was decided about a folder, as the file that keeps it."""
    return await asyncio.to_thread(_kept, studio, folder_of(request))


def _kept(studio: Studio, folder: Path) -> dict[str, Any]:
    place = kept_at(folder, studio.workspace.runs_dir)
    kept = read_mending(place) if place.is_file() else Mending()
    album = studio.albums.get(str(folder))
    names, items, rows = album.source.label_names, album.source.items, album.rows
    about = [*kept.relabelled, *kept.dropped]
    return {
        "file": str(place.resolve()) if place.is_file() else None,
        "text": kept.to_toml() if kept.entries else "",
        "said": kept.said(),
        "relabelled": kept.relabelled,
        "dropped": sorted(kept.dropped),
        "together": [sorted(one) for one in kept.together],
        "before": {key: items[rows[key]].said(names) for key in about if key in rows},
        "command": command_text(studio, "doctor", str(folder), "--apply", NAME),
    }


def doctor(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Answer what is wrong with a folder, each picture by its path below it."""
    from striate.verbs.doctor import doctor as look

    found = look(Path(arguments["folder"]), labels=arguments["labels"], workspace=workspace)
    examined = found.examined
    number = dict(zip(examined.paths, examined.labels.tolist(), strict=True))
    said = found.to_dict()
    doubts = {examined.paths[one.row]: one for one in examined.doubts}
    for finding in said["findings"]:
        finding["pictures"] = sum(len(case["pictures"]) for case in finding["cases"])
        finding["cases"] = finding["cases"][:60]
        for case in finding["cases"]:
            case["pictures"] = case["pictures"][:12]
            case["labels"] = [_name(examined.names, number.get(path, -1)) for path in case["pictures"]]
            one = doubts.get(case["pictures"][0]) if finding["kind"] == "label" else None
            case["instead"] = None if one is None else _name(examined.names, one.said)
    return {**said, "summary": found.summary()}


def _name(names: tuple[str, ...], place: int) -> str:
    return names[place] if place >= 0 else ""


ROUTES = (
    StudioRoute("POST", "/api/pictures/wrong", wrong),
    StudioRoute("POST", "/api/pictures/decide", decide),
    StudioRoute("GET", "/api/pictures/decided", decided),
)
QUESTIONS = {"doctor": doctor}
