"""Hostile files, each in every layout: what they want does not happen, and the refusal says what it was.

The same files under plain pickle do it: a canary that could not appear would prove nothing.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import re
import socket
import subprocess
import sys
import time
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.model.sandbox import hostile

from striate.model.files import tensorfile
from striate.model.sandbox.jail import LAYERS

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the files are read in forks of one prepared process")

READER = Path(__file__).with_name("reader.py")
Read = Callable[..., tuple[int, dict[str, Any], Path]]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    """Read bytes as the child does: its exit status, what it said, and where it wrote."""
    folder = tmp_path_factory.mktemp("door")
    source, made, told = (folder / name for name in ("file", "made", "told"))
    around = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, str(READER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder, env=around
    )
    assert process.stdin and process.stdout

    def one(
        content: bytes, *, seconds: float = 30.0, memory: int = 2**29, **hole: tuple[str, ...]
    ) -> tuple[int, dict[str, Any], Path]:
        source.write_bytes(content)
        told.unlink(missing_ok=True)
        allowed = {"size": 2 * len(content) + 2**20, "memory": 3 * len(content) + memory, "seconds": seconds, **hole}
        process.stdin.write(json.dumps([[str(source), str(made), str(told)], allowed]) + "\n")
        process.stdin.flush()
        code = int(process.stdout.readline())
        lines = [line for line in told.read_text().splitlines() if line.strip()]
        said = json.loads(lines[-1]) if code == 0 else {}
        return code, said, made

    yield one
    process.stdin.close()
    process.wait(timeout=20)


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / "canary"


def appears(canary: Path, seconds: float = 5.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if os.path.lexists(canary):
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("want", hostile.WANTS)
def test_the_files_are_live(want: str, canary: Path) -> None:
    with suppress(Exception):
        pickle.loads(hostile.bare(hostile.WANTS[want](str(canary))))
    assert appears(canary)


@pytest.mark.parametrize("layout", hostile.LAYOUTS)
@pytest.mark.parametrize("want", hostile.WANTS)
def test_nothing_is_run(want: str, layout: str, canary: Path, read: Read) -> None:
    value = hostile.WANTS[want](str(canary))
    code, said, _ = read(hostile.LAYOUTS[layout](value))
    assert code == 0
    assert not os.path.lexists(canary)
    assert "It was not run" in said["refused"] or "tar archive" in said["refused"], said
    nested = {"state_dict": OrderedDict(weight=value, bias=1)} if not isinstance(value, bytes) else value
    assert "refused" in read(hostile.LAYOUTS[layout](nested))[1]
    assert not os.path.lexists(canary)


@pytest.mark.parametrize("layers", [LAYERS, ("landlock", "seccomp"), ("limits", "seccomp"), ("audit",)], ids="+".join)
@pytest.mark.parametrize("want", hostile.WANTS)
def test_nothing_is_reached_if_weights_only_has_a_hole(
    want: str, layers: tuple[str, ...], canary: Path, read: Read
) -> None:
    """The files are unpickled in earnest: what they want is tried, and the jail alone stands in the way."""
    for layout in (hostile.legacy, hostile.zipped):
        _, said, _ = read(layout(hostile.WANTS[want](str(canary))), hole=layers)
        if said and set(said["layers"]) != set(layers):
            pytest.skip(f"this system has only {', '.join(said['layers'])} of {', '.join(layers)}")
        assert not appears(canary, 0.02)


def test_the_hole_is_one(canary: Path, read: Read) -> None:
    read(hostile.legacy(hostile.WANTS["os.system"](str(canary))), hole=())
    assert appears(canary)


def test_the_refusal_names_what_was_wanted(read: Read) -> None:
    said = read(hostile.legacy(hostile.Call(os.system, "true")))[1]
    assert said["refused"].startswith("wants to run posix.system, so it is not plain weights. It was not run; ask for")
    said = read(hostile.zipped(hostile.Call(subprocess.Popen, ["true"])))[1]
    assert "wants to run commands.Popen" in said["refused"]  # as protocol 2 calls it


@pytest.mark.parametrize("protocol", [0, 3, 4, 5])
def test_no_protocol_is_another_way_in(protocol: int, canary: Path, read: Read) -> None:
    content = hostile.pickled(hostile.WANTS["os.system"](str(canary)), protocol)
    for layout in ("bare", "legacy", "zip"):
        assert "refused" in read(hostile.LAYOUTS[layout](content))[1]
    assert not canary.exists()


def test_nothing_connects(read: Read) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        listener.settimeout(5)
        with suppress(Exception):  # a socket cannot be what a pickle makes, but it connects
            pickle.loads(hostile.bare(hostile.dials(port)))
        listener.accept()[0].close()
        read(hostile.legacy(hostile.dials(port)), hole=())
        listener.accept()[0].close()
        listener.settimeout(0.05)
        for layout in hostile.LAYOUTS.values():
            assert "refused" in read(layout(hostile.dials(port)))[1]
        for layers in (LAYERS, ("seccomp",), ("limits",), ("audit",)):
            read(hostile.legacy(hostile.dials(port)), hole=layers)
        with pytest.raises(TimeoutError):
            listener.accept()


def test_what_weights_only_allows_reaches_nothing_either(read: Read) -> None:
    # _codecs.encode is on torch's list, and imports a module that the file names.
    assert "refused" in read(hostile.legacy(hostile.imports_codec()))[1]
    assert "refused" in read(hostile.legacy(hostile.imports()))[1]


def test_a_pickle_inside_a_storage_is_only_numbers(canary: Path, read: Read) -> None:
    inner = hostile.bare(hostile.WANTS["os.system"](str(canary)))
    inner += b"\0" * (-len(inner) % 4)
    count = len(inner) // 4
    code, said, made = read(hostile.zipped({"weight": hostile.tensor(count, (count,), (1,))}, inner))
    assert code == 0 and "refused" not in said, said
    assert tensorfile.read(made)[0]["weight"].numpy().tobytes() == inner
    assert not canary.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (hostile.zipped({"w": hostile.tensor(4, (10**12,), (1,))}, b"\0" * 16), "larger than its storage"),
        (hostile.zipped({"w": hostile.tensor(4, (10**12,), (0,))}, b"\0" * 16), "claims tensors of over"),
        (hostile.zipped({"w": hostile.tensor(4, (2**62, 8), (0, 0))}, b"\0" * 16), "."),
        (hostile.zipped({"w": hostile.tensor(10**12, (2,), (1,))}, b"\0" * 16), "."),
        (hostile.legacy({"w": hostile.tensor(10**12, (2,), (1,))}, b"\0" * 16), "memory"),
        (hostile.zipped({f"w{n}": hostile.tensor(2**16, (2**16,), (1,)) for n in range(99)}, b"\0" * 2**18), "claims"),
        (hostile.legacy({"w": hostile.Call(bytearray, 2**40)}), "."),
        (hostile.legacy({"w": hostile.Call(bytearray, 2**31 - 1)}), "memory"),
        (hostile.legacy(hostile.lists()), "holds no tensors by name; what it holds is a list of 2"),
    ],
    ids=["too large", "stride 0", "overflow", "zip storage", "storage", "shared", "bytes", "2 GB", "lists"],
)  # fmt: skip
def test_what_claims_too_much_is_refused(content: bytes, words: str, read: Read) -> None:
    code, said, _ = read(content)
    assert code == 0
    assert re.search(words, said["refused"]), said


def test_time_is_limited(read: Read) -> None:
    start = time.monotonic()
    code, _, _ = read(hostile.legacy(hostile.laughs()), seconds=0)
    assert code < 0  # ended by a signal of the system: the loop is one instruction of Python
    assert time.monotonic() - start < 20


def test_what_breaks_the_reader_breaks_only_the_reader(read: Read) -> None:
    code, said, _ = read(hostile.legacy(hostile.deep()))
    assert code < 0 or "refused" in said


def test_a_zip_bomb_is_not_unpacked(read: Read) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("archive/data.pkl", hostile.bare({"w": hostile.tensor(2**24, (2**24,), (1,))}))
        archive.writestr("archive/data/0", bytes(2**26))
        archive.writestr("archive/version", b"3\n")
    assert "would unpack to 67,1" in read(stream.getvalue())[1]["refused"]


def test_names_that_lead_out_of_an_archive_lead_nowhere(tmp_path: Path, read: Read) -> None:
    link = zipfile.ZipInfo("archive/link")
    link.external_attr = 0o120777 << 16
    content = hostile.zipped(
        {"w": hostile.tensor(4, (4,), (1,))}, b"\0" * 16, ("../../canary", b"x"), ("/canary", b"x")
    )
    stream = io.BytesIO(content)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    code, said, made = read(stream.getvalue())
    assert code == 0
    assert "refused" in said or list(tensorfile.read(made)[0]) == ["w"]
    assert not any((folder / "canary").exists() for folder in made.parents)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_weights_come_through_to_the_bit(zipped: bool, read: Read) -> None:
    torch.manual_seed(0)
    weights = {
        "module.a": torch.randn(3, 4),
        "module.b": torch.nn.Parameter(torch.randn(2, 3, 5).transpose(0, 2)),
        "module.c": torch.randn(4).half(),
        "module.d": torch.randn(4, dtype=torch.float64),
        "module.n": torch.tensor(7),
        "module.o": torch.tensor([True, False]),
        "module.z": torch.zeros(0, 3),
        "module.e": torch.ones(1).expand(5),
    }
    held = {
        "epoch": 3,
        "state_dict": OrderedDict(weights, version=3),
        "optimizer": {"state": {0: {"s": torch.ones(2)}}},
    }
    stream = io.BytesIO()
    torch.save(held, stream, _use_new_zipfile_serialization=zipped)
    code, said, made = read(stream.getvalue())
    assert code == 0 and "refused" not in said, said
    assert (said["part"], said["skipped"], said["beside"]) == ("state_dict", ["version"], ["epoch", "optimizer"])
    came, _ = tensorfile.read(made)
    assert came.keys() == weights.keys()
    for name, tensor in weights.items():
        assert came[name].dtype == tensor.dtype and torch.equal(came[name], tensor), name


@pytest.mark.parametrize(
    ("held", "part"),
    [
        ({"w": torch.ones(1), "epoch": 1}, ""),
        ({"model": {"state_dict": {"w": torch.ones(1)}}, "ema": {"w": torch.zeros(1)}}, "model.state_dict"),
        ({"step": torch.tensor(3), "net": {"w": torch.ones(1)}}, "net"),
        ({"few": {"v": torch.zeros(1)}, "mine": {"w": torch.ones(1), "x": torch.ones(1)}}, "mine"),
    ],
)
def test_finds_the_weights_wherever_they_are_kept(held: dict[str, Any], part: str, read: Read) -> None:
    stream = io.BytesIO()
    torch.save(held, stream)
    _, said, made = read(stream.getvalue())
    assert said["part"] == part, said
    assert tensorfile.read(made)[0]["w"].item() == 1


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (torch.eye(3).to_sparse(), "'w', which is sparse coo; only plain dense tensors"),
        (torch.ones(2, dtype=torch.complex64), "'w', which is of torch.complex64"),
        ("qint8", "'w', which is quantised"),
        (torch.ones(2, device="meta"), r"'w', which is without values \(on meta\)"),
    ],
    ids=["sparse", "complex", "quantised", "meta"],
)
def test_unusual_tensors_are_refused_in_words(value: torch.Tensor | str, words: str, read: Read) -> None:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if isinstance(value, str):
            value = torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)
        torch.save({"w": value}, stream)
    assert re.search(words, read(stream.getvalue())[1]["refused"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (hostile.legacy({"epoch": 3}), "holds no tensors by name; what it holds is a mapping of 1 entry (epoch)"),
        (hostile.zipped([1, 2]), "what it holds is a list of 2"),
        (hostile.legacy(3), "what it holds is one int"),
        (hostile.bare({"epoch": 3}), "is a pickle, but not one that torch.save wrote"),
        (hostile.zipped({}, b"", ("archive/constants.pkl", b"")), "is a TorchScript program"),
        (b"<!DOCTYPE html><html>404</html>", "does not begin as a pickle does"),
        (hostile.zipped({"\x1b[31mred": hostile.tensor(1, (1,), (1,))}, b"\0" * 4), "names are printable text"),
        (b"PK\x03\x04" + b"x" * 100, "is cut short or damaged"),
        (b"\x80\x02", "is cut short or damaged"),
    ],
)
def test_what_is_no_weights_is_named(content: bytes, words: str, read: Read) -> None:
    assert words in read(content)[1]["refused"]


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_what_is_cut_short_is_refused(zipped: bool, read: Read) -> None:
    stream = io.BytesIO()
    torch.save({"state_dict": {"w": torch.randn(500)}}, stream, _use_new_zipfile_serialization=zipped)
    content = stream.getvalue()
    for at in (2, 40, len(content) // 3, len(content) - 500, len(content) - 1):
        code, said, _ = read(content[:at])
        assert code == 0 and "refused" in said, at


def test_damage_never_hangs_or_writes(canary: Path, read: Read) -> None:
    draws = random.Random(0)
    stream = io.BytesIO()
    torch.save({"state_dict": {"w": torch.randn(50)}}, stream, _use_new_zipfile_serialization=False)
    before = set(canary.parent.iterdir())
    for _ in range(40):
        content = bytearray(stream.getvalue())
        for _ in range(draws.randrange(1, 6)):
            content[draws.randrange(len(content) - 200)] = draws.randrange(256)
        code, said, _ = read(bytes(content), seconds=10)
        assert code < 0 or said
    assert set(canary.parent.iterdir()) == before
