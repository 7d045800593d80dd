"""Checkpoints: to the bit, the newest two, damage named, a disk that refuses."""

from __future__ import annotations

import errno
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.runs.sample import create, fill, line, weights

from striate.errors import DiskError, RunError
from striate.runs import checkpoints
from striate.runs.run import RunDirectory


def test_a_checkpoint_comes_back_to_the_bit(tmp_path: Path) -> None:
    run = create(tmp_path)
    assert run.latest_checkpoint() is None
    tensors = {
        f"{dtype}".removeprefix("torch."): torch.arange(-3, 9).reshape(3, 4).to(dtype)
        for dtype in (
            torch.float64,
            torch.float32,
            torch.float16,
            torch.bfloat16,
            torch.int64,
            torch.int32,
            torch.int16,
        )
    } | {
        "int8": torch.tensor(-5, dtype=torch.int8),
        "uint8": torch.arange(5).byte(),
        "bool": torch.tensor([True, False]),
    }
    tensors["strided"] = torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1)
    tensors["channels last"] = torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last)
    tensors["minus zero"] = torch.tensor([-0.0, 5e-324, 1e308], dtype=torch.float64)
    facts = {
        "epochs_done": 3,
        "best": None,
        "rate": 0.1 + 0.2,
        "inf": float("inf"),
        "names": ["é", "\n"],
        "seed": 2**63 - 1,
    }
    path = run.checkpoint(tensors, facts)
    assert path == run.path / "checkpoints" / "3.safetensors"
    found = run.latest_checkpoint()
    assert found is not None
    assert found[1] == facts
    assert set(found[0]) == set(tensors)
    for name, tensor in tensors.items():
        assert found[0][name].dtype == tensor.dtype
        assert found[0][name].shape == tensor.shape
        assert found[0][name].contiguous().view(-1).view(torch.uint8).tolist() == (
            tensor.contiguous().view(-1).view(torch.uint8).tolist()
        )
    assert b"pickle" not in path.read_bytes()


def test_the_newest_two_are_kept(tmp_path: Path) -> None:
    run = create(tmp_path)
    for epoch in range(1, 13):
        run.append(line(epoch))
        run.checkpoint(weights(epoch), {"epochs_done": epoch})
        run.checkpoint(weights(epoch), {"epochs_done": epoch, "step": 5})  # inside the next epoch
        assert list(checkpoints.saved(run.path / "checkpoints")) == [epoch - 1, epoch][epoch == 1 :]
    found = run.latest_checkpoint()
    assert found is not None
    assert found[1] == {"epochs_done": 12, "step": 5}


@pytest.mark.parametrize("damage", ["bit in the weights", "bit in the facts", "cut", "empty", "foreign"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(tmp_path: Path, damage: str) -> None:
    run = fill(create(tmp_path), 1, 2, 3)
    path = run.path / "checkpoints" / "3.safetensors"
    content = bytearray(path.read_bytes())
    if damage == "bit in the weights":
        content[-3] ^= 1
    elif damage == "bit in the facts":
        at = content.index(b"epochs_done")
        content[at] ^= 2
    elif damage == "cut":
        content = content[:-1]
    elif damage == "empty":
        content = bytearray()
    else:
        content = bytearray(b"\2\0\0\0\0\0\0\0{}")
    path.write_bytes(content)
    found = run.latest_checkpoint()
    assert found is not None
    assert found[1] == {"epochs_done": 2}
    assert torch.equal(found[0]["sums"], weights(2)["sums"])
    assert "checkpoint of epoch 3 cannot be used" in run.notes[0]
    assert "3.safetensors" in run.notes[0]
    assert "epoch 2" in run.notes[1]
    # Going on: what was damaged is replaced, and what was whole stays until the next is.
    run.truncate_history(2)
    run.checkpoint(weights(2), {"epochs_done": 2, "step": 1})
    assert list(checkpoints.saved(run.path / "checkpoints")) == [2]
    fill(run, 3)
    assert list(checkpoints.saved(run.path / "checkpoints")) == [2, 3]
    assert run.history() == [line(1), line(2), line(3)]


def test_every_single_bit_of_a_checkpoint_is_guarded(tmp_path: Path) -> None:
    run = fill(create(tmp_path), 1)
    path = run.path / "checkpoints" / "1.safetensors"
    content = path.read_bytes()
    draw = random.Random(0)
    for _ in range(300):
        at, bit = draw.randrange(len(content)), draw.randrange(8)
        path.write_bytes(content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :])
        with pytest.raises(RunError, match=r"epoch 1 cannot be used|is of format"):
            run.latest_checkpoint()


def test_when_all_are_damaged_nothing_is_silently_begun_again(tmp_path: Path) -> None:
    run = fill(create(tmp_path), 1, 2)
    for path in (run.path / "checkpoints").iterdir():
        path.write_bytes(b"x" * 100)
    with pytest.raises(RunError, match=r"epoch 2 cannot .*epoch 1 cannot .*No checkpoint is left"):
        run.latest_checkpoint()


def test_a_checkpoint_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    run = fill(create(tmp_path), 1)
    for bad in (float("nan"), float("inf")):
        with pytest.raises(RunError, match=r"epoch 2 is refused: weights\.x holds numbers that are not finite"):
            run.checkpoint({"weights.x": torch.tensor([1.0, bad])}, {"epochs_done": 2})
    assert list(checkpoints.saved(run.path / "checkpoints")) == [1]
    with pytest.raises(ValueError, match="epochs_done"):
        run.checkpoint(weights(2), {})


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_when_the_disk_refuses_the_old_checkpoint_lives(tmp_path: Path, refusing: Any, code: int) -> None:
    fill(create(tmp_path), 1, 2).unlock()
    for call in range(1, 30):
        system = refusing(at_call=call, code=code)
        run = RunDirectory(tmp_path / "pets-1", system=system)
        try:
            run.checkpoint(weights(3), {"epochs_done": 3})
        except DiskError as error:
            assert "3.safetensors" in str(error)
            assert "The checkpoint of epoch 2 is untouched; striate train --resume" in str(error)
            found = run.latest_checkpoint()
            assert found is not None
            assert found[1]["epochs_done"] == (3 if system.refused == "sync directory" else 2)
            assert run.notes == []
            (run.path / "checkpoints" / "3.safetensors").unlink(missing_ok=True)
        else:
            break
    assert call >= 6
    # Once there is room again it goes on.
    run = fill(RunDirectory.open("last", tmp_path), 3)
    assert list(checkpoints.saved(run.path / "checkpoints")) == [2, 3]
