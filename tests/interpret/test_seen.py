"""Feature maps, effective fields, health, confusion: each held against what was planted."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.interpret.trained import trained

from striate.errors import DescribeError
from striate.interpret.activations.maps import feature_maps, stages
from striate.interpret.activations.receptive import effective_field
from striate.interpret.diagnostics.confusion import confusion
from striate.interpret.diagnostics.health import health
from striate.interpret.torch_probe import TorchProbe
from striate.model.build.model import build
from striate.nets import CATALOG
from striate.spec import Shape, parse

SPOT = np.zeros((12, 12, 3), np.uint8)
SPOT[7, 4] = 255


def _subject(text: str, pixels: np.ndarray = SPOT) -> TorchProbe:
    return TorchProbe.untrained(parse(text), Shape(3, *pixels.shape[:2]), pixels)


def _set(probe: TorchProbe, part: str, weight: float | torch.Tensor, bias: float | torch.Tensor = 0.0) -> None:
    layer = probe.model.get_submodule(part)
    with torch.no_grad():
        layer.weight.copy_(torch.as_tensor(weight).expand_as(layer.weight))
        layer.bias.copy_(torch.as_tensor(bias).expand_as(layer.bias))


def test_maps_come_by_how_active_they_are_with_the_spot_each_comes_from() -> None:
    probe = _subject("conv 3 3x3 pad 1 >> relu >> globalavgpool >> flatten >> dense 2")
    _set(probe, "conv1", torch.tensor([1.0, 3.0, -1.0])[:, None, None, None])
    stage = feature_maps(probe, "relu1")
    assert [one.channel for one in stage.maps] == [1, 0, 2] and stage.silent == 1
    best = stage.maps[0]
    assert best.highest == pytest.approx(9) and best.values[best.place] == best.highest
    assert best.seen.box.top <= 7 < best.seen.box.bottom and best.seen.box.left <= 4 < best.seen.box.right
    np.testing.assert_allclose(best.values, probe.tap(["relu1"])["relu1"][1])
    assert feature_maps(probe, "relu1", channel=2).maps[0].channel == 2
    for part, words in (("conv2", "near it: conv1"), ("dense1", "flat vector"), ("input", "the picture itself")):
        with pytest.raises(DescribeError, match=words):
            feature_maps(probe, part)
    with pytest.raises(DescribeError, match="no channel 3: it puts out 3, numbered from 0 to 2"):
        feature_maps(probe, "relu1", channel=3)


def test_stages_are_one_for_each_size_and_hold_no_more_than_the_way_needs() -> None:
    probe = _subject(
        "conv 4 3x3 pad 1 >> relu >> maxpool 2 >> 2 * (conv 4 3x3 pad 1 >> relu) >> maxpool 2 >> globalavgpool"
        " >> flatten >> dense 2"
    )
    found = stages(probe)
    assert [stage.size for stage in found] == [(12, 12), (6, 6), (3, 3)]
    assert found[1].part == probe.survey.rows[6].path
    for stage in found:
        whole = probe.tap([stage.part])[stage.part]
        assert (stage.low, stage.high) == (whole.min(), whole.max())


def test_the_effective_field_is_where_the_weights_are() -> None:
    probe = _subject("conv 1 5x5 pad 2 >> conv 1 3x3 pad 1")
    _set(probe, "conv1", 1.0)
    _set(probe, "conv2", 1.0)
    whole = effective_field(probe, "conv2", (6, 6))
    assert whole.seen.box == (3, 3, 10, 10) and whole.pixels == 49 and whole.share == 1
    line = torch.tensor([1.0, 2, 3, 2, 1])  # ones of 5 over ones of 3
    np.testing.assert_allclose(whole.influence[6, 3:10], np.convolve(np.ones(5), np.ones(3)) / 3, rtol=1e-5)
    assert line[2] == 3
    middle = torch.zeros(1, 1, 5, 5)
    middle[..., 2, 2] = 1
    _set(probe, "conv1", middle)
    narrow = effective_field(probe, "conv2", (6, 6))
    assert narrow.pixels == 9 and narrow.seen.box == whole.seen.box and narrow.middle == (5, 5, 8, 8)
    assert narrow.side == 3
    with pytest.raises(DescribeError, match="no place 12,0"):
        effective_field(probe, "conv2", (12, 0))


def test_dead_and_doubled_filters_are_found_and_a_healthy_net_is_left_alone() -> None:
    model, pixels, targets = trained()
    fine = health(model, pixels[:64], targets[:64])
    assert fine.pictures == 64 and [one.part for one in fine.gradients] == ["conv1", "conv2", "dense1"]
    assert not any("vanish" in text or "explode" in text for text in fine.advice)
    assert not fine.duplicates
    ill = build(parse("conv 4 3x3 >> relu >> flatten >> dense 10"), Shape(1, 8, 8)).eval()
    with torch.no_grad():
        layer = ill.get_submodule("conv1")
        layer.bias[2] = -1e4
        layer.weight[3] = 2 * layer.weight[0]
    found = health(ill, pixels[:64], targets[:64])
    dead = next(one for one in found.activations if one.part == "relu1")
    assert dead.dead == (2,) and dead.channels == 4 and dead.zeros > 0.25
    assert [(pair.part, pair.first, pair.second) for pair in found.duplicates] == [("conv1", 0, 3)]
    assert any("1 of 4 channels" in text and "relu1" in text for text in found.advice)


def test_no_advice_about_what_did_not_learn() -> None:
    ill = build(parse("conv 4 3x3 >> relu >> conv 4 3x3 >> relu >> flatten >> dense 10"), Shape(1, 8, 8)).eval()
    with torch.no_grad():
        ill.get_submodule("conv1").bias[2] = -1e4
    _, pixels, targets = trained()
    assert any("relu1" in text for text in health(ill, pixels[:16], targets[:16]).advice)
    found = health(ill, pixels[:16], targets[:16], frozen=("conv1", "relu1"))
    assert not any("learning rate" in text or "relu1" in text for text in found.advice)
    assert found.frozen == ("conv1", "relu1") and found.activations[1].dead, "it stands in the table all the same"


def test_gradients_that_vanish_or_explode_are_named_with_what_to_do() -> None:
    _, pixels, targets = trained()
    deep = " >> ".join(["conv 8 3x3 pad 1 >> sigmoid"] * 8)
    model = build(parse(f"{deep} >> flatten >> dense 10"), Shape(1, 8, 8)).eval()
    advice = health(model, pixels[:16], targets[:16]).advice
    assert any("gradients vanish" in text and "batch norm" in text for text in advice)
    wild = build(parse("conv 8 3x3 pad 1 >> " * 5 + "flatten >> dense 10"), Shape(1, 8, 8)).eval()
    with torch.no_grad():
        for number in range(2, 6):
            wild.get_submodule(f"conv{number}").weight.mul_(40)
        wild.get_submodule("dense1").weight.mul_(40)
    assert any("gradients explode" in text for text in health(wild, pixels[:16], targets[:16]).advice)


def test_confusion_by_hand() -> None:
    shares = np.array(
        [[0.9, 0.1, 0.0], [0.4, 0.6, 0.0], [0.48, 0.5, 0.02], [0.2, 0.8, 0.0], [0.0, 0.3, 0.7], [0.1, 0.0, 0.9]]
    )
    targets = np.array([0, 0, 1, 0, 2, -1])
    found = confusion(shares, targets, pairs=2)
    assert (found.pictures, found.wrong) == (5, 2)
    assert (found.pairs[0].first, found.pairs[0].second) == (0, 1)
    assert (found.pairs[0].first_as_second, found.pairs[0].second_as_first) == (2, 0)
    assert [doubt.picture for doubt in found.pairs[0].between] == [2, 1, 3, 0]
    assert [(doubt.picture, doubt.said, doubt.of_said) for doubt in found.mistakes] == [(3, 1, 0.8), (1, 1, 0.6)]
    assert (found.pairs[1].first, found.pairs[1].second) == (1, 2)  # no mistake, but the most doubt


@pytest.mark.parametrize("name", ["lenet5_1998", "squeezenet1_1", "mobilenet_v3_small", "googlenet"])
def test_stages_of_the_catalogue(name: str) -> None:
    entry = CATALOG[name]
    picture = np.random.default_rng(0).integers(0, 256, (*entry.input.size, entry.input.channels), dtype=np.uint8)
    probe = TorchProbe.untrained(entry.function(entry.classes), entry.input, picture)
    found = stages(probe)
    assert len(found) >= 4 and found[0].size > found[-1].size
    field = effective_field(probe, found[0].part, draws=1)
    inside = field.seen.box
    rows, columns = np.nonzero(field.influence)
    assert inside.top <= rows.min() and rows.max() < inside.bottom
    assert inside.left <= columns.min() and columns.max() < inside.right
