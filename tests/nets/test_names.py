"""Publishers' names, written out by hand for whole families, against the tensors of our nets: each exactly once."""

from __future__ import annotations

import re
from itertools import product

import pytest
import torch
from tests.nets.test_golden import empty, shapes

from striate.errors import ModelError
from striate.model.pretrained.key_mapping import arrange, renamed
from striate.nets import CATALOG

CONV, DENSE = ("weight", "bias"), ("weight", "bias")
BARE = ("weight",)  # a convolution without bias
NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def every(text: str, tensors: tuple[str, ...]) -> list[str]:
    """``a{1,2}.b`` with every alternative, and each with every tensor."""
    pieces = [piece.split(",") for piece in re.split(r"[{}]", text)]
    return [f"{''.join(chosen)}.{tensor}" for chosen in product(*pieces) for tensor in tensors]


def vgg(convs: str, norms: str = "", dense: str = "classifier.{0,3,6}") -> list[str]:
    features = every(f"features.{{{convs}}}", CONV) + every(dense, DENSE)
    return features + (every(f"features.{{{norms}}}", NORM) if norms else [])


def timm(names: list[str]) -> list[str]:
    return [name for name in names if name.startswith("features")] + every(
        "{pre_logits.fc1,pre_logits.fc2,head.fc}", DENSE
    )


def squeezenet(fires: str) -> list[str]:
    return every("{features.0,classifier.1}", CONV) + every(
        f"features.{{{fires}}}.{{squeeze,expand1x1,expand3x3}}", CONV
    )


def densenet(*depths: int, dot: str = "") -> list[str]:
    names = every("features.conv0", BARE) + every("features.{norm0,norm5}", NORM) + every("classifier", DENSE)
    names += every("features.transition{1,2,3}.conv", BARE) + every("features.transition{1,2,3}.norm", NORM)
    for block, depth in enumerate(depths, 1):
        for layer in range(1, depth + 1):
            prefix = f"features.denseblock{block}.denselayer{layer}."
            names += every(f"{prefix}conv{dot}{{1,2}}", BARE) + every(f"{prefix}norm{dot}{{1,2}}", NORM)
    return names


def units(*texts: str) -> list[str]:
    return [name for text in texts for name in every(f"{text}.conv", BARE) + every(f"{text}.bn", NORM)]


GOOGLENET = [
    *units(
        "conv{1,2,3}",
        "inception{3a,3b,4a,4b,4c,4d,4e,5a,5b}.branch{1,2.0,2.1,3.0,3.1,4.1}",
        "aux{1,2}.conv",
    ),
    *every("{aux1.fc1,aux1.fc2,aux2.fc1,aux2.fc2,fc}", DENSE),
]
INCEPTION = [
    *units(
        "Conv2d_{1a_3x3,2a_3x3,2b_3x3,3b_1x1,4a_3x3}",
        "Mixed_5{b,c,d}.branch{1x1,5x5_1,5x5_2,3x3dbl_1,3x3dbl_2,3x3dbl_3,_pool}",
        "Mixed_6a.branch{3x3,3x3dbl_1,3x3dbl_2,3x3dbl_3}",
        "Mixed_6{b,c,d,e}.branch{1x1,7x7_1,7x7_2,7x7_3,7x7dbl_1,7x7dbl_2,7x7dbl_3,7x7dbl_4,7x7dbl_5,_pool}",
        "Mixed_7a.branch{3x3_1,3x3_2,7x7x3_1,7x7x3_2,7x7x3_3,7x7x3_4}",
        "Mixed_7{b,c}.branch{1x1,3x3_1,3x3_2a,3x3_2b,3x3dbl_1,3x3dbl_2,3x3dbl_3a,3x3dbl_3b,_pool}",
        "AuxLogits.{conv0,conv1}",
    ),
    *every("{fc,AuxLogits.fc}", DENSE),
]
VGG = {
    "vgg11": vgg("0,3,6,8,11,13,16,18"),
    "vgg13": vgg("0,2,5,7,10,12,15,17,20,22"),
    "vgg16": vgg("0,2,5,7,10,12,14,17,19,21,24,26,28"),
    "vgg19": vgg("0,2,5,7,10,12,14,16,19,21,23,25,28,30,32,34"),
    "vgg11_bn": vgg("0,4,8,11,15,18,22,25", "1,5,9,12,16,19,23,26"),
    "vgg13_bn": vgg("0,3,7,10,14,17,21,24,28,31", "1,4,8,11,15,18,22,25,29,32"),
    "vgg16_bn": vgg("0,3,7,10,14,17,20,24,27,30,34,37,40", "1,4,8,11,15,18,21,25,28,31,35,38,41"),
    "vgg19_bn": vgg("0,3,7,10,14,17,20,23,27,30,33,36,40,43,46,49", "1,4,8,11,15,18,21,24,28,31,34,37,41,44,47,50"),
}
FILES: dict[str, tuple[str, list[str]]] = {  # what it is -> the net, and the names in the file
    "alexnet": ("alexnet", every("features.{0,3,6,8,10}", CONV) + every("classifier.{1,4,6}", DENSE)),
    **{name: (name, names) for name, names in VGG.items()},
    **{f"{name} of timm": (name, timm(names)) for name, names in VGG.items()},
    "googlenet": ("googlenet", GOOGLENET),
    "inception_v3": ("inception_v3", INCEPTION),
    "squeezenet1_0": ("squeezenet1_0", squeezenet("3,4,5,7,8,9,10,12")),
    "squeezenet1_1": ("squeezenet1_1", squeezenet("3,4,6,7,9,10,11,12")),
    "densenet121": ("densenet121", densenet(6, 12, 24, 16)),
    "densenet169": ("densenet169", densenet(6, 12, 32, 32)),
    "densenet201": ("densenet201", densenet(6, 12, 48, 32)),
    "densenet121 of old": ("densenet121", densenet(6, 12, 24, 16, dot=".")),
}


