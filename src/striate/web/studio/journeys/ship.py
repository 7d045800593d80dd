"""Ship: a run's model for other programs, as a page, with a card, on the Hub and as a server; files lie beside it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from striate import files
from striate.errors import ExportError, RunError
from striate.runs import durable
from striate.runs.run import RunDirectory
from striate.verbs.workspace import Workspace
from striate.web.server.admission import Refused
from striate.web.studio.journey import Command, Studio, StudioRoute, command_text, query, told, typed, while_wanted

CARD: Final = "README.md"
ADDRESS: Final = "http://127.0.0.1:8000"  # where striate serve listens by itself
PAGE: Final = "model.html"
GIVEN: Final = (  # how the names of files end that are handed on, and what they are
    (".deployed.onnx", "answers by itself, for ONNX Runtime"),
    (".deployed.any-size.onnx", "answers by itself to a picture of any size, for ONNX Runtime"),
    (".deployed.int8.onnx", "answers by itself in int8, for ONNX Runtime"),
    (".deployed.int8.any-size.onnx", "answers by itself in int8 to a picture of any size, for ONNX Runtime"),
    (".boxes.onnx", "boxes, decoded, for ONNX Runtime"),
    (".int8.onnx", "the network alone in int8, for striate predict and serve"),
    (".onnx", "the network alone, for striate predict and serve"),
    (".safetensors", "the model: what every command of Striate takes"),
    (".pt2", "answers by itself, for torch"),
    (".pte", "answers by itself, for ExecuTorch"),
    (".xml", "answers by itself, for OpenVINO, with the .bin beside it"),
    (".bin", "the weights of the .xml"),
    (".mlpackage", "answers by itself, for Core ML: a folder"),
    (PAGE, "the page that is the model"),
    (CARD, "the model card"),
    ("report.html", "the report"),
)
# The page runs the model in a worker it makes itself; without an origin it reaches nothing of the studio.
MODEL_PAGE: Final = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline' blob:; worker-src blob:;"
    " style-src 'unsafe-inline'; img-src data: blob:; media-src blob:; frame-ancestors 'self'"
)


class ToExport(Command):
    """A run to be made a file for other programs: what `striate export --to` is told."""

    run: str
    to: str
    any_size: bool = False
    int8: bool = False


class ToPage(Command):
    """A run to be made a page; ``pictures`` of its validation pictures are put inside."""

    run: str
    pictures: int = 0


class ToCard(Command):
    """A run whose card is to be written, under a license as the Hub spells it."""

    run: str
    license: str | None = None


async def shipped(studio: Studio, request: Request) -> Any:
    """Say what a run can become, what it has become, and the commands."""
    return await asyncio.to_thread(_shipped, studio, query(request, "run"))


async def listing(studio: Studio, request: Request) -> Any:
    """Return the command that lists the runs."""
    return {"command": command_text(studio, "runs")}


def _shipped(studio: Studio, name: str) -> dict[str, Any]:
    from striate.export.targets import TARGETS
    from striate.verbs.runs import summary

    run = _finished(studio, name)
    line = summary(run)
    return {
        "run": run.name,
        "task": line.task,
        "figure": f"{line.measure} {line.figure_text}" if line.figure is not None else "",
        "pictures": line.pictures,
        "part": line.part,
        "folder": typed(str(run.path.resolve())),
        "targets": [
            {
                "name": one.name,
                "words": one.words,
                "suffix": one.suffix,
                "any_size": one.any_size,
                "int8": one.int8,
                "asked": one.asked,
                "needs": "" if all(map(find_spec, one.packages)) else f"pip install 'striate[{one.extra}]'",
            }
            for one in TARGETS.values()
        ],
        "files": _files(run),
        "card": _text(run.path / CARD),
        "serve": command_text(studio, "serve", run.name),
        "address": ADDRESS,
        "commands": {
            "page": command_text(studio, "export", run.name, "--page"),
            "card": command_text(studio, "card", run.name, "-o", str((run.path / CARD).resolve())),
            "export": {name: command_text(studio, "export", run.name, "--to", name) for name in TARGETS},
        },
    }


def _finished(studio: Studio, name: str) -> RunDirectory:
    """Return a run that has a model. Errors: RunError."""
    run = RunDirectory.open(name, studio.workspace.runs_dir)
    if not run.model_path.is_file():
        raise RunError(f"{run.name} has no model yet; it is handed on when its training is finished")
    return run


def _files(run: RunDirectory) -> list[dict[str, Any]]:
    """Return what of a run is handed on, the newest first; of an artefact also what its note says was measured."""
    found = []
    for path in run.path.iterdir():
        means = next((words for ending, words in GIVEN if path.name.endswith(ending)), None)
        if means is None or path.is_symlink():
            continue
        note = _note(path.with_name(f"{path.name}.json"))
        found.append(
            {
                "name": path.name,
                "means": means,
                "folder": path.is_dir(),
                "bytes": _size(path),
                "written": path.stat().st_mtime,
                "note": note,
            }
        )
    return sorted(found, key=lambda one: (-one["written"], one["name"]))


def _size(path: Path) -> int:
    return sum(map(_size, path.iterdir())) if path.is_dir() else path.stat().st_size


def _note(path: Path) -> dict[str, Any] | None:
    """Return what the note beside an artefact says of it; None where there is none."""
    text = _text(path)
    with suppress(ValueError):
        said = json.loads(text or "null")
        if isinstance(said, dict) and "striate" in said and isinstance(said.get("outputs"), dict):
            outputs = {name: str(one.get("means", "")) for name, one in said["outputs"].items()}
            return {
                "target": said.get("target"),
                "parity": said.get("parity"),
                "outputs": outputs,
                "input": said.get("input", {}).get("means", ""),
                "int8": said.get("int8", ""),
            }
    return None


def _text(path: Path) -> str | None:
    try:
        return files.read_text(path, limit=files.TEXT)
    except (OSError, UnicodeDecodeError):
        return None


async def command(studio: Studio, request: Request) -> Any:
    """Return the command that sends a run to the Hub. Errors: ModelError for an address that is none."""
    from striate.verbs.hub import hub_address

    run, repository = query(request, "run"), query(request, "repository")
    if (revision := hub_address(f"hf://{repository}").revision) and "@" in repository:
        raise Refused(422, f"a model is sent to the main branch; leave out @{revision}")
    words = ["push", run, repository]
    if request.query_params.get("private"):
        words.append("--private")
    if license := request.query_params.get("license"):
        words += ["--license", license]
    if request.query_params.get("report"):
        words.append("--report")
    return {"command": command_text(studio, *words)}


async def exported(studio: Studio, request: Request) -> Any:
    """Write a run's model for other programs, once it answers the same."""
    asked = await told(request, ToExport)
    run = _finished(studio, asked.run)
    found = await while_wanted(request, studio.questions.ask("ship.export", {**asked.model_dump(), "run": run.name}))
    more = ["--any-size"] * asked.any_size + ["--int8"] * asked.int8
    return {**found, "command": command_text(studio, "export", run.name, "--to", asked.to, *more)}


