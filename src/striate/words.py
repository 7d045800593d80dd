"""Words around numbers: one picture, two pictures. Imports nothing of ours."""

from __future__ import annotations

_OTHERWISE = {
    "class": "classes",
    "copy": "copies",
    "patch": "patches",
    "is": "are",
    "was": "were",
    "has": "have",
    "it": "they",
}


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the singular for one: the noun is given in the singular.

    Where several words are given the last is the noun; thousands are set apart.

    Example: ``counted(1, "picture")  # "1 picture"``, ``counted(1200, "test picture")  # "1,200 test pictures"``
    """
    return f"{number:,} {plural(number, noun)}"


def plural(number: int, word: str) -> str:
    """Return a noun or a small verb (is, was, has) as it stands beside a number, which is not told.

    Example: ``plural(1, "class")  # "class"``, ``plural(2, "class")  # "classes"``
    """
    if number == 1:
        return word
    before, space, last = word.rpartition(" ")
    return before + space + _OTHERWISE.get(last, f"{last}s")


def readable_size(size: int) -> str:
    """Return a number of bytes as people write it: ``412 MB``."""
    amount, unit = float(size), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if amount >= 10 or unit == "bytes" else f"{amount:.1f} {unit}"
