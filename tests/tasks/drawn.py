"""Pictures that are drawn, so that what is where is known: discs and bars on noise, as masks and as dots."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from tests.configs import config

from striate.data.labels.marks import DotMarks, MaskMarks
from striate.data.pictures.preprocess import Preprocess
from striate.data.sources.items import ArraySource, Item
from striate.data.split import Split
from striate.data.store.store import Store
from striate.spec import Shape, parse
from striate.tasks.objective import Objective
from striate.tasks.task import Labels, Task
from striate.train_config import TrainConfig
from striate.verbs.places import in_input

SIDE = 48


@dataclass(frozen=True, eq=False)
class Drawn(ArraySource):
    """Pictures in memory, and the mask of each."""

    masks: tuple[NDArray[np.uint8], ...] = field(default=(), kw_only=True)

    def mask(self, index: int) -> NDArray[np.uint8]:
        return self.masks[index]


def scene(random: np.random.Generator, side: int = SIDE) -> tuple[NDArray[np.uint8], NDArray[np.uint8], list[tuple]]:
    """A picture (side, side), its mask (0 ground, 1 disc, 2 bar), and the middles of its discs."""
    across, down = np.meshgrid(np.arange(side) + 0.5, np.arange(side) + 0.5)
    mask, middles = np.zeros((side, side), np.uint8), []
    at = int(random.integers(0, side - 6))
    mask[at : at + 6] = 2
    for _ in range(int(random.integers(1, 6))):
        x, y = random.uniform(4, side - 4, 2)
        if all(np.hypot(x - a, y - b) > 9 for a, b in middles):
            middles.append((float(x), float(y)))
            mask[np.hypot(across - x, down - y) < 4] = 1
    values = np.array([60.0, 200.0, 130.0])[mask] + random.normal(0, 18, mask.shape)
    return values.clip(0, 255).astype(np.uint8), mask, middles


def drawn_masks(pictures: int = 24, seed: int = 0) -> Drawn:
    random = np.random.default_rng(seed)
    scenes = [scene(random) for _ in range(pictures)]
    items = tuple(Item(f"{number:02}.png", MaskMarks(f"{number:02}", "")) for number in range(pictures))
    return Drawn(
        "drawn", "/drawn", ("ground", "disc", "bar"), items,
        kind="masks", blocks=(np.stack([picture for picture, _, _ in scenes]),),
        rows=np.stack([np.zeros(pictures, np.int64), np.arange(pictures)], 1), origins=("drawn",),
        masks=tuple(mask for _, mask, _ in scenes),
    )  # fmt: skip


def drawn_dots(pictures: int = 24, seed: int = 0) -> ArraySource:
    """The same pictures with a dot in the middle of each disc."""
    random = np.random.default_rng(seed)
    scenes = [scene(random) for _ in range(pictures)]
    items = tuple(
        Item(f"{number:02}.png", DotMarks((SIDE, SIDE), tuple(middles), (0,) * len(middles)))
        for number, (_, _, middles) in enumerate(scenes)
    )
    return ArraySource(
        "dots", "/dots", ("discs",), items,
        kind="dots", blocks=(np.stack([picture for picture, _, _ in scenes]),),
        rows=np.stack([np.zeros(pictures, np.int64), np.arange(pictures)], 1), origins=("dots",),
    )  # fmt: skip


def training_of(task: Task, source: ArraySource, net: str, settings: TrainConfig | None = None, **said: object):
    """A training of a net from chance on a source, by the engine alone, and its labels; on three of four pictures."""
    from striate.engine.fit import begin
    from striate.model.build.model import build

    settings = config(
        **{"task": task.name, "batch": 4, "epochs": 10, "learning_rate": 0.01, "optimiser": "adam", "augment": "none",
           "device": "cpu", "threads": 1, **said}
    ) if settings is None else settings  # fmt: skip
    pixels = source.blocks[0][..., None]
    how = Preprocess(pixels.shape[1], pixels.shape[2], 1, mean=(0.43,), std=(0.24,))
    labels: Labels = in_input(task, task.labels(source, settings), source, how)
    cut = 3 * len(pixels) // 4
    labels = task.settle(labels, range(cut))
    shape = Shape(1, *pixels.shape[1:3])
    whole = parse(net).with_classes(task.width(labels.kept))
    task.check(whole.on(shape), labels.kept)
    model = build(whole, shape, preprocess=how, seed=0)
    split = Split(tuple(range(cut)), tuple(range(cut, len(pixels))), ())
    return begin(model, settings, Store(pixels, ()), Objective(task, labels, settings), split), labels
