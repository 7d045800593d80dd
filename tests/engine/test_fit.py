"""The loop: against one written by hand, and what it yields."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from striate.data.batches.loader import order
from striate.data.batches.resident import sent
from striate.engine.fit import BatchSplit, Epoch, Recovered, Step, fit, watch
from striate.errors import DeviceError, RecipeError, TrainingError


def weights(training) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in training.model.state_dict().items()}


@torch.no_grad()
def ask(model, pixels: np.ndarray) -> torch.Tensor:
    return model(model.normalise(torch.from_numpy(pixels).permute(0, 3, 1, 2)))


def test_is_the_loop_one_would_write(make, toy):
    """Bit for bit: plain torch, plain SGD, cosine, no dropout, no augmentation."""
    training = make(net=toy.body(dropout=0.0), schedule="cosine", epochs=3)
    list(fit(training))

    data, net = toy.pictures(), toy.body(dropout=0.0).to(memory_format=torch.channels_last)
    decayed = [p for p in net.parameters() if p.ndim > 1]
    plain = [p for p in net.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 1e-3}, {"params": plain, "weight_decay": 0.0}]
    sgd = torch.optim.SGD(groups, lr=0.05, momentum=0.9, nesterov=True)
    scheduler = torch.optim.lr_scheduler.LambdaLR(sgd, lambda step: (1 + np.cos(np.pi * step / 15)) / 2)
    for epoch in range(3):
        for rows in np.split(order(data.split.train, seed=0, epoch=epoch), 5):
            inputs = torch.from_numpy(data.store.pixels[rows]).permute(0, 3, 1, 2).float() / 255 - 0.5
            loss = functional.cross_entropy(net(inputs), torch.from_numpy(data.targets[rows]))
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            scheduler.step()
    for mine, theirs in zip(training.model.body.state_dict().values(), net.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs)


def test_epochs_say_what_a_person_would_measure(make, toy):
    training = make(epochs=2, clip=10.0)
    epochs = list(fit(training))
    assert [(epoch.index, epoch.epochs) for epoch in epochs] == [(1, 2), (2, 2)]
    data = toy.pictures()
    val = list(data.split.val)
    logits = ask(training.model, data.store.pixels[val])
    targets = torch.from_numpy(data.targets[val])
    assert epochs[-1].val_loss == pytest.approx(float(functional.cross_entropy(logits, targets)), rel=1e-6)
    assert epochs[-1].metrics["accuracy"] == pytest.approx(float((logits.argmax(1) == targets).float().mean()))
    assert epochs[-1].learning_rate == 0.05
    for epoch in epochs:
        assert 0 <= epoch.data_wait <= 1 and epoch.pictures_per_second > 0
        assert epoch.seconds >= 40 / epoch.pictures_per_second * 0.999


def test_train_loss_is_the_mean_over_pictures_before_each_step(make, toy):
    frozen = make(learning_rate=1e-30, net=toy.body(norm=False, dropout=0.0), data=toy.pictures(train=19), epochs=1)
    (epoch,) = fit(frozen)
    data = toy.pictures(train=19)
    logits = ask(frozen.model, data.store.pixels[:19])
    expected = functional.cross_entropy(logits, torch.from_numpy(data.targets[:19]))
    assert epoch.train_loss == pytest.approx(float(expected), rel=1e-5)


def test_steps_say_where_it_is(make):
    events = list(watch(make(epochs=2), interval=0))
    assert [type(event) for event in events] == [*[Step] * 5, Epoch, *[Step] * 5, Epoch]
    assert [(e.epoch, e.step, e.steps) for e in events if isinstance(e, Step)][3:7] == [
        (1, 4, 5), (1, 5, 5), (2, 1, 5), (2, 2, 5)
    ]  # fmt: skip
    assert all(e.loss > 0 and e.seconds_left >= 0 and e.pictures_per_second > 0 for e in events if isinstance(e, Step))
    assert [type(event) for event in watch(make(epochs=1), interval=1000)] == [Epoch]


def test_without_validation_pictures(make, toy):
    epochs = list(fit(make(data=toy.pictures(val=0), patience=1)))
    assert epochs[0].val_loss is None and epochs[0].metrics == {}


def test_closing_leaves_nothing_running(make):
    events = watch(make(batch=2), interval=0)
    next(events)
    assert any(thread.name == "striate-loader" for thread in threading.enumerate())
    events.close()
    assert not any(thread.name == "striate-loader" for thread in threading.enumerate())
    epochs = fit(make())
    next(epochs)
    epochs.close()
    assert not any(thread.name == "striate-loader" for thread in threading.enumerate())


@pytest.mark.parametrize("class_weights", ["none", "balanced"])
def test_accumulation_is_the_big_batch(make, toy, class_weights):
    """Without batch norm or dropout, four batches of 2 are a batch of 8; with a last batch that is smaller."""
    net = {"norm": False, "dropout": 0.0}
    data = toy.pictures(train=21)
    more = {"class_weights": class_weights, "label_smoothing": 0.1, "epochs": 2}
    big = make(net=toy.body(**net), data=data, batch=8, **more)
    small = make(net=toy.body(**net), data=data, batch=2, accumulate=4, **more)
    assert big.steps == small.steps == 3
    one, other = list(fit(big)), list(fit(small))
    assert one[-1].train_loss == pytest.approx(other[-1].train_loss, rel=1e-5)
    for mine, theirs in zip(big.model.parameters(), small.model.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)


def test_balanced_class_weights_are_the_loss_that_one_would_write(make, toy):
    data = toy.pictures(train=8)
    targets = np.array([0, 0, 0, 0, 0, 1, 1, 2, *data.targets[8:]])
    training = make(
        data=data._replace(targets=targets), net=toy.body(norm=False, dropout=0.0), class_weights="balanced"
    )
    torch.testing.assert_close(training.weights, torch.tensor([8 / 15, 8 / 6, 8 / 3]))
    reference = toy.body(norm=False, dropout=0.0)
    inputs = torch.from_numpy(data.store.pixels[:8]).permute(0, 3, 1, 2).float() / 255 - 0.5
    with torch.no_grad():
        losses = functional.cross_entropy(reference(inputs), torch.from_numpy(targets[:8]), reduction="none")
    share = torch.tensor([8 / 15] * 5 + [8 / 6] * 2 + [8 / 3])
    first = next(watch(training, interval=0))
    assert first.loss == pytest.approx(float((losses * share).mean()), rel=1e-5)


def test_no_batch_is_left_with_one_picture(make, toy):
    """Batch norm over (N, C) cannot norm by one picture: 17 of them in batches of 8 make 5, 6 and 6."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(36, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    training = make(net=net, data=toy.pictures(train=17))
    assert training.steps == 3
    assert [epoch.index for epoch in fit(training)] == [1, 2, 3]
    assert make(data=toy.pictures(train=18)).steps == 3
    assert make(data=toy.pictures(train=1)).steps == 1


