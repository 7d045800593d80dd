"""Look inside: any number of any layer, and what it was made of, back to the picture; what a channel looks for."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request

from striate.runs.run import RunDirectory
from striate.verbs.workspace import Workspace
from striate.web.studio.given_pictures import given_at
from striate.web.studio.journey import Command, Studio, StudioRoute, command_text, query, told, while_wanted

LANE: Final = "look"  # the process that has the models, as of `ask`
MAPS: Final = 64  # channels of a part that are shown, the most active first
LEVELS: Final = 127  # of a map, to either side
SIDE: Final = 128  # positions of a map; of a larger one every second, third ... is shown
TERMS: Final = 20_000  # of a number that are told; of more the largest


class Place(Command):
    """A place in a network that looks at a picture: a part, a channel of it, ``at`` [row, column]."""

    run: str
    picture: str
    part: str
    channel: int | None = None
    at: list[int] | None = None


async def parts_in_order(studio: Studio, request: Request) -> Any:
    """List the parts of a run's network."""
    run = RunDirectory.open(query(request, "run"), studio.workspace.runs_dir)
    return await studio.questions.ask("look.parts", {"run": run.name}, lane=LANE)


def parts_of_net(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Answer which parts a network has, with what each puts out."""
    from striate.runs.rebuild import surveyed
    from striate.verbs.predict import open_predictor

    predictor = open_predictor(run=arguments["run"], workspace=workspace)
    rows = [row for row in surveyed(predictor.facts).rows if not row.auxiliary and row.output is not None]
    return {
        "names": list(predictor.labels.names),
        "parts": [{"part": row.path, "layer": row.layer, "output": list(row.shape)} for row in rows],
    }


async def maps_of_part(studio: Studio, request: Request) -> Any:
    """Say what a part puts out for a picture."""
    return await _asked(studio, request, "look.map")


def maps_shown(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Answer what a part puts out: its most active channels, as whole numbers of -127 to 127 of the largest."""
    from striate.interpret.arithmetic.dot import as_map

    probe = _probe(workspace, arguments)
    part = probe.part(arguments["part"])
    values = as_map(next(iter(probe.tap([part]).values())))
    strength = np.maximum(values, 0).mean((1, 2)) + 1e-6 * np.abs(values).mean((1, 2))
    order = np.argsort(-strength, kind="stable")[:MAPS].tolist()
    chosen = arguments["channel"]
    if chosen is not None and 0 <= chosen < len(values) and chosen not in order:
        order = [chosen, *order[:-1]]
    step = max(1, -(-max(values.shape[1:]) // SIDE))
    some = values[order][:, ::step, ::step]
    largest = float(np.abs(values).max()) or 1.0
    return {
        "part": part,
        "channels": order,
        "of": len(values),
        "flat": not probe.shape(part).is_map,
        "size": list(values.shape[1:]),
        "step": step,
        "largest": largest,
        "signed": bool((values < 0).any()),
        "maps": _packed(some, largest),
    }


def _packed(values: NDArray[Any], largest: float) -> dict[str, Any]:
    whole = np.round(values * (LEVELS / largest)).clip(-LEVELS, LEVELS).astype(np.int8)
    return {"shape": list(values.shape), "values": base64.b64encode(whole.tobytes()).decode()}


async def number_made(studio: Studio, request: Request) -> Any:
    """Say how one number was made."""
    return await _asked(studio, request, "look.number", verb="dot")


def number_terms(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Answer how one number of a network was made, term by term: the largest, where there are very many."""
    from striate.verbs.dot import dot
    from striate.verbs.probe import Network

    at = arguments["at"]
    found = dot(
        Path(arguments["path"]),
        arguments["part"],
        arguments["channel"],
        None if at is None else (at[0], at[1]),
        network=Network(run=arguments["run"], workspace=workspace),
    )
    said = found.to_dict() | {"place": found.place, "count": len(found.contributions.terms)}
    if said["count"] > TERMS:
        kept = found.contributions.largest(TERMS).tolist()
        said["window"] = None
        for name in ("values", "places", "source", "padding", "weights", "terms"):
            said[name] = None if said[name] is None else [said[name][one] for one in kept]
    for one in (said, *said["then"]):
        one["formula"] = one["formula"][:2_000]
    said["then"] = [{name: one[name] for name in ("part", "layer", "rule", "formula")} for one in said["then"]]
    return said


async def sought(studio: Studio, request: Request) -> Any:
    """Say what a part sees, or what a channel of it looks for: what excites it, what maximises it."""
    return await while_wanted(request, _asked(studio, request, "look.part", verb="look"))


def part_looked_into(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Answer what a part sees, or what a channel looks for."""
    from striate.verbs.look import answers, look_at
    from striate.verbs.probe import Network
    from striate.web.studio.told_answers import told_answers

    at = arguments["at"]
    found = look_at(
        Path(arguments["path"]),
        Network(run=arguments["run"], workspace=workspace),
        part=arguments["part"],
        channel=arguments["channel"],
        at=None if at is None else (at[0], at[1]),
        without_missing=True,
    )
    return {"answers": told_answers(answers(found))}


async def _asked(studio: Studio, request: Request, question: str, *, verb: str | None = None) -> Any:
    place = await told(request, Place)
    found = given_at(studio.state, place.picture)
    if place.at is not None and len(place.at) != 2:
        place = place.model_copy(update={"at": None})
    said = await studio.questions.ask(question, place.model_dump() | {"path": str(found.path)}, lane=LANE)
    if verb is None:
        return said
    words = [verb, found.shown, "--run", place.run, "--part", place.part]
    if place.channel is not None:
        words += ["--channel", str(place.channel)]
    if place.at is not None:
        words += ["--at", ",".join(map(str, place.at))]
    return {**said, "command": command_text(studio, *words)}


def _probe(workspace: Workspace, arguments: Mapping[str, Any]) -> Any:
    """Return the network with the picture: without torch where that will do, as `striate dot` does."""
    from striate.errors import ModelError
    from striate.verbs.probe import Network, open_onnx_probe, open_probe

    network, path = Network(run=arguments["run"], workspace=workspace), Path(arguments["path"])
    try:
        return open_onnx_probe(network.file(), path)
    except ModelError:
        return open_probe(path, network)


ROUTES = (
    StudioRoute("GET", "/api/look/parts", parts_in_order),
    StudioRoute("POST", "/api/look/map", maps_of_part),
    StudioRoute("POST", "/api/look/number", number_made),
    StudioRoute("POST", "/api/look/part", sought),
)
QUESTIONS = {"parts": parts_of_net, "map": maps_shown, "number": number_terms, "part": part_looked_into}
