"""A classifier that slides: every position of the map is what its crop alone gets, where no window sees padding."""

from __future__ import annotations

import pytest
import torch

from striate.errors import ShapeError
from striate.model.build.model import Model, build
from striate.nets import lenet5, lenet5_1998
from striate.spec import Shape, parse
from striate.spec.sliding import slide

UNPADDED = "conv 6 5 >> tanh >> avgpool 2 >> conv 16 5 >> tanh >> avgpool 2 >> flatten >> dense 120 >> tanh >> dense 10"
# AlexNet without its padding, at a fifth of its width.
ALEXNET = (
    "conv 12 11 stride 4 >> relu >> lrn 5 >> maxpool 3 stride 2 >> conv 24 5 groups 2 >> relu >> maxpool 3 stride 2 "
    ">> conv 24 3 >> relu >> flatten >> dropout >> dense 40 >> relu >> dropout >> dense 40 >> relu >> dense 7"
)
EXACT = {
    "LeNet-5, unpadded": (UNPADDED, (1, 32, 32), (4, 4)),
    "AlexNet, unpadded": (ALEXNET, (3, 127, 127), (16, 16)),
    "average": ("conv 8 3 >> batchnorm >> relu >> conv 8 3 stride 2 >> globalavgpool >> flatten >> dense 5", (3, 21, 17), (2, 2)),  # noqa: E501
    "largest": ("conv 8 3 >> relu >> maxpool 2 >> globalmaxpool >> flatten >> dense 5 >> softmax", (1, 16, 18), (2, 2)),
    "smallest": ("conv 8 3 stride 1x3 >> globalminpool >> conv 5 1 >> flatten", (1, 9, 12), (1, 3)),
    "branches": ("((conv 4 3 >> relu | maxpool 3 stride 1) >> avgpool 2) >> (b: conv 3 1 + conv 3 1) >> flatten >> dense 5", (2, 12, 12), (2, 2)),  # noqa: E501
    "dense in branches": ("conv 4 3 stride 2 >> (dropout >> flatten >> dense 6 + head: (flatten >> relu >> dense 6)) >> batchnorm >> 2 * (dense 6 >> tanh) >> last: dense 3", (1, 11, 11), (2, 2)),  # noqa: E501
    "names": ("trunk: (conv 4 3 >> flatten) >> dense 4 >> side (dense 2) >> dense 3", (1, 10, 10), (1, 1)),
    "residual, cropped": ("conv 4 3 >> 2 * ((conv 4 3 >> layernorm >> relu6 >> conv 4 3) + crop 2 >> hardswish) >> adaptiveavgpool 1 >> flatten >> dense 3", (1, 14, 14), (1, 1)),  # noqa: E501
    "bins of one position": ("conv 4 3 >> adaptiveavgpool 8 >> padchannels 6 >> flatten >> dense 3", (1, 10, 10), (1, 1)),  # noqa: E501
    "a last window that fits": ("conv 4 3 >> maxpool 2 ceil >> flatten >> dense 3", (1, 10, 10), (2, 2)),
    "left over": ("conv 4 3 stride 3 >> flatten >> dense 3", (1, 11, 11), (3, 3)),
}  # fmt: skip


def worked(text: str, shape: tuple[int, int, int]) -> Model:
    """A model with statistics of its own in evaluation mode."""
    model = build(parse(text), Shape(*shape), seed=3).eval()
    for name, tensor in model.state_dict().items():
        if name.endswith(("running_mean", "running_var")):
            tensor.copy_(torch.rand(tensor.shape, generator=torch.Generator().manual_seed(1)) + 0.5)
    return model


