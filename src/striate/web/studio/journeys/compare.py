"""Compare: the runs there are, two of them picture by picture, and another name, a note or an end for one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request

from striate.runs.run import RunDirectory
from striate.verbs.run_notes import note_run, rename_run
from striate.verbs.runs import remove
from striate.verbs.workspace import Workspace
from striate.web.server.admission import Refused
from striate.web.studio.journey import Command, Studio, StudioRoute, command_text, told, while_wanted

SHOWN: Final = 24  # pictures on which one run alone is better
LANE: Final = "judge"  # the process that holds torch already


class Two(Command):
    """Two runs."""

    a: str
    b: str


class Renamed(Command):
    """A run, and the name that it gets."""

    run: str
    to: str


class Noted(Command):
    """A run, and what is noted about it; nothing takes the note away."""

    run: str
    note: str


class Removed(Command):
    """A run that is removed; ``name`` is its name once more, as a person was asked for it twice."""

    run: str
    name: str


async def compared(studio: Studio, request: Request) -> Any:
    """Say which of two runs is better, and whether that is more than noise."""
    asked = await told(request, Two)
    if asked.a == asked.b:
        raise Refused(400, "a run is compared with another one")
    for name in (asked.a, asked.b):
        RunDirectory.open(name, studio.workspace.runs_dir)
    found = await while_wanted(request, studio.questions.ask("compare.both", asked.model_dump(), lane=LANE))
    return {**found, "command": command_text(studio, "compare", asked.a, asked.b)}


async def renamed(studio: Studio, request: Request) -> Any:
    """Give a run another name."""
    asked = await told(request, Renamed)
    name = await asyncio.to_thread(rename_run, asked.run, asked.to, studio.workspace)
    return {"run": name, "command": command_text(studio, "runs", "rename", asked.run, name)}


async def noted(studio: Studio, request: Request) -> Any:
    """Keep a note about a run."""
    asked = await told(request, Noted)
    note = await asyncio.to_thread(note_run, asked.run, asked.note, studio.workspace)
    return {"note": note, "command": command_text(studio, "runs", "note", asked.run, note)}


async def removed(studio: Studio, request: Request) -> Any:
    """Remove a run, for good."""
    asked = await told(request, Removed)
    if asked.run != asked.name:
        raise Refused(409, f"{asked.run} is removed for good when its name is said once more")
    ((name, freed),) = await asyncio.to_thread(remove, [asked.run], studio.workspace)
    return {"run": name, "freed": freed}


def both(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Answer which of two runs is better: the verdict, figures, and the pictures that tell them apart."""
    from striate.render.html.compare_page import table
    from striate.verbs.compare import compare

    found = compare(arguments["a"], arguments["b"], workspace)
    figures, sides = table(found), found.apart()
    return {
        "a": found.a,
        "b": found.b,
        "verdict": found.verdict(),
        "parts": list(found.parts),
        "pictures": len(found.keys),
        "left_out": list(found.left_out),
        "measured": found.found.measured,
        "heads": list(figures.heads),
        "rows": [list(row) for row in figures.rows],
        "apart": [
            {
                "title": found.found.question.format(better=better, worse=worse),
                "of": len(rows),
                "pictures": [
                    {"key": found.keys[row], "said": found.found.caption(row, wrong), "png": _png(found.pixels[row])}
                    for row in rows[:SHOWN].tolist()
                ],
            }
            for better, worse, rows, wrong in (
                (found.b, found.a, sides[1], 0),
                (found.a, found.b, sides[0], 1),
            )
        ],
    }


def _png(pixels: Any) -> str:
    import base64
    import io

    from PIL import Image

    from striate.render.png.inputs_png import enlarged_to

    file = io.BytesIO()
    Image.fromarray(enlarged_to(pixels, 96)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


ROUTES = (
    StudioRoute("POST", "/api/compare", compared),
    StudioRoute("POST", "/api/compare/rename", renamed),
    StudioRoute("POST", "/api/compare/note", noted),
    StudioRoute("POST", "/api/compare/remove", removed),
)
QUESTIONS = {"both": both}
