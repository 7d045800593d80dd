"""The catalogue: published networks and our own, each a function that returns a net. No torch.

To add one: a file with the function, and a line in `CATALOG`.

    >>> from striate import nets
    >>> nets.lenet5().on(1, 28, 28).parameters
    61706
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from striate.errors import DescribeError, NotationError
from striate.nets.lenet5 import lenet5, lenet5_1998
from striate.nets.resnet import resnet
from striate.nets.small import small, tiny
from striate.spec import Net, Shape, parse

__all__ = ["CATALOG", "Entry", "lenet5", "lenet5_1998", "resnet", "resolve", "small", "tiny"]

LARGEST_FILE = 1_000_000  # bytes; the text of a net is a few thousand


class Entry(NamedTuple):
    """A net of the catalogue. ``function(classes)`` makes it; None leaves the number of classes open."""

    function: Callable[[int | None], Net]
    summary: str
    paper: str
    year: int
    input: Shape  # what it was published for
    classes: int = 10  # what it was published for
    accuracy: str = ""  # as published, with the data: "ImageNet top-1 76.13 %"
    names: tuple[Mapping[str, str | None], ...] = ()  # how publishers name its weights, see `model.published`


_LENET = "LeCun et al., Gradient-Based Learning Applied to Document Recognition"

CATALOG: dict[str, Entry] = {
    "lenet5": Entry(lenet5, "LeNet-5 as it is usually written now", _LENET, 1998, Shape(1, 28, 28)),
    "lenet5_1998": Entry(lenet5_1998, "LeNet-5 exactly as published", _LENET, 1998, Shape(1, 32, 32)),
    "tiny": Entry(tiny, "ours, for small gray pictures", "docs/defaults.md", 2026, Shape(1, 28, 28)),
    "small": Entry(small, "ours, for small pictures in colour", "docs/defaults.md", 2026, Shape(3, 32, 32)),
    "resnet": Entry(resnet, "ours, for larger pictures", "docs/defaults.md", 2026, Shape(3, 128, 128)),
}


def resolve(what: str) -> Net:
    """The net that a name of the catalogue, a file with the text of a net, or the text itself stands for.

    A net of the catalogue comes with the number of classes open: `Net.with_classes` or ``on(..., classes=...)`` says
    it. Raises `DescribeError` naming what was tried, `NotationError` pointing at the column of a text.

        >>> resolve("lenet5").with_classes(10) == lenet5()
        True
        >>> print(resolve("conv 6 5 >> relu"))
        conv 6 5x5 >> relu
    """
    name = what.strip()
    entry = CATALOG.get(name.lower().replace("-", "_"))
    if entry is not None:
        return entry.function(None)
    path = Path(name)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # too long or not a path at all: then it is text
        is_file = False
    if is_file:
        return _read(path)
    try:
        return parse(what)
    except NotationError as error:
        if any(character.isspace() for character in name) or not name:
            raise
        raise DescribeError(
            f"{name!r} is neither a net of the catalogue ({_nearest(name)}), nor a file here, nor the text of a net "
            f"({error.reason})"
        ) from None


def _read(path: Path) -> Net:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise DescribeError(f"{path} is too large to be the text of a net: over {LARGEST_FILE:,} bytes")
        return parse(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise DescribeError(f"{path} is not text, so it is not the text of a net") from None
    except OSError as error:
        raise DescribeError(f"{path} cannot be read: {error.strerror}") from None
    except NotationError as error:
        line = error.text.count("\n", 0, error.column) + 1
        raise NotationError(f"{path}, line {line}: {error.reason}", error.text, error.column) from None


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    found = get_close_matches(name.lower(), CATALOG, n=1)
    return f"did you mean {found[0]}?" if found else "it has " + ", ".join(CATALOG)
