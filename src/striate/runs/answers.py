"""Out-of-fold answers, kept in a run: what models that had not seen a picture said of it. No torch.

``folds.safetensors`` holds those of all folds; ``folds/<number>.safetensors`` those of one, while the others are still
being trained, and ``folds/<number>/`` the checkpoints of the one under way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import ModelError, RunError
from striate.model.files import strict, tensorfile
from striate.runs import durable
from striate.runs.fields import ANSWERS

NAME = "folds.safetensors"
FOLDER = "folds"
KEY, FORMAT = "striate.folds", 1


@dataclass(frozen=True, eq=False)
class Answers:
    """Answers to M pictures, in the order of the run's training pictures.

    ``logits`` (M, classes) float32; ``distances`` (M,) float64: how far each picture lies from those that the model
    which answers had seen (`tasks.ood.log_distances`), where "none of these" is learnt; ``others``: what else is
    kept beside them, such as each fold's head. ``facts`` are plain JSON.
    """

    logits: NDArray[np.float32]
    distances: NDArray[np.float64] | None = None
    others: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def outputs(self) -> dict[str, NDArray[np.float32]]:
        """The answers by the name of the output."""
        return {"logits": self.logits}

    def are_of(self, pictures: int, classes: int) -> bool:
        """Return whether these are answers to so many pictures, in so many classes."""
        return self.logits.shape == (pictures, classes)


def write(path: Path, answers: Answers) -> None:
    """Write answers, whole or not at all. Errors: DiskError."""
    tensors: dict[str, NDArray[Any]] = {"logits": answers.logits, **answers.others}
    if answers.distances is not None:
        tensors["distances"] = answers.distances
    text = json.dumps({"format": FORMAT, "facts": dict(answers.facts)}, ensure_ascii=True)
    durable.write(path, tensorfile.pack(tensors, {KEY: text}))


def read(path: Path) -> Answers:
    """Read answers. Errors: RunError when they are not there, or damaged."""
    try:
        tensors, header = tensorfile.read_all_arrays(path)
        values = strict.loads(header.metadata[KEY])
        if values["format"] != FORMAT:
            raise RunError(f"{path} is of format {values['format']}, and this Striate reads {FORMAT}")
        if tensorfile.CHECKSUM not in header.metadata:
            raise ValueError("it carries no checksum")
        _check(tensors)
        facts = values["facts"]
        if why := ANSWERS(facts):
            raise ValueError(why)
    except FileNotFoundError:
        raise RunError(f"{path} is not there: the answers of the folds are gone") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ModelError, KeyError, TypeError, ValueError) as error:
        raise RunError(f"{path} is damaged, and the answers of the folds with it ({str(error)[:80]})") from None
    named = {"logits", "distances"}
    return Answers(
        tensors["logits"],
        tensors.get("distances"),
        {name: tensor for name, tensor in tensors.items() if name not in named},
        facts,
    )


def whole(path: Path) -> Answers | None:
    """Return answers that are there and whole, else None: they are made again."""
    try:
        return read(path)
    except RunError:
        return None


def _check(tensors: Mapping[str, NDArray[Any]]) -> None:
    """Refuse what are no answers: another shape, another kind of number, numbers that are not finite. ValueError."""
    for name, kind, dimensions in (("logits", np.float32, 2), ("distances", np.float64, 1)):
        tensor = tensors.get(name)
        if tensor is None and name == "distances":
            continue
        if tensor is None or tensor.dtype != kind or tensor.ndim != dimensions:
            raise ValueError(f"its {name} are not what they have to be")
        if not np.isfinite(tensor).all() or len(tensor) != len(tensors["logits"]):
            raise ValueError(f"its {name} hold numbers that are not finite, or not one a picture")
