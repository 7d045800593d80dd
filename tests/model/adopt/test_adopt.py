"""Modules written by hand, read into nets: the same numbers, the same parameters; and what is no net is said."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from tests.model.adopt.adoptees import CODE, EXPRESSIBLE, AwkwardNames, LeNet, Parts, ResNet, Small, UNet
from tests.strategies import cases
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from striate import spec
from striate.model.adopt.express import Expressed, express
from striate.model.adopt.operations import UnsupportedOpError
from striate.model.build.model import build
from striate.spec import Net, Shape, parse
from striate.spec.values import is_uneven

SHAPE = Shape(3, 32, 32)
OURS = (  # words that torch has no layer for
    spec.MinPool,
    spec.GlobalMinPool,
    spec.Subsample,
    spec.ScaledTanh,
    spec.LocalResponseNorm,
    spec.Rbf,
    spec.LayerNorm,
    spec.LayerScale,
    spec.DropPath,
    spec.PadChannels,
    spec.Crop,
)


def trained(kind: type[nn.Module]) -> nn.Module:
    """A module whose weights and statistics are not those it begins with."""
    torch.manual_seed(1)
    module = kind().train()
    with torch.no_grad():
        for tensor in module.state_dict().values():
            if tensor.is_floating_point() and tensor.dim() == 1:
                tensor.add_(0.3 * torch.rand_like(tensor))
        module(torch.randn(4, *SHAPE))
    return module.eval()


@pytest.mark.parametrize("kind", EXPRESSIBLE, ids=lambda kind: kind.__name__)
def test_a_net_that_answers_as_the_module_does(kind: type[nn.Module]) -> None:
    module = trained(kind)
    before = copy.deepcopy(module.state_dict())
    expressed = express(module, SHAPE)
    net = expressed.net
    assert parse(str(net)) == net
    survey = net.on(SHAPE, fit="floor")
    assert survey.parameters == sum(parameter.numel() for parameter in module.parameters())
    model = expressed.load(build(net, SHAPE, seed=5), module).eval()
    pictures = torch.randn(5, *SHAPE)
    with torch.no_grad():
        wanted, given = module(pictures), model(pictures)
        given = given.log_softmax(1) if kind is LeNet else given
        torch.testing.assert_close(given, wanted, rtol=1e-5, atol=1e-5)
        # MACs, counted from what torch's own layers put out.
        assert survey.macs == macs(module, pictures[:1])
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert not module.training


def macs(module: nn.Module, picture: Tensor) -> int:
    total = 0

    def count(layer: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.ConvTranspose2d):
            total += given[0].numel() * layer.weight[0].numel()
        elif isinstance(layer, nn.Conv2d | nn.Linear):
            total += output.numel() * layer.weight[0].numel()

    hooks = [layer.register_forward_hook(count) for layer in module.modules()]
    module(picture)
    for hook in hooks:
        hook.remove()
    return total


@pytest.mark.parametrize("kind", [ResNet, UNet, Parts], ids=lambda kind: kind.__name__)
def test_the_same_step_of_training(kind: type[nn.Module]) -> None:
    """Gradients of every weight agree, so training the net is training the module."""
    module = trained(kind)
    for part in module.modules():
        if isinstance(part, nn.Dropout | nn.Dropout2d):
            part.p = 0.0
    expressed = express(module, SHAPE)
    model = expressed.load(build(expressed.net, SHAPE), module)
    pictures, targets = torch.randn(6, *SHAPE), torch.arange(6)
    for each in (module, model):
        F.cross_entropy(each.train()(pictures), targets).backward()
    theirs = dict(module.named_parameters())
    for name, parameter in model.named_parameters():
        source = expressed.names[name]
        assert source is not None and parameter.grad is not None and theirs[source].grad is not None
        wanted = theirs[source].grad
        assert wanted is not None
        scale = max(float(wanted.abs().max()), 1e-3)  # a bias before a norm has none but rounding
        assert float((parameter.grad - wanted.reshape(parameter.shape)).abs().max()) < 1e-3 * scale, name


def test_names_are_the_authors_where_they_can_be() -> None:
    net = express(trained(ResNet), SHAPE).net
    assert str(net).startswith("conv1: conv 8 3x3 pad 1 no bias >> bn1: batchnorm >> relu >> maxpool 3x3")
    assert str(net).endswith("globalavgpool >> flatten >> fc: dense 10")
    awkward = express(trained(AwkwardNames), SHAPE)
    assert len({name for name in awkward.names.values() if name}) == 8


def uneven(padding: object) -> bool:
    """Whether a convolution so padded is a module of ours, which `express` does not know."""
    return padding == "same" or is_uneven(padding)


@settings(max_examples=40, deadline=None)
@given(case=cases())
def test_any_net_of_ours_is_read_back_from_its_module(case: tuple[Net, Shape]) -> None:
    """A module made of a net, which `express` knows nothing of, gives a net of the same survey."""
    net, shape = case
    try:
        read = express(build(net, shape).eval(), shape).net
    except UnsupportedOpError:
        assert any(
            isinstance(layer, OURS) or (isinstance(layer, spec.Conv) and (layer.connections or uneven(layer.padding)))
            for layer in net.layers()
        )
        return
    there, here = net.on(shape, fit="floor"), read.on(shape, fit="floor")
    main = [row for row in there.rows if not row.auxiliary]
    assert (here.output, here.unseen) == (there.output, there.unseen)
    assert here.parameters == sum(row.parameters for row in main)
    assert here.macs == sum(row.macs or 0 for row in main)


class Own(nn.Conv2d):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1)


class Scaled(Own):
    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input) * 2


def test_a_class_made_from_a_layer_is_that_layer_unless_it_works_otherwise() -> None:
    module = Small()
    module.conv, module.mix = Own(3, 4), Own(4, 4)
    assert str(express(module, SHAPE).net) == str(express(Small(), SHAPE).net)
    module.mix = Scaled(4, 4)
    with pytest.raises(UnsupportedOpError, match=r"forward of mix: mix\.weight is used by itself"):
        express(module, SHAPE)


def test_weights_go_back_into_the_module() -> None:
    module = trained(Parts)
    expressed = express(module, SHAPE)
    model = build(expressed.net, SHAPE, seed=9).eval()
    expressed.give_back(model, module)
    pictures = torch.randn(3, *SHAPE)
    with torch.no_grad():
        torch.testing.assert_close(module(pictures), model(pictures), rtol=1e-5, atol=1e-5)


def test_what_is_left_out_is_said() -> None:
    assert any("log_softmax" in note for note in express(trained(LeNet), SHAPE).notes)

    class Spare(Small):
        def __init__(self) -> None:
            super().__init__()
            self.spare = nn.Linear(3, 3)

    assert express(Spare(), SHAPE).notes == ("spare is never used in its forward, and is left out",)
    frozen = Small()
    frozen.conv.requires_grad_(False)
    (note,) = express(frozen, SHAPE).notes
    assert note == "conv.weight and 1 more do not learn in the module, and will in the net"


@pytest.mark.parametrize(("kind", "reason"), CODE.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_no_net_is_said(kind: type[nn.Module], reason: str) -> None:
    with pytest.raises(UnsupportedOpError, match=reason):
        express(kind().eval(), SHAPE)


class Wrong(Small):
    """Does something else in training than the trace can show."""

    steps = 0

    def body(self, x: Tensor) -> Tensor:
        self.steps += 1
        return super().body(x) * 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect"), "padded by 'reflect'"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)), "running statistics"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.PReLU()), "PReLU is not a layer"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.GELU("tanh")), "approximation tanh"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveMaxPool2d(7)), "adaptive pool of 30x30 to 7x7"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.Softmax(3)), "softmax over axis 3"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_a_layer_that_differs_is_said(change: nn.Module, reason: str) -> None:
    module = Small()
    module.conv = change  # type: ignore[assignment]
    with pytest.raises(UnsupportedOpError, match=reason):
        express(module.eval(), SHAPE)


def test_a_number_in_a_sum_or_product_is_said() -> None:
    with pytest.raises(UnsupportedOpError, match="multiply of a tensor and 1"):
        express(Wrong().eval(), SHAPE)


def test_a_wrong_reading_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof is by numbers: a table that takes tanh for relu is found out."""
    from striate.model.adopt import operations

    monkeypatch.setitem(operations.FUNCTIONS, F.relu, operations.FUNCTIONS[torch.tanh])
    with pytest.raises(UnsupportedOpError, match="a net read from it answers otherwise, by"):
        express(trained(Small), SHAPE)


def test_random_numbers_stay_where_they_were() -> None:
    module = trained(LeNet)
    torch.manual_seed(3)
    wanted = torch.rand(3)
    torch.manual_seed(3)
    assert isinstance(express(module, SHAPE), Expressed)
    assert torch.equal(torch.rand(3), wanted)
