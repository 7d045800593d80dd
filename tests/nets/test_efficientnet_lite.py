"""EfficientNet-Lite: the counts of its weights, where its padding lies, and the answers of the network as published."""

from __future__ import annotations

import pytest

from striate.model.pretrained.pretrained import PRETRAINED, in_package
from striate.nets import CATALOG
from striate.spec import Conv, parse

# The size of its pictures; parameters, of its published weights; multiply-accumulates in millions. Its authors' table
# says 4.7, 5.4 and 6.1 million, and 407, 631 and 899 million operations, those of batch norms and biases with them.
LITE = {0: (224, 4_652_008, 385), 1: (240, 5_416_680, 600), 2: (260, 6_092_072, 860)}


@pytest.mark.parametrize("number", LITE)
def test_parameters_and_work(number: int) -> None:
    entry = CATALOG[f"efficientnet_lite{number}"]
    side, parameters, millions = LITE[number]
    survey = entry.function(1000).on(entry.input)
    assert entry.input.size == (side, side)
    assert (survey.parameters, round(survey.macs / 1e6)) == (parameters, millions)
    assert survey.unseen is None


@pytest.mark.parametrize("number", LITE)
def test_a_strided_convolution_is_padded_behind_where_the_map_is_even(number: int) -> None:
    entry = CATALOG[f"efficientnet_lite{number}"]
    survey = entry.function(1000).on(entry.input)
    seen, before = [], entry.input
    for row, layer in zip(survey.rows, survey.layers, strict=True):
        if isinstance(layer, Conv) and layer.stride == (2, 2):
            seen.append((before.height, layer.kernel[0], str(layer).partition(" pad ")[2].split()[0]))
        before = row.output if row.output.is_map else before
    assert (
        seen
        == {
            0: [(224, 3, "0:1"), (112, 3, "0:1"), (56, 5, "1:2"), (28, 3, "0:1"), (14, 5, "1:2")],
            1: [(240, 3, "0:1"), (120, 3, "0:1"), (60, 5, "1:2"), (30, 3, "0:1"), (15, 5, "2")],
            2: [(260, 3, "0:1"), (130, 3, "0:1"), (65, 5, "2"), (33, 3, "1"), (17, 5, "2")],
        }[number]
    )


def test_its_text_reads_back() -> None:
    net = CATALOG["efficientnet_lite0"].function(10)
    assert parse(str(net)) == net
    assert eval(repr(net), vars(__import__("striate.spec", fromlist=["*"]))) == net


@pytest.mark.parametrize("number", LITE)
def test_it_answers_as_the_network_it_was_published_with(number: int) -> None:
    theirs = pytest.importorskip("efficientnet_lite_pytorch", reason="needs the dev extra: its network as published")
    name = f"efficientnet_lite{number}"
    file = in_package(PRETRAINED[name].files[0])
    if file is None:
        pytest.skip(f"needs the package {PRETRAINED[name].files[0].package}")
    import torch

    from striate.runs.predictor import Predictor
    from striate.verbs.weights import open_weights

    oracle = theirs.EfficientNet.from_name(f"efficientnet-lite{number}").eval()
    oracle.load_state_dict(torch.load(file, weights_only=True))
    model = Predictor.open(open_weights(name)).model.eval()
    side = LITE[number][0]
    inputs = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(number))
    with torch.no_grad():
        features = oracle.extract_features(inputs).mean((2, 3))
        logits, embedding = model.embed(inputs)
        torch.testing.assert_close(logits, oracle(inputs), atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(embedding, features, atol=1e-4, rtol=1e-4)
