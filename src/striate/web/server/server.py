"""The server: everything opened, then served until it is told to stop; what was accepted by then is answered first."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import IO, Final, final

import uvicorn

from striate.errors import ServeError
from striate.verbs.workspace import Workspace
from striate.web.server.admission import Admission
from striate.web.server.answering import Answering
from striate.web.server.decoding import Bounds, Decoder
from striate.web.server.gate import Gate
from striate.web.server.log import Log
from striate.web.server.metrics import Metrics
from striate.web.server.models import Models, Wanted
from striate.web.server.protocol import protocol
from striate.web.server.routes import Serving, application, route_of
from striate.web.server.settings import Settings

_MOST_DECODERS: Final = 4
_BACKLOG: Final = 1_024


def serve(
    asked: Sequence[Wanted],
    settings: Settings,
    workspace: Workspace,
    *,
    index: Path | None = None,
    int8: bool = False,
    started: Callable[[str, str], None] = lambda _address, _metrics: None,
    stream: IO[str] | None = None,
) -> None:
    """Serve models until SIGTERM or SIGINT; SIGHUP looks for newer versions of them.

    Arguments:
        asked: the models.
        settings: where, and within which bounds.
        workspace: where runs and weights are.
        index: an index of pictures to find others in.
        int8: whether ``model.int8.onnx`` answers.
        started: told the address, and that of ``/metrics`` alone ("" for none), once requests are taken.
        stream: where the log goes; None: standard error.

    Errors: StriateError for what keeps it from starting.
    """
    sockets = [bound(settings.host, settings.port)]
    try:
        if settings.metrics_port is not None:
            sockets.append(bound(settings.host, settings.metrics_port))
        metrics = Metrics()
        models = Models(
            asked,
            settings,
            workspace,
            int8=int8,
            seen=lambda name, size: metrics.batch.labels(name).observe(size),
        )
        opened = None
        if index is not None:
            from striate.web.server import finding

            opened = finding.opened(index)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        processes = settings.decoders or min(cores, _MOST_DECODERS)
        decoder = Decoder(Bounds(processes, settings.decode_seconds, settings.decode_memory, settings.pixels))
    except BaseException:
        for each in sockets:
            each.close()
        raise
    log = Log(stream)
    answering = Answering(decoder)
    admission = Admission(settings.queue, settings.queue_bytes)
    ports = [one.getsockname()[1] for one in sockets]
    state = _State()
    serving = Serving(
        settings, models, answering, admission, metrics, opened, lambda: not state.stopping, lambda: decoder.restarts
    )
    gate = Gate(
        application(serving),
        settings,
        log=log,
        metrics=metrics,
        admission=admission,
        route_of=route_of,
        metrics_port=ports[1] if len(ports) > 1 else None,
    )
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    config = uvicorn.Config(
        gate,
        http=protocol(slow=settings.slow, most=settings.connections),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=max(1, int(settings.drain)),
    )
    server = _Server(config, settings, state, gate, models, log)

    def address(port: int) -> str:
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        return f"http://{host}:{port}"

    server.when_started = lambda: started(address(ports[0]), f"{address(ports[1])}/metrics" if len(ports) > 1 else "")
    log.say("start", models=[one.name for one in asked], decoders=processes, jail=list(decoder.layers))
    try:
        server.run(sockets=sockets)
    finally:
        models.close()
        answering.close()
        decoder.close()
        log.say("stop", begun=gate.begun, answered=gate.answered)
        log.close()


class _State:
    """Whether the server was told to stop, and when."""

    stopping = False
    since = 0.0


@final
class _Server(uvicorn.Server):
    """uvicorn's server, which goes on answering for a moment once it is told to stop, then lets what it has end."""

    def __init__(
        self, config: uvicorn.Config, settings: Settings, state: _State, gate: Gate, models: Models, log: Log
    ) -> None:
        super().__init__(config)
        self._settings, self._state, self._gate, self._models, self._log = settings, state, gate, models, log
        self._renewing: asyncio.Task[None] | None = None
        self._wanted = False
        self._looked = time.monotonic()
        self.when_started: Callable[[], None] = lambda: None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a second Ctrl-C stops at once."""
        if self._state.stopping and sig == signal.SIGINT:
            self.force_exit = self.should_exit = True
            return
        if not self._state.stopping:
            self._state.stopping, self._state.since = True, time.monotonic()
            self._gate.draining = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take requests, and say so."""
        await super().startup(sockets)
        if hasattr(signal, "SIGHUP"):
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._want)
        self.when_started()

    def _want(self) -> None:
        self._wanted = True

    async def on_tick(self, counter: int) -> bool:
        """Return whether to stop now; look for newer versions where it is time to."""
        if await super().on_tick(counter):
            return True
        now = time.monotonic()
        watch = self._settings.watch
        due = self._wanted or (watch and now - self._looked > watch)
        if due and (self._renewing is None or self._renewing.done()) and not self._state.stopping:
            self._wanted, self._looked = False, now
            self._renewing = asyncio.create_task(self._renew())
        return self._state.stopping and now - self._state.since >= self._settings.linger

    async def _renew(self) -> None:
        for name, said in await asyncio.to_thread(self._models.renew):
            self._log.say("model", model=name, said=said)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let in who already stands at the door, close it, and let what was accepted end."""
        for one in sockets or []:
            one.listen(0)
        for _ in range(5):
            await asyncio.sleep(0.01)
        await super().shutdown(sockets)


def bound(host: str, port: int) -> socket.socket:
    """Return a socket bound to an address. Errors: ServeError that says who has it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY only so
    try:
        if sys.platform != "win32":
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(_BACKLOG)
    except OSError as error:
        found.close()
        remedy = "; stop what has it, or say another: --port 8001" if error.errno in (98, 48, 10048) else ""
        raise ServeError(f"port {port} of {host} cannot be had: {error.strerror}{remedy}") from None
    found.setblocking(False)
    return found
