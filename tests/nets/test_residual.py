"""The residual networks: published counts, receptive fields, names, and what does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import pytest
from tests.nets.naming import published

from striate.errors import FitError
from striate.model.build.model import build
from striate.model.pretrained.key_mapping import renamed
from striate.nets import CATALOG, resnet20, resnet50, resnet101, resnet152
from striate.spec import Net, parse
from striate.spec.survey import Survey

# Parameters as torchvision counts them, and what it calls GFLOPs: multiply-accumulates, which is what we count.
IMAGENET = {
    "resnet18": (11_689_512, 1.814),
    "resnet34": (21_797_672, 3.664),
    "resnet50": (25_557_032, 4.089),
    "resnet101": (44_549_160, 7.801),
    "resnet152": (60_192_808, 11.514),
    "wide_resnet50_2": (68_883_240, 11.398),
    "wide_resnet101_2": (126_886_696, 22.753),
    "resnext50_32x4d": (25_028_904, 4.230),
    "resnext101_32x8d": (88_791_336, 16.414),
    "mobilenet_v2": (3_504_872, 0.301),
    "mobilenet_v3_small": (2_542_856, 0.057),
    "mobilenet_v3_large": (5_483_032, 0.217),
    "efficientnet_b0": (5_288_548, 0.386),
    "efficientnet_b1": (7_794_184, 0.687),
    "efficientnet_b2": (9_109_994, 1.088),
    "convnext_tiny": (28_589_128, 4.456),
    "convnext_small": (50_223_688, 8.684),
}
# He et al. 2015, table 6, says 0.27, 0.46, 0.66, 0.85 and 1.7 million; the last figures are akamaster's.
CIFAR = {"resnet20": 269_722, "resnet32": 464_154, "resnet44": 658_586, "resnet56": 853_018, "resnet110": 1_727_962}


@cache
def own_shapes(name: str) -> dict[str, tuple[int, ...]]:
    """Our tensors for 1,000 classes."""
    entry = CATALOG[name]
    state = build(entry.function(1000), entry.input).state_dict()
    return {key: tuple(value.shape) for key, value in state.items() if not key.startswith("input.")}


def surveyed(name: str) -> Survey:
    entry = CATALOG[name]
    return entry.function(entry.classes).on(entry.input)


@pytest.mark.parametrize("name", IMAGENET)
def test_parameters_and_work(name: str) -> None:
    survey = surveyed(name)
    assert (survey.parameters, round(survey.macs / 1e9, 3)) == IMAGENET[name]
    assert survey.unseen is None


@pytest.mark.parametrize("name", CIFAR)
def test_parameters_for_cifar(name: str) -> None:
    assert surveyed(name).parameters == CIFAR[name]


def test_wide_resnet_for_cifar() -> None:
    survey = surveyed("wrn28_10")
    assert round(survey.parameters / 1e6, 1) == 36.5  # table 4 of the paper
    assert round(survey.macs / 1e9, 1) == 5.2


@pytest.mark.parametrize(
    ("name", "told", "counted"),
    [
        ("resnet18", 1.8, 1.814),
        ("resnet34", 3.6, 3.664),
        ("mobilenet_v2", 0.300, 0.301),
        ("mobilenet_v3_large", 0.219, 0.217),
        ("mobilenet_v3_small", 0.056, 0.057),
        ("resnext50_32x4d", 4.2, 4.230),
        ("efficientnet_b0", 0.39, 0.386),
        ("efficientnet_b1", 0.70, 0.687),
        ("convnext_tiny", 4.5, 4.456),
        ("convnext_small", 8.7, 8.684),
    ],
)
def test_work_as_the_papers_tell_it(name: str, told: float, counted: float) -> None:
    """The papers say FLOPs or MAdds for multiply-accumulates; within what rounding and biases make of it."""
    assert round(surveyed(name).macs / 1e9, 3) == counted
    assert counted == pytest.approx(told, rel=0.02)


@pytest.mark.parametrize("name", [*IMAGENET, *CIFAR, "wrn28_10"])
def test_the_accuracy_comes_with_its_source(name: str) -> None:
    entry = CATALOG[name]
    told = re.fullmatch(
        r"(ImageNet top-1|CIFAR-10) (\d\d\.\d\d) % \((torchvision V1 weights|paper, table \d)\)", entry.accuracy
    )
    assert told is not None and told[1] == ("ImageNet top-1" if entry.classes == 1000 else "CIFAR-10")
    assert 65 < float(told[2]) < 97


def test_efficientnet_b2_at_the_size_of_its_paper() -> None:
    """1.0 B at 260 pixels; torchvision's weights, and so our catalogue, are for 288."""
    assert round(CATALOG["efficientnet_b2"].function(1000).on(3, 260, 260).macs / 1e9, 1) == 1.0


