"""What is wrong with a recipe, in a sentence. Imports nothing of ours."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Any, get_args

LISTS = {"progressive": "[[0.3, 14], [0.7, 20]]", "milestones": "[0.5, 0.75]", "betas": "[0.9, 0.999]"}


def no_such(what: str, word: str, known: Collection[str], *, called: str) -> str:
    """Return that ``what`` has nothing of that word, with the nearest of those it has, or else all of them."""
    near = difflib.get_close_matches(word, known, n=2)
    hint = f"did you mean {' or '.join(near)}?" if near else f"the {called}s are " + ", ".join(known)
    return f"{what} has no {called} {word!r}; {hint}"


def sentence(detail: Any, fields: Mapping[str, Any], said_as: Mapping[str, str]) -> str:
    """Turn one of pydantic's findings into a sentence: the field, what it was, what it may be.

    ``said_as`` are the words that a person used for fields, where they are not the fields' names.
    """
    place = ".".join(said_as.get(str(part), str(part)) for part in detail["loc"])
    message = str(detail["msg"]).removeprefix("Value error, ")
    if not place:
        return message
    field = fields[str(detail["loc"][0])]
    if detail["type"] == "literal_error":
        words = [word for word in _words(field.annotation) if isinstance(word, str)]
        near = difflib.get_close_matches(str(detail["input"]), words, n=1)
        message = f"must be one of {', '.join(words)}" + (f" (did you mean {near[0]}?)" if near else "")
    if detail["type"] == "tuple_type":
        message = f"must be a list in brackets, such as {LISTS.get(str(detail['loc'][0]), '[224, 224]')}"
    return f"{place} = {detail['input']!r}: {message[0].lower()}{message[1:]}"


def _words(annotation: Any) -> list[object]:
    """Return the literals anywhere inside a type."""
    found: list[object] = []
    for part in get_args(annotation):
        found += _words(part) if get_args(part) else [part]
    return found
