"""A planted cause: soft colours in which a watermark decides the class, and a net that has learnt it."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch.nn import functional

from striate.data.pictures.crop_transform import Box
from striate.data.pictures.preprocess import Preprocess
from striate.interpret.torch_probe import TorchProbe
from striate.model.build.model import Model, build
from striate.spec import Shape, parse
from striate.tasks.table import TASKS
from striate.tasks.task import LabelFacts, State

SIDE, MARK = 48, 12  # pixels
NET = """
conv 8 3x3 pad 1 >> relu >> maxpool 2 >> conv 16 3x3 pad 1 >> relu >> maxpool 2 >> conv 16 3x3 pad 1 >> relu
>> globalmaxpool >> flatten >> dense 2
"""
HOW = Preprocess(SIDE, SIDE, 3, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))


def pictures(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, list[Box]]:
    """Return pictures (N, H, W, 3) uint8, classes (N,), and where the watermark is: stripes along or across."""
    draws = np.random.default_rng(seed)
    coarse = torch.from_numpy(draws.uniform(100, 156, (count, 3, 4, 4)))
    soft = functional.interpolate(coarse, (SIDE, SIDE), mode="bilinear").permute(0, 2, 3, 1).numpy()
    pixels = (soft + draws.normal(0, 3, soft.shape)).clip(0, 255).astype(np.uint8)
    targets = draws.integers(0, 2, count)
    boxes = []
    stripes = np.where(np.arange(MARK) % 4 < 2, 230, 30).astype(np.uint8)
    for picture, target in zip(pixels, targets, strict=True):
        # Something as bright that decides nothing.
        top, left = (int(each) for each in draws.integers(0, SIDE - MARK + 1, 2))
        picture[top : top + MARK, left : left + MARK] = draws.choice((30, 230))
        top, left = (int(each) for each in draws.integers(0, SIDE - MARK + 1, 2))
        picture[top : top + MARK, left : left + MARK] = (stripes[:, None] if target else stripes[None])[..., None]
        boxes.append(Box(top, left, top + MARK, left + MARK))
    return pixels, targets, boxes


@cache
def trained(steps: int = 100) -> Model:
    """Return the net after some steps of Adam; seconds."""
    model = build(parse(NET), Shape(3, SIDE, SIDE), preprocess=HOW, seed=1)
    pixels, targets, _ = pictures(1024, 0)
    given = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    optimiser = torch.optim.AdamW(model.parameters(), 5e-3, weight_decay=1.0)
    for step in range(steps):
        few = slice(step * 32 % 1024, step * 32 % 1024 + 32)
        loss = functional.cross_entropy(model(model.normalise(given[few])), torch.from_numpy(targets[few]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model.eval()


CLASSIFY, LABELS = TASKS["classify"], LabelFacts(("across", "along"))


def probe(picture: np.ndarray, model: Model | None = None) -> TorchProbe:
    """Return the net with a picture."""
    model = model or trained()
    inputs = model.normalise(torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].contiguous())
    frame = HOW.crop_transform(SIDE, SIDE)
    return TorchProbe(
        name="planted",
        model=model,
        names=("across", "along"),
        labels=LABELS,
        task=CLASSIFY,
        learnt=CLASSIFY.opened(State(), LABELS),
        preprocess=HOW,
        original=picture,
        pixels=picture,
        inputs=inputs,
        frame=frame,
    )
