"""Labels that lie somewhere in the pictures, taken to where the network sees them. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from striate.data.pictures.crop_transform import CropTransform
from striate.data.pictures.preprocess import Preprocess
from striate.data.sources.source import Source
from striate.tasks.task import Labels, Task
from striate.tasks.values import SCALE


def in_input(task: Task, labels: Labels, source: Source, preprocess: Preprocess) -> Labels:
    """Return the labels of a source's pictures in pixels of the network's input.

    The headers of all pictures are read for it, unless the task's labels lie nowhere in them. Errors: PictureError.
    """
    return placed(task, labels, source, preprocess)[0]


def placed(
    task: Task, labels: Labels, source: Source, preprocess: Preprocess
) -> tuple[Labels, Sequence[CropTransform]]:
    """Return what `in_input` does, and where the input lies in each picture; nothing where labels lie nowhere."""
    if not task.placed:
        return labels, ()
    crops = [preprocess.crop_of(source.picture(row)) for row in range(len(source.items))]
    return task.place(labels, crops), crops


def with_scale(labels: Labels, crops: Sequence[CropTransform], rows: Sequence[int]) -> Labels:
    """Return labels that know at what scale the pictures in ``rows``, those to train on, are learnt from.

    It is how many pixels of a picture one of the input is, down and across, the median of both (`SCALE`).
    """
    if not crops or not rows:
        return labels
    scale = np.median([(crops[row].down, crops[row].across) for row in rows], axis=0)
    return replace(labels, facts={**labels.facts, SCALE: [float(f"{one:.6g}") for one in scale]})