# -- where the stride is -----------------------------------------------------------------------------------------------


def first_version(net: Net) -> Net:
    """The net with the stride of its bottlenecks in the first 1x1, as in the paper."""
    text, moved = re.subn(
        r"(conv \d+ 1x1) (no bias >> batchnorm >> relu >> conv \d+ 3x3) stride 2 (pad 1)",
        r"\1 stride 2 \2 \3",
        str(net),
    )
    assert moved == 3
    return parse(text)


def field_of_the_last_stage(net: Net) -> tuple[int, int]:
    survey = net.on(3, 224, 224)
    return next(row.field.size for row in reversed(survey.rows) if row.path.startswith("stage4") and row.field)


@pytest.mark.parametrize(
    ("net", "ours", "distill"), [(resnet50, 427, 483), (resnet101, 971, 1027), (resnet152, 1451, 1507)]
)
def test_receptive_fields(net: Callable[[], Net], ours: int, distill: int) -> None:
    """Araujo, Norris and Sim (Distill 2019) list 483, 1027 and 1507 for v1 as TF-slim has it.

    There a stage halves in the 3x3 of its last block, in the paper's own v1 in the first 1x1 of its first: either way
    the 3x3s of the four stages work at jumps of 4, 8, 16 and 32. In v1.5 the first 3x3 of a stage works before the
    halving, at 4, 8 and 16 in place of 8, 16 and 32: the net sees 2 * (4 + 8 + 16) = 56 pixels less. By hand for
    ResNet-50: the stem sees 7 + 2 * 2 = 11 pixels, and v1 adds 2 * (3 * 4 + 4 * 8 + 6 * 16 + 3 * 32) = 472.
    """
    assert field_of_the_last_stage(net()) == (ours, ours)
    assert field_of_the_last_stage(first_version(net())) == (distill, distill)
    assert distill - ours == 56


def test_the_first_version_costs_what_the_paper_says() -> None:
    for net, told in ((resnet50, 3.8), (resnet101, 7.6), (resnet152, 11.3)):
        survey = first_version(net()).on(3, 224, 224)
        assert survey.parameters == IMAGENET[net.__name__][0]
        assert survey.macs / 1e9 == pytest.approx(told, rel=0.02)


# -- names -------------------------------------------------------------------------------------------------------------

NAMINGS = [(name, number) for name in {**IMAGENET, **CIFAR} for number in range(len(CATALOG[name].names))]


@pytest.mark.parametrize(("name", "number"), NAMINGS)
def test_every_tensor_has_one_published_name(name: str, number: int) -> None:
    names = CATALOG[name].names[number]
    theirs = published(own_shapes(name), names)
    assert list(renamed(theirs, names).values()) == list(own_shapes(name))


