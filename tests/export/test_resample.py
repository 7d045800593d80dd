"""Crop and resize within a graph: Pillow's pixels to the bit, whatever the picture's size."""

from __future__ import annotations

import numpy as np
import onnxruntime
import PIL
import pytest
from onnx import TensorProto, helper

from striate.data.pictures.preprocess import Preprocess
from striate.export import resample
from striate.export.deployed import joined
from striate.export.onnx_walk import IR, OPSET
from striate.export.resample import preparing
from striate.runs.onnx_file import session
from striate.tasks.decoding import BYTE, RAW, Decoding, Out

WAYS = {
    "crop": Preprocess(24, 32, 3),
    "crop of seven eighths": Preprocess(28, 28, 3, crop_share=0.875),
    "bilinear": Preprocess(24, 32, 3, interpolation="bilinear"),
    "stretch, gray": Preprocess(8, 8, 1, resize="stretch"),
    "pad": Preprocess(24, 32, 3, resize="pad"),
    "pad, bilinear": Preprocess(30, 17, 1, resize="pad", interpolation="bilinear"),
}


def graph(how: Preprocess) -> onnxruntime.InferenceSession:
    """A network that hands on what it is given."""
    sides = ["N", how.height, how.width, how.channels]
    given, made = (helper.make_tensor_value_info(name, TensorProto.UINT8, sides) for name in ("pixels", "seen"))
    plain = helper.make_graph([helper.make_node("Identity", ["pixels"], ["seen"], "seen")], "plain", [given], [made])
    proto = helper.make_model(plain, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    before, crop = preparing(how)
    behind = Decoding({
        "prepared": Out(BYTE, (how.height, how.width, how.channels), ""),
        "crop": Out("float64", (6,), ""),
    })  # fmt: skip
    behind("Identity", RAW, into="prepared")
    each = [behind("Reshape", one, np.array([1, 1])) for one in vars(crop).values()]
    behind("Concat", *each, axis=1, into="crop")
    return session(joined(proto.SerializeToString(), "seen", behind, before, (1, "height", "width", 3)), many=False)


def sizes(how: Preprocess) -> list[tuple[int, int]]:
    random = np.random.default_rng(1)
    some = np.exp(random.uniform(0, np.log(300), (24, 2))).astype(int).tolist()
    own = (how.height, how.width)
    return [own, (own[0], own[1] + 5), (own[0] + 7, own[1]), (1, 1), (1, 90), (300, 2), *map(tuple, some)]


@pytest.mark.parametrize("way", WAYS)
def test_pixels_are_pillows_to_the_bit_and_the_crop_is_where_they_come_from(way: str) -> None:
    how, random = WAYS[way], np.random.default_rng(0)
    asked = graph(how)
    for height, width in sizes(how):
        picture = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        found, crop = asked.run(["prepared", "crop"], {"pixels": picture[None]})
        assert np.array_equal(found[0], how.pixels(picture)), (height, width)
        wanted = how.crop_transform(height, width)
        sides = (wanted.top, wanted.left, wanted.down, wanted.across, height, width)
        np.testing.assert_allclose(crop[0], sides, rtol=1e-12, atol=1e-9)


def test_which_pass_is_first_follows_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    """It matters: a tall picture comes out otherwise the other way round."""
    how, picture = Preprocess(24, 32, 3), np.random.default_rng(0).integers(0, 256, (90, 40, 3), dtype=np.uint8)
    found = graph(how).run(["prepared"], {"pixels": picture[None]})[0]
    assert np.array_equal(found[0], how.pixels(picture))
    monkeypatch.setattr(resample, "COLUMNS_FIRST", 99 if int(PIL.__version__.split(".")[0]) >= 13 else 1)
    other = graph(how).run(["prepared"], {"pixels": picture[None]})[0]
    assert not np.array_equal(other, found) and np.abs(other.astype(int) - found).max() <= 40
