from __future__ import annotations

import dataclasses
import json
import pickle
import random
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.numpy
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.errors import ModelError
from striate.model.files import tensorfile
from striate.model.files.weights import (
    KEY,
    ModelFile,
    read,
    read_facts,
    state_of,
    state_prefix,
    to_bytes,
    to_pieces,
    version,
    with_state,
)

FACTS = ModelFile(
    net="conv 8 3x3 >> flatten >> dense 2",
    input=(3, 32, 48),
    task="classify",
    names=("cat", "Hündin \U0001f436"),
    labels={"unit": "deg"},
    preprocess={"height": 32, "width": 48, "mean": [0.1, 0.2, 0.3]},
    state={"calibration": {"temperature": 1.25}, "unknown": {"threshold": 3.5}},
    provenance={"recipe": {"epochs": 3}, "data": "abc"},
)
OLD = {  # what format 1 said of the same
    "format": 1,
    "net": FACTS.net,
    "input": list(FACTS.input),
    "task": "classify",
    "classes": list(FACTS.names),
    "preprocess": FACTS.preprocess,
    "calibration": {"temperature": 1.25},
    "unknown": {"threshold": 3.5},
    "provenance": FACTS.provenance,
}
TENSORS: dict[str, Any] = {
    "stem.conv1.weight": torch.arange(216.0).reshape(8, 3, 3, 3) / 7,
    "stem.conv1.bias": torch.zeros(8, dtype=torch.float16),
    "batchnorm1.num_batches_tracked": torch.tensor(12),
    "half": torch.tensor([1.5, -2.0]).bfloat16(),
    "mask": torch.tensor([[True, False, True]]),
    "nothing": torch.empty(0, 3),
    "state.means": np.arange(6, dtype=np.float64).reshape(2, 3)[:, ::-1],
    "unknown.big": np.arange(3, dtype=">f4"),
}


def write(path: Path, tensors: Any = TENSORS, facts: ModelFile = FACTS) -> Path:
    path.write_bytes(to_bytes(tensors, facts))
    return path


def raw(path: Path, header: Any, data: bytes = b"", length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


def with_header(path: Path, old: bool = False, **changes: Any) -> Path:
    """A whole file of ours, or of format 1, whose header under ``striate`` says something else."""
    values = {"striate": "9.8", **(OLD if old else dataclasses.asdict(FACTS)), **changes}
    text = json.dumps({name: value for name, value in values.items() if value is not ...})
    path.write_bytes(b"".join(tensorfile.pack(TENSORS, {KEY: text})))
    return path


def test_there_and_back(tmp_path: Path) -> None:
    path = write(tmp_path / "model.safetensors")
    tensors, facts = read(path)
    assert facts == read_facts(str(path)) == FACTS
    assert set(tensors) == set(TENSORS)
    for name, tensor in TENSORS.items():
        if isinstance(tensor, np.ndarray):
            assert np.array_equal(tensors[name].numpy(), tensor)
        else:
            assert tensors[name].dtype == tensor.dtype
            assert torch.equal(tensors[name], tensor)
    assert to_bytes(TENSORS, FACTS) == b"".join(to_pieces(dict(reversed(TENSORS.items())), FACTS)) == path.read_bytes()
    tensors["half"].add_(1)  # what is read is ours to change, and overlaps nothing
    assert torch.equal(tensors["mask"], TENSORS["mask"])


def test_the_safetensors_library_reads_what_is_written(tmp_path: Path) -> None:
    path = write(tmp_path / "model.safetensors")
    found = safetensors.torch.load_file(path)
    mine = read(path)[0]
    assert set(found) == set(mine)
    assert all(found[name].dtype == mine[name].dtype and torch.equal(found[name], mine[name]) for name in mine)
    with safetensors.safe_open(path, framework="np") as opened:
        assert json.loads(opened.metadata()[KEY])["names"] == list(FACTS.names)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20).filter(
            lambda n: n != "__metadata__"
        ),
        st.tuples(
            st.sampled_from(["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"]),
            st.lists(st.integers(0, 4), max_size=4),
        ),
        max_size=6,
    ),
    st.integers(0, 2**32 - 1),
)
def test_both_ways_with_the_library(tmp_path_factory: Any, shapes: dict[str, Any], seed: int) -> None:
    draw = np.random.default_rng(seed)
    arrays = {name: draw.integers(0, 2, shape).astype(dtype) for name, (dtype, shape) in shapes.items()}
    path = tmp_path_factory.mktemp("both") / "a.safetensors"
    path.write_bytes(b"".join(tensorfile.pack(arrays, {"ß": "é\n"})))
    found = safetensors.numpy.load_file(path)
    assert {n: (a.dtype, a.tolist()) for n, a in found.items()} == {n: (a.dtype, a.tolist()) for n, a in arrays.items()}
    safetensors.numpy.save_file(arrays, path, {"a": "b"})
    tensors, header = tensorfile.read(path)
    assert header.metadata == {"a": "b"}
    assert {n: t.numpy().tolist() for n, t in tensors.items()} == {n: a.tolist() for n, a in arrays.items()}