def test_averaged_weights_are_what_is_shown_and_kept(make, toy):
    training = make(ema=0.5, epochs=1)
    (epoch,) = fit(training)
    tensors, _ = training.state()
    shown = dict(training.model.state_dict())
    for name, tensor in shown.items():
        if tensor.is_floating_point():
            assert torch.equal(tensor, tensors[f"average.{name}"])
            assert not torch.equal(tensor, tensors[f"weights.{name}"])
    data = toy.pictures()
    val = list(data.split.val)
    logits = ask(training.model, data.store.pixels[val])
    assert epoch.val_loss == pytest.approx(
        float(functional.cross_entropy(logits, torch.from_numpy(data.targets[val]))), rel=1e-6
    )


def test_early_stopping_keeps_the_best_and_gives_it_back(make):
    """A learning rate that ruins what was learnt makes later epochs worse."""
    training = make(epochs=30, patience=2, learning_rate=0.8, momentum=0.0, clip=5.0, seed=1)
    epochs, kept = [], {}
    for epoch in fit(training):
        epochs.append(epoch)
        kept[epoch.index] = weights(training)
    losses = [epoch.val_loss for epoch in epochs]
    best = int(np.argmin(losses)) + 1
    assert len(epochs) == best + 2 < 30
    assert all(torch.equal(tensor, kept[best][name]) for name, tensor in training.model.state_dict().items())
    assert training.state()[1]["best"] == {"epoch": best, "loss": min(losses)}
    assert training.state()[1]["stale"] == 2


