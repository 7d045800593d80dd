"""Train: a forecast, a place in the queue, a view while it learns, stop and go on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from starlette.requests import Request
from starlette.responses import Response

from striate import files
from striate.errors import RecipeError, RunError
from striate.recipe import Recipe
from striate.runs.run import RunDirectory
from striate.verbs.runs import recent_runs, summary
from striate.verbs.workspace import Workspace
from striate.web.server.admission import Refused
from striate.web.studio.journey import Command, Studio, StudioRoute, command_text, number, query, told, while_wanted

# A report is a whole page with scripts of its own: in a frame without an origin it reaches nothing of the studio.
REPORT: Final = (
    "sandbox allow-scripts allow-popups allow-downloads; default-src 'none'; script-src 'unsafe-inline';"
    " style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)


class Wishes(Command):
    """What a person wishes of a training: what `striate train` is told. None: by itself."""

    source: str
    task: str | None = None
    net: str | None = None
    start: str | None = None
    tune: Literal["head", "all"] | None = None
    fit: Literal["exact", "floor"] | None = None
    epochs: int | None = None
    size: str | None = None
    batch: int | None = None
    augment: str | None = None
    learning_rate: float | None = None
    seed: int | None = None
    folds: str | None = None
    name: str | None = None

    def words(self) -> tuple[str, ...]:
        """Return them as the words behind ``striate train``. Errors: RecipeError for what no training can be told.

        >>> Wishes(source="pets", epochs=5).words()
        ('pets', '--epochs', '5')
        """
        said = {name: value for name, value in self.model_dump().items() if value is not None}
        source = said.pop("source")
        if source.startswith("-"):
            raise RecipeError(f"{source[:60]!r} begins as an option does; name the folder by its whole path")
        fields = {name: value for name, value in said.items() if name not in ("name", "size", "folds")}
        Recipe(source=source).changed(**fields)
        words = [source]
        for name, value in said.items():
            words += [f"--{name.replace('_', '-')}", f"{value:g}" if isinstance(value, float) else str(value)]
        return tuple(words)

    def fields(self) -> dict[str, Any]:
        """Return them as fields of a Recipe. Errors: RecipeError, Refused (400)."""
        self.words()
        fields = {name: value for name, value in self.model_dump().items() if value is not None and name != "name"}
        if self.size is not None:
            numbers = self.size.lower().split("x")
            if len(numbers) not in (1, 2) or not all(each.isdecimal() and len(each) < 9 for each in numbers):
                raise Refused(400, f"size {self.size!r} is not a number of pixels or HEIGHTxWIDTH: 96, 96x128")
            fields["size"] = [int(numbers[0]), int(numbers[-1])]
        if self.folds is not None and self.folds.isdecimal() and len(self.folds) < 10:
            fields["folds"] = int(self.folds)
        return fields


class Which(Command):
    """A training of the queue."""

    id: str
    at_once: bool = False


class GoOn(Command):
    """A run to go on with."""

    run: str
    epochs: int | None = None


async def command(studio: Studio, request: Request) -> Any:
    """Return the command that a person's wishes are."""
    words = (await told(request, Wishes)).words()
    return {"command": _said(studio, words)}


async def start(studio: Studio, request: Request) -> Any:
    """Put a training into the queue."""
    wishes = await told(request, Wishes)
    state = studio.trainings.add(wishes.words(), wishes.name or Path(wishes.source).name or wishes.source)
    return _whole(studio, state.id)


async def go_on(studio: Studio, request: Request) -> Any:
    """Put a run that was stopped, or is to be longer, into the queue."""
    wish = await told(request, GoOn)
    run = RunDirectory.open(wish.run, studio.workspace.runs_dir)
    if run.state() == "training":
        raise RunError(f"{run.name} is being trained")
    if any(not one.over and "--resume" in one.words and run.name in one.words for one in studio.trainings.all.values()):
        raise RunError(f"{run.name} is in the queue already")
    more = () if wish.epochs is None else ("--epochs", str(wish.epochs))
    state = studio.trainings.add(("--resume", run.name, *more), run.name)
    return _whole(studio, state.id)


async def stop(studio: Studio, request: Request) -> Any:
    """Stop a training, or take one that waits out of the queue."""
    wish = await told(request, Which)
    studio.trainings.stop(wish.id, at_once=wish.at_once)


async def remove(studio: Studio, request: Request) -> Any:
    """Take a training off the list."""
    studio.trainings.remove((await told(request, Which)).id)


