"""Answers as files: drawn on their pictures, as labels of objects, as masks. Prints nothing.

Each takes answers as they come from `striate.verbs.predict.predict`, hands them on as they are, and writes on the way;
what is one file, or one folder, has its name when the last answer has been taken, whole, and is not there before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeAlias

from striate.errors import DataError, PictureError, StriateError
from striate.files import PICTURE, read_bytes
from striate.runs import durable
from striate.verbs.new_folder import writing_folder
from striate.words import counted

if TYPE_CHECKING:
    from striate.data.labels.objects import PictureObjects
    from striate.tasks.prediction import Prediction

Answers: TypeAlias = "Iterable[tuple[Path, Prediction | PictureError]]"


def keys_of(files: Sequence[Path], paths: Sequence[Path]) -> dict[Path, str]:
    """Return what each file is called, with slashes: its path below the folder that was given, or that all share.

    Example: ``keys_of([Path("a/x.jpg"), Path("b/x.jpg")], [Path("a"), Path("b")])[Path("b/x.jpg")]`` is ``"b/x.jpg"``.
    """
    if len(paths) == 1 and paths[0].is_dir():
        root = os.path.normpath(paths[0].absolute())
    else:
        folders = [os.path.normpath(file.absolute().parent) for file in files]
        try:
            root = os.path.commonpath(folders)
        except ValueError:
            raise DataError("the pictures are on several drives; name those of one at a time") from None
    return {file: Path(os.path.relpath(os.path.normpath(file.absolute()), root)).as_posix() for file in files}


def png_names(keys: Mapping[Path, str]) -> dict[Path, str]:
    """Return the name of a PNG for each file: its own with that ending, and behind it where two would share one.

    >>> png_names({Path("a.jpg"): "a.jpg", Path("b.jpg"): "b.jpg", Path("b.png"): "b.png"})[Path("b.png")]
    'b.png.png'
    """
    short = {file: PurePosixPath(key).with_suffix(".png").as_posix() for file, key in keys.items()}
    users: dict[str, set[str]] = {}
    for file, name in short.items():
        users.setdefault(name.casefold(), set()).add(keys[file])
    return {file: name if len(users[name.casefold()]) == 1 else f"{keys[file]}.png" for file, name in short.items()}


def with_drawings(answers: Answers, write: Callable[[Path, bytes], None]) -> Answers:
    """Yield answers, each drawn on its picture, in the picture's own pixels; ``write`` is given file and PNG.

    A picture that was read, and cannot be read whole, comes as the reason. Errors: StriateError for answers that are
    not drawn, and what ``write`` raises.
    """
    from PIL import Image

    from striate.data.pictures.image import decode
    from striate.render.png.answer_png import answer_png

    for path, answer in answers:
        if isinstance(answer, PictureError):
            yield path, answer
            continue
        try:
            image = Image.fromarray(decode(_read(path)))
        except PictureError as error:
            yield path, PictureError(f"{path}: {error}")
            continue
        write(path, answer_png(answer.drawn(image), str(answer)))
        yield path, answer


def with_masks(
    answers: Answers,
    output: Path,
    names: Mapping[Path, str],
    called: Sequence[str],
    *,
    tell: Callable[[str], None],
) -> Answers:
    """Yield answers, and write a folder of masks: PNGs of numbers by their ``names``, and what they are ``called``.

    ``tell`` is told what was written. Errors: StriateError for answers that are no masks; DiskError.
    """
    from striate.render.png.answer_png import mask_png

    lines = "".join(f"{number}: {' '.join(name.split())}\n" for number, name in enumerate(called))
    done = set[str]()
    with writing_folder(output) as add:
        for path, answer in answers:
            if not isinstance(answer, PictureError):
                add(names[path], mask_png(answer.mask(), len(called)))
                done.add(names[path])
            yield path, answer
        add("classes.txt", lines.encode())
    tell(f"{counted(len(done), 'mask')} written to {output}")


def with_objects(
    answers: Answers,
    to: str,
    output: Path,
    keys: Mapping[Path, str],
    called: Sequence[str],
    *,
    top: int | None,
    tell: Callable[[str], None],
) -> Answers:
    """Yield answers, and write them as labels in a format of `striate.data.labels.object_formats`, by its name.

    ``called`` are the names of what is found; ``tell`` is told what was written, and what the format has no word for.
    Errors: StriateError for answers that are no objects, or that the format cannot say; DiskError.
    """
    from striate.data.labels.object_formats import FORMATS, losses
    from striate.data.labels.objects import ObjectSet
    from striate.data.pictures.image import header
    from striate.data.pictures.tiles import LIMITS  # an answer by tiles may be of a picture too large for all else

    form, found = FORMATS[to], dict[str, "PictureObjects"]()
    assert form.write is not None
    for path, answer in answers:
        if not isinstance(answer, PictureError):
            told = header(_read(path), limits=LIMITS)
            one = answer.objects(keys[path], (told.height, told.width), top)
            if one.runs and not form.runs:
                able = " or ".join(f"--{name}" for name, other in FORMATS.items() if other.runs)
                raise StriateError(
                    f"the answers are areas of pixels, and {form.title} would have the boxes around them alone;"
                    f" {able} and --masks write them"
                )
            found[one.key] = one
        yield path, answer
    objects = ObjectSet(form.title, tuple(called), tuple(found.values()))
    made = form.write(objects)
    if "" in made:
        durable.write(output, made[""])
    else:
        with writing_folder(output) as add:
            for name, data in made.items():
                add(name, data)
    number = sum(map(len, objects.pictures))
    tell(f"{counted(number, 'object')} in {counted(len(objects.pictures), 'picture')} written to {output}")
    for sentence in losses(objects, to):
        tell(f"  lost in {to}: {sentence}")


def _read(path: Path) -> bytes:
    try:
        return read_bytes(path, limit=PICTURE)
    except OSError as error:
        raise PictureError(f"{path} cannot be read: {error.strerror or error}") from None
