"""Ask: a picture that is dropped, drawn or filmed; its answer, the evidence, against another, what would change it."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from striate import files
from striate.data.pictures.image import decode
from striate.errors import ExportError, StriateError
from striate.render.html.model_scripts import ENGINE, script
from striate.runs.run import RunDirectory
from striate.verbs.workspace import Workspace
from striate.web.studio.given_pictures import GivenPicture, given_at, keep_given, png_of, take_given
from striate.web.studio.journey import (
    Command,
    Studio,
    StudioRoute,
    command_text,
    picture_sent,
    query,
    told,
    while_wanted,
)
from striate.web.studio.page_files import tagged
from striate.web.studio.thumbnails import LARGE, drawn_small

LANE: Final = "look"  # one process has the models that are looked into
LIVE: Final = 6_000_000  # parameters of a net that a page computes while the pen moves
# What of the scripts of a model's page the studio has a use for, as a module.
SHARED: Final = ("colours", "drawing", "answer", "river")
_HOME: Final = "const home = { root: document };\n"  # where those scripts look for what they show
_GIVES: Final = "\nexport { readTables, takeDrawing, stagesOf, drawStage, shareRows, saidParts, trustOf, shapeText };\n"
SAMPLES: Final = 12


class Shown(Command):
    """A picture by its mark, and the run that is asked about it."""

    run: str
    picture: str


class Asking(Shown):
    """What is asked of an answer: as the options of `striate look`. Places are in pixels of the picture, x first."""

    why: str | None = None
    against: str | None = None
    object: int | None = None
    pixel: list[float] | None = None
    box: list[float] | None = None
    missed: list[float] | None = None
    method: str | None = None
    change: bool = False


class Key(Command):
    """A picture of a folder."""

    folder: str
    key: str


async def give(studio: Studio, request: Request) -> Any:
    """Keep a picture that is the body of the request."""
    name = query(request, "name", "picture")[:200]
    content = await picture_sent(request, name)
    return (await asyncio.to_thread(keep_given, studio.state, content, name)).to_dict()


async def take(studio: Studio, request: Request) -> Any:
    """Keep a picture of a folder."""
    wish = await told(request, Key)

    def taken() -> GivenPicture:
        return take_given(studio.state, studio.albums.get(wish.folder), wish.key)

    return (await asyncio.to_thread(taken)).to_dict()


async def kept_picture(studio: Studio, request: Request) -> Any:
    """Say what a picture that was given is."""
    return given_at(studio.state, query(request, "picture")).to_dict()


async def shown_picture(studio: Studio, request: Request) -> Response:
    """Show a picture that was given, drawn anew."""
    found = given_at(studio.state, query(request, "picture"))
    content = await asyncio.to_thread(_drawn, found, "whole" in request.query_params)
    return tagged(request, content, "image/png" if content.startswith(b"\x89PNG") else "image/webp")


def _drawn(found: GivenPicture, whole: bool) -> bytes:
    """Return a picture for a page; ``whole``, pixel by pixel, where it is small enough."""
    content = files.read_bytes(found.path, limit=files.PICTURE)
    return png_of(decode(content, channels=3)) if whole and max(found.size) <= LARGE else drawn_small(content, LARGE)


async def some_pictures(studio: Studio, request: Request) -> Any:
    """List some pictures of a run that it did not learn from, where there are such."""
    run = RunDirectory.open(query(request, "run"), studio.workspace.runs_dir)
    return await asyncio.to_thread(_samples, run)


def _samples(run: RunDirectory) -> dict[str, Any]:
    split = run.split()
    part = next((one for one in ("test", "val", "train") if split.get(one)), None)
    keys = list(split.get(part, [])) if part else []
    step = max(1, len(keys) // SAMPLES)
    source = run.source()
    return {"folder": source.get("location") or source.get("name"), "part": part, "keys": keys[::step][:SAMPLES]}


async def begin(studio: Studio, request: Request) -> Any:
    """Say what a run's model can be asked, and bring it along where a page can compute it."""
    run = RunDirectory.open(query(request, "run"), studio.workspace.runs_dir)
    return await studio.questions.ask("ask.model", {"run": run.name}, lane=LANE)


