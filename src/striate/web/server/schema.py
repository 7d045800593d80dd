"""What OpenAPI says of each route beside its name: what it takes and what it answers."""

from __future__ import annotations

from typing import Any, Final

_BYTES: Final = {"schema": {"type": "string", "format": "binary"}}
_PICTURES: Final = {
    "required": True,
    "content": {
        "image/*": _BYTES,
        "application/octet-stream": _BYTES,
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {"picture": {"type": "array", "items": {"type": "string", "format": "binary"}}},
            }
        },
    },
}
_TIMEOUT: Final = ("timeout", "number", "Seconds within which a picture has to be begun; at most what the server says.")
_QUERIES: Final[dict[str, tuple[tuple[str, str, str], ...]]] = {
    "/predict": (
        ("model", "string", "Which model answers; without it the first that is served."),
        ("top", "integer", "How many of the likeliest to name; without it all."),
        ("unknown", "boolean", 'Whether "none of these" may be the answer; true without it.'),
        (
            "mask",
            "string",
            "rle or png: answers of each pixel are added as COCO's run lengths, or as a PNG in base64.",
        ),
        _TIMEOUT,
    ),
    "/look": (
        ("model", "string", "Which model answers; without it the first that is served."),
        ("of", "string", "The name that is asked about; without it the likeliest."),
        _TIMEOUT,
    ),
    "/find": (("number", "integer", "How many to find; 12 without it."), _TIMEOUT),
}
_REFUSED: Final = {
    "400": "The request does not read; the reason is said.",
    "401": "A token is wanted.",
    "403": "A page of another origin or site.",
    "413": "Too many bytes, parts or pictures.",
    "415": "Another kind of body.",
    "422": "No picture of it can be read; the reason is said.",
    "503": "Busy: try again after the seconds of Retry-After.",
}


def extra(method: str, path: str) -> dict[str, Any]:
    """Return what is added to the description of a route."""
    answer = {"200": {"description": "The answer.", "content": {"application/json": {"schema": {"type": "object"}}}}}
    refused = {
        status: {
            "description": said,
            "content": {
                "application/json": {"schema": {"type": "object", "properties": {"error": {"type": "string"}}}}
            },
        }
        for status, said in _REFUSED.items()
        if method == "POST" or status in ("401", "403")
    }
    found: dict[str, Any] = {"responses": answer | refused}
    if path in _QUERIES:
        found["requestBody"] = _PICTURES
        found["parameters"] = [
            {"name": name, "in": "query", "required": False, "schema": {"type": kind}, "description": said}
            for name, kind, said in _QUERIES[path]
        ]
    elif path.endswith("/infer"):
        found["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}}, "application/octet-stream": _BYTES},
        }
    if "{" in path:
        found["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in ("model", "version")
            if f"{{{name}}}" in path
        ]
    return found
