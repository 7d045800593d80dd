"""The catalogue: published networks and our own, each a function that returns a net. No torch.

To add one: a file with the function, and a line in `CATALOG`.

    >>> from striate import nets
    >>> nets.lenet5().on(1, 28, 28).parameters
    61706
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from striate import files
from striate.errors import DescribeError, NotationError
from striate.nets.airbench import airbench94
from striate.nets.alexnet import TORCHVISION as ALEXNET
from striate.nets.alexnet import alexnet, alexnet_2012
from striate.nets.convnext import NAMES as _CONVNEXT
from striate.nets.convnext import convnext_small, convnext_tiny
from striate.nets.densenet import TORCHVISION as DENSENET
from striate.nets.densenet import densenet
from striate.nets.efficientnet import NAMES as _EFFICIENTNET
from striate.nets.efficientnet import efficientnet_b0, efficientnet_b1, efficientnet_b2
from striate.nets.efficientnet_lite import efficientnet_lite0, efficientnet_lite1, efficientnet_lite2
from striate.nets.efficientnet_lite import names as lite_names
from striate.nets.googlenet import TORCHVISION as GOOGLENET
from striate.nets.googlenet import googlenet
from striate.nets.house_resnet import resnet
from striate.nets.inception import TORCHVISION as INCEPTION
from striate.nets.inception import inception_v3
from striate.nets.lenet5 import lenet5, lenet5_1998
from striate.nets.mobilenet_v2 import NAMES as _MOBILENET_V2
from striate.nets.mobilenet_v2 import mobilenet_v2
from striate.nets.mobilenet_v3 import LARGE_NAMES as _MOBILENET_V3_LARGE
from striate.nets.mobilenet_v3 import SMALL_NAMES as _MOBILENET_V3_SMALL
from striate.nets.mobilenet_v3 import mobilenet_v3_large, mobilenet_v3_small
from striate.nets.resnet_cifar import NAMES as _RESNET_CIFAR
from striate.nets.resnet_cifar import resnet20, resnet32, resnet44, resnet56, resnet110
from striate.nets.resnet_imagenet import NAMES as _RESNET
from striate.nets.resnet_imagenet import resnet18, resnet34, resnet50, resnet101, resnet152
from striate.nets.resnext import resnext50_32x4d, resnext101_32x8d
from striate.nets.small import small, tiny
from striate.nets.squeezenet import TORCHVISION_1_0, TORCHVISION_1_1, squeezenet1_0, squeezenet1_1
from striate.nets.unet import unet, unet_2015
from striate.nets.unet_small import unet_small
from striate.nets.vgg import names as vgg_names
from striate.nets.vgg import vgg
from striate.nets.wide_resnet import wide_resnet50_2, wide_resnet101_2, wrn28_10
from striate.spec import Net, Shape, parse

__all__ = [
    "CATALOG",
    "Entry",
    "airbench94",
    "alexnet",
    "alexnet_2012",
    "convnext_small",
    "convnext_tiny",
    "densenet",
    "efficientnet_b0",
    "efficientnet_b1",
    "efficientnet_b2",
    "efficientnet_lite0",
    "efficientnet_lite1",
    "efficientnet_lite2",
    "googlenet",
    "inception_v3",
    "lenet5",
    "lenet5_1998",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "resnet",
    "resnet18",
    "resnet20",
    "resnet32",
    "resnet34",
    "resnet44",
    "resnet50",
    "resnet56",
    "resnet101",
    "resnet110",
    "resnet152",
    "resnext50_32x4d",
    "resnext101_32x8d",
    "resolve",
    "small",
    "squeezenet1_0",
    "squeezenet1_1",
    "tiny",
    "unet",
    "unet_2015",
    "unet_small",
    "vgg",
    "wide_resnet50_2",
    "wide_resnet101_2",
    "wrn28_10",
]

LARGEST_FILE = 1_000_000  # bytes; the text of a net is a few thousand


class Entry(NamedTuple):
    """A net of the catalogue. ``function(classes)`` makes it; None leaves the number of classes open."""

    function: Callable[[int | None], Net]
    summary: str
    paper: str
    year: int
    input: Shape  # what it was published for
    classes: int = 10  # what it was published for
    accuracy: str = ""  # as published, with the data: "ImageNet top-1 76.13 %"
    names: tuple[Mapping[str, str | None], ...] = ()  # how publishers name its weights: model/pretrained/key_mapping.py
    also: tuple[Shape, ...] = ()  # other inputs that its published weights were trained and measured at


def _top1(percent: float) -> str:
    return f"ImageNet top-1 {percent:.2f} % (torchvision weights)"


_LENET = "LeCun et al., Gradient-Based Learning Applied to Document Recognition"
_RESIDUAL = "He et al., Deep Residual Learning for Image Recognition"
_WIDE = "Zagoruyko and Komodakis, Wide Residual Networks"
_NEXT = "Xie et al., Aggregated Residual Transformations for Deep Neural Networks"
_V2 = "Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks"
_V3 = "Howard et al., Searching for MobileNetV3"
_SCALING = "Tan and Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"
_LITE = "Liu, Higher Accuracy on Vision Models with EfficientNet-Lite"
_2020S = "Liu et al., A ConvNet for the 2020s"


def _imagenet(
    function: Callable[[int | None], Net],
    summary: str,
    paper: str,
    year: int,
    top1: float,
    names: tuple[Mapping[str, str | None], ...],
    *,
    side: int = 224,
) -> Entry:
    """A net for ImageNet; `top1` in percent is what torchvision measured with its first weights of the net."""
    accuracy = f"ImageNet top-1 {top1:.2f} % (torchvision V1 weights)"
    return Entry(function, summary, paper, year, Shape(3, side, side), 1000, accuracy, names)


def _cifar(
    function: Callable[[int | None], Net],
    summary: str,
    paper: str,
    year: int,
    accuracy: float,
    table: str,
    names: tuple[Mapping[str, str | None], ...],
) -> Entry:
    """A net for CIFAR-10; `accuracy` in percent is its paper's."""
    told = f"CIFAR-10 {accuracy:.2f} % (paper, {table})"
    return Entry(function, summary, paper, year, Shape(3, 32, 32), 10, told, names)


