"""`striate predict --url`: the same lines as without, and again where the server is busy."""

from __future__ import annotations

import json
from collections import Counter
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner
from tests.web.serving import Served, picture

from striate.cli.main import striate
from striate.errors import PictureError, ServeError
from striate.web.client import Client


def test_the_same_lines_as_without_a_server(served: Served, model: Path, tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(picture(number))
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    files = [str(path) for path in sorted(tmp_path.iterdir())]
    for options in ([], ["--top", "1"], ["--no-unknown", "--json"]):
        here = CliRunner().invoke(striate, ["predict", *files, "--model", str(model), *options])
        there = CliRunner().invoke(striate, ["predict", *files, "--url", f"http://127.0.0.1:{served.port}", *options])
        assert here.exit_code == there.exit_code or here.exception, there.output
        if "--json" in options:
            ours, its = (json.loads(one.stdout) for one in (here, there))
            assert [one.get("best") for one in ours] == [one.get("best") for one in its]
            assert [one.keys() for one in ours] == [one.keys() for one in its]
        else:
            assert here.stdout == there.stdout
        assert there.exit_code == 2 and "broken.png: not a picture of a known format" in there.stderr


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://127.0.0.1", "like http://127.0.0.1:8000"),
        ("http://127.0.0.1:8000/predict", "like http"),
        ("http://:80", "like http"),
        ("http://127.0.0.1:99999", "like http"),
    ],
)
def test_what_is_no_address(url: str, why: str) -> None:
    with pytest.raises(ServeError, match=why):
        Client(url)


def test_options_that_a_server_is_not_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture())
    done = CliRunner().invoke(striate, ["predict", str(tmp_path / "a.png"), "--url", "127.0.0.1:1", "--csv", "-"])
    assert done.exit_code == 2 and "leave out the rest" in done.output


def test_asked_again_while_it_is_busy() -> None:
    asked, waited = Counter[str](), list[float]()

    class Busy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            asked[self.path] += 1
            busy = asked[self.path] < 3
            body = b'{"error": "busy"}' if busy else b'{"answers": [{"best": "cat"}]}'
            if self.path == "/predict?model=none":
                body = b'{"error": "no model is served by that name"}'
            status = 404 if "none" in self.path else 422 if "bad" in self.path else 503 if busy else 200
            self.send_response(status)
            self.send_header("retry-after", "2")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Busy) as http:
        Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        with Client(f"http://127.0.0.1:{http.server_address[1]}", sleep=waited.append) as client:
            assert client.predict(b"x") == {"best": "cat"}
            assert asked["/predict"] == 3 and len(waited) == 2 and all(1.4 < pause < 2.6 for pause in waited)
            with pytest.raises(ServeError, match=r"refuses \(404\): no model is served"):
                client.predict(b"x", model="none")
            with pytest.raises(PictureError, match="busy"):
                client.predict(b"x", model="bad")
        http.shutdown()
    with pytest.raises(ServeError, match="does not answer"), Client("127.0.0.1:9", patience=0.05) as nobody:
        nobody.predict(b"x")
