"""The engine with the real thing: nets built from text, side heads, pictures from a store."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tests.objectives import of_classes
from torch.nn import functional

from striate.data.batches.pca import principal_components
from striate.data.pictures.preprocess import Preprocess
from striate.engine.fit import begin, fit, watch
from striate.engine.infer import infer
from striate.model.build.model import build
from striate.spec.notation import parse
from striate.spec.shape import Shape

NET = """
conv 4 3x3 pad 1 >> batchnorm >> relu >> side 0.3 (globalavgpool >> flatten >> dense)
>> 2 * (conv 4 3x3 pad 1 >> groupnorm 2 >> silu + identity) >> dropout 0.2 >> maxpool 2 >> flatten >> dense
"""


def begun(toy, **changes):
    data = toy.pictures()
    model = build(parse(NET), Shape(1, 6, 6), classes=3, seed=1)
    changes = {"augment": "light", "optimiser": "adamw", "learning_rate": 0.01, "epochs": 6} | changes
    return begin(model, toy.plain.changed(**changes), data.store, of_classes(data.targets), data.split)


def test_a_built_net_learns_and_resumes_to_the_bit(toy):
    training = begun(toy, ema=0.9)
    events = watch(training, interval=0)
    list(itertools.islice(events, 9))
    state = training.state()
    assert state[1]["step"] == 3 and state[1]["epochs_done"] == 1
    epochs = list(fit(training))
    assert epochs[-1].val_loss < epochs[0].val_loss and epochs[-1].metrics["accuracy"] > 0.8
    again = begun(toy, ema=0.9)
    again.load_state(*state)
    assert list(fit(again))[-1].val_loss == epochs[-1].val_loss
    for name, tensor in training.model.state_dict().items():
        assert torch.equal(tensor, again.model.state_dict()[name]), name


def test_side_heads_are_trained(toy):
    training = begun(toy, epochs=1)
    before = {name: tensor.clone() for name, tensor in training.model.state_dict().items()}
    list(fit(training))
    moved = {name for name, tensor in training.model.named_parameters() if not torch.equal(tensor, before[name])}
    assert moved == {name for name, _ in training.model.named_parameters()}


def test_the_side_heads_part_of_the_loss_is_told_apart(toy):
    """No step is taken and nothing is random, so an epoch's losses can be asked of the model by hand."""
    net = parse(NET.replace("dropout 0.2", "identity"))
    for accumulate in (1, 3):  # also where a batch is computed in parts
        data = toy.pictures()
        model = build(net, Shape(1, 6, 6), classes=3, seed=1)
        model.get_submodule("batchnorm1").eval()  # its statistics would be of another batch
        model.get_submodule("batchnorm1").train = lambda mode=True: None
        recipe = toy.plain.changed(learning_rate=1e-30, epochs=1, batch=8, accumulate=accumulate)
        (epoch,) = fit(begin(model, recipe, data.store, of_classes(data.targets), data.split))
        model.training = True
        pixels = torch.from_numpy(data.store.pixels[:40]).permute(0, 3, 1, 2)
        with torch.no_grad():
            main, ((head, weight),) = model.outputs(model.normalise(pixels))
        targets = torch.from_numpy(data.targets[:40])
        ours, side = (float(functional.cross_entropy(logits, targets)) for logits in (main, head))
        assert weight == 0.3
        assert epoch.side_loss == pytest.approx(0.3 * side, rel=1e-4)
        assert epoch.train_loss == pytest.approx(ours + 0.3 * side, rel=1e-4)


def test_a_net_without_side_heads_has_no_part_of_them(make):
    assert [epoch.side_loss for epoch in fit(make(epochs=1))] == [None]


def test_a_state_of_two_sums_is_still_read(toy):
    """What versions before the side heads' part have kept, in the middle of an epoch."""
    training = begun(toy)
    events = watch(training, interval=0)
    list(itertools.islice(events, 2))
    tensors, facts = training.state()
    old = {name: t[:2] if name.endswith("sums") else t for name, t in tensors.items()}
    assert len(tensors["sums"]) == 3 and facts["step"] == 2
    epochs = list(fit(training))
    again = begun(toy)
    again.load_state(old, facts)
    assert [epoch.train_loss for epoch in fit(again)] == [epoch.train_loss for epoch in epochs]


def test_balanced_weights_have_one_for_each_class(toy):
    assert begun(toy, class_weights="balanced").weights.shape == (3,)


def test_logits_and_embeddings_of_a_built_net(toy):
    training = begun(toy, epochs=1)
    list(fit(training))
    logits, embeddings = infer(training.final_model(), training.store, training.split.val)
    assert logits.shape == (12, 3) and embeddings.shape == (12, 36)


def coloured(toy, **changes):
    """A training on pictures whose colours vary mostly in brightness, as photos do."""
    _, targets, split = toy.pictures()
    random = np.random.default_rng(0)
    values = random.normal(128, 50, (52, 6, 6, 1)) + random.normal(0, 15, (52, 6, 6, 3)) + targets[:, None, None, None]
    store = SimpleNamespace(pixels=values.clip(0, 255).astype(np.uint8), digests=())
    seen_as = Preprocess(6, 6, 3, mean=(0.5, 0.4, 0.3), std=(0.2, 0.25, 0.5))
    model = build(parse(NET), Shape(3, 6, 6), classes=3, preprocess=seen_as, seed=1)
    recipe = toy.plain.changed(augment="alexnet-2012", flip=True, learning_rate=0.01, **changes)
    return begin(model, recipe, store, of_classes(targets), split)


def test_colour_components_are_those_of_the_training_pictures_on_the_scale_of_the_net(toy):
    training = coloured(toy)
    expected = principal_components(training.store.pixels, training.split.train) / np.array([[0.2], [0.25], [0.5]])
    assert np.array(training.augment.components) == pytest.approx(expected, rel=1e-5)
    assert training.augment.pca == 0.1 and training.augment.flip


def test_a_training_under_changed_colours_resumes_to_the_bit(toy):
    training = coloured(toy)
    events = watch(training, interval=0)
    list(itertools.islice(events, 8))
    state = training.state()
    assert state[1]["step"] > 0  # in the middle of an epoch
    list(fit(training))
    again = coloured(toy)
    again.load_state(*state)
    list(fit(again))
    for name, tensor in training.model.state_dict().items():
        assert torch.equal(tensor, again.model.state_dict()[name]), name


def test_a_net_is_trained_by_the_papers_rmsprop_and_resumes_with_more_epochs(toy):
    fields = {"optimiser": "rmsprop", "alpha": 0.9, "eps": 1.0, "clip": 2.0, "schedule": "exponential", "gamma": 0.5}
    training = begun(toy, **fields, epochs=4)
    rates = [epoch.learning_rate for epoch in fit(training)]
    assert rates == pytest.approx([0.01, 0.005, 0.0025, 0.00125])
    longer = begun(toy, **fields, epochs=5)
    longer.load_state(*training.state())
    assert [epoch.learning_rate for epoch in fit(longer)] == pytest.approx([0.000625])  # the same fall goes on
