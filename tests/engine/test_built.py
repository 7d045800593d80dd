"""The engine with the real thing: nets built from text, side heads, pictures from a store."""

from __future__ import annotations

import itertools

import torch

from striate.engine.fit import begin, fit, watch
from striate.engine.infer import infer
from striate.model.build import build
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
    return begin(model, toy.plain.changed(**changes), data.store, data.targets, data.split)


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


def test_balanced_weights_have_one_for_each_class(toy):
    assert begun(toy, class_weights="balanced").class_weights.shape == (3,)


def test_logits_and_embeddings_of_a_built_net(toy):
    training = begun(toy, epochs=1)
    list(fit(training))
    logits, embeddings = infer(training.final_model(), training.store, training.split.val)
    assert logits.shape == (12, 3) and embeddings.shape == (12, 36)
