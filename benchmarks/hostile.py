"""Hostile model files: how long one keeps the process that opens it, and how much memory, beside a good one.

Each case is opened and asked in a process of its own, which has opened a good file before, with torch and with ONNX
Runtime, so that what is measured is the file and not the imports. The peak is the kernel's high-water mark, set back
just before. The bar: refused within 200 ms and 64 MB, or linear in what it is given. A good file asked the same way
(a fresh process, torch's first answer) is the first row, for the clock of the machine.
"""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.table import Result, Row

MOST_MS, MOST_MB = 200.0, 64.0
ROOT = Path(__file__).resolve().parents[1]
EMPTY = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
Change = Callable[[dict[str, Any], dict[str, Any], bytearray], None]


def run(trials: int) -> Result:
    rows, said = [], []
    with tempfile.TemporaryDirectory() as name:
        for case in ("a good file", *CASES):
            folder = Path(name, str(len(said)))
            folder.mkdir()
            found = [asked(case, folder) for _ in range(trials)]
            most = MOST_MS if case in CASES else None
            times = tuple(one["ms"] for one in found)
            rows.append(Row(f"{case}: time", times, "ms", most=most))
            megabytes = tuple(one["mb"] for one in found)
            rows.append(Row(f"{case}: memory", megabytes, "MB", most=None if most is None else MOST_MB))
            said.append(f"{case}: {found[0]['said']}")
            print(f"{times[0]:8.0f} ms {megabytes[0]:7.1f} MB  {said[-1][:150]}", flush=True)
    notes = tuple(f"{what}: {_linear(what, sizes)}." for what, sizes in LINEAR.items())
    return Result(tuple(rows), notes=notes)


def asked(case: str, folder: Path) -> dict[str, Any]:
    """Return what a fresh process took for a case: ``ms``, ``mb`` and what it ``said``."""
    command = [sys.executable, "-m", "benchmarks.hostile", case, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        return {"ms": 600_000.0, "mb": 0.0, "said": f"ended with {done.returncode}: {done.stderr[-300:]}"}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


# -- the cases: each writes a file, or two, in a folder that holds a good pair -----------------------------------------


def _facts(change: Change) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        from tests.runs import hostile

        path.write_bytes(hostile.packed(path.read_bytes(), change))

    return make


def _number(*place: Any, value: Any) -> Callable[[Path], None]:
    def change(header: dict[str, Any], facts: dict[str, Any], data: bytearray) -> None:
        inner: Any = facts
        for name in place[:-1]:
            inner = inner[name]
        inner[place[-1]] = value

    return _facts(change)


def _net(net: str, size: int = 8) -> Callable[[Path], None]:
    def change(header: dict[str, Any], facts: dict[str, Any], data: bytearray) -> None:
        facts["net"], facts["input"] = net, [3, size, size]
        facts["preprocess"] |= {"height": size, "width": size}

    return _facts(change)


def _weight(name: str, value: float) -> Callable[[Path], None]:
    def change(header: dict[str, Any], facts: dict[str, Any], data: bytearray) -> None:
        begin = header[name]["data_offsets"][0]
        kind = "<e" if header[name]["dtype"] == "F16" else "<f"
        data[begin : begin + struct.calcsize(kind)] = struct.pack(kind, value)

    return _facts(change)


def _twice(path: Path) -> None:
    content = path.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    text = content[8 : 8 + length].replace(rb"\"task\": \"classify\"", rb"\"task\": \"x\", \"task\": \"classify\"")
    path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])


def _header(text: str) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(struct.pack("<Q", len(text)) + text.encode()) and None  # type: ignore[func-returns-value]


def _empty_tensors(path: Path) -> None:
    """1.5 million tensors of nothing: 84 MB of header."""
    _header("{" + ",".join(f'"{number}":' + EMPTY for number in range(1_500_000)) + "}")(path)


def _metadata(value: bytes) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        from striate.runs.seal import ZEROS, sealed

        file = path.with_suffix(".onnx")
        content = file.read_bytes()
        found = re.search(rb'\{"pictures": 3[^}]*\}', content)
        assert found is not None
        old = found.group()
        new = value.ljust(len(old))[: len(old)]
        file.write_bytes(sealed(content[:-64].replace(old, new) + ZEROS.encode()))

    return make


def _graph(change: Callable[[Any], None], *, named: bool) -> Callable[[Path], None]:
    """Change the graph and seal it again; ``named``: the model file says that it is its own."""

    def make(path: Path) -> None:
        import onnx
        from tests.runs import hostile

        from striate.export.onnx import finished
        from striate.model.files.tensorfile import read_arrays, read_header
        from striate.model.files.weights import GRAPH
        from striate.runs.seal import graph_digest

        file = path.with_suffix(".onnx")
        if not named:
            file.write_bytes(hostile.resealed(file.read_bytes(), change))
            return
        proto = onnx.load(file, load_external_data=False)
        change(proto)
        del proto.metadata_props[:]
        graph = proto.SerializeToString(deterministic=True)

        def say(header: dict[str, Any], facts: dict[str, Any], data: bytearray) -> None:
            header["__metadata__"][GRAPH] = graph_digest(graph)

        path.write_bytes(hostile.packed(path.read_bytes(), say))
        header = read_header(path)
        file.write_bytes(finished(graph, header, read_arrays(path, header, "unknown."), {}))

    return make


