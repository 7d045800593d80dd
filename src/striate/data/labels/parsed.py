"""Files of annotation tools, parsed with bounds: JSON, XML without entities, YAML by its safe loader."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from striate import files
from striate.errors import SourceError

JSON: Final = files.LIST  # bytes: annotations of a whole set in one file, pictures as text inside some
XML: Final = 2**28  # all of a CVAT task


def parsed_json(path: Path) -> Any:
    """Return the value of a JSON file. Errors: SourceError with the line that does not read.

    Example: ``parsed_json(Path("labels.json"))`` is ``["cat", "dog"]``.
    """
    try:
        return json.loads(_bytes(path, JSON))
    except json.JSONDecodeError as error:
        raise SourceError(f"{path} is no JSON: {error.msg} in line {error.lineno}; export it again") from None
    except UnicodeDecodeError:
        raise SourceError(f"{path} is no JSON: it is not UTF-8 text; export it again") from None
    except (RecursionError, ValueError):
        raise SourceError(
            f"{path} is no JSON of labels: nested too deep, or with numbers of thousands of digits"
        ) from None


def parsed_xml(path: Path) -> ElementTree.Element:
    """Return the root of an XML file. Entities are not expanded and nothing else is fetched: a DOCTYPE is refused.

    Errors: SourceError with the line that does not read.
    Example: ``parsed_xml(Path("VOC2012/Annotations/1.xml")).tag`` is ``"annotation"``.
    """
    data = _bytes(path, XML)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data or b"\0" in data:
        raise SourceError(f"{path} declares entities or is not UTF-8; no tool's labels need that, and it is not read")
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, RecursionError, ValueError, LookupError) as error:
        raise SourceError(f"{path} is no XML: {error}; export it again") from None


def parsed_yaml(path: Path) -> dict[str, Any]:
    """Return the top of a YAML file, plain values only. Errors: SourceError where it does not read or is no mapping.

    References (``*name``) are refused as entities of XML are: a few lines of them stand for more than fits in memory.
    Example: ``Path("data.yaml").write_text("nc: 1"); parsed_yaml(Path("data.yaml"))`` is ``{"nc": 1}``.
    """
    import yaml

    class Plain(yaml.SafeLoader):  # type: ignore[misc]  # yaml has no types
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise yaml.MarkedYAMLError(problem="it refers to itself (*)", problem_mark=self.peek_event().start_mark)
            return super().compose_node(parent, index)

    try:
        value = yaml.load(_bytes(path, files.TEXT), Plain)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        at = f" in line {mark.line + 1}" if mark is not None else ""
        raise SourceError(f"{path} is no YAML{at}: {getattr(error, 'problem', None) or 'it does not read'}") from None
    if not isinstance(value, dict):
        raise SourceError(f"{path} is no data.yaml: it holds no keys such as names:")
    return value


def number(value: object) -> float:
    """Return a finite number or the text of one; not-a-number for anything else.

    Example: ``number("45.8")`` is 45.8.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan


def word(value: object) -> str:
    """Return a name as text, without spaces around it; empty for what is no name: null, a list, a mapping.

    Example: ``word(" cat ")`` is ``"cat"``, ``word(5)`` is ``"5"``, ``word(None)`` is ``""``.
    """
    return str(value).strip() if isinstance(value, str | int | float) else ""


def plain(value: float, decimals: int = 4) -> str:
    """Return a number without more decimals than it needs, a whole one as such.

    Example: ``plain(12.0)`` is ``"12"``, ``plain(45.80000001)`` is ``"45.8"``.
    """
    text = f"{value:.{decimals}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def size_of(width: object, height: object) -> tuple[int, int] | None:
    """Return a size as it was written, or None where it is no size: absent, 0, not whole.

    Example: ``size_of("640", 480)`` is ``(640, 480)``, ``size_of(0, 0)`` is ``None``.
    """
    wide, high = number(width), number(height)
    if not (wide >= 1 and high >= 1 and wide < 1e9 and high < 1e9 and wide == int(wide) and high == int(high)):
        return None
    return int(wide), int(high)


def ring_of(points: object) -> tuple[tuple[float, float], ...]:
    """Return a list of [x, y], or of x, y, x, y, as points; empty where it is no ring of three points at least.

    Example: ``ring_of([[0, 0], [4, 0], [4, 3]])`` is ``((0, 0), (4, 0), (4, 3))``.
    """
    if not isinstance(points, list | tuple):
        return ()
    flat = [value for one in points for value in (one if isinstance(one, list | tuple) else (one,))]
    numbers = [number(value) for value in flat]
    if len(numbers) < 6 or len(numbers) % 2:
        return ()
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _bytes(path: Path, limit: int) -> bytes:
    try:
        data = files.read_bytes(path, limit=limit)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None
    return data.removeprefix(b"\xef\xbb\xbf")
