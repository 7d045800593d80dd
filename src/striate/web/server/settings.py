"""What a server is asked to do and what it will take: checked whole before a socket is opened. No torch."""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from striate.errors import ServeError
from striate.files import read_text

TOKEN: Final = "STRIATE_TOKEN"  # the variable that holds it: a command line is read by every user of a machine
SHORTEST_TOKEN: Final = 16
_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")

_Port = Annotated[int, Field(ge=0, le=65_535)]
_Count = Annotated[int, Field(ge=1, le=100_000)]
_Bytes = Annotated[int, Field(ge=1_024, le=2**40)]
_Seconds = Annotated[float, Field(gt=0, le=3_600)]


class Settings(BaseModel):
    """What a server is asked to do, and its bounds.

    Arguments:
        host: the address it listens at; anything but this machine's own (loopback) takes a ``token``.
        port: 0: any that is free.
        metrics_port: a second port for ``/metrics`` alone, without the token; None: ``/metrics`` is at ``port``.
        token: what a request has to know; "" where none is asked for.
        allow_host: names that a request may call this server by, beside addresses as numbers, and ``localhost``.
        allow_origin: pages that may ask it from a browser: ``https://example.com``.
        upload: the most bytes of a request.
        pixels: the most pixels of a picture.
        parts: the most pictures of a request.
        queue: the most pictures that are under way at once; above, requests are refused at once.
        queue_bytes: the most bytes of requests that are held at once.
        deadline: seconds within which a picture is begun to be computed, or is refused.
        batch: the most pictures that are computed together.
        threads: how many threads compute a batch; None: one a core but one, which decodes and answers.
        decoders: processes that decode; None: one a core, up to 4.
        decode_seconds: how long one picture may be decoded.
        decode_memory: bytes that a process that decodes may take.
        connections: the most connections that are held at once.
        slow: seconds within which a request has to be there whole, and its answer to be taken.
        drain: seconds that are left for what was accepted once the server is told to stop.
        linger: seconds for which it still answers new requests then, so that none meets a closed door.
        watch: seconds between two looks for a newer version of its models; 0: only when asked to (SIGHUP).

    Example: ``Settings(port=0).host`` is ``"127.0.0.1"``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    host: str = "127.0.0.1"
    port: _Port = 8000
    metrics_port: _Port | None = None
    token: str = Field(default="", repr=False)
    allow_host: tuple[str, ...] = ()
    allow_origin: tuple[str, ...] = ()
    upload: _Bytes = 20_000_000
    pixels: Annotated[int, Field(ge=1, le=100_000_000)] = 64_000_000
    parts: _Count = 16
    queue: _Count = 64
    queue_bytes: _Bytes = 200_000_000
    deadline: _Seconds = 5.0
    batch: Annotated[int, Field(ge=1, le=256)] = 8
    threads: Annotated[int, Field(ge=1, le=256)] | None = None
    decoders: Annotated[int, Field(ge=1, le=64)] | None = None
    decode_seconds: _Seconds = 10.0
    decode_memory: _Bytes = 2**30
    connections: _Count = 1_000
    slow: _Seconds = 20.0
    drain: Annotated[float, Field(gt=0, le=9)] = 8.0
    linger: Annotated[float, Field(ge=0, le=60)] = 0.5
    watch: Annotated[float, Field(ge=0, le=86_400)] = 0.0

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Return whether an address is of this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0")
    (True, False)
    """
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def settled(given: dict[str, Any], config: Path | None = None, token_file: Path | None = None) -> Settings:
    """Return settings: what was ``given`` (None: nothing), before what a file says, before what is usual.

    ``config`` is a file of TOML whose keys are the fields of `Settings`, but for the token: that is in ``token_file``
    or in the environment (`TOKEN`). Errors: ServeError that names the field and what is wrong with it.
    """
    said = {} if config is None else _read(config)
    if "token" in said:
        raise ServeError(f"{config}: a token does not belong into it; put it into a file of its own (--token-file)")
    said |= {name: value for name, value in given.items() if value is not None}
    for name in ("allow_host", "allow_origin"):
        if isinstance(said.get(name), list):
            said[name] = tuple(said[name])
    token = _token(token_file)
    try:
        settings = Settings(**said, token=token)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        where = f"{config}: " if config is not None and name not in given else ""
        if first["type"] == "extra_forbidden":
            known = ", ".join(field for field in Settings.model_fields if field != "token")
            raise ServeError(f"{where}{name[:60]} is nothing that a server is told; it is told {known}") from None
        raise ServeError(f"{where}{name} = {str(first['input'])[:60]!r}: {first['msg'].lower()}") from None
    _check(settings)
    return settings


def _read(config: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(config))
    except FileNotFoundError:
        raise ServeError(f"there is no file {config}") from None
    except OSError as error:
        raise ServeError(f"{config} cannot be read: {error.strerror or error}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ServeError(f"{config} is no TOML: {' '.join(str(error).split())[:120]}") from None


def _token(file: Path | None) -> str:
    """Return the token, "" where there is none. Errors: ServeError."""
    if file is None:
        token, where = os.environ.get(TOKEN, ""), TOKEN
        if not token:
            return ""
    else:
        where = str(file)
        try:
            token = read_text(file).strip()
        except FileNotFoundError:
            raise ServeError(f"there is no file {file} with a token") from None
        except (OSError, UnicodeDecodeError) as error:
            raise ServeError(f"{file}, which holds the token, cannot be read: {error}") from None
    if len(token) < SHORTEST_TOKEN or not re.fullmatch(r"[\x21-\x7e]+", token):
        raise ServeError(
            f"the token of {where} has {len(token)} characters; it takes {SHORTEST_TOKEN} or more, printable and "
            "without spaces: python -c 'import secrets; print(secrets.token_urlsafe())' makes one"
        )
    return token


def _check(settings: Settings) -> None:
    """Refuse what cannot be, or would be open to everybody. Errors: ServeError."""
    host = settings.host
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if host.lower() != "localhost":
            raise ServeError(
                f"host {host[:80]!r}: an address to listen at is a number (127.0.0.1, 0.0.0.0, ::) or localhost; names"
                " that requests may use are --allow-host"
            ) from None
    if not settings.on_loopback and not settings.token:
        raise ServeError(
            f"at {host} everybody who reaches this machine could ask; set a token ({TOKEN}, or --token-file FILE), or "
            "listen at 127.0.0.1"
        )
    for name in settings.allow_host:
        if not _NAME.fullmatch(name):
            raise ServeError(f"--allow-host {name[:80]!r}: it is a host's name alone, such as striate.example.com")
    for origin in settings.allow_origin:
        try:
            parts = urlsplit(origin)
            fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            fine = False
        if not fine or origin != f"{parts.scheme}://{parts.netloc}" or "@" in parts.netloc:
            raise ServeError(f"--allow-origin {origin[:80]!r}: it is an origin, such as https://example.com")
    if settings.metrics_port and settings.metrics_port == settings.port:
        raise ServeError(f"port {settings.port} is for requests; /metrics alone needs another, or leave it out")
    if settings.queue_bytes < settings.upload:
        raise ServeError(
            f"queue_bytes is {settings.queue_bytes:,}, and one request may have {settings.upload:,}; nothing of that "
            "size could ever be taken"
        )
