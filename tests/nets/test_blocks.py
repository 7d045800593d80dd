"""Whole nets against plain torch, written down from the papers, with the same weights under the publishers' names.

No golden manifest has squeeze and excitation, MBConv or ConvNeXt's block: here they are said a second time, as
functions of published entries and of the strides, kernels and activations that the tables of the papers list.
"""

from __future__ import annotations

import math

import pytest
import torch
from tests.nets.naming import published
from torch import Tensor
from torch.nn import functional

from striate.model.build.model import build
from striate.model.pretrained.key_mapping import arrange
from striate.nets import CATALOG
from striate.spec import Shape

Entries = dict[str, Tensor]


def drawn(name: str, side: int, *, scheme: int = 0) -> tuple[Entries, Tensor, Tensor]:
    """Random entries under published names, pictures, and what our net with those entries answers."""
    entry = CATALOG[name]
    model = build(entry.function(11), Shape(3, side, side)).eval()
    own = {key: value for key, value in model.state_dict().items() if not key.startswith("input.")}
    generator = torch.Generator().manual_seed(5)
    theirs: Entries = {}
    for key, value in published(own, entry.names[scheme]).items():
        noise = torch.randn(value.shape, generator=generator)
        if key.endswith("running_var"):
            theirs[key] = 1 + 0.2 * noise.abs()
        elif value.dim() > 1:
            theirs[key] = noise / math.sqrt(value[0].numel())
        elif key.endswith("num_batches_tracked"):
            theirs[key] = value
        else:
            theirs[key] = (0.0 if key.endswith(("bias", "running_mean")) else 1.0) + 0.2 * noise
    shapes = {key: tuple(value.shape) for key, value in own.items()}
    model.load_state_dict(arrange(theirs, shapes, entry.names, what=name), strict=False)
    pictures = torch.randn(2, 3, side, side, generator=generator)
    with torch.no_grad():
        return theirs, pictures, model(pictures)


def conv(e: Entries, name: str, x: Tensor, *, stride: int = 1, padding: int | None = None) -> Tensor:
    weight = e[f"{name}.weight"]
    if weight.dim() == 2:
        weight = weight[:, :, None, None]
    groups = x.shape[1] // weight.shape[1]
    return functional.conv2d(
        x, weight, e.get(f"{name}.bias"), stride, weight.shape[2] // 2 if padding is None else padding, 1, groups
    )


def batch_norm(e: Entries, name: str, x: Tensor, eps: float) -> Tensor:
    mean, variance, weight, bias = (
        e[f"{name}.{part}"].view(1, -1, 1, 1) for part in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / (variance + eps).sqrt() * weight + bias


def layer_norm(e: Entries, name: str, x: Tensor) -> Tensor:
    """Over the second axis."""
    variance, mean = torch.var_mean(x, 1, correction=0, keepdim=True)
    shape = (1, -1) + (1,) * (x.dim() - 2)
    return (x - mean) / (variance + 1e-6).sqrt() * e[f"{name}.weight"].view(shape) + e[f"{name}.bias"].view(shape)


def hard_sigmoid(x: Tensor) -> Tensor:
    return (x + 3).clamp(0, 6) / 6


def close(ours: Tensor, theirs: Tensor) -> None:
    assert float(theirs.std()) > 1e-3  # there is something to compare
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5 * float(theirs.abs().max()))


# Strides and activations (H for h-swish) of table 1 and table 2 of Howard et al. 2019, block by block.
MOBILENET_V3 = {
    "mobilenet_v3_large": ("121211211111211", "RRRRRRHHHHHHHHH"),
    "mobilenet_v3_small": ("22121111211", "RRRHHHHHHHH"),
}


@pytest.mark.parametrize("name", MOBILENET_V3)
def test_mobilenet_v3(name: str) -> None:
    e, x, ours = drawn(name, 96)

    def conv_norm(name: str, x: Tensor, *, stride: int = 1, bend: str = "") -> Tensor:
        x = batch_norm(e, f"{name}.1", conv(e, f"{name}.0", x, stride=stride), 0.001)
        return x * hard_sigmoid(x) if bend == "H" else x.clamp(min=0) if bend == "R" else x

    x = conv_norm("features.0", x, stride=2, bend="H")
    strides, bends = MOBILENET_V3[name]
    for number, (stride, bend) in enumerate(zip(map(int, strides), bends, strict=True), 1):
        block, y = f"features.{number}.block", x
        places = sorted({int(key.split(".")[3]) for key in e if key.startswith(f"{block}.")})
        for place in places:
            here = f"{block}.{place}"
            if f"{here}.fc1.weight" in e:
                weigh = conv(e, f"{here}.fc1", y.mean((2, 3), keepdim=True)).clamp(min=0)
                y = y * hard_sigmoid(conv(e, f"{here}.fc2", weigh))
                continue
            depthwise = e[f"{here}.0.weight"].shape[1] == 1
            y = conv_norm(here, y, stride=stride if depthwise else 1, bend="" if place == places[-1] else bend)
        x = x + y if x.shape == y.shape and stride == 1 else y
    x = conv_norm(f"features.{len(strides) + 1}", x, bend="H").mean((2, 3))
    x = functional.linear(x, e["classifier.0.weight"], e["classifier.0.bias"])
    x = x * hard_sigmoid(x)
    close(ours, functional.linear(x, e["classifier.3.weight"], e["classifier.3.bias"]))