@pytest.mark.parametrize("what", FILES)
def test_every_name_is_a_tensor_and_every_tensor_a_name(what: str) -> None:
    net, names = FILES[what]
    ours = shapes(empty(net, CATALOG[net].input))
    read = [renamed(dict.fromkeys(names), scheme) for scheme in CATALOG[net].names]
    fitting = [list(one.values()) for one in read if None not in one.values()]
    assert len(fitting) == 1, [[name for name, own in one.items() if own is None][:5] for one in read]
    assert sorted(map(str, fitting[0])) == sorted(ours)


def test_a_convolution_over_the_whole_map_becomes_the_dense_layer() -> None:
    values = torch.arange(2.0 * 3 * 4).reshape(2, 3, 2, 2)
    scheme = {"pre_logits.fc1": "dense1"}
    taken = arrange({"pre_logits.fc1.weight": values}, {"dense1.weight": (2, 12)}, [scheme], what="it")["dense1.weight"]
    picture = torch.randn(1, 3, 2, 2)
    flat = torch.nn.functional.linear(picture.flatten(1), taken)
    assert torch.allclose(flat, torch.nn.functional.conv2d(picture, values).flatten(1))
    with pytest.raises(ModelError, match="another width"):
        arrange({"pre_logits.fc1.weight": values}, {"dense1.weight": (4, 6)}, [scheme], what="it")


def test_entries_of_one_shape_go_where_they_belong() -> None:
    # By shape alone these could be exchanged; which is which is written out by hand here.
    read = renamed(dict.fromkeys(GOOGLENET), CATALOG["googlenet"].names[0])
    assert read["inception4e.branch2.1.bn.weight"] == "inception4e.branch2.batchnorm2.weight"
    assert read["inception4e.branch4.1.conv.weight"] == "inception4e.branch4.conv1.weight"
    assert read["aux2.fc1.bias"] == "aux2.dense1.bias"
    read = renamed(dict.fromkeys(INCEPTION), CATALOG["inception_v3"].names[0])
    assert read["Mixed_7c.branch3x3_2a.conv.weight"] == "mixed7c.branch3x3.a.conv1.weight"
    assert read["Mixed_7c.branch3x3dbl_3b.conv.weight"] == "mixed7c.double3x3.b.conv1.weight"
    assert read["Mixed_6d.branch7x7dbl_4.bn.bias"] == "mixed6d.double7x7.batchnorm4.bias"
    assert read["AuxLogits.conv1.conv.weight"] == "aux.conv2.weight"
    read = renamed(dict.fromkeys(densenet(6, 12, 24, 16)), CATALOG["densenet121"].names[0])
    assert read["features.denseblock3.denselayer21.norm2.running_var"] == "block3.21.grow.batchnorm2.running_var"
    read = renamed(dict.fromkeys(VGG["vgg19_bn"]), CATALOG["vgg19_bn"].names[0])
    assert read["features.50.weight"] == "stage5.batchnorm4.weight"
