"""Labels that lie somewhere in the pictures, taken to where the network sees them. No torch."""

from __future__ import annotations

from striate.data.pictures.preprocess import Preprocess
from striate.data.sources.source import Source
from striate.tasks.task import Labels, Task


def in_input(task: Task, labels: Labels, source: Source, preprocess: Preprocess) -> Labels:
    """Return the labels of a source's pictures in pixels of the network's input.

    The headers of all pictures are read for it, unless the task's labels lie nowhere in them. Errors: PictureError.
    """
    if not task.placed:
        return labels
    return task.place(labels, [preprocess.crop_of(source.picture(row)) for row in range(len(source.items))])
