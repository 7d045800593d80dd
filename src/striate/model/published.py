"""Published weights into our nets: which entry of somebody else's file is which tensor of ours. Imports errors only.

How a publisher's names read in our part paths is a plain mapping that stands beside the net (``nets/``)::

    TORCHVISION = {
        "conv1": "stem.conv",
        "layer{s}.{b}.conv{i}": "stage{s}.{b+1}.conv{i}",
        "layer{s}.{b}.gamma": "stage{s}.{b+1}.scale.weight",
        "transform": None,
    }

A placeholder in lower case stands for a number (``{b+1}`` writes one more than ``{b}`` read), one in upper case for a
word. A line names a module, whose ``weight``, ``bias``, ``running_mean`` ... go along, or one entry in full; None drops
it.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from striate.errors import ModelError

Names = Mapping[str, str | None]

_COUNT: Final = "num_batches_tracked"  # batch norm's own count: no older file has it, and no answer depends on it
_PLACEHOLDER: Final = re.compile(r"\{(\w+)(?:([+-])(\d+))?\}")


def arrange(
    entries: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], schemes: Sequence[Names], *, what: str
) -> dict[str, Any]:
    """Return the entries under our names: every tensor of ``shapes`` (our name -> shape), none missing, none left over.

    ``entries``: the publisher's name -> array or tensor; ``schemes``: the namings to try, the best fit is taken;
    ``what`` names the file in errors. An entry that differs from ours by sides of 1 alone is reshaped,
    and so is a convolution over a whole map where ours is dense. Counts of batches that the file lacks are left out.
    Raises `ModelError` naming what is missing, left over or of another shape.

    Example: ``arrange(entries, shapes, CATALOG["resnet50"].names, what="resnet50.safetensors")``
    """
    tried = [renamed(entries, scheme) for scheme in schemes] or [dict.fromkeys(entries)]
    ours, scheme = max(
        ((names, scheme) for names, scheme in zip(tried, schemes or ({},), strict=True)),
        key=lambda pair: sum(name in shapes for name in pair[0].values()),
    )
    left = [name for name, own in ours.items() if own is None or own not in shapes]
    left = [name for name in left if name.rpartition(".")[2] != _COUNT and not _is_dropped(name, scheme)]
    taken = {own: name for name, own in ours.items() if own in shapes}
    missing = [own for own in shapes if own not in taken and own.rpartition(".")[2] != _COUNT]
    if left or missing:
        raise ModelError(_mismatch(what, left, missing, len(entries)))
    return {own: _shaped(entries[name], shapes[own], f"{what}: {name}") for own, name in taken.items() if own}


def renamed(entries: Mapping[str, Any], scheme: Names) -> dict[str, str | None]:
    """Return each entry's name -> ours, or None where the scheme has no line for it (or drops it)."""
    rules = [(_reader(theirs), ours) for theirs, ours in scheme.items()]
    return {name: _translated(name, rules) for name in entries}


def _reader(template: str) -> re.Pattern[str]:
    pattern, end, seen = "", 0, set()
    for found in _PLACEHOLDER.finditer(template):
        name = found.group(1)
        pattern += re.escape(template[end : found.start()])
        pattern += f"(?P={name})" if name in seen else f"(?P<{name}>{'[A-Za-z_]+' if name.isupper() else '[0-9]+'})"
        seen.add(name)
        end = found.end()
    return re.compile(pattern + re.escape(template[end:]))


def _translated(name: str, rules: Sequence[tuple[re.Pattern[str], str | None]]) -> str | None:
    module, _, last = name.rpartition(".")
    for pattern, ours in rules:
        for text, suffix in ((name, ""), (module, f".{last}")):
            if found := pattern.fullmatch(text):
                return None if ours is None else _PLACEHOLDER.sub(lambda hole: _filled(hole, found), ours) + suffix
    return None


def _filled(hole: re.Match[str], found: re.Match[str]) -> str:
    name, sign, by = hole.groups()
    value = found.group(name)
    return value if sign is None else str(int(value) + int(by) * (1 if sign == "+" else -1))


def _is_dropped(name: str, scheme: Names) -> bool:
    return any(
        ours is None and (_reader(theirs).fullmatch(name) or _reader(theirs).fullmatch(name.rpartition(".")[0]))
        for theirs, ours in scheme.items()
    )


def _shaped(entry: Any, shape: tuple[int, ...], where: str) -> Any:
    given = tuple(entry.shape)
    if given == shape:
        return entry
    if [side for side in given if side != 1] == [side for side in shape if side != 1]:
        return entry.reshape(shape)
    if len(shape) == 2 and len(given) == 4 and given[0] == shape[0] and math.prod(given) == math.prod(shape):
        return entry.reshape(shape)  # a convolution over a whole map is the dense layer on that map flattened
    raise ModelError(f"{where} is {given}, and the net has {shape} there; is it another width, or for other classes?")


def _mismatch(what: str, left: Sequence[str], missing: Sequence[str], total: int) -> str:
    def shown(names: Sequence[str]) -> str:
        return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

    said = []
    if missing:
        said.append(f"no entry for {shown(missing)}")
        near = difflib.get_close_matches(missing[0], left, n=1)
        said[-1] += f" (is it {near[0]}?)" if near else ""
    if left:
        said.append(f"no place for {shown(left)}")
    return f"{what}: its {total} entries are not this net's: {'; '.join(said)}. Is it the right net (--as)?"