async def paged(studio: Studio, request: Request) -> Any:
    """Write the page that is a run's model."""
    asked = await told(request, ToPage)
    run = _finished(studio, asked.run)
    found = await while_wanted(request, studio.questions.ask("ship.page", {**asked.model_dump(), "run": run.name}))
    more = ["--pictures", str(asked.pictures)] if asked.pictures else []
    return {**found, "command": command_text(studio, "export", run.name, "--page", *more)}


async def carded(studio: Studio, request: Request) -> Any:
    """Write the model card of a run beside it."""
    asked = await told(request, ToCard)
    run = _finished(studio, asked.run)
    await while_wanted(request, studio.questions.ask("ship.card", {**asked.model_dump(), "run": run.name}))
    more = [] if asked.license is None else ["--license", asked.license]
    return {"command": command_text(studio, "card", run.name, "-o", str((run.path / CARD).resolve()), *more)}


async def file(studio: Studio, request: Request) -> Response:
    """Hand on one of the files that are listed, as a download."""
    run = RunDirectory.open(query(request, "run"), studio.workspace.runs_dir)
    name = query(request, "name")
    if not any(one["name"] == name and not one["folder"] for one in await asyncio.to_thread(_files, run)):
        raise Refused(404, f"{run.name} has no file {name[:100]!r} to hand on")
    called = quote(f"{run.name}{name.removeprefix('model')}" if name.startswith("model.") else f"{run.name}-{name}")
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{called}", "cache-control": "no-store"}
    return FileResponse(run.path / name, media_type="application/octet-stream", headers=headers)


async def model_page(studio: Studio, request: Request) -> Response:
    """Show the page that is a run's model, which reaches nothing of the studio."""
    run = RunDirectory.open(query(request, "run"), studio.workspace.runs_dir)
    try:
        content = await asyncio.to_thread(files.read_bytes, run.path / PAGE, limit=files.MODEL)
    except OSError:
        raise Refused(404, f"{run.name} has no page yet") from None
    return Response(content, media_type="text/html", headers={"content-security-policy": MODEL_PAGE})


def make_export(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Answer what was written, and how its answers compare."""
    from striate.verbs.deploy import deploy

    how = {name: arguments[name] for name in ("to", "any_size", "int8")}
    return deploy(arguments["run"], workspace=workspace, **how).to_dict()


def make_page(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Answer what the page of a model is, and what was measured."""
    from striate.verbs.export_page import export_page

    done = export_page(arguments["run"], pictures=arguments["pictures"], workspace=workspace)
    return {**done.to_dict(), "said": str(done)}


def make_card(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Write the card of a run; one that is not ours is left alone. Errors: ExportError."""
    from striate.render.markdown.card import is_ours
    from striate.verbs.card import model_card

    card = model_card(arguments["run"], license=arguments["license"], workspace=workspace)
    place = RunDirectory.open(arguments["run"], workspace.runs_dir).path / CARD
    if place.exists() and not is_ours(files.read_bytes(place, limit=files.TEXT)):
        raise ExportError(f"{place} is there already and is not ours; move it away, or write the card elsewhere")
    durable.write(place, str(card).encode())
    return {}


ROUTES = (
    StudioRoute("GET", "/api/ship", shipped),
    StudioRoute("GET", "/api/ship/runs", listing),
    StudioRoute("GET", "/api/ship/push", command),
    StudioRoute("POST", "/api/ship/export", exported),
    StudioRoute("POST", "/api/ship/page", paged),
    StudioRoute("POST", "/api/ship/card", carded),
    StudioRoute("GET", "/ship/file", file),
    StudioRoute("GET", "/ship/page", model_page),
)
QUESTIONS = {"export": make_export, "page": make_page, "card": make_card}
