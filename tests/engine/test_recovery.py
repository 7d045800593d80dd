"""NaN, infinity and no memory: what is done about them, and what is never given out."""

from __future__ import annotations

import pytest
import torch

from striate.engine import fit as engine
from striate.engine.fit import BatchSplit, Epoch, Recovered, Step, fit, watch
from striate.errors import DeviceError, DivergedError, TrainingError


def finite(training) -> bool:
    return all(bool(torch.isfinite(t).all()) for t in training.state()[0].values() if t.is_floating_point())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("interval", [0.0, 1000.0])  # found at the next step, or only at the end of the epoch
def test_goes_back_with_half_the_learning_rate(make, toy, emits, value, interval):
    training = make(net=emits(toy.body(), at=8, value=value), optimiser="adam")
    events, states = [], []
    for event in watch(training, interval=interval):
        assert finite(training)
        events.append(event)
        if isinstance(event, (Epoch, Recovered)):
            states.append(training.state())
    recovered = [event for event in events if isinstance(event, Recovered)]
    assert [(r.epoch, r.attempt, r.learning_rate_factor) for r in recovered] == [(2, 1, 0.5)]
    assert "training loss became" in recovered[0].reason
    assert [event.index for event in events if isinstance(event, Epoch)] == [1, 2, 3]
    assert events[-1].learning_rate == 0.5 * training.config.learning_rate
    # What it went back to is the end of epoch 1, and it can be resumed to the same end.
    (before, _), (back, facts) = states[0], states[1]
    assert all(torch.equal(before[name], back[name]) for name in before) and facts["attempts"] == 1
    resumed = make(net=emits(toy.body(), at=None), optimiser="adam")
    resumed.load_state(back, facts)
    list(fit(resumed))
    assert all(torch.equal(t, resumed.state()[0][name]) for name, t in training.state()[0].items())


def test_the_state_inside_a_ruined_epoch_is_the_last_good_one(make, toy, emits):
    training = make(net=emits(toy.body(), at=7))
    list(engine._epoch(training, 1000.0))
    stream = engine._batches(training)
    for _ in range(4):  # steps 5 to 8, the third of which is ruined, with nobody looking
        engine.step.update(training, next(stream))
    stream.close()
    assert not torch.isfinite(next(training.model.parameters())).all()
    _, facts = training.state()
    assert finite(training) and (facts["epochs_done"], facts["step"]) == (1, 0)


def test_inside_a_long_epoch_it_goes_back_to_the_last_good_step(make, toy, emits, monkeypatch):
    monkeypatch.setattr(engine, "GOOD_EVERY", 2)
    training = make(net=emits(toy.body(), at=8), optimiser="adam")  # epoch 2, step 4
    states = []
    for event in watch(training, interval=0):
        states.append((event, training.state()))
    at = next(index for index, (event, _) in enumerate(states) if isinstance(event, Recovered))
    assert (states[at][1][1]["epochs_done"], states[at][1][1]["step"]) == (1, 2)
    assert [event.step for event, _ in states[at + 1 : at + 4]] == [3, 4, 5]
    for _, state in states[at:-1]:
        resumed = make(net=emits(toy.body(), at=None), optimiser="adam")
        resumed.load_state(*state)
        list(fit(resumed))
        assert all(torch.equal(t, resumed.state()[0][name]) for name, t in training.state()[0].items())


def test_gives_up_after_three_times(make, toy, emits):
    training = make(net=emits(toy.body(), at=8, always=True))
    events = []
    with pytest.raises(DivergedError, match=r"epoch 2: .*4th time.*lowered 3 times.*learning_rate 0.0016 or less"):
        for event in watch(training, interval=0):
            events.append(event)
    factors = [event.learning_rate_factor for event in events if isinstance(event, Recovered)]
    assert factors == [0.5, 0.25, 0.125]
    assert finite(training) and training.state()[1]["epochs_done"] == 1


def test_a_gradient_that_is_not_finite_is_found_when_clipping(make, toy, emits):
    training = make(net=emits(toy.body(), at=4, gradient=True), clip=1.0)
    recovered = [event for event in watch(training, interval=0) if isinstance(event, Recovered)]
    assert len(recovered) == 1 and "norm of the gradient became nan" in recovered[0].reason


def test_a_gradient_that_is_not_finite_is_found_in_the_weights_at_the_latest(make, toy, emits):
    training = make(net=emits(toy.body(), at=4, gradient=True))  # the last step of the epoch (0 to 4)
    recovered = [event for event in watch(training, interval=0) if isinstance(event, Recovered)]
    assert len(recovered) == 1 and recovered[0].epoch == 1 and finite(training)


def test_a_validation_loss_that_is_not_finite_counts_too(make, toy, emits):
    training = make(net=emits(toy.body(), at=0, evaluating=True))
    recovered = [event for event in watch(training) if isinstance(event, Recovered)]
    assert len(recovered) == 1 and "validation loss became nan" in recovered[0].reason


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_splits_the_batch_and_keeps_the_effective_size(make, toy, refuses, error):
    whole = make(net=toy.body(norm=False, dropout=0.0), optimiser="adam")
    tight = make(net=refuses(toy.body(norm=False, dropout=0.0), more_than=3, error=error), optimiser="adam")
    events = list(watch(tight, interval=0))
    assert [event for event in events if isinstance(event, BatchSplit)] == [BatchSplit(4, 2), BatchSplit(2, 4)]
    assert isinstance(events[2], Step) and events[2].step == 1  # the same step, redone
    list(fit(whole))
    for mine, theirs in zip(tight.model.parameters(), whole.model.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)
    assert tight.state()[1]["parts"] == 4


def test_a_failed_try_leaves_no_trace(make, toy, refuses):
    """The batch norm before the layer that fails has counted nothing."""
    tight = make(net=refuses(toy.body(), more_than=3))
    split = make()
    split.micro_batches = 4
    assert [type(event) for event in watch(tight, interval=0)].count(BatchSplit) == 2
    list(fit(split))
    # The toy's own names are one level down in the one that refuses.
    for mine, theirs in zip(tight.model.state_dict().values(), split.model.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs)


def test_one_picture_that_does_not_fit_is_an_error(make, toy, refuses):
    training = make(net=refuses(toy.body(norm=False), more_than=0))
    with pytest.raises(DeviceError, match="cpu has not memory enough for one picture"):
        list(fit(training))
    assert training.state()[1]["updates"] == 0


def test_no_memory_for_the_optimiser_is_an_error_that_splitting_would_not_mend(make, monkeypatch):
    training = make()
    events = watch(training, interval=0)
    next(events)

    def refuses() -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(training.optimiser, "step", refuses)
    with pytest.raises(DeviceError, match="memory enough for the weights and what sgd keeps"):
        next(events)
    assert training.state()[1]["updates"] == 0


def test_other_errors_are_not_taken_for_no_memory(make, toy, refuses):
    training = make(net=refuses(toy.body(), more_than=0, error=RuntimeError("shapes cannot be multiplied")))
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        list(fit(training))


def test_batch_norm_over_one_value_is_named(make, toy):
    net = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(36, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 3)
    )
    with pytest.raises(TrainingError, match="batch of at least 2, or groupnorm"):
        list(fit(make(net=net, batch=1)))
