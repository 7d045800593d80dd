"""Embedder: what makes vectors of pictures, out of a model file: which of its maps, by which directions. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.pictures.preprocess import Preprocess
from striate.errors import ModelError, SearchError
from striate.model.files import tensorfile
from striate.model.files.weights import ModelFile, read_arrays
from striate.runs.rebuild import width_of
from striate.search.embedder import WIDTH, Embedder, class_directions
from striate.spec import Conv, ConvTranspose, Dense, Net, Rbf, Shape, parse
from striate.spec.code import is_code
from striate.spec.pyramid import is_pyramid, trunk_path
from striate.spec.trace import Step, Trace
from striate.verbs.predict import find_model
from striate.verbs.start import MISSING, USUAL, open_usual_apart, whole_pictures
from striate.verbs.workspace import HERE, Workspace

_WEIGHTED = (Dense, Rbf, Conv, ConvTranspose)


def open_embedder(model: str | Path | None = None, workspace: Workspace = HERE) -> Embedder:
    """Return what makes vectors by ``model``: a run, a model file, published weights; None: the usual trunk.

    Its projection has no columns yet where the model's last layer gives none (`class_directions`) and its vectors are
    longer than 256 numbers: then they are found from the first pictures (`striate.search.embedder.main_directions`).

    Errors: ModelError, DownloadError; SearchError where the usual trunk is not here.

    Example: ``open_embedder().shape`` is ``(1280, 7, 7)``.
    """
    if model is None:
        start = open_usual_apart(workspace)
        if start is None:
            raise SearchError(f"nothing to make vectors with: {MISSING.partition(': ')[2]}, or say --model")
        return _embedder(start.path, USUAL)
    path = find_model(model=model, workspace=workspace)
    return _embedder(path, str(model))


def class_rows(embedder: Embedder, workspace: Workspace = HERE) -> tuple[tuple[str, ...], NDArray[np.float32]] | None:
    """Return the classes of the model that an embedder was made of, and how much a vector (D,) speaks for each.

    The rows (classes, D) of its last layer along the embedder's directions, so that of the logits' differences between
    two vectors all is kept that these directions hold. None for a model with fewer classes than describe anything.
    Errors: ModelError, DownloadError where the model is not here; SearchError where another is in its place.

    Example: ``len(class_rows(open_embedder())[0])`` is ``1000``.
    """
    path = find_model(model=embedder.words, workspace=replace(workspace, download=False))
    arrays, facts = read_arrays(path)
    if tensorfile.read_header(path).metadata.get(tensorfile.CHECKSUM, "") != embedder.model:
        raise SearchError(f"{embedder.words} is not the model that made the vectors any more")
    net, shape = parse(facts.net).with_classes(width_of(facts)), Shape(*facts.input)
    weights = _weights(_tapped(net, shape)[2], arrays, embedder.shape[0], facts)
    if weights is None or class_directions(weights) is None:
        return None
    about = weights - weights.mean(axis=0)
    return tuple(name.partition(",")[0] for name in facts.names), about @ embedder.projection


def _embedder(path: Path, words: str) -> Embedder:
    arrays, facts = read_arrays(path)
    if is_code(facts.net):
        raise ModelError(f"{words} is only its author's code, of which no map is known; name another with --model")
    net, shape = parse(facts.net).with_classes(width_of(facts)), Shape(*facts.input)
    given = whole_pictures(Preprocess.from_dict(facts.preprocess))
    tapped, made, head = _tapped(net, shape)
    scale, offset = given.scale_and_offset()
    from striate.export.onnx_maps import maps_graph

    try:
        graph = maps_graph(net, shape, arrays, [tapped], scale=scale, offset=offset)
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise ModelError(f"the weights in {path} are not those of its net: {error}") from None
    checksum = tensorfile.read_header(path).metadata.get(tensorfile.CHECKSUM, "")
    high, wide = made.size if made.is_map else (1, 1)
    projection = _projection(made.channels, _weights(head, arrays, made.channels, facts))
    return Embedder(graph, (made.channels, high, wide), given, projection, checksum, words)


def _tapped(net: Net, shape: Shape) -> tuple[str, Shape, str]:
    """Return the part whose output vectors are made of, what it puts out, and the part that answers by it.

    It is what flows into the last layer: the last map before it is pooled, or, behind a dense layer, the vector. Of a
    net with a pyramid it is the last map of its trunk.
    """
    trace = Trace(net, shape)
    trace.run()
    layers = [step for step in trace.done if _is_layer(step)]
    if is_pyramid(net):
        own = [step for step in layers if trunk_path(step.path) is not None and step.shape.is_map]
        return own[-1].path, own[-1].shape, ""
    weighted = [place for place, step in enumerate(layers) if isinstance(step.net, _WEIGHTED)]
    if len(weighted) < 2:
        raise ModelError(f"{net} has one layer that learns, and nothing before it to make vectors of")
    *_, before, answers = weighted
    between = layers[before:answers]
    if not isinstance(layers[before].net, Dense | Rbf):
        maps = [step for step in between if step.shape.is_map and step.shape.size != (1, 1)]
        if maps:
            return maps[-1].path, maps[-1].shape, layers[answers].path
    return between[-1].path, between[-1].shape, layers[answers].path


def _is_layer(step: Step) -> bool:
    from striate.spec.layer import Layer

    return isinstance(step.net, Layer) and not step.auxiliary


def _weights(head: str, arrays: Mapping[str, Any], channels: int, facts: ModelFile) -> NDArray[np.float32] | None:
    """Return the weights (classes, channels) of the part that answers, where it reads the vectors themselves."""
    weights = arrays.get(f"{head}.weight")
    if weights is None or len(facts.names) < 2:
        return None
    found = np.asarray(weights, np.float32).reshape(len(weights), -1)
    return found if found.shape[1] == channels else None


def _projection(channels: int, weights: NDArray[np.float32] | None) -> NDArray[np.float32]:
    if weights is not None and (found := class_directions(weights)) is not None:
        return found
    return np.eye(channels, dtype=np.float32) if channels <= WIDTH else np.zeros((channels, 0), np.float32)
