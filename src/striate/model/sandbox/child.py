"""What the process in the sandbox does: lock itself in, read one pickle with ``weights_only``, write its tensors.

It is started by ``parent.py`` with three open descriptors and opens nothing itself: 0 the file to read, 1 the
safetensors file to write, 2 a text whose last line says in JSON how it went. The only file that calls ``torch.load``.

``weights_only`` alone is not enough: it was got round twice (CVE-2025-32434, before torch 2.6; CVE-2026-24747, before
2.10). So nothing of the file is looked at before the jail is shut.
"""

from __future__ import annotations

import codecs
import itertools
import json
import os
import re
import sys
import tarfile
import tempfile
import warnings
import zipfile
from typing import IO, Any, Final, NoReturn

from striate.model.files import tensorfile
from striate.model.sandbox.jail import lock
from striate.model.sandbox.stand_ins import stand_ins

# Where training scripts keep the weights in what they save, the likeliest first.
_PARTS: Final = [
    *("state_dict", "model_state_dict", "model", "net", "network", "module", "params", "weights", "generator"),
    *("ema", "ema_state_dict", "model_ema"),
]
_ENTRIES_LIMIT: Final = 100_000  # tensors, or members of the archive
_NAME_LIMIT: Final = 1_000  # characters
_NAMES_LIMIT: Final = 2**24  # bytes of the header they make
_SAID: Final = 20  # names of what was left aside


class Refused(Exception):  # noqa: N818  it is not a failure of ours
    """The file does not come through; the text says why, to follow its name."""


def main() -> NoReturn:
    """Prepare and answer, as the command line says."""
    allowed = json.loads(sys.argv[1])
    prepare()
    answer(**allowed)


def answer(*, size: int, memory: int, seconds: float, entry: str = "") -> NoReturn:
    """Lock up, read, write, say how it went, and leave without what Python runs at its end.

    ``size``: the most bytes that the tensors may take; ``memory`` and ``seconds`` as in `jail.lock`; ``entry``: where
    in the file the weights are, if not where they are likeliest.
    """
    with open(0, "rb", closefd=False) as source, open(1, "wb", closefd=False) as target:
        layers = lock(memory=memory, size=size + _NAMES_LIMIT, seconds=seconds)
        said: dict[str, Any] = {"layers": layers}
        try:
            tensors, found = _read(source, size, entry)
            for piece in tensorfile.pack(tensors, {}):
                target.write(piece)
            target.flush()
            said |= found
        except Refused as refusal:
            said["refused"] = str(refusal)
        except BaseException as error:
            said["refused"] = _explained(error)
        os.write(2, f"\n{json.dumps(said)}\n".encode())
        os._exit(0)