@pytest.mark.parametrize("name", ["efficientnet_b0", "efficientnet_b2"])
def test_efficientnet(name: str) -> None:
    e, x, ours = drawn(name, 64, scheme=1)  # under timm's names

    def norm(name: str, x: Tensor, *, bend: bool = True) -> Tensor:
        x = batch_norm(e, name, x, 1e-5)
        return x * x.sigmoid() if bend else x

    x = norm("bn1", conv(e, "conv_stem", x, stride=2))
    for stage, stride in enumerate((1, 2, 2, 2, 1, 2, 1)):
        count = len({key.split(".")[2] for key in e if key.startswith(f"blocks.{stage}.")})
        for number in range(count):
            block, y = f"blocks.{stage}.{number}", x
            step = 1 if number else stride
            widens = f"{block}.conv_pwl.weight" in e
            if widens:
                y = norm(f"{block}.bn1", conv(e, f"{block}.conv_pw", y))
            y = norm(f"{block}.bn{2 if widens else 1}", conv(e, f"{block}.conv_dw", y, stride=step))
            weigh = conv(e, f"{block}.se.conv_reduce", y.mean((2, 3), keepdim=True))
            y = y * conv(e, f"{block}.se.conv_expand", weigh * weigh.sigmoid()).sigmoid()
            last, project = ("bn3", "conv_pwl") if widens else ("bn2", "conv_pw")
            y = norm(f"{block}.{last}", conv(e, f"{block}.{project}", y), bend=False)
            x = x + y if x.shape == y.shape and step == 1 else y
    x = norm("bn2", conv(e, "conv_head", x)).mean((2, 3))
    close(ours, functional.linear(x, e["classifier.weight"], e["classifier.bias"]))


def test_convnext() -> None:
    e, x, ours = drawn("convnext_tiny", 64, scheme=2)  # under its authors' names
    for stage, count in enumerate((3, 3, 9, 3)):
        if stage == 0:
            x = layer_norm(e, "downsample_layers.0.1", conv(e, "downsample_layers.0.0", x, stride=4, padding=0))
        else:
            x = layer_norm(e, f"downsample_layers.{stage}.0", x)
            x = conv(e, f"downsample_layers.{stage}.1", x, stride=2, padding=0)
        for number in range(count):
            block = f"stages.{stage}.{number}"
            y = conv(e, f"{block}.pwconv1", layer_norm(e, f"{block}.norm", conv(e, f"{block}.dwconv", x)))
            y = conv(e, f"{block}.pwconv2", y * 0.5 * (1 + torch.erf(y / math.sqrt(2))))
            x = x + y * e[f"{block}.gamma"].view(1, -1, 1, 1)
    x = layer_norm(e, "norm", x.mean((2, 3)))
    close(ours, functional.linear(x, e["head.weight"], e["head.bias"]))


def test_wide_resnet_for_cifar() -> None:
    """Pre-activation: what enters the first block of a stage is normed for its shortcut too."""
    model = build(CATALOG["wrn28_10"].function(10), Shape(3, 8, 8)).eval()
    e = model.state_dict()
    for key, value in e.items():
        if key.endswith("running_var"):
            value.mul_(1.3)
        elif key.endswith("running_mean"):
            value.add_(0.1)
    x = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        ours = model(x)
        x = conv(e, "stem", x)
        for stage, stride in ((1, 1), (2, 2), (3, 2)):
            for number in range(1, 5):
                block = f"stage{stage}.{number}"
                first = number == 1
                y = batch_norm(e, f"{block}.batchnorm1" if first else f"{block}.body.batchnorm1", x, 1e-5).clamp(min=0)
                step = stride if first else 1
                z = conv(e, f"{block}.body.conv1", y, stride=step)
                z = batch_norm(e, f"{block}.body.batchnorm{1 if first else 2}", z, 1e-5).clamp(min=0)
                z = conv(e, f"{block}.body.conv2", z)
                x = z + (conv(e, f"{block}.shortcut", y, stride=step, padding=0) if first else x)
        x = batch_norm(e, "batchnorm1", x, 1e-5).clamp(min=0).mean((2, 3))
        close(ours, functional.linear(x, e["head.weight"], e["head.bias"]))