def test_reading_the_facts_imports_no_torch(tmp_path: Path) -> None:
    path = write(tmp_path / "model.safetensors")
    code = (
        "import sys\nfrom striate.model.files.weights import read_facts\n"
        f"assert read_facts({str(path)!r}).task == 'classify'\n"
        "print([name for name in ('torch', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_bit_is_guarded(tmp_path: Path) -> None:
    content = write(tmp_path / "model.safetensors").read_bytes()
    draw = random.Random(0)
    damaged = tmp_path / "damaged"
    places = [*draw.sample(range(len(content)), 400), *range(12), len(content) - 1]
    for at in places:
        damaged.write_bytes(content[:at] + bytes([content[at] ^ 1 << draw.randrange(8)]) + content[at + 1 :])
        with pytest.raises(ModelError, match="damaged"):
            read(damaged)


def test_cut_anywhere(tmp_path: Path) -> None:
    content = write(tmp_path / "model.safetensors").read_bytes()
    cut = tmp_path / "cut"
    for at in [0, 1, 7, 8, 9, 100, 500, *range(len(content) - 20, len(content))]:
        cut.write_bytes(content[:at])
        for reader in (read, read_facts):
            with pytest.raises(ModelError, match=r"empty|cut short|not a model file"):
                reader(cut)
    cut.write_bytes(content + b"x")
    with pytest.raises(ModelError, match="bytes that do not belong to it"):
        read_facts(cut)


class Trap:
    """A pickle of this writes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.write_text, (self.path, "caught")


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    trap = tmp_path / "caught"
    torch.save({"w": torch.ones(3)}, tmp_path / "new.pt")
    torch.save({"w": torch.ones(3)}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    with zipfile.ZipFile(tmp_path / "trap.pt", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Trap(trap)))
    for protocol in range(2, 6):
        (tmp_path / f"{protocol}.pkl").write_bytes(pickle.dumps(Trap(trap), protocol=protocol))
    paths = [path for path in tmp_path.iterdir() if path != trap]
    assert len(paths) == 7
    for path in paths:
        for reader in (read, read_facts):
            with pytest.raises(ModelError, match=r"never unpickles.*safetensors\.torch\.save_file"):
                reader(path)
    assert not trap.exists()


def test_other_files_people_have(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for content, what in (
        (b"\x89HDF\r\n\x1a\n" + bytes(50), "HDF5"),
        (b"GGUF" + bytes(50), "GGUF"),
        (b"\x93NUMPY\x01\x00" + bytes(50), "numpy array"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "a picture"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "a picture"),
        (b"conv 8 3x3 >> relu", "not a model file"),
        (b"PK", "it has 2 bytes"),
    ):
        path.write_bytes(content)
        with pytest.raises(ModelError, match=what):
            read(path)
    with pytest.raises(ModelError, match="there is no file"):
        read_facts(tmp_path / "none")
    with pytest.raises(ModelError, match="is a folder"):
        read_facts(tmp_path)


def test_safetensors_of_others(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    names = [f"layer.{i}.weight" for i in range(5)]
    safetensors.torch.save_file({name: torch.ones(2) for name in names}, path, {"format": "pt"})
    match = r"a safetensors file with 5 tensors \(layer\.0.*, …\), but not a model file of Striate.*striate train"
    for reader in (read, read_facts):
        with pytest.raises(ModelError, match=match):
            reader(path)
    path.write_bytes(b"".join(tensorfile.pack({"w": torch.ones(1)}, {"striate.checkpoint": "{}"})))
    with pytest.raises(ModelError, match="a checkpoint of a training with 1 tensor "):
        read(path)
    # Rewritten by another program: the facts are there, the checksum is not.
    metadata = {KEY: tensorfile.read_header(write(path)).metadata[KEY]}
    safetensors.torch.save_file({"w": torch.ones(2)}, path, metadata)
    with pytest.raises(ModelError, match="no checksum"):
        read(path)


def test_a_format_of_the_future(tmp_path: Path) -> None:
    path = with_header(tmp_path / "a", format=3, net=..., names=7)
    match = rf"format 3 and was written by Striate 9\.8; this is Striate {version()} and reads format 2.*--upgrade"
    with pytest.raises(ModelError, match=match):
        read_facts(path)
    with pytest.raises(ModelError, match="written by a newer Striate"):
        read_facts(with_header(path, format=3, striate=...))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"format": 0}, "format"),
        ({"format": True}, "format"),
        ({"format": "1"}, "format"),
        ({"format": ...}, "format"),
        ({"net": ...}, "lacks net"),
        ({"net": ..., "state": ...}, "lacks net, state"),
        ({"net": ""}, "net must be"),
        ({"net": ["conv"]}, "net must be"),
        ({"net": "x" * 1_000_001}, "net must be"),
        ({"task": None}, "task must be"),
        ({"input": [1, 28]}, "input must be"),
        ({"input": [1, 28, 0]}, "input must be"),
        ({"input": [1, 28, 28.0]}, "input must be"),
        ({"input": [True, 28, 28]}, "input must be"),
        ({"input": [1, 28, 10**12]}, "input must be"),
        ({"input": "abc"}, "input must be"),
        ({"names": "cat"}, "names must be"),
        ({"names": ["cat", 3]}, "names must be"),
        ({"names": ["cat", ""]}, "names must be"),
        ({"names": ["cat", "cat"]}, "differ"),
        ({"labels": None}, "labels must be"),
        ({"labels": [1]}, "labels must be"),
        ({"preprocess": []}, "preprocess must be"),
        ({"state": None}, "state must be"),
        ({"state": [{}]}, "state must be"),
        ({"state": {"threshold": float("nan")}}, "is no number"),
        ({"state": {"threshold": 10**400}}, "401 digits"),
        ({"provenance": "x"}, "provenance must be"),
        ({"old": True, "format": 2}, "lacks names, labels, state"),
        ({"format": 1}, "lacks classes, calibration, unknown"),
        ({"old": True, "net": ..., "unknown": ...}, "lacks net, unknown"),
        ({"old": True, "classes": "cat"}, "classes must be"),
        ({"old": True, "classes": ["cat", 3]}, "classes must be"),
        ({"old": True, "classes": ["cat", ""]}, "classes must be"),
        ({"old": True, "classes": ["cat", "cat"]}, "differ"),
        ({"old": True, "calibration": None}, "calibration must be"),
        ({"old": True, "calibration": {"temperature": 0}}, "temperature must be"),
        ({"old": True, "calibration": {"temperature": "1"}}, "temperature must be"),
        ({"old": True, "calibration": {"temperature": float("nan")}}, "is no number"),
        ({"old": True, "calibration": {"temperature": 10**400}}, "401 digits"),
        ({"old": True, "unknown": 1}, "unknown must be"),
    ],
)
def test_every_field_is_checked(tmp_path: Path, changes: dict[str, Any], match: str) -> None:
    path = with_header(tmp_path / "a", **changes)
    for reader in (read, read_facts):
        with pytest.raises(ModelError, match=match):
            reader(path)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{", '{"format": 1', "[" * 50_000, '{"format": ' + "9" * 5000 + "}"]
)
def test_a_header_that_is_not_json(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"".join(tensorfile.pack({}, {KEY: text})))
    with pytest.raises(ModelError):
        read_facts(path)


def test_hostile_layouts(tmp_path: Path) -> None:
    path = tmp_path / "a"
    one = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    for length in (2**64 - 1, 2**63, 10**12, 10**8 + 1, 1000, 3):
        with pytest.raises(ModelError, match="not a model file"):
            read(raw(path, {"w": one}, bytes(4), length))
    for header in (
        b"\xff" * 20,
        b"[" * 100_000,
        b'{"w": NaN}',
        b'{"w": {}, "w": {}}',
        [],
        "w",
        {"__metadata__": [1]},
        {"__metadata__": {"a": 1}},
        {"w": 1},
        {"w": {}},
        {"w": {**one, "dtype": "F33"}},
        {"w": {**one, "dtype": ["F32"]}},
        {"w": {**one, "shape": [-1]}},
        {"w": {**one, "shape": [1.0]}},
        {"w": {**one, "shape": [True]}},
        {"w": {**one, "shape": 1}},
        {"w": {**one, "shape": [2]}},
        {"w": {**one, "shape": [2**62, 2**62]}},
        {"w": {**one, "data_offsets": [4, 0]}},
        {"w": {**one, "data_offsets": [0, 4, 8]}},
        {"w": {**one, "data_offsets": [4, 8]}},
        {"w": {**one, "data_offsets": [0, 2**70]}},
        {"w": one, "v": one},
        {"w": {**one, "data_offsets": [2**40, 2**40 + 4]}},
    ):
        with pytest.raises(ModelError, match=r"is not a model file, or is damaged|cut short"):
            read(raw(path, header, bytes(4)))
        with pytest.raises(safetensors.SafetensorError):  # and the library agrees that it is wrong
            safetensors.torch.load_file(path)
    with pytest.raises(ModelError, match="whole numbers"):  # more axes than a tensor can have
        read(raw(path, {"w": {**one, "shape": [1] * 100_000}}, bytes(4)))


def test_a_checksum_written_twice_fools_nobody(tmp_path: Path) -> None:
    path = write(tmp_path / "a")
    header = tensorfile.read_header(path)
    digest = header.metadata[tensorfile.CHECKSUM]
    text = json.loads(header.text)
    text["__metadata__"]["note"] = f'"{tensorfile.CHECKSUM}":"{digest}"'
    raw(path, text, path.read_bytes()[8 + len(header.text) :])
    with pytest.raises(ModelError, match="damaged"):
        read(path)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_noise_is_refused_in_our_own_words(tmp_path_factory: Any, noise: bytes, framed: bool) -> None:
    path = tmp_path_factory.getbasetemp() / "noise"
    path.write_bytes(struct.pack("<Q", len(noise)) + noise if framed else noise)
    with pytest.raises(ModelError):
        read(path)


def test_facts_that_could_not_be_read_are_not_written() -> None:
    for changes in (
        {"names": ("a", "a")},
        {"preprocess": {"x": object()}},
        {"state": {"threshold": float("inf")}},
        {"provenance": {"x": float("nan")}},
        {"names": ("\ud800",)},
        {"input": (1, 2)},
    ):
        with pytest.raises(ModelError):
            to_bytes({}, dataclasses.replace(FACTS, **changes))  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="complex64"):
        to_bytes({"w": torch.ones(1, dtype=torch.complex64)}, FACTS)
    with pytest.raises(ModelError, match="__metadata__"):
        to_bytes({"__metadata__": torch.ones(1)}, FACTS)


def test_format_1_reads_as_the_state_of_its_one_task(tmp_path: Path) -> None:
    tensors, facts = read(with_header(tmp_path / "old", old=True))
    assert facts == dataclasses.replace(FACTS, format=1, labels={})
    assert state_prefix(facts) == "unknown."
    assert set(state_of(tensors, facts)) == {"big"}
    # What is written of it is of the newest format, whatever it was read from.
    content = to_bytes(with_state({"w": torch.ones(1)}, {"big": np.ones(2)}), facts)
    (tmp_path / "new").write_bytes(content)
    tensors, again = read(tmp_path / "new")
    assert (again.format, again.state) == (2, facts.state) and set(state_of(tensors, again)) == {"big"}


def test_a_part_called_as_the_state_is_refused_where_names_meet() -> None:
    tensors = {"state.weight": torch.ones(1)}
    assert set(with_state(tensors, {"means": np.ones(2)})) == {"state.weight", "state.means"}
    with pytest.raises(ModelError, match=r"state\.weight is a tensor of the net and of its task's state"):
        with_state(tensors, {"weight": np.ones(2)})


def test_the_weights_are_not_copied(tmp_path: Path) -> None:
    tensor = torch.zeros(1000)
    pieces = to_pieces({"w": tensor}, FACTS)
    tensor.fill_(1)
    assert bytes(pieces[-1]) == tensor.numpy().tobytes()
