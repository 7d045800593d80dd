"""More than it carries: refused at once, nothing accepted is lost; clients that are slow are cut off."""

from __future__ import annotations

import asyncio
import io
import socket
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.web.serving import form_of, picture, serving, until

from striate.web.server.admission import Admission
from striate.web.server.gate import Gate
from striate.web.server.log import Log
from striate.web.server.metrics import Metrics
from striate.web.server.routes import route_of
from striate.web.server.settings import Settings


def test_more_than_it_carries(model: Path, tmp_path: Path) -> None:
    body, kind = form_of([picture(n, size=(300, 300)) for n in range(4)])
    with serving([model], tmp_path, "--queue", "6") as served:
        statuses, retry = Counter[int](), set[str]()

        def ask() -> None:
            for _ in range(12):
                reply = served.ask("POST", "/predict", body, {"content-type": kind})
                if reply.status == 503:
                    retry.add(reply.headers["retry-after"])
                elif all("best" in one for one in reply.json()["answers"]):
                    statuses["whole"] += 1
                statuses[reply.status] += 1

        clients = [threading.Thread(target=ask) for _ in range(8)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert statuses.keys() == {200, 503, "whole"} and retry == {"1"}
        assert statuses[200] == statuses["whole"] and statuses[200] + statuses[503] == 96
        text = served.ask("GET", "/metrics").body.decode()
        assert "striate_pictures_under_way 0.0" in text and "striate_bytes_held 0.0" in text


@pytest.mark.parametrize("path", ["/predict", "/find", "/v2/models/pets/infer"])
def test_a_refusal_costs_neither_a_route_nor_the_body(path: str) -> None:
    async def unreached(*_: Any) -> None:
        raise AssertionError("the gate let it through, or read its body")

    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    admission, log = Admission(most=2, most_bytes=10**6), Log(io.StringIO())
    gate = Gate(unreached, Settings(), log=log, metrics=Metrics(), admission=admission, route_of=route_of)
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
    scope["headers"] = [(b"host", b"localhost"), (b"content-length", b"90000")]
    with admission.enter() as ticket:
        ticket.more(1)
        asyncio.run(gate(scope, unreached, send))
    log.close()
    assert said[0]["status"] == 503 and (b"retry-after", b"1") in said[0]["headers"]
    assert b"2 pictures are under way, of 2 at most" in said[1]["body"] and admission.refused == 1


def test_a_refusal_does_not_wait_for_the_body(model: Path, tmp_path: Path) -> None:
    head = b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 90000\r\n\r\n"
    with serving([model], tmp_path, "--queue", "1") as served:
        with socket.create_connection(("127.0.0.1", served.port)) as first:
            first.sendall(head)
            until(lambda: b"striate_pictures_under_way 1.0" in served.ask("GET", "/metrics").body)
            assert served.raw(head).startswith(b"HTTP/1.1 503")
            assert served.ask("GET", "/models").status == 200  # what takes no picture is answered
        until(lambda: b"striate_pictures_under_way 0.0" in served.ask("GET", "/metrics").body)
        body, kind = form_of([picture(1), picture(2)])  # which no waiting would make room for
        never = served.ask("POST", "/predict", body, {"content-type": kind})
        assert never.status == 413 and "2 pictures in one request, and 1 at most" in never.json()["error"]


def test_the_bytes_of_all_requests_are_bounded(model: Path, tmp_path: Path) -> None:
    config = tmp_path / "serve.toml"
    config.write_text("upload = 100_000\nqueue_bytes = 150_000\nslow = 1.0\n")
    with serving([model], tmp_path, "--config", str(config)) as served:
        late = served.ask("POST", "/predict?timeout=0.000001", picture())
        assert late.status == 503 and "deadline" in late.json()["error"] and late.headers["retry-after"] == "1"
        head = b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 90000\r\n\r\n"
        with socket.create_connection(("127.0.0.1", served.port)) as first:
            first.sendall(head + b"x" * 80_000)
            until(lambda: b"striate_bytes_held 80000.0" in served.ask("GET", "/metrics").body)
            second = served.ask("POST", "/predict", b"y" * 90_000)
            assert second.status == 503 and "bytes are held" in second.json()["error"]
            first.settimeout(20)
            assert first.recv(1) == b""  # cut off, since its body did not come
        until(lambda: b"striate_bytes_held 0.0" in served.ask("GET", "/metrics").body)
        assert served.ask("POST", "/predict", b"y" * 90_000).status == 422
        over = served.ask("POST", "/predict", b"y" * 100_001)
        assert over.status == 413 and "100,000 bytes" in over.json()["error"]
        chunked = b"POST /predict HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
        piece = b"4e20\r\n" + b"z" * 20_000 + b"\r\n"
        assert served.raw(chunked + piece * 6).startswith(b"HTTP/1.1 413")
        for content in (b"GET /models HTT", b"GET /models HTTP/1.1\r\nhost: localhost\r\nx-slow: "):  # never whole
            assert served.raw(content) == b""
        assert served.ask("GET", "/v2/health/ready").status == 200


def test_headers_and_connections_are_bounded(model: Path, tmp_path: Path) -> None:
    config = tmp_path / "serve.toml"
    config.write_text("connections = 4\n")
    with serving([model], tmp_path, "--config", str(config)) as served:
        assert served.raw(b"GET / HTTP/1.1\r\nx: " + b"a" * 70_000).startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))
        held = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(4)]
        until(lambda: b"too many connections" in served.raw(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"))
        for one in held:
            one.close()
        until(
            lambda: served.raw(b"GET /v2/health/live HTTP/1.1\r\nhost: localhost\r\n\r\n").startswith(b"HTTP/1.1 200")
        )
