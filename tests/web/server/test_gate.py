"""Host x Origin x token x method: all is refused that should be, and nothing changes by it."""

from __future__ import annotations

import asyncio
import io
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.web.serving import Served, picture, serving

from striate.web.server.admission import Admission
from striate.web.server.gate import Gate
from striate.web.server.log import Log
from striate.web.server.metrics import Metrics
from striate.web.server.routes import route_of
from striate.web.server.settings import Settings

TOKEN = "a-token-of-no-use-elsewhere"
PAGE = "https://app.example"
GOOD = {"authorization": f"Bearer {TOKEN}"}
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE")
BAD_HOSTS = (
    *("evil.example", "127.0.0.1.evil.example", "0.0.0.0", "192.168.0.7", "127.0.0.1@evil"),
    *("a/b", "[::1", "x" * 300, "localhost, evil.example"),
)
BAD_PAGES = (
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {"origin": "https://app.example.evil.example"},
    {"origin": "http://app.example"},
    {"origin": "http://localhost:1"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none, same-origin"},
)
BAD_TOKENS = ("", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN, f"Bearer {TOKEN[:-1]}")


@pytest.fixture(scope="module")
def guarded(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("guarded")
    options = ("--allow-origin", PAGE, "--allow-host", "pets.example", "--metrics-port", "0")
    with serving([model], folder, *options, token=TOKEN) as one:
        yield one


def status(served: Served, method: str, headers: dict[str, str]) -> int:
    path = "/models" if method in ("GET", "HEAD") else "/predict"
    return served.ask(method, path, picture() if method == "POST" else None, headers).status


@pytest.mark.parametrize("method", METHODS)
def test_what_is_refused_whatever_the_method(guarded: Served, method: str) -> None:
    before = guarded.ask("GET", "/models", None, GOOD).body
    for host in BAD_HOSTS:
        assert status(guarded, method, {**GOOD, "host": host}) in (400, 421), host
    for page in BAD_PAGES:
        assert status(guarded, method, {**GOOD, **page}) == 403, page
    for token in BAD_TOKENS:
        assert status(guarded, method, {"authorization": token}) == 401, token
    for host, page, token in itertools.product(BAD_HOSTS[:2], BAD_PAGES[:2], BAD_TOKENS[:2]):
        assert status(guarded, method, {"host": host, "authorization": token, **page}) == 421
    assert guarded.ask("GET", "/models", None, GOOD).body == before


def test_none_or_two_hosts_are_none(guarded: Served) -> None:
    auth = f"authorization: Bearer {TOKEN}\r\n".encode()
    for said in (b"", b"host: 127.0.0.1\r\nhost: evil.example\r\n", b"host: 127.0.0.1\r\nHost: 127.0.0.1\r\n"):
        assert guarded.raw(b"GET /models HTTP/1.1\r\n" + said + auth + b"\r\n").startswith(b"HTTP/1.1 400")


def test_what_is_let_in(guarded: Served) -> None:
    port = guarded.port
    for host in (f"127.0.0.1:{port}", "localhost", f"localhost:{port}", "[::1]", "pets.example", "PETS.example:443"):
        assert guarded.ask("GET", "/models", None, {**GOOD, "host": host}).status == 200, host
    own = {"origin": f"http://127.0.0.1:{port}", "sec-fetch-site": "same-origin"}
    assert guarded.ask("POST", "/predict", picture(), {**GOOD, **own}).status == 200
    assert guarded.ask("GET", "/docs", None, {**GOOD, "sec-fetch-site": "none"}).status == 200
    assert guarded.ask("POST", "/predict", picture(), {**GOOD, "sec-fetch-site": "none"}).status == 403


def test_a_page_that_was_allowed(guarded: Served) -> None:
    page = {"origin": PAGE, "sec-fetch-site": "cross-site"}
    asked = {**page, "access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    before = guarded.ask("OPTIONS", "/predict", None, asked)
    assert before.status == 204 and before.headers["access-control-allow-origin"] == PAGE
    assert "authorization" in before.headers["access-control-allow-headers"]
    reply = guarded.ask("POST", "/predict", picture(), {**GOOD, **page})
    assert reply.status == 200 and reply.headers["access-control-allow-origin"] == PAGE
    assert guarded.ask("POST", "/predict", picture(), page).status == 401
    elsewhere = guarded.ask("OPTIONS", "/predict", None, {**asked, "origin": "http://evil.example"})
    assert elsewhere.status == 403 and "access-control-allow-origin" not in elsewhere.headers


def test_what_needs_no_token(guarded: Served) -> None:
    for path in ("/v2/health/live", "/v2/health/ready"):
        assert guarded.ask("GET", path).status == 200
        assert guarded.ask("GET", path, None, {"host": "evil.example"}).status == 421
    for path in ("/", "/docs", "/openapi.json", "/v2", "/v2/models/pets", "/nothing"):
        assert guarded.ask("GET", path).status == 401, path


def test_metrics_alone_have_a_port(guarded: Served) -> None:
    assert guarded.ask("GET", "/metrics", None, GOOD).status == 404
    port = guarded.metrics_port
    assert b"striate_requests_total" in guarded.ask("GET", "/metrics", port=port).body
    assert guarded.ask("GET", "/metrics", None, {"host": "evil.example"}, port=port).status == 421
    for path in ("/predict", "/models", "/docs"):
        assert guarded.ask("GET", path, None, GOOD, port=port).status == 404


def test_every_answer_says_what_a_browser_may_do_with_it(guarded: Served) -> None:
    for path, headers in (("/models", GOOD), ("/nothing", GOOD), ("/models", {}), ("/docs", GOOD)):
        said = guarded.ask("GET", path, None, headers).headers
        assert said["x-content-type-options"] == "nosniff" and said["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in said["content-security-policy"] and "server" not in said


def test_host_does_not_lead_past_the_token(guarded: Served) -> None:  # Starlette CVE-2026-48710
    for host in ("localhost/v2/health/live", "localhost/v2/health/live?x=", "localhost/v2/health/live#"):
        assert guarded.ask("GET", "/models", None, {"host": host}).status == 400
    for path in (
        "/v2/health/live/../../models",
        "/v2/health/live%2f..",
        "//v2/health/live/models",
        "/v2/health/live;/x",
    ):
        assert guarded.ask("GET", path).status in (401, 404)


def test_the_whole_table() -> None:
    """Every Host with every page, token and method, at the gate itself: what is refused reaches no route."""
    good_hosts = ("127.0.0.1:8000", "localhost", "[::1]:1", "pets.example", "LOCALHOST.")
    good_pages: tuple[dict[str, str], ...] = ({}, {"origin": PAGE, "sec-fetch-site": "cross-site"})
    reached, said, written = list[str](), list[int](), io.StringIO()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope["path"])

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            said.append(message["status"])

    async def receive() -> Any:
        raise AssertionError("a body was read at the gate")

    settings = Settings(token=TOKEN, allow_host=("pets.example",), allow_origin=(PAGE,))
    log, admission = Log(written), Admission(8, 10**6)
    gate = Gate(app, settings, log=log, metrics=Metrics(), admission=admission, route_of=route_of)

    async def walk() -> int:
        let_in = 0
        table = itertools.product(
            ((host, host in good_hosts) for host in (*good_hosts, *BAD_HOSTS)),
            ((page, page in good_pages) for page in (*good_pages, *BAD_PAGES)),
            ((token, token == GOOD["authorization"]) for token in (GOOD["authorization"], *BAD_TOKENS)),
            METHODS,
            ("/predict", "/models", "/v2/models/pets/infer"),
        )
        for (host, named), (page, known), (token, right), method, path in table:
            reached.clear()
            said.clear()
            headers = [(b"host", host.encode()), *((key.encode(), value.encode()) for key, value in page.items())]
            headers += [(b"authorization", token.encode())] * bool(token)
            scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b""}
            await gate({**scope, "headers": headers}, receive, send)
            where = (host, page, token, method, path)
            # What a browser asks before it asks (OPTIONS) carries no token, and changes nothing.
            if named and known and (right or ("origin" in page and method == "OPTIONS")):
                assert reached == [path] and not said, where
                let_in += 1
            else:
                wanted = (400, 421) if not named else (403,) if not known else (401,)
                assert not reached and len(said) == 1 and said[0] in wanted, (where, said)
        return let_in

    assert asyncio.run(walk()) == len(good_hosts) * 3 * (2 * len(METHODS) + len(BAD_TOKENS))
    log.close()
    assert (admission.pictures, admission.bytes) == (0, 0)
