"""Maps: a head with a pyramid is trained on what a frozen trunk makes of every picture, computed once and kept.

What `striate.verbs.trunk` is for a head that is solved on one vector a picture, for one that answers at every place:
the maps that the trunk hands to the pyramid, of each picture and of what else is shown of it
(`striate.verbs.views`), in half precision. Then an epoch passes no picture through the trunk.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from striate.data.split import Split
from striate.data.store.features import Features, open_features
from striate.data.store.store import Store
from striate.engine.device import choose_device, use_threads
from striate.engine.fit import begin, watch
from striate.errors import ModelError
from striate.model.build.frozen_part import Cut, Rest
from striate.model.files.weights import read
from striate.model.pretrained.transfer import load_head, load_trunk
from striate.runs import checkpoints
from striate.runs.onnx_file import session
from striate.runs.run import RunDirectory
from striate.spec.pyramid import trunk_names
from striate.tasks.objective import Objective
from striate.tasks.task import Labels, Outputs
from striate.verbs.asking import InferFn, asking
from striate.verbs.ending import NetsAlike, Trained
from striate.verbs.events import Event, Planned, follow, take_up
from striate.verbs.folds import few
from striate.verbs.forecast import forecast
from striate.verbs.lineage import learnt_before
from striate.verbs.prepared import Prepared, Start
from striate.verbs.trunk import frozen_net, start_tensors
from striate.verbs.views import Views
from striate.verbs.whole import begin_whole, head_config, is_whole
from striate.verbs.workspace import HERE, Workspace
from striate.words import counted

if TYPE_CHECKING:
    from striate.engine.fit import Training
    from striate.model.build.model import Model
    from striate.train_config import TrainConfig

BLOCK = 4  # pictures that a thread is given at a time
HALF = 2  # bytes


@dataclass(frozen=True)
class MapTuning:
    """A net with the weights it starts from, and the training of what is not frozen of it, on maps."""

    model: Model
    training: Training
    notes: tuple[str, ...]
    start: Start
    ask: InferFn
    alike: NetsAlike


def begin_maps(prepared: Prepared, start: Start, workspace: Workspace = HERE) -> MapTuning:
    """Build the net, give its trunk the weights, and pass every picture through it, once.

    Errors: ModelError for weights that are damaged or do not fit, DeviceError, StoreError.
    """
    config = prepared.config
    device = choose_device(config.device)
    threads = use_threads(config.threads)
    names = trunk_names(prepared.net, start.net)
    model = _on_trunk(prepared, start, device)
    cut = Cut(model, names.__contains__)
    steps = head_config(prepared)
    views = Views.of(prepared)
    asked = _session(cut) if device.type == "cpu" else None
    workspace.tell(_forecast(prepared, cut, steps, views, asked, threads))
    features = _maps(prepared, start, cut, names, views, asked, device, threads, workspace)
    rest = cast("Model", Rest(cut))  # it answers what the loop asks of a model
    training = begin(
        rest,
        steps,
        _store(features, prepared.store, views),
        Objective(prepared.task, _labels(prepared, views), steps),
        _split(prepared, views),
        pictures=False,
    )
    what = f"{counted(len(views.rows), 'view')} of {counted(views.still, 'picture')}"
    said = f"the maps of {what}, {cut.width:,} numbers each, {'made' if features.computed else 'found in the cache'}"
    inexact = () if device.type == "cpu" else (f"{device.type} made the maps: their last bits may differ",)
    ask = _asking(prepared, model, rest, training, views)
    return MapTuning(model, training, (said, *inexact), start, ask, _alike(prepared, start, training, views))


def _on_trunk(prepared: Prepared, start: Start, device: torch.device) -> Model:
    """Return the net with the weights of its trunk, and a head that has learnt nothing."""
    model = frozen_net(prepared, device)
    names = trunk_names(prepared.net, start.net)
    load_trunk(model, start_tensors(start), what=start.words, named=names.get)
    if takes_head(prepared, start):
        load_head(model, read(start.path)[0], names.__contains__, what=start.words)
    return model


def takes_head(prepared: Prepared, start: Start) -> bool:
    """Whether the head on maps goes on from that of the weights: one for the same names, on the same net.

    Heads of folds do not: it may have learnt from the very pictures that they are measured by.
    """
    same = start.gives_head(prepared.config.task, prepared.labels.names) and prepared.folds is None
    return same and start.whole == prepared.net


def _alike(prepared: Prepared, start: Start, training: Training, views: Views) -> NetsAlike:
    """Return how heads are trained on some of the pictures, by the same maps: those of the folds."""
    names = trunk_names(prepared.net, start.net)

    def on(rows: NDArray[np.int64]) -> Training:
        some = np.flatnonzero(np.isin(views.rows, rows))
        rest = Rest(Cut(_on_trunk(prepared, start, training.device), names.__contains__))
        return begin(
            cast("Model", rest),
            training.config,
            training.store,
            training.objective,
            Split(tuple(some.tolist()), (), ()),
            pictures=False,
        )

    def fold(draw: int, number: int) -> Training:
        assert prepared.folds is not None
        return on(prepared.folds.others(draw, number))

    def asked(trained: Training, rows: NDArray[np.int64]) -> Outputs:
        place = {row: at for at, row in enumerate(views.rows[: views.still].tolist())}
        ask = asking(trained.final_model(), trained.store, prepared.task, device=trained.device)
        return ask(np.array([place[row] for row in rows.tolist()], np.int64))

    return NetsAlike(on, fold, asked)


def _asking(prepared: Prepared, model: Model, rest: Model, training: Training, views: Views) -> InferFn:
    """Return the question to the model: about pictures whose maps there are by these, about others as anybody's."""
    kept = {row: place for place, row in enumerate(views.rows[: views.still].tolist())}
    task = prepared.task
    on_maps, whole = (
        asking(one, store, task, device=training.device)
        for one, store in ((rest, training.store), (model, prepared.store))
    )

    def ask(rows: NDArray[np.int64]) -> Outputs:
        places = [kept.get(row) for row in np.asarray(rows).tolist()]
        if not places or None in places:
            return whole(rows)
        return on_maps(np.array(places, np.int64))

    return ask


