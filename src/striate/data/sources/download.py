"""One file from the network: resumed where it broke off, checked, put in its place only when it is whole.

What has come so far stands beside the target as ``<name>.part``. A file is taken when its length and SHA-256 are what
they should be, whatever the server said on the way. Where its SHA-256 is not known beforehand, what the first address
states of it is held against the bytes: Hugging Face's hub states both in the headers ``X-Linked-ETag`` and
``X-Linked-Size`` before it sends on to where the bytes are (huggingface_hub, ``file_download.py``).
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Final
from urllib.parse import urlsplit

from striate.errors import DownloadError

Progress = Callable[[str, int, int], None]

ATTEMPTS: Final = 4  # per address, as long as each brings something
LARGEST: Final = 1 << 34  # bytes; where nobody says how long a file is
_CHUNK: Final = 1 << 18


@dataclass(frozen=True)
class Fetched:
    """A file that is there: its ``size`` (bytes), its whole ``sha256``, and what that was ``checked`` against.

    ``checked``: "known" (what the caller knew, or the first digits of it), "stated" (what the address said of it), or
    "length" where there was nothing else.
    """

    size: int
    sha256: str
    checked: str


def fetch(
    urls: Sequence[str],
    target: Path,
    *,
    sha256: str = "",
    size: int = 0,
    progress: Progress | None = None,
    timeout: float = 30.0,
    pause: float = 1.0,
) -> Fetched:
    """Put a file in its place, from the first of ``urls`` that has it.

    ``sha256`` in hexadecimal, whole or its first digits; ``size`` in bytes; both may be unknown (empty, 0).
    ``timeout`` and ``pause`` (between attempts) in seconds; ``progress(name, done, total)``, total 0 where unknown.
    Errors: DownloadError with the reason of every address, and where STRIATE_OFFLINE is set. What came so far stays,
    and the next call goes on there.
    Example: ``fetch([url], Path("a.gz"), size=4)``
    """
    if offline():
        raise DownloadError(f"{target.name} is not downloaded: STRIATE_OFFLINE is set")
    reasons: list[str] = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for url in urls:
            came = _from(url, target, _Wanted(sha256.lower(), size), progress, timeout, pause)
            if isinstance(came, Fetched):
                return came
            reasons.append(f"{urlsplit(url).netloc}: {came}")
    except OSError as error:
        of = f" ({size:,} bytes)" if size else ""
        raise DownloadError(f"{target.name}{of} cannot be kept in {target.parent}: {error.strerror or error}") from None
    raise DownloadError(f"{target.name} could not be downloaded ({'; '.join(reasons)})")


def offline() -> bool:
    """Return whether STRIATE_OFFLINE forbids all use of the network."""
    return os.environ.get("STRIATE_OFFLINE", "0") not in ("", "0")


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


@dataclass
class _Wanted:
    """What is known of a file: by the caller, and ``stated`` and ``length`` by the address."""

    sha256: str
    size: int
    stated: str = ""
    length: int = 0

    @property
    def whole(self) -> int:
        """How many bytes make it whole, 0 where nobody said."""
        return self.size or self.length

    @property
    def digest(self) -> str:
        """What its SHA-256 begins with."""
        return self.sha256 or self.stated

    def listen(self, said: Message | http.client.HTTPMessage, begin: int) -> None:
        """Learn what an answer says of the file, and leave an address that has another one."""
        etag = (said.get("X-Linked-ETag") or "").removeprefix("W/").strip('"').lower()
        if not self.stated and re.fullmatch("[0-9a-f]{64}", etag):
            self.stated = etag
            if not etag.startswith(self.sha256):
                raise _GiveUpError(f"has a file of another SHA-256 ({etag[:12]}…, wanted {self.sha256[:12]}…)")
        total = said.get("X-Linked-Size") or ""
        if not total.isdigit():
            length = said.get("Content-Length") or ""
            if not length.isdigit() or "Location" in said:  # a redirect's own length says nothing
                return
            total = str(begin + int(length))
        if self.whole and int(total) != self.whole:
            raise _GiveUpError(f"has {int(total):,} bytes, wanted {self.whole:,}")
        self.length = int(total)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Goes where it is sent, hears what is said of the file on the way, and never leaves encryption behind."""

    def __init__(self, wanted: _Wanted) -> None:
        self.wanted = wanted

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise _GiveUpError(f"sends on to {urlsplit(newurl).netloc} without encryption")
        self.wanted.listen(headers, 0)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _from(
    url: str, target: Path, wanted: _Wanted, progress: Progress | None, timeout: float, pause: float
) -> Fetched | str:
    """Return what is there now, or why this address did not give it."""
    part = target.with_name(target.name + ".part")
    reason = "nothing came"
    ended = False  # by the server, where nobody says how long the file is
    for attempt in range(ATTEMPTS):
        before = _length(part, wanted.whole)
        if not wanted.whole or before < wanted.whole:
            try:
                ended = _receive(url, part, before, wanted, target.name, progress, timeout, began=bool(attempt))
            except _GiveUpError as error:
                return str(error)
            except _NetworkError as error:
                ended, reason = False, str(error)
        done = _length(part, wanted.whole)
        if done and (done == wanted.whole if wanted.whole else ended):
            sha256 = digest(part)
            if sha256.startswith(wanted.digest):
                publish(part, target)
                return Fetched(done, sha256, "known" if wanted.sha256 else "stated" if wanted.stated else "length")
            part.unlink()
            reason = f"what came has the wrong SHA-256 (wanted {wanted.digest[:12]}…)"
            if not before:
                return reason  # the whole of it came from here; it will not be another the next time
        elif done:
            reason = f"broke off after {done:,}" + (f" of {wanted.whole:,} bytes" if wanted.whole else " bytes")
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
    if size and done > size:
        part.unlink()
        return 0
    return done


