"""Net to text, in the notation that `striate.spec.notation` reads, and to Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING
from typing import Any

from striate.spec.branches import Branches
from striate.spec.net import AuxHead, Named, Net, Repeat, Row
from striate.spec.notation import OPEN, options
from striate.spec.values import KINDS

# How tightly a composition holds together; one within a tighter one needs parentheses. Names and counts inside a
# sum would read wrongly to people, so there they are in parentheses though the reader could do without.
_TIGHTNESS = {"concat": 0, "row": 1, "add": 2, "named": 3, "repeat": 3, "multiply": 4}
_CLOSED = 5


def write(net: Net) -> str:
    """The text of a net: ``parse(write(net)) == net``. (``str(net)`` is the same.)"""
    return _text(net, 0)


def _text(net: Net, within: int) -> str:
    if isinstance(net, Named):
        text = f"{net.label}: {_text(net.net, 3 if isinstance(net.net, Repeat) else _CLOSED)}"
    elif isinstance(net, AuxHead):
        weight = "" if net.weight == 0.3 else f"{net.weight!r} "
        return f"side {weight}({_text(net.net, 0)})"
    else:
        text = _composed(net, _text) or write_layer(net)
    return f"({text})" if within > _TIGHTNESS.get(net.keyword, _CLOSED) else text


def write_layer(layer: Net) -> str:
    """The text of one layer: ``conv 64 7x7 stride 2 pad 3``."""
    words = [layer.keyword]
    for option in options(layer.keyword):
        value = getattr(layer, option.field)
        kind = KINDS[option.kind]
        if not option.by_word:
            # A kernel always shows both sides, the way people say "seven by seven".
            if value is None and option.default is MISSING:
                words.append(OPEN)
            elif value is not None:
                words.append("{}x{}".format(*value) if option.kind == "Size" else kind.write(value))
        elif option.kind == "Flag":
            if value is not option.default:
                words.append(option.word if value else f"no {option.word}")
        elif not _is_default(layer, option.field, option.default):
            words.append(f"{option.word} {kind.write(value)}")
    return " ".join(words)


def write_python(net: Net) -> str:
    """The Python of a net: evaluated with the names of `striate.spec` it is the net. (``repr(net)`` is the same.)"""
    return _python(net, 0)


def _python(net: Net, within: int) -> str:
    if isinstance(net, Named):
        return f'{_python(net.net, _CLOSED)}.name("{net.label}")'
    if isinstance(net, AuxHead):
        weight = "" if net.weight == 0.3 else f", weight={net.weight!r}"
        return f"side({_python(net.net, 0)}{weight})"
    text = _composed(net, _python) or _python_layer(net)
    return f"({text})" if within > _TIGHTNESS.get(net.keyword, _CLOSED) else text


def _python_layer(layer: Net) -> str:
    shown = []
    for option in options(layer.keyword):
        value = getattr(layer, option.field)
        if _is_default(layer, option.field, option.default):
            continue
        if isinstance(value, tuple) and len(set(value)) == 1 and isinstance(value[0], int):
            value = value[0]
        shown.append(f"{option.field}={value!r}" if option.by_word else repr(value))
    return f"{type(layer).__name__}({', '.join(shown)})"


def _composed(net: Net, write_part: Callable[[Net, int], str]) -> str:
    """Rows, branches and repeats, which are written alike in both; empty for anything else."""
    if isinstance(net, Row):
        return " >> ".join(write_part(part, 2) for part in net.nets)
    if isinstance(net, Branches):
        return f" {net.sign} ".join(write_part(part, _WITHIN[net.sign]) for part in net.nets)
    if isinstance(net, Repeat):
        return f"{net.count} * {write_part(net.net, _CLOSED)}"
    return ""


_WITHIN = {"|": 1, "+": 4, "*": _CLOSED}


def _is_default(layer: Net, field: str, default: Any) -> bool:
    if default is MISSING:
        return False
    value = getattr(layer, field)
    if field == "stride" and default is None:  # a pooling layer's stride is its kernel unless it says otherwise
        return bool(value == getattr(layer, "kernel", None))
    return bool(
        value == (default, default) if isinstance(value, tuple) and isinstance(default, int) else value == default
    )
