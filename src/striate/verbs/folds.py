"""Folds: trainings that answer for the pictures they did not see, and what becomes of their answers.

A head's folds are done again where they were cut off, in seconds and to the bit. A whole net's are kept one by one, as
soon as each is done, and the one under way has checkpoints of its own: what took minutes is never lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from striate.data.folds import Folds
from striate.data.split import Split
from striate.defaults import FEW, FOLDS
from striate.errors import RunError, TrainingError
from striate.runs import answers as kept
from striate.runs import checkpoints, durable
from striate.runs.answers import Answers
from striate.runs.run import RunDirectory
from striate.tasks.task import EMBEDDING, Task
from striate.verbs.events import FoldDone, Folding, take_up
from striate.verbs.prepared import Prepared, ProvidedModel, scaled, subset
from striate.words import counted

if TYPE_CHECKING:
    from striate.engine.fit import Training
    from striate.engine.head import HeadTraining
    from striate.model.build.model import Model

PART = "cross-validated"
KEEP_FOLD = 5.0  # seconds of a fold's training that a kill may cost, and an epoch
SMALL = 16_000_000  # bytes: heads that take more are not kept
KNOWN = 5000  # pictures a net has seen that are enough to know how far another lies from them
BEGUN = "begun.safetensors"  # what an adopted module began with, in the folder of the folds


def split_facts(prepared: Prepared) -> dict[str, Any]:
    """Return what a run keeps of its split: the keys by part, and how the training pictures were dealt into folds."""
    facts: dict[str, Any] = {part: prepared.keys(part) for part in ("train", "val", "test", "left_out")}
    return facts if prepared.folds is None else facts | {"folds": prepared.folds.to_dict()}


def folds_again(kept_split: dict[str, Any], index: dict[str, int], pictures: int, where: Path) -> Folds | None:
    """Return the folds of a run whose pictures are in these rows now, by key; None where it has none.

    Errors: RunError for a split that is damaged.
    """
    if "folds" not in kept_split:
        return None
    try:
        return Folds.from_dict(kept_split["folds"], [index.get(key) for key in kept_split["train"]], pictures)
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{where} is damaged: its folds do not read ({str(error)[:80]})") from None


def answers_of(run: RunDirectory, prepared: Prepared) -> Answers:
    """Return the out-of-fold answers of a run to ``prepared.folds.measured``, whichever pictures are gone since.

    Errors: RunError when they are not there or damaged, or its folds are still to be trained, for the first time or
    anew: what lies there then may be of other pictures, or of a net that was trained for fewer epochs.
    """
    assert prepared.folds is not None
    if not run.finished():
        raise RunError(
            f"{run.name} is not finished: its folds, by which it is measured, are still to be trained; go on with"
            f" striate train --resume {run.name}"
        )
    found, split = kept.read(run.path / kept.NAME), cast("dict[str, Any]", run.split())
    keys = measured_keys(split)
    row = {key: number for number, key in enumerate(keys)}
    task, names = prepared.task, prepared.labels.names
    if not found.are_of(len(keys), task.output, *answer_shape(prepared)):
        shapes = ", ".join(" x ".join(map(str, output.shape)) for output in found.outputs.values())
        raise RunError(
            f"{run.path / kept.NAME} is damaged: it holds {shapes} answers, and"
            f" {len(keys)} pictures of {counted(len(names), task.noun)} were measured"
        )
    items = prepared.source.items
    chosen = np.array([row[items[index].key] for index in prepared.folds.measured], np.int64)
    return replace(
        found,
        outputs={name: output[chosen] for name, output in found.outputs.items()},
        distances=None if found.distances is None else found.distances[chosen],
    )


def answer_shape(prepared: Prepared) -> tuple[int, ...]:
    """Return the shape of one answer of the net: (numbers,), or (channels, height, width) of a map."""
    output = prepared.survey.output
    if prepared.task.solved or output is None:
        return (prepared.task.width(prepared.facts),)
    return (output.channels, *output.size) if output.is_map else (output.channels,)


def measured_keys(split: Mapping[str, Any]) -> list[str]:
    """Return the keys of the pictures that a run's folds answered for, in the order of the answers that it keeps."""
    places = split["folds"]["places"]
    return [key for number, key in enumerate(split["train"]) if all(draw[number] >= 0 for draw in places)]


def few(prepared: Prepared) -> tuple[str, ...]:
    """Return, where a figure stands on a handful of few pictures, how to have it stand on all; else nothing."""
    parts = prepared.split
    pictures = len(parts.train) + len(parts.val) + len(parts.test)
    own = any(item.split is not None for item in prepared.source.items)
    if prepared.folds is not None or own or pictures >= FEW or not parts.test or prepared.config.patience is not None:
        return ()
    return (
        f"the figure will stand on {len(parts.test):,} test pictures; --folds {FOLDS} measures on all {pictures:,}, and"
        f" takes about {FOLDS} times as long",
    )


