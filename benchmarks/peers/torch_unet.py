"""The peer of masks: the U-Net of Ronneberger et al. in plain PyTorch, as tutorials train it, for so many CPU seconds.

As the one for the ISBI membranes (zhixuhao/unet): pictures of 256 x 256, 64 to 1,024 channels, Adam at 1e-4, batches of
2, mirrored at random; with batch norm and padding, as PyTorch's most used one has them (milesial/Pytorch-UNet), and
cross-entropy. ``torch_unet.py PAIRS.json SECONDS...``: it is measured whenever so many CPU seconds are over. PAIRS: the
``classes``, ``ids`` (what a mask's values mean; others say nothing), and ``train`` and ``test``, [picture, mask] each.
Prints a line of JSON: of each time, the mean IoU and the Dice of each class, over all test pixels at the masks' size.
"""

import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

SIZE, BATCH, RATE, VOID = 256, 2, 1e-4, 255


def double(before: int, after: int) -> nn.Module:
    layers: list[nn.Module] = []
    for width in (before, after):
        layers += [nn.Conv2d(width, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        widths = (64, 128, 256, 512, 1024)
        self.down = nn.ModuleList(double(a, b) for a, b in zip((channels, *widths), widths, strict=False))
        self.up = nn.ModuleList(nn.ConvTranspose2d(w, w // 2, 2, stride=2) for w in reversed(widths[1:]))
        self.join = nn.ModuleList(double(w, w // 2) for w in reversed(widths[1:]))
        self.head = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for block in self.down:
            x = block(x if not kept else functional.max_pool2d(x, 2))
            kept.append(x)
        for up, join, across in zip(self.up, self.join, reversed(kept[:-1]), strict=True):
            x = join(torch.cat([across, up(x)], 1))
        out: Tensor = self.head(x)
        return out


def picture_of(path: str, mode: str) -> Tensor:
    with Image.open(path) as file:
        pixels = np.asarray(file.convert(mode).resize((SIZE, SIZE), Image.Resampling.BILINEAR), np.float32) / 255
    return torch.from_numpy(pixels.reshape(SIZE, SIZE, -1)).permute(2, 0, 1)


def mask_of(path: str, ids: dict[str, int]) -> np.ndarray:
    with Image.open(path) as file:
        stored = np.asarray(file)
    table = np.full(256, VOID, np.uint8)
    for value, place in ids.items():
        table[int(value)] = place
    return table[stored]


def small(mask: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(Image.fromarray(mask).resize((SIZE, SIZE), Image.Resampling.NEAREST), np.int64))


@torch.no_grad()
def measured(model: nn.Module, test: list[tuple[Tensor, np.ndarray]], classes: int) -> dict[str, Any]:
    model.eval()
    table = np.zeros((classes, classes))
    for picture, mask in test:
        maps = functional.interpolate(model(picture[None]), mask.shape, mode="bilinear", align_corners=False)
        said, known = maps[0].argmax(0).numpy(), mask != VOID
        table += np.bincount(mask[known] * classes + said[known], minlength=classes**2).reshape(classes, classes)
    model.train()
    hits, there, called = np.diag(table), table.sum(1), table.sum(0)
    seen = there > 0
    iou = hits[seen] / (there + called - hits)[seen]
    return {"iou": float(iou.mean()), "dice": (2 * hits / np.maximum(there + called, 1)).tolist()}


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    facts = json.loads(Path(sys.argv[1]).read_text())
    classes, ids = facts["classes"], facts["ids"]
    with Image.open(facts["train"][0][0]) as first:
        mode = "L" if first.mode in ("L", "I;16") else "RGB"
    train = [(picture_of(one, mode), small(mask_of(mask, ids))) for one, mask in facts["train"]]
    test = [(picture_of(one, mode), mask_of(mask, ids).astype(np.int64)) for one, mask in facts["test"]]
    model = UNet(1 if mode == "L" else 3, classes)
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    found, order, draw = [], list[int](), random.Random(0)
    measuring = 0.0  # what measuring takes is not counted
    for seconds in sorted(map(float, sys.argv[2:])):
        steps = 0
        while time.process_time() - measuring < seconds:
            if len(order) < BATCH:
                order = draw.sample(range(len(train)), len(train))
            some = [train[order.pop()] for _ in range(min(BATCH, len(train)))]
            flips = [[axis for axis in (1, 2) if draw.random() < 0.5] for _ in some]
            pictures = torch.stack([one.flip(flip) for (one, _), flip in zip(some, flips, strict=True)])
            masks = torch.stack(
                [one.flip([axis - 1 for axis in flip]) for (_, one), flip in zip(some, flips, strict=True)]
            )
            optimiser.zero_grad()
            functional.cross_entropy(model(pictures), masks, ignore_index=VOID).backward()
            optimiser.step()
            steps += 1
        began = time.process_time()
        found.append({"cpu": began - measuring, "steps": steps, **measured(model, test, classes)})
        measuring += time.process_time() - began
    print(json.dumps(found))


if __name__ == "__main__":
    main()
