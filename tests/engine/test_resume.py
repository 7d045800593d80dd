"""A training that is stopped anywhere and resumed ends as the one that was not, to the bit."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
import torch

from striate.engine.fit import Epoch, Recovered, Step, fit, watch
from striate.engine.state import Training
from striate.errors import TrainingError


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Whether two sets of tensors are equal to the bit (NaN included, -0.0 and 0.0 told apart)."""
    return one.keys() == other.keys() and all(
        one[name].dtype == other[name].dtype
        and one[name].contiguous().numpy().tobytes() == other[name].contiguous().numpy().tobytes()
        for name in one
    )


def all_states(training: Training) -> tuple[list[tuple[dict[str, torch.Tensor], str]], list[Any]]:
    """Run to the end; return the state at the beginning and after every step and epoch, and the epochs."""
    states, epochs = [training.state()], []
    for event in watch(training, interval=0):
        states.append(training.state())
        if isinstance(event, Epoch):
            epochs.append(event)
    return [(tensors, json.dumps(facts)) for tensors, facts in states], epochs


OPTIMISERS = ("sgd", "muon", "rmsprop", "adam", "adamw")
SCHEDULES = ("constant", "step", "cosine", "one-cycle")


@pytest.mark.parametrize(("optimiser", "schedule"), list(itertools.product(OPTIMISERS, SCHEDULES)))
@pytest.mark.parametrize("extras", [{}, {"ema": 0.9, "accumulate": 2, "clip": 0.5, "batch": 4, "patience": 5}])
def test_resumes_to_the_bit_from_every_step_and_epoch(make, optimiser, schedule, extras):
    recipe: dict[str, Any] = dict(
        optimiser=optimiser, schedule=schedule, warmup=0.2, augment="light", label_smoothing=0.1, epochs=2, **extras
    )
    whole = make(**recipe)
    states, epochs = all_states(whole)
    assert len(states) == 1 + 2 * (whole.steps + 1)
    end = dict(whole.final_model().state_dict())
    for tensors, text in states[::3] + states[-2:]:
        torch.manual_seed(len(text))  # whatever the process drew before has no say
        again = make(**recipe)
        again.load_state({name: tensor.clone() for name, tensor in tensors.items()}, json.loads(text))
        later = list(fit(again))
        assert same(end, dict(again.final_model().state_dict()))
        assert same(states[-1][0], again.state()[0])
        for mine, theirs in zip(reversed(later), reversed(epochs), strict=False):
            assert (mine.train_loss, mine.val_loss) == (theirs.train_loss, theirs.val_loss)
            assert mine.metrics == theirs.metrics


def test_the_state_is_flat_tensors_and_json(make):
    training = make(optimiser="adam", ema=0.9, patience=3)
    events = watch(training, interval=0)
    while training.step < 2 or training.epochs_done < 1:
        next(events)
    tensors, facts = training.state()
    assert json.loads(json.dumps(facts)) == facts
    assert all(isinstance(t, torch.Tensor) and t.is_contiguous() and t.device.type == "cpu" for t in tensors.values())
    assert facts["step"] == 2 and facts["good"]["step"] == 0 and facts["threads"] == torch.get_num_threads()
    names = set(tensors)
    assert {"weights.body.0.weight", "average.body.1.running_mean", "optimiser.body.0.weight.exp_avg"} <= names
    assert {"optimiser.body.0.weight.step", "sums", "best.body.0.weight", "good.weights.body.0.weight"} <= names
    assert not any(name.startswith("good.best") for name in names)


def test_taking_the_state_changes_nothing(make):
    quiet, asked = make(optimiser="adamw", ema=0.9), make(optimiser="adamw", ema=0.9)
    list(fit(quiet))
    all_states(asked)
    assert same(quiet.state()[0], asked.state()[0])


def test_the_callers_generators_are_neither_used_nor_moved(make):
    training = make(augment="standard")
    torch.manual_seed(5)
    before = torch.get_rng_state()
    list(fit(training))
    assert torch.equal(before, torch.get_rng_state())


def test_closing_in_the_middle_and_watching_again_is_no_different(make):
    whole, broken = make(), make()
    list(fit(whole))
    for stop in (3, 1, 6):
        events = watch(broken, interval=0)
        list(itertools.islice(events, stop))
        events.close()
    list(fit(broken))
    assert same(dict(whole.model.state_dict()), dict(broken.model.state_dict()))