def head_folds(
    prepared: Prepared, head: HeadTraining, path: Path, *, all_heads: bool = False
) -> Generator[Folding, None, Answers]:
    """Cross-validate a head on features; return its answers, which ``path`` keeps.

    ``all_heads``: each fold's head is needed later, however large.
    """
    from striate.engine.head_folds import cross_validated

    folds, targets, task = prepared.folds, prepared.targets, prepared.task
    assert folds is not None
    found = kept.whole(path)
    if found is not None and found.are_of(len(folds.measured), task.output, head.width) and found.facts.get("path"):
        return found
    under_way = cross_validated(
        head.features,
        head.objective,
        folds,
        epochs=head.epochs,
        decay=head.decay if head.chosen else None,
    )
    while True:
        try:
            done, of = next(under_way)
        except StopIteration as end:
            answered = end.value
            break
        yield Folding(done / of, f"heads on {folds}")
    heads = {"heads.weight": answered.weights, "heads.bias": answered.biases}
    small = all_heads or sum(tensor.nbytes for tensor in heads.values()) <= SMALL
    distances = None
    if prepared.config.unknown:
        distances = np.zeros(len(folds.measured))
        for fold in range(folds.count):
            mine = folds.places[0, folds.measured] == fold
            others = subset(folds.others(0, fold).tolist(), KNOWN, seed=prepared.config.seed)
            if mine.any():
                rows = folds.measured[mine]
                found_here = task.distances(head.features[rows], head.features[others], targets[others])
                if found_here is None:
                    distances = None
                    break
                distances[mine] = found_here
    result = Answers({task.output: answered.output}, distances, heads if small else {}, {"path": list(answered.path)})
    if not path.parent.is_dir():
        durable.make_directory(path.parent)
    kept.write(path, result)
    return result


def fold_prepared(
    prepared: Prepared, rows: Sequence[int] | np.ndarray, provided: ProvidedModel | None = None
) -> Prepared:
    """Return what a fold is trained with: these rows alone, with their own mean and deviation where the run has its."""
    parts = Split(tuple(int(row) for row in rows), (), ())
    pictures = prepared.preprocess
    if prepared.config.weights is None and provided is None:
        pictures = scaled(replace(pictures, mean=(), std=()), prepared.store, parts, None)
    return replace(prepared, split=parts, preprocess=pictures, folds=None)


def keep_begun(run: RunDirectory, model: Model) -> None:
    """Keep what an adopted module begins with, for the folds' trainings begin with that too."""
    from striate.model.files import tensorfile

    durable.make_directory(run.path / kept.FOLDER)
    durable.write(run.path / kept.FOLDER / BEGUN, tensorfile.pack(dict(model.state_dict()), {}))


def begun_again(run: RunDirectory, model: Model) -> Model:
    """Return a model with what `keep_begun` kept."""
    from striate.model.files import tensorfile

    model.load_state_dict(tensorfile.read(run.path / kept.FOLDER / BEGUN)[0])
    return model


def net_folds(
    run: RunDirectory,
    prepared: Prepared,
    begin: Callable[[int, int], Training],
    asked: Callable[[Training, np.ndarray], Mapping[str, np.ndarray]] | None = None,
) -> Generator[Folding | FoldDone, None, Answers]:
    """Train a net for every fold, ``begin(draw, fold)`` makes each; return the answers, which the run keeps.

    ``asked(training, rows)`` are the outputs of what was trained for rows of the pictures; None: it is asked about
    their pixels.
    """
    asked = asked or partial(_asked, prepared)
    folds, folder, path = prepared.folds, run.path / kept.FOLDER, run.path / kept.NAME
    assert folds is not None
    facts = {"epochs": prepared.config.epochs}  # a run may be gone on with for more
    found = kept.whole(path)
    task, shape = prepared.task, answer_shape(prepared)
    if found is not None and found.are_of(len(folds.measured), task.output, *shape) and found.facts == facts:
        durable.discard(folder)
        return found
    if not folder.is_dir():
        durable.make_directory(folder)
    of, parts = folds.draws * folds.count, dict[tuple[int, int], Answers]()
    for draw, fold in np.ndindex(folds.draws, folds.count):
        number, held = draw * folds.count + fold + 1, folds.held(draw, fold)
        if not len(held):
            continue
        file = folder / f"{number}.safetensors"
        part = kept.whole(file)
        if part is None or not part.are_of(len(held), task.output, *shape) or part.facts != facts:
            began = time.monotonic()
            training = begin(draw, fold)
            yield from train_apart(training, folder / f"{number}-{prepared.config.epochs}", number, of)
            ask = partial(asked, training)
            part = replace(_answered(ask, prepared, held, folds.others(draw, fold)), facts=facts)
            kept.write(file, part)
            durable.discard(folder / f"{number}-{prepared.config.epochs}")
            told = task.told(part.outputs, prepared.targets[held], prepared.facts)
            yield FoldDone(number, of, len(held), told, time.monotonic() - began)
        parts[draw, fold] = part
    result = replace(_joined(task, folds, parts), facts=facts)
    kept.write(path, result)
    durable.discard(folder)
    return result


