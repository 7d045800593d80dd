"""A small net that has learnt the digits, made once for all tests that look inside it."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from sklearn.datasets import load_digits

from striate.data.pictures.preprocess import Preprocess
from striate.model.build.model import Model, build
from striate.spec import Shape, parse

NET = "conv 8 3x3 pad 1 >> batchnorm >> relu >> conv 16 3x3 pad 1 >> relu >> maxpool 2 >> flatten >> dense"


class Trained(NamedTuple):
    model: Model
    pixels: np.ndarray  # (N, 8, 8, 1) uint8
    targets: np.ndarray


@cache
def trained() -> Trained:
    digits = load_digits()
    pixels = (digits.images * 15.9).astype(np.uint8)[..., None]
    targets = digits.target.astype(np.int64)
    how = Preprocess(8, 8, 1, mean=(0.3,), std=(0.38,))
    model = build(parse(NET), Shape(1, 8, 8), classes=10, preprocess=how)
    torch.set_num_threads(1)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    draw = np.random.default_rng(0)
    for _ in range(120):
        rows = draw.integers(0, len(pixels), 128)
        inputs = model.normalise(torch.from_numpy(pixels[rows].transpose(0, 3, 1, 2).copy()))
        loss = torch.nn.functional.cross_entropy(model(inputs), torch.from_numpy(targets[rows]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return Trained(model.eval(), pixels, targets)
