"""Boxes as a table: a line an object, with the columns that TensorFlow's tutorials made common; written only."""

from __future__ import annotations

import csv
import io
from typing import Final

from striate.data.labels.objects import ObjectSet
from striate.data.labels.parsed import plain

HEAD: Final = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax", "ignored")


def write_csv(objects: ObjectSet) -> dict[str, bytes]:
    """Return the table, one file by the name "". A picture without objects has a line with its size alone.

    Coordinates are edges in pixels, from 0.
    Example: ``write_csv(ObjectSet("x", (), ()))[""][:22]`` is ``b"filename,width,height,"``.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(HEAD)
    for picture in objects.pictures:
        start = (picture.key, picture.width, picture.height)
        if not len(picture):
            table.writerow((*start, *[""] * 6))
        for box, index, ignored in zip(picture.boxes, picture.classes, picture.ignored, strict=True):
            table.writerow((*start, objects.classes[index], *map(plain, box), int(ignored)))
    return {"": text.getvalue().encode("utf-8", "surrogateescape")}