def furthest(model: Model, rows: int = 3, columns: int = 4) -> float:
    """The largest difference between a position and its crop's own answer, relative to the largest score."""
    sliding, convolutional = slide(model.net, model.shape), model.as_convolutional()
    assert convolutional.net == sliding.net
    height, width = (
        side + (many - 1) * stride
        for side, many, stride in zip(model.shape.size, (rows, columns), sliding.stride, strict=True)
    )
    assert sliding.fitting(height + sliding.stride[0] - 1, width) == (height, width)
    picture = torch.rand(1, model.shape.channels, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        scores = convolutional(picture)
        assert scores.shape[2:] == (rows, columns)
        boxes = [sliding.box(row, column) for row in range(rows) for column in range(columns)]
        crops = torch.cat([picture[..., top:bottom, left:right] for left, top, right, bottom in boxes])
        own = model(crops).reshape(rows, columns, -1).permute(2, 0, 1)
    return float((scores[0] - own).abs().max() / own.abs().max())


@pytest.mark.parametrize("name", EXACT)
def test_every_position_is_its_crops_own_answer(name: str) -> None:
    text, shape, stride = EXACT[name]
    model = worked(text, shape)
    sliding = slide(model.net, model.shape)
    assert sliding.exact
    assert sliding.stride == stride
    assert furthest(model) < 1e-5
    before = {part: tensor.numel() for part, tensor in model.state_dict().items() if "side" not in part}
    after = {part: tensor.numel() for part, tensor in model.as_convolutional().state_dict().items()}
    assert after == before, "every tensor keeps its name and its numbers"


def test_lenet5_as_published_slides_with_its_prototypes() -> None:
    model = build(lenet5_1998(), Shape(1, 32, 32)).eval()
    assert slide(model.net, model.shape).exact
    assert furthest(model) < 1e-5


@pytest.mark.parametrize(
    ("net", "shape", "padded"),
    [
        (str(lenet5()), (1, 28, 28), ("conv1",)),
        ("a: (conv 4 3 pad same >> relu) >> globalavgpool >> flatten >> dense 3", (1, 9, 9), ("a.conv1",)),
        ("conv 4 3 >> maxpool 2 ceil >> flatten >> dense 3", (1, 9, 9), ("maxpool1",)),
        ("2 * (conv 2 3 pad 1 + identity) >> flatten >> dense 3", (2, 6, 6), ("1.branch1.conv1", "2.branch1.conv1")),
    ],
)
def test_padding_within_a_crop_is_said_and_makes_a_difference(
    net: str, shape: tuple[int, int, int], padded: tuple[str, ...]
) -> None:
    model = worked(net, shape)
    sliding = slide(model.net, model.shape)
    assert sliding.padded == padded
    assert not sliding.exact
    assert furthest(model) > 1e-3
    assert furthest(model, 1, 1) < 1e-5, "the crop alone has its padding"


def test_it_is_a_copy_in_the_mode_of_the_model_and_side_heads_are_gone() -> None:
    model = worked("conv 4 3 >> side (flatten >> dense 3) >> flatten >> dense 3", (1, 6, 6))
    copy = model.as_convolutional()
    assert not copy.training
    assert "side1.dense1.weight" not in copy.state_dict()
    with torch.no_grad():
        copy.state_dict()["conv1.weight"].zero_()
    assert model.state_dict()["conv1.weight"].abs().sum() > 0
    assert model.train().as_convolutional().training


@pytest.mark.parametrize(
    ("net", "said"),
    [
        ("conv 4 3 >> groupnorm 2 >> flatten >> dense 3", r"groupnorm1 \(groupnorm 2\).*statistics"),
        ("conv 4 3 >> flatten >> b: batchnorm >> dense 3", r"b \(batchnorm\).*flattened map \(4x6x6\)"),
        ("conv 4 3 >> flatten >> softmax", r"softmax1 \(softmax\)"),
        ("conv 4 3 >> flatten >> rbf 3", r"rbf1 \(rbf 3\)"),
        ("conv 4 3 >> identity * (globalavgpool >> sigmoid) >> flatten >> dense 3", r"multiply1 \(multiply\).*many crops"),  # noqa: E501
        ("conv 4 3 >> adaptiveavgpool 3 >> flatten >> dense 3", r"adaptiveavgpool1.*bins grow with the map.*4x6x6"),
        ("upsample 2 >> flatten >> dense 3", r"upsample1 \(upsample 2x2\)"),
        ("convtranspose 2 2 stride 2 >> flatten >> dense 3", r"convtranspose1"),
        ("(flatten | maxpool 2 >> flatten) >> dense 3", r"concat1 \(concat\).*step by 1x1 and 2x2"),
        ("(flatten | relu >> flatten) >> dense 3", r"concat1 \(concat\).*flattened already \(1x8x8\)"),
        ("(conv 1 5 + conv 1 2 stride 2) >> flatten >> dense 3", r"add1 \(add\).*meet on the crop alone"),
        ("flatten >> 2 * dense 64", r"2 \(repeat\).*write the repeat out"),
        ("conv 4 3", "gives a map"),
        ("conv 4 3 >> flatten", "no dense layer"),
        ("conv 4 3 >> flatten >> dense", "how many"),
    ],
)  # fmt: skip
def test_what_cannot_slide_is_refused_in_words_naming_the_part(net: str, said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        parse(net).as_convolutional(1, 8, 8)
    with pytest.raises(ShapeError, match="flat vector"):
        parse("dense 3").as_convolutional(Shape(8))
