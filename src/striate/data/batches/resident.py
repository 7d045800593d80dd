"""All pictures of a store on the device that trains, where they fit: batches are gathered there. No imports of ours.

A GPU takes a batch of small pictures in less time than the processor needs to gather and send one. As uint8, 50,000
pictures of 32x32 are 154 MB; they are sent once, and the rows of an epoch with them, so no step waits for the host.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SHARE = 0.25  # of the memory that is free on the device, at most


@dataclass(frozen=True, eq=False)
class Resident:
    """``pixels`` (N, H, W, C) uint8 and ``targets`` (N, ...) on a device. Make one with `resident` or `sent`."""

    pixels: Tensor
    targets: Tensor

    def gathered(self, chosen: list[NDArray[np.int64]]) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the pictures (n, C, H, W), channels_last as they lie, and targets (n, ...) of each set of rows."""
        rows = torch.from_numpy(np.concatenate(chosen)).to(self.pixels.device)
        for places in rows.split([len(items) for items in chosen]):  # type: ignore[no-untyped-call]
            yield self.pixels[places].permute(0, 3, 1, 2), self.targets[places]


def resident(pixels: NDArray[np.uint8], targets: NDArray[Any], device: torch.device) -> Resident | None:
    """Return the pictures on a CUDA device; None on another, or where they would take over a quarter of what is free.

    Example: ``resident(store.pixels, prepared.targets, torch.device("cpu")) is None``
    """
    if device.type != "cuda" or pixels.nbytes > SHARE * torch.cuda.mem_get_info(device)[0]:
        return None
    return sent(pixels, targets, device)


def sent(pixels: NDArray[np.uint8], targets: NDArray[Any], device: torch.device) -> Resident:
    """Return the pictures on a device, whatever room there is."""
    return Resident(torch.from_numpy(np.array(pixels)).to(device), torch.from_numpy(targets).to(device))
