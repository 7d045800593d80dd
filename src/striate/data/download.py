"""One file from the network: resumed where it broke off, checked, put in its place only when it is whole.

What has come so far stands beside the target as ``<name>.part``. A file is taken when its length and SHA-256 are what
they should be, whatever the server said on the way.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from striate.errors import DownloadError

Progress = Callable[[str, int, int], None]

ATTEMPTS: Final = 4  # per address, as long as each brings something
_CHUNK: Final = 1 << 18


def fetch(
    urls: Sequence[str],
    target: Path,
    *,
    sha256: str,
    size: int,
    progress: Progress | None = None,
    timeout: float = 30.0,
    pause: float = 1.0,
) -> None:
    """Put a file in its place, from the first of ``urls`` that has it.

    ``size`` in bytes, ``timeout`` and ``pause`` (between attempts) in seconds; ``progress(name, done, total)``.
    Errors: DownloadError with the reason of every address. What came so far stays, and the next call goes on there.
    Example: ``fetch(["https://example.org/a.gz"], Path("a.gz"), sha256="9f86…", size=4)``
    """
    reasons: list[str] = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for url in urls:
            reason = _from(url, target, sha256, size, progress, timeout, pause)
            if reason is None:
                return
            reasons.append(f"{urlsplit(url).netloc}: {reason}")
    except OSError as error:
        raise DownloadError(
            f"{target.name} ({size:,} bytes) cannot be kept in {target.parent}: {error.strerror or error}"
        ) from None
    raise DownloadError(f"{target.name} could not be downloaded ({'; '.join(reasons)})")


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def publish(made: Path, target: Path) -> None:
    """Give a finished file its name, all at once, so that it outlives a power cut."""
    with made.open("rb+") as file:
        os.fsync(file.fileno())
    made.replace(target)
    if os.name == "posix":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _from(
    url: str, target: Path, sha256: str, size: int, progress: Progress | None, timeout: float, pause: float
) -> str | None:
    """Return None when the file is there, or why this address did not give it."""
    part = target.with_name(target.name + ".part")
    reason = "nothing came"
    for attempt in range(ATTEMPTS):
        before = _length(part, size)
        if before < size:
            try:
                _receive(url, part, before, size, target.name, progress, timeout)
            except _GiveUpError as error:
                return str(error)
            except _NetworkError as error:
                reason = str(error)
        done = _length(part, size)
        if done == size:
            if digest(part) == sha256:
                publish(part, target)
                return None
            part.unlink()
            reason = f"what came has the wrong SHA-256 (wanted {sha256[:12]}…)"
            if not before:
                return reason  # the whole of it came from here; it will not be another the next time
        elif done:
            reason = f"broke off after {done:,} of {size:,} bytes"
        if done <= before and attempt:
            return reason
        time.sleep(pause * (attempt + 1 < ATTEMPTS))
    return reason


class _GiveUpError(Exception):
    """The address does not have the file."""


class _NetworkError(Exception):
    """The connection failed; another attempt may not."""


def _length(part: Path, size: int) -> int:
    try:
        done = part.stat().st_size
    except FileNotFoundError:
        return 0
    if done > size:
        part.unlink()
        return 0
    return done


def _receive(url: str, part: Path, start: int, size: int, name: str, progress: Progress | None, timeout: float) -> None:
    """Append to ``part`` what the address has from ``start`` on; from the beginning if it knows no ranges."""
    request = urllib.request.Request(url, headers={"User-Agent": "striate", "Accept-Encoding": "identity"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            resumed = answer.status == 206 and (answer.headers.get("Content-Range") or "").startswith(f"bytes {start}-")
            begin = start if resumed else 0
            length = answer.headers.get("Content-Length", "")
            if length.isdigit() and int(length) != size - begin:
                raise _GiveUpError(f"has {begin + int(length):,} bytes, wanted {size:,}")
            done = begin
            with part.open("ab" if resumed else "wb") as file:
                while chunk := _read(answer):
                    done += len(chunk)
                    if done > size:
                        break
                    file.write(chunk)
                    if progress is not None:
                        progress(name, done, size)
            if done > size:
                part.unlink()
                raise _GiveUpError(f"sends more than the {size:,} bytes wanted")
    except urllib.error.HTTPError as error:
        if error.code == 416:
            part.unlink(missing_ok=True)
        if error.code in (416, 429) or error.code >= 500:
            raise _NetworkError(f"HTTP {error.code}") from None
        raise _GiveUpError(f"HTTP {error.code} {error.reason}") from None
    except (urllib.error.URLError, http.client.HTTPException) as error:
        raise _NetworkError(f"{getattr(error, 'reason', None) or type(error).__name__}") from None
    except (TimeoutError, ConnectionError) as error:
        raise _NetworkError(_said(error)) from None


def _read(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read(_CHUNK)
    except http.client.IncompleteRead as error:
        return error.partial
    except OSError as error:  # told apart from a disk that is full
        raise _NetworkError(_said(error)) from None


def _said(error: OSError) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else error.strerror or type(error).__name__
