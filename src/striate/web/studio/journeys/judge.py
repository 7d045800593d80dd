"""Judge: what a run is worth, picture by picture, and what follows from it: another label, or another training."""

from __future__ import annotations

import asyncio
import base64
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from starlette.requests import Request
from starlette.responses import Response

from striate.data.labels.mending import Mending
from striate.errors import DataError
from striate.runs.run import RunDirectory
from striate.verbs.mending import kept_at, read_mending
from striate.verbs.workspace import Workspace
from striate.web.server.admission import Refused
from striate.web.studio.albums import is_folder
from striate.web.studio.journey import Command, Studio, StudioRoute, command_text, number, query, told, while_wanted
from striate.web.studio.journeys.judge_told import cuts_told, overview_told, section_told, slice_told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from striate.metrics.slices import Slice
    from striate.verbs.evaluation import Evaluation

LANE: Final = "judge"
MOST: Final = 240  # pictures of one answer
PARTS: Final = ("test", "val", "train", "cross-validated")


class Asked(Command):
    """A run, and which of its pictures; None: those that it is measured by."""

    run: str
    part: str | None = None


class Pictures(Asked):
    """Some of the evaluated pictures: of a cell, of a slice, with a doubtful label, or the worst; so many, from one on.

    ``label`` and ``answer`` are classes by name, ``by`` and ``name`` those of a slice.
    """

    which: Literal["cell", "slice", "doubtful", "worst"]
    label: str = ""
    answer: str = ""
    by: str = ""
    name: str = ""
    begin: int = 0


class Again(Command):
    """A run whose training is to be done once more, with what was decided about its pictures since."""

    run: str


async def judged(studio: Studio, request: Request) -> Any:
    """Say what a run is worth."""
    asked = await told(request, Asked)
    found = await while_wanted(request, _ask(studio, "judge.overview", asked))
    return {
        **found,
        "command": command_text(studio, "evaluate", asked.run, *_part(asked)),
        "again": command_text(studio, *_again(studio, asked.run)),
    }


async def pictures(studio: Studio, request: Request) -> Any:
    """Say which pictures those are, with what was answered of each."""
    asked = await told(request, Pictures)
    if asked.begin < 0:
        raise Refused(400, "begin: it is 0 or more")
    return await _ask(studio, "judge.pictures", asked)


async def thresholds(studio: Studio, request: Request) -> Any:
    """Say what answers come to from each score on."""
    asked = await told(request, Asked)
    found = await _ask(studio, "judge.thresholds", asked)
    return {**found, "command": command_text(studio, "evaluate", asked.run, *_part(asked), "--at", "SCORE")}


async def slices(studio: Studio, request: Request) -> Any:
    """Say on which kinds of pictures it is better and worse."""
    asked = await told(request, Asked)
    found = await _ask(studio, "judge.slices", asked)
    return {**found, "command": command_text(studio, "evaluate", asked.run, *_part(asked), "--slices")}


async def scene(studio: Studio, request: Request) -> Response:
    """Show a picture with what is there and what was said, side by side."""
    asked = Asked(run=query(request, "run"), part=request.query_params.get("part") or None)
    found = await _ask(studio, "judge.scene", asked, row=number(request, "row", 0, 10**9))
    headers = {"cache-control": "private, max-age=600"}
    return Response(base64.b64decode(found["picture"]), media_type="image/png", headers=headers)


async def decided(studio: Studio, request: Request) -> Any:
    """Say what was decided about the pictures that a run was trained on, and whether anything can be."""
    return await asyncio.to_thread(_decided, studio, query(request, "folder"))


def _decided(studio: Studio, folder: str) -> dict[str, Any]:
    nothing = {"can": False, "relabelled": {}, "dropped": [], "names": []}
    try:
        album = studio.albums.get(folder)
    except DataError:  # the folder is gone, and the run is there still
        return nothing
    if not is_folder(album.source) or not album.source.items or not isinstance(album.source.items[0].target, int):
        return nothing
    place = kept_at(Path(folder), studio.workspace.runs_dir)
    kept = read_mending(place) if place.is_file() else Mending()
    before = {item.key: item.said(album.source.label_names) for item in album.source.items}
    moved = {key: to for key, to in kept.relabelled.items() if before.get(key) not in (None, to)}
    gone = sorted(key for key in kept.dropped if key in before)
    return {"can": True, "relabelled": moved, "dropped": gone, "names": list(album.mended.label_names)}


async def again(studio: Studio, request: Request) -> Any:
    """Put the training of a run into the queue once more: the same recipe, on the pictures as they are decided now."""
    asked = await told(request, Again)
    words = _again(studio, asked.run)[1:]
    state = studio.trainings.add(words, words[-1])
    return {"id": state.id}


def _again(studio: Studio, run: str) -> tuple[str, ...]:
    found = RunDirectory.open(run, studio.workspace.runs_dir)
    recipe = found.path / "recipe.toml"
    where = recipe.relative_to(Path.cwd()) if recipe.is_relative_to(Path.cwd()) else recipe
    return ("train", "--recipe", str(where), "--name", found.name.rpartition("-")[0] or found.name)


def _part(asked: Asked) -> tuple[str, ...]:
    return () if asked.part is None else ("--split", asked.part)


async def _ask(studio: Studio, question: str, asked: Asked, **more: Any) -> Any:
    if asked.part is not None and asked.part not in PARTS:
        raise Refused(400, f"part={asked.part[:40]}: it is one of {', '.join(PARTS)}")
    run = RunDirectory.open(asked.run, studio.workspace.runs_dir)
    if not run.finished():
        raise Refused(409, f"{run.name} is {run.state()}: what it is worth is known when it has learnt")
    arguments = {**asked.model_dump(), "mark": run.model_path.stat().st_mtime_ns, **more}
    return await studio.questions.ask(question, arguments, lane=LANE)


