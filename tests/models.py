"""Model files of small colour classifiers, made here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from striate.data.pictures.preprocess import Preprocess
from striate.model.build.model import Model, build
from striate.model.files.weights import ModelFile, to_bytes
from striate.spec import Shape, parse

HOW = Preprocess(12, 16, 3, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))


def facts_of(net: str, *, temperature: float) -> ModelFile:
    """Say what a model file does of a net for cat, dog and owl on 12x16 pixels."""
    return ModelFile(
        net=net,
        input=(3, 12, 16),
        task="classify",
        names=("cat", "dog", "owl"),
        preprocess=HOW.to_dict(),
        state={"calibration": {"temperature": temperature}, "unknown": None},
        provenance={},
    )


def drawn(net: str) -> Model:
    """Return such a net with weights drawn, the same each time."""
    return build(parse(net), Shape(3, 12, 16), classes=3, preprocess=HOW, seed=5)


def model_file(path: Path, net: str, tensors: Mapping[str, Any] | None = None, *, temperature: float = 0.2) -> Path:
    """Write the file of such a net; with its weights as drawn, or others."""
    chosen = drawn(net).state_dict() if tensors is None else tensors
    path.write_bytes(to_bytes(chosen, facts_of(net, temperature=temperature)))
    return path