async def queue(studio: Studio, request: Request) -> Any:
    """List the trainings."""
    return {"trainings": studio.trainings.listed()}


async def one(studio: Studio, request: Request) -> Any:
    """Say all of one training."""
    return _whole(studio, query(request, "id"))


async def runs(studio: Studio, request: Request) -> Any:
    """List runs, the newest first: so many of them, from one on, of this name, or all that are done."""
    import asyncio

    begin, most = number(request, "begin", 0, 10**9), number(request, "most", 100, 1_000)
    named, finished = request.query_params.get("named", ""), request.query_params.get("state") == "finished"
    found, of = await asyncio.to_thread(
        lambda: recent_runs(studio.workspace, begin=begin, most=most, named=named, finished=finished)
    )
    return {"runs": [one.to_dict() | {"figure_text": one.figure_text} for one in found], "of": of}


async def run(studio: Studio, request: Request) -> Any:
    """Say what one run is."""
    found = RunDirectory.open(query(request, "name"), studio.workspace.runs_dir)
    line = summary(found)
    return {
        **line.to_dict(),
        "figure_text": line.figure_text,
        "history": found.history(),
        "recipe": found.recipe_toml(),
        "report": found.report_path.is_file(),
    }


async def report(studio: Studio, request: Request) -> Response:
    """Show the report of a run, which reaches nothing of the studio."""
    found = RunDirectory.open(query(request, "name"), studio.workspace.runs_dir)
    try:
        content = files.read_text(found.report_path, limit=files.MODEL)
    except OSError:
        raise Refused(404, f"{found.name} has no report yet") from None
    return Response(content, media_type="text/html", headers={"content-security-policy": REPORT})


def forecast(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Say what a training would be and how long it takes; decodes the pictures, and times a few steps."""
    from striate.verbs.foresee import foresee

    return foresee(Recipe(**dict(arguments)), workspace).to_dict()


async def foreseen(studio: Studio, request: Request) -> Any:
    """Say what a training would be and how long it takes."""
    wishes = await told(request, Wishes)
    fields = wishes.fields()
    return await while_wanted(request, studio.questions.ask("train.forecast", fields, lane="forecast"))


def inputs(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Answer what a network would be given of some pictures, as PNGs in base64."""
    from striate.verbs.network_inputs import network_inputs

    found = network_inputs(Recipe(**dict(arguments)), workspace)
    return {
        "words": found.words,
        "augment": found.prepared.config.augment,
        "pictures": [
            {"key": one.key, "label": one.label, "plain": _png(one.plain), "drawn": [_png(each) for each in one.drawn]}
            for one in found.pictures
        ],
    }


def _png(pixels: Any) -> str:
    import base64
    import io

    from PIL import Image

    from striate.render.png.inputs_png import enlarged_to

    file = io.BytesIO()
    Image.fromarray(enlarged_to(pixels, 1)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


async def given(studio: Studio, request: Request) -> Any:
    """Show what a network would be given of some pictures, augmentation included."""
    wishes = await told(request, Wishes)
    words = wishes.words()
    found = await while_wanted(request, studio.questions.ask("train.inputs", wishes.fields(), lane="forecast"))
    return {**found, "command": _said(studio, (*words, "--dry-run", "--inputs", "inputs.png"))}


def _whole(studio: Studio, identity: str) -> dict[str, Any]:
    state = studio.trainings.get(identity)
    return state.whole() | {"command": _said(studio, state.words)}


def _said(studio: Studio, words: tuple[str, ...]) -> str:
    return command_text(studio, "train", *words)


ROUTES = (
    StudioRoute("POST", "/api/train/command", command),
    StudioRoute("POST", "/api/train/forecast", foreseen),
    StudioRoute("POST", "/api/train/inputs", given),
    StudioRoute("POST", "/api/train/start", start),
    StudioRoute("POST", "/api/train/go-on", go_on),
    StudioRoute("POST", "/api/train/stop", stop),
    StudioRoute("POST", "/api/train/remove", remove),
    StudioRoute("GET", "/api/train/queue", queue),
    StudioRoute("GET", "/api/train/one", one),
    StudioRoute("GET", "/api/runs", runs),
    StudioRoute("GET", "/api/run", run),
    StudioRoute("GET", "/report", report),
)
QUESTIONS = {"forecast": forecast, "inputs": inputs}
