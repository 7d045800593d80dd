"""The application of the studio: the page, its files, and the routes of every journey."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from striate.errors import StriateError
from striate.web.server.admission import Refused
from striate.web.server.gate import error_body
from striate.web.studio import page_files
from striate.web.studio.journey import Studio, StudioRoute, json_of
from striate.web.studio.journeys.table import JOURNEYS

Answer = Callable[[Request], Awaitable[Response]]
REFUSED: Final = 422  # what was asked for cannot be done, and why


def studio_application(studio: Studio) -> Starlette:
    """Return the application."""

    async def page(request: Request) -> Response:
        return page_files.page(request)

    async def file(request: Request) -> Response:
        return page_files.file(request, request.path_params["name"])

    routes = [
        Route("/", _answering(page), methods=["GET"]),
        Route("/static/{name:path}", _answering(file), methods=["GET"]),
    ]
    for module in JOURNEYS.values():
        for one in import_module(module).ROUTES:
            routes.append(Route(one.path, _answering(_done(studio, one)), methods=[one.method]))
    app = Starlette(routes=routes, exception_handlers={HTTPException: _http})
    app.router.redirect_slashes = False
    return app


def _done(studio: Studio, route: StudioRoute) -> Answer:
    async def answer(request: Request) -> Response:
        found = await route.does(studio, request)
        if isinstance(found, Response):
            return found
        return Response(status_code=204) if found is None else json_of(found)

    return answer


def _answering(answer: Answer) -> Answer:
    """Return it with refusals as answers: what a person did wrong, in the words a command would say it in."""

    async def answered(request: Request) -> Response:
        try:
            return await answer(request)
        except Refused as refused:
            return Response(
                error_body(refused.reason), refused.status, refused.all_headers(), media_type="application/json"
            )
        except StriateError as error:
            return Response(error_body(str(error)), REFUSED, media_type="application/json")

    return answered


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = {404: "there is nothing here", 405: "not by this method"}
    body = error_body(said.get(error.status_code, str(error.detail)))
    return Response(body, error.status_code, error.headers, media_type="application/json")
