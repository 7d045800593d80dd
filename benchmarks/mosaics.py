"""Tiles against single pictures: nine test pictures of a run put together, answered by tiles and one by one.

STRIATE_RUN names the folder of the run, of boxes, masks or counts; a trial is a draw of nine of its test pictures. What
is compared are two answers of one network, so nothing here says how right either is.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch

from benchmarks.table import Result, Row
from striate.data.pictures.image import decode
from striate.metrics.boxes import iou
from striate.runs.predictor import Predictor
from striate.runs.run import RunDirectory
from striate.tasks.boxes import Boxes
from striate.tasks.masks import Masks
from striate.tasks.points import Count

SIDE = 3  # pictures down and across
SEAM = 6  # pixels of a picture's edge, within which a box lies at a seam


def run(trials: int) -> Result:
    """Draw and compare."""
    torch.set_num_threads(1)
    if not (there := os.environ.get("STRIATE_RUN")):
        raise SystemExit("STRIATE_RUN names the folder of a trained run of boxes, masks or counts")
    opened = RunDirectory(Path(there))
    folder, keys = Path(opened.source()["location"]), opened.split()["test"]
    predictor, rows = Predictor.open(opened.model_path), dict[str, list[float]]()
    for seed in range(trials):
        drawn = np.random.default_rng(seed).choice(len(keys), SIDE**2, replace=False)
        pictures = [decode((folder / keys[place]).read_bytes()) for place in drawn.tolist()]
        if len({picture.shape for picture in pictures}) > 1:
            raise SystemExit("pictures of several sizes make no mosaic")
        for what, value in compared(predictor, pictures).items():
            rows.setdefault(what, []).append(value)
            print(f"{what}: {value:.4g}", flush=True)
    units = {what: what.split(", ")[-1] for what in rows}
    return Result(
        tuple(Row(what.rpartition(", ")[0], tuple(values), units[what], more=True) for what, values in rows.items()),
        ("striate predict mosaic.png --tile",),
    )


def compared(predictor: Predictor, pictures: list[np.ndarray]) -> dict[str, float]:
    """Return how like the answer by tiles is to those of single pictures (H, W, C)."""
    high, wide = pictures[0].shape[:2]
    whole = np.concatenate([np.concatenate(pictures[at : at + SIDE], 1) for at in range(0, SIDE**2, SIDE)])
    single = [predictor.answer(picture) for picture in pictures]
    tiled, small = predictor.answer(whole, tile="auto"), predictor.answer(whole)
    if isinstance(tiled, Count):
        alone = sum(float(one.counts.sum()) for one in single if isinstance(one, Count))
        return {"counts above the sum of single pictures, %": 100 * (float(tiled.counts.sum()) / alone - 1)}
    if isinstance(tiled, Masks):
        assert isinstance(small, Masks)
        ids = [one.ids for one in single if isinstance(one, Masks)]
        wanted = np.concatenate([np.concatenate(ids[at : at + SIDE], 1) for at in range(0, SIDE**2, SIDE)])
        return {
            "pixels as in single pictures, by tiles, %": 100 * float((tiled.ids == wanted).mean()),
            "pixels as in single pictures, without tiles, %": 100 * float((small.ids == wanted).mean()),
        }
    assert isinstance(tiled, Boxes)
    boxes, kinds = [], []
    for number, one in enumerate(single):
        assert isinstance(one, Boxes)
        row, column = divmod(number, SIDE)
        boxes.append(one.boxes[one.said] + np.tile([column * wide, row * high], 2))
        kinds.append(one.classes[one.said])
    mine, of = np.concatenate(boxes), np.concatenate(kinds)
    theirs, found = tiled.boxes[tiled.said], tiled.classes[tiled.said]
    same = (iou(mine, theirs) >= 0.5) & (of[:, None] == found)
    here, there = ~_at_seam(mine, high, wide), ~_at_seam(theirs, high, wide)
    return {
        "boxes of single pictures away from seams, boxes": float(here.sum()),
        "of these said by tiles, boxes": float(same.any(1)[here].sum()),
        "others said by tiles away from seams, boxes": float((~same.any(0))[there].sum()),
    }


def _at_seam(boxes: np.ndarray, high: int, wide: int) -> np.ndarray:
    """Return which boxes (D, 4) reach over, or near, an edge between two pictures."""
    near = np.zeros(len(boxes), bool)
    for axis, side in ((0, wide), (1, high)):
        for edge in range(side, SIDE * side, side):
            near |= (boxes[:, axis] < edge + SEAM) & (boxes[:, axis + 2] > edge - SEAM)
    return near
