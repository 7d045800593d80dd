"""Who asks a server: one picture a request, and again where the server is busy or was not there. No torch.

The address is the one that a person gave, and no other: nothing is followed.
"""

from __future__ import annotations

import http.client
import json
import random
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, final
from urllib.parse import urlencode, urlsplit

from striate.errors import PictureError, ServeError

PATIENCE: Final = 60.0  # seconds for which a picture is tried
_LONGEST: Final = 10.0  # seconds between two tries
_MOST: Final = 100_000_000  # bytes of an answer
_BUSY: Final = (429, 502, 503, 504)


@final
class Client:
    """Asks the server at ``url``, with its ``token`` where it wants one; each picture for ``patience`` seconds.

    Errors: ServeError for what is no address of one.

    Example: ``Client("127.0.0.1:8000").url`` is ``"http://127.0.0.1:8000"``.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str = "",
        patience: float = PATIENCE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        try:
            parts = urlsplit(url if "//" in url else f"http://{url}")
            host, port = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host or parts.scheme not in ("http", "https") or parts.path not in ("", "/") or parts.query:
            raise ServeError(f"{url[:80]}: the address of a server is like http://127.0.0.1:8000")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self.url = f"{parts.scheme}://{parts.netloc}"
        self._connection = kind(host, port, timeout=max(1.0, min(patience, 60.0)))
        self._token, self._patience, self._sleep = token, patience, sleep

    def predict(self, file: bytes, **asked: Any) -> dict[str, Any]:
        """Return the answer to a picture's file, as JSON; ``asked`` are words of the query (top, unknown, model, mask).

        Errors: PictureError where it cannot be read; ServeError where nobody answers, or refuses.
        """
        query = urlencode({name: str(value).lower() for name, value in asked.items() if value is not None})
        said = self._said("POST", f"/predict?{query}" if query else "/predict", file)
        try:
            (answer,) = said["answers"]
            if not isinstance(answer, dict):
                raise ValueError
        except (KeyError, TypeError, ValueError):
            raise ServeError(f"{self.url} answers, but not as a server of Striate does") from None
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _said(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        """Return what is answered, asked again while it is busy. Errors: PictureError, ServeError."""
        headers = {"content-type": "application/octet-stream"}
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        end, wait, first = time.monotonic() + self._patience, 0.1, True
        while True:
            after = 0.0
            try:
                self._connection.request(method, path, body, headers)
                reply = self._connection.getresponse()
                content = reply.read(_MOST)
                if reply.status not in _BUSY:
                    return self._read(reply.status, content)
                why = f"{self.url} is busy ({reply.status})"
                with suppress(ValueError):
                    after = min(float(reply.headers.get("retry-after", "0")), _LONGEST)
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                why = f"{self.url} does not answer: {error or type(error).__name__}"
                if first:  # a connection that was kept is closed by and by: asked again at once, on a new one
                    first = False
                    continue
            # Not all at the same moment again: each waits somewhat more or less.
            pause = max(after, wait) * random.uniform(0.75, 1.25)
            if time.monotonic() + pause > end:
                raise ServeError(f"{why}; tried for {self._patience:g} s")
            self._sleep(pause)
            wait = min(2 * wait, _LONGEST)

    def _read(self, status: int, content: bytes) -> dict[str, Any]:
        try:
            said = json.loads(content)
            if not isinstance(said, dict):
                raise ValueError
        except (ValueError, RecursionError):
            raise ServeError(f"{self.url} answers {status}, but not as a server of Striate does") from None
        if status == 200:
            return said
        answers = said.get("answers")
        reason = str(said.get("error") or (answers[0].get("error") if answers else "") or "no reason is said")[:300]
        if status == 422:
            raise PictureError(reason)
        raise ServeError(f"{self.url} refuses ({status}): {reason}")
