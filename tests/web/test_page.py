"""The JavaScript of docs/serving.md, run as it is written by a page of another origin that was allowed."""

from __future__ import annotations

import base64
import json
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.chromium import chromium
from tests.web.serving import picture, serving, until

SNIPPET = re.search(r"```js\n(.*?)```", (Path(__file__).parents[2] / "docs" / "serving.md").read_text(), re.DOTALL)
PAGE = b"<!doctype html><title>app</title><input type=file id=input multiple>"
TOKEN = "a-token-of-no-use-elsewhere"
ASK = """
async ([files, token]) => {
  const input = document.getElementById("input"), moved = new DataTransfer();
  for (const one of files) moved.items.add(new File([Uint8Array.from(atob(one), (c) => c.charCodeAt(0))], "a.png"));
  input.files = moved.files;
  const said = [], waits = [], again = "again";
  const console = { log: (one) => said.push(one) }, setTimeout = (what, wait) => waits.push([what, wait]);
  SNIPPET
  return { said, waits };
}
"""


class App(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        pass


def test_the_page_of_the_docs(model: Path, tmp_path: Path) -> None:
    assert SNIPPET is not None
    http = ThreadingHTTPServer(("127.0.0.1", 0), App)
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    auth = {"authorization": f"Bearer {TOKEN}"}
    app = f"http://127.0.0.1:{http.server_address[1]}"
    try:
        with (
            chromium() as browser,
            serving([model], tmp_path, "--allow-origin", app, "--queue", "2", token=TOKEN) as one,
        ):
            page = browser.new_page()
            page.goto(app)
            code = ASK.replace("SNIPPET", SNIPPET[1].replace("http://127.0.0.1:8000", f"http://127.0.0.1:{one.port}"))

            def asked(*files: bytes) -> dict[str, list[list[object]]]:
                found = page.evaluate(code, [[base64.b64encode(file).decode() for file in files], TOKEN])
                assert isinstance(found, dict)
                return found

            answered = asked(picture(1), b"none")
            own = json.loads(one.ask("POST", "/predict", picture(1), auth).body)
            assert answered["waits"] == [] and answered["said"][0][0] == own["answers"][0]["text"]
            assert "not a picture" in str(answered["said"][0][1])
            head = f"POST /predict HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\n"
            with socket.create_connection(("127.0.0.1", one.port)) as slow:
                slow.sendall(head.encode() + b"content-length: 90000\r\n\r\n")
                until(lambda: b"striate_pictures_under_way 1.0" in one.ask("GET", "/metrics", None, auth).body)
                # Full: told when to come again, which a page of another origin may read.
                assert asked(picture(1), picture(2)) == {"said": [], "waits": [["again", 1000]]}
    finally:
        http.shutdown()
        http.server_close()