def _forecast(prepared: Prepared, cut: Cut, config: TrainConfig, views: Views, asked: Any, threads: int) -> str:
    """Return how long all will take, as a line; steps and a picture are timed for it."""
    nothing = np.zeros((len(views.rows), 1, cut.width, HALF), np.uint8)
    digests = tuple(prepared.store.digests[row] for row in views.rows)
    training = begin(
        cast("Model", Rest(cut)),
        config,
        Store(nothing, digests),
        Objective(prepared.task, _labels(prepared, views), config),
        _split(prepared, views),
        pictures=False,
    )
    device, parts = training.device, prepared.split

    def view() -> object:
        if asked is not None:
            from striate.export.onnx_maps import MAPS

            return asked.run([MAPS], {"pixels": views.pixels(prepared.store, 0)})
        pixels = torch.from_numpy(views.pixels(prepared.store, 0)).permute(0, 3, 1, 2).to(device)
        return cut.compute(cut.model.normalise(pixels))

    whole = begin_whole(prepared, cut.model) if prepared.config.tune == "all" else None
    asked_in_the_end = len(parts.test) + (0 if whole is None else len(parts.val))
    said = forecast(
        training,
        view,
        views=len(views.rows),
        asked=asked_in_the_end,
        threads=threads,
        whole=whole,
        folds=0 if prepared.folds is None else prepared.folds.count * prepared.folds.draws,
    )
    return said.words((prepared.preprocess.height, prepared.preprocess.width))


def learnt_on_maps(run: RunDirectory, prepared: Prepared, tuning: MapTuning) -> Generator[Event, None, Trained]:
    """Train the head, and the trunk behind it where all is tuned, from the newest checkpoint or from the beginning.

    Return what `striate.verbs.ending` goes on with.
    """
    training, checkpoint, config = tuning.training, run.latest_checkpoint(), prepared.config
    folder = run.path / "checkpoints"
    gone_on = checkpoint is not None and is_whole(checkpoint[0])
    if checkpoint is not None and not gone_on:
        take_up(training, checkpoint, folder)
    before = training.epochs_done
    done = before
    if checkpoint is not None and gone_on:
        with checkpoints.loading(folder):
            before = int(checkpoint[1].get("before", 0))
            done = before + int(checkpoint[1]["epochs_done"])
    run.truncate_history(done)
    notes = (*run.notes, *prepared.notes, *learnt_before(run, prepared), *tuning.notes, *training.inexact)
    notes += () if done or config.tune == "all" else few(prepared)
    yield Planned(run, prepared, device=str(training.device), done=done, notes=notes)
    if not gone_on and (config.tune == "maps" or config.head_epochs):
        yield from follow(run, training, watch(training))
        training.final_model()
        before = training.epochs_done
    if config.tune == "maps":
        return Trained(tuning.model.eval(), tuning.ask, tuning.alike)
    whole = begin_whole(prepared, tuning.model)
    if checkpoint is not None and gone_on:
        take_up(whole, checkpoint, folder)
    yield from follow(run, whole, watch(whole), before=before)
    model = whole.final_model()
    return Trained(model, asking(model, prepared.store, prepared.task, device=whole.device))


