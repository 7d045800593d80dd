"""Torch modules as people write them by hand, for the tests of adoption. Ten classes, 3x32x32 unless said."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


class LeNet(nn.Module):
    """The tutorial's: functional pools and activations, view(size, -1), F.dropout, log_softmax at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(x.size(0), -1)
        x = F.dropout(F.relu(self.fc1(x)), 0.4, training=self.training)
        return F.log_softmax(self.fc2(x), dim=1)


class BasicBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride > 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


class ResNet(nn.Module):
    """As torchvision writes it: one relu used again, += in place, a shortcut with a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = nn.Sequential(BasicBlock(8, 8), BasicBlock(8, 8))
        self.layer2 = nn.Sequential(BasicBlock(8, 16, 2), BasicBlock(16, 16))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.flatten(self.avgpool(self.layer2(self.layer1(x))), 1))


class Squeeze(nn.Module):
    """Squeeze and excitation by dense layers, with views there and back and expand_as."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, channels // 2)
        self.fc2 = nn.Linear(channels // 2, channels)

    def forward(self, x: Tensor) -> Tensor:
        b, c, _, _ = x.size()
        y = F.adaptive_avg_pool2d(x, 1).view(b, c)
        y = torch.sigmoid(self.fc2(F.relu(self.fc1(y)))).view(b, c, 1, 1)
        return x * y.expand_as(x)


class SENet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.bn = nn.BatchNorm2d(8)
        self.se = Squeeze(8)
        self.fc = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.se(self.bn(self.conv(x)).relu()).mean([2, 3]))


class SqueezeThrice(nn.Module):
    """The same in other ways: keepdim, None in an index, squeeze by squeeze."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.fc1 = nn.Linear(8, 8)
        self.fc2 = nn.Conv2d(8, 8, 1)
        self.fc = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = x * self.fc1(x.mean((2, 3)))[:, :, None, None].sigmoid()
        x = x * self.fc2(x.mean((-1, -2), keepdim=True)).sigmoid()
        return self.fc(F.adaptive_max_pool2d(x, 1).squeeze(-1).squeeze(-1))


class DenseLayer(nn.Module):
    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.conv = nn.Conv2d(inputs, 4, 3, padding="same")

    def forward(self, features: list[Tensor]) -> Tensor:
        return self.conv(F.relu(self.norm(torch.cat(features, 1))))


class DenseNet(nn.Module):
    """As torchvision writes it: a list that grows, laid together anew in each layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3)
        self.layers = nn.ModuleList([DenseLayer(8), DenseLayer(12), DenseLayer(16)])
        self.head = nn.Linear(20, 10)

    def forward(self, x: Tensor) -> Tensor:
        features = [self.stem(x)]
        for layer in self.layers:
            features.append(layer(features))
        return self.head(torch.cat(features, 1).mean((2, 3)))


class Inception(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.branch1 = nn.Conv2d(3, 4, 1)
        self.reduce = nn.Conv2d(3, 4, 1)
        self.branch3 = nn.Conv2d(4, 6, (1, 3), padding=(0, 1))
        self.pool = nn.Conv2d(3, 2, 1)
        self.fc = nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        wide = self.branch3(F.relu(self.reduce(x)))
        pooled = self.pool(F.avg_pool2d(x, 3, stride=1, padding=1))
        x = torch.cat([self.branch1(x), wide, pooled], dim=1)
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), start_dim=1))


class UNet(nn.Module):
    """Skips around two poolings, one way up by a transposed convolution, one by interpolate(size=...)."""

    def __init__(self) -> None:
        super().__init__()
        self.down1 = nn.Conv2d(3, 4, 3, padding=1)
        self.down2 = nn.Conv2d(4, 8, 3, padding=1)
        self.middle = nn.Conv2d(8, 8, 3, padding=1)
        self.merge = nn.Conv2d(16, 8, 3, padding=1)
        self.up = nn.ConvTranspose2d(8, 4, 2, 2)
        self.last = nn.Sequential(nn.Conv2d(8, 10, 3, padding=1), nn.Dropout2d(0.1))

    def forward(self, x: Tensor) -> Tensor:
        first = F.relu(self.down1(x))
        second = F.relu(self.down2(F.max_pool2d(first, 2)))
        x = self.middle(F.max_pool2d(second, 2))
        x = F.interpolate(x, size=second.shape[2:], mode="bilinear", align_corners=False)
        x = self.up(self.merge(torch.cat([x, second], 1)))
        return self.last(torch.cat([x, first], 1)).mean((2, 3))


