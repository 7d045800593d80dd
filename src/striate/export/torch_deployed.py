"""A model as one torch module that answers by itself: pixels in, what `striate predict` says out. Imports torch."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from striate.export.torch_steps import compute
from striate.tasks.decoding import EMBEDDED, RAW

if TYPE_CHECKING:
    from striate.export.deployed import Deployment


class Answers(nn.Module):
    """A network, and behind it the steps of its task's decoding: (N, height, width, channels) uint8 to its outputs."""

    def __init__(self, deployment: Deployment) -> None:
        super().__init__()
        self.model = copy.deepcopy(deployment.predictor.model).cpu().eval()
        for parameter in self.model.parameters():
            parameter.requires_grad_(False)
        decoding = deployment.decoding
        self.steps, self.names = decoding.steps, tuple(decoding.outputs)
        self.whole: dict[str, list[int]] = {}
        self.kept: dict[str, str] = {}
        for number, (name, value) in enumerate(decoding.constants.items()):
            if value.dtype == np.int64:
                self.whole[name] = value.reshape(-1).tolist()
            else:
                self.kept[name] = f"constant{number}"
                self.register_buffer(f"constant{number}", torch.from_numpy(np.array(value)))

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        """Return the outputs by name for ``pixels``."""
        output, embedding = self.model.embed(self.model.normalise(pixels.permute(0, 3, 1, 2)))
        values = {RAW: output, EMBEDDED: embedding}
        for step in self.steps:
            inputs = [
                self.whole[name]
                if name in self.whole
                else self.get_buffer(self.kept[name])
                if name in self.kept
                else values[name]
                for name in step.inputs
            ]
            values.update(zip(step.outputs, compute(step, inputs), strict=True))
        return {name: values[name] for name in self.names}
