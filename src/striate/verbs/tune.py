"""Tune: a training that starts from weights. First the head, on features; then, where it is asked for, the whole net.

The features of all pictures are made before there is a run, as decoding is: nothing is written then but the cache.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from striate.data.store.features import Features
from striate.engine.device import choose_device, use_threads
from striate.engine.fit import begin, watch
from striate.engine.head import HeadTraining, watch_head
from striate.model.build.model import build
from striate.model.pretrained.transfer import load_trunk, set_head
from striate.runs import answers as kept
from striate.runs import checkpoints
from striate.runs.answers import Answers
from striate.runs.run import RunDirectory
from striate.spec.shape import Shape
from striate.spec.stages import stages
from striate.verbs.asking import asking
from striate.verbs.ending import NetsAlike, Trained
from striate.verbs.events import Event, Planned, follow, take_up
from striate.verbs.folds import few, fold_prepared, head_folds
from striate.verbs.lineage import learnt_before
from striate.verbs.prepared import WORTH_SHARING, Prepared, Start
from striate.verbs.trunk import frozen_net, start_tensors, trunk_features
from striate.verbs.workspace import HERE, Workspace
from striate.words import counted

if TYPE_CHECKING:
    from striate.engine.fit import Training
    from striate.model.build.model import Model

KEEP_HEAD = 2.0  # seconds of passes over features that a kill may cost


@dataclass(frozen=True)
class Tuning:
    """A net with the weights it starts from, the features of all pictures, and the head to be fitted to them."""

    model: Model
    head: HeadTraining
    features: Features
    device: torch.device
    notes: tuple[str, ...]
    start: Start


def begin_tuning(prepared: Prepared, start: Start, workspace: Workspace = HERE) -> Tuning:
    """Build the net, give it the weights, and pass every picture through what is before the head, once.

    Errors: ModelError for weights that are damaged or do not fit, DeviceError, StoreError.
    """
    config = prepared.config
    device = choose_device(config.device)
    threads = use_threads(config.threads)
    model = frozen_net(prepared, device)
    load_trunk(model, start_tensors(start), what=start.words)
    began = time.monotonic()
    features = trunk_features(prepared, start, model, device, threads, workspace)
    seconds = time.monotonic() - began
    head_alone = config.tune == "head"
    head = HeadTraining(
        features.values,
        prepared.objective,
        prepared.split.train,
        prepared.split.val,
        epochs=config.epochs if head_alone else config.head_epochs,
        decay=config.weight_decay if head_alone else None,
    )
    said = f"{counted(len(features.values), 'picture')} of {counted(features.values.shape[1], 'feature')} each"
    if features.computed:
        said += f", made in {seconds:.1f} s ({features.computed / max(seconds, 1e-9):,.0f} pictures/s)"
    else:
        said += ", found in the cache"
    inexact = () if device.type == "cpu" else (f"{device.type} made the features: their last bits may differ",)
    return Tuning(model, head, features, device, (said, *inexact), start)


def tuned(run: RunDirectory, prepared: Prepared, tuning: Tuning) -> Generator[Event, None, Trained]:
    """Train from the newest checkpoint, or from the beginning, and return what `striate.verbs.ending` goes on with."""
    model, head, config = tuning.model, tuning.head, prepared.config
    checkpoint = run.latest_checkpoint()
    whole = None
    if checkpoint is not None and checkpoint[1].get("phase") == "head":
        if not prepared.missing and head.fits(checkpoint[1]):  # else it is fitted anew to the pictures that remain
            with checkpoints.loading(run.path / "checkpoints"):
                head.load_state(*checkpoint)
    elif checkpoint is not None:
        whole = checkpoint
    with checkpoints.loading(run.path / "checkpoints"):
        before = head.epochs_done if whole is None else int(whole[1]["before"])
        done = before if whole is None else before + int(whole[1]["epochs_done"])
    run.truncate_history(done)
    notes = (*run.notes, *prepared.notes, *learnt_before(run, prepared), *tuning.notes, *head.inexact)
    notes += () if done else few(prepared)
    yield Planned(run, prepared, device=str(tuning.device), done=done, notes=notes)
    answers: Answers | None = None
    threads = torch.get_num_threads()
    if head.work < WORTH_SHARING:
        use_threads(1)  # threads would wait for each other longer than they compute
    if prepared.folds is not None:
        alone = config.tune == "head"
        file = run.path / kept.NAME if alone else run.path / kept.FOLDER / "heads.safetensors"
        answers = yield from head_folds(prepared, head, file, all_heads=not alone)
        head.take(answers.facts["path"])
    if whole is None:
        yield from follow(run, head, watch_head(head), every=KEEP_HEAD)
        before = head.epochs_done
        set_head(model, *head.dense())
    use_threads(threads)
    if config.tune == "head":
        return Trained(model, head.outputs, answers=answers)
    training = begin(model, config, prepared.store, prepared.objective, prepared.split, stages=stages(prepared.survey))
    if whole is not None:
        take_up(training, whole, run.path / "checkpoints")
    yield from follow(run, training, watch(training), before=before)
    model = training.final_model()
    ask = asking(model, prepared.store, prepared.task, device=training.device)
    return Trained(model, ask, NetsAlike(_without_of(prepared, tuning), _fold_of(prepared, tuning.start, answers)))


def _fold_of(prepared: Prepared, start: Start, heads: Answers | None) -> Callable[[int, int], Training]:
    """Return what makes the training of a fold: the weights that all start from, with the head of that fold."""

    def begun(draw: int, fold: int) -> Training:
        folds = prepared.folds
        assert folds is not None and heads is not None
        weight, bias = (torch.from_numpy(heads.others[f"heads.{name}"][draw, fold]) for name in ("weight", "bias"))
        return _begun_on(prepared, start, folds.others(draw, fold), weight, bias)

    return begun


def _without_of(prepared: Prepared, tuning: Tuning) -> Callable[[np.ndarray], Training]:
    """Return what makes a training on some rows: the weights that all start from, with a head fitted to those alone."""

    def begun(rows: np.ndarray) -> Training:
        head = tuning.head
        own = HeadTraining(head.features, head.objective, rows.tolist(), (), epochs=head.epochs)
        for _ in watch_head(own):
            pass
        return _begun_on(prepared, tuning.start, rows, *own.dense())

    return begun


def _begun_on(
    prepared: Prepared, start: Start, rows: Sequence[int] | np.ndarray, weight: torch.Tensor, bias: torch.Tensor
) -> Training:
    """Return a training on some rows that begins with a run's first weights and a head of its own."""
    pictures, config = prepared.preprocess, prepared.config
    shape = Shape(pictures.channels, pictures.height, pictures.width)
    model = build(prepared.net, shape, preprocess=pictures, seed=config.seed)
    load_trunk(model, start_tensors(start), what=start.words)
    set_head(model, weight, bias)
    own = fold_prepared(prepared, rows)
    return begin(model, config, own.store, own.objective, own.split, stages=stages(prepared.survey))
