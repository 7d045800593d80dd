"""Downloads against a server on this machine that breaks off, lies about lengths, and serves the wrong thing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server import Server, serving

from striate.data.sources.download import fetch
from striate.errors import DownloadError

CONTENT = bytes(range(256)) * 4_000  # 1,024,000 bytes
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(CONTENT) as state:
        yield state


def get(server: Server, target: Path, *urls: str, **options: object) -> None:
    addresses = list(urls) or [server.url + "a.gz"]
    fetch(addresses, target, sha256=SHA, size=len(CONTENT), timeout=5, pause=0, **options)


def test_a_file_comes_whole_with_progress(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    get(server, tmp_path / "deep" / "a.gz", progress=lambda *told: seen.append(told))
    assert (tmp_path / "deep" / "a.gz").read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.gz"]
    assert seen[-1] == ("a.gz", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_what_breaks_off_is_resumed(server: Server, tmp_path: Path) -> None:
    server.break_after = [300_000, 200_000]
    get(server, tmp_path / "a.gz")
    assert (tmp_path / "a.gz").read_bytes() == CONTENT
    assert [wanted for _, wanted in server.asked] == [None, "bytes=300000-", "bytes=500000-"]


def test_the_next_call_goes_on_where_the_last_gave_up(server: Server, tmp_path: Path) -> None:
    server.break_after = [100_000, 0, 0, 0]
    with pytest.raises(
        DownloadError, match=r"a\.gz could not be downloaded \(127.*: broke off after 100,000 of 1,024,000"
    ):
        get(server, tmp_path / "a.gz")
    assert not (tmp_path / "a.gz").exists()
    server.break_after, server.asked = [], []
    get(server, tmp_path / "a.gz")
    assert (tmp_path / "a.gz").read_bytes() == CONTENT
    assert server.asked == [("/a.gz", "bytes=100000-")]


def test_a_server_without_ranges_begins_again(server: Server, tmp_path: Path) -> None:
    server.break_after, server.ranges = [300_000], False
    get(server, tmp_path / "a.gz")
    assert (tmp_path / "a.gz").read_bytes() == CONTENT


@pytest.mark.parametrize("tell_length", [True, False])
def test_a_wrong_checksum_is_never_published(server: Server, tmp_path: Path, tell_length: bool) -> None:
    server.content, server.tell_length = CONTENT[:-1] + b"!", tell_length
    with pytest.raises(DownloadError, match=r"wrong SHA-256 \(wanted " + SHA[:12]):
        get(server, tmp_path / "a.gz")
    assert list(tmp_path.iterdir()) == []
    assert len(server.asked) == 1


def test_a_broken_beginning_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.gz.part").write_bytes(b"x" * 1000)
    get(server, tmp_path / "a.gz")
    assert (tmp_path / "a.gz").read_bytes() == CONTENT
    assert [wanted for _, wanted in server.asked] == ["bytes=1000-", None]


def test_a_beginning_that_is_too_long_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.gz.part").write_bytes(CONTENT + b"x")
    get(server, tmp_path / "a.gz")
    assert (tmp_path / "a.gz").read_bytes() == CONTENT


def test_a_beginning_that_is_everything_needs_no_server(tmp_path: Path) -> None:
    (tmp_path / "a.gz.part").write_bytes(CONTENT)
    fetch(["http://127.0.0.1:9/a.gz"], tmp_path / "a.gz", sha256=SHA, size=len(CONTENT))
    assert (tmp_path / "a.gz").read_bytes() == CONTENT


def test_lengths_that_lie(server: Server, tmp_path: Path) -> None:
    server.say = 5
    with pytest.raises(DownloadError, match="has 5 bytes, wanted 1,024,000"):
        get(server, tmp_path / "a.gz")
    server.say = len(CONTENT) + 7  # and then hangs up
    with pytest.raises(DownloadError, match="has 1,024,007 bytes"):
        get(server, tmp_path / "a.gz")
    server.say, server.tell_length, server.content = None, False, CONTENT + b"more"
    with pytest.raises(DownloadError, match="sends more than the 1,024,000 bytes"):
        get(server, tmp_path / "a.gz")
    server.tell_length, server.content = False, CONTENT[:1000]
    with pytest.raises(DownloadError, match="broke off after 1,000 of 1,024,000 bytes"):
        get(server, tmp_path / "a.gz")
    assert not (tmp_path / "a.gz").exists()


def test_the_next_address_is_tried(server: Server, tmp_path: Path) -> None:
    server.status = [404]
    get(server, tmp_path / "a.gz", server.url + "gone", server.url + "here")
    assert [path for path, _ in server.asked] == ["/gone", "/here"]
    assert (tmp_path / "a.gz").read_bytes() == CONTENT


def test_errors_of_the_server_are_tried_again(server: Server, tmp_path: Path) -> None:
    server.status = [503]
    get(server, tmp_path / "a.gz")
    assert (tmp_path / "a.gz").read_bytes() == CONTENT


def test_nobody_there(tmp_path: Path) -> None:
    urls = ["http://127.0.0.1:9/a.gz", "http://127.0.0.1:10/a.gz"]
    with pytest.raises(
        DownloadError, match=r"could not be downloaded \(127\.0\.0\.1:9: .*refused.*; 127\.0\.0\.1:10: "
    ):
        fetch(urls, tmp_path / "a.gz", sha256=SHA, size=len(CONTENT), pause=0)


def test_a_place_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DownloadError, match=r"a\.gz \(1,024,000 bytes\) cannot be kept in .*file"):
        get(server, tmp_path / "file" / "a.gz")


def test_a_full_disk_keeps_the_beginning(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Path.open

    class Full:
        def __init__(self, file) -> None:
            self.file, self.left = file, 500_000

        def __enter__(self):
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, data: bytes) -> None:
            if len(data) > self.left:
                raise OSError(28, "No space left on device")
            self.left -= self.file.write(data)

    def opened(self: Path, mode: str = "r", *rest: object):
        file = original(self, mode, *rest)
        return Full(file) if mode in ("ab", "wb") else file

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(DownloadError, match="No space left on device"):
        get(server, tmp_path / "a.gz")
    monkeypatch.undo()
    assert 0 < (tmp_path / "a.gz.part").stat().st_size < len(CONTENT)
    get(server, tmp_path / "a.gz")
    assert (tmp_path / "a.gz").read_bytes() == CONTENT
