"""What stands before every route, whatever the method: host, origin, token; then the time, the count and the line.

A browser can be made to send requests here by any page that it shows, and a name can be made to point at this machine
(DNS rebinding). So a request has to call this server by an address or by a name that it was given; one that says which
page it comes from, to come from here or from a page that was allowed; and to know the token, where there is one. It
looks at the raw path alone, never at an address put together from what a request says of itself.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping, Set
from typing import TYPE_CHECKING, Final, final

from striate.web.server.admission import Admission, Refused
from striate.web.server.settings import Settings, is_loopback

if TYPE_CHECKING:
    from prometheus_client import Counter
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from striate.web.server.log import Log
    from striate.web.server.metrics import Metrics

HEALTH: Final = ("/v2/health/live", "/v2/health/ready")  # what whoever watches a server may ask without the token
METRICS: Final = "/metrics"
TAKING: Final = (
    "/predict",
    "/look",
    "/find",
    "/v2/models/infer",
)  # the routes, as `route_of` calls them, that take pictures
LONGEST: Final = 2_048  # bytes of a path with its query
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,253})(?::[0-9]{1,5})?")
_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_PLAIN: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


def error_body(reason: str, identity: str = "") -> bytes:
    """Return a refusal as JSON, inert in whatever it is shown in."""
    said = {"error": reason, **({"id": identity} if identity else {})}
    return json.dumps(said).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").encode()


@final
class Gate:
    """An ASGI application around another one. ``route_of`` is the name of a path's route, for counting.

    Attributes: ``draining`` whether connections are closed after their answer; ``begun`` and ``answered``, how many.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        *,
        log: Log,
        metrics: Metrics,
        admission: Admission,
        route_of: Callable[[str], str],
        metrics_port: int | None = None,
    ) -> None:
        self._app, self._settings, self._log, self._metrics = app, settings, log, metrics
        self._admission, self._route_of, self._metrics_port = admission, route_of, metrics_port
        self._token = settings.token.encode()
        self._names = {name.lower() for name in settings.allow_host} | {"localhost"}
        self._origins = {origin.lower() for origin in settings.allow_origin}
        self._counted: dict[tuple[str, int], Counter] = {}  # what they count, found once: few, as routes and statuses
        self._called, self._host = [b""], ""  # the Host that was right last: most requests have the same
        self.draining = False
        self.begun = self.answered = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        begun, self.begun = time.perf_counter(), self.begun + 1
        headers = headers_of(scope)
        identity = _identity(headers)
        path, method = scope["path"], scope["method"]
        route = self._route_of(path)
        origin, status = b"", 0

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": self._more(message["headers"], identity, origin)}
            await send(message)

        try:
            origin = self._check(scope, headers)
            if origin and method == "OPTIONS" and b"access-control-request-method" in headers:
                await _answer(told, 204, b"", [(b"access-control-max-age", b"600"), *_ALLOWED])
            else:
                if method == "POST" and route in TAKING:  # a no costs a third of it here: no route is looked for
                    self._admission.check()
                await self._app({**scope, "striate.id": identity.decode()}, receive, told)
        except Refused as refused:
            await refuse(told, refused, identity.decode())
        except Exception as error:
            self._log.say("fault", id=identity.decode(), fault=f"{type(error).__name__}: {error}"[:300])
        took = time.perf_counter() - begun
        self.answered += 1
        counter = self._counted.get((route, status))
        if counter is None:
            counter = self._counted[route, status] = self._metrics.requests.labels(route, str(status))
        counter.inc()
        self._metrics.seconds.labels(route).observe(took)
        self._log.say(
            "request",
            id=identity.decode(),
            method=method[:10],
            path=path[:100],
            status=status,
            ms=round(took * 1000, 1),
            client=(scope.get("client") or ("",))[0],
        )

    def _check(self, scope: Scope, headers: dict[bytes, list[bytes]]) -> bytes:
        """Return the origin of another page that was allowed, b"" for none. Errors: Refused."""
        raw, path = scope.get("raw_path") or b"", scope["path"]
        if len(raw) + len(scope["query_string"]) > LONGEST:
            raise Refused(414, f"an address of over {LONGEST:,} bytes")
        if b"%" in raw or not raw.startswith(b"/"):  # no route has a character that wants it
            raise Refused(404, "there is nothing here")
        said = headers.get(b"host", [])
        if said != self._called:
            self._host = check_host(said, self._names, loopback=self._settings.on_loopback)
            self._called = said
        host = self._host
        origin = check_page(headers, host, scope["method"], scope.get("scheme", "http"), self._origins)
        alone = self._metrics_port is not None
        if alone and (scope.get("server") or ("", 0))[1] == self._metrics_port:
            if path != METRICS and path not in HEALTH:
                raise Refused(404, "here is /metrics alone")
            return origin
        if alone and path == METRICS:
            raise Refused(404, "/metrics has a port of its own")
        if self._token and path not in HEALTH and not (origin and scope["method"] == "OPTIONS"):
            self._check_token(headers.get(b"authorization", []))
        return origin

    def _check_token(self, said: list[bytes]) -> None:
        """Refuse whoever does not know the token. Errors: Refused (401)."""
        kind, _, token = said[0].partition(b" ") if len(said) == 1 else (b"", b"", b"")
        # Compared in a time that does not depend on where they differ.
        if kind.lower() != b"bearer" or not hmac.compare_digest(token.strip(), self._token):
            raise Refused(401, "a token is wanted: Authorization: Bearer ...", headers={"www-authenticate": "Bearer"})

    def _more(self, headers: list[tuple[bytes, bytes]], identity: bytes, origin: bytes) -> list[tuple[bytes, bytes]]:
        """Return the headers of an answer with those that every one has."""
        found = [*headers, *ALWAYS, (b"x-request-id", identity)]
        if not any(name == b"content-security-policy" for name, _ in headers):
            found.append(_PLAIN)
        if origin:
            found += [(b"access-control-allow-origin", origin), (b"vary", b"Origin"), _EXPOSED]
            found = [each for each in found if each[0] != b"cross-origin-resource-policy"]
        if self.draining and not any(name == b"connection" for name, _ in headers):
            found.append((b"connection", b"close"))
        return found


