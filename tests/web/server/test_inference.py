"""The Open Inference Protocol, as Triton's own client speaks it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.web.serving import Served

from striate.runs.predictor import Predictor

PIXELS = np.random.default_rng(2).integers(0, 256, (3, 8, 8, 1), dtype=np.uint8)


@pytest.mark.parametrize("binary", [True, False])
def test_a_client_of_triton(served: Served, model: Path, binary: bool) -> None:
    http = pytest.importorskip("tritonclient.http")
    client = http.InferenceServerClient(f"127.0.0.1:{served.port}")
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("pets")
    assert not client.is_model_ready("zebra")
    facts = client.get_model_metadata("pets", "1")
    assert facts["inputs"] == [{"name": "pixels", "datatype": "UINT8", "shape": [-1, 8, 8, 1]}]
    assert client.get_server_metadata()["name"] == "striate"
    asked = http.InferInput("pixels", list(PIXELS.shape), "UINT8")
    asked.set_data_from_numpy(PIXELS, binary_data=binary)
    names = [one["name"] for one in facts["outputs"]]
    outputs = [http.InferRequestedOutput(name, binary_data=binary) for name in names]
    found = client.infer("pets", [asked], outputs=outputs, request_id="mine")
    own = Predictor.open(model)
    for name, values in own.ask(PIXELS).items():
        assert np.allclose(found.as_numpy(name), values, atol=1e-5)
    assert found.get_response()["id"] == "mine"
    answers = [json.loads(text) for text in found.as_numpy("answer").tolist()]
    assert [one["best"] for one in answers] == [each.best for each in own.predict(PIXELS)]
    with pytest.raises(http.InferenceServerException if hasattr(http, "InferenceServerException") else Exception):
        client.infer("pets", [asked], outputs=[http.InferRequestedOutput("nothing")])


def test_plain_json(served: Served) -> None:
    body = {"inputs": [{"name": "pixels", "datatype": "UINT8", "shape": [3, 8, 8, 1], "data": PIXELS.tolist()}]}
    flat = {"inputs": [{**body["inputs"][0], "data": PIXELS.ravel().tolist()}], "outputs": [{"name": "embedding"}]}
    nested = served.ask("POST", "/v2/models/pets/infer", json.dumps(body).encode()).json()
    assert [one["name"] for one in nested["outputs"]][-1] == "answer" and nested["model_version"] == "1"
    other = served.ask("POST", "/v2/models/pets/versions/1/infer", json.dumps(flat).encode()).json()["outputs"]
    wanted = next(one for one in nested["outputs"] if one["name"] == "embedding")
    assert len(other) == 1 and other[0]["data"] == pytest.approx(wanted["data"], abs=1e-6)
    assert served.ask("POST", "/v2/models/pets/versions/2/infer", json.dumps(flat).encode()).status == 404
    many = {"inputs": [{"name": "pixels", "datatype": "UINT8", "shape": [17, 8, 8, 1], "data": []}]}
    assert served.ask("POST", "/v2/models/pets/infer", json.dumps(many).encode()).status == 413
