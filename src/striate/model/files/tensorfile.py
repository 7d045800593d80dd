"""The safetensors layout, read and written with a checksum over every byte. No torch until a tensor is asked for.

Eight bytes with the header's length, a header in JSON (name -> dtype, shape, place; ``__metadata__`` -> text), the
tensors' bytes. Source: https://github.com/huggingface/safetensors (format). Any safetensors reader opens these files;
what is added is ``striate.sha256`` in the metadata: the digest of the whole file with that digest written as zeros.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from striate.errors import ModelError
from striate.files import MODEL, open_file
from striate.model.files import strict

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

# Bytes. The library's own limit is 100 MB, which takes seconds and a gigabyte to read; the largest net of the catalogue
# has a header of 0.1 MB, and a thousand class names take another 0.02.
HEADER_LIMIT = 8_000_000
MOST_TENSORS = 50_000  # the largest net of the catalogue has 1,500, with an optimiser's state three times as many
CHECKSUM = "striate.sha256"
_ZEROS = "0" * 64

# safetensors' word -> (torch's and numpy's word, bytes an element)
_DTYPES: dict[str, tuple[str, int]] = {
    "F64": ("float64", 8),
    "I64": ("int64", 8),
    "U64": ("uint64", 8),
    "F32": ("float32", 4),
    "I32": ("int32", 4),
    "U32": ("uint32", 4),
    "F16": ("float16", 2),
    "BF16": ("bfloat16", 2),
    "I16": ("int16", 2),
    "U16": ("uint16", 2),
    "I8": ("int8", 1),
    "U8": ("uint8", 1),
    "BOOL": ("bool", 1),
}
WORDS = {name: word for word, (name, _) in _DTYPES.items()}


@dataclass(frozen=True)
class Place:
    """Where one tensor lies: ``start`` and ``stop`` are bytes behind the header."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True)
class Header:
    """What a tensor file says of itself: ``text`` is the header's bytes, ``size`` the whole file's length."""

    metadata: dict[str, str]
    places: dict[str, Place]
    text: bytes
    size: int


