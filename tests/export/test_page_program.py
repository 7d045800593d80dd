"""What a page computes, in Chromium, against ONNX Runtime: every layer, alone and in nets; and what is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tests.chromium import chromium
from tests.export.test_onnx_layers import ALONE, pictures, unsettled

from striate.data.pictures.preprocess import Preprocess
from striate.errors import ExportError
from striate.export.onnx_parts import compute
from striate.export.page_layers import TABLE
from striate.export.page_program import dequantised, program_of
from striate.export.page_tensors import Packed
from striate.model.build.model import Model
from striate.nets import CATALOG
from striate.render.html.model_scripts import ENGINE, script
from striate.spec import LAYERS, Net, Shape, parse
from striate.spec.code import Code
from striate.spec.wiring import wired

NEAR = 1e-3  # of the largest value of a layer
SHOWN = 40_000  # values of a layer that are compared, evenly spaced
RUN = """async ([program, text, pixels, shown]) => {
  giveTensors(program, await unpackTensors(text, program.counts));
  const values = runProgram(program, Uint8Array.from(atob(pixels), (sign) => sign.charCodeAt(0)));
  return values.map(({ shape, data }) => {
    const step = Math.max(1, Math.ceil(data.length / shown));
    const some = Float32Array.from({ length: Math.ceil(data.length / step) }, (_, i) => data[i * step]);
    let text = "";
    new Uint8Array(some.buffer).forEach((byte) => { text += String.fromCharCode(byte); });
    return { shape, step, data: btoa(text) };
  });
}"""


@pytest.fixture(scope="module")
def engine() -> Iterator[Any]:
    with chromium() as browser:
        page = browser.new_page()
        page.add_script_tag(content=script(tuple(name for name in ENGINE if name != "worker")))
        yield page


def answered(engine: Any, net: Net, shape: Shape, tensors: dict[str, np.ndarray], pixels: np.ndarray) -> float:
    """Return how far any layer's map in the page lies from ONNX Runtime's, over the largest value of the layer."""
    how = Preprocess(*shape.size, 3 if shape.channels == 3 else 1)
    made = program_of(net, shape, tensors, how, {})
    scale, offset = tensors["input.scale"], tensors["input.offset"]
    facts = {**made.facts, "scale": scale.ravel().tolist(), "offset": offset.ravel().tolist()}
    wiring = wired(net, shape)
    paths = {one["id"]: one["path"] for one in facts["operations"]}
    wanted = compute(wiring, shape, tensors, pixels, list(paths.values()))
    sent = base64.b64encode(pixels.tobytes()).decode()
    found = engine.evaluate(RUN, [json.loads(json.dumps(facts)), made.packed.text(), sent, SHOWN])
    worst = 0.0
    for number, path in paths.items():
        reference = wanted[path]
        assert found[number]["shape"] == list(reference.shape), path
        values = np.frombuffer(base64.b64decode(found[number]["data"]), np.float32)
        apart = np.abs(values - reference.reshape(-1)[:: found[number]["step"]]).max()
        worst = max(worst, float(apart) / max(float(np.abs(reference).max()), 1e-6))
    return worst


def arrays(model: Model) -> dict[str, np.ndarray]:
    return {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}


def test_every_layer_has_its_line() -> None:
    assert set(TABLE) == set(LAYERS.values())


def test_layers_alone(engine: Any) -> None:
    shape = Shape(6, 9, 8)
    texts = [
        *ALONE,
        "conv 3 3 pad 1 connections (0 1, 5, 2 3 4) >> batchnorm",
        "conv 6 3 pad 1 groups 6 >> (relu + identity)",
        "conv 4 1 >> (relu | tanh | maxpool 3 stride 1 pad 1)",
        "conv 4 1 >> (identity * (globalavgpool >> conv 4 1 >> sigmoid))",
    ]
    for text in texts:
        net = parse(text)
        far = answered(engine, net, shape, arrays(unsettled(net, shape)), pictures(shape, 1)[0])
        assert far <= 1e-5, f"{text}: {far}"


@pytest.mark.parametrize("name", ["lenet5_1998", "tiny", "small", "resnet20", "squeezenet1_1", "efficientnet_lite0"])
def test_nets(engine: Any, name: str) -> None:
    entry = CATALOG[name]
    shape = Shape(entry.input.channels, *entry.input.size)
    model = unsettled(entry.function(None), shape, classes=10)
    assert answered(engine, model.net, shape, arrays(model), pictures(shape, 1)[0]) <= NEAR


def test_somebody_elses_code_is_refused_by_name() -> None:
    shape = Shape(1, 8, 8)
    net = Code("app.MyNet", "it loops over its batch", False, shape, Shape(2), ())
    with pytest.raises(ExportError, match="loops over its batch"):
        program_of(net, shape, {}, Preprocess(8, 8, 1), {})


def test_a_layer_that_a_page_cannot_compute_is_refused_by_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {kind: write for kind, write in TABLE.items() if kind is not LAYERS["lrn"]}
    monkeypatch.setattr("striate.export.page_program.TABLE", kinds)
    net, shape = parse("conv 4 3 >> norm: lrn >> flatten >> dense 2"), Shape(1, 8, 8)
    with pytest.raises(ExportError, match=r"norm.*lrn"):
        program_of(net, shape, arrays(unsettled(net, shape)), Preprocess(8, 8, 1), {})


def test_sixteen_bits_lie_nearer_than_float16() -> None:
    weights = np.random.default_rng(0).normal(size=(64, 32, 3, 3)).astype(np.float32)
    packed = Packed()
    found = dequantised(packed, packed.add(weights))
    ours, halves = (np.sqrt(((each - weights) ** 2).mean()) for each in (found, weights.astype(np.float16)))
    assert ours < halves / 2
    assert packed.text() == packed.text()
