"""The history of a run: one JSON object a line, one line an epoch. A last line that is torn is as if never written."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from striate.errors import RunError
from striate.files import LIST, read_bytes
from striate.model.files import strict
from striate.runs import durable
from striate.runs.fields import Check, anything, epoch, whole


def append(path: Path, epoch: Mapping[str, Any], *, system: durable.System = durable.SYSTEM) -> None:
    """Add an epoch, whose ``index`` (or ``epoch``) is its number; numbers that are not finite become null."""
    _number(epoch)
    durable.append_line(path, json.dumps(plain(epoch), allow_nan=False), system=system)


def read(path: Path, check: Check = epoch) -> list[dict[str, Any]]:
    """Return the epochs whose lines are whole, as ``check`` wants them. Raises RunError for damage but at the end."""
    return [entry for _, entry in _whole_lines(path, check)[0]]


def truncate(path: Path, epoch: int, *, system: durable.System = durable.SYSTEM) -> None:
    """Cut off what comes after ``epoch``, and a torn last line. Raises RunError for damage anywhere but at the end."""
    lines, torn = _whole_lines(path)
    kept = [line for line, entry in lines if _number(entry) <= epoch]
    if torn or len(kept) < len(lines):
        durable.write(path, b"".join(line + b"\n" for line in kept), system=system)


def mend(path: Path, *, system: durable.System = durable.SYSTEM) -> None:
    """Cut off a torn last line."""
    lines, torn = _whole_lines(path)
    if torn:
        durable.write(path, b"".join(line + b"\n" for line, _ in lines), system=system)


def plain(value: Any) -> Any:
    """Return a value as JSON has it: tuples as lists, numpy numbers as numbers, those that are not finite as null."""
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return plain(value.item())
    return value


def _whole_lines(path: Path, check: Check = anything) -> tuple[list[tuple[bytes, dict[str, Any]]], bool]:
    """Return the lines that are whole, with what they say, and whether something torn follows them."""
    try:
        content = read_bytes(path, limit=LIST)
    except FileNotFoundError:
        return [], False
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}") from None
    *lines, rest = content.split(b"\n")
    found: list[tuple[bytes, dict[str, Any]]] = []
    for index, line in enumerate(lines):
        try:
            entry = strict.loads(line)
            _number(entry)
        except ValueError:
            # A power cut can leave zeros where a line was to be, and its end behind them.
            if index == len(lines) - 1 and not rest:
                return found, True
            raise RunError(f"{path} is damaged in line {index + 1}; mend or remove that line") from None
        if why := check(entry):
            raise RunError(f"{path} is damaged in line {index + 1} ({why.strip(' .')}); mend or remove that line")
        found.append((line, entry))
    return found, bool(rest)


def _number(entry: Any) -> int:
    """Return which epoch an entry is about."""
    number = entry.get("index", entry.get("epoch")) if isinstance(entry, Mapping) else None
    if not isinstance(number, int) or whole(number):
        raise ValueError("an entry of the history lacks its epoch: 'index', a whole number from 0 on")
    return number
