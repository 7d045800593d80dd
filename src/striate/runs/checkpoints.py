"""Checkpoints: ``<epoch>.safetensors`` in one folder, the newest two kept, each proved by a checksum when it is read.

Nothing is pickled: tensors are tensors, everything else is one JSON object under ``striate.checkpoint``. No torch
until a checkpoint is written or read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from striate.errors import DiskError, ModelError, RunError
from striate.model.files import tensorfile
from striate.runs import durable
from striate.runs.fields import STATE

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

KEY = "striate.checkpoint"
FORMAT = 1
KEPT = 2


def saved(directory: Path) -> dict[int, Path]:
    """Return the checkpoints of a folder by epoch, oldest first; whether they are whole is only known on reading."""
    found = {int(path.stem): path for path in directory.glob("*.safetensors") if path.stem.isdecimal()}
    return dict(sorted(found.items()))


def save(
    directory: Path,
    epoch: int,
    tensors: Mapping[str, Tensor],
    facts: Mapping[str, Any],
    *,
    system: durable.System = durable.SYSTEM,
) -> Path:
    """Write the checkpoint of ``epoch`` (whole epochs done) and return its path.

    The one before it stays; older ones go only once this one is on the disk. One with a later number is of a future
    that was given up (it is damaged, or training went back) and goes too.

    Raises RunError for tensors that are not finite, DiskError (and then every earlier checkpoint is still there).
    """
    refuse_non_finite(tensors, f"the checkpoint of epoch {epoch}")
    before = saved(directory)
    path = directory / f"{epoch}.safetensors"
    text = json.dumps({"format": FORMAT, "facts": dict(facts)}, ensure_ascii=False)
    try:
        durable.write(path, tensorfile.pack(tensors, {KEY: text}), system=system)
    except DiskError as error:
        last = max(before, default=None)
        there = f"The checkpoint of epoch {last} is untouched" if last is not None else "There is no checkpoint yet"
        raise DiskError(f"{error}. {there}; striate train --resume goes on from there") from error.__cause__
    keep = {epoch, *[number for number in before if number < epoch][-(KEPT - 1) :]}
    for number, old in before.items():
        if number not in keep:
            with suppress(OSError):  # that it is still there harms nobody; the next checkpoint tries again
                system.remove(old)
    return path


def newest(directory: Path) -> tuple[tuple[dict[str, Tensor], dict[str, Any]] | None, list[str]]:
    """Return the newest whole checkpoint as (tensors on the CPU, facts), None when none was ever written, and notes.

    A damaged one is passed over and named in the notes. Raises RunError when all are damaged, or one cannot be read.
    """
    notes: list[str] = []
    for epoch, path in reversed(saved(directory).items()):
        try:
            tensors, header = tensorfile.read(path)
            if tensorfile.CHECKSUM not in header.metadata:
                raise ModelError(f"{path} carries no checksum")
            values = json.loads(header.metadata[KEY])
            number, facts = values["format"], values["facts"]
            if number == FORMAT and (why := STATE(facts)):
                raise ModelError(f"{path} is no state of a training ({why.strip(' .')[:120]})")
        except (ModelError, KeyError, TypeError, ValueError, RecursionError) as error:
            why = str(error) if isinstance(error, ModelError) else f"{path} is not a checkpoint of Striate"
            notes.append(f"the checkpoint of epoch {epoch} cannot be used: {why}")
            continue
        except OSError as error:
            raise RunError(f"the checkpoint {path} cannot be read: {error.strerror or error}") from error
        if number != FORMAT:
            raise RunError(
                f"{path} is of format {number}, and this Striate reads {FORMAT}: go on with the newer Striate"
            )
        if notes:
            notes.append(f"going on from the checkpoint of epoch {epoch}, the one before")
        return (tensors, facts), notes
    if notes:
        raise RunError("; ".join(notes) + ". No checkpoint is left to go on from: start a new run with striate train")
    return None, notes


@contextmanager
def loading(directory: Path) -> Iterator[None]:
    """Say what a checkpoint of this folder lacks while a training becomes what it says. Raises RunError."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        why = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
        raise RunError(
            f"the newest checkpoint in {directory} is damaged: no training can go on from it ({why}); remove it, and it"
            " goes on from the one before"
        ) from None


def refuse_non_finite(tensors: Mapping[str, Tensor | np.ndarray[Any, Any]], what: str) -> None:
    """Raise RunError when a tensor of ``what`` holds NaN or infinity."""
    import numpy as np
    import torch

    for name, tensor in tensors.items():
        values = tensor
        if isinstance(values, torch.Tensor):
            # NumPy looks through it on one thread: torch's threads, woken for so little, cost more than they give.
            values = values.detach().cpu()
            values = (values.float() if values.dtype == torch.bfloat16 else values).numpy()
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise RunError(f"{what} is refused: {name} holds numbers that are not finite")
