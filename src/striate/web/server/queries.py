"""The words of a query: each known, each once, each within its bounds, or the request is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request

from striate.web.server.admission import Refused
from striate.web.server.answering import Wanted


def query_of(request: Request, *known: str) -> dict[str, str]:
    """Return a query's words. Errors: Refused (400) for one that is not known, or is there twice."""
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known or name in found:
            twice = " is there twice" if name in found else ""
            raise Refused(400, f"{name[:40]!r}{twice}: this takes {', '.join(known)}, each once")
        found[name] = value
    return found


def wanted_of(query: Mapping[str, str]) -> Wanted:
    """Return how answers are wanted. Errors: Refused (400)."""
    top = whole(query, "top", None, 100_000)
    unknown, mask = query.get("unknown", "true").lower(), query.get("mask", "")
    if unknown not in ("true", "false", "1", "0"):
        raise Refused(400, f"unknown={unknown[:20]}: it is true or false")
    if mask not in ("", "rle", "png"):
        raise Refused(400, f"mask={mask[:20]}: it is rle or png")
    return Wanted(top, unknown in ("true", "1"), mask)


def whole(query: Mapping[str, str], name: str, usual: Any, most: int) -> Any:
    """Return a whole number of a query. Errors: Refused (400)."""
    if name not in query:
        return usual
    said = query[name]
    if not (said.isascii() and said.isdecimal() and len(said) < 9 and 1 <= int(said) <= most):
        raise Refused(400, f"{name}={said[:20]}: it is a whole number from 1 to {most:,}")
    return int(said)
