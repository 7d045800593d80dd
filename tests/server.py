"""A web server on this machine that breaks off, lies about lengths, sends elsewhere, and serves the wrong thing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Server:
    url: str = ""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    content: bytes = b""
    break_after: list[int] = field(default_factory=list)  # one for each answer: how many bytes until it hangs up
    ranges: bool = True
    say: int | None = None  # what Content-Length says of the whole, whatever it is
    status: list[int] = field(default_factory=list)
    tell_length: bool = True
    chunked: bool = False
    refuse_beyond: bool = False  # a range that begins at the end is answered 416
    onward: dict[str, str] = field(default_factory=dict)  # path -> where it redirects to (302)
    headers: dict[str, str] = field(default_factory=dict)  # said where it redirects


@contextmanager
def serving(content: bytes) -> Iterator[Server]:
    """Yield a server whose every path holds ``content``; what it does can be changed at any time."""
    state = Server(content=content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.asked.append((self.path, wanted))
            if state.status:
                self.send_error(state.status.pop(0))
                return
            if self.path in state.onward:
                self.send_response(302)
                for name, value in {
                    "Location": state.onward[self.path],
                    "Content-Length": "5",
                    **state.headers,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"Moved")
                return
            start = int(wanted.split("=")[1].rstrip("-")) if wanted and state.ranges else 0
            if state.refuse_beyond and start and start >= len(state.content):
                self.send_error(416)
                return
            body = state.content[start:]
            self.protocol_version = "HTTP/1.1" if state.chunked else "HTTP/1.0"
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(state.content) - 1}/{len(state.content)}")
            if state.chunked:
                self.send_header("Transfer-Encoding", "chunked")
                self.send_header("Connection", "close")
                pieces = [body[at : at + 10_000] for at in range(0, len(body), 10_000)]
                body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])
            elif state.tell_length:
                self.send_header("Content-Length", str(len(body) if state.say is None else state.say))
            self.end_headers()
            self.wfile.write(body[: state.break_after.pop(0)] if state.break_after else body)

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{http.server_address[1]}/"
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield state
    finally:
        http.shutdown()
        http.server_close()
