"""Pictures with a class a pixel drawn from outlines of objects, in any format of `data/labels` that has them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.data.labels.classes import shown
from striate.data.labels.filled import mask_of
from striate.data.labels.marks import MaskMarks
from striate.data.labels.objects import PictureObjects
from striate.data.pictures.crop_transform import VOID
from striate.data.sources.items import Item
from striate.data.sources.masked import MASKS, MaskedSource
from striate.data.sources.spoken import spoken_of
from striate.errors import SourceError
from striate.words import counted

BACKGROUND: Final = "background"


@dataclass(frozen=True, eq=False)
class OutlineSource(MaskedSource):
    """Masks that are drawn from outlines: ``drawn`` has the objects of each picture."""

    drawn: Mapping[str, PictureObjects] = field(kw_only=True)

    def classes_at(self, index: int) -> NDArray[np.uint8]:
        """Return the class of every pixel of a picture, drawn."""
        *classes, background = [VOID if at < 0 else at for at in self.places]
        return mask_of(self.drawn[self.items[index].key], classes, background=background)


def outline_source(
    path: Path, *, name: str, form: str | None = None, labels: Path | None = None, allow_bad: bool = False
) -> OutlineSource:
    """Return the pictures that labels of objects speak of, with the masks that their outlines draw.

    ``labels`` are those of the pictures of ``path``, where they are not all that lies there. What no outline covers
    is the class background; an object that is known by its box alone is void.
    Errors: SourceError for labels that cannot be used, without outlines, or whose pictures are all elsewhere.

    Example: ``outline_source(Path("meadow"), name="meadow").label_names`` is ``("background", "cow")``.
    """
    spoken = spoken_of(labels or path, form=form, pictures=path if labels else None, allow_bad=allow_bad)
    objects, there = spoken.objects, spoken.there
    outlines = sum(bool(rings) for picture in there for rings in picture.outlines)
    if not outlines:
        raise SourceError(
            f"{shown(str(path))} holds {counted(sum(map(len, there)), 'box')} without outlines ({objects.form});"
            " to divide pictures takes masks or outlines"
        )
    used = sorted({
        int(at) for one in there for at, rings, ignored in zip(one.classes, one.outlines, one.ignored, strict=True)
        if rings and not ignored
    })  # fmt: skip
    names = [objects.classes[at] for at in used]
    own = next((at for at, label in enumerate(names) if label.lower() == BACKGROUND), None)
    if own is None:
        names = [BACKGROUND, *names]
    place = {at: new + (own is None) for new, at in enumerate(used)}
    without = sum(not rings for picture in there for rings in picture.outlines)
    notes = [
        f"{counted(len(there), 'picture')} with masks of {counted(len(names), 'class')}, drawn from"
        f" {counted(outlines, 'outline')} ({objects.form}); what no outline covers is {BACKGROUND}"
    ]
    if without:
        notes.append(
            f"{counted(without, 'object')} known by {'its box' if without == 1 else 'their boxes'} alone: void"
        )
    return OutlineSource(
        name,
        str(path),
        tuple(names),
        tuple(Item(one.key, MaskMarks(f"outlines ({objects.form})", _stamp(one)), one.split or None) for one in there),
        rejected=spoken.rejected,
        notes=(*notes, *spoken.notes),
        kind=MASKS,
        root=spoken.root,
        passed_over=spoken.passed_over,
        places=(*(place.get(at, -1) for at in range(len(objects.classes))), 0 if own is None else own),
        drawn={picture.key: picture for picture in there},
    )


def _stamp(picture: PictureObjects) -> str:
    """Return a digest of what is drawn in a picture."""
    said = (
        picture.width, picture.height, picture.boxes.tolist(), picture.classes.tolist(), picture.ignored.tolist(),
        picture.labelled, [[ring.tolist() for ring in rings] for rings in picture.outlines],
    )  # fmt: skip
    return hashlib.blake2b(repr(said).encode(), digest_size=8).hexdigest()
