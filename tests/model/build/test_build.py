"""The built model: names, beginnings, taps, sides, embedding, and the ways torch wants to use it."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from striate import nets
from striate.errors import DescribeError, ShapeError
from striate.model.build.model import Model, build, decayed
from striate.spec import (
    BatchNorm,
    Conv,
    ConvTranspose,
    Dense,
    Flatten,
    GlobalAvgPool,
    GroupNorm,
    Identity,
    MaxPool,
    ReLU,
    Shape,
    Sigmoid,
    Subsample,
    add,
    concat,
    side,
)

SHAPE = Shape(3, 12, 10)
BLOCK = (Conv(8, 3, padding=1, bias=False) >> BatchNorm() >> ReLU()).name("body") + Identity()
EXCITE = Identity() * (GlobalAvgPool() >> Conv(2, 1) >> ReLU() >> Conv(8, 1) >> Sigmoid())
NET = (
    Conv(8, 3, padding=1).name("stem")
    >> (2 * BLOCK).name("stage1")
    >> side(GlobalAvgPool() >> Flatten() >> Dense(), weight=0.5)
    >> (EXCITE | Conv(4, 3, padding=1, groups=4))
    >> MaxPool(2)
    >> Flatten()
    >> Dense(16)
    >> ReLU()
    >> Dense()
)


@pytest.fixture
def model() -> Model:
    return build(NET, SHAPE, classes=5, seed=7)


def pictures(count: int = 2, shape: Shape = SHAPE) -> Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(1))


def test_the_names_in_the_state(model: Model) -> None:
    norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    assert list(model.state_dict()) == [
        "input.scale",
        "input.offset",
        "stem.weight",
        "stem.bias",
        *(
            f"stage1.{number}.body.{name}"
            for number in (1, 2)
            for name in ["conv1.weight", *(f"batchnorm1.{each}" for each in norm)]
        ),
        "side1.dense1.weight",
        "side1.dense1.bias",
        "branch1.branch2.conv1.weight",
        "branch1.branch2.conv1.bias",
        "branch1.branch2.conv2.weight",
        "branch1.branch2.conv2.bias",
        "branch2.conv1.weight",
        "branch2.conv1.bias",
        "dense1.weight",
        "dense1.bias",
        "dense2.weight",
        "dense2.bias",
    ]


def test_every_part_has_a_module_and_a_tap_of_its_path(model: Model) -> None:
    modules = dict(model.named_modules())
    for path, _ in model.net.parts():
        assert path in modules
        assert path in model.taps()


def test_the_class_count_is_filled_and_wanted(model: Model) -> None:
    assert model(pictures()).shape == (2, 5)
    assert not model.net.is_open
    with pytest.raises(ShapeError, match="how many"):
        build(NET, SHAPE)


def test_a_net_that_cannot_be_is_refused_as_by_the_survey() -> None:
    with pytest.raises(DescribeError) as told:
        (Conv(4, 3) >> Dense(2)).on(SHAPE)
    with pytest.raises(type(told.value)) as built:
        build(Conv(4, 3) >> Dense(2), SHAPE)
    assert str(built.value) == str(told.value)


# -- where the weights begin -------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(model: Model) -> None:
    again, other = build(NET, SHAPE, classes=5, seed=7), build(NET, SHAPE, classes=5, seed=8)
    for name, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])
        if name.endswith("weight") and value.dim() > 1:
            assert not torch.equal(value, other.state_dict()[name])


def test_a_layer_elsewhere_changes_no_other_weight() -> None:
    before = build(Conv(4, 3).name("a") >> Conv(4, 3).name("b") >> Flatten() >> Dense(2), SHAPE, seed=3)
    longer = (
        Conv(4, 3).name("a") >> Conv(4, 1).name("new") >> BatchNorm() >> Conv(4, 3).name("b") >> Flatten() >> Dense(2)
    )
    after = build(longer, SHAPE, seed=3).state_dict()
    for name, value in before.state_dict().items():
        assert torch.equal(value, after[name]), name


def test_repetitions_and_siblings_begin_differently(model: Model) -> None:
    first, second = (model.get_parameter(f"stage1.{number}.body.conv1.weight") for number in (1, 2))
    assert abs(float(torch.corrcoef(torch.stack((first.flatten(), second.flatten())).detach())[0, 1])) < 0.15


def test_building_leaves_the_global_random_state_alone() -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = build(NET, SHAPE, classes=5)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(6)
    assert torch.equal(build(NET, SHAPE, classes=5).state_dict()["stem.weight"], first.state_dict()["stem.weight"])


def test_the_spread_of_the_first_weights_is_he_for_convolutions_and_lecun_for_dense() -> None:
    net = (
        Conv(64, 3, groups=2).name("conv")
        >> ConvTranspose(32, 3).name("transposed")
        >> Conv(64, 3, connections=[[0, 1, 2, 3]] * 32 + [range(32)] * 32).name("table")
        >> GlobalAvgPool()
        >> Flatten()
        >> Dense(500).name("dense")
    )
    state = build(net, Shape(64, 9, 9)).state_dict()
    table = state["table.weight"]
    for values, variance in (
        (state["conv.weight"], 2 / (32 * 9)),
        (state["transposed.weight"], 2 / (64 * 9)),
        (table[: 4 * 32], 2 / (4 * 9)),
        (table[4 * 32 :], 2 / (32 * 9)),
        (state["dense.weight"], 1 / 64),
    ):
        assert float(values.var()) == pytest.approx(variance, rel=0.12)
        assert abs(float(values.mean())) < 4 * (variance / values.numel()) ** 0.5
    for name in state:
        if name.endswith("bias"):
            assert not state[name].any()


# -- running -----------------------------------------------------------------------------------------------------


def by_hand(model: Model, inputs: Tensor) -> dict[str, Tensor]:
    """The same net written out, module by module; "stage1" and the like are what their last layer gives."""
    seen = {"input": inputs}
    value = seen["stem"] = model.get_submodule("stem")(inputs)
    for number in (1, 2):
        body = f"stage1.{number}.body"
        inner = seen[f"{body}.conv1"] = model.get_submodule(f"{body}.conv1")(value)
        inner = model.get_submodule(f"{body}.batchnorm1")(inner)
        seen[body] = seen[f"{body}.relu1"] = inner.relu()
        value = seen[f"stage1.{number}"] = seen[f"stage1.{number}.add1"] = seen[body] + value
    seen["stage1"] = value
    seen["side1"] = seen["side1.dense1"] = model.get_submodule("side1.dense1")(value.mean((2, 3)))
    gate = model.get_submodule("branch1.branch2.conv1")(value.mean((2, 3), keepdim=True)).relu()
    gate = seen["branch1.branch2"] = model.get_submodule("branch1.branch2.conv2")(gate).sigmoid()
    seen["branch1"] = value * gate
    seen["branch2"] = seen["branch2.conv1"] = model.get_submodule("branch2.conv1")(value)
    value = torch.nn.functional.max_pool2d(torch.cat((seen["branch1"], seen["branch2"]), 1), 2)
    seen["maxpool1"] = value
    value = seen["relu1"] = model.get_submodule("dense1")(value.flatten(1)).relu()
    seen["dense2"] = model.get_submodule("dense2")(value)
    return seen


def test_taps_are_what_a_forward_by_hand_gives(model: Model) -> None:
    model.eval()
    expected = by_hand(model, pictures())
    logits, seen = model.forward_with(pictures(), list(expected))
    assert list(seen) == list(expected)
    for path, value in expected.items():
        torch.testing.assert_close(seen[path], value, msg=path)
    assert torch.equal(logits, model(pictures()))


def test_only_the_taps_asked_for_are_kept(model: Model) -> None:
    kept = model._main.run(pictures(), keep=frozenset((model._taps["stem"],)))
    assert set(kept) == {model._taps["stem"], model._main.output}


def test_the_plan_holds_no_value_longer_than_it_is_read(model: Model) -> None:
    # Of a long row, never more than what one layer reads and writes.
    alive, most = 0, 0
    chain = build(20 * Conv(3, 3, padding=1), SHAPE)

    def count(module: nn.Module, given: tuple[Tensor, ...], put: Tensor) -> None:
        nonlocal alive, most
        alive += 1
        most = max(most, alive)

        def gone() -> None:
            nonlocal alive
            alive -= 1

        weakref.finalize(put, gone)

    for _, module in chain.named_modules():
        if not list(module.children()):
            module.register_forward_hook(count)  # type: ignore[arg-type]
    with torch.no_grad():
        chain(pictures())
    assert most <= 2


def test_an_unknown_tap_is_told_with_what_is_near(model: Model) -> None:
    with pytest.raises(DescribeError, match=r"no part 'stage1\.3'.*stage1\.2"):
        model.forward_with(pictures(), ["stage1.3"])


def test_side_heads_speak_in_training_only(model: Model) -> None:
    ran: list[str] = []
    model.get_submodule("side1.dense1").register_forward_hook(lambda *_: ran.append("side"))
    inputs = pictures()
    model.eval()
    quiet = model.outputs(inputs)
    assert quiet.sides == () and torch.equal(quiet.main, model(inputs)) and ran == []
    model.train()
    model(inputs)
    assert ran == []
    main, sides = model.outputs(inputs)
    assert ran == ["side"] and main.shape == (2, 5)
    ((head, weight),) = sides
    assert weight == 0.5 and head.shape == (2, 5)
    (main.sum() + head.sum()).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_the_embedding_is_what_goes_into_the_last_dense_layer(model: Model) -> None:
    model.eval()
    assert model.embedding_part == "dense2"
    logits, embedding = model.embed(pictures())
    expected = by_hand(model, pictures())
    torch.testing.assert_close(embedding, expected["relu1"])
    torch.testing.assert_close(logits, expected["dense2"])


def test_without_a_dense_layer_the_embedding_is_what_the_last_convolution_sees() -> None:
    model = build(Conv(6, 3) >> ReLU() >> Conv(4, 1) >> GlobalAvgPool() >> Flatten(), SHAPE)
    logits, embedding = model.embed(pictures())
    assert model.embedding_part == "conv2" and logits.shape == (2, 4)
    torch.testing.assert_close(embedding, model.forward_with(pictures(), ["relu1"])[1]["relu1"].mean((2, 3)))


def test_pixels_are_normalised_by_scale_and_offset() -> None:
    class Prepared:
        def scale_and_offset(self) -> tuple[np.ndarray, np.ndarray]:
            return np.float32([1, 2, 0.5]), np.float32([0, -1, 3])

    model = build(NET, SHAPE, classes=5, preprocess=Prepared())  # type: ignore[arg-type]
    pixels = torch.randint(0, 256, (2, 3, 12, 10), dtype=torch.uint8)
    got = model.normalise(pixels)
    assert got.dtype == torch.float32
    expected = pixels.float() * torch.tensor([1, 2, 0.5]).view(3, 1, 1) + torch.tensor([0.0, -1, 3]).view(3, 1, 1)
    torch.testing.assert_close(got, expected)
    plain = build(NET, SHAPE, classes=5).normalise(torch.full((1, 3, 2, 2), 255, dtype=torch.uint8))
    torch.testing.assert_close(plain, torch.ones(1, 3, 2, 2))
    with pytest.raises(ShapeError, match="3 channels and the net takes 1"):
        build(Flatten() >> Dense(2), Shape(1, 4, 4), preprocess=Prepared())  # type: ignore[arg-type]


def test_weight_decay_is_for_weights_only(model: Model) -> None:
    with_decay, without = decayed(model)
    assert set(with_decay) | set(without) == {name for name, _ in model.named_parameters()}
    assert all(name.endswith("weight") and "batchnorm" not in name for name in with_decay)
    assert all(name.endswith("bias") or "batchnorm" in name for name in without)
    assert decayed(build(Subsample(2) >> GroupNorm(3), SHAPE))[0] == ()
    assert decayed(build(Conv(2, 3, connections=[[0], [1, 2]]), SHAPE)) == (("conv1.weight",), ("conv1.bias",))


@pytest.mark.parametrize("name", ["forward", "net", "train", "training", "half", "embed"])
def test_a_name_that_is_taken_is_refused(name: str) -> None:
    with pytest.raises(DescribeError, match=f"no part can be named '{name}'"):
        build((Conv(3, 3) >> ReLU()).name(name), SHAPE)


def test_lenet_as_published_in_1998() -> None:
    model = build(nets.lenet5_1998(), Shape(1, 32, 32), classes=10)
    assert sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad) == 60_000
    logits = model(torch.randn(2, 1, 32, 32))
    assert logits.shape == (2, 10) and bool((logits <= 0).all())


@pytest.mark.parametrize("name", nets.CATALOG)
def test_every_net_of_the_catalogue_runs(name: str) -> None:
    entry = nets.CATALOG[name]
    survey = entry.function(3).on(entry.input)
    assert survey.output is not None
    # The largest run without numbers, in shapes alone: `tests/nets` runs them with the published ones.
    device = "meta" if survey.parameters > 2e7 or survey.macs > 2e9 else "cpu"
    with torch.device(device):
        model = build(entry.function(None), entry.input, classes=3).eval()
    with torch.no_grad():
        logits, embedding = model.embed(pictures(1, entry.input).to(device))
    assert logits.shape == (1, *survey.output) and survey.output.channels == 3 and embedding.dim() == 2
    assert device == "meta" or bool(logits.isfinite().all())


def test_lenet_as_it_is_usual_today() -> None:
    model = build(nets.lenet5(), Shape(1, 28, 28), classes=10)
    assert sum(parameter.numel() for parameter in model.parameters()) == 61_706
    assert model(torch.randn(2, 1, 28, 28)).shape == (2, 10)


def test_a_part_says_what_it_reads() -> None:
    net = Conv(4, 3) >> add(Conv(4, 1), Identity()) >> ReLU() >> concat(Identity(), Conv(2, 1))
    model = build(net, Shape(3, 8, 8))
    paths = [row.path for row in net.on(3, 8, 8).rows]
    assert model.reads(paths[0]) == ("input",)
    assert model.reads("add1") == (paths[1], paths[2]) and model.reads("relu1") == ("add1",)
    assert model.reads("concat1") == (paths[5], paths[6])
    for path in paths:  # what a layer reads is what it makes its output of
        if path in dict(model.named_modules()):
            inputs = pictures(1, Shape(3, 8, 8))
            _, seen = model.forward_with(inputs, [path, *model.reads(path)])
            assert torch.equal(model.get_submodule(path)(seen[model.reads(path)[0]]), seen[path])
    with pytest.raises(DescribeError, match="no layer or join 'conv9'"):
        model.reads("conv9")