def _hostile(name: str) -> Callable[[Any], None]:
    def change(proto: Any) -> None:
        from onnx import numpy_helper
        from tests.runs import hostile

        if name == "exchanged":
            for weight in proto.graph.initializer:
                values = numpy_helper.to_array(weight)
                if values.dtype == np.float32:
                    weight.CopyFrom(numpy_helper.from_array(-values, weight.name))
        elif name == "outside":
            hostile.outside(proto.graph.initializer[0], "weights.bin")
        else:
            getattr(hostile, name)(proto.graph)

    return change


CASES: dict[str, Callable[[Path], None]] = {
    "a number of 400 digits": _number("calibration", "temperature", value=10**400),
    "infinity as a size": _number("preprocess", "height", value=1e999),
    "a width of 10^400": _number("unknown", "width", value=10**400),
    "NaN as a threshold": _number("unknown", "threshold", value=float("nan")),
    "infinity as a threshold": _number("unknown", "threshold", value=1e999),
    "NaN in what is known": _weight("unknown.stored", float("nan")),
    "NaN in a batch norm": _weight("batchnorm1.running_mean", float("nan")),
    "a variance below 0": _weight("batchnorm1.running_var", -1.0),
    "a key twice in the facts": _twice,
    "a graph's metadata that is no JSON": _metadata(b"{"),
    "a graph's metadata that is no UTF-8": _metadata(b"\xff\xfe"),
    "a graph with other weights, sealed again": _graph(_hostile("exchanged"), named=False),
    "a graph with weights elsewhere": _graph(_hostile("outside"), named=False),
    "a graph with weights elsewhere, named as its own": _graph(_hostile("outside"), named=True),
    "a graph with a loop of ten million turns": _graph(_hostile("loop"), named=False),
    "a graph with that loop, named as its own": _graph(_hostile("loop"), named=True),
    "a graph with a constant of 2 GB": _graph(_hostile("constant"), named=False),
    "a graph with that constant, named as its own": _graph(_hostile("constant"), named=True),
    "a header of 84 MB, 1.5 million empty tensors": _empty_tensors,
    "a header of 19,000 empty tensors": _header("{" + ",".join(f'"{n}":' + EMPTY for n in range(19_000)) + "}"),
    "a header of brackets": _header('{"a":' + "[" * 300_000 + "]" * 300_000 + "}"),
    "a net of 3,000 convolutions": _net(" >> ".join(["conv 3 3x3 pad 1"] * 3000) + " >> flatten >> dense 3"),
    "a net of 5,900 activations": _net(" >> ".join(["relu"] * 5900) + " >> flatten >> dense 3"),
    "a net of 200,000 words": _net(" >> ".join(["relu"] * 100_000)),
    "a net of 10,000 layers in a few words": _net("100 * (100 * relu) >> flatten >> dense 3"),
    "a net of 1,000 brackets": _net("(" * 1000 + "relu" + ")" * 1000),
    "inputs of 4096 x 4096": _net("conv 4 3x3 pad 1 >> globalavgpool >> flatten >> dense 3", size=4096),
    "maps 2,048 times as large": _net(
        "upsample 16 >> upsample 16 >> upsample 8 >> globalavgpool >> flatten >> dense 3"
    ),
}


# -- what grows with what it is given: the time of twice as much over that of once ------------------------------------


def _survey_text(rows: int) -> float:
    from striate.spec import parse

    survey = parse(" >> ".join(["conv 3 3x3 pad 1"] * rows)).on(3, 8, 8)
    began = time.perf_counter()
    assert len(str(survey)) > rows
    return time.perf_counter() - began


def _survey(rows: int) -> float:
    from striate.spec import parse

    text = " >> ".join(["conv 3 3x3 pad 1"] * rows)
    began = time.perf_counter()
    parse(text).on(3, 8, 8)
    return time.perf_counter() - began


LINEAR: dict[str, tuple[Callable[[int], float], int]] = {
    "a survey as text": (_survey_text, 4000),
    "a net's text to its survey": (_survey, 2000),
}


def _linear(what: str, sizes: tuple[Callable[[int], float], int]) -> str:
    measure, size = sizes
    once, twice = (min(measure(many) for _ in range(3)) for many in (size, 2 * size))
    return f"{size:,} parts {once:.2f} s, {2 * size:,} parts {twice:.2f} s, {twice / once:.1f} times as long"


# -- one case, in its own process -------------------------------------------------------------------------------------


def main(case: str, folder: Path) -> None:
    from tests.runs import hostile

    from striate.errors import ModelError
    from striate.runs.predictor import Predictor

    path = hostile.write(folder)
    (folder / "weights.bin").write_bytes(bytes(4096))
    for onnx in (True, False):  # all that a good file needs is imported, and has answered once
        Predictor.open(path, onnx=onnx).predict([hostile.PIXELS])
    if case in CASES:
        CASES[case](path)
    began, before = time.perf_counter(), _start()
    try:
        opened = Predictor.open(path)
        opened.predict(np.zeros((8, 8, 3), np.uint8))
        said = f"answered; {'; '.join(opened.notes) or 'nothing to say'}"
    except ModelError as error:
        said = f"refused: {error}"
    took = 1000 * (time.perf_counter() - began)
    print(json.dumps({"ms": took, "mb": (_status("VmHWM") - before) / 1024, "said": said.splitlines()[0][:200]}))


def _start() -> int:
    """Set the high-water mark back, and return the memory there is now, in KiB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _status(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1])


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
