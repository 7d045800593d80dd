"""The seal of an ONNX file: what was written is proved, what changed since is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from striate.errors import ModelError
from striate.runs.seal import SEAL, ZEROS, Proof, graph_digest, sealed


def field(number: int, content: bytes) -> bytes:
    """A field of a protobuf message, as https://protobuf.dev/programming-guides/encoding has it."""
    length, size = len(content), b""
    while length > 127:
        size, length = size + bytes([length & 127 | 128]), length >> 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + content


def entry(name: bytes, value: bytes) -> bytes:
    """A line of metadata."""
    return field(14, field(1, name) + field(2, value))


def content(length: int, *, between: bytes = b"") -> bytes:
    """What a serialised model is: a graph, then metadata, the seal last."""
    graph = field(7, field(5, field(9, bytes(range(256)) * (length // 256))))
    return graph + entry(b"striate", b"facts") + between + entry(SEAL.encode(), ZEROS.encode())


@pytest.mark.parametrize("length", [0, 2560, 3 << 20])
def test_it_is_proved_and_one_changed_byte_is_not(tmp_path: Path, length: int) -> None:
    file = tmp_path / "model.onnx"
    whole = sealed(content(length))
    file.write_bytes(whole)
    seen = Proof(file).result()
    assert seen.metadata == {"striate": "facts", SEAL: whole[-64:].decode()}
    assert seen.digest == graph_digest(whole[: seen.stop])
    for at in (0, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(ModelError, match=r"damaged|not written by Striate"):
            Proof(file).result()


def test_what_was_not_sealed_is_named(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    for other in (b"", b"short", sealed(content(2560))[:-1]):
        file.write_bytes(other)
        with pytest.raises(ModelError, match="was not written by Striate, or is cut short"):
            Proof(file).result()
    with pytest.raises(FileNotFoundError):
        Proof(tmp_path / "nowhere.onnx").result()


@pytest.mark.parametrize(
    "between",
    [
        field(7, b""),  # protobuf would add it to the graph before it
        field(25, b""),  # functions
        entry(b"striate", b"another"),
        field(14, field(1, b"name") + field(2, b"\xff")),
        field(14, field(1, b"name")),
        field(14, b""),
        field(14, entry(b"a", b"b")),
    ],
)
def test_what_is_sealed_and_laid_out_otherwise_is_refused(tmp_path: Path, between: bytes) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(sealed(content(256, between=between)))
    with pytest.raises(ModelError, match="is no file that Striate wrote"):
        Proof(file).result()
