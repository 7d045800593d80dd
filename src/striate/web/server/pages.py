"""The interface as a page: no script, nothing from elsewhere, every name escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from markupsafe import Markup, escape

_STYLE: Final = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 54rem; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.05rem; margin: 2rem 0 .25rem; border-top: 1px solid var(--line); padding-top: 1rem; }
h2 b { display: inline-block; min-width: 3.2rem; font-weight: 600; }
code, pre { font-family: ui-monospace, monospace; font-size: .9rem; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid var(--line); border-radius: .4rem; }
dt { font-weight: 600; } dd { margin: 0 0 .4rem 1.2rem; }
table { border-collapse: collapse; } td { padding: .15rem .8rem .15rem 0; vertical-align: top; }
""".strip()


def page(interface: Mapping[str, Any], models: Sequence[str]) -> tuple[str, str]:
    """Return the page of an interface (OpenAPI), and the policy that keeps a browser to it."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'; base-uri 'none'"
    routes = Markup("").join(
        _route(path, method, facts) for path, methods in interface["paths"].items() for method, facts in methods.items()
    )
    shown = Markup(", ").join(Markup("<code>{}</code>").format(name) for name in models)
    body = Markup(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Striate: the interface</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head><body><main>'
        "<h1>Striate {version}</h1><p>Served here: {models}.</p>"
        "<pre>curl -H 'content-type: image/jpeg' --data-binary @cat.jpg http://HOST:PORT/predict</pre>"
        '<p>As OpenAPI 3.1: <a href="/openapi.json">openapi.json</a>.</p>{routes}</main></body></html>'
    ).format(style=Markup(_STYLE), version=interface["info"]["version"], models=shown, routes=routes)
    return str(body), policy


def _route(path: str, method: str, facts: Mapping[str, Any]) -> Markup:
    asked = [one for one in facts.get("parameters", ()) if one["in"] == "query"]
    terms = Markup("").join(
        Markup("<dt><code>{}</code> ({})</dt><dd>{}</dd>").format(
            one["name"], one["schema"]["type"], one.get("description", "")
        )
        for one in asked
    )
    bodies = ", ".join(facts.get("requestBody", {}).get("content", {}))
    rows = Markup("").join(
        Markup("<tr><td><code>{}</code></td><td>{}</td></tr>").format(status, one["description"])
        for status, one in facts["responses"].items()
    )
    return Markup("<h2><b>{}</b> <code>{}</code></h2><p>{}.{}</p>{}<table>{}</table>").format(
        method.upper(),
        path,
        facts["summary"],
        escape(f" Body: {bodies}.") if bodies else "",
        Markup("<dl>{}</dl>").format(terms) if terms else "",
        rows,
    )