class Parts(nn.Sequential):
    """A plain row with every kind of activation, norm and pool; parts by number."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 8, 3, stride=2, dilation=2, groups=1, bias=False),
            nn.GroupNorm(2, 8),
            nn.GELU(),
            nn.Conv2d(8, 8, 3, groups=8, padding=1),
            nn.SiLU(),
            nn.LocalResponseNorm(3),
            nn.Identity(),
            nn.AvgPool2d(3, 2, 1, count_include_pad=False),
            nn.LeakyReLU(0.2),
            nn.ReLU6(),
            nn.Hardswish(),
            nn.AdaptiveAvgPool2d((5, 3)),
            nn.AdaptiveAvgPool2d((7, 7)),
            nn.Upsample(scale_factor=2),
            nn.AdaptiveMaxPool2d((7, 7)),
            nn.Tanh(),
            nn.Dropout(0.2),
            nn.Flatten(),
            nn.Linear(8 * 49, 12),
            nn.BatchNorm1d(12, momentum=0.2, eps=1e-3),
            nn.Hardsigmoid(),
            nn.LayerNorm(12, eps=1e-4),
            nn.Sigmoid(),
            nn.Linear(12, 10, bias=False),
        )


class AwkwardNames(nn.Module):
    """Attributes called as things of torch's, of ours, or alike."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Conv2d(3, 4, 3)
        self.shape = nn.Conv2d(4, 4, 3)
        self.relu1 = nn.Conv2d(4, 4, 3)
        self.fc = nn.Linear(4, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(F.relu(self.relu1(F.relu(self.shape(self.net(x))))).mean((2, 3)))


EXPRESSIBLE: list[type[nn.Module]] = [
    LeNet,
    ResNet,
    SENet,
    SqueezeThrice,
    DenseNet,
    Inception,
    UNet,
    Parts,
    AwkwardNames,
]


class Small(nn.Module):
    """What the ones below change something in."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.mix = nn.Conv2d(4, 4, 3, padding=1)
        self.fc = nn.Linear(4, 10)

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.mix(F.relu(self.conv(x))))

    def forward(self, x: Tensor) -> Any:
        return self.fc(self.body(x).mean((2, 3)))


class Shared(Small):
    def body(self, x: Tensor) -> Tensor:
        return self.mix(F.relu(self.mix(F.relu(self.conv(x)))))


class Tied(Small):
    def __init__(self) -> None:
        super().__init__()
        self.other = nn.Conv2d(4, 4, 3, padding=1)
        self.other.weight = self.mix.weight

    def body(self, x: Tensor) -> Tensor:
        return self.other(super().body(x))


class Flow(Small):
    def body(self, x: Tensor) -> Tensor:
        x = super().body(x)
        return x * 2 if x.mean() > 1e9 else x


class Gate(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(4, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gain


class Gated(Small):
    def __init__(self) -> None:
        super().__init__()
        self.gate = Gate()

    def body(self, x: Tensor) -> Tensor:
        return self.gate(super().body(x))


class Crossed(Small):
    """What is read at three places that no tree of branches has."""

    def body(self, x: Tensor) -> Tensor:
        first = self.conv(x)
        second = self.mix(first)
        third = second.tanh()
        return (first + third) * (second + first.sigmoid())


class Hooked(Small):
    def __init__(self) -> None:
        super().__init__()
        self.conv.register_forward_hook(lambda module, given, output: output * 2)


class Deep(Small):
    """Leaves its block out by chance in training, as stochastic depth does."""

    def body(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x if self.training else self.mix(x)


class Attention(Small):
    """Part of it works on a sequence, which is neither a map nor a vector."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(4, 12)

    def body(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(super().body(x), 8)
        q, k, v = self.qkv(x.flatten(2).transpose(1, 2)).chunk(3, dim=-1)
        mixed = torch.softmax(q @ k.transpose(1, 2), -1) @ v
        return mixed.transpose(1, 2).unflatten(2, (4, 4))


CODE: dict[type[nn.Module], str] = {
    Shared: "mix is used 2 times with one set of weights",
    Tied: "mix.weight and other.weight are one and the same weights",
    Flow: "an if or a loop over values",
    Gated: "forward of gate: gate.gain is used by itself",
    Crossed: "which no tree has",
    Hooked: "conv has hooks",
    Deep: "answers otherwise",
    Attention: "numbers arranged anew, from 4x4x4 to 4x16",
}
