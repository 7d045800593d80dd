"""The door as it is used: a process of its own, and a parent that believes nothing it says."""

from __future__ import annotations

import argparse
import io
import json
import os
import pathlib
import pickle
import re
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests.model.sandbox import hostile

from striate.errors import DoorError, ModelError
from striate.model.files import tensorfile
from striate.model.sandbox import child, parent
from striate.model.sandbox.jail import LAYERS
from striate.model.sandbox.parent import Limits, Passed, printable, through
from striate.model.sandbox.stand_ins import stand_ins


def weights(path: Path, *, zipped: bool = True) -> dict[str, torch.Tensor]:
    held = {"a.weight": torch.randn(3, 4), "a.bias": torch.arange(256, dtype=torch.uint8)}
    torch.save({"state_dict": held, "epoch": 1}, path, _use_new_zipfile_serialization=zipped)
    return held


def test_weights_come_through(tmp_path: Path) -> None:
    held = weights(tmp_path / "w.pth")
    passed = through(tmp_path / "w.pth")
    assert all(torch.equal(passed.tensors[name], tensor) for name, tensor in held.items())
    assert (passed.part, passed.skipped, passed.beside) == ("state_dict", (), ("epoch",))
    assert "audit" in passed.layers and "limits" in passed.layers


def test_the_third_party_file_comes_through(shared: Path) -> None:
    """Its authors' own conversion to safetensors has the same numbers."""
    folder = shared / "data" / "weights"
    file = folder / "third-party-pickle-resnet20.th"
    if not file.is_file():
        pytest.skip(f"needs {file}")
    passed = through(file)
    wanted, _ = tensorfile.read(folder / "cifar10-resnet20.safetensors")
    assert passed.part == "state_dict" and passed.beside == ("best_prec1",)
    assert len(passed.tensors) == len(wanted) == 97
    for name, tensor in passed.tensors.items():
        assert torch.equal(tensor, wanted[name.removeprefix("module.")]), name


