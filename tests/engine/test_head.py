"""The head's solver against scikit-learn; its state; and what of a net learns when, at which rate."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from tests.configs import config
from tests.objectives import of_classes
from torch.nn import functional

from striate.data.split import Split
from striate.data.store.store import Store
from striate.engine import unfreeze
from striate.engine.fit import Epoch, begin, watch
from striate.engine.head import DECAYS, HeadTraining, watch_head
from striate.errors import DivergedError, TrainingError
from striate.model.build.model import build
from striate.spec import Shape, parse
from striate.spec.stages import stages

TRAIN, VAL = range(300), range(300, 400)


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    """Features of very different sizes, one that never varies, and targets that follow them, with noise."""
    rng = np.random.default_rng(2)
    features = rng.normal(size=(400, 12)) * rng.uniform(0.01, 30, 12) + rng.uniform(-5, 5, 12)
    features[:, 3] = 1.5
    scaled = (features - features.mean(0)) / np.maximum(features.std(0), 1e-9)
    scores = scaled @ rng.normal(size=(12, 3)) + rng.gumbel(size=(400, 3))
    return features.astype(np.float32), scores.argmax(1)


def head(data: tuple[np.ndarray, np.ndarray], **changes: object) -> HeadTraining:
    said = {"epochs": 400} | changes
    return HeadTraining(data[0], of_classes(data[1]), TRAIN, VAL, **said)  # type: ignore[arg-type]


@pytest.mark.parametrize("decay", [0.3, 0.003])
def test_it_solves_what_scikit_learn_solves(data: tuple[np.ndarray, np.ndarray], decay: float) -> None:
    training = head(data, decay=decay)
    last = list(watch_head(training))[-1]
    features, targets = data
    scaled = (features - features[:300].mean(0)) / np.where(features[:300].std(0) > 1e-4, features[:300].std(0), 1)
    oracle = LogisticRegression(C=1 / (decay * 300), tol=1e-8, max_iter=5000).fit(scaled[:300], targets[:300])
    ours = torch.from_numpy(training.outputs(np.arange(400))["logits"])
    np.testing.assert_allclose(ours.softmax(1).numpy(), oracle.predict_proba(scaled), atol=0.02)
    weights = np.hstack([oracle.coef_, oracle.intercept_[:, None]])
    penalty = 0.5 * decay * (oracle.coef_**2).sum()
    theirs = float(
        functional.cross_entropy(
            torch.from_numpy(oracle.decision_function(scaled[:300])), torch.from_numpy(targets[:300])
        )
    )
    assert last.train_loss + 0.5 * decay * float((training.best[:, :-1] ** 2).sum()) <= (theirs + penalty) * 1.001
    assert weights.shape == training.best.shape


def test_the_decay_with_the_lowest_validation_loss_is_taken(data: tuple[np.ndarray, np.ndarray]) -> None:
    training = head(data)
    ends: dict[float, float] = {}
    for epoch in watch_head(training):
        assert epoch.val_loss is not None
        ends[epoch.weight_decay] = epoch.val_loss
    assert list(ends) == list(DECAYS[: len(ends)])
    assert training.best_decay == min(ends, key=ends.__getitem__)
    logits = training.outputs(np.array(VAL))["logits"]
    loss = float(functional.cross_entropy(torch.from_numpy(logits).double(), torch.from_numpy(data[1][300:])))
    assert loss == pytest.approx(min(ends.values()), abs=1e-6)


def test_going_on_from_any_pass_ends_with_the_same_bits(data: tuple[np.ndarray, np.ndarray]) -> None:
    whole = head(data, epochs=60)
    epochs = list(watch_head(whole))
    for stop in (1, 2, len(epochs) // 2, len(epochs) - 1, len(epochs)):
        first, again = head(data, epochs=60), head(data, epochs=60)
        events = watch_head(first)
        for _ in range(stop):
            next(events)
        again.load_state(*first.state())
        rest = list(watch_head(again))
        assert [epoch.index for epoch in rest] == list(range(stop + 1, len(epochs) + 1))
        assert torch.equal(again.best, whole.best) and again.best_decay == whole.best_decay


def test_balanced_classes_weigh_as_much_as_copies_do(data: tuple[np.ndarray, np.ndarray]) -> None:
    features, targets = data[0][:90], np.array([0] * 60 + [1] * 30)
    balanced = of_classes(targets, 2, class_weights="balanced")
    weighted = HeadTraining(features, balanced, range(90), (), epochs=300, decay=0.1)
    assert weighted.weights is not None and weighted.weights.tolist() == [0.75, 1.5]
    copied = HeadTraining(
        np.concatenate([features, features[60:]]),
        of_classes(np.append(targets, [1] * 30), 2),
        range(120),
        (),
        epochs=300,
        decay=0.1,
    )
    copied.mean, copied.scale = weighted.mean, weighted.scale
    for training in (weighted, copied):
        list(watch_head(training))
    np.testing.assert_allclose(weighted.best.numpy(), copied.best.numpy(), atol=0.02)


def test_what_cannot_be_fitted_is_said(data: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(TrainingError, match="no pictures"):
        HeadTraining(data[0], of_classes(data[1]), (), VAL, epochs=10)
    broken = data[0].copy()
    broken[5, 5] = np.inf
    with np.errstate(invalid="ignore"), pytest.raises(DivergedError, match="finite"):
        list(watch_head(HeadTraining(broken, of_classes(data[1]), TRAIN, VAL, epochs=10)))


NET = parse(
    "conv 4 3x3 pad 1 >> batchnorm >> relu >> maxpool 2 >> conv 4 3x3 pad 1 >> batchnorm >> relu >> maxpool 2"
    " >> conv 4 3x3 pad 1 >> batchnorm >> dropout 0.5 >> relu >> globalavgpool >> flatten >> dense 2"
)


def test_stages_are_unfrozen_one_by_one_at_lower_rates_towards_the_picture() -> None:
    parts = stages(NET.on(3, 8, 8))
    assert [part[0] for part in parts] == ["conv1", "conv2", "conv3", "dense1"]
    rng = np.random.default_rng(0)
    store = Store(rng.integers(0, 255, (24, 8, 8, 3)).astype(np.uint8), ())
    recipe = config(
        source="x", start="y", tune="all", epochs=6, rate_decay=0.5, unfreeze=0.5, optimiser="adamw",
        learning_rate=0.01, weight_decay=0.0, batch=8, augment="none", warmup=0.0, schedule="constant",
        threads=1, device="cpu",
    )  # fmt: skip
    training = begin(
        build(NET, Shape(3, 8, 8)),
        recipe,
        store,
        of_classes(np.arange(24) % 2, 2),
        Split(tuple(range(20)), (20, 21, 22, 23), (), ()),
        stages=parts,
    )
    names = {id(parameter): name for name, parameter in training.model.named_parameters()}

    def snapshot() -> dict[str, torch.Tensor]:
        return {name: tensor.clone() for name, tensor in training.model.state_dict().items()}

    before, moved = snapshot(), []
    for event in watch(training):
        if not isinstance(event, Epoch):
            continue
        after = snapshot()
        moved.append({name.split(".")[0] for name in after if not torch.equal(after[name], before[name])})
        before = after
    norms = [{f"conv{n}", f"batchnorm{n}"} for n in (1, 2, 3)]
    two, three, four = (
        {"dense1"} | norms[2],
        {"dense1"} | norms[2] | norms[1],
        {"dense1"} | norms[2] | norms[1] | norms[0],
    )
    assert moved == [two, two, three, four, four, four]
    rates = {names[id(p)]: group["lr"] for group in training.optimiser.param_groups for p in group["params"]}
    assert {name: round(rate, 9) for name, rate in rates.items() if name.endswith("weight")} == {
        "conv1.weight": 0.00125, "batchnorm1.weight": 0.00125, "conv2.weight": 0.0025, "batchnorm2.weight": 0.0025,
        "conv3.weight": 0.005, "batchnorm3.weight": 0.005, "dense1.weight": 0.01,
    }  # fmt: skip


def test_how_many_stages_learn() -> None:
    assert [unfreeze.learning(5, epoch, 10, 0.3) for epoch in range(5)] == [2, 3, 4, 5, 5]
    assert [unfreeze.learning(5, epoch, 10, 0.0) for epoch in range(2)] == [5, 5]
    assert unfreeze.learning(1, 0, 10, 0.5) == 1
