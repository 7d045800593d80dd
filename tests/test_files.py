"""Whatever file a person names: ordinary, of a bounded size, never waited for; one line for everything else."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from striate import files, nets, recipe
from striate.data.sources.source import find
from striate.errors import FileError, StriateError
from striate.files import open_file, read_bytes, read_text
from striate.verbs.predict import pictures

posix = pytest.mark.skipif(os.name != "posix", reason="devices, pipes and sparse files are made as POSIX has them")
GIB = 2**30


def sparse(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


def test_an_ordinary_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\0\xff" * 5000)
    assert read_bytes(tmp_path / "a", limit=10_000) == b"\0\xff" * 5000
    (tmp_path / "b").write_bytes(b"one\r\ntwo\rthree \xc3\xa9")
    assert read_text(str(tmp_path / "b")) == "one\ntwo\nthree é"
    with open_file(tmp_path / "a", limit=10_000) as file:
        assert file.read(2) == b"\0\xff"


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("a")
    assert read_bytes(tmp_path / "link", limit=3) == b"abc"


def test_over_the_limit_names_both_numbers(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 1001)
    with pytest.raises(FileError, match=r"^it has 1,001 bytes, and 1,000 is the most that is read$"):
        read_bytes(tmp_path / "a", limit=1000)


@posix
def test_what_is_no_ordinary_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(tmp_path)  # the name of a socket may not be long
        try:
            server.bind("socket")
        finally:
            os.chdir(here)
        for path, what in (
            (tmp_path / "pipe", "a named pipe"),
            ("/dev/zero", "a device"),
            (tmp_path / "socket", "a socket"),
        ):
            with pytest.raises(FileError, match=f"^it is {what}, and only ordinary files are read$"):
                read_bytes(path, limit=10)


def test_what_the_system_says_stays_what_it_says(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        read_bytes(tmp_path, limit=10)
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "none", limit=10)
    with pytest.raises(FileError, match="zero byte"):
        read_bytes("a\0b", limit=10)


@posix
def test_a_file_that_says_it_is_empty_and_never_ends_is_cut_off() -> None:
    # Files of /proc have no size; this one is some kB long.
    assert len(read_bytes("/proc/self/smaps", limit=GIB)) > 1000
    with pytest.raises(FileError, match="longer than 1,000 bytes"):
        read_bytes("/proc/self/smaps", limit=1000)


def test_the_error_is_one_of_ours_and_of_the_system_and_survives_pickling() -> None:
    error = FileError("it is a device")
    assert isinstance(error, StriateError)
    assert isinstance(error, OSError)
    assert (str(error), error.errno, error.strerror) == ("it is a device", None, None)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (FileError, "it is a device")


@posix
@pytest.mark.parametrize("kind", ["pipe", "zero", "sparse"])
def test_no_room_waits_for_a_pipe_or_reads_what_never_ends(kind: str, tmp_path: Path) -> None:
    """Every place where a person names a file, in a process that may take 2 GiB."""
    for name in ("x.jpg", "x.csv", "x.npz", "x.bin", "x.txt", "x.toml", "model.safetensors"):
        path = tmp_path / name
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "zero":
            path.symlink_to("/dev/zero")
        else:
            sparse(path, 100 * GIB)
    code = f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, ({2 * GIB}, {2 * GIB}))
from pathlib import Path
from striate import nets, recipe
from striate.data.sources.source import find
from striate.data.sources.items import FolderSource, Item
from striate.verbs.class_files import read_classes
from striate.cli.write_output import check_free
from striate.errors import StriateError
from striate.interpret import picture, probe
from striate.model.files import tensorfile
from striate.model.files.weights import read_facts
from striate.verbs import score_map
folder = Path({str(tmp_path)!r})
one = FolderSource("x", str(folder), ("a",), (Item("x.jpg", 0),), root=folder)
calls = [(recipe.read, "x.toml"), (recipe.find, str(folder / "x.toml")), (nets._read, "x.txt"),
    (find, "x.csv"), (find, "x.npz"), (find, "x.bin"), (find, "x.txt"), (read_facts, "model.safetensors"),
    (read_classes, "x.txt"), (probe._content, "x.jpg"), (picture.read, "x.jpg"), (score_map._read, "x.jpg"),
    (lambda _: one.picture(0), "x.jpg"), (lambda _: one.facts(), "x.jpg"),
    (lambda path: check_free(path, lambda start: False), "x.jpg")]
for call, name in calls:
    try:
        call(folder / name)
    except StriateError as error:
        print(str(error).replace(chr(10), " "))
    else:
        raise SystemExit(f"{{call}} of {{name}} came through")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    said = {"pipe": "pipe", "zero": "device", "sparse": "is the most that is read"}[kind]
    lines = done.stdout.splitlines()
    assert len(lines) == 15
    # The kind of a data set is told before its file is opened: "neither a file nor a folder" is as good.
    assert all(said in line or "neither a file nor a folder" in line or "is not ours" in line for line in lines), lines


def test_a_recipe_and_a_net_over_their_size_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StriateError, match=r"recipe .*x.toml cannot be read: it has .* bytes"):
        recipe.read(sparse(tmp_path / "x.toml", files.TEXT + 1))
    with pytest.raises(StriateError, match=r"x.txt cannot be read as the text of a net: it has 1,000,001 bytes"):
        nets.resolve(str(sparse(tmp_path / "x.txt", nets.LARGEST_FILE + 1)))


@pytest.mark.parametrize("text", ["https://example.com/a/cat.jpg", "https:/example.com/a/cat.jpg"])
def test_an_address_is_named_with_both_slashes(text: str) -> None:
    wanted = r"^https://example.com/a/cat.jpg is an address, and pictures are read from this machine"
    with pytest.raises(StriateError, match=wanted):
        find(text)
    with pytest.raises(StriateError, match=wanted):
        pictures([Path(text)])


@pytest.mark.parametrize("text", ["cat.jpg", "C:/pictures/cat.jpg", "a/b:/c", "mnist@/data"])
def test_a_path_is_no_address(text: str) -> None:
    assert files.not_a_url(text) == ""
