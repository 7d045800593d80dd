"""Progressive resizing: the right size at every step, what it costs, and a resume in the middle of it to the bit."""

from __future__ import annotations

import json

import pytest
import torch
from tests.configs import config
from torch import nn

from striate.data.batches.warp import shrunk
from striate.engine import progressive
from striate.engine.fit import Step, fit, watch
from striate.errors import RecipeError
from striate.recipe import Recipe
from striate.tasks.task import LabelFacts
from striate.train_config import TrainConfig
from striate.verbs.plan import plan

STAGES = ((0.25, 4), (0.5, 5))


TEN = LabelFacts(tuple("abcdefghij"))


def pooled() -> nn.Module:
    torch.manual_seed(7)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    )


def test_each_update_learns_at_its_size(make):
    training = make(net=pooled(), progressive=STAGES, epochs=2, batch=10)  # eight updates
    seen = []
    training.model.body[0].register_forward_pre_hook(
        lambda module, args: seen.append(tuple(args[0].shape[2:])) if training.model.training else None
    )
    list(fit(training))
    assert seen == [(4, 4)] * 2 + [(5, 5)] * 2 + [(6, 6)] * 4


def test_resumes_in_the_middle_to_the_bit(make):
    recipe = {"progressive": STAGES, "epochs": 2, "batch": 10, "augment": "light", "optimiser": "muon"}
    whole = make(net=pooled(), **recipe)
    states = [whole.state() for event in watch(whole, interval=0) if isinstance(event, Step)]
    end = whole.final_model().state_dict()
    for tensors, facts in states:
        again = make(net=pooled(), **recipe)
        again.load_state(tensors, json.loads(json.dumps(facts)))
        list(fit(again))
        assert all(torch.equal(end[name], value) for name, value in again.final_model().state_dict().items())


def test_a_pixel_is_the_mean_of_those_it_stands_for():
    inputs = torch.randn(2, 3, 8, 12)
    assert all(progressive.size((8, 12), longer) == (8, 12) for longer in (None, 12, 99))
    assert shrunk(inputs, (8, 12)) is inputs
    halved = shrunk(inputs, progressive.size((8, 12), 6))
    assert halved.shape == (2, 3, 4, 6)
    flat = shrunk(torch.full((1, 1, 9, 9), 2.5), (4, 4))
    assert flat.flatten().tolist() == pytest.approx([2.5] * 16)
    # Antialiased: a grid finer than the new pixels becomes gray, where sampling would pick one side of it.
    grid = torch.tensor([0.0, 1.0]).repeat(16).expand(1, 1, 32, 32)
    assert shrunk(grid, (8, 8))[..., 1:-1].std() < 0.01


def test_work_counts_pixels():
    recipe = config(progressive=((0.5, 14), (0.75, 20)))
    assert progressive.work(config(), 3, 10, 10, (28, 28)) == 7
    assert progressive.work(recipe, 0, 8, 8, (28, 28)) == pytest.approx(4 * 0.25 + 2 * 400 / 784 + 2)
    assert progressive.work(recipe, 3, 5, 8, (28, 28)) == pytest.approx(0.25 + 400 / 784)
    assert progressive.size((28, 21), 14) == (14, 10)


@pytest.mark.parametrize("stages", [((0.5, 16), (0.5, 20)), ((0.2, 20), (0.5, 16)), ((0.0, 16),)])
def test_stages_rise(stages):
    with pytest.raises(RecipeError, match="must rise"):
        Recipe().changed(progressive=stages)


def settled(**changes) -> TrainConfig:
    facts = {"pictures": 1000, "height": 28, "width": 28, "uniform": True, "gray": True}
    return Recipe(source="digits", task="classify", **changes).settled(**facts)


def test_a_net_that_cannot_be_smaller_is_refused_before_the_pictures_are_read():
    plan(settled(progressive=((0.5, 14),)), TEN)
    with pytest.raises(RecipeError, match=r"at 16x16 the net has .* parameters and at 28x28 .* global pooling"):
        plan(
            settled(progressive=((0.5, 16),), net="conv 8 3x3 >> relu >> flatten >> dense"),
            TEN,
        )
    with pytest.raises(RecipeError, match="does not take pictures of 14x14"):
        plan(
            settled(progressive=((0.5, 14),), net="conv 8 17x17 >> globalmaxpool >> flatten >> dense"),
            TEN,
        )
    with pytest.raises(RecipeError, match=r"28 pixels until 0.5 of the steps, and the pictures have 28"):
        plan(settled(progressive=((0.5, 28),)), TEN)
