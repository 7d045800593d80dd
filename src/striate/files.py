"""Files that a person names: ordinary ones, of a bounded size, never waited for. May import errors only; no NumPy.

A name that a person gives can be a device that never ends (``/dev/zero``), a pipe that nobody writes to, a sparse file
of 100 GB or a name that no file can have. Every picture, model file, recipe, list, text of a net or of class names is
opened here, so that each of these is one sentence in place of a full memory or an endless wait.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from io import BufferedReader
from pathlib import Path
from typing import Final

from striate.errors import FileError

PICTURE: Final = 2**30  # bytes; 100 million pixels of 8 bytes, uncompressed, are 0.8e9
TEXT: Final = 2**22  # a recipe, the text of a net, names of classes: what a person may have written
LIST: Final = 2**30  # a list of pictures
ARRAYS: Final = 2**33  # pictures as arrays: IDX, CIFAR, .npz
MODEL: Final = 2**35  # weights

_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+")  # of two letters: C:/ is a disk
_KINDS: Final = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def open_file(path: str | Path, *, limit: int) -> BufferedReader:
    """Return an ordinary file of at most ``limit`` bytes, open for reading; nothing is waited for.

    Errors: FileError (an OSError whose text is the whole reason) for a device, a pipe, a socket, a file over the limit
    and a name that no file can have; other OSErrors as the system has them.
    Example: ``open_file("recipe.toml", limit=TEXT).read(6)`` is ``b"source"``.
    """
    try:
        _check(os.stat(path), path, limit)  # noqa: PTH116  (a device is not even opened: that alone may do something)
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        number = os.open(path, flags)
    except ValueError:
        raise FileError("its name holds a zero byte, and no file has such a name") from None
    try:
        _check(os.fstat(number), path, limit)  # the name may stand for another file by now
        return os.fdopen(number, "rb")
    except BaseException:
        os.close(number)
        raise


def read_bytes(path: str | Path, *, limit: int) -> bytes:
    """Return the bytes of an ordinary file of at most ``limit`` bytes, one that grows while it is read included.

    Errors: as `open_file`. Example: ``read_bytes("cat.jpg", limit=PICTURE)``
    """
    with open_file(path, limit=limit) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size + 1)  # in one piece, where the file is as long as it says
        if len(content) > size:
            content += file.read(limit + 1 - len(content))
    if len(content) > limit:
        raise FileError(f"it is longer than {limit:,} bytes, the most that is read")
    return content


def not_a_url(text: str) -> str:
    """Return why nothing is found at a text that is an address on the network, or "" for any other text.

    A path has the two slashes of an address made one; the sentence has them again.
    Example: ``not_a_url("https:/example.com/cat.jpg")``
    """
    found = _URL.match(text)
    if found is None:
        return ""
    address = f"{found[1]}://{text[found.end() :]}"
    return f"{address} is an address, and pictures are read from this machine; download it first"


def read_text(path: str | Path, *, limit: int = TEXT) -> str:
    r"""Return the text of an ordinary file in UTF-8; line ends become ``\n``.

    Errors: as `open_file`, and UnicodeDecodeError.

    Example: ``read_text("recipe.toml").splitlines()[1]`` is ``"epochs = 5"``.
    """
    text = read_bytes(path, limit=limit).decode("utf-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _check(facts: os.stat_result, path: str | Path, limit: int) -> None:
    if stat.S_ISDIR(facts.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    for is_kind, what in _KINDS:
        if is_kind(facts.st_mode):
            raise FileError(f"it is {what}, and only ordinary files are read")
    if facts.st_size > limit:
        raise FileError(f"it has {facts.st_size:,} bytes, and {limit:,} is the most that is read")
