"""Hostile and damaged model files: one ModelError each, or the answer as ever; nothing is begun that has no end."""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from tests.runs import hostile

from striate.errors import ModelError
from striate.model.files.limits import MOST_LAYERS
from striate.model.files.tensorfile import HEADER_LIMIT, MOST_TENSORS, read_header
from striate.runs.predictor import Predictor
from striate.runs.seal import ZEROS, sealed


@pytest.fixture(params=[False, True], ids=["format 2", "format 1"])
def path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return hostile.write(tmp_path, old=request.param)


def answer(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = Predictor.open(path).predict([hostile.PIXELS])[0].to_dict()
    json.dumps(told, allow_nan=False)
    return told


def alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    pairs = zip(one["scores"], other["scores"], strict=True)
    return all(a["class"] == b["class"] and abs(a["probability"] - b["probability"]) < 1e-4 for a, b in pairs)


# -- the graph beside the model file ---------------------------------------------------------------------------------


def _exchanged(proto: onnx.ModelProto) -> None:
    for weight in proto.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype == np.float32:
            weight.CopyFrom(numpy_helper.from_array(-values, weight.name))


def _elsewhere(proto: onnx.ModelProto) -> None:
    hostile.outside(proto.graph.initializer[0], "weights.bin")


GRAPHS: dict[str, Callable[[onnx.ModelProto], None]] = {
    "weights exchanged": _exchanged,
    "weights in another file": _elsewhere,
    "a loop of ten million turns": lambda proto: hostile.loop(proto.graph),
    "a constant of 2 GB": lambda proto: hostile.constant(proto.graph),
}


@pytest.mark.parametrize("recorded", [True, False], ids=["digest recorded", "of an older Striate"])
@pytest.mark.parametrize("change", GRAPHS.values(), ids=GRAPHS)
def test_a_graph_that_was_resealed_does_not_answer(
    tmp_path: Path, change: Callable[[onnx.ModelProto], None], recorded: bool
) -> None:
    path = hostile.write(tmp_path, recorded=recorded)
    before = Predictor.open(path)
    assert before.onnx is not None
    file = path.with_suffix(".onnx")
    (tmp_path / "weights.bin").write_bytes(bytes(4096))
    file.write_bytes(hostile.resealed(file.read_bytes(), change))
    after = Predictor.open(path)
    assert after.onnx is None
    assert "torch answers instead" in after.notes[0]
    assert alike(before.predict([hostile.PIXELS])[0].to_dict(), after.predict([hostile.PIXELS])[0].to_dict())


@pytest.mark.parametrize("change", list(GRAPHS.values())[1:], ids=list(GRAPHS)[1:])
def test_such_a_graph_is_not_run_where_the_model_file_names_it_as_its_own(
    path: Path, change: Callable[[onnx.ModelProto], None]
) -> None:
    """Whoever wrote the model file too."""
    from striate.export.onnx import finished
    from striate.model.files.tensorfile import read_arrays
    from striate.model.files.weights import GRAPH, read_facts, state_prefix
    from striate.runs.seal import graph_digest

    proto = onnx.load(path.with_suffix(".onnx"), load_external_data=False)
    change(proto)
    del proto.metadata_props[:]
    graph = proto.SerializeToString(deterministic=True)

    def named(header: dict[str, Any], facts: dict[str, Any], data: bytearray) -> None:
        header["__metadata__"][GRAPH] = graph_digest(graph)

    path.write_bytes(hostile.packed(path.read_bytes(), named))
    header = read_header(path)
    path.with_suffix(".onnx").write_bytes(
        finished(graph, header, read_arrays(path, header, state_prefix(read_facts(path))), {})
    )
    opened = Predictor.open(path)
    assert opened.onnx is None
    assert "is no graph that Striate wrote" in opened.notes[0]


@pytest.mark.parametrize("value", [b"\xff\xfe", b"{", b"[1]", b'{"pictures": NaN}', b'{"a": 1, "a": 2}', b"9" * 5000])
def test_metadata_that_is_no_json_or_no_text(path: Path, value: bytes) -> None:
    file = path.with_suffix(".onnx")
    content = file.read_bytes()
    old = b'{"pictures": 3, "onnxruntime": "' + __import__("onnxruntime").__version__.encode() + b'"}'
    assert content.count(old) == 1
    at = content.index(old)
    value = value.ljust(len(old)) if len(value) < len(old) else value[: len(old)]
    file.write_bytes(sealed(content[:at] + value + content[at + len(old) : -64] + ZEROS.encode()))
    opened = Predictor.open(path)
    assert opened.onnx is None
    assert len(opened.notes) == 1
    assert "\n" not in opened.notes[0]


# -- the header ------------------------------------------------------------------------------------------------------


def test_a_header_of_many_tensors_or_many_bytes_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    line = '"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    for text, match in (
        (
            "{" + ",".join(line % number for number in range(MOST_TENSORS + 1)) + "}",
            f"names {MOST_TENSORS + 1:,} tensors",
        ),
        ('{"a":' + "[" * 300_000 + "]" * 300_000 + "}", "brackets"),
        ('{"a":' + "[" * 5_000 + "]" * 5_000 + "}", "nested too deeply"),
        (" " * (HEADER_LIMIT + 1), "its header would take"),
    ):
        file.write_bytes(struct.pack("<Q", len(text)) + text.encode())
        with pytest.raises(ModelError, match=match):
            read_header(file)


