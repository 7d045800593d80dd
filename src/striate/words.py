"""Words around numbers: one picture, two pictures; words of other people, made readable. Imports nothing of ours."""

from __future__ import annotations

_OTHERWISE = {
    "box": "boxes",
    "class": "classes",
    "copy": "copies",
    "patch": "patches",
    "is": "are",
    "was": "were",
    "has": "have",
    "it": "they",
}
JOINERS = "\u200c\u200d"  # which Persian, Hindi and emoji are written with, and which move nothing
_SIGN = "\ufffd"  # what stands for a character that nobody could see
_SPACES = str.maketrans("\n\t\r", "   ")


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


def figure(value: float, digits: int = 3) -> str:
    """Return a number as it is read: so many digits, thousands by commas, ``2,280`` and never ``2.28e+03``.

    Example: ``figure(22374.0, 4)  # "22,374"``
    """
    least = 10**digits - 0.5
    return f"{value:,.0f}" if least <= abs(value) < 1e9 else f"{value:.{digits}g}"


def readable_size(size: int) -> str:
    """Return a number of bytes as people write it: ``412 MB``."""
    amount, unit = float(size), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if amount >= 10 or unit == "bytes" else f"{amount:.1f} {unit}"


def readable(text: str) -> str:
    r"""Return text on one line for a page: line breaks and tabs as spaces, the rest as `signs` has it.

    Example: ``readable("a\nb")  # "a b"``
    """
    return text if text.isprintable() else signs(text.translate(_SPACES))


def signs(text: str) -> str:
    r"""Return text with a sign for each character that is not to be seen, or that turns the direction of what follows.

    Example: ``signs("a\x1bb")``
    """
    if text.isprintable():
        return text
    from unicodedata import category

    return "".join(
        _SIGN if category(letter) in ("Cc", "Cf", "Cs") and letter not in JOINERS else letter for letter in text
    )
