"""Class files: the names of a net's classes, as people have them: a name a line, or JSON. No torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from striate import files
from striate.data.labels.classes import check_names
from striate.errors import ModelError, SourceError
from striate.words import counted

_LIMIT = 10_000_000  # bytes


def read_classes(path: Path) -> tuple[str, ...]:
    """Return the class names in a file, in the order of the net's answers.

    A name a line; or JSON: a list of names, ``{"0": "cat"}`` (the number of the answer first, as in ``id2label``),
    ``{"cat": 0}`` (the name first, as in ``class_to_idx``), or ImageNet's ``{"0": ["n01440764", "tench"]}``. A byte
    order mark before it is passed over. Raises ModelError that names the file.

    Example: ``read_classes(Path("labels.json"))`` is ``("cat", "dog")``.
    """
    try:
        text = files.read_bytes(path, limit=_LIMIT).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ModelError(f"{path} is not text (UTF-8); it should hold a class name a line") from None
    except OSError as error:
        raise ModelError(
            f"--classes {path} is neither a number nor a file that can be read ({error.strerror or error})"
        ) from None
    names = [line.strip() for line in text.splitlines() if line.strip()]
    if text.lstrip()[:1] in ("[", "{") or path.suffix.lower() == ".json":
        names = _of_json(text, path)
    if not names:
        raise ModelError(f"{path} holds no names; it should hold a class name a line")
    if repeated := next((name for name in names if names.count(name) > 1), None) if len(names) < 10_000 else None:
        raise ModelError(f"{path} names the class {repeated!r} {names.count(repeated)} times; each has one name")
    try:
        check_names(names, str(path))
    except SourceError as error:
        raise ModelError(str(error)) from None
    return tuple(names)


def _of_json(text: str, path: Path) -> list[str]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not JSON ({str(error)[:80]}); it should hold a list of class names") from None
    names: list[Any] = []
    if isinstance(value, list):
        names = value
    elif isinstance(value, dict) and value:
        names = _of_mapping(value, path)
    names = [name[-1] if isinstance(name, list) and name else name for name in names]
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise ModelError(f'{path} holds no class names: wanted a list of them, {{"0": "cat"}} or {{"cat": 0}}')
    return [name.strip() for name in names]


def _of_mapping(value: Mapping[str, Any], path: Path) -> list[Any]:
    """Return the names of {"0": "cat"} or {"cat": 0}, by number."""
    forwards = all(key.strip().isdecimal() and len(key) < 9 for key in value)
    backwards = all(isinstance(number, int) and not isinstance(number, bool) for number in value.values())
    if backwards:
        by_number = {number: name for name, number in value.items()}
    elif forwards:
        by_number = {int(key): name for key, name in value.items()}
    else:
        raise ModelError(f'{path} holds no class names: wanted a list of them, {{"0": "cat"}} or {{"cat": 0}}')
    if sorted(by_number) != list(range(len(value))):
        first = next((number for number in range(len(value)) if number not in by_number), 0)
        raise ModelError(
            f"{path}: its {counted(len(value), 'class')} are not numbered from 0 to {len(value) - 1}, each once:"
            f" {first} is missing"
        )
    return [by_number[number] for number in range(len(value))]
