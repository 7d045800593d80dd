"""The routes: what may be asked, and how it is answered. None takes a path, an address or code."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from striate.errors import PictureError, StriateError
from striate.model.files.weights import version
from striate.web.server import inference, pages, schema
from striate.web.server.admission import Admission, Refused, Ticket
from striate.web.server.answering import Answering, until
from striate.web.server.direct import DirectApplication, Route
from striate.web.server.gate import METRICS, error_body
from striate.web.server.metrics import CONTENT_TYPE, Metrics
from striate.web.server.models import Models, Served
from striate.web.server.queries import query_of, wanted_of, whole
from striate.web.server.settings import Settings
from striate.web.server.uploads import body_of, pictures_of

if TYPE_CHECKING:
    from striate.search.index_files import Index

_NUMBER: Final = 12
_MOST_FOUND: Final = 1_000


@dataclass(frozen=True, eq=False)
class Serving:
    """What the routes work with. ``ready`` says whether new requests are wanted."""

    settings: Settings
    models: Models
    answering: Answering
    admission: Admission
    metrics: Metrics
    index: Index | None
    ready: Callable[[], bool]
    restarts: Callable[[], int]


def application(serving: Serving) -> FastAPI:
    """Return the application of all routes."""
    app = DirectApplication(
        _refused, _fault, title="Striate", version=version(), docs_url=None, redoc_url=None, openapi_url=None
    )
    app.router.redirect_slashes = False
    routes = _Routes(serving)
    table: list[tuple[str, str, Route, str]] = [
        ("POST", "/predict", routes.predict, "What a model says of pictures"),
        ("POST", "/find", routes.find, "The pictures of the index that are most like one"),
        ("POST", "/look", routes.look, "Why a model says so: where an answer hangs on the picture"),
        ("GET", "/models", routes.models, "The models that are served"),
        ("GET", METRICS, routes.metrics, "Counters, for Prometheus"),
        ("GET", "/v2", routes.server, "Open Inference Protocol: the server"),
        ("GET", "/v2/health/live", routes.live, "Whether the server runs"),
        ("GET", "/v2/health/ready", routes.is_ready, "Whether it takes requests"),
        ("GET", "/v2/models/{model}", routes.model, "What a model takes and gives"),
        ("GET", "/v2/models/{model}/ready", routes.model_ready, "Whether a model answers"),
        ("POST", "/v2/models/{model}/infer", routes.infer, "A model's outputs for pixels"),
        ("GET", "/v2/models/{model}/versions/{version}", routes.model, "The same, of a version"),
        ("GET", "/v2/models/{model}/versions/{version}/ready", routes.model_ready, "The same, of a version"),
        ("POST", "/v2/models/{model}/versions/{version}/infer", routes.infer, "The same, of a version"),
        ("GET", "/openapi.json", routes.openapi, "This interface, as OpenAPI 3.1"),
        ("GET", "/docs", routes.docs, "This interface, as a page"),
        ("GET", "/", routes.docs, "This interface, as a page"),
    ]
    for method, path, route, summary in table:
        app.add_api_route(
            path,
            route,
            methods=[method],
            summary=summary,
            response_model=None,
            openapi_extra=schema.extra(method, path),
        )
        if method == "POST" and "{" not in path:
            app.direct[path] = route
        if method == "GET":  # what watches a server asks by HEAD too (RFC 9110, 9.1); uvicorn sends no body then
            app.add_api_route(path, route, methods=["HEAD"], response_model=None, include_in_schema=False)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _fault)
    return app


def route_of(path: str) -> str:
    """Return the name under which a path is counted: of few, whatever is asked.

    >>> route_of("/v2/models/pets/infer"), route_of("/predict"), route_of("/etc/passwd")
    ('/v2/models/infer', '/predict', 'other')
    """
    if path in ("/predict", "/find", "/look", "/models", METRICS, "/openapi.json", "/docs", "/"):
        return path
    if path.startswith("/v2/models/"):
        return "/v2/models/infer" if path.endswith("/infer") else "/v2/models"
    return "/v2" if path == "/v2" or path.startswith("/v2/health/") else "other"


class _Routes:
    """One method a route."""

    def __init__(self, serving: Serving) -> None:
        self._all = serving
        self._looking = False

    async def predict(self, request: Request) -> Response:
        """Answer the pictures of a request."""
        query = query_of(request, "model", "top", "unknown", "mask", "timeout")
        served = self._served(query.get("model"))
        wanted = wanted_of(query)
        deadline = until(self._all.settings.deadline, query)
        with self._all.admission.enter() as ticket:
            files, several = await pictures_of(request, ticket, self._all.settings)
            ticket.more(len(files) - 1)
            try:
                found = await self._all.answering.answers(served, files, wanted, deadline)
            except StriateError as error:  # such as masks of answers that have none
                raise Refused(400, str(error)) from None
        self._count(served, found)
        if not several and isinstance(found[0], PictureError):
            raise _unread(found[0])
        answers = [
            {"error": str(one), "status": _unread(one).status} if isinstance(one, PictureError) else one
            for one in found
        ]
        status = 422 if all(isinstance(one, PictureError) for one in found) else 200
        return _json({"model": served.name, "version": served.version, "answers": answers}, status)

    async def find(self, request: Request) -> Response:
        """Answer which pictures of the index are like the one of a request."""
        index = self._all.index
        if index is None:
            raise Refused(404, "no index is served; striate serve --index FOLDER serves one")
        query = query_of(request, "number", "timeout")
        number = whole(query, "number", _NUMBER, _MOST_FOUND)
        deadline = until(self._all.settings.deadline, query)
        from striate.web.server.finding import found

        with self._all.admission.enter() as ticket:
            file = await self._only(request, ticket)
            try:
                picture = await self._all.answering.decoded(file, index.embedder.preprocess, deadline)
            except PictureError as error:
                raise _unread(error) from None
            return _json(await asyncio.to_thread(found, index, picture, number))

    async def look(self, request: Request) -> Response:
        """Answer a picture, and say why: which of its places the answer hangs on."""
        query = query_of(request, "model", "of", "timeout")
        served = self._served(query.get("model"))
        deadline = until(self._all.settings.deadline, query)
        with self._all.admission.enter() as ticket:
            file = await self._only(request, ticket)
            if self._looking:  # two hundred pictures are computed for it, so that one is enough at a time
                raise self._all.admission.busy("another picture is looked at")
            self._looking = True
            try:
                batch = self._all.settings.batch
                found = await self._all.answering.looked(served, file, query.get("of"), batch, deadline)
            except PictureError as error:
                raise _unread(error) from None
            finally:
                self._looking = False
        return _json({"model": served.name, "version": served.version, **found})

    async def _only(self, request: Request, ticket: Ticket) -> bytes:
        """Return the one picture that a request brings. Errors: Refused."""
        files, _ = await pictures_of(request, ticket, self._all.settings)
        if len(files) > 1:
            raise Refused(400, f"{len(files)} pictures; one is taken at a time")
        return files[0]

    async def models(self, request: Request) -> Response:
        """Say which models are served."""
        return _json(
            {
                "models": [
                    {
                        "name": one.name,
                        "version": one.version,
                        "task": one.predictor.task.name,
                        "names": list(one.predictor.labels.names),
                        "input": {
                            "height": one.predictor.preprocess.height,
                            "width": one.predictor.preprocess.width,
                            "channels": one.predictor.preprocess.channels,
                        },
                        "digest": one.digest,
                        "cautions": list(one.predictor.task.warnings(one.predictor.learnt, {"unknown": True})),
                    }
                    for one in self._all.models.served.values()
                ],
                "index": None if self._all.index is None else {"pictures": len(self._all.index)},
            }
        )

    async def metrics(self, request: Request) -> Response:
        """Say the counters."""
        metrics, admission = self._all.metrics, self._all.admission
        metrics.under_way.set(admission.pictures)
        metrics.held.set(admission.bytes)
        metrics.refused.set(admission.refused)
        metrics.restarts.set(self._all.restarts())
        for one in self._all.models.served.values():
            metrics.version.labels(one.name).set(one.version)
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    async def server(self, request: Request) -> Response:
        """Say what this server is."""
        return _json({"name": "striate", "version": version(), "extensions": ["binary_tensor_data"]})

    async def live(self, request: Request) -> Response:
        """Say that it runs."""
        return _json({"live": True})

    async def is_ready(self, request: Request) -> Response:
        """Say whether it takes requests."""
        ready = self._all.ready()
        return _json({"ready": ready}, 200 if ready else 503)

    async def model(self, request: Request) -> Response:
        """Say what a model takes and gives."""
        return _json(inference.metadata(self._named(request)))

    async def model_ready(self, request: Request) -> Response:
        """Say whether a model answers."""
        served = self._named(request)
        return _json({"name": served.name, "ready": True})

    async def infer(self, request: Request) -> Response:
        """Answer tensors."""
        served, settings = self._named(request), self._all.settings
        header = request.headers.get("inference-header-content-length")
        deadline = until(settings.deadline, query_of(request, "timeout"))
        if request.headers.get("content-encoding", "identity") != "identity":
            raise Refused(415, "a body that is packed is not taken: send it as it is")
        with self._all.admission.enter() as ticket:
            body = await body_of(request, ticket, settings.upload)
            asked = await asyncio.to_thread(inference.read, served, body, header, most=settings.parts)
            ticket.more(len(asked.pixels) - 1)
            found = await self._all.answering.of_pixels(served, asked.pixels, deadline)
            self._count(served, found)
            answers = []
            for one in found:
                if isinstance(one, PictureError):
                    raise Refused(422, str(one))
                answers.append(one)
            content, length = await asyncio.to_thread(inference.written, served, asked, answers)
        if length is None:
            return Response(content, media_type="application/json")
        headers = {"inference-header-content-length": str(length)}
        return Response(content, media_type="application/octet-stream", headers=headers)

    async def openapi(self, request: Request) -> Response:
        """Say this interface."""
        return _json(request.app.openapi())

    async def docs(self, request: Request) -> Response:
        """Show this interface."""
        names = [one.name for one in self._all.models.served.values()]
        content, policy = pages.page(request.app.openapi(), names)
        return Response(content, media_type="text/html", headers={"content-security-policy": policy})

    def _served(self, name: str | None) -> Served:
        served = self._all.models.pick(name)
        if served is None:
            known = ", ".join(self._all.models.served)
            raise Refused(404, f"no model is served by that name; there are {known}")
        return served

    def _named(self, request: Request) -> Served:
        served = self._served(request.path_params["model"])
        version = request.path_params.get("version")
        if version is not None and version != str(served.version):
            raise Refused(404, f"of {served.name}, version {served.version} is served")
        return served

    def _count(self, served: Served, found: list[Any]) -> None:
        for one in found:
            outcome = "refused" if isinstance(one, PictureError) else "answered"
            self._all.metrics.pictures.labels(served.name, outcome).inc()


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return Response(
        error_body(error.reason, request.scope.get("striate.id", "")),
        error.status,
        error.all_headers(),
        "application/json",
    )


async def _fault(request: Request, error: Exception) -> Response:
    """Say that it is ours; the gate hears of the error too, and logs it."""
    body = error_body("a fault of the server; its log says which", request.scope.get("striate.id", ""))
    return Response(body, 500, media_type="application/json")


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = {404: "there is nothing here; /docs says what there is", 405: "not by this method; /docs says by which"}
    reason = said.get(error.status_code, str(error.detail))
    return Response(
        error_body(reason, request.scope.get("striate.id", "")), error.status_code, error.headers, "application/json"
    )


def _json(value: Mapping[str, Any], status: int = 200) -> Response:
    """Return JSON, inert wherever it is shown."""
    said = json.dumps(value, allow_nan=False).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Response(said, status, media_type="application/json")


def _unread(error: PictureError) -> Refused:
    """Return that a picture cannot be read: never (422), or not here (415), where a package that is left out would."""
    reason = str(error)
    reads_on = reason.startswith(("does not decode", "has "))  # what follows a picture's name
    return Refused(415 if error.passing else 422, f"the picture {reason}" if reads_on else reason)
