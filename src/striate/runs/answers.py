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
from striate.tasks.table import OUTPUT_BEFORE

NAME = "folds.safetensors"
FOLDER = "folds"
KEY, FORMAT = "striate.folds", 2
_PREFIX = "output."


@dataclass(frozen=True, eq=False)
class Answers:
    """Answers to M pictures, in the order of the run's training pictures.

    ``outputs`` are what the networks said, each (M, ...) float32, by the name of the output; ``distances`` (M,)
    float64: how far each picture lies from those that the network which answers had seen (`Task.distances`), where the
    task measures that; ``others``: what else is kept beside them, such as each fold's head. ``facts`` are plain JSON.
    """

    outputs: Mapping[str, NDArray[np.float32]]
    distances: NDArray[np.float64] | None = None
    others: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def are_of(self, pictures: int, output: str, *shape: int) -> bool:
        """Return whether these are answers to so many pictures, by that output, each of this shape."""
        return output in self.outputs and self.outputs[output].shape == (pictures, *shape)

    def __len__(self) -> int:
        return len(next(iter(self.outputs.values())))


def write(path: Path, answers: Answers) -> None:
    """Write answers, whole or not at all. Errors: DiskError."""
    tensors: dict[str, NDArray[Any]] = {_PREFIX + name: output for name, output in answers.outputs.items()}
    tensors |= answers.others
    if answers.distances is not None:
        tensors["distances"] = answers.distances
    text = json.dumps({"format": FORMAT, "facts": dict(answers.facts)}, ensure_ascii=True)
    durable.write(path, tensorfile.pack(tensors, {KEY: text}))


def read(path: Path) -> Answers:
    """Read answers. Errors: RunError when they are not there, or damaged."""
    try:
        tensors, header = tensorfile.read_all_arrays(path)
        values = strict.loads(header.metadata[KEY])
        if values["format"] not in (1, FORMAT):
            raise RunError(f"{path} is of format {values['format']}, and this Striate reads {FORMAT}")
        if tensorfile.CHECKSUM not in header.metadata:
            raise ValueError("it carries no checksum")
        if values["format"] == 1:  # of classes alone, whose tensor had the name of the output
            tensors = {_PREFIX + name if name == OUTPUT_BEFORE else name: tensor for name, tensor in tensors.items()}
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
    outputs = {name.removeprefix(_PREFIX): tensor for name, tensor in tensors.items() if name.startswith(_PREFIX)}
    others = {name: tensor for name, tensor in tensors.items() if not name.startswith(_PREFIX) and name != "distances"}
    return Answers(outputs, tensors.get("distances"), others, facts)


def whole(path: Path) -> Answers | None:
    """Return answers that are there and whole, else None: they are made again."""
    try:
        return read(path)
    except RunError:
        return None


def _check(tensors: Mapping[str, NDArray[Any]]) -> None:
    """Refuse what are no answers: another kind of number, numbers that are not finite, other lengths. ValueError."""
    outputs = {name: tensor for name, tensor in tensors.items() if name.startswith(_PREFIX)}
    if not outputs:
        raise ValueError("it holds no answers")
    count = len(next(iter(outputs.values())))
    for name, tensor in {**outputs, **({"distances": tensors["distances"]} if "distances" in tensors else {})}.items():
        kind = np.float32 if name in outputs else np.float64
        if tensor.dtype != kind or tensor.ndim < 1 or (name == "distances" and tensor.ndim != 1):
            raise ValueError(f"its {name} are not what they have to be")
        if not np.isfinite(tensor).all() or len(tensor) != count:
            raise ValueError(f"its {name} hold numbers that are not finite, or not one a picture")