def test_the_seed_decides(make):
    runs = [make(augment="light", seed=seed) for seed in (0, 0, 1)]
    for run in runs:
        list(fit(run))
    first, again, other = (weights(run) for run in runs)
    assert all(torch.equal(tensor, again[name]) for name, tensor in first.items())
    assert not all(torch.equal(tensor, other[name]) for name, tensor in first.items())


@pytest.mark.parametrize("changes", [{"precision": "bfloat16"}, {"channels_last": False}, {"threads": 1}])
def test_the_other_ways_to_compute_learn_too(make, changes):
    training = make(epochs=6, **changes)
    epochs = list(fit(training))
    assert epochs[-1].train_loss < epochs[0].train_loss
    assert all(tensor.dtype == torch.float32 for tensor in training.model.parameters())
    wanted = torch.channels_last if changes.get("channels_last", True) else torch.contiguous_format
    assert training.model.body[3].weight.is_contiguous(memory_format=wanted)


@pytest.mark.slow
def test_compiling_keeps_the_names(make, toy):
    training, plain = make(compile=True, net=toy.body(dropout=0.0)), make(net=toy.body(dropout=0.0))
    list(fit(training))
    list(fit(plain))
    for (name, mine), (other, theirs) in zip(weights(training).items(), weights(plain).items(), strict=True):
        assert name == other
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-4)


def test_without_a_compiler_nothing_is_begun(make, monkeypatch):
    def missing(*_, **__):
        raise RuntimeError("InvalidCxxCompiler: No working C++ compiler found\n\nSet TORCH_LOGS")

    monkeypatch.setattr(torch, "compile", lambda _: missing)
    with pytest.raises(DeviceError, match=r"anything for cpu here \(InvalidCxxCompiler: No .* found\); train without"):
        make(compile=True)


def test_what_cannot_be_begun_is_named(make, toy):
    with pytest.raises(TrainingError, match="no pictures to train on"):
        make(data=toy.pictures(train=0))
    with pytest.raises(RecipeError, match="epochs = None"):
        make(recipe=toy.plain.changed(epochs=None))
    with pytest.raises(RecipeError, match="optimiser = None"):
        make(recipe=toy.plain.changed(optimiser=None))


def test_learns_the_digits(make):
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = (digits.images * (255 / 16)).astype(np.uint8)[..., None]
    order_ = np.random.default_rng(0).permutation(len(pixels))
    split = SimpleNamespace(train=tuple(order_[:1400].tolist()), val=tuple(order_[1400:].tolist()), test=())
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10),
    )  # fmt: skip
    data = (SimpleNamespace(pixels=pixels, digests=()), digits.target, split)
    training = make(
        net=net, data=data, epochs=5, batch=64, optimiser="adamw", learning_rate=5e-3, weight_decay=0.05,
        schedule="one-cycle", warmup=0.25,
    )  # fmt: skip
    events = list(watch(training))
    assert not any(isinstance(event, (Recovered, BatchSplit)) for event in events)
    last = [event for event in events if isinstance(event, Epoch)][-1]
    assert last.metrics["accuracy"] > 0.95


def test_an_epoch_may_see_a_share_of_the_pictures_another_one_each_time(make):
    training = make(epochs=2, epoch_share=0.4, batch=8)
    assert training.steps == 2  # of five
    seen = []
    original = training.model.normalise
    training.model.normalise = lambda pixels: seen.append(pixels.clone()) or original(pixels)
    epochs = list(fit(training))
    assert [epoch.index for epoch in epochs] == [1, 2] and training.updates == 4
    trained = [pixels for pixels in seen if len(pixels) == 8]
    assert len({pixels.numpy().tobytes() for pixels in trained[:2] + trained[-2:]}) >= 4


def test_a_training_with_its_pictures_on_the_device_is_the_same_to_the_bit(make):
    usual, there = make(epochs=2), make(epochs=2)
    kept, asked = sent(there.store.pixels, there.targets, there.device), []
    there.resident = SimpleNamespace(gathered=lambda chosen: asked.append(len(chosen)) or kept.gathered(chosen))
    ends = []
    for training in (usual, there):
        list(fit(training))
        ends.append(training.final_model().state_dict())
    assert asked == [5, 5]
    assert all(torch.equal(ends[0][name], value) for name, value in ends[1].items())