def _asked(prepared: Prepared, training: Training, rows: np.ndarray) -> Mapping[str, np.ndarray]:
    """Return what a net that was trained says of pictures."""
    from striate.engine.infer import infer_outputs

    model, store = training.final_model(), prepared.store
    return infer_outputs(model, store, rows, output=prepared.task.output, device=training.device)


def _answered(
    ask: Callable[[np.ndarray], Mapping[str, np.ndarray]], prepared: Prepared, held: np.ndarray, others: np.ndarray
) -> Answers:
    """Return what a fold's net says of the pictures it has not seen."""
    task, said = prepared.task, ask(held)
    answers = Answers({task.output: said[task.output]})
    if not (prepared.config.unknown and task.solved):
        return answers
    seen = subset(others.tolist(), KNOWN, seed=prepared.config.seed)
    known = ask(seen)
    return replace(answers, distances=task.distances(said[EMBEDDING], known[EMBEDDING], prepared.targets[seen]))


def train_apart(training: Training, folder: Path, number: int, of: int, *, what: str = "fold") -> Iterator[Folding]:
    """Train a net beside the one that is kept, such as a fold's, from its newest checkpoint in ``folder`` on.

    It is the ``number``th of ``of``. Stopped between two steps it is kept as it stands.
    """
    from striate.engine.fit import Epoch, Step, watch

    if not folder.is_dir():
        durable.make_directory(folder)
    checkpoint, _ = checkpoints.newest(folder)
    if checkpoint is not None:
        take_up(training, checkpoint, folder)
    last = time.monotonic()

    def keep() -> float:
        tensors, facts = training.state()
        checkpoints.save(folder, int(facts["epochs_done"]), tensors, facts)
        return time.monotonic()

    events = watch(training)
    try:
        for event in events:
            if isinstance(event, Epoch) and time.monotonic() - last >= KEEP_FOLD and not training.done:
                last = keep()
            if isinstance(event, Step | Epoch):
                epoch = event.epoch if isinstance(event, Step) else event.index
                share = min(1.0, training.updates / max(1, training.epochs * training.steps))
                yield Folding((number - 1 + share) / of, f"{what} {number} of {of}, epoch {epoch}/{training.epochs}")
    except GeneratorExit:
        events.close()
        keep()
        raise
    except TrainingError as error:
        raise type(error)(f"{what} {number} of {of}: {error}") from None


def _joined(task: Task, folds: Folds, parts: dict[tuple[int, int], Answers]) -> Answers:
    """Return the answers of all folds in the order of the pictures; of several draws the mean, as the task takes it."""
    measured = folds.measured
    first = next(iter(parts.values()))
    shape = (len(measured), *first.outputs[task.output].shape[1:])
    output, distances = np.zeros(shape, np.float64 if folds.draws > 1 else np.float32), np.zeros(len(measured))
    for (draw, fold), part in parts.items():
        here = np.isin(folds.held(draw, fold), measured)
        there = np.isin(measured, folds.held(draw, fold))
        said = part.outputs[task.output][here]
        output[there] += said if folds.draws == 1 else task.for_mean(said)
        if part.distances is not None:
            distances[there] += part.distances[here]
    mean = (output / folds.draws).astype(np.float32, copy=False)
    return Answers({task.output: mean}, None if first.distances is None else distances / folds.draws)


def means(prepared: Prepared) -> str:
    """Return in a sentence what a cross-validated figure is."""
    assert prepared.folds is not None
    what = "head" if prepared.config.tune in ("head", "maps") else "net"
    who = f"{what}s" if prepared.folds.draws > 1 else f"a {what}"
    told = f"each picture was answered by {who} that had not seen it; the model that is kept has seen all of them"
    if prepared.task.sized_by_labels:
        told += "; what nobody said of its size and its net was chosen by the labels of all of them"
    return told