@pytest.mark.parametrize(
    "place",
    [
        ("calibration", "temperature"), ("calibration", "nll_after"), ("calibration", "pictures"), ("input", 1),
        ("unknown", "threshold"), ("unknown", "width"), ("unknown", "temperature"), ("unknown", "known_kept"),
        ("unknown", "pictures"), ("unknown", "distance", 0), ("unknown", "indecision", 1), ("preprocess", "height"),
        ("preprocess", "mean", 0), ("preprocess", "std", 1), ("preprocess", "crop_share"), ("format",),
    ],
    ids=str,
)  # fmt: skip
def test_any_number_anywhere_is_refused_or_harmless(path: Path, place: tuple[Any, ...]) -> None:
    def change(header: dict[str, Any], facts: dict[str, Any], data: bytearray) -> None:
        *way, last = place
        inner: Any = facts["state"] if place[0] in facts.get("state", {}) else facts
        for name in way:
            inner = inner[name]
        inner[last] = value

    content, wrong = path.read_bytes(), []
    for value in hostile.HUGE:
        path.write_bytes(hostile.packed(content, change))
        try:
            answer(path)
        except ModelError as error:
            if "\n" in str(error) or len(str(error)) >= 600:
                wrong.append(f"{str(value)[:12]}: refused with {str(error)!r}")
        except Exception as error:
            wrong.append(f"{str(value)[:12]}: {type(error).__name__}: {error}")
    assert not wrong, "\n".join(wrong)


def test_a_name_that_stands_twice_in_the_facts(path: Path) -> None:
    content = path.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    text = content[8 : 8 + length].replace(rb"\"task\": \"classify\"", rb"\"task\": \"x\", \"task\": \"classify\"")
    assert len(text) > length
    path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])
    with pytest.raises(ModelError, match="'task' stands twice"):
        Predictor.open(path)


# -- the net and its weights -----------------------------------------------------------------------------------------


MANY = " >> ".join(["conv 3 3x3 pad 1"] * 3000) + " >> flatten >> dense 3"


