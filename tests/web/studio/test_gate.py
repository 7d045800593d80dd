"""Who is let into the studio: host x page x cookie, and what a stranger learns."""

from __future__ import annotations

import itertools
import os
import stat

from tests.web.studio_at import StudioAt

POST = "/api/train/command"
BODY = b'{"source": "digits"}'


def test_only_who_has_the_cookie_and_comes_from_here(at: StudioAt) -> None:
    json_said = {"content-type": "application/json"}
    hosts = {f"127.0.0.1:{at.port}": 200, f"localhost:{at.port}": 200, "evil.example": 421, "10.0.0.1": 421}
    origins = {"": 200, at.origin: 200, "null": 403, "http://evil.example": 403, f"https://127.0.0.1:{at.port}": 403}
    sites = {"": 200, "same-origin": 200, "cross-site": 403, "same-site": 403, "none": 403}
    cookies = {at.cookie: 200, "": 401, f"{at.cookie}0": 401, at.cookie.partition("=")[0] + "=": 401}
    for (host, a), (origin, b), (site, c), (cookie, d) in itertools.product(
        hosts.items(), origins.items(), sites.items(), cookies.items()
    ):
        said = {"host": host, "origin": origin, "sec-fetch-site": site, "cookie": cookie}
        if origin == at.origin and host.startswith("localhost"):
            b = 403  # noqa: PLW2901  another name is another origin
        if host == f"localhost:{at.port}" and not origin:
            pass
        reply = at.open(POST, body=BODY, headers={name: value for name, value in said.items() if value} | json_said)
        wanted = next((status for status in (a, b, c, d) if status != 200), 200)
        assert reply.status == wanted, (said, reply.body)


def test_a_stranger_is_told_what_to_do_and_nothing_else(at: StudioAt) -> None:
    page = at.open("/")
    assert page.status == 401 and b"striate studio" in page.body and b"script" not in page.body
    wrong = at.open("/?token=wrong")
    assert wrong.status == 401 and "set-cookie" not in wrong.headers
    for path in (
        "/api/state",
        "/api/live",
        "/api/folders",
        "/picture?folder=digits&key=0",
        "/static/app.js",
        "/report",
    ):
        assert at.open(path).status == 401, path


def test_the_token_is_a_cookie_that_no_other_page_can_send(at: StudioAt) -> None:
    where = at.address.removeprefix(at.origin)
    # From wherever a person has it: a terminal in a notebook is another site.
    reply = at.open(where, headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"})
    assert reply.status == 200 and "SameSite=Strict" in reply.headers["set-cookie"]
    assert "HttpOnly" in reply.headers["set-cookie"] and at.address.rpartition("=")[2] not in reply.body.decode()
    # A page that guesses, or embeds it, is no person.
    for mode in ("no-cors", "cors", "websocket"):
        assert "set-cookie" not in at.open(where, headers={"sec-fetch-mode": mode}).headers
    secret = at.folder / "runs" / "studio" / "secret"
    assert stat.S_IMODE(os.stat(secret).st_mode) == 0o600  # noqa: PTH116
    assert secret.read_text().strip() not in at.cookie


def test_what_the_page_may_do(at: StudioAt) -> None:
    page = at.open("/", headers={"cookie": at.cookie})
    policy = page.headers["content-security-policy"]
    assert page.status == 200 and "default-src 'none'" in policy and "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy and page.headers["x-content-type-options"] == "nosniff"
    assert at.open("/static/../studio.py", headers={"cookie": at.cookie}).status == 404
    assert at.open("/static/%2e%2e/studio.py", headers={"cookie": at.cookie}).status == 404


def test_a_command_is_json_of_known_words(at: StudioAt) -> None:
    said = {"cookie": at.cookie, "content-type": "text/plain"}
    assert at.open(POST, body=BODY, headers=said).status == 415  # what a form of another site could send
    for body, status in ((b"{}", 400), (b'{"source": 3}', 400), (b'{"source": "a", "x": 1}', 400), (b"[", 400)):
        assert at.open(POST, body=body, headers=said | {"content-type": "application/json"}).status == status
    large = b'{"source": "' + b"a" * 1_100_000 + b'"}'
    assert at.open(POST, body=large, headers=said | {"content-type": "application/json"}).status == 413
