"""What stands before the studio: host and page of every request, then who knows the token, by a cookie from then on.

The token is in the address that a person opens, once. Whoever has it is given a cookie that no other site's page can
have sent (SameSite=Strict) and no script can read, and is sent on to the same address without it.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, final
from urllib.parse import parse_qs

from striate.web.server.admission import Refused
from striate.web.server.gate import ALWAYS, check_host, check_page, headers_of, refuse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LONGEST: Final = 16_384  # bytes of an address: paths of folders and pictures are in it
NAMES: Final = frozenset({"localhost"})
_LOG: Final = logging.getLogger("striate.studio")
_SENT_ON: Final = (
    b'<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=/">'
    b'<title>Striate studio</title><p><a href="/">To the studio</a></p></html>'
)
_LOCKED: Final = (
    b'<!doctype html><html lang="en"><meta charset="utf-8"><title>Striate studio</title><h1>This studio is locked</h1>'
    b"<p>Open the whole address that <code>striate studio</code> printed in its terminal: it has a token in it, and"
    b" this browser then knows it.</p></html>"
)


@final
class StudioGate:
    """An ASGI application around another one. ``secret`` makes the cookie, so that a restart locks no page out."""

    def __init__(self, app: ASGIApp, *, token: str, secret: str) -> None:
        self._app, self._token = app, token
        self._cookie = hmac.new(secret.encode(), b"cookie", hashlib.sha256).hexdigest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": _with_ours(message["headers"])}
            await send(message)

        try:
            headers = headers_of(scope)
            if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > LONGEST:
                raise Refused(414, f"an address of over {LONGEST:,} bytes")
            host = check_host(headers.get(b"host", []), NAMES)
            if self._is_opened(scope, headers):
                port = host.rpartition(":")[2]
                cookie = f"striate-{port}={self._cookie}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000"
                await _page(told, 200, _SENT_ON, [(b"set-cookie", cookie.encode())])
                return
            check_page(headers, host, scope["method"], scope.get("scheme", "http"))
            if not self._knows(headers, host):
                if scope["path"] == "/" and scope["method"] == "GET":
                    await _page(told, 401, _LOCKED, [])
                    return
                raise Refused(401, "this page is not let in any more: open the address that striate studio printed")
            await self._app(scope, receive, told)
        except Refused as refused:
            await refuse(told, refused)
        except Exception:
            _LOG.exception("a fault of the studio")

    def _is_opened(self, scope: Scope, headers: Mapping[bytes, list[bytes]]) -> bool:
        """Whether a person opens the address with the token, from wherever they have it."""
        if scope["method"] != "GET" or scope["path"] != "/" or not scope["query_string"]:
            return False
        if headers.get(b"sec-fetch-mode", [b"navigate"]) != [b"navigate"] or b"origin" in headers:
            return False
        said = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        return len(said) == 1 and hmac.compare_digest(said[0].encode(), self._token.encode())

    def _knows(self, headers: Mapping[bytes, list[bytes]], host: str) -> bool:
        name = f"striate-{host.rpartition(':')[2]}"
        for line in headers.get(b"cookie", []):
            for pair in line.decode("latin-1").split(";"):
                key, _, value = pair.strip().partition("=")
                # Compared in a time that does not depend on where they differ.
                if key == name and hmac.compare_digest(value.encode("latin-1"), self._cookie.encode()):
                    return True
        return False


def _with_ours(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer with those that every one has, where it does not say otherwise itself."""
    said = {name for name, _ in headers}
    ours = (*ALWAYS, (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"))
    return [*headers, *(pair for pair in ours if pair[0] not in said)]


async def _page(send: Send, status: int, body: bytes, more: list[tuple[bytes, bytes]]) -> None:
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(len(body)).encode()), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
