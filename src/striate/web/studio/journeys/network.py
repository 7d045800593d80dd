"""Network: the catalogue and one's own text, surveyed on every keystroke; what does not fit, and what would."""

from __future__ import annotations

import asyncio
import shlex
import time
from functools import cache, lru_cache
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from striate import nets
from striate.errors import DescribeError, NotationError, RecipeError, StriateError
from striate.recipe import Recipe
from striate.render.svg.diagram import diagram
from striate.spec.layers import LAYERS
from striate.spec.notation import usage
from striate.spec.shape import Shape
from striate.spec.summary import fold
from striate.spec.survey import Survey
from striate.tasks.table import task_for
from striate.tasks.task import LabelFacts, Task
from striate.verbs.describe import describe, parse_input
from striate.verbs.nets import list_nets
from striate.web.studio.albums import Album
from striate.web.studio.journey import Command, Studio, StudioRoute, told

LONGEST: Final = 40_000  # characters of a net: five times the longest of the catalogue
SAMPLES: Final = 6
ROWS: Final = 400  # of a survey that are shown


class Bench(Command):
    """A net and what it is put on. ``classes`` None: left open; ``floor`` takes what it never sees as it is."""

    net: str
    input: str
    classes: int | None = None
    floor: bool = False
    folder: str | None = None


async def catalogue(studio: Studio, request: Request) -> Any:
    """List the nets of the catalogue, and every layer there is, as it is written."""
    return await asyncio.to_thread(_catalogue)


@cache
def _catalogue() -> dict[str, Any]:
    layers = [
        {"keyword": word, "usage": usage(kind), "does": (kind.__doc__ or "").strip().partition("\n")[0]}
        for word, kind in LAYERS.items()
    ]
    return {"nets": [one.to_dict() for one in list_nets()], "layers": layers}


async def begin(studio: Studio, request: Request) -> Any:
    """Say what a network is first put on: the size and the outputs that a training on a folder would take by itself."""
    folder = request.query_params.get("folder")
    if folder is None:
        return {"net": "lenet5", "input": "1x28x28", "classes": 10, "samples": [], "names": [], "why": None}
    return await asyncio.to_thread(_begin, studio, folder)


def _begin(studio: Studio, folder: str) -> dict[str, Any]:
    album = studio.albums.get(folder)
    task, facts = _learnt(album)
    seen = album.mended.facts()
    height, width = seen.common_size or seen.median_size
    why = None
    try:
        config = Recipe(source=folder, task=task.name, start="none").settled(
            pictures=len(album.mended.items),
            height=height,
            width=width,
            uniform=seen.common_size is not None,
            gray=seen.gray,
            usual=task.usual(len(album.mended.items), chance=True),
        )
        net, size, channels = config.net, config.size, 1 if config.colour == "gray" else 3
    except RecipeError as error:
        net, size, channels, why = "lenet5", (height, width), 1 if seen.gray else 3, str(error)
    keys = [item.key for item in album.mended.items]
    step = max(1, len(keys) // SAMPLES)
    return {
        "net": net,
        "input": str(Shape(channels, *size)),
        "classes": task.width(facts),
        "names": list(facts.names),
        "samples": keys[::step][:SAMPLES],
        "why": why,
    }


@lru_cache(maxsize=8)
def _learnt(album: Album) -> tuple[Task, LabelFacts]:
    """Return what is learnt of an album, and the names of it."""
    task = task_for(album.mended.kind)
    return task, task.labels(album.mended, Recipe(source=album.mended.location, task=task.name)).kept


async def survey(studio: Studio, request: Request) -> Any:
    """Work out a net on an input: every part, what it costs, what does not fit and what would."""
    bench = await told(request, Bench)
    return await asyncio.to_thread(_worked_out, studio, bench)


def _worked_out(studio: Studio, bench: Bench) -> dict[str, Any]:
    began = time.perf_counter()
    found: Survey | None = None
    wrong: dict[str, Any] | None = None
    try:
        found = _described(bench)
        if bench.folder is not None:
            task, facts = _learnt(studio.albums.get(bench.folder))
            task.check(found, facts)
    except DescribeError as error:
        found = found or error.survey
        wrong = _wrong(error)
    return {
        "survey": None if found is None else _shown(found),
        "wrong": wrong,
        "command": _command(bench),
        "milliseconds": 1000 * (time.perf_counter() - began),
    }


def _described(bench: Bench) -> Survey:
    """Return the survey of what is on the bench. Errors: DescribeError."""
    if len(bench.net) > LONGEST:
        raise DescribeError(f"a net of {len(bench.net):,} characters; here it has at most {LONGEST:,}")
    if not bench.net.strip():
        raise DescribeError("a net begins with a layer, such as conv 16 3x3, or is one of the catalogue by its name")
    if bench.classes is not None and not 1 <= bench.classes <= 1_000_000:
        raise DescribeError(f"{bench.classes:,} outputs; a net has 1 to 1,000,000")
    return describe(bench.net, parse_input(bench.input), classes=bench.classes, fit="floor" if bench.floor else None)


def _shown(found: Survey) -> dict[str, Any]:
    """Return a survey for the page, its repeats folded."""
    rows = list(fold(found.rows))
    said = found.to_dict()
    return said | {
        "input": str(found.input),
        "output": None if found.output is None else str(found.output),
        "rows": [row.to_dict() | {"output": str(row.output or "")} for row in rows[:ROWS]],
        "more": max(0, len(rows) - ROWS),
        "unseen": None if found.unseen is None else f"{found.unseen} of the picture",
    }


def _wrong(error: DescribeError) -> dict[str, Any]:
    """Return what does not fit: why, where in the text, and the changes that were tried and work."""
    said, _, rest = str(error).partition("\n")
    return {
        "where": rest if isinstance(error, NotationError) else None,
        "why": said,
        "fits": [
            {"text": one.text, "net": str(one.net), "input": str(one.input), "floor": one.fit == "floor"}
            for one in error.proposals
        ],
    }


def _command(bench: Bench) -> str:
    """Return the command that surveys what is on the bench."""
    # On one line, where no comment ends with the line.
    net = bench.net.strip() if "#" in bench.net else " ".join(bench.net.split())
    words = ["striate", "describe", net, "--input", bench.input]
    if bench.classes is not None:
        words += ["--classes", str(bench.classes)]
    if bench.floor:
        words += ["--fit", "floor"]
    return shlex.join(words)


async def drawn(studio: Studio, request: Request) -> Response:
    """Draw the blocks of a net that fits."""
    bench = await told(request, Bench)
    return Response(await asyncio.to_thread(_drawn, bench), media_type="image/svg+xml")


def _drawn(bench: Bench) -> bytes:
    found = _described(bench.model_copy(update={"floor": True}))
    name = bench.net.strip()
    try:
        return diagram(found.net, found.input, title=name if name in nets.CATALOG else "net").encode()
    except RecursionError:
        raise StriateError("a net of so many parts within each other is not drawn") from None


ROUTES = (
    StudioRoute("GET", "/api/network/catalogue", catalogue),
    StudioRoute("GET", "/api/network/begin", begin),
    StudioRoute("POST", "/api/network/survey", survey),
    StudioRoute("POST", "/api/network/diagram", drawn),
)
