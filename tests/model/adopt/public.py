"""Torch modules as the public writes them: in the styles of timm, Hugging Face, Lightning, tutorials and papers.

Each takes 3x32x32 and answers three classes, by the output named beside it where it has several.
"""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils import parametrizations
from torch.nn.utils import spectral_norm as old_spectral_norm
from torch.nn.utils import weight_norm as old_weight_norm
from torch.optim.swa_utils import AveragedModel

CLASSES = 3


def plain() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, CLASSES),
    )


class Base(nn.Module):
    """A trunk and a head that the ones below work with."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.fc = nn.Linear(6, CLASSES)

    def trunk(self, x: Tensor) -> Tensor:
        return F.relu(self.conv(x))

    def forward(self, x: Tensor) -> Any:
        return self.fc(self.trunk(x).mean((2, 3)))


class Labels(Base):
    """Returns a loss beside the logits where labels are given."""

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Any:
        logits = super().forward(x)
        return logits if labels is None else (logits, F.cross_entropy(logits, labels))


class Masked(Base):
    def forward(self, x: Tensor, mask: Tensor | None = None, *, scale: float = 1.0) -> Any:
        h = self.trunk(x)
        if mask is not None:
            h = h * mask
        if scale != 1.0:
            h = h * scale
        return self.fc(h.mean((2, 3)))


class ModelOutput(OrderedDict[str, Any]):
    """Keys, attributes and places, as transformers has them; what is None is left out."""

    def __init__(self, **values: Any) -> None:
        super().__init__({name: value for name, value in values.items() if value is not None})

    def __getattr__(self, name: str) -> Any:
        return self.get(name)


class Transformers(Base):
    def __init__(self) -> None:
        super().__init__()
        self.config = SimpleNamespace(use_return_dict=True, problem_type=None)

    def forward(
        self,
        pixel_values: Tensor | None = None,
        labels: Tensor | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> Any:
        return_dict = return_dict if return_dict is not None else self.config.use_return_dict
        if pixel_values is None:
            raise ValueError("You have to specify pixel_values")
        hidden = self.trunk(pixel_values)
        logits = self.fc(hidden.mean((2, 3)))
        loss = None if labels is None else F.cross_entropy(logits, labels)
        if not return_dict:
            return (logits,) if loss is None else (loss, logits)
        return ModelOutput(loss=loss, logits=logits, hidden_states=hidden if output_hidden_states else None)


@dataclass
class Outputs:
    features: Tensor
    logits: Tensor


class WithDataclass(Base):
    def forward(self, x: Tensor) -> Any:
        h = self.trunk(x).mean((2, 3))
        return Outputs(h, self.fc(h))


Pair = namedtuple("Pair", ["logits", "aux"])


class WithNamedTuple(Base):
    def forward(self, x: Tensor) -> Any:
        h = self.trunk(x)
        return Pair(self.fc(h.mean((2, 3))), h)


class WithDict(Base):
    def forward(self, x: Tensor) -> Any:
        h = self.trunk(x)
        return {"features": h, "logits": self.fc(h.mean((2, 3)))}


class WithTuple(Base):
    def forward(self, x: Tensor) -> Any:
        h = self.trunk(x).mean((2, 3))
        return h, self.fc(h)


class GoogLeNetLike(Base):
    """An auxiliary head in training alone."""

    def __init__(self) -> None:
        super().__init__()
        self.aux = nn.Linear(6, CLASSES)

    def forward(self, x: Tensor) -> Any:
        h = self.trunk(x).mean((2, 3))
        return (self.fc(h), self.aux(h)) if self.training else self.fc(h)


class Lightning(nn.Module):
    """Wraps a net, with a loss, a metric, hyperparameters and a trainer that is not there."""

    def __init__(self) -> None:
        super().__init__()
        self.net = plain()
        self.loss = nn.CrossEntropyLoss(weight=torch.ones(CLASSES))
        self.hparams = {"lr": 1e-3}

    @property
    def trainer(self) -> Any:
        raise RuntimeError("Lightning is not attached to a Trainer")

    def forward(self, x: Tensor) -> Any:
        return self.net(x)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        x, y = batch
        return self.loss(self(x), y)


class DropPath(nn.Module):
    def __init__(self, share: float = 0.1) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        if self.share == 0.0 or not self.training:
            return x
        keep = 1 - self.share
        return x * x.new_empty((x.shape[0], 1, 1, 1)).bernoulli_(keep) / keep


class ConvNeXtBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.fc1, self.act, self.fc2 = nn.Linear(channels, 12), nn.GELU(), nn.Linear(12, channels)
        self.gamma = nn.Parameter(1e-2 * torch.ones(channels))
        self.drop_path = DropPath()

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x
        x = self.conv_dw(x).permute(0, 2, 3, 1)
        x = self.fc2(self.act(self.fc1(self.norm(x)))) * self.gamma
        return shortcut + self.drop_path(x.permute(0, 3, 1, 2))


class ConvNeXt(Base):
    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.Sequential(ConvNeXtBlock(6), ConvNeXtBlock(6))

    def trunk(self, x: Tensor) -> Tensor:
        return self.stages(self.conv(x))


class Attention(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads, self.scale = heads, (dim // heads) ** -0.5
        self.qkv, self.proj = nn.Linear(dim, dim * 3), nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        batch, count, dim = x.shape
        qkv = self.qkv(x).reshape(batch, count, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        x = F.scaled_dot_product_attention(q, k, v)
        return self.proj(x.transpose(1, 2).reshape(batch, count, dim))


class VisionTransformer(nn.Module):
    def __init__(self, dim: int = 8) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, dim, 8, stride=8)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.randn(1, 17, dim) * 0.02)
        self.norm1, self.attn = nn.LayerNorm(dim), Attention(dim, 2)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, CLASSES)

    def forward_features(self, x: Tensor) -> Tensor:
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1) + self.pos_embed
        return self.norm(x + self.attn(self.norm1(x)))

    def forward(self, x: Tensor) -> Any:
        return self.head(self.forward_features(x)[:, 0])


class BatchNormAct(nn.BatchNorm2d):
    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(super().forward(x))


class Normed(Base):
    def __init__(self) -> None:
        super().__init__()
        self.bn = BatchNormAct(6)

    def trunk(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class ConvSame(nn.Conv2d):
    """TensorFlow's padding, by the size of what comes."""

    def forward(self, x: Tensor) -> Tensor:
        high, wide = x.size()[-2:]
        down = max((-(high // -self.stride[0]) - 1) * self.stride[0] + self.kernel_size[0] - high, 0)
        right = max((-(wide // -self.stride[1]) - 1) * self.stride[1] + self.kernel_size[1] - wide, 0)
        x = F.pad(x, [right // 2, right - right // 2, down // 2, down - down // 2])
        return F.conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class Same(Base):
    def __init__(self) -> None:
        super().__init__()
        self.conv = ConvSame(3, 6, 3, stride=2)


class MultiHead(Base):
    def __init__(self) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(6, 2, batch_first=True)

    def forward(self, x: Tensor) -> Any:
        tokens = F.avg_pool2d(self.trunk(x), 4).flatten(2).transpose(1, 2)
        mixed, _ = self.attn(tokens, tokens, tokens)
        return self.fc((tokens + mixed).mean(1))


class Encoder(Base):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 12, batch_first=True), 2)

    def forward(self, x: Tensor) -> Any:
        return self.fc(self.encoder(F.avg_pool2d(self.trunk(x), 4).flatten(2).transpose(1, 2)).mean(1))


class Einsum(Base):
    """The weights of a layer that is never called."""

    def forward(self, x: Tensor) -> Any:
        return torch.einsum("nchw,kc->nk", self.trunk(x), self.fc.weight) / 256 + self.fc.bias


class InPlace(Base):
    """Normalises what it is given, where it lies."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x.sub_(0.1).div_(0.5))


class ReluFirst(Base):
    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Any:
        return super().forward(self.relu(x)) + x.mean((1, 2, 3))[:, None]


class Recurrent(Base):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(6, 6, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(12, CLASSES)

    def forward(self, x: Tensor) -> Any:
        out, _ = self.rnn(self.trunk(x).mean(2).transpose(1, 2))
        return self.fc(out[:, -1])


class Twice(Base):
    def __init__(self) -> None:
        super().__init__()
        self.again = nn.Conv2d(6, 6, 3, padding=1)

    def trunk(self, x: Tensor) -> Tensor:
        x = super().trunk(x)
        for _ in range(3):
            x = F.relu(self.again(x))
        return x


class Spare(Base):
    """With parts that its forward never uses."""

    def __init__(self) -> None:
        super().__init__()
        self.old = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5))
        self.alone = nn.Parameter(torch.zeros(7))


class Gained(Spare):
    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(6, 1, 1))

    def trunk(self, x: Tensor) -> Tensor:
        return super().trunk(x) * self.gain


class Frozen(Gained):
    """A trunk that is not trained, and a bias."""

    def __init__(self) -> None:
        super().__init__()
        self.conv.requires_grad_(False)
        self.fc.bias.requires_grad_(False)


class Tied(Base):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Conv2d(6, 6, 1), nn.Conv2d(6, 6, 1)
        self.other.weight = self.one.weight

    def trunk(self, x: Tensor) -> Tensor:
        return self.other(self.one(super().trunk(x)))


class Lists(Base):
    """Parameters in lists and dictionaries, parts chosen by name, a layer called by keyword, an embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.gains = nn.ParameterList([torch.ones(6), torch.zeros(6)])
        self.scales = nn.ParameterDict({"a": torch.ones(1)})
        self.parts = nn.ModuleDict({"act": nn.PReLU(6), "unused": nn.Linear(2, 2)})
        self.token = nn.Embedding(2, 6)

    def forward(self, x: Tensor) -> Any:
        x = self.parts["act"](self.conv(input=x)).mean((2, 3))
        x = x * self.gains[0] + self.gains[1] + self.token(torch.zeros(1, dtype=torch.long)) * self.scales["a"]
        return self.fc(input=x)


class Sobel(Base):
    """A fixed filter as a buffer."""

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernel", torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]).repeat(3, 1, 1, 1))

    def forward(self, x: Tensor) -> Any:
        return super().forward(F.conv2d(x, self.kernel, padding=1, groups=3))


class LogSoftmax(Base):
    def forward(self, x: Tensor) -> Any:
        return F.log_softmax(super().forward(x), dim=-1)


class Floors(nn.Sequential):
    """Pools that round down: rows 30 and 31 and the same columns are never seen."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 4, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 4, 3),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(144, CLASSES),
        )


def parametrised(wrap: Callable[..., nn.Module]) -> Callable[[], nn.Module]:
    def made() -> nn.Module:
        module = Base()
        module.conv, module.fc = wrap(module.conv), wrap(module.fc)  # type: ignore[assignment]
        module(torch.zeros(1, 3, 32, 32))  # as after use: the old kind then holds a computed weight
        return module

    return made


# Each with the output that answers, and whether it becomes a net.
ZOO: dict[str, tuple[Callable[[], Any], str | int | None, bool]] = {
    "labels": (Labels, None, True),
    "mask": (Masked, None, True),
    "transformers": (Transformers, "logits", True),
    "dataclass": (WithDataclass, "logits", True),
    "named tuple": (WithNamedTuple, "logits", True),
    "dict": (WithDict, "logits", True),
    "tuple": (WithTuple, 1, True),
    "tuple from behind": (WithTuple, -1, True),
    "auxiliary head": (GoogLeNetLike, 0, True),
    "lightning": (Lightning, None, True),
    "convnext": (ConvNeXt, None, False),
    "vision transformer": (VisionTransformer, None, False),
    "norm with act": (Normed, None, False),
    "same padding": (Same, None, False),
    "multi-head": (MultiHead, None, False),
    "encoder": (Encoder, None, False),
    "einsum": (Einsum, None, False),
    "in place": (InPlace, None, False),
    "relu first": (ReluFirst, None, False),
    "recurrent": (Recurrent, None, False),
    "twice": (Twice, None, False),
    "spare": (Spare, None, True),
    "gained": (Gained, None, False),
    "frozen": (Frozen, None, False),
    "tied": (Tied, None, False),
    "lists": (Lists, None, False),
    "sobel": (Sobel, None, False),
    "log_softmax": (LogSoftmax, None, True),
    "floors": (Floors, None, True),
    "weight norm": (parametrised(parametrizations.weight_norm), None, False),
    "spectral norm": (parametrised(parametrizations.spectral_norm), None, False),
    "old weight norm": (parametrised(old_weight_norm), None, False),
    "old spectral norm": (parametrised(old_spectral_norm), None, False),
    "scripted": (lambda: torch.jit.script(plain()), None, False),
    "traced": (lambda: torch.jit.trace(plain().eval(), torch.zeros(1, 3, 32, 32)), None, False),
    "compiled": (lambda: torch.compile(plain()), None, True),
    "several devices": (lambda: nn.DataParallel(plain()), None, True),
    "averaged": (lambda: AveragedModel(plain()), None, True),
    "averaged compiled": (lambda: AveragedModel(torch.compile(plain())), None, True),
}
