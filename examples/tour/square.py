"""A square found from its sides: a first layer that finds lines, a second that finds four of them in their places."""

from pathlib import Path

import numpy as np
import torch

from striate import Conv, ReLU, Shape
from striate.interpret.arithmetic.dot import dot
from striate.interpret.arithmetic.filters import as_conv, freeze, named
from striate.interpret.picture import read
from striate.interpret.torch_probe import TorchProbe
from striate.render.text.dot_text import text

picture = (read(Path("square.txt")) * 255).astype(np.uint8)

# Layer 1: upright lines in channel 0, level lines in channel 1, at every pixel; what is no line gives 0.
upright, weights = as_conv(named("vertical"), padding="same")
_, level = as_conv(named("horizontal"), padding="same")
lines = Conv(2, 3, padding=1, bias=False)

# Layer 2: upright lines two pixels to the left and to the right, level lines two pixels above and below.
sides = np.zeros((1, 2, 5, 5), np.float32)
sides[0, 0, 1:4, [0, 4]] = 1
sides[0, 1, [0, 4], 1:4] = 1

probe = TorchProbe.untrained(lines >> ReLU() >> Conv(1, 5, padding=2, bias=False), Shape(1, 12, 12), picture)
freeze(probe.model, "conv1", np.concatenate([weights, level]))
freeze(probe.model, "conv2", sides)

with torch.no_grad():
    found = probe.tap(["conv2"])["conv2"][0]
for row in found:
    print(" ".join(f"{value:3.0f}" for value in row))
print()
print(text(dot(probe, "conv2")))
