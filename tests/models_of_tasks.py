"""Model files of every task, small, with weights as drawn and something learnt after training: made here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from striate.data.pictures.preprocess import Preprocess
from striate.model.build.model import Model, build
from striate.model.files.weights import ModelFile, to_bytes, with_state
from striate.spec import Shape, parse
from striate.tasks.calibrate import Calibration
from striate.tasks.classify import Learnt, state_of
from striate.tasks.columns import Column, Columns
from striate.tasks.conformal import LEVEL
from striate.tasks.detect_state import LearntBoxes
from striate.tasks.ood import fit_ood
from striate.tasks.stranger_skill import StrangerSkill
from striate.tasks.values import State

TRUNK = "conv 8 3x3 stride 4 pad 1 >> relu >> "
SPECKLED = Preprocess(24, 32, 3, resize="crop", mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4), crop_share=0.875)
PADDED = Preprocess(48, 64, 3, resize="pad", mean=(0.5,) * 3, std=(0.25,) * 3)
GRAY = Preprocess(24, 24, 1, resize="stretch", interpolation="bilinear")


def written(
    path: Path, task: str, net: str, how: Preprocess, state: State, names: tuple[str, ...], width: int, **more: Any
) -> Path:
    """Write a model whose last layer is drawn larger, so that it says something."""
    model: Model = build(parse(net), Shape(how.channels, how.height, how.width), classes=width, preprocess=how, seed=3)
    tensors = dict(model.state_dict())
    last = [name for name in tensors if name.endswith("weight")][-1]
    tensors[last] = tensors[last] * more.pop("louder", 3)
    tensors.update(more.pop("tensors", {}))
    facts = ModelFile(
        net=net, input=(how.channels, how.height, how.width), task=task, names=names, preprocess=how.to_dict(),
        labels=more.pop("labels", {}), state=dict(state.facts), provenance={},
    )  # fmt: skip
    path.write_bytes(to_bytes(with_state(tensors, state.arrays), facts))
    return path


def classes(path: Path, *, wide: bool = False) -> Path:
    """Three classes, calibrated, and "none of these"; ``wide`` embeddings are folded."""
    net = TRUNK + ("flatten >> dense" if wide else "globalavgpool >> flatten >> dense")
    many = 8 * 6 * 8 if wide else 8
    net = net.replace("conv 8", "conv 16") if wide else net
    many = 16 * 6 * 8 if wide else many
    random = np.random.default_rng(0)
    embeddings, targets = np.abs(random.normal(0.5, 0.5, (60, many))).astype(np.float32), np.arange(60) % 3
    found = fit_ood(embeddings[:40], targets[:40], embeddings[40:], random.normal(0, 2, (20, 3)), temperature=0.7)
    found = found.with_skill(StrangerSkill(found=0.9, lost=0.05, auroc=0.95, classes=3, strangers=60))
    learnt = Learnt(Calibration(temperature=0.7, pictures=20), found)
    return written(path, "classify", net, SPECKLED, state_of(learnt), ("cat", "dog", "owl"), 3, louder=8)


def tags(path: Path) -> Path:
    """Four tags, each with a shift and a threshold."""
    state = State({
        "calibration": {"temperature": 1.4, "shifts": [0.3, -0.2, 0.0, 1.0]}, "thresholds": [0.5, 0.4, 0.6, 0.7],
    })  # fmt: skip
    net = TRUNK + "globalavgpool >> flatten >> dense"
    return written(path, "tag", net, SPECKLED, state, ("sea", "sky", "snow", "sun"), 4, louder=6)


def numbers(path: Path) -> Path:
    """A number with an interval that widens, an angle, and one without an interval; of gray pictures."""
    columns = Columns((Column(12.0, 4.0), Column(period=360.0, start=-180.0), Column(0.0, 1.0)))
    sizes = np.linspace(0.1, 2.0, 30)
    state = State(
        {"level": LEVEL, "counts": [30, 30, 0]},
        {
            "sizes.0": sizes, "at.0": np.array([8.0, 12.0, 16.0]), "spread.0": np.array([0.5, 1.0, 3.0]),
            "sizes.1": sizes * 20,
        },
    )  # fmt: skip
    net = TRUNK + "globalavgpool >> flatten >> dense"
    labels = {"columns": columns.to_list(), "units": ["mm", "deg", ""]}
    return written(path, "regress", net, GRAY, state, ("width", "turn", "grade"), 4, labels=labels, louder=6)


def boxes(path: Path) -> Path:
    """Boxes of two classes, on a padded picture; their scores calibrated."""
    learnt = LearntBoxes(np.array([[0.9, 1.1, 0.2], [1.2, 0.8, -0.3]]), np.array([0.3, 0.4]), np.zeros(2), pooled=True)
    biases = torch.tensor([3.0, 3.0, 0.7, 0.8, 0.9, 1.0])
    net, labels = (
        "conv 8 3x3 stride 4 pad 1 >> relu >> conv 6 1x1 >> flatten",
        {"levels": [[12, 16]], "input": [48, 64]},
    )
    state = learnt.state(())
    more = {"labels": labels, "tensors": {"conv2.bias": biases}}
    return written(path, "detect", net, PADDED, state, ("red", "white"), 2, **more)


def masks(path: Path) -> Path:
    """Three classes a pixel."""
    state = State({"temperature": 0.8, "pictures": 5})
    return written(path, "segment", TRUNK + "conv 3 1x1", PADDED, state, ("sky", "road", "tree"), 3, louder=12)


def counts(path: Path) -> Path:
    """Two counts, corrected, one with an interval."""
    state = State(
        {"slopes": [1.2, 0.9], "level": LEVEL, "counts": [20, 0]},
        {"sizes.0": np.linspace(0.1, 1, 20), "at.0": np.array([1.0, 9.0, 60.0]), "spread.0": np.array([1.0, 3.0, 7.0])},
    )
    net = TRUNK + "conv 2 1x1"
    return written(path, "count", net, PADDED, state, ("cell", "clump"), 2, labels={"by": "dots"}, louder=15)


MAKERS: Mapping[str, Callable[[Path], Path]] = {
    "classify": classes,
    "tag": tags,
    "regress": numbers,
    "detect": boxes,
    "segment": masks,
    "count": counts,
}
"""A model file of every task, by its name."""