def live_model(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Answer what a model can be asked, with its program for the page."""
    from striate.render.html.model_page import page_facts
    from striate.verbs.export_page import page_program
    from striate.verbs.predict import open_predictor

    predictor = open_predictor(run=arguments["run"], workspace=workspace)
    shape = list(predictor.facts.input)
    said: dict[str, Any] = {
        "run": arguments["run"],
        "names": list(predictor.labels.names),
        "noun": predictor.task.noun,
        "ways": sorted(predictor.task.asks),
        "placed": predictor.task.placed,
        "input": shape,
        "live": None,
        "why_not": "",
    }
    try:
        program = page_program(predictor, 32)
        if sum(program.packed.counts.values()) > LIVE:
            raise ExportError(f"it has over {LIVE:,} parameters, so it answers when the pen rests")
        said["live"] = page_facts(program) | {"text": program.packed.text()}
    except StriateError as error:
        said["why_not"] = str(error)
    return said


async def say(studio: Studio, request: Request) -> Any:
    """Answer about a picture."""
    wish = await told(request, Shown)
    found = given_at(studio.state, wish.picture)
    asked = {"run": wish.run, "path": str(found.path)}
    said = await studio.questions.ask("ask.answer", asked, lane=LANE)
    return {
        **said,
        "size": list(found.size),
        "command": command_text(studio, "predict", found.shown, "--run", wish.run),
    }


def said_of(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Answer about a picture: in words, as JSON, drawn on the picture where the answer lies in it."""
    from PIL import Image

    from striate.verbs.predict import open_predictor

    predictor = open_predictor(run=arguments["run"], workspace=workspace)
    path = Path(arguments["path"])
    (found,) = predictor.predict(path)
    drawing = None
    if predictor.task.placed:
        with_answer = found.drawn(Image.fromarray(decode(files.read_bytes(path, limit=files.PICTURE), channels=3)))
        file = io.BytesIO()
        with_answer.save(file, "WEBP", quality=90, method=2)
        drawing = f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"
    return {"text": str(found), "said": found.to_dict(), "drawn": drawing}


async def reasons(studio: Studio, request: Request) -> Any:
    """Say why: the evidence with its trust, against another answer, what would change it."""
    wish = await told(request, Asking)
    found = given_at(studio.state, wish.picture)
    wishes = wish.model_dump(exclude={"run", "picture"})
    asked = {"run": wish.run, "path": str(found.path), "asked": wishes}
    said = await while_wanted(request, studio.questions.ask("ask.why", asked, lane=LANE))
    words = ["look", found.shown, "--run", wish.run]
    for name, value in wishes.items():
        if value is True:
            words.append(f"--{name}")
        elif value not in (None, False):
            plain = ",".join(f"{one:g}" for one in value) if isinstance(value, list) else str(value)
            words += [f"--{name}", plain]
    return {**said, "command": command_text(studio, *words)}


def reasons_of(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Answer why a model says what it says of a picture."""
    from striate.verbs.asked_places import Asked
    from striate.verbs.probe import Network
    from striate.verbs.why import answers, why_asked
    from striate.web.studio.told_answers import told_answers

    network = Network(run=arguments["run"], workspace=workspace)
    found = why_asked(Path(arguments["path"]), network, Asked(**arguments["asked"]))
    return {"answers": told_answers(answers(found))}


async def engine(studio: Studio, request: Request) -> Response:
    """Return what computes a network in a page: the worker of a model's page."""
    return tagged(request, script(ENGINE).encode(), "text/javascript; charset=utf-8")


async def shared(studio: Studio, request: Request) -> Response:
    """Return the parts of a model's page that the studio shows an answer with, as a module."""
    return tagged(request, (_HOME + script(SHARED) + _GIVES).encode(), "text/javascript; charset=utf-8")


ROUTES = (
    StudioRoute("POST", "/api/given", give),
    StudioRoute("POST", "/api/given/take", take),
    StudioRoute("GET", "/api/given", kept_picture),
    StudioRoute("GET", "/given", shown_picture),
    StudioRoute("GET", "/api/ask/samples", some_pictures),
    StudioRoute("GET", "/api/ask/model", begin),
    StudioRoute("POST", "/api/ask/answer", say),
    StudioRoute("POST", "/api/ask/why", reasons),
    StudioRoute("GET", "/api/ask/engine.js", engine),
    StudioRoute("GET", "/api/ask/shared.js", shared),
)
QUESTIONS = {"model": live_model, "answer": said_of, "why": reasons_of}