# What a page of another origin may read of an answer's headers: without it, not even when to try again.
_EXPOSED: Final = (
    b"access-control-expose-headers",
    b"retry-after, x-request-id, inference-header-content-length",
)
_ALLOWED: Final = (
    (b"access-control-allow-methods", b"GET, POST"),
    (
        b"access-control-allow-headers",
        b"authorization, content-type, x-request-id, inference-header-content-length",
    ),
)


def check_host(said: list[bytes], names: Set[str], *, loopback: bool = True) -> str:
    """Return what a request calls this server: an address of it, or one of its ``names``. Errors: Refused: 400, 421.

    Of a server on ``loopback`` an address is one of this machine alone.

    Example: ``check_host([b"127.0.0.1:8000"], {"localhost"})`` is ``"127.0.0.1:8000"``.
    """
    if len(said) != 1 or not (found := _HOST.fullmatch(said[0].decode("latin-1"))):
        raise Refused(400, "one Host is wanted, an address or a name", headers={"connection": "close"})
    name = found[1].lower().rstrip(".")
    try:
        # A name can be made to point here, a number cannot: it is where the connection went.
        fine = is_loopback(name) if loopback else bool(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        fine = False
    if not fine and name not in names:
        raise Refused(421, "this server is not called so; --allow-host lets it be", headers={"connection": "close"})
    return said[0].decode("latin-1").lower()


def check_page(
    headers: Mapping[bytes, list[bytes]], host: str, method: str, scheme: str, origins: Set[str] = frozenset()
) -> bytes:
    """Return the allowed origin, one of ``origins``, of another page that a request comes from, else b"".

    Errors: Refused (403) for any other page than one of this server.

    Example: ``check_page({}, "127.0.0.1:8000", "GET", "http")`` is ``b""``.
    """
    said, sites = headers.get(b"origin", []), headers.get(b"sec-fetch-site", [])
    if len(said) > 1 or len(sites) > 1:
        raise Refused(403, "more than one page that it comes from")
    if said:
        origin = said[0].decode("latin-1").lower()
        if origin in origins:
            return said[0]
        if origin != f"{scheme}://{host}":
            raise Refused(403, "a page of another origin; --allow-origin lets it ask")
    if sites and sites[0] != b"same-origin" and not (sites[0] == b"none" and method in ("GET", "HEAD")):
        raise Refused(403, "a page of another site; --allow-origin lets it ask")
    return b""


async def refuse(send: Send, refused: Refused, identity: str = "") -> None:
    """Answer a request with a refusal."""
    more = [(name.encode(), value.encode()) for name, value in refused.all_headers().items()]
    await _answer(send, refused.status, error_body(refused.reason, identity), more)


async def _answer(send: Send, status: int, body: bytes, more: list[tuple[bytes, bytes]]) -> None:
    headers = [(b"content-length", str(len(body)).encode()), *more]
    if body:
        headers.append((b"content-type", b"application/json"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def headers_of(scope: Scope) -> dict[bytes, list[bytes]]:
    """Return the headers of a request, each with all that is said of it."""
    found: dict[bytes, list[bytes]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name, []).append(value)
    return found


def _identity(headers: dict[bytes, list[bytes]]) -> bytes:
    """Return the identity that a request has, or a new one where it has none that is plain."""
    said = headers.get(b"x-request-id", [])
    if len(said) == 1 and _ID.fullmatch(said[0]):
        return said[0]
    return secrets.token_hex(8).encode()
