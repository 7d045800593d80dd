"""Trunk: what a frozen net makes of every picture, once, as fast as this machine can; kept in the cache."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from striate.data.store.features import Features, open_features
from striate.data.store.store import Store
from striate.engine.infer import answers
from striate.errors import ModelError
from striate.model.build.model import build
from striate.model.files.weights import read
from striate.runs.onnx_file import session
from striate.spec.pyramid import trunk_names
from striate.spec.shape import Shape
from striate.tasks.task import EMBEDDING
from striate.verbs.forecast import timed
from striate.verbs.prepared import Prepared, Start
from striate.verbs.workspace import HERE, Workspace

if TYPE_CHECKING:
    from torch import Tensor

    from striate.model.build.model import Model

AT_ONCE = 400_000  # pixels that go through torch together
BLOCK = 16  # pictures that a thread is given at a time


def frozen_net(prepared: Prepared, device: torch.device) -> Model:
    """Return the net as features are made with it, with weights drawn by chance as yet, on the device."""
    pictures = prepared.preprocess
    shape = Shape(pictures.channels, pictures.height, pictures.width)
    model = build(prepared.net, shape, preprocess=pictures, seed=prepared.config.seed)
    return model.to(device=device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload,no-any-return]


def start_tensors(start: Start) -> Mapping[str, Tensor]:
    """Return the weights to start from by the paths of the trunk's parts, whatever is on it in their file.

    Errors: ModelError for a file that is damaged.
    """
    tensors, _ = read(start.path)
    if start.whole is None:
        return tensors
    named = trunk_names(start.whole, start.net)
    parts = {name: name.rpartition(".") for name in tensors}
    return {
        f"{named.get(path, path)}.{what}": tensors[name]
        for name, (path, _, what) in parts.items()
        if path in named or path == "input"
    }


def at_once(prepared: Prepared, device: torch.device) -> int:
    """Return how many pictures go through torch together."""
    pictures = prepared.preprocess
    # Few at a time stay in the processor's cache: 1.8 times as many a second as in batches of 64 (227x227).
    return 128 if device.type != "cpu" else max(4, min(256, AT_ONCE // (pictures.height * pictures.width)))


def trunk_features(
    prepared: Prepared,
    start: Start,
    model: Model,
    device: torch.device,
    threads: int,
    workspace: Workspace = HERE,
) -> Features:
    """Return the features of all pictures: from the cache where exactly these were made before, else made now.

    ``model``, on its ``device``, holds the weights of ``start``. On a processor ONNX Runtime computes them, with norms
    folded into convolutions, in a third of torch's time: each of the ``threads`` by itself and a picture at a time, so
    that the bits depend on neither. On a GPU, and for a net that ONNX cannot hold, torch does.

    Errors: ModelError for a head that is no dense layer, StoreError.
    """
    width = model.get_submodule(model.embedding_part).in_features
    if not isinstance(width, int):
        raise ModelError(f"{start.words}: its new head is no dense layer")
    if device.type == "cpu":
        try:
            return _kept(
                prepared,
                start,
                width,
                ["onnxruntime", version("onnxruntime")],
                lambda: _by_onnx(_session(model), prepared.store, threads),
                workspace,
            )
        except _NotInOnnxError:
            pass
    batch, rows = at_once(prepared, device), range(len(prepared.store.pixels))
    return _kept(
        prepared,
        start,
        width,
        ["float32", device.type, torch.__version__, threads, batch],
        lambda: (
            answer[EMBEDDING].numpy()
            for answer in answers(
                model, prepared.store, rows, batch_size=batch, device=device, output=prepared.task.output
            )
        ),
        workspace,
    )


def seconds_a_picture(prepared: Prepared, model: Model, device: torch.device, threads: int) -> float:
    """Return how long `trunk_features` takes for a picture here, in seconds, timed with a few of them."""
    store, few = prepared.store, range(min(4, len(prepared.store.pixels)))
    if device.type == "cpu":
        try:
            asked = _session(model)
            one = {"pixels": np.ascontiguousarray(store.pixels[:1])}
            return timed(lambda: asked.run(["embedding"], one), turns=4) / threads
        except _NotInOnnxError:
            pass
    said = prepared.task.output
    return timed(lambda: list(answers(model, store, few, batch_size=4, device=device, output=said))) / len(few)


class _NotInOnnxError(Exception):
    """A net that ONNX Runtime cannot compute."""


def _kept(
    prepared: Prepared,
    start: Start,
    width: int,
    arithmetic: list[Any],
    compute: Callable[[], Iterator[NDArray[np.float32]]],
    workspace: Workspace,
) -> Features:
    """Return features from the cache, where ``arithmetic``, what may change their last bits, made them before."""
    rule = {"weights": start.digest, "preprocess": prepared.preprocess.to_dict(), "arithmetic": arithmetic}
    said = json.dumps(rule, sort_keys=True)
    return open_features(prepared.store, prepared.source, said, width, compute, progress=workspace.progress)


def _session(model: Model) -> Any:
    """Return a session of ONNX Runtime on a model. Errors: _NotInOnnxError where there cannot be one."""
    from striate.verbs.export import graph_for

    content, _ = graph_for(model)
    if content is None:
        raise _NotInOnnxError
    try:
        return session(content, many=True, threads=1)
    except ModelError:
        raise _NotInOnnxError from None


def _by_onnx(asked: Any, store: Store, threads: int) -> Iterator[NDArray[np.float32]]:
    """Yield the features of a store's pictures in their order, a block at a time."""

    def block(begin: int) -> NDArray[np.float32]:
        rows = range(begin, min(begin + BLOCK, len(store.pixels)))
        made = [asked.run(["embedding"], {"pixels": np.ascontiguousarray(store.pixels[row : row + 1])}) for row in rows]
        return np.concatenate([one for (one,) in made])

    waiting: deque[Future[NDArray[np.float32]]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="striate-trunk") as pool:
        try:
            for begin in range(0, len(store.pixels), BLOCK):
                waiting.append(pool.submit(block, begin))
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:  # whoever stops waits for no more than is under way
            pool.shutdown(cancel_futures=True)