def _maps(
    prepared: Prepared,
    start: Start,
    cut: Cut,
    names: Mapping[str, str],
    views: Views,
    asked: Any,
    device: torch.device,
    threads: int,
    workspace: Workspace,
) -> Features:
    """Return the maps of all views, one row each, from the cache or made now."""
    arithmetic: list[Any] = ["onnxruntime", version("onnxruntime")]
    if asked is None:
        arithmetic = ["float16", device.type, torch.__version__, threads]
    rule = {
        "weights": start.digest,
        "preprocess": prepared.preprocess.to_dict(),
        "arithmetic": arithmetic,
        "maps": cut.trunk_paths(names.get),
        "layout": "channels first",
        "views": views.digest,
    }
    many = replace(prepared.store, digests=tuple(prepared.store.digests[row] for row in views.rows))
    made = _by_torch(cut, prepared, views, device) if asked is None else _by_onnx(asked, prepared.store, views, threads)
    said = json.dumps(rule, sort_keys=True)
    return open_features(
        many, prepared.source, said, cut.width, lambda: made, bytes_each=HALF, progress=workspace.progress
    )


def _session(cut: Cut) -> Any:
    """Return a session of ONNX Runtime on the frozen part; None where there cannot be one."""
    from striate.errors import ExportError
    from striate.export.onnx_maps import maps_graph

    model = cut.model
    tensors = {name: tensor.detach().cpu().numpy() for name, tensor in model.state_dict().items()}
    try:
        content = maps_graph(
            model.net,
            model.shape,
            tensors,
            cut.paths(),
            scale=tensors["input.scale"],
            offset=tensors["input.offset"],
        )
        return session(content, many=True, threads=1)
    except (ExportError, ModelError, KeyError):
        return None


def _by_onnx(asked: Any, store: Store, views: Views, threads: int) -> Iterator[NDArray[Any]]:
    """Yield the maps of the views in their order, a block at a time; each thread computes a picture by itself."""
    from striate.export.onnx_maps import MAPS

    def block(begin: int) -> NDArray[Any]:
        some = range(begin, min(begin + BLOCK, len(views.rows)))
        return np.concatenate([asked.run([MAPS], {"pixels": views.pixels(store, view)})[0] for view in some])

    waiting: deque[Future[NDArray[Any]]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="striate-maps") as pool:
        try:
            for begin in range(0, len(views.rows), BLOCK):
                waiting.append(pool.submit(block, begin))
                if len(waiting) > 2 * threads:
                    yield _finite(waiting.popleft().result())
            while waiting:
                yield _finite(waiting.popleft().result())
        finally:  # whoever stops waits for no more than is under way
            pool.shutdown(cancel_futures=True)


def _by_torch(cut: Cut, prepared: Prepared, views: Views, device: torch.device) -> Iterator[NDArray[Any]]:
    """Yield the maps of the views in their order, a block at a time, by torch."""
    for first in range(0, len(views.rows), BLOCK):
        some = range(first, min(first + BLOCK, len(views.rows)))
        pixels = np.concatenate([views.pixels(prepared.store, view) for view in some])
        inputs = cut.model.normalise(torch.from_numpy(pixels).permute(0, 3, 1, 2).to(device))
        yield _finite(cut.compute(inputs).half().cpu().numpy())


def _finite(maps: NDArray[Any]) -> NDArray[Any]:
    if not np.isfinite(maps).all():
        raise ModelError(
            "the maps of this trunk have numbers beyond 65,504, the largest of half precision, in which they are kept;"
            " train the whole net with tune = all (--tune all)"
        )
    return maps


def _store(features: Features, store: Store, views: Views) -> Store:
    """Return the maps as a store: a row of bytes a view."""
    digests = tuple(store.digests[row] for row in views.rows)
    return Store(features.raw, digests, features.lease)


def _labels(prepared: Prepared, views: Views) -> Labels:
    """Return the labels of the views: those of the pictures, moved as they are."""
    labels, task = prepared.labels, prepared.task
    moved = slice(views.still, len(views.rows))
    values = labels.values[views.rows]
    if views.still < len(views.rows):
        values[moved] = task.move(values[moved], views.moves(moved, prepared.store.pixels.shape[1:3]))
    return replace(labels, values=values, known=labels.known[views.rows])


def _split(prepared: Prepared, views: Views) -> Split:
    """Return the parts of the views: those that are moved train."""
    train = len(prepared.split.train)
    behind = range(views.still, len(views.rows))
    return Split((*range(train), *behind), tuple(range(train, views.still)), (), ())