_224, _227, _299 = (Shape(3, side, side) for side in (224, 227, 299))
_LENET = "LeCun et al., Gradient-Based Learning Applied to Document Recognition"
_ALEXNET = "Krizhevsky et al., ImageNet Classification with Deep Convolutional Neural Networks"
_ALEXNET_ONE = "Krizhevsky, One Weird Trick for Parallelizing Convolutional Neural Networks"
_VGG = "Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition"
_GOOGLENET = "Szegedy et al., Going Deeper with Convolutions"
_INCEPTION = "Szegedy et al., Rethinking the Inception Architecture for Computer Vision"
_SQUEEZENET = "Iandola et al., SqueezeNet: AlexNet-Level Accuracy with 50x Fewer Parameters and <0.5MB Model Size"
_DENSENET = "Huang et al., Densely Connected Convolutional Networks"
_UNET = "Ronneberger et al., U-Net: Convolutional Networks for Biomedical Image Segmentation"
_AIRBENCH = "Jordan, 94% on CIFAR-10 in 3.29 Seconds on a Single GPU"
_CELLS = "ISBI 2012 membranes, warping error 0.000353 (the paper's, without padding)"


def _vgg(depth: int, top1: float, *, norm: bool = False) -> Entry:
    summary = f"3x3 convolutions, {depth} weight layers{', with batch norm' if norm else ''}"
    function = partial(vgg, depth, norm=norm)
    return Entry(function, summary, _VGG, 2014, _224, 1000, _top1(top1), vgg_names(depth, norm=norm))


def _lite(function: Callable[[int | None], Net], number: int, side: int, depth: float, top1: float) -> Entry:
    """EfficientNet-Lite; `top1` in percent is what its authors measured in float32."""
    told = f"ImageNet top-1 {top1:.1f} % (its authors, float32)"
    size = Shape(3, side, side)
    return Entry(function, f"EfficientNet-Lite{number}", _LITE, 2020, size, 1000, told, (lite_names(depth),))


def _densenet(depth: int, top1: float) -> Entry:
    summary = f"all maps of before in every layer, {depth} weight layers"
    return Entry(partial(densenet, depth), summary, _DENSENET, 2016, _224, 1000, _top1(top1), (DENSENET,))