@pytest.mark.parametrize(
    ("net", "size", "match"),
    [
        (
            " >> ".join(["conv 3 3x3 pad 1"] * 3000) + " >> flatten >> dense 3",
            8,
            "3,001 layers with weights and the file",
        ),
        ("100 * (100 * relu) >> flatten >> dense 3", 8, f"no more than {MOST_LAYERS:,}"),
        ("conv 4 3x3 pad 1 >> globalavgpool >> flatten >> dense 3", 4096, "no more than 8,388,608 are given"),
        ("upsample 16 >> upsample 16 >> upsample 8 >> globalavgpool >> flatten >> dense 3", 8, "no more than 1 GiB"),
    ],
    ids=["3,000 convolutions", "10,000 layers", "4096 x 4096", "16 x 16 x 8 times as large"],
)
def test_a_net_that_takes_too_much(path: Path, net: str, size: int, match: str) -> None:
    def change(header: dict[str, Any], facts: dict[str, Any], data: bytearray) -> None:
        facts["net"], facts["input"] = net, [3, size, size]
        facts["preprocess"] |= {"height": size, "width": size}

    path.write_bytes(hostile.packed(path.read_bytes(), change))
    with pytest.raises(ModelError, match=match):
        Predictor.open(path)


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("conv1.weight", np.nan, "conv1.weight holds NaN or infinity"),
        ("batchnorm1.running_mean", np.inf, "batchnorm1.running_mean holds NaN or infinity"),
        ("batchnorm1.running_var", -1.0, "holds a variance below 0"),
        ("stored", np.nan, "is not finite"),
    ],
)
def test_weights_that_are_no_numbers(path: Path, name: str, value: float, match: str) -> None:
    def change(header: dict[str, Any], facts: dict[str, Any], data: bytearray) -> None:
        own = next(each for each in header if each in (name, f"state.{name}", f"unknown.{name}"))
        begin = header[own]["data_offsets"][0]
        kind = "<e" if header[own]["dtype"] == "F16" else "<f"
        data[begin : begin + struct.calcsize(kind)] = struct.pack(kind, value)

    path.write_bytes(hostile.packed(path.read_bytes(), change))
    with pytest.raises(ModelError, match=match):
        Predictor.open(path)


# -- anything --------------------------------------------------------------------------------------------------------


def fuzz(folder: Path, seeds: range, *, old: bool = False) -> int:
    """Open and ask a file for each seed; return how many answered. Raises at the first that is neither."""
    path = hostile.write(folder, old=old)
    file, model = path.with_suffix(".onnx"), path.read_bytes()
    graph, usual, answered = file.read_bytes(), answer(path), 0
    for seed in seeds:
        changed, beside, outside = hostile.mutated(random.Random(seed), model, graph)
        path.write_bytes(changed)
        file.write_bytes(beside)
        try:
            told = answer(path)
        except ModelError as error:
            assert not outside, f"seed {seed}: {error}"
            assert len(str(error)) < 2000, f"seed {seed}"
        except Exception as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__}: {str(error)[:300]}") from error
        else:
            answered += 1
            assert not outside or alike(told, usual), f"seed {seed} answers otherwise"
    return answered


@pytest.mark.parametrize(("old", "seeds"), [(False, range(300)), (True, range(100))])
def test_any_file_answers_alike_or_is_refused(tmp_path: Path, old: bool, seeds: range) -> None:
    assert 0 < fuzz(tmp_path, seeds, old=old) < len(seeds)


def test_a_net_without_outputs_is_refused(path: Path) -> None:
    def change(header: dict[str, Any], facts: dict[str, Any], data: bytearray) -> None:
        facts["names" if "names" in facts else "classes"] = []

    path.write_bytes(hostile.packed(path.read_bytes(), change))
    with pytest.raises(ModelError, match="names none of its outputs"):
        Predictor.open(path)


@pytest.mark.slow
def test_twenty_thousand_files_answer_alike_or_are_refused(tmp_path: Path) -> None:
    """In a process of its own: what it takes at most is measured, and one that does not end is ended.

    A hundred thousand where STRIATE_NIGHTLY is set.
    """
    number = 100_000 if os.environ.get("STRIATE_NIGHTLY") else 20_000
    code = (
        "import resource, sys, torch; from pathlib import Path; from tests.runs.test_hostile import fuzz;"
        "torch.set_num_threads(1); fuzz(Path(sys.argv[1]), range(100));"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "fuzz(Path(sys.argv[1]), range(100, int(sys.argv[2])));"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    root = Path(__file__).resolve().parents[2]
    words = [sys.executable, "-c", code, str(tmp_path), str(number)]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, timeout=number / 5, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) < 300 * 1024, "KiB more than the first hundred took"
