"""Convert: objects in pictures from one format of labels to another, with what is lost named. Prints nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from striate.data.labels.object_formats import FORMATS, READ, WRITTEN, find_objects, losses
from striate.data.labels.objects import ObjectSet
from striate.data.sources.chosen import chosen
from striate.data.sources.listing import SUFFIXES, suffix_of
from striate.errors import DataError, SourceError
from striate.runs import durable
from striate.runs.names import possible
from striate.verbs.new_folder import check_place, writing_folder
from striate.verbs.workspace import HERE, Workspace
from striate.words import counted


@dataclass(frozen=True)
class Converted:
    """What was read, where it was written in which format, and what that has no word for, as sentences."""

    objects: ObjectSet
    form: str
    path: Path
    files: int
    lost: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {
            "read": self.objects.form,
            "pictures": len(self.objects.pictures),
            "without_objects": sum(not len(picture) for picture in self.objects.pictures),
            "objects": self.objects.counts(),
            "ignored": sum(int(picture.ignored.sum()) for picture in self.objects.pictures),
            "notes": list(self.objects.notes),
            "to": self.form,
            "lost": list(self.lost),
            "path": str(self.path),
            "files": self.files,
        }


def convert(
    source: Path,
    *,
    to: str,
    output: Path,
    labels: str | Path | None = None,
    pictures: Path | None = None,
    allow_bad: bool = False,
    workspace: Workspace = HERE,
) -> Converted:
    """Read labels and write them in another format, whole or not at all; pictures are neither copied nor changed.

    Arguments:
        source: a folder or file of labels.
        to: the format to write, one of `WRITTEN`.
        output: the file (coco, csv) or the new folder (voc, yolo, masks) to write; never within what was given.
        labels: which labels are meant, where ``source`` is a folder that has several: a format, or a file or folder of
            it; None: found by looking.
        pictures: the folder below which the pictures are, None: where the labels are.
        allow_bad: whether more than 1 % of the objects may be unusable.
        workspace: who hears of what is done.

    Errors: SourceError for labels that cannot be used, DataError for a place that cannot be written to, DiskError.

    Example: ``convert(Path("scene"), to="coco", output=Path("scene.json")).files`` is 1.
    """
    if to not in WRITTEN:
        raise DataError(f"{to} is not written; written are {', '.join(WRITTEN)}")
    for path in (source, output, pictures):
        if path is not None and not possible(str(path.absolute())):
            raise DataError(f"{path} can be no path: it is too long for the system, or holds a zero byte")
    form = None if labels is None else chosen(str(labels), source)
    if isinstance(form, Path):
        if not source.is_dir():
            raise SourceError(f"{source} is a file; with --labels {labels} name the folder of its pictures")
        source, form, pictures = form, None, pictures or source
    elif form is not None and form not in READ:
        raise SourceError(f"--labels {form}: objects are converted, of the formats {', '.join(READ)}")
    given = [source if source.is_dir() else None, pictures]
    if source.is_file() and any(suffix_of(one.name) in SUFFIXES for one in source.parent.iterdir()):
        given.append(source.parent)  # the labels lie among the pictures
    check_place(output, *given, begins=FORMATS[to].begins)
    workspace.tell(f"reading {source}")
    objects = find_objects(source, form=form, pictures=pictures, allow_bad=allow_bad)
    write = FORMATS[to].write
    assert write is not None
    made = write(objects)
    if "" in made:
        durable.write(output, made[""])
    else:
        with writing_folder(output) as add:
            for name, data in made.items():
                add(name, data)
    return Converted(objects, to, output, len(made), losses(objects, to))


def summary(objects: ObjectSet) -> str:
    """Return what was found in one line.

    Example: ``summary(ObjectSet("COCO", ("cat",), ()))`` is ``"COCO: 0 pictures, 0 objects (cat 0)"``.
    """
    number = sum(map(len, objects.pictures))
    empty = sum(not len(picture) for picture in objects.pictures)
    by_class = [f"{name} {count:,}" for name, count in objects.counts().items()]
    some = ", ".join(by_class[:12]) + (f" and {len(by_class) - 12} more classes" if len(by_class) > 12 else "")
    without = f" ({empty:,} without objects)" if empty else ""
    return f"{objects.form}: {counted(len(objects.pictures), 'picture')}{without}, {counted(number, 'object')} ({some})"