# fmt: off
CATALOG: dict[str, Entry] = {
    "lenet5": Entry(lenet5, "LeNet-5 as it is usually written now", _LENET, 1998, Shape(1, 28, 28)),
    "lenet5_1998": Entry(lenet5_1998, "LeNet-5 exactly as published", _LENET, 1998, Shape(1, 32, 32)),
    "alexnet": Entry(
        alexnet, "AlexNet for one GPU, as its weights are published", _ALEXNET_ONE, 2014, _224, 1000, _top1(56.52),
        (ALEXNET,),
    ),
    "alexnet_2012": Entry(
        alexnet_2012, "AlexNet exactly as published, in two groups", _ALEXNET, 2012, _227, 1000,
        "ImageNet top-1 59.3 % (the paper's, ten crops)",
    ),
    "vgg11": _vgg(11, 69.02),
    "vgg13": _vgg(13, 69.93),
    "vgg16": _vgg(16, 71.59),
    "vgg19": _vgg(19, 72.38),
    "vgg11_bn": _vgg(11, 70.37, norm=True),
    "vgg13_bn": _vgg(13, 71.59, norm=True),
    "vgg16_bn": _vgg(16, 73.36, norm=True),
    "vgg19_bn": _vgg(19, 74.22, norm=True),
    "googlenet": Entry(
        googlenet, "inception modules, with two auxiliary heads", _GOOGLENET, 2014, _224, 1000, _top1(69.78),
        (GOOGLENET,),
    ),
    "inception_v3": Entry(
        inception_v3, "inception with oblong windows, with an auxiliary head", _INCEPTION, 2015, _299, 1000,
        _top1(77.29), (INCEPTION,),
    ),
    "squeezenet1_0": Entry(
        squeezenet1_0, "few parameters, no dense layer", _SQUEEZENET, 2016, _227, 1000, _top1(58.09),
        (TORCHVISION_1_0,), (_224,),
    ),
    "squeezenet1_1": Entry(
        squeezenet1_1, "SqueezeNet with 2.4 times less work", _SQUEEZENET, 2016, _227, 1000, _top1(58.18),
        (TORCHVISION_1_1,), (_224,),
    ),
    "densenet121": _densenet(121, 74.43),
    "densenet169": _densenet(169, 75.60),
    "densenet201": _densenet(201, 76.90),
    "unet": Entry(unet, "a class for every pixel, padded", _UNET, 2015, Shape(1, 512, 512), 2),
    "unet_2015": Entry(
        unet_2015, "a class for every pixel, exactly as published", _UNET, 2015, Shape(1, 572, 572), 2, _CELLS
    ),
    "tiny": Entry(tiny, "ours, for small gray pictures", "docs/defaults.md", 2026, Shape(1, 28, 28)),
    "small": Entry(small, "ours, for small pictures in colour", "docs/defaults.md", 2026, Shape(3, 32, 32)),
    "resnet": Entry(resnet, "ours, for larger pictures", "docs/defaults.md", 2026, Shape(3, 128, 128)),
    "unet_small": Entry(
        unet_small, "ours, for an answer at every place", "docs/defaults.md", 2026, Shape(1, 256, 256), 2
    ),
    # residual nets
    "resnet18": _imagenet(resnet18, "ResNet-18", _RESIDUAL, 2015, 69.758, _RESNET),
    "resnet34": _imagenet(resnet34, "ResNet-34", _RESIDUAL, 2015, 73.314, _RESNET),
    "resnet50": _imagenet(resnet50, "ResNet-50 (v1.5)", _RESIDUAL, 2015, 76.130, _RESNET),
    "resnet101": _imagenet(resnet101, "ResNet-101 (v1.5)", _RESIDUAL, 2015, 77.374, _RESNET),
    "resnet152": _imagenet(resnet152, "ResNet-152 (v1.5)", _RESIDUAL, 2015, 78.312, _RESNET),
    "resnet20": _cifar(resnet20, "ResNet-20 for CIFAR", _RESIDUAL, 2015, 91.25, "table 6", _RESNET_CIFAR),
    "resnet32": _cifar(resnet32, "ResNet-32 for CIFAR", _RESIDUAL, 2015, 92.49, "table 6", _RESNET_CIFAR),
    "resnet44": _cifar(resnet44, "ResNet-44 for CIFAR", _RESIDUAL, 2015, 92.83, "table 6", _RESNET_CIFAR),
    "resnet56": _cifar(resnet56, "ResNet-56 for CIFAR", _RESIDUAL, 2015, 93.03, "table 6", _RESNET_CIFAR),
    "resnet110": _cifar(resnet110, "ResNet-110 for CIFAR", _RESIDUAL, 2015, 93.57, "table 6", _RESNET_CIFAR),
    "wrn28_10": _cifar(wrn28_10, "WRN-28-10 for CIFAR", _WIDE, 2016, 96.00, "table 5", ()),
    "airbench94": Entry(
        airbench94, "a race to 94 % on CIFAR-10", _AIRBENCH, 2024, Shape(3, 32, 32), 10,
        "CIFAR-10 94.01 % (paper, six views of a picture)",
    ),
    "wide_resnet50_2": _imagenet(wide_resnet50_2, "Wide ResNet-50-2", _WIDE, 2016, 78.468, _RESNET),
    "wide_resnet101_2": _imagenet(wide_resnet101_2, "Wide ResNet-101-2", _WIDE, 2016, 78.848, _RESNET),
    "resnext50_32x4d": _imagenet(resnext50_32x4d, "ResNeXt-50, 32x4d", _NEXT, 2016, 77.618, _RESNET),
    "resnext101_32x8d": _imagenet(resnext101_32x8d, "ResNeXt-101, 32x8d", _NEXT, 2016, 79.312, _RESNET),
    "mobilenet_v2": _imagenet(mobilenet_v2, "MobileNetV2", _V2, 2018, 71.878, _MOBILENET_V2),
    "mobilenet_v3_small": _imagenet(mobilenet_v3_small, "MobileNetV3, small", _V3, 2019, 67.668, _MOBILENET_V3_SMALL),
    "mobilenet_v3_large": _imagenet(mobilenet_v3_large, "MobileNetV3, large", _V3, 2019, 74.042, _MOBILENET_V3_LARGE),
    "efficientnet_b0": _imagenet(efficientnet_b0, "EfficientNet-B0", _SCALING, 2019, 77.692, _EFFICIENTNET),
    "efficientnet_b1": _imagenet(efficientnet_b1, "EfficientNet-B1", _SCALING, 2019, 78.642, _EFFICIENTNET, side=240),
    "efficientnet_b2": _imagenet(efficientnet_b2, "EfficientNet-B2", _SCALING, 2019, 80.608, _EFFICIENTNET, side=288),
    "efficientnet_lite0": _lite(efficientnet_lite0, 0, 224, 1.0, 75.1),
    "efficientnet_lite1": _lite(efficientnet_lite1, 1, 240, 1.1, 76.7),
    "efficientnet_lite2": _lite(efficientnet_lite2, 2, 260, 1.2, 77.6),
    "convnext_tiny": _imagenet(convnext_tiny, "ConvNeXt-T", _2020S, 2022, 82.520, _CONVNEXT),
    "convnext_small": _imagenet(convnext_small, "ConvNeXt-S", _2020S, 2022, 83.616, _CONVNEXT),
}
# fmt: on


