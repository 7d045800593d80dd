"""A publisher's names from ours: a naming read backwards, so that entries can be made up without the publisher."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from striate.model.pretrained.key_mapping import renamed

_PLACEHOLDER = re.compile(r"\{(\w+)(?:([+-])(\d+))?\}")


def published(own: Mapping[str, Any], names: Mapping[str, str | None]) -> dict[str, Any]:
    """Our tensors under the publisher's names. Raises AssertionError where one has no name or two have the same."""
    back: dict[str, str | None] = {}
    for theirs, ours in names.items():
        if ours is not None:
            back.setdefault(_PLACEHOLDER.sub(r"{\1}", ours), _turned(theirs, ours))
    found = renamed(own, back)
    assert None not in found.values(), [name for name, other in found.items() if other is None]
    assert len(set(found.values())) == len(own)
    return {str(found[name]): value for name, value in own.items()}


def _turned(theirs: str, ours: str) -> str:
    """What takes one away in `theirs` where `ours` adds one."""
    for name, sign, by in _PLACEHOLDER.findall(ours):
        if sign:
            theirs = theirs.replace("{" + name + "}", "{" + name + ("-" if sign == "+" else "+") + by + "}")
    return theirs
