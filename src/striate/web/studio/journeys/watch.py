"""Watch: what a training has learnt so far: its filters and maps by epoch, and what it gets wrong now."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request

from striate.runs import filters, maps
from striate.runs.run import RunDirectory
from striate.verbs.workspace import Workspace
from striate.web.studio.journey import Command, Studio, StudioRoute, command_text, query, told, while_wanted

MOST_FILTERS = 64
LEVELS = 127  # of a map and of a filter, to either side


class Which(Command):
    """A run, by its name."""

    run: str


async def learnt(studio: Studio, request: Request) -> Any:
    """Say what the first filters are, and what some parts make of a picture, epoch by epoch."""
    return await asyncio.to_thread(_learnt, studio, query(request, "run"))


def _learnt(studio: Studio, name: str) -> dict[str, Any]:
    run = RunDirectory.open(name, studio.workspace.runs_dir)
    kept, by_part = filters.kept(run), maps.kept(run)
    epochs = sorted({epoch for part in by_part.values() for epoch in part.maps} | _some(list(kept)))
    picture = next((part.picture for part in by_part.values()), None)
    keys = run.read_json("pictures.json").get("keys", []) if picture is not None else []
    by_part = {part: _strongest_first(found) for part, found in by_part.items()}
    largest = {part: max(float(np.abs(one).max()) for one in found.maps.values()) for part, found in by_part.items()}
    return {
        "epochs": epochs,
        "filters": {str(epoch): _filters(kept[epoch]) for epoch in epochs if epoch in kept},
        "parts": [
            {
                "name": part,
                "channels": list(found.channels),
                "maps": {str(epoch): _packed(one, largest[part]) for epoch, one in found.maps.items()},
                "largest": largest[part],
            }
            for part, found in by_part.items()
        ],
        "picture": keys[picture] if picture is not None and picture < len(keys) else None,
        "source": run.source().get("location") or run.source().get("name"),
        "command": command_text(studio, "look", run.name),
    }


def _strongest_first(part: maps.Kept) -> maps.Kept:
    """Return a part with the channels that were ever strongest first, the same order in every epoch."""
    strongest = np.max([np.abs(one).max(axis=(1, 2)) for one in part.maps.values()], axis=0)
    order = np.argsort(-strongest, kind="stable")
    by_epoch = {epoch: one[order] for epoch, one in part.maps.items()}
    return maps.Kept(part.picture, tuple(part.channels[at] for at in order.tolist()), by_epoch)


def _some(epochs: list[int], most: int = 41) -> set[int]:
    """Return some of the epochs, the first and the last among them."""
    if len(epochs) <= most:
        return set(epochs)
    return {epochs[round(at)] for at in np.linspace(0, len(epochs) - 1, most)}


def _filters(weights: NDArray[Any]) -> dict[str, Any]:
    """Return the first filters (N, C, H, W) as whole numbers, -127 to 127 of the largest: three channels as colours."""
    some = weights[:MOST_FILTERS]
    if some.shape[1] not in (1, 3):
        some = some[:, :1]
    return {"shape": list(some.shape), **_packed(some, float(np.abs(some).max()) or 1.0)}


def _packed(values: NDArray[Any], largest: float) -> dict[str, Any]:
    whole = np.round(values * (LEVELS / (largest or 1.0))).clip(-LEVELS, LEVELS).astype(np.int8)
    return {"shape": list(values.shape), "values": base64.b64encode(whole.tobytes()).decode()}


async def wrong(studio: Studio, request: Request) -> Any:
    """Say what a training gets wrong now, of its validation pictures."""
    run = RunDirectory.open((await told(request, Which)).run, studio.workspace.runs_dir)
    found = await while_wanted(request, studio.questions.ask("watch.wrong", {"run": run.name}))
    return {**found, "command": command_text(studio, "evaluate", run.name, "--split", found["part"])}


def wrong_now(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Answer which pictures a run gets wrong by its newest checkpoint, the surest first."""
    from striate.verbs.evaluate import evaluate

    run = RunDirectory.open(arguments["run"], workspace.runs_dir)
    found = evaluate(run.name, split=None if run.finished() else "val", workspace=workspace)
    rows = found.found.worst(24).tolist()
    return {
        "part": found.part,
        "pictures": len(found.keys),
        "headline": found.found.headline.exactly(),
        "notes": list(found.notes),
        "source": run.source().get("location") or run.source().get("name"),
        "worst": [{"key": found.keys[row], "said": found.found.caption(row)} for row in rows],
    }


ROUTES = (
    StudioRoute("GET", "/api/watch/learnt", learnt),
    StudioRoute("POST", "/api/watch/wrong", wrong),
)
QUESTIONS = {"wrong": wrong_now}