def published_at(what: str, shape: Shape) -> bool:
    """Return whether a text names a net of the catalogue, and it was published for inputs of this shape.

    >>> published_at("SqueezeNet1-1", Shape(3, 224, 224)), published_at("squeezenet1_1", Shape(3, 200, 200))
    (True, False)
    """
    entry = CATALOG.get(what.lower().replace("-", "_"))
    return entry is not None and shape in (entry.input, *entry.also)


def resolve(what: str) -> Net:
    """The net that a name of the catalogue, a file with the text of a net, or the text itself stands for.

    A net of the catalogue comes with the number of classes open: `Net.with_classes` or ``on(..., classes=...)`` says
    it. Raises `DescribeError` naming what was tried, `NotationError` pointing at the column of a text.

        >>> resolve("lenet5").with_classes(10) == lenet5()
        True
        >>> print(resolve("conv 6 5 >> relu"))
        conv 6 5x5 >> relu
    """
    name = what.strip()
    entry = CATALOG.get(name.lower().replace("-", "_"))
    if entry is not None:
        return entry.function(None)
    path = Path(name)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # too long or not a path at all: then it is text
        is_file = False
    if is_file:
        return _read(path)
    try:
        return parse(what)
    except NotationError as error:
        if any(character.isspace() for character in name) or not name:
            raise
        raise DescribeError(
            f"{name!r} is neither a net of the catalogue ({_nearest(name)}), nor a file here, nor the text of a net "
            f"({error.reason})"
        ) from None


def _read(path: Path) -> Net:
    try:
        return parse(files.read_text(path, limit=LARGEST_FILE))
    except UnicodeDecodeError:
        raise DescribeError(f"{path} is not text, so it is not the text of a net") from None
    except OSError as error:
        raise DescribeError(f"{path} cannot be read as the text of a net: {error.strerror or error}") from None
    except NotationError as error:
        line = error.text.count("\n", 0, error.column) + 1
        raise NotationError(f"{path}, line {line}: {error.reason}", error.text, error.column) from None


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    found = get_close_matches(name.lower(), CATALOG, n=1)
    return f"did you mean {found[0]}?" if found else "it has " + ", ".join(CATALOG)
