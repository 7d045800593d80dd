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
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from striate.errors import ModelError

Names = Mapping[str, str | None]

HEADLESS: Final = "headless"  # in a model file's provenance: its head is blank, and it answers nothing
_COUNT: Final = "num_batches_tracked"  # batch norm's own count: no older file has it, and no answer depends on it
_DEEP: Final = 6  # names before a net's own that are looked behind
_SHARE: Final = 3  # of so many entries one must stand below a prefix, for it to be the net's
_PLACEHOLDER: Final = re.compile(r"\{(\w+)(?:([+-])(\d+))?\}")


def arrange(
    entries: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]],
    schemes: Sequence[Names],
    *,
    what: str,
    spared: Collection[str] = (),
    whose: str = "",
) -> dict[str, Any]:
    """Return the entries under our names: every tensor of ``shapes`` (our name -> shape), none missing, none left over.

    All of ``spared`` (our names: those of a head) may be missing together. ``whose`` they are to be, in errors: without
    it this net's, which ``--net`` names.

    ``entries``: the publisher's name -> array or tensor; ``schemes``: the namings to try, the best fit is taken;
    ``what`` names the file in errors. An entry that differs from ours by sides of 1 alone is reshaped,
    and so is a convolution over a whole map where ours is dense. Counts of batches that the file lacks are left out.
    Raises `ModelError` naming what is missing, left over or of another shape.

    Example: ``arrange({"w": np.ones((2, 1, 1))}, {"w": (2,)}, [{"w": "w"}], what="mine.pth")["w"]`` is ``[1.0, 1.0]``.
    """
    ours, scheme = _best(entries, shapes, schemes)
    left = [name for name, own in ours.items() if own is None or own not in shapes]
    left = [name for name in left if name.rpartition(".")[2] != _COUNT and not _is_dropped(name, scheme)]
    taken = {own: name for name, own in ours.items() if own in shapes}
    free = set() if any(own in taken for own in spared) else set(spared)
    missing = [own for own in shapes if own not in taken and own not in free and own.rpartition(".")[2] != _COUNT]
    if left or missing:
        raise ModelError(_mismatch(what, left, missing, len(entries), whose))
    return {own: _shaped(entries[name], shapes[own], f"{what}: {name}") for own, name in taken.items() if own}


def _best(
    entries: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], schemes: Sequence[Names]
) -> tuple[dict[str, str | None], Names]:
    """Return the naming that fits best: each entry's name -> ours, and the scheme."""
    tried = [(renamed(entries, scheme), scheme) for scheme in schemes] or [({name: name for name in entries}, {})]
    return max(tried, key=lambda pair: sum(name in shapes for name in pair[0].values()))


def place_of(
    own: str, entries: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], schemes: Sequence[Names]
) -> str | None:
    """Return the name of the entry that is to be our tensor ``own``, by the naming that fits best; None for none."""
    ours, _ = _best(entries, shapes, schemes)
    return next((name for name, mine in ours.items() if mine == own), None)


def without_prefix(
    entries: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], schemes: Sequence[Names]
) -> tuple[dict[str, Any], str, tuple[str, ...]]:
    """Return the entries below the prefix (``model.``, ``module.net.``) under which most of them are this net's.

    Whatever wraps a module puts one before every name, and may keep more beside it. The prefix is "" where the names
    are the net's as they stand; the last value are the names that it does not stand before: they are left out.

    Example: ``without_prefix({"net.conv1.weight": 1}, {"conv1.weight": (1,)}, [{"conv1": "conv1"}])[1]`` is ``"net."``.
    """
    named = {name.replace("_orig_mod.", ""): value for name, value in entries.items()}  # torch.compile's, anywhere
    held: Counter[str] = Counter()
    for name in named:
        parts = name.split(".")[:-1]
        held.update(".".join(parts[: depth + 1]) + "." for depth in range(min(len(parts), _DEEP)))
    best, chosen, off = -1, named, ""
    often = [prefix for prefix, count in held.most_common() if _SHARE * count >= len(named)]
    for prefix in ["", *sorted(often, key=lambda prefix: "ema" in prefix.lower())]:  # averages where nothing else fits
        below = {name.removeprefix(prefix): value for name, value in named.items() if name.startswith(prefix)}
        fits = sum(own in shapes for own in _best(below, shapes, schemes)[0].values())
        if fits > best:
            best, chosen, off = fits, below, prefix
    aside = tuple(name for name in named if not name.startswith(off))
    compiled = "_orig_mod." if named.keys() != entries.keys() else ""
    return chosen, off + compiled, aside


def by_number(
    entries: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], head: Collection[str]
) -> dict[str, str] | None:
    """Return the entries of an ``nn.Sequential`` (``0.weight``, ``3.bias``) -> our names, in their order; None else.

    Only where each has the last part of the name and the shape of ours in that place; ``head`` (our names) may be for
    another number of classes.
    """
    given: dict[tuple[int, ...], dict[str, str]] = {}
    begins = re.match(r"(?:[^.0-9][^.]*\.)*", min(entries, default=""))
    before = begins[0] if begins is not None else ""  # what wraps it
    for name in entries:
        if not re.fullmatch(re.escape(before) + r"([0-9]{1,6}\.)+[a-z_]+", name):
            return None
        *place, last = name.removeprefix(before).split(".")
        given.setdefault(tuple(map(int, place)), {})[last] = name
    own: dict[str, dict[str, str]] = {}
    for name in shapes:
        module, _, last = name.rpartition(".")
        own.setdefault(module, {})[last] = name
    if len(given) != len(own):
        return None
    found: dict[str, str] = {}
    for (_, theirs), ours in zip(sorted(given.items()), own.values(), strict=True):
        if {*theirs} - {_COUNT} != {*ours} - {_COUNT}:
            return None
        found |= {theirs[last]: ours[last] for last in theirs if last in ours}
    pairs = [(tuple(entries[name].shape), tuple(shapes[mine]), mine in head) for name, mine in found.items()]
    return found if all(theirs[last:] == ours[last:] for theirs, ours, last in pairs) else None


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


def _mismatch(what: str, left: Sequence[str], missing: Sequence[str], total: int, whose: str) -> str:
    def shown(names: Sequence[str]) -> str:
        return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

    said = []
    if missing:
        said.append(f"no entry for {shown(missing)}")
        near = difflib.get_close_matches(missing[0], left, n=1)
        said[-1] += f" (is it {near[0]}?)" if near else ""
    if left:
        said.append(f"no place for {shown(left)}")
    if whose:
        return f"{what}: its {total} entries are not those of {whose}: {'; '.join(said)}"
    return f"{what}: its {total} entries are not this net's: {'; '.join(said)}. Is it the right net (--net)?"