def test_a_hostile_file_is_refused_by_name(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    path = tmp_path / "evil.pth"
    path.write_bytes(hostile.zipped(hostile.WANTS["os.system"](str(canary))))
    with pytest.raises(DoorError, match=r"evil.pth wants to run posix.system, so it is not plain weights. It was not"):
        through(path)
    assert not canary.exists()


def test_one_that_does_not_end_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "endless.th"
    path.write_bytes(hostile.legacy(hostile.laughs()))
    start = time.monotonic()
    with pytest.raises(DoorError, match="took longer than 4 s to read"):
        through(path, limits=Limits(seconds=4))
    assert time.monotonic() - start < 15


def test_safetensors_needs_no_door(tmp_path: Path) -> None:
    save_file({"w": torch.ones(3)}, tmp_path / "w.pth")  # whatever it is called
    passed = through(tmp_path / "w.pth")
    assert passed.tensors["w"].tolist() == [1, 1, 1] and not passed.layers


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\x89HDF\r\n\x1a\n00000000", "is not a pickle of weights: an HDF5 file"),
        (b"version https://git-lfs", "is not a pickle of weights: a Git LFS pointer"),
        (b"GGUF" + b"0" * 20, "is not a pickle of weights: a GGUF file"),
    ],
)
def test_other_files_are_told_apart(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(ModelError, match=words):
        through(tmp_path / "x.pth")


def test_only_a_file_is_read(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no file"):
        through(tmp_path / "absent.pth")
    with pytest.raises(ModelError, match=r"is a folder|cannot be read"):
        through(tmp_path)
    with pytest.raises(ModelError, match="has 5 bytes, and 4 is the most"):
        (tmp_path / "big").write_bytes(b"12345")
        through(tmp_path / "big", limits=Limits(largest=4))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ModelError, match="is not a file"):
            through(tmp_path / "pipe")


GOOD = "import sys, json; from striate.model.files import tensorfile; import numpy as np; "
SAYS = f"print(json.dumps({{'part': 'x', 'layers': {list(LAYERS)!r}}}), file=sys.stderr)"


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import os; os.write(2, b'{}'); os._exit(3)", "could not be read apart"),
        ("raise ImportError('no torch\\x1b[31m')", "did not start .ImportError: no torch\ufffd"),
        ("import os; os.kill(os.getpid(), 11)", r"made the process that read it end .SIGSEGV"),
        ("pass", "did not start|could not be read apart"),
        (GOOD + SAYS, "what was made of it is not whole"),
        ("import sys; sys.stdout.write('x' * 30_000_000); print('{}', file=sys.stderr)", "is not whole"),
        (GOOD + "import os; os.remove('tensors.safetensors'); os.symlink('/etc/hostname', 'tensors.safetensors'); "
         + SAYS, "is not whole"),
        (GOOD + "sys.stdout.buffer.write(b''.join(tensorfile.pack({'a\\x1b': np.ones(1)}, {}))); " + SAYS, "not whole"),
        ("import sys; print('[' * 60_000, file=sys.stderr)", "could not be read apart"),
        ("print('{\"refused\": \"\\\\u001b[2J' + 'x' * 9999 + '\"}', file=__import__('sys').stderr)",
         "p.pth \ufffd.2Jx"),
    ],
)  # fmt: skip
@pytest.mark.skipif(os.name != "posix", reason="the programs are for POSIX")
def test_a_child_that_was_taken_over_is_not_believed(
    program: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = "import sys; sys.path[:0] = sys.argv.pop().split(chr(10)); "
    monkeypatch.setattr(parent, "_START", start + f"exec({program!r})")
    weights(tmp_path / "p.pth")
    with pytest.raises(DoorError, match=words) as refused:
        through(tmp_path / "p.pth")
    assert len(str(refused.value)) < 1000 and "\x1b" not in str(refused.value)


@pytest.mark.skipif(os.name != "posix", reason="process groups are POSIX")
def test_nothing_outlives_the_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "alive"
    late = f"import time; time.sleep(1.5); open({str(mark)!r}, 'w')"
    program = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {late!r}]); time.sleep(60)"
    monkeypatch.setattr(parent, "_START", program)
    weights(tmp_path / "p.pth")
    with pytest.raises(DoorError, match="took longer than 1 s"):
        through(tmp_path / "p.pth", limits=Limits(seconds=0.8))
    time.sleep(1.2)
    assert not mark.exists()


def test_the_child_sees_nothing_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("PYTHONSTARTUP", "x.py")
    program = "import os, sys, json; print(json.dumps({'refused': json.dumps([dict(os.environ), os.getcwd()])}), file=sys.stderr)"  # noqa: E501
    monkeypatch.setattr(parent, "_START", program)
    monkeypatch.setattr(parent, "printable", lambda text, limit=0: text)
    weights(tmp_path / "p.pth")
    with pytest.raises(DoorError) as refused:
        through(tmp_path / "p.pth")
    seen, folder = json.loads(str(refused.value).partition("p.pth ")[2])
    assert "secret" not in json.dumps(seen) and not any(name.startswith("PYTHON") for name in seen)
    assert seen["HOME"] == seen["TMPDIR"] == folder != str(Path.cwd())
    assert not Path(folder).exists()  # and nothing is left of it


def test_a_file_that_changes_meanwhile_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.pth"
    weights(path)

    def meanwhile(*_: object) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
        path.write_bytes(b"other")
        return {}, {}

    monkeypatch.setattr(parent, "_read_apart", meanwhile)
    with pytest.raises(ModelError, match="changed while it was read"):
        through(path)


def test_what_held_is_said() -> None:
    assert "directly" in Passed({}, "", 0).confinement()
    assert Passed({}, "", 0, layers=LAYERS).confinement().endswith("(landlock, limits, seccomp, audit).")
    some = Passed({}, "", 0, layers=("limits", "audit")).confinement()
    assert "(limits, audit, not landlock, seccomp)" in some and "could get round that" in some
    most = Passed({}, "", 0, layers=("limits", "seccomp", "audit")).confinement()
    assert most.endswith("(limits, seccomp, audit, not landlock).")


