"""The interface as a page: no script, nothing from elsewhere, every name escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from striate.render.html.environment import html


def page(interface: Mapping[str, Any], models: Sequence[str]) -> tuple[str, str]:
    """Return the page of an interface (OpenAPI), and the policy that keeps a browser to it."""
    style = html("server/interface.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'; base-uri 'none'"
    return str(html("server/interface.html", interface=interface, models=models, style=style)), policy
