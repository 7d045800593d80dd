from __future__ import annotations

import errno
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from striate.errors import DiskError
from striate.runs import durable

CODES = [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES]


def names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


def test_writes_what_it_is_given(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for data in (b"", b"x", bytearray(b"yy"), memoryview(b"zzz")):
        durable.write(path, data)
        assert path.read_bytes() == bytes(data)
    durable.write(path, [b"one", memoryview(b"two"), b"", bytearray(b"three")])
    assert path.read_bytes() == b"onetwothree"
    durable.write(path, (piece for piece in (b"1", b"2")))
    assert path.read_bytes() == b"12"
    assert names(tmp_path) == ["a"]


def test_short_writes_are_finished(tmp_path: Path, refusing: Any) -> None:
    system = refusing(short=True)
    data = os.urandom(10_000)
    durable.write(tmp_path / "a", [data, b"end"], system=system)
    durable.append_line(tmp_path / "b", "a longer line", system=system)
    assert (tmp_path / "a").read_bytes() == data + b"end"
    assert (tmp_path / "b").read_text() == "a longer line\n"
    assert system.calls > 20


@pytest.mark.parametrize("code", CODES, ids=lambda code: errno.errorcode[code])
def test_a_refused_write_leaves_the_old_file(tmp_path: Path, refusing: Any, code: int) -> None:
    path = tmp_path / "1.safetensors"
    durable.write(path, b"old")
    for call in range(1, 20):
        system = refusing(at_call=call, code=code)
        try:
            durable.write(path, b"new" * 100, system=system)
        except DiskError as error:
            assert str(path) in str(error)
            if system.refused == "sync directory":  # the name is there, but may not outlive a power cut
                assert path.read_bytes() == b"new" * 100
                durable.write(path, b"old")
            else:
                assert path.read_bytes() == b"old"
                assert "300 bytes needed" in str(error)
                assert "1.safetensors is as it was" in str(error).lower()
                assert isinstance(error.__cause__, OSError)
            assert error.exit_code == 3
            assert names(tmp_path) == ["1.safetensors"]
        else:
            assert not system.refused
            break
    assert call == 6  # open, write, sync, replace, sync directory, and then none


@pytest.mark.parametrize("code", CODES, ids=lambda code: errno.errorcode[code])
def test_a_disk_full_after_any_byte(tmp_path: Path, refusing: Any, code: int) -> None:
    path = tmp_path / "a"
    durable.write(path, b"old")
    (tmp_path / "lines").write_text("first\n")
    for room in (0, 1, 7, 11):
        with pytest.raises(DiskError):
            durable.write(path, [b"123456", b"789abc"], system=refusing(room=room, code=code))
        with pytest.raises(DiskError, match="earlier lines are as they were"):
            durable.append_line(tmp_path / "lines", "123456789ab", system=refusing(room=room, code=code))
        assert path.read_bytes() == b"old"
        assert (tmp_path / "lines").read_text() == "first\n"
    durable.write(path, [b"123456", b"789abc"], system=refusing(room=12, code=code))
    assert path.read_bytes() == b"123456789abc"
    assert names(tmp_path) == ["a", "lines"]


def test_an_interrupt_leaves_nothing(tmp_path: Path, refusing: Any) -> None:
    class Interrupted(refusing):  # type: ignore[misc]
        def sync(self, file: int) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        durable.write(tmp_path / "a", b"x", system=Interrupted())
    assert names(tmp_path) == []


def test_the_message_names_reason_and_remedy(tmp_path: Path, refusing: Any) -> None:
    with pytest.raises(DiskError, match=r"cannot write .*a \(412 MB needed, .* free\): the disk is full.*free some"):
        durable.write(tmp_path / "a", bytes(412_000_000), system=refusing(at_call=2))
    with pytest.raises(DiskError, match="the folder is gone"):
        durable.write(tmp_path / "none" / "a", b"x")
    with pytest.raises(DiskError, match="read-only"):
        durable.write(tmp_path / "a", b"x", system=refusing(at_call=1, code=errno.EROFS))
    with pytest.raises(DiskError, match="nothing half-written".capitalize()):
        durable.write(tmp_path / "a", b"x", system=refusing(at_call=3, code=errno.EIO))


@pytest.mark.parametrize("torn", [b"tor", b"\0" * 5000, b"x" * 200_000, b"\0"])
def test_a_torn_last_line_is_cut_off(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"first\nsecond\n" + torn)
    durable.append_line(path, "third")
    assert path.read_bytes() == b"first\nsecond\nthird\n"
    path.write_bytes(torn)
    durable.append_line(path, "first")
    assert path.read_bytes() == b"first\n"


def test_a_line_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="line break"):
        durable.append_line(tmp_path / "lines", "one\ntwo")
    assert names(tmp_path) == []


