"""The files of the page: plain modules and styles of the package, an import map, and what the page may do at all."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from striate.web.server.admission import Refused

KINDS: Final = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}
IMPORTS: Final = {
    "preact": "/static/vendor/preact.mjs",
    "preact/hooks": "/static/vendor/preact-hooks.mjs",
    "@preact/signals-core": "/static/vendor/signals-core.mjs",
    "@preact/signals": "/static/vendor/signals.mjs",
    "htm": "/static/vendor/htm.mjs",
    "studio/": "/static/lib/",
}
STYLE: Final = "house.css"  # the style of the pages there are, whose tokens these take their values from


@cache
def contents() -> dict[str, bytes]:
    """Return every file below ``static/`` by its path, and the style of the house.

    Example: ``sorted(contents())[0]``
    """
    from striate.render.html.environment import environment

    found: dict[str, bytes] = {STYLE: environment().get_template("style.css").render().encode()}
    waiting = [("", files("striate.web.studio").joinpath("static"))]
    while waiting:
        before, folder = waiting.pop()
        for entry in folder.iterdir():
            if entry.is_dir():
                waiting.append((f"{before}{entry.name}/", entry))
            elif entry.name.rpartition(".")[2] in ("js", "mjs", "css", "svg", "html", "txt"):
                found[f"{before}{entry.name}"] = entry.read_bytes()
    return found


@cache
def index() -> tuple[bytes, str]:
    """Return the page and its content security policy: scripts and styles of here alone, nothing from elsewhere."""
    imports = json.dumps({"imports": IMPORTS}, separators=(",", ":"))
    digest = base64.b64encode(hashlib.sha256(imports.encode()).digest()).decode()
    first = [*IMPORTS.values(), *(f"/static/{name}" for name in sorted(contents()) if name.startswith("lib/"))]
    ahead = "\n".join(f'<link rel="modulepreload" href="{one}">' for one in first if one.endswith("js"))
    text = contents()["index.html"].decode().replace("{{imports}}", imports).replace("{{ahead}}", ahead)
    policy = (
        f"default-src 'none'; script-src 'self' 'sha256-{digest}'; style-src 'self'; img-src 'self' blob: data:;"
        " connect-src 'self'; worker-src 'self'; frame-src 'self'; media-src 'self' blob:; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'"
    )
    return text.encode(), policy


def page(request: Request) -> Response:
    """Show the page."""
    content, policy = index()
    return Response(content, media_type="text/html", headers={"content-security-policy": policy})


def file(request: Request, name: str) -> Response:
    """Return a file of the page; 304 where the browser has it. Errors: Refused (404)."""
    content = contents().get(name)
    kind = KINDS.get(name.rpartition(".")[2].replace("mjs", "js"))
    if content is None or kind is None:
        raise Refused(404, "there is no such file of the page")
    return tagged(request, content, kind)


def tagged(request: Request, content: bytes, kind: str) -> Response:
    """Return content that a browser may keep and asks about each time; 304 where it has that very content."""
    tag = f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
    headers = {"etag": tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=kind, headers=headers)