def test_a_strangers_text_cannot_drive_the_terminal() -> None:
    assert printable("a\x1b[2Jb\n\u202ec") == "a\ufffd[2Jb\ufffd\ufffdc"
    assert len(printable("x" * 9999)) == 300


def test_it_is_not_torch_that_the_parent_needs() -> None:
    import subprocess

    code = "import sys, striate.model.sandbox.parent; print('torch' in sys.modules, 'pickle' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == "False"


class Sly:
    """Pickled as one of the names that have a stand-in, with what it would be made of."""

    def __init__(self, kind: Any, arguments: tuple[Any, ...], state: Any = None) -> None:
        self.kind, self.arguments, self.state = kind, arguments, state

    def __reduce__(self) -> tuple[Any, ...]:
        return self.kind, self.arguments, self.state


def test_what_stands_in_keeps_nothing_and_runs_nothing(tmp_path: Path) -> None:
    """Whatever is given to a stand-in goes nowhere; a name that has none is refused inside it as anywhere."""
    held = {"a.weight": torch.ones(2, 2)}
    slies = [
        Sly(argparse.Namespace, (), {"__class__": 1, "__dict__": 2, "numel": 3}),
        Sly(pathlib.PosixPath, ("/etc/passwd",), {"x": torch.ones(9)}),
        Sly(np.dtype, ("f8", False, True), (3, "<", None, None, None, -1, -1, 0)),
        Sly(argparse.Namespace, ([1, 2], argparse.Namespace(a=argparse.Namespace()))),
    ]
    torch.save({"state_dict": held, "args": slies, "of": slies[0]}, tmp_path / "w.pth")
    passed = through(tmp_path / "w.pth")
    assert list(passed.tensors) == ["a.weight"] and passed.beside == ("args", "of") and passed.others == ()
    canary = tmp_path / "canary"
    for inner in (Sly(os.system, (f"touch {canary}",)), Sly(eval, (f"open({str(canary)!r}, 'w')",))):
        for args in (Sly(argparse.Namespace, (), {"a": inner}), Sly(argparse.Namespace, (inner,))):
            stream = io.BytesIO()
            torch.save({"state_dict": held, "args": args}, stream)
            with pytest.raises(pickle.UnpicklingError) as refused:
                child._read(stream, 2**20)
            assert re.match(r"wants to run (posix\.system|eval)", child._explained(refused.value))
    assert not canary.exists()


def test_a_stand_in_is_neither_weights_nor_a_class_of_somebody() -> None:
    stream = io.BytesIO()
    torch.save(argparse.Namespace(state_dict={"a": torch.ones(1)}), stream)
    with pytest.raises(child.Refused, match="holds no tensors by name; what it holds is one Namespace"):
        child._read(stream, 2**20)
    for made, name in stand_ins():  # type: ignore[misc]
        assert made.__module__ == "striate.model.sandbox.stand_ins", name
        one = made(1, 2, 3)
        assert one == {} or not hasattr(one, "__dict__")


def test_an_entry_is_a_key_or_part_of_the_only_one(tmp_path: Path) -> None:
    both = {"state_dict": {"a": torch.ones(1)}, "ema_1": {"a": torch.zeros(1)}, "ema_2": {"a": torch.zeros(2)}}
    torch.save(both, tmp_path / "w.pth")
    passed = through(tmp_path / "w.pth", entry="ema_2")
    assert passed.tensors["a"].shape == (2,) and passed.part == "ema_2" and passed.others == ("state_dict", "ema_1")
    with pytest.raises(DoorError, match="has no entry 'ema' that holds weights; it holds some in state_dict, ema_1"):
        through(tmp_path / "w.pth", entry="ema")