@pytest.mark.parametrize(
    ("name", "number", "theirs", "shape"),
    [
        ("resnet18", 0, "layer1.1.bn2.weight", (64,)),
        ("resnet18", 0, "layer2.0.downsample.0.weight", (128, 64, 1, 1)),
        ("resnet152", 0, "layer3.35.conv2.weight", (256, 256, 3, 3)),
        ("resnet50", 0, "layer1.0.downsample.1.running_var", (256,)),
        ("resnext50_32x4d", 0, "layer1.0.conv2.weight", (128, 4, 3, 3)),
        ("resnext101_32x8d", 0, "layer4.2.conv2.weight", (2048, 64, 3, 3)),
        ("wide_resnet50_2", 0, "layer4.2.conv2.weight", (1024, 1024, 3, 3)),
        ("wide_resnet101_2", 0, "fc.weight", (1000, 2048)),
        ("resnet110", 0, "layer3.17.conv2.weight", (64, 64, 3, 3)),
        ("resnet20", 0, "linear.bias", (1000,)),
        ("resnet20", 1, "module.layer2.0.conv1.weight", (32, 16, 3, 3)),
        ("mobilenet_v2", 0, "features.1.conv.1.weight", (16, 32, 1, 1)),
        ("mobilenet_v2", 0, "features.4.conv.1.0.weight", (144, 1, 3, 3)),
        ("mobilenet_v2", 0, "features.17.conv.3.running_mean", (320,)),
        ("mobilenet_v2", 1, "blocks.0.0.bn2.bias", (16,)),
        ("mobilenet_v2", 1, "blocks.5.2.conv_pwl.weight", (160, 960, 1, 1)),
        ("mobilenet_v2", 1, "bn2.weight", (1280,)),
        ("mobilenet_v3_small", 0, "features.1.block.1.fc1.weight", (8, 16, 1, 1)),
        ("mobilenet_v3_small", 0, "features.4.block.2.fc2.bias", (96,)),
        ("mobilenet_v3_small", 0, "features.12.0.weight", (576, 96, 1, 1)),
        ("mobilenet_v3_large", 0, "features.1.block.1.1.weight", (16,)),
        ("mobilenet_v3_large", 0, "features.4.block.2.fc1.weight", (24, 72, 1, 1)),
        ("mobilenet_v3_large", 0, "features.15.block.3.0.weight", (160, 960, 1, 1)),
        ("mobilenet_v3_large", 0, "features.16.1.running_var", (960,)),
        ("mobilenet_v3_large", 0, "classifier.0.weight", (1280, 960)),
        ("efficientnet_b0", 0, "features.1.0.block.1.fc1.weight", (8, 32, 1, 1)),
        ("efficientnet_b0", 0, "features.6.3.block.1.0.weight", (1152, 1, 5, 5)),
        ("efficientnet_b2", 0, "features.8.0.weight", (1408, 352, 1, 1)),
        ("efficientnet_b1", 0, "features.1.1.block.2.1.bias", (16,)),
        ("efficientnet_b0", 1, "blocks.0.0.se.conv_reduce.weight", (8, 32, 1, 1)),
        ("efficientnet_b0", 1, "blocks.6.0.conv_pwl.weight", (320, 1152, 1, 1)),
        ("efficientnet_b0", 1, "conv_stem.weight", (32, 3, 3, 3)),
        ("convnext_tiny", 0, "features.0.0.weight", (96, 3, 4, 4)),
        ("convnext_tiny", 0, "features.5.8.block.0.weight", (384, 1, 7, 7)),
        ("convnext_tiny", 0, "features.7.2.block.5.bias", (768,)),
        ("convnext_tiny", 0, "features.6.1.weight", (768, 384, 2, 2)),
        ("convnext_small", 0, "features.5.26.layer_scale", (384,)),  # (384, 1, 1) in the file: sides of 1 go
        ("convnext_tiny", 1, "stages.3.blocks.2.mlp.fc1.weight", (3072, 768, 1, 1)),  # (3072, 768) in the file
        ("convnext_tiny", 1, "stages.2.downsample.1.weight", (384, 192, 2, 2)),
        ("convnext_tiny", 1, "head.norm.bias", (768,)),
        ("convnext_tiny", 2, "stages.2.8.gamma", (384,)),
        ("convnext_tiny", 2, "downsample_layers.0.1.weight", (96,)),
    ],
)
def test_names_as_they_are_in_the_files(name: str, number: int, theirs: str, shape: tuple[int, ...]) -> None:
    found = renamed({theirs: None}, CATALOG[name].names[number])[theirs]
    assert found is not None
    assert own_shapes(name)[found] == shape


# -- inputs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["resnet50", "resnet20", "wrn28_10", "resnext50_32x4d", "mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0"],
)
@pytest.mark.parametrize("size", [(1, 1), (17, 17), (33, 46)])
def test_nets_with_padding_take_any_size(name: str, size: tuple[int, int]) -> None:
    survey = CATALOG[name].function(None).on(2, *size, classes=3)
    assert str(survey.output) == "3"
    assert survey.unseen is None


def test_patches_that_do_not_come_out_even_are_refused_with_sizes_that_do() -> None:
    for size, fits in (((225, 225), "input 3x224x224, input 3x228x228"), ((33, 47), "input 3x32x44, input 3x36x48")):
        with pytest.raises(FitError, match=r"stem.conv1 \(conv 96 4x4 stride 4\) never sees row") as caught:
            CATALOG["convnext_tiny"].function(10).on(3, *size)
        assert fits in str(caught.value)
    with pytest.raises(FitError, match="What fits: input 3x32x32"):
        CATALOG["convnext_tiny"].function(10).on(3, 16, 16)


def test_the_table_folds_blocks_that_differ_in_stochastic_depth_alone() -> None:
    table = surveyed("convnext_small").table(120)
    assert "like stage3.1, 26 times" in table
    assert len(table.splitlines()) < 60
    assert "the same as stage2.2" in resnet20().on(3, 32, 32).table(120)
