"""Class names: their order, and what makes a source unfit to learn from. May import errors and items."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from striate.errors import SourceError
from striate.words import counted

if TYPE_CHECKING:
    from striate.data.sources.items import Source

SPLITS: Final[Mapping[str, str]] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
_WHOLE: Final = re.compile(r"[0-9]{1,15}")


def in_order(names: Collection[str]) -> tuple[str, ...]:
    """Return class names in their order: by value when all are whole numbers, otherwise by name.

    Example: ``in_order({"10", "9"})`` is ``("9", "10")``.
    """
    if all(_WHOLE.fullmatch(name) for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))


def check_names(names: Iterable[str], location: str) -> None:
    """Refuse two names that differ only in case, spaces at the ends, or in how an accent is written.

    Errors: SourceError naming both.
    """
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(unicodedata.normalize("NFC", name).casefold().strip(), name)
        if other != name:
            raise SourceError(
                f"{location}: the classes {other!r} and {name!r} differ only in how they are written;"
                " give them one name, or two that differ more"
            )


def check_source(source: Source, *, least_classes: int = 2) -> None:
    """Refuse a source that nothing can be learnt from: no pictures, too few classes, a class that train lacks.

    Errors: SourceError with the numbers.
    """
    counts = Counter((item.split, item.place) for item in source.items if item.labelled)
    if not counts:
        unlabelled = f" with a label (of {len(source.items)})" if source.items else ""
        first = (
            f"; the first left out is {source.rejected[0].key}: {source.rejected[0].reason}" if source.rejected else ""
        )
        raise SourceError(f"{source.location} holds no pictures{unlabelled}{first}")
    check_names(source.label_names, source.location)
    from striate.data.sources.items import CLASSES  # late: an answer in tags needs this file, and no source

    if source.kind != CLASSES:
        return
    used = {target for _, target in counts}
    if len(used) < least_classes:
        only = source.label_names[min(used)]
        raise SourceError(
            f"{source.location} holds one class only ({only!r}, {counted(counts.total(), 'picture')});"
            f" to tell classes apart takes at least {least_classes}" + "".join(f"; {note}" for note in source.notes[:2])
        )
    if not any(split == "train" for split, _ in counts):
        return
    trained = {target for split, target in counts if split in ("train", None)}
    for part in ("val", "test"):
        for target in sorted(used - trained):
            if number := counts[part, target]:
                raise SourceError(
                    f"{source.location}: the class {source.label_names[target]!r} has {number}"
                    f" picture{'s' if number > 1 else ''} in {part} and none in train;"
                    f" add some to train, or take the class out of {part}"
                )


def shown(name: str) -> str:
    r"""Return a file name as text for one line: bytes that are not UTF-8 become ``\xe9``, a line end ``\n``."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return text.replace("\r", r"\r").replace("\n", r"\n")


def is_text(name: str) -> bool:
    """Return whether a file name is text at all: the bytes of some are not UTF-8."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
