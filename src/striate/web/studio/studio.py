"""The studio: everything opened, then served on this machine alone until it is told to stop; trainings outlive it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final, final

import uvicorn

from striate import files
from striate.errors import ServeError
from striate.runs import durable
from striate.runs.lock import acquire
from striate.verbs.workspace import Workspace
from striate.web.server.protocol import protocol
from striate.web.server.server import bound
from striate.web.studio.albums import Albums
from striate.web.studio.application import studio_application
from striate.web.studio.gate import StudioGate
from striate.web.studio.journey import Studio
from striate.web.studio.live import Live
from striate.web.studio.questions import Questions
from striate.web.studio.thumbnails import Thumbnails
from striate.web.studio.trainings import Trainings

STATE: Final = "studio"  # the folder beside the runs where the studio keeps what is its own
PORT: Final = 8765
_SECRET: Final = "secret"
_SLOW: Final = 600.0  # seconds that a request may take to come: pictures that are dropped are large
_CONNECTIONS: Final = 200


def studio(
    folder: Path | None = None,
    workspace: Workspace | None = None,
    *,
    port: int | None = None,
    started: Callable[[str], None] = lambda _address: None,
) -> None:
    """Serve the studio of a folder of runs until SIGTERM or SIGINT.

    Arguments:
        folder: pictures to begin with.
        workspace: where runs are; the studio keeps what is its own beside them.
        port: where it listens, at 127.0.0.1 alone; 0: any that is free; None: `PORT`, or any where that is taken.
        started: told the address to open, token and all, once requests are taken.

    Errors: ServeError, DiskError for what keeps it from starting.
    """
    workspace = workspace or Workspace()
    state = workspace.runs_dir / STATE
    durable.make_parents(state)
    if not state.is_dir():
        durable.make_directory(state)
    lock = acquire(state / "lock")
    if lock is None:
        raise ServeError(
            f"another studio works on {workspace.runs_dir}; use that one, or say another folder: --runs-dir DIR"
        )
    try:
        taken = _socket(port)
        try:
            _serve(folder, workspace, state, taken, started)
        finally:
            taken.close()
    finally:
        lock.release()


def _serve(
    folder: Path | None, workspace: Workspace, state: Path, taken: socket.socket, started: Callable[[str], None]
) -> None:
    live = Live()
    trainings = Trainings(state / "trainings", workspace, live)
    questions = Questions(workspace, live)
    whole = Studio(
        folder and folder.resolve(), workspace, state, live, trainings, questions, Albums(workspace), Thumbnails()
    )
    token = secrets.token_urlsafe(24)
    gate = StudioGate(studio_application(whole), token=token, secret=_secret(state / _SECRET))
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    config = uvicorn.Config(
        gate,
        http=protocol(slow=_SLOW, most=_CONNECTIONS),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=2,
    )
    server = _Server(config, live, trainings, questions)
    server.when_started = lambda: started(f"http://127.0.0.1:{taken.getsockname()[1]}/?token={token}")
    server.run(sockets=[taken])


@final
class _Server(uvicorn.Server):
    """uvicorn's server, with the queue of trainings beside it."""

    def __init__(self, config: uvicorn.Config, live: Live, trainings: Trainings, questions: Questions) -> None:
        super().__init__(config)
        self._live, self._trainings, self._questions = live, trainings, questions
        self._watching: asyncio.Task[None] | None = None
        self.when_started: Callable[[], None] = lambda: None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take requests, watch the queue, and say so."""
        await super().startup(sockets)
        self._watching = asyncio.create_task(self._trainings.watch())
        self.when_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; pages hear no more."""
        super().handle_exit(sig, frame)
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop().call_soon(self._live.close)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop watching and answering; trainings go on."""
        self._live.close()
        if self._watching is not None:
            self._watching.cancel()
        await self._questions.close()
        await super().shutdown(sockets)


def _socket(port: int | None) -> socket.socket:
    """Return a socket at this machine's own address. Errors: ServeError where a port that was named is taken."""
    try:
        return bound("127.0.0.1", PORT if port is None else port)
    except ServeError:
        if port is not None:
            raise
        return bound("127.0.0.1", 0)


def _secret(path: Path) -> str:
    """Return what cookies are made by, which is kept: a page that was let in stays so when the studio starts again."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        found = files.read_text(path).strip()
        if len(found) >= 32:
            path.chmod(0o600)
            return found
    made = secrets.token_hex(32)
    durable.write(path, f"{made}\n".encode())
    path.chmod(0o600)
    return made
