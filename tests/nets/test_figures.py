"""Parameters, multiply-accumulates and receptive fields against what was published, for the nets without a manifest."""

from __future__ import annotations

import pytest

from striate.errors import FitError, ShapeError
from striate.nets import CATALOG
from striate.spec import Conv, Net, ReLU, Shape, parse

# Parameters and GMACs as torchvision's pages give them ("num_params", "GFLOPS": multiply-accumulates in fact, of
# convolutions and dense layers alone), at the size of their measurement: 224 for all.
TORCHVISION = {
    "vgg13": (133_047_848, 11.308),
    "vgg16": (138_357_544, 15.470),
    "vgg19": (143_667_240, 19.632),
    "vgg11_bn": (132_868_840, 7.609),
    "vgg13_bn": (133_053_736, 11.308),
    "vgg19_bn": (143_678_248, 19.632),
    "squeezenet1_0": (1_248_424, 0.819),
    "squeezenet1_1": (1_235_496, 0.349),
    "densenet169": (14_149_480, 3.360),
    "densenet201": (20_013_928, 4.291),
}


@pytest.mark.parametrize("name", TORCHVISION)
def test_as_torchvision_counts(name: str) -> None:
    parameters, gmacs = TORCHVISION[name]
    survey = CATALOG[name].function(1000).on(3, 224, 224, fit="floor")  # 1.0 of SqueezeNet loses a row at 224
    assert survey.parameters == parameters
    assert round(survey.macs / 1e9, 3) == gmacs


def test_without_their_auxiliary_heads() -> None:
    # Torchvision's pages count without them: googlenet 6,624,904; Inception v3's 27,161,264 are with.
    survey = CATALOG["googlenet"].function(1000).on(3, 224, 224)
    assert sum(row.parameters for row in survey.rows if not row.auxiliary) == 6_624_904
    survey = CATALOG["inception_v3"].function(1000).on(3, 299, 299)
    parameters = sum(row.parameters for row in survey.rows if not row.auxiliary)
    assert parameters == 23_834_568  # as timm and Keras' page: 23.8 M


def test_alexnet_of_the_paper() -> None:
    # The paper says 60 million parameters and, for figure 2, how many values each layer puts out.
    survey = CATALOG["alexnet_2012"].function(1000).on(3, 227, 227)
    assert survey.parameters == 60_965_224
    outputs = {row.path: row.output.elements for row in survey.rows}
    assert [outputs[f"conv{i}"] for i in (2, 3, 4, 5)] == [186_624, 64_896, 64_896, 43_264]
    assert outputs["conv1"] == 290_400  # the paper's 253,440 does not follow from its own numbers: 55*55*96 does
    assert [outputs[path] for path in ("dense1", "dense2", "head")] == [4096, 4096, 1000]
    with pytest.raises(FitError, match=r"\(224 - 11 \+ 2\*0\)/4 \+ 1 = 54.25 is not whole"):
        CATALOG["alexnet_2012"].function(1000).on(3, 224, 224)


def test_unet_of_the_paper() -> None:
    survey = CATALOG["unet_2015"].function(2).on(1, 572, 572)
    outputs = {row.path: str(row.output) for row in survey.rows}
    # Figure 1, along the U.
    assert [outputs[path] for path in ("down1.conv1", "down1.conv2", "skip1", "concat1", "merge1.conv2", "head")] == [
        "64x570x570", "64x568x568", "64x392x392", "128x392x392", "64x388x388", "2x388x388",
    ]  # fmt: skip
    deep = "branch1." * 4
    assert outputs[f"{deep}bottom.conv1"] == "1024x30x30"
    assert outputs[f"{deep}bottom.dropout1"] == "1024x28x28"
    assert outputs["branch1.branch1.branch1.concat1"] == "1024x56x56"
    # 23 convolutional layers in all (section 2).
    assert sum(row.layer.startswith("conv") and "concat" not in row.layer for row in survey.rows) == 23


def test_unet_as_others_count_it() -> None:
    padded = CATALOG["unet"].function(2).on(1, 512, 512)
    assert str(padded.output) == "2x512x512"
    assert padded.parameters == CATALOG["unet_2015"].function(2).on(1, 572, 572).parameters
    # The Keras network many people start from (zhixuhao/unet) has 31,031,685: for one class, with a 3x3 convolution to
    # two channels more before the head.
    one = CATALOG["unet"].function(1)
    keras = _before_the_head(one, Conv(2, 3, padding=1) >> ReLU())
    assert keras.on(1, 256, 256).parameters == 31_031_685


def _before_the_head(net: Net, more: Net) -> Net:
    *trunk, head = net.inside()
    return net.with_inside((*trunk, *more.inside(), head))


# -- receptive fields ------------------------------------------------------------------------------------------------

# Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019: the table of
# their library for any resolution, by end point of TF-Slim's networks. Their alexnet_v2 is the 2014 AlexNet without
# padding in its first layer; field and stride do not depend on it.
FIELDS = {
    "alexnet": {
        "conv1": (11, 4), "maxpool1": (19, 8), "conv2": (51, 8), "conv3": (99, 16), "conv4": (131, 16),
        "conv5": (163, 16), "maxpool3": (195, 32),
    },
    "vgg11": {
        "stage1.conv1": (3, 1), "stage1.maxpool1": (4, 2), "stage2.conv1": (8, 2), "stage2.maxpool1": (10, 4),
        "stage3.conv1": (18, 4), "stage3.conv2": (26, 4), "stage3.maxpool1": (30, 8), "stage4.conv1": (46, 8),
        "stage4.conv2": (62, 8), "stage4.maxpool1": (70, 16), "stage5.conv1": (102, 16), "stage5.conv2": (134, 16),
        "stage5.maxpool1": (150, 32),
    },
    "vgg16": {
        "stage1.maxpool1": (6, 2), "stage2.maxpool1": (16, 4), "stage3.conv2": (32, 4), "stage3.maxpool1": (44, 8),
        "stage4.conv2": (76, 8), "stage4.maxpool1": (100, 16), "stage5.conv2": (164, 16),
        "stage5.maxpool1": (212, 32),
    },
    "inception_v3": {
        "stem.conv1": (3, 2), "stem.conv2": (7, 2), "stem.conv3": (11, 2), "stem.maxpool1": (15, 4),
        "stem.conv4": (15, 4), "stem.conv5": (23, 4), "stem.maxpool2": (31, 8), "mixed5b.concat1": (63, 8),
        "mixed5c.concat1": (95, 8), "mixed5d.concat1": (127, 8), "mixed6a.concat1": (159, 16),
        "mixed6b.concat1": (351, 16), "mixed6c.concat1": (543, 16), "mixed6d.concat1": (735, 16),
        "mixed6e.concat1": (927, 16), "mixed7a.concat1": (1055, 32), "mixed7b.concat1": (1183, 32),
        "mixed7c.concat1": (1311, 32),
    },
}  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_receptive_fields_of_distill_2019(name: str) -> None:
    survey = CATALOG[name].function(1000).on(CATALOG[name].input)
    fields = {row.path: (row.field.size, row.field.jump) for row in survey.rows if row.field}
    for path, (size, jump) in FIELDS[name].items():
        assert fields[path] == ((size, size), (jump, jump)), path


def test_receptive_field_of_googlenet() -> None:
    # Their inception_v2 (699) has two 3x3 convolutions in a row where this one has a 3x3, and pools within modules;
    # up to the first module the geometry is the same.
    survey = CATALOG["googlenet"].function(1000).on(3, 224, 224)
    fields = {row.path: (row.field.size[0], row.field.jump[0]) for row in survey.rows if row.field}
    assert [fields[f"stem.{path}"] for path in ("conv1", "maxpool1", "conv2", "conv3", "maxpool2")] == [
        (7, 2), (11, 4), (11, 4), (19, 4), (27, 8),
    ]  # fmt: skip
    # By hand: 27 + 2 modules of 2*8, a pooling of 2*8, 5 of 2*16, a pooling of 16, 2 of 2*32.
    assert fields["inception5b.concat1"] == (27 + 2 * 16 + 16 + 5 * 32 + 16 + 2 * 64, 32)


# -- any size that fits ----------------------------------------------------------------------------------------------

PUBLISHED = [name for name, entry in CATALOG.items() if "ours" not in entry.summary and not name.startswith("lenet")]


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_does_not_fit_is_refused_with_what_does(name: str) -> None:
    net = CATALOG[name].function(3)
    for side in (37, 70, 101, 226):
        try:
            survey = net.on(1, side, side)
        except (FitError, ShapeError) as error:
            assert error.proposals, side
            for proposal in error.proposals:
                proposal.net.on(proposal.input, fit=proposal.fit)
            assert any(proposal.text.startswith("input") for proposal in error.proposals), str(error)
        else:
            assert survey.output is not None and survey.output.channels == 3, side
            assert survey.unseen is None, side


@pytest.mark.parametrize("name", PUBLISHED)
def test_any_channels_and_classes_and_the_text_is_the_net(name: str) -> None:
    entry = CATALOG[name]
    channels, height, width = (*entry.input,)
    survey = entry.function(None).on(channels + 2, height, width, classes=7)
    assert survey.output is not None and survey.output.channels == 7
    path, head = entry.function(None).head()
    assert path == "head" and head.out is None
    assert parse(str(entry.function(None))) == entry.function(None)
    assert parse(str(entry.function(7))) == entry.function(7) == entry.function(None).with_classes(7)
    assert Shape(channels, height, width) == entry.input