def prepare() -> None:
    """Do everything once that imports or opens something, so that nothing has to later."""
    import argparse

    import numpy as np
    import torch

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    codecs.lookup("cp437")  # of names in a zip archive
    sample = {"a": torch.ones(2), "b": torch.nn.Parameter(torch.ones(1, 2).half()), "c": torch.ones(1).bfloat16()}
    beside = {"args": argparse.Namespace(lr=0.1), "best": np.float64(0.5), "seen": np.ones(1)}
    for held, zipped in itertools.product(
        ({"state_dict": sample, "epoch": 1, **beside}, Refused("of no known class")), (True, False)
    ):
        with tempfile.TemporaryFile() as file:
            torch.save(held, file, _use_new_zipfile_serialization=zipped)
            for _ in range(2):  # whole, then cut short
                try:
                    tensors, _ = _read(file, 2**20)
                    tensorfile.pack(tensors, {})
                except Exception as error:
                    _explained(error)
                file.truncate(file.seek(0, 2) // 2)


def _read(source: IO[bytes], limit: int, entry: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
    import torch

    source.seek(0)
    start = source.read(4)
    if start.startswith(b"PK"):
        _check_archive(source, limit)
    elif _is_tar(source):
        raise Refused(
            "is a tar archive, which torch wrote before 2018 and reads only by running what is in it; have its author "
            "save it anew"
        )
    elif start[:1] != b"\x80":
        raise Refused(f"does not begin as a pickle does (its first bytes are {start!r}); is it what it is called?")
    source.seek(0)
    with torch.serialization.safe_globals(stand_ins()):
        loaded = torch.load(source, map_location="cpu", weights_only=True, mmap=False)
    return _found(loaded, limit, entry)


def _is_tar(source: IO[bytes]) -> bool:
    source.seek(0)
    try:
        tarfile.open(fileobj=source, mode="r:").close()
    except tarfile.TarError:
        return False
    return True


def _check_archive(source: IO[bytes], limit: int) -> None:
    """Look at a zip archive's table of contents before anything is unpacked."""
    members = zipfile.ZipFile(source).infolist()
    total = sum(member.file_size for member in members)
    if total > limit or len(members) > _ENTRIES_LIMIT:
        raise Refused(
            f"would unpack to {total:,} bytes in {len(members):,} members, and weights of its size take at most "
            f"{limit:,}; it was not unpacked"
        )
    if any(member.filename.endswith("/constants.pkl") for member in members):
        raise Refused("is a TorchScript program, not plain weights; save the state_dict of the module it was made from")


def _found(loaded: Any, limit: int, entry: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the state dict inside what was loaded, at ``entry`` or where it is likeliest, and what is beside it."""
    key = _key_of(loaded, entry) if entry and isinstance(loaded, dict) else None
    part: list[str] = [] if key is None else [key]
    chosen: Any = loaded if key is None else dict.get(loaded, key)
    while isinstance(chosen, dict) and len(part) < 4:
        weights = {key: _weight(value) for key, value in dict.items(chosen) if isinstance(value, dict)}
        inside = [key for key in _PARTS if weights.get(key)]
        if not inside and not _count(chosen):
            inside = sorted((key for key in weights if isinstance(key, str) and weights[key]), key=weights.get)[-1:]  # type: ignore[arg-type]
        if not inside:
            break
        part.append(inside[0])
        chosen = dict.get(chosen, inside[0])
    tensors = _tensors(chosen, limit) if isinstance(chosen, dict) else {}
    if not tensors:
        raise Refused(f"holds no tensors by name; what it holds is {_kind(loaded)}")
    skipped = [_name(key) for key in dict.keys(chosen) if key not in tensors]
    beside = [key for key in dict.keys(loaded) if key != part[0]] if part else []
    mappings = [(key, dict.get(loaded, key)) for key in beside]
    others = [_name(key) for key, value in mappings if isinstance(value, dict) and _weight(value)]
    if entry and key is None:
        under = {name: tensor for name, tensor in tensors.items() if name.startswith(f"{entry}.")}
        if not under:
            begins = sorted({name.partition(".")[0] for name in tensors})
            held = ", ".join([_name(each) for each in ([".".join(part), *others] if part else begins)][:_SAID])
            raise Refused(f"has no entry {_name(entry)!r} that holds weights; it holds some in {held}")
        tensors = {name[len(entry) + 1 :]: tensor for name, tensor in under.items()}
        part.append(entry)
    said = {"skipped": skipped, "beside": [_name(key) for key in beside], "others": others}
    return tensors, {"part": ".".join(part), **{key: names[:_SAID] for key, names in said.items()}}


def _key_of(loaded: dict[Any, Any], entry: str) -> str | None:
    """Return the key of a mapping that an entry is asked for by: itself, or the only one with weights that holds it."""
    held = [
        key
        for key, value in dict.items(loaded)
        if isinstance(key, str) and isinstance(value, dict) and (_count(value) or _weight(value))
    ]
    near = [key for key in held if entry.lower() in key.lower()]
    return entry if entry in held else near[0] if len(near) == 1 else None


# What comes from a pickle may carry attributes of its own in the place of methods: only the classes' own are called.


def _weight(value: dict[Any, Any]) -> int:
    """Return how many tensors a mapping holds, itself or one step further in."""
    return _count(value) + sum(_count(each) for each in dict.values(value) if isinstance(each, dict))


def _count(value: dict[Any, Any]) -> int:
    import torch

    return sum(isinstance(each, torch.Tensor) for each in dict.values(value))


def _tensors(entries: dict[Any, Any], limit: int) -> dict[str, Any]:
    """Return the plain tensors of a state dict; nothing is made contiguous before all sizes are known."""
    import torch

    plain = {getattr(torch, name) for name in tensorfile.WORDS if hasattr(torch, name)}
    taken: dict[str, Any] = {}
    total = 0
    for name, value in dict.items(entries):
        if not isinstance(value, torch.Tensor):
            continue
        good = isinstance(name, str) and 0 < len(name) <= _NAME_LIMIT and name.isprintable()
        if not good or len(taken) == _ENTRIES_LIMIT:
            raise Refused(
                f"holds a tensor by the name of {_name(name)!r}, number {len(taken) + 1:,}; names are printable text "
                f"of at most {_NAME_LIMIT:,} characters, and tensors at most {_ENTRIES_LIMIT:,}"
            )
        tensor = torch.Tensor.detach(value)
        kind = _unusual(tensor)
        if kind or tensor.dtype not in plain:
            raise Refused(
                f"holds {name!r}, which is {kind or f'of {tensor.dtype}'}; only plain dense tensors are taken"
            )
        total += tensor.numel() * tensor.element_size()
        if total > limit:
            raise Refused(f"claims tensors of over {limit:,} bytes, more than a file of its size can hold")
        taken[name] = tensor
    return taken


def _unusual(tensor: Any) -> str:
    """Return what a tensor is when it is not a plain dense one with values, else nothing."""
    import torch

    if tensor.layout != torch.strided:
        return str(tensor.layout).removeprefix("torch.").replace("_", " ")
    if tensor.is_quantized:
        return "quantised"
    if tensor.device.type != "cpu":
        return f"without values (on {tensor.device.type})"
    return "" if type(tensor) in (torch.Tensor, torch.nn.Parameter) else f"a {type(tensor).__name__}"


def _name(key: Any) -> str:
    """Return a key to be shown; what is not text may be endless when written out."""
    return key[:60] if isinstance(key, str) else f"one {type(key).__name__}"


def _kind(value: Any) -> str:
    """Return what a value is, without walking through it."""
    if isinstance(value, dict):
        keys = [_name(key) for _, key in zip(range(5), dict.keys(value), strict=False)]
        more = ", …" if len(value) > 5 else ""
        return f"a mapping of {len(value)} entr{'y' if len(value) == 1 else 'ies'}" + (
            f" ({', '.join(keys)}{more})" if keys else ""
        )
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    return f"one {type(value).__name__}"


def _explained(error: BaseException) -> str:
    """Return in words why a file could not be read."""
    text = str(error)
    if found := re.search(r"(?:Unsupported global: GLOBAL|unsupported GLOBAL) (\S{1,200})", text):
        return (
            f"wants to run {found[1]}, so it is not plain weights. It was not run; ask for a file of the state_dict "
            "alone, best as safetensors"
        )
    if re.search(r"reduce for unrecognized|create new object|only build|must be imported", text):
        return "wants to run something that is not a function of plain weights. It was not run"
    if isinstance(error, MemoryError) or re.search(r"allocate memory|not enough memory|bad_alloc", text):
        return "needs more memory than weights of its size take; it was given up"
    if isinstance(error, RecursionError):
        return "is nested too deeply to be weights"
    if isinstance(error, PermissionError):
        return f"wants something that is refused to it ({text[:100]}). It was not done"
    if found := re.search(r"Unsupported operand (\d{1,3})", text):
        return f"uses an instruction (0x{int(found[1]):02x}) that plain weights do not need; it was not followed"
    if isinstance(error, EOFError | zipfile.BadZipFile) or re.search(
        r"unexpected EOF|central directory|PytorchStreamReader|Ran out of input|unexpected end|requires a buffer", text
    ):
        return "is cut short or damaged; take another copy of it"
    if "not resizable" in text or "out of bounds for storage" in text:
        return "claims a tensor that is larger than its storage; it is damaged or made up"
    if "Invalid magic number" in text:
        return "is a pickle, but not one that torch.save wrote"
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [type(error).__name__]
    return f"does not read as a pickle of weights ({lines[-1][:200]})"
