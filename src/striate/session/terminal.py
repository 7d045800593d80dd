"""What reaches a terminal is text: a name that holds escape sequences sets no title, clears no screen, forges no line.

`guard` makes both streams so, for whatever is written to them by whom: commands, errors, warnings, tracebacks, loggers.
What moves our own lines goes past it through `moving`, with every name in it made printable before. JSON is untouched,
since it escapes what is not printable by itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TextIO, final

import click

from striate.words import JOINERS

_PLAIN = "\n\t"  # what a line of ours is laid out with


def printable(text: str, *, keep: str = _PLAIN) -> str:
    r"""Return a text with everything that no screen shows escaped, but for what is to be kept.

    >>> printable("a\x1b[2Jb\u202e")
    'a\\x1b[2Jb\\u202e'
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter in keep or letter in JOINERS else _escaped(letter) for letter in text
    )


def line(text: str) -> str:
    r"""Return a text as one line: a line break in it is escaped too, so that a name cannot pretend to be a second.

    >>> line("cat\nstriate: done")
    'cat\\nstriate: done'
    """
    return printable(text, keep="")


def say(text: str) -> None:
    """Print one line."""
    click.echo(line(text))


def tell(text: str) -> None:
    """Print one line on standard error."""
    click.echo(line(text), err=True)


def _escaped(letter: str) -> str:
    short = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}.get(letter)
    return short or letter.encode("ascii", "backslashreplace").decode("ascii").replace(letter, f"\\x{ord(letter):02x}")


def guard(stream: Any) -> None:
    """Let only printable text through a stream from now on, whoever writes to it."""
    write: Callable[[str], int] = stream.write
    if getattr(stream, "striate_moving", None) is None:
        stream.striate_moving = write
        stream.write = lambda text: write(printable(text)) and len(text)


@final
class Moving:
    """A stream past the `guard`: for sequences of our own. Whoever writes to it makes names printable."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write as it is."""
        write: Callable[[str], int] = getattr(self._stream, "striate_moving", None) or self._stream.write
        return write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def moving(*, error: bool = False) -> Any:
    """Return standard output (or error) past the `guard`."""
    return Moving(sys.stderr if error else sys.stdout)
