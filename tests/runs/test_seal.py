"""The seal of an ONNX file: what was written is proved, what changed since is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from striate.errors import ModelError
from striate.runs.seal import SEAL, ZEROS, Proof, sealed


def content(length: int) -> bytes:
    """Bytes that end as a serialised model does."""
    return bytes(range(256)) * (length // 256) + SEAL.encode() + b"\x12\x40" + ZEROS.encode()


@pytest.mark.parametrize("length", [0, 2560, 3 << 20])
def test_it_is_proved_and_one_changed_byte_is_not(tmp_path: Path, length: int) -> None:
    file = tmp_path / "model.onnx"
    whole = sealed(content(length))
    file.write_bytes(whole)
    Proof(file).result()
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