def pack(tensors: Mapping[str, Tensor | np.ndarray[Any, Any]], metadata: Mapping[str, str]) -> list[bytes | memoryview]:
    """Return a tensor file as pieces of bytes, in order; the tensors' own memory is not copied when on the CPU.

    The same tensors and metadata give the same bytes. Raises ModelError for a dtype the format does not know.
    """
    raw = {name: _raw(name, tensor) for name, tensor in tensors.items()}
    # Wide elements first keeps every tensor aligned to its own element size.
    names = sorted(raw, key=lambda name: (-_DTYPES[raw[name][0]][1], name))
    header: dict[str, Any] = {"__metadata__": {**metadata, CHECKSUM: _ZEROS}}
    at = 0
    for name in names:
        word, shape, data = raw[name]
        header[name] = {"dtype": word, "shape": list(shape), "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > HEADER_LIMIT:
        raise ModelError(f"the header would take {len(text):,} bytes; {HEADER_LIMIT:,} is the most the format allows")
    pieces = [raw[name][2] for name in names]
    digest = _digest(text, *pieces)
    field = f'"{CHECKSUM}":"{_ZEROS}"'.encode()
    sealed = text.replace(field, f'"{CHECKSUM}":"{digest}"'.encode(), 1)
    return [struct.pack("<Q", len(text)), sealed, *pieces]


def read_header(path: Path) -> Header:
    """Read and check what a tensor file says of itself, without its tensors.

    Raises ModelError for a file that is none, or is cut short; OSError where it cannot be read.
    """
    with open_file(path, limit=MODEL) as stream:
        size = stream.seek(0, 2)
        stream.seek(0)
        start = stream.read(8)
        problem = not_ours(start, path)
        if problem:
            raise ModelError(problem)
        length = struct.unpack("<Q", start)[0]
        if HEADER_LIMIT < length <= size - 8:
            raise ModelError(
                f"{path} is not a model file: its header would take {length:,} bytes, and no more than "
                f"{HEADER_LIMIT:,} are read"
            )
        if length > size - 8:
            raise ModelError(
                f"{path} is not a model file, or is cut short: its first bytes claim a header of {length:,} bytes, "
                f"and the file has {size:,} in all"
            )
        text = stream.read(length)
    if len(text) != length:
        raise ModelError(f"{path} changed while it was read ({len(text):,} of {length:,} header bytes); try again")
    return _parse(path, text, size)


def read(path: Path, *, check: Callable[[Header], None] | None = None) -> tuple[dict[str, Tensor], Header]:
    """Read a tensor file whole, and prove its checksum where it carries one.

    ``check`` sees the header before the tensors are read and may raise. Raises as ``read_header``, and ModelError
    for bytes that have changed since they were written.
    """
    content, header = _proved(path, check)
    return {name: _tensor(content, place) for name, place in header.places.items()}, header


def read_all_arrays(
    path: Path, *, check: Callable[[Header], None] | None = None
) -> tuple[dict[str, np.ndarray[Any, Any]], Header]:
    """Read and prove a tensor file as ``read`` does, its tensors as numpy arrays; without torch.

    Raises ModelError too for a dtype that numpy has not (bfloat16).
    """
    content, header = _proved(path, check)
    return {
        name: _array(memoryview(content)[place.start : place.stop], place, path)
        for name, place in header.places.items()
    }, header


def _proved(path: Path, check: Callable[[Header], None] | None) -> tuple[bytearray, Header]:
    """Return the bytes behind the header, and the header."""
    header = read_header(path)
    if check:
        check(header)
    content = bytearray(header.size - 8 - len(header.text))
    with open_file(path, limit=MODEL) as stream:
        stream.seek(8 + len(header.text))
        if stream.readinto(content) != len(content) or stream.read(1):
            raise ModelError(f"{path} changed while it was read; try again")
    wanted = header.metadata.get(CHECKSUM)
    if wanted is not None:
        field, zeros = (f'"{CHECKSUM}":"{digest}"'.encode() for digest in (wanted, _ZEROS))
        if header.text.count(field) != 1 or _digest(header.text.replace(field, zeros), content) != wanted:
            raise ModelError(
                f"{path} is damaged: its bytes have changed since they were written (the checksum does not match); "
                "take another copy of it"
            )
    return content, header


def read_arrays(path: Path, header: Header, prefix: str) -> dict[str, np.ndarray[Any, Any]]:
    """Return the tensors whose names begin with ``prefix`` as numpy arrays; the rest of the file is not read.

    No checksum is proved: whoever calls has another. ``header`` is the file's own, from ``read_header``.
    """
    arrays = {}
    with open_file(path, limit=MODEL) as stream:
        for name, place in header.places.items():
            if name.startswith(prefix):
                stream.seek(8 + len(header.text) + place.start)
                content = stream.read(place.stop - place.start)
                if len(content) != place.stop - place.start:
                    raise ModelError(f"{path} changed while it was read; try again")
                arrays[name] = _array(content, place, path)
    return arrays


def _raw(name: str, tensor: Tensor | np.ndarray[Any, Any]) -> tuple[str, tuple[int, ...], memoryview]:
    """Return a tensor's word, shape and little-endian bytes."""
    import numpy as np

    if isinstance(tensor, np.ndarray):
        shape, kind = tensor.shape, tensor.dtype.name
        flat = np.ascontiguousarray(tensor.astype(tensor.dtype.newbyteorder("<"), copy=False)).reshape(-1)
        data = flat.view(np.uint8).data if flat.size else memoryview(b"")
    else:
        import torch

        shape, kind = tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")
        values = tensor.detach().cpu().contiguous().reshape(-1)
        data = values.view(torch.uint8).numpy().data if values.numel() else memoryview(b"")
    if kind not in WORDS:
        raise ModelError(f"tensor {name!r} is of {kind}, which a model file cannot hold; it holds {', '.join(WORDS)}")
    if name == "__metadata__":
        raise ModelError("a tensor cannot be called '__metadata__'")
    return WORDS[kind], shape, data


def _array(content: bytes | memoryview, place: Place, path: Path) -> np.ndarray[Any, Any]:
    """Return an array of a tensor's own bytes."""
    import numpy as np

    name = _DTYPES[place.dtype][0]
    if name == "bfloat16":
        raise ModelError(f"{path} holds bfloat16, which only torch can read")
    return np.frombuffer(content, np.dtype(name).newbyteorder("<")).reshape(place.shape)


def _tensor(content: bytearray, place: Place) -> Tensor:
    import torch

    name, width = _DTYPES[place.dtype]
    dtype = getattr(torch, name)
    count = (place.stop - place.start) // width
    if not count:
        return torch.empty(place.shape, dtype=dtype)
    if place.start % width:
        content, place = content[place.start : place.stop], Place(place.dtype, place.shape, 0, count * width)
    return torch.frombuffer(content, dtype=dtype, count=count, offset=place.start).reshape(place.shape)


def _digest(text: bytes, *pieces: bytes | bytearray | memoryview) -> str:
    digest = hashlib.sha256(struct.pack("<Q", len(text)), usedforsecurity=False)
    for piece in (text, *pieces):
        digest.update(piece)
    return digest.hexdigest()


def not_ours(start: bytes, path: Path) -> str | None:
    """Return what a file is by its first eight bytes, when it is something else that people have."""
    never = (
        "Striate never unpickles, since a pickle can run any program. Load it where it was made and save its tensors "
        "with safetensors.torch.save_file, or let striate weights import --net NET read it where it can do no harm"
    )
    if len(start) < 2:
        return (
            f"{path} is {'not a model file: it has 1 byte' if start else 'empty'}; it was perhaps not copied to the end"
        )
    if start.startswith(b"PK\x03\x04"):
        return f"{path} is a zip archive, as torch.save writes them (.pt, .pth), and holds a pickle or arrays. {never}"
    # A pickle begins with 0x80 and its protocol; so may a header's length, but then its high bytes are zero.
    if start[0] == 0x80 and 0 < start[1] <= 5 and struct.unpack("<Q", start.ljust(8, b"\0"))[0] > HEADER_LIMIT:
        return f"{path} is a pickle. {never}"
    for magic, what in (
        (b"\x89HDF", "an HDF5 file (Keras .h5)"),
        (b"GGUF", "a GGUF file"),
        (b"\x93NUMPY", "a numpy array"),
        (b"version ", "a Git LFS pointer, not the file itself (git lfs pull fetches it)"),
        (b"\x89PNG", "a picture"),
        (b"\xff\xd8\xff", "a picture"),
    ):
        if start.startswith(magic):
            return f"{path} is {what}, not a model file; striate train writes model.safetensors"
    if len(start) < 8:
        return f"{path} is not a model file: it has {len(start)} bytes"
    return None


def _parse(path: Path, text: bytes, size: int) -> Header:
    """Check a header wholly: known dtypes, sizes that agree, tensors side by side with no gap and no overlap."""

    def wrong(why: str) -> ModelError:
        return ModelError(f"{path} is not a model file, or is damaged: {why}")

    if (tensors := text.count(b"data_offsets")) > MOST_TENSORS:
        raise wrong(f"its header names {tensors:,} tensors, and no more than {MOST_TENSORS:,} are read")
    try:
        values = strict.loads(text)
    except ValueError as error:
        raise wrong(f"its header is not JSON ({str(error)[:80]})") from None
    if not isinstance(values, dict):
        raise wrong("its header is not a JSON object")
    metadata = values.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise wrong("its metadata is not text by name")
    places: dict[str, Place] = {}
    for name, value in values.items():
        short = name if len(name) <= 80 else name[:79] + "…"
        if not isinstance(value, dict) or not {"dtype", "shape", "data_offsets"} <= set(value):
            raise wrong(f"tensor {short!r} lacks its dtype, shape or place")
        shape, offsets = value["shape"], value["data_offsets"]
        if not isinstance(value["dtype"], str) or value["dtype"] not in _DTYPES:
            raise wrong(f"tensor {short!r} is of an unknown dtype {str(value['dtype'])[:20]!r}")
        if not _whole_numbers(shape) or not _whole_numbers(offsets) or len(offsets) != 2 or len(shape) > 64:
            raise wrong(f"tensor {short!r} has a shape or place that is not whole numbers")
        place = Place(value["dtype"], tuple(shape), *offsets)
        width = math.prod(shape) * _DTYPES[place.dtype][1]
        if place.stop - place.start != width:
            raise wrong(f"tensor {short!r} of shape {shape} takes {width:,} bytes, not {place.stop - place.start:,}")
        places[name] = place
    end = 0
    for place in sorted(places.values(), key=lambda place: (place.start, place.stop)):
        if place.start != end:
            raise wrong("its tensors overlap or leave gaps")
        end = place.stop
    whole = 8 + len(text) + end
    if whole != size:
        how = "is cut short" if size < whole else "has bytes that do not belong to it"
        raise ModelError(f"{path} {how}: its header tells of {whole:,} bytes and the file has {size:,}")
    return Header(metadata, places, text, size)


def _whole_numbers(value: object) -> bool:
    return isinstance(value, list) and all(type(item) is int and 0 <= item < 2**63 for item in value)