def _receive(
    url: str,
    part: Path,
    start: int,
    wanted: _Wanted,
    name: str,
    progress: Progress | None,
    timeout: float,
    *,
    began: bool,
) -> bool:
    """Append to ``part`` what the address has from ``start`` on; from the beginning if it knows no ranges.

    ``began``: what is there came in this very call. Return whether the answer came to its own end.
    """
    request = urllib.request.Request(url, headers={"User-Agent": "striate", "Accept-Encoding": "identity"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        with urllib.request.build_opener(_Redirects(wanted)).open(request, timeout=timeout) as answer:
            resumed = answer.status == 206 and (answer.headers.get("Content-Range") or "").startswith(f"bytes {start}-")
            begin = start if resumed else 0
            wanted.listen(answer.headers, begin)
            if not wanted.whole and not wanted.digest:
                raise _GiveUpError("says neither how long the file is nor its SHA-256; nothing would show it is whole")
            if resumed and not began and not wanted.digest:
                part.unlink()
                raise _NetworkError("has nothing to show that it is still the file begun")
            return _write(answer, part, begin, wanted, name, progress)
    except urllib.error.HTTPError as error:
        if error.code == 416:
            part.unlink(missing_ok=True)
        if error.code in (416, 429) or error.code >= 500:
            raise _NetworkError(f"HTTP {error.code}") from None
        if error.code < 400:
            raise _GiveUpError(f"sends on and on (HTTP {error.code})") from None
        raise _GiveUpError(f"HTTP {error.code} {error.reason}") from None
    except (urllib.error.URLError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        raise _NetworkError(_said(reason) if isinstance(reason, OSError) else str(reason)) from None
    except (TimeoutError, ConnectionError) as error:
        raise _NetworkError(_said(error)) from None


def _write(
    answer: http.client.HTTPResponse, part: Path, begin: int, wanted: _Wanted, name: str, progress: Progress | None
) -> bool:
    done, most, ended = begin, wanted.whole or LARGEST, True
    with part.open("ab" if begin else "wb") as file:
        while ended:
            chunk, ended = _read(answer)
            if not chunk:
                break
            done += len(chunk)
            if done > most:
                break
            file.write(chunk)
            if progress is not None:
                progress(name, done, wanted.whole)
    if done > most:
        part.unlink()
        raise _GiveUpError(f"sends more than the {most:,} bytes wanted")
    return ended


def _read(answer: http.client.HTTPResponse) -> tuple[bytes, bool]:
    """Return the next bytes, none at the end; and False where the answer broke off behind them."""
    try:
        return answer.read(_CHUNK), True
    except http.client.IncompleteRead as error:
        return error.partial, False
    except OSError as error:  # told apart from a disk that is full
        raise _NetworkError(_said(error)) from None


def _said(error: OSError) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else error.strerror or type(error).__name__