def test_an_interrupt_inside_a_step_goes_back_to_the_last_good_state(make, monkeypatch):
    whole, hurt = make(optimiser="adam"), make(optimiser="adam")
    list(fit(whole))
    events = watch(hurt, interval=0)
    for event in events:
        if isinstance(event, Step) and (event.epoch, event.step) == (2, 2):
            break
    step = hurt.optimiser.step

    def interrupted() -> None:
        step()
        raise KeyboardInterrupt

    monkeypatch.setattr(hurt.optimiser, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(events)
    monkeypatch.undo()
    tensors, facts = hurt.state()
    assert (facts["epochs_done"], facts["step"]) == (1, 0)
    fresh = make(optimiser="adam")
    fresh.load_state(tensors, facts)
    for training in (hurt, fresh):
        list(fit(training))
        assert same(dict(whole.model.state_dict()), dict(training.model.state_dict()))


def test_an_interrupt_while_evaluating_or_closing_an_epoch_is_no_different(make, monkeypatch):
    whole = make(ema=0.9, patience=3)
    list(fit(whole))
    for place in ("normalise", "_shown", "_capture"):
        hurt = make(ema=0.9, patience=3)
        events = watch(hurt, interval=0)
        for event in events:
            if isinstance(event, Step) and (event.epoch, event.step) == (2, 5):
                break
        owner = hurt.model if place == "normalise" else hurt

        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(owner, place, interrupted)
        with pytest.raises(KeyboardInterrupt):
            next(events)
        monkeypatch.undo()
        fresh = make(ema=0.9, patience=3)
        fresh.load_state(*hurt.state())
        for training in (hurt, fresh):
            assert [epoch.index for epoch in fit(training)] == [2, 3]
            assert same(whole.state()[0], training.state()[0])


def test_more_epochs_may_be_asked_for_and_are_recorded(make):
    short = make(epochs=2, schedule="cosine", ema=0.9)
    list(fit(short))
    longer = make(epochs=4, schedule="cosine", ema=0.9)
    longer.load_state(*short.state())
    assert not longer.done
    assert longer.learning_rate(10) == pytest.approx(0.05 * (1 + 0) / 2)  # half-way along the longer cosine
    assert [epoch.index for epoch in fit(longer)] == [3, 4]
    assert longer.state()[1]["lengthened"] == [{"update": 10, "from": 2, "to": 4}]
    third = make(epochs=4, schedule="cosine", ema=0.9)
    third.load_state(*longer.state())
    assert third.state()[1]["lengthened"] == [{"update": 10, "from": 2, "to": 4}]


def test_a_finished_training_does_nothing_more_and_still_has_its_model(make):
    done = make(ema=0.9)
    list(fit(done))
    again = make(ema=0.9)
    again.load_state(*done.state())
    assert list(watch(again)) == []
    assert same(dict(done.model.state_dict()), dict(again.model.state_dict()))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"optimiser": "adam"}, "optimiser sgd, this recipe has adam"),
        ({"batch": 4}, "batch 8, this recipe has 4"),
        ({"seed": 1}, "seed 0, this recipe has 1"),
        ({"ema": 0.5}, "averaged False, this recipe has True"),
    ],
)
def test_a_state_of_another_recipe_is_refused_and_changes_nothing(make, changes, text):
    begun = make()
    next(watch(begun, interval=0))
    other = make(**changes)
    before = dict(other.state()[0])
    with pytest.raises(TrainingError, match=text):
        other.load_state(*begun.state())
    assert same(before, other.state()[0])


def test_a_state_of_another_net_is_refused(make, toy):
    other = make(net=toy.body(norm=False))
    with pytest.raises(TrainingError, match="of another net: body"):
        make().load_state(*other.state())


def test_another_thread_count_is_said(make):
    tensors, facts = make().state()
    again = make()
    again.load_state(tensors, facts | {"threads": 64})
    why = "sums are added up in another order, so the last bits may differ"
    assert again.inexact == (f"resumed with threads {torch.get_num_threads()} where threads 64 was used: {why}",)
    assert again.state()[1]["inexact"] == list(again.inexact)
    exact = make()
    exact.load_state(tensors, facts)
    assert exact.inexact == ()


def test_recovery_does_not_depend_on_when_the_state_was_asked_for(make, toy, emits):
    """A training resumed in the middle of an epoch goes back to where the one that was not interrupted goes back."""
    whole = make(net=emits(toy.body(), at=9))
    list(fit(whole))
    asked = make(net=emits(toy.body(), at=9))
    for event in watch(asked, interval=0):
        if isinstance(event, Step) and asked.updates == 7:
            break
    resumed = make(net=emits(toy.body(), at=2))  # the same moment: two forward passes later
    resumed.load_state(*asked.state())
    assert [type(event) for event in watch(resumed, interval=0)].count(Recovered) == 1
    assert same(whole.state()[0], resumed.state()[0])
    assert resumed.state()[1]["rate_factor"] == 0.5
