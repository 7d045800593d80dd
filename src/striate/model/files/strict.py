"""JSON read strictly, for what comes out of a file that anybody may have written. May import nothing of Striate.

Python's reader takes NaN and infinity, lets the second of two equal names win, and makes a number of any length, which
the first arithmetic with it then refuses in a way of its own. Here each of these is an error of the text.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final

LONGEST: Final = 20  # digits of a whole number: 2^64 has as many, and nothing that is counted here is larger
MOST: Final = 200_000  # lists and objects in a text: a header has two for each tensor; a million take 100 MB


def loads(text: str | bytes, *, most: int = MOST) -> Any:
    """Return the value of a JSON text. Raises ValueError in a few words; nothing else, however the text is made.

    >>> loads('{"a": [1, 2.5]}')
    {'a': [1, 2.5]}
    """
    brackets = text.count(b"[") + text.count(b"{") if isinstance(text, bytes) else text.count("[") + text.count("{")
    if brackets > most:
        raise ValueError(f"it has {brackets:,} brackets, and no more than {most:,} are read")
    try:
        return json.loads(
            text, object_pairs_hook=_once, parse_constant=_constant, parse_float=_finite, parse_int=_whole
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the name {twice[:40]!r} stands twice")
    return values


def _constant(word: str) -> Any:
    raise ValueError(f"{word} is no number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is beyond what a number can be")
    return value


def _whole(text: str) -> int:
    if len(text.lstrip("-")) > LONGEST:
        raise ValueError(f"a whole number of {len(text.lstrip('-')):,} digits")
    return int(text)
