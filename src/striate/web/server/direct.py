"""FastAPI's application, which describes every route; those that take pictures are called at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from fastapi import FastAPI, Request
from fastapi.responses import Response

from striate.web.server.admission import Refused

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

Route: TypeAlias = Callable[[Request], Awaitable[Response]]
Failed: TypeAlias = Callable[[Request, Exception], Awaitable[Response]]


class DirectApplication(FastAPI):
    """Calls ``direct``, routes by their path, for POST; anything else goes FastAPI's way.

    That way, through middleware and dependencies that no route of ours has, takes a third of the event loop's time of a
    request. ``refused`` and ``fault`` make answers of what a route raises.
    """

    def __init__(self, refused: Failed, fault: Failed, **how: Any) -> None:
        super().__init__(**how)
        self.direct: dict[str, Route] = {}
        self._refused, self._fault = refused, fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        route = self.direct.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if route is None:
            await super().__call__(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            answer = await route(request)
        except Refused as refused:
            answer = await self._refused(request, refused)
        except Exception as error:  # the gate hears of it too
            await (await self._fault(request, error))(scope, receive, send)
            raise
        await answer(scope, receive, send)
