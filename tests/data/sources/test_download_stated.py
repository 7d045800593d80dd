"""Downloads of files of which little is known beforehand: what the server states of them is held against the bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server import Server, serving

from striate.data.sources import download
from striate.data.sources.download import Fetched, fetch
from striate.errors import DownloadError

CONTENT = bytes(range(256)) * 1_000  # 256,000 bytes
SHA = hashlib.sha256(CONTENT).hexdigest()
OTHER = hashlib.sha256(b"another").hexdigest()


@pytest.fixture
def hub() -> Iterator[Server]:
    """A server as Hugging Face's: it states size and SHA-256, then sends on to where the bytes are."""
    with serving(CONTENT) as server:
        server.refuse_beyond = True
        server.onward = {"/net/model.safetensors": server.url + "bytes?signed=1"}
        server.headers = {"X-Linked-ETag": f'"{SHA}"', "X-Linked-Size": str(len(CONTENT))}
        yield server


def get(server: Server, target: Path, path: str = "net/model.safetensors", **known: object) -> Fetched:
    return fetch([server.url + path], target, timeout=5, pause=0, **known)  # type: ignore[arg-type]


def test_what_is_stated_on_the_way_is_checked(hub: Server, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    came = get(hub, tmp_path / "a", progress=lambda *told: seen.append(told))
    assert came == Fetched(len(CONTENT), SHA, "stated")
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert seen[-1] == ("a", len(CONTENT), len(CONTENT))
    assert [path for path, _ in hub.asked] == ["/net/model.safetensors", "/bytes?signed=1"]


def test_a_second_call_resumes_behind_the_redirect(hub: Server, tmp_path: Path) -> None:
    hub.break_after = [100_000, 0, 0, 0]
    with pytest.raises(DownloadError, match="broke off after 100,000 of 256,000 bytes"):
        get(hub, tmp_path / "a")
    assert [path.name for path in tmp_path.iterdir()] == ["a.part"]
    hub.break_after, hub.asked = [], []
    assert get(hub, tmp_path / "a").checked == "stated"
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert hub.asked[-1] == ("/bytes?signed=1", "bytes=100000-")


def test_a_beginning_of_another_file_is_thrown_away(hub: Server, tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(b"x" * 1000)
    assert get(hub, tmp_path / "a").sha256 == SHA
    assert (tmp_path / "a").read_bytes() == CONTENT
    (tmp_path / "b.part").write_bytes(CONTENT)  # whole, and nobody had said how long it is
    assert get(hub, tmp_path / "b").sha256 == SHA


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"X-Linked-ETag": OTHER}, f"wrong SHA-256 .wanted {OTHER[:12]}"),
        ({"X-Linked-Size": "255999"}, "has 256,000 bytes, wanted 255,999"),
        ({"X-Linked-Size": "256001"}, "has 256,000 bytes, wanted 256,001"),
    ],
)
def test_a_statement_that_is_not_true_is_refused(
    hub: Server, tmp_path: Path, headers: dict[str, str], said: str
) -> None:
    hub.headers |= headers
    with pytest.raises(DownloadError, match=said):
        get(hub, tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_a_statement_against_what_is_known_costs_no_download(hub: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=f"has a file of another SHA-256 .{SHA[:12]}…, wanted {OTHER[:12]}"):
        get(hub, tmp_path / "a", sha256=OTHER)
    assert [path for path, _ in hub.asked] == ["/net/model.safetensors"]
    assert list(tmp_path.iterdir()) == []


def test_the_first_digits_are_enough_to_know_a_file_by(hub: Server, tmp_path: Path) -> None:
    assert get(hub, tmp_path / "a", "plain", sha256=SHA[:8].upper()) == Fetched(len(CONTENT), SHA, "known")
    with pytest.raises(DownloadError, match=f"wrong SHA-256 .wanted {OTHER[:8]}…"):
        get(hub, tmp_path / "b", "plain", sha256=OTHER[:8])
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_length_alone_is_taken_and_said(hub: Server, tmp_path: Path) -> None:
    hub.headers = {"X-Linked-ETag": '"no digest"'}
    assert get(hub, tmp_path / "a") == Fetched(len(CONTENT), SHA, "length")
    hub.break_after = [1000]  # in one call what breaks off is resumed
    assert get(hub, tmp_path / "b").checked == "length"
    assert hub.asked[-1][1] == "bytes=1000-"


def test_without_a_digest_an_old_beginning_is_not_built_on(hub: Server, tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(b"x" * 1000)
    assert get(hub, tmp_path / "a", "plain").checked == "length"
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_nothing_to_check_by_is_refused(hub: Server, tmp_path: Path) -> None:
    hub.tell_length = False
    with pytest.raises(DownloadError, match="neither how long the file is nor its SHA-256"):
        get(hub, tmp_path / "a", "plain")
    assert list(tmp_path.iterdir()) == []
    assert get(hub, tmp_path / "a", "plain", sha256=SHA[:8]).checked == "known"


def test_chunks_tell_where_the_end_is(hub: Server, tmp_path: Path) -> None:
    hub.chunked = True
    hub.break_after = [5 * 10_008 + 100]  # in the sixth chunk; each has 8 bytes of its own
    assert get(hub, tmp_path / "a", "plain", sha256=SHA).size == len(CONTENT)
    assert [wanted for _, wanted in hub.asked] == [None, "bytes=50000-"]


def test_a_server_without_ranges_behind_the_redirect(hub: Server, tmp_path: Path) -> None:
    hub.break_after, hub.ranges = [100_000], False
    assert get(hub, tmp_path / "a").sha256 == SHA
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_an_endless_answer_is_stopped(hub: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "LARGEST", 100_000)
    hub.tell_length = False
    with pytest.raises(DownloadError, match="sends more than the 100,000 bytes"):
        get(hub, tmp_path / "a", "plain", sha256=SHA)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("status", "said"), [(404, "HTTP 404 Not Found"), (401, "HTTP 401"), (500, "HTTP 500")])
def test_what_the_server_refuses_is_said(hub: Server, tmp_path: Path, status: int, said: str) -> None:
    hub.status = [status] * 8
    with pytest.raises(DownloadError, match=said):
        get(hub, tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_offline_asks_nobody(hub: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIATE_OFFLINE", "1")
    with pytest.raises(DownloadError, match="a is not downloaded: STRIATE_OFFLINE is set"):
        get(hub, tmp_path / "a")
    assert hub.asked == []
    monkeypatch.setenv("STRIATE_OFFLINE", "0")
    assert get(hub, tmp_path / "a").sha256 == SHA


def test_redirects_without_end(hub: Server, tmp_path: Path) -> None:
    hub.onward = {"/round": hub.url + "round"}
    with pytest.raises(DownloadError, match="sends on and on"):
        get(hub, tmp_path / "a", "round")


def test_encryption_is_not_left_behind() -> None:
    handler = download._Redirects(download._Wanted("", 0))
    request = download.urllib.request.Request("https://hub.example/model")
    with pytest.raises(download._GiveUpError, match="without encryption"):
        handler.redirect_request(request, None, 302, "Found", {}, "http://elsewhere.example/model")  # type: ignore[arg-type]