@lru_cache(maxsize=2)
def _evaluated(workspace: Workspace, run: str, part: str | None, mark: int) -> Evaluation:
    """Return an evaluation, which is kept while the process is; ``mark`` changes with the model."""
    from striate.verbs.evaluate import evaluate

    return evaluate(run, split=part, workspace=workspace)


@lru_cache(maxsize=2)
def _sliced(workspace: Workspace, run: str, part: str | None, mark: int) -> tuple[Slice, ...]:
    from striate.verbs.slices import slices as look

    return look(_evaluated(workspace, run, part, mark))


def _of(workspace: Workspace, arguments: Mapping[str, Any]) -> tuple[Workspace, str, str | None, int]:
    return workspace, arguments["run"], arguments["part"], arguments["mark"]


def overview(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Answer what a run is worth: its figures, its verdict, and what its task has to show."""
    found = _evaluated(*_of(workspace, arguments))
    run = RunDirectory.open(arguments["run"], workspace.runs_dir)
    sizes = {part: len(keys) for part, keys in run.split().items() if part in PARTS and keys}
    if found.folds is not None:
        sizes = {"cross-validated": len(found.keys), **sizes}
    source = run.source()
    return {
        **overview_told(found),
        "sections": [section_told(one, found.keys) for one in found.found.sections()],
        "parts": sizes,
        "placed": bool(len(found.keys)) and found.found.overlay(0) is not None,
        "source": source.get("location") or source.get("name"),
    }


def some_pictures(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Answer which pictures of an evaluation are asked about, in what order, and what was said of each."""
    import numpy as np

    found = _evaluated(*_of(workspace, arguments))
    confused, names = found.found.confused(), found.labels.names
    rows: Any
    if arguments["which"] == "slice":
        rows = next(
            (one.rows for one in _sliced(*_of(workspace, arguments))
             if (one.by, one.name) == (arguments["by"], arguments["name"])), [])  # fmt: skip
        rows = np.asarray(rows, np.int64)
        rows = rows[np.argsort(-found.found.losses[rows], kind="stable")]
    elif arguments["which"] == "doubtful":
        rows = np.array([one.index for one in found.label_issues], np.int64)
    elif arguments["which"] == "worst" or confused is None:
        rows = np.argsort(-found.found.losses, kind="stable") if confused is None else found.found.worst(10**6)
    else:
        probabilities, targets = confused
        said = probabilities.argmax(axis=1)
        wanted = [list(names).index(one) if one in names else -1 for one in (arguments["label"], arguments["answer"])]
        rows = np.flatnonzero((targets == wanted[0]) & (said == wanted[1]))
        rows = rows[np.argsort(-probabilities[rows, wanted[1]], kind="stable")]
    begin = arguments["begin"]
    return {
        "of": len(rows),
        "pictures": [_picture(found, confused, row) for row in rows[begin : begin + MOST].tolist()],
    }


def _picture(found: Evaluation, confused: Any, row: int) -> dict[str, Any]:
    told: dict[str, Any] = {"key": found.keys[row], "row": row, "said": found.found.caption(row)}
    if confused is not None:
        probabilities, targets = confused
        answer = int(probabilities[row].argmax())
        told["label"], told["answer"] = found.labels.names[int(targets[row])], found.labels.names[answer]
        told["sure"], told["own"] = float(probabilities[row, answer]), float(probabilities[row, targets[row]])
    return told


def all_thresholds(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Answer what the answers of each class come to from each score on."""
    return {"cuts": cuts_told(_evaluated(*_of(workspace, arguments)).found.cuts())}


def all_slices(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Answer what a run is worth by label, size and brightness."""
    found = _evaluated(*_of(workspace, arguments)).found
    shares = found.right is not None
    return {
        "measure": "right" if shares else found.loss_name,
        "slices": [slice_told(one, shares=shares) for one in _sliced(*_of(workspace, arguments))],
    }


def one_scene(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Answer a picture with what is there and what was said, as a PNG in base64."""
    import io

    from PIL import Image

    from striate.errors import RunError
    from striate.render.png.inputs_png import enlarged_to
    from striate.render.png.side_by_side import side_by_side

    found, row = _evaluated(*_of(workspace, arguments)), arguments["row"]
    if row >= len(found.keys) or found.pixels is None:
        raise RunError(f"{found.name} has no picture {row}")
    pixels, overlay = found.pixels[found.indices[row]], found.found.overlay(row)
    drawn = Image.fromarray(enlarged_to(pixels, 192)) if overlay is None else side_by_side(pixels, overlay, side=480)
    file = io.BytesIO()
    drawn.save(file, "PNG")
    return {"picture": base64.b64encode(file.getvalue()).decode()}


ROUTES = (
    StudioRoute("POST", "/api/judge", judged),
    StudioRoute("POST", "/api/judge/pictures", pictures),
    StudioRoute("POST", "/api/judge/thresholds", thresholds),
    StudioRoute("POST", "/api/judge/slices", slices),
    StudioRoute("GET", "/judge/scene", scene),
    StudioRoute("GET", "/api/judge/decided", decided),
    StudioRoute("POST", "/api/judge/again", again),
)
QUESTIONS = {
    "overview": overview,
    "pictures": some_pictures,
    "thresholds": all_thresholds,
    "slices": all_slices,
    "scene": one_scene,
}
