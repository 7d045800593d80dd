"""What an ONNX graph would take, read before anything runs it: its operators, its memory, its work. No NumPy, no onnx.

A graph is a program. Those that Striate writes hold some forty operators of known cost and no loop, no other file and
no function; one that holds more is refused, and so is one whose values would fill the memory: every shape is followed
from the picture on. The file is read as protobuf lays it out, field by field, the weights passed over; that takes some
milliseconds, where the library that reads everything takes longer to import than an answer takes.

Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto and https://protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import BinaryIO, Final

from striate.errors import ModelError
from striate.files import MODEL, open_file
from striate.model.files.limits import MOST_BYTES, MOST_LAYERS, MOST_MACS

MOST_NODES: Final = 5 * MOST_LAYERS  # a layer in int8 has two that turn its input there and back, and two for weights
MOST_FIELDS: Final = 8 * MOST_NODES
LARGEST_NODE: Final = 1 << 16  # bytes of a node: its names and numbers
_SMALL: Final = 1 << 12  # bytes of a constant whose numbers decide a shape
_WIDTHS: Final = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}  # type -> bytes
_INT64: Final = 7
_MOST_IN_CONSTANT: Final = 32  # fields: its sides, its name, its bytes

Sizes = tuple[int, ...]


@dataclass
class Constant:
    """A weight or another constant: its shape, and its numbers where they are few enough to decide a shape."""

    shape: Sizes = ()
    type: int = 0
    held: int = 0  # bytes
    content: bytes = b""

    def whole(self) -> Sizes:
        """Return the numbers of a constant of whole numbers."""
        if self.type != _INT64 or len(self.content) != 8 * prod(self.shape):
            raise ValueError("a shape that is no constant")
        return tuple(
            int.from_bytes(self.content[at : at + 8], "little", signed=True) for at in range(0, len(self.content), 8)
        )

    def reals(self) -> tuple[float, ...]:
        """Return the numbers of a constant of float32."""
        from struct import iter_unpack

        if self.type != 1 or len(self.content) != 4 * prod(self.shape):
            raise ValueError("a scale that is no constant")
        return tuple(number for (number,) in iter_unpack("<f", self.content))


@dataclass
class Node:
    """One node: its operator, what it reads and gives, and its whole numbers by name."""

    operator: str = ""
    domain: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    numbers: dict[str, Sizes] = field(default_factory=dict)


@dataclass
class Scan:
    """What stands in a graph: its ``nodes`` in order, and its ``constants`` by name."""

    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, Constant] = field(default_factory=dict)


def read_graph(path: Path, start: int, stop: int) -> Scan:
    """Return what stands in the graph that is the bytes ``start`` to ``stop`` of a file. ModelError, OSError."""
    scan = Scan()
    try:
        with open_file(path, limit=MODEL) as stream:
            for number, _, begin, end in fields_of(stream, start, stop):
                if number == 1:
                    if end - begin > LARGEST_NODE or len(scan.nodes) >= MOST_NODES:
                        raise ValueError(f"more than {MOST_NODES:,} nodes, or one of more than {LARGEST_NODE:,} bytes")
                    stream.seek(begin)
                    scan.nodes.append(_node(stream.read(end - begin)))
                elif number == 5:
                    name, constant = _constant(stream, begin, end)
                    scan.constants[name] = constant
                elif number == 15:
                    raise ValueError("weights laid out sparsely")
    except (ValueError, UnicodeDecodeError) as error:
        raise ModelError(f"{path.name} is no graph that Striate wrote: it holds {error}") from None
    return scan


def fields_of(
    stream: BinaryIO, start: int, stop: int, *, most: int = MOST_FIELDS
) -> Iterator[tuple[int, int, int, int]]:
    """Yield (field, where it starts, where its content does, where that ends) of a message in a file. ValueError.

    A number has no content.
    """
    at, count = start, 0
    while at < stop:
        stream.seek(at)
        head = stream.read(min(20, stop - at))
        tag, used = varint(head, 0)
        kind = tag & 7
        if kind not in (0, 2) or (count := count + 1) > most:
            raise ValueError("fields that are none of its own" if kind not in (0, 2) else f"more than {most:,} fields")
        length, used = varint(head, used)
        begin = at + used
        end = begin + (length if kind == 2 else 0)
        if end > stop:
            raise ValueError("a field that reaches over its end")
        yield tag >> 3, at, begin, end
        at = end


def varint(content: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at a byte, and where the next begins. Raises ValueError where it does not end."""
    value = shift = 0
    while True:
        if at >= len(content) or shift > 63:
            raise ValueError("bytes that are no protobuf")
        byte = content[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
        shift += 7


def _parts(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield (field, number or bytes) of a message that is in memory. ValueError."""
    at, stop = 0, len(content)
    while at < stop:
        tag, at = varint(content, at)
        kind = tag & 7
        if kind == 0:
            value, at = varint(content, at)
            yield tag >> 3, value
        elif kind == 2:
            length, at = varint(content, at)
            if at + length > stop:
                raise ValueError("a field that reaches over its end")
            yield tag >> 3, content[at : at + length]
            at += length
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise ValueError("bytes that are no protobuf")


def _node(content: bytes) -> Node:
    node = Node()
    for number, value in _parts(content):
        if isinstance(value, int):
            continue
        if number == 1:
            node.inputs.append(value.decode())
        elif number == 2:
            node.outputs.append(value.decode())
        elif number == 4:
            node.operator = value.decode()
        elif number == 7:
            node.domain = value.decode()
        elif number == 5:
            name, numbers = _attribute(value)
            node.numbers[name] = numbers
    return node


def _attribute(content: bytes) -> tuple[str, Sizes]:
    """Return the name of an attribute and its whole numbers; one that holds a graph or weights is refused."""
    name, numbers = "", []
    for number, value in _parts(content):
        if number in (5, 6, 10, 11, 22, 23):
            raise ValueError("a node with a graph or weights of its own, as a loop has")
        if number == 1 and isinstance(value, bytes):
            name = value.decode()
        elif number in (3, 8):
            numbers += [_signed(value)] if isinstance(value, int) else _packed(value)
    return name, tuple(numbers)


def _constant(stream: BinaryIO, begin: int, end: int) -> tuple[str, Constant]:
    """Return the name and the facts of a constant; its numbers stay where they are, but for a few."""
    constant, name = Constant(), ""
    at = begin
    dims: list[int] = []
    for _ in range(_MOST_IN_CONSTANT):
        if at >= end:
            break
        stream.seek(at)
        head = stream.read(min(20, end - at))
        tag, used = varint(head, 0)
        number, kind = tag >> 3, tag & 7
        if kind not in (0, 2):
            raise ValueError("a constant whose numbers stand one by one")
        value, used = varint(head, used)
        at += used
        if kind == 0:
            if number == 1:
                dims.append(_signed(value))
            elif number == 2:
                constant.type = value
            elif number == 14 and value:
                raise ValueError("weights that lie in another file")
            continue
        if at + value > end:
            raise ValueError("a field that reaches over its end")
        if number == 13:
            raise ValueError("weights that lie in another file")
        if number in (1, 8) or (number == 9 and value <= _SMALL):
            stream.seek(at)
            content = stream.read(value)
            if number == 1:
                dims += _packed(content)
            elif number == 8:
                name = content.decode()
            else:
                constant.content = content
        if number in (4, 5, 7, 9, 10, 11):
            constant.held += value
        at += value
    if at < end:
        raise ValueError("a constant in too many pieces")
    constant.shape = tuple(dims)
    width = _WIDTHS.get(constant.type)
    if width is None or any(not 0 <= side < 1 << 40 for side in dims):
        raise ValueError("a constant of a kind that Striate does not write")
    # Raw bytes are as many as there are numbers; those of the other fields at least one each.
    if not min(width, 1) * prod(dims) <= constant.held:
        raise ValueError(f"a constant of {'x'.join(map(str, dims))[:40]} in {constant.held:,} bytes")
    return name, constant


def _packed(content: bytes) -> list[int]:
    numbers, at = [], 0
    while at < len(content):
        value, at = varint(content, at)
        numbers.append(_signed(value))
    return numbers


def _signed(value: int) -> int:
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def check_graph(path: Path, start: int, stop: int, picture: Sizes, *, ours: bool = True) -> None:
    """Refuse a graph that is more than a net of layers, or would take too much for one ``picture`` (H, W, C).

    One that is not ``ours`` was traced from somebody's own code: it may hold any operator that brings no loop, no
    function, no other file along, and what it takes is not known. Errors: ModelError, OSError.
    """
    from striate.runs.onnx_shapes import follow

    scan = read_graph(path, start, stop)
    held = sum(constant.held for constant in scan.constants.values())
    if held > os.stat(path).st_size:  # noqa: PTH116
        raise ModelError(f"{path.name} is no graph that Striate wrote: its constants are larger than the file")
    if not ours:
        return
    try:
        largest, macs = follow(scan, picture)
    except (ValueError, KeyError, IndexError, ZeroDivisionError) as error:
        raise ModelError(f"{path.name} is no graph that Striate wrote: {error}") from None
    if largest > MOST_BYTES or macs > MOST_MACS:
        raise ModelError(
            f"{path.name} would take {max(largest, 0) / 2**30:.1f} GiB and {macs / 1e12:.1f} T multiplications a"
            f" picture; no more than {MOST_BYTES >> 30} GiB and {MOST_MACS / 1e12:g} T are begun"
        )