def test_make_directory_and_remove(tmp_path: Path, refusing: Any) -> None:
    durable.make_directory(tmp_path / "a")
    with pytest.raises(FileExistsError):
        durable.make_directory(tmp_path / "a")
    with pytest.raises(DiskError, match="cannot make the folder"):
        durable.make_directory(tmp_path / "b", system=refusing(at_call=1, code=errno.EACCES))
    (tmp_path / "f").write_text("x")
    durable.remove(tmp_path / "f")
    durable.remove(tmp_path / "f")
    assert names(tmp_path) == ["a"]


def _write_slowly(path: Path, started: Any, may_end: Any) -> None:
    class Slow:
        def __getattr__(self, name: str) -> Any:
            return getattr(durable.SYSTEM, name)

        def sync(self, file: int) -> None:
            started.set()
            may_end.wait(20)
            durable.SYSTEM.sync(file)

    durable.write(path, b"new", system=Slow())  # type: ignore[arg-type]


@pytest.mark.skipif(os.name == "nt", reason="Windows itself keeps open files from being removed")
def test_the_sweep_takes_the_dead_and_leaves_the_living(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    living, dead = (tmp_path / "living", tmp_path / "dead")
    events = [(context.Event(), context.Event()) for _ in range(2)]
    writers = [
        context.Process(target=_write_slowly, args=(path, *pair))
        for path, pair in zip((living, dead), events, strict=True)
    ]
    for writer in writers:
        writer.start()
    for started, _ in events:
        assert started.wait(20)
    writers[1].kill()
    writers[1].join()
    assert len(names(tmp_path)) == 2
    durable.sweep(tmp_path)
    assert [name.startswith(".living.") for name in names(tmp_path)] == [True]
    events[0][1].set()
    writers[0].join()
    assert names(tmp_path) == ["living"]
    assert living.read_bytes() == b"new"
    durable.sweep(tmp_path / "not there")


CHILD = """
import sys
from pathlib import Path
from striate.errors import DiskError
from striate.runs import durable
{before}
path = Path(sys.argv[1])
durable.write(path, b"old" * 1000)
try:
    durable.write(path, bytes(4_000_000))
except DiskError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@pytest.mark.skipif(os.name == "nt", reason="no resource limits there")
def test_a_file_larger_than_the_limit(tmp_path: Path) -> None:
    before = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))"
    command = [sys.executable, "-c", CHILD.format(before=before), str(tmp_path / "a")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert "larger than is allowed" in done.stdout
    assert (tmp_path / "a").read_bytes() == b"old" * 1000
    assert names(tmp_path) == ["a"]


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("only root on Linux can mount a small disk")
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine does not let a small disk be mounted")
    try:
        command = [sys.executable, "-c", CHILD.format(before=""), str(small / "a")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 3, done.stderr
        assert "the disk is full" in done.stdout
        assert "4.0 MB needed" in done.stdout
        assert (small / "a").read_bytes() == b"old" * 1000
        assert names(small) == ["a"]
        (small / "fill").write_bytes(bytes(4096))
        with pytest.raises(OSError, match="No space"):
            (small / "fill").write_bytes(bytes(2_000_000))
        durable.append_line(small / "lines", "x") if shutil.disk_usage(small).free else None
        with pytest.raises(DiskError):
            durable.append_line(small / "lines", "x" * 10_000)
        (small / "fill").unlink()
        durable.append_line(small / "lines", "y" * 10_000)
        assert (small / "lines").read_text().endswith("y" * 10_000 + "\n")
    finally:
        for _ in range(20):
            if not subprocess.run(["umount", str(small)], capture_output=True, check=False).returncode:
                break
            time.sleep(0.1)
