"""Every error a person can meet. May import nothing of Striate; everything may import this.

StriateError                      one clear message; the command line prints it and exits with ``exit_code``
├── DescribeError                 a network that cannot be
│   ├── NotationError             the text of a net does not read; knows the column
│   ├── ShapeError                a layer cannot take what it is given (dense on a map, groups that do not divide)
│   └── FitError                  a window does not fit, or part of the picture is never seen; knows what would fit
├── FileError                     a file that is no ordinary one (a device, a pipe), or larger than any of its kind
├── RecipeError                   how to train, said wrongly
├── DataError                     the pictures
│   ├── SourceError               a folder, list or data set that cannot be used as it is
│   ├── PictureError              one picture that cannot be read
│   ├── DownloadError             a data set by name that could not be had
│   └── StoreError                the store of decoded pictures
├── ModelError                    a model file that is not one, or does not match
│   ├── DoorError                 somebody else's pickle that was not let in; nothing of it was run
│   └── ExportError               a model that would answer otherwise elsewhere; it was not written
├── ServeError                    a server that cannot start as it was asked to, or that cannot be reached
├── RunError                      a run that is not there, or cannot go on
│   └── DiskError                 the disk is full or refuses; what was there before is still there
└── TrainingError                 training itself
    ├── DivergedError             the loss left the numbers three times
    └── DeviceError               the device asked for is not here, or too small
"""

from __future__ import annotations

import errno
from typing import Any

FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}  # what a system says where no room is left


class StriateError(Exception):
    """The root: its text names the thing, the numbers and the remedy, and is all a person needs to see."""

    exit_code: int = 2

    def __reduce__(self) -> tuple[Any, ...]:
        """Survive a pickle, as a pool of processes hands errors on: made again without asking its own ``__init__``."""
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[StriateError], args: tuple[Any, ...], attributes: dict[str, Any]) -> StriateError:
    """Return an error with this text and these attributes."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


class DescribeError(StriateError):
    """A network that cannot be.

    Attributes: ``survey`` the rows up to the part that fails (a `striate.spec.survey.Survey`; None where no shape was
    given yet), ``proposals`` the changes that were tried and work (`striate.spec.remedy.Proposal`).
    """

    survey: Any = None
    proposals: tuple[Any, ...] = ()


class NotationError(DescribeError):
    """The text of a net does not read.

    Attributes: ``text`` the whole text, ``column`` where reading stopped (0-based), ``reason`` what was expected.
    """

    def __init__(self, reason: str, text: str, column: int) -> None:
        self.reason, self.text, self.column = reason, text, column
        line_start = text.rfind("\n", 0, column) + 1
        line_end = text.find("\n", column)
        line = text[line_start : line_end if line_end >= 0 else len(text)]
        offset = column - line_start
        begin = max(0, offset - 60)
        shown = ("…" if begin else "") + line[begin : offset + 40] + ("…" if len(line) > offset + 40 else "")
        caret = " " * (offset - begin + bool(begin)) + "^"
        super().__init__(f"{reason} (column {offset + 1})\n  {shown}\n  {caret}")


class ShapeError(DescribeError):
    """A layer cannot take what it is given."""


class FitError(DescribeError):
    """A window does not fit, or part of the picture is never seen."""


class FileError(StriateError, OSError):
    """A file that is no ordinary one (a device, a pipe), or larger than any of its kind.

    It is an OSError too, so that whoever says why a file cannot be read says this; its text is the reason alone, and
    ``errno``, ``strerror`` and ``filename`` are None.
    """


class RecipeError(StriateError):
    """How to train, said wrongly."""


class DataError(StriateError):
    """The pictures."""


class SourceError(DataError):
    """A folder, list or data set that cannot be used as it is."""


class PictureError(DataError):
    """One picture that cannot be read.

    Attributes: ``passing`` whether it may read another time without being changed: what reads it is not installed.
    """

    passing: bool = False


class DownloadError(DataError):
    """A data set by name that could not be had."""


class StoreError(DataError):
    """The store of decoded pictures."""


class SearchError(DataError):
    """An index of pictures that is none, is damaged, or was made by another model."""


class ModelError(StriateError):
    """A model file that is not one, or does not match."""


class DoorError(ModelError):
    """Somebody else's pickle that was not let in; nothing of it was run."""


class ExportError(ModelError):
    """A model that would answer otherwise elsewhere; it was not written."""


class ServeError(StriateError):
    """A server that cannot start as it was asked to, or that cannot be reached."""


class RunError(StriateError):
    """A run that is not there, or cannot go on."""


class DiskError(RunError):
    """The disk is full or refuses; what was there before is still there."""

    exit_code = 3


class TrainingError(StriateError):
    """Training itself."""


class DivergedError(TrainingError):
    """The loss left the numbers three times."""

    exit_code = 4


class DeviceError(TrainingError):
    """The device asked for is not here, or too small."""
