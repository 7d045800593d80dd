"""``striate predict`` with ``-o``, ``--coco``, ``--yolo``, ``--voc`` or ``--masks``: answers as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from striate.cli.write_output import check_free, write_output
from striate.errors import DataError
from striate.words import counted

if TYPE_CHECKING:
    from striate.verbs.answer_files import Answers

_Command = TypeVar("_Command", bound=Callable[..., Any])


def options(command: _Command) -> _Command:
    """Add the options that write answers as labels."""
    for name, metavar, words in (
        ("--masks", "DIR", "Write which class each pixel is of: a folder of PNGs of numbers, and classes.txt."),
        ("--voc", "DIR", "Write the boxes as Pascal VOC has them: a folder."),
        ("--yolo", "DIR", "Write the boxes as YOLO has them: a folder."),
        ("--coco", "FILE", "Write boxes, or areas as run lengths, with their scores, as COCO's JSON."),
    ):
        command = click.option(name, type=click.Path(path_type=Path), metavar=metavar, help=words)(command)
    return command


@dataclass(frozen=True)
class Asked:
    """What is to be written of the answers for ``files``, which were found at ``paths``: None for what is not.

    ``output`` is where answers are drawn, ``objects`` a file or folder by the name of its format, ``masks`` a folder.
    """

    paths: tuple[Path, ...]
    files: Sequence[Path]
    output: Path | None
    objects: Mapping[str, Path | None]
    masks: Path | None

    @property
    def labels(self) -> list[Path]:
        """Return where labels are to be written."""
        return [path for path in (*self.objects.values(), self.masks) if path is not None]

    @cached_property
    def _keys(self) -> dict[Path, str]:
        from striate.verbs.answer_files import keys_of

        return keys_of(self.files, self.paths)

    @cached_property
    def _names(self) -> dict[Path, str]:
        from striate.verbs.answer_files import png_names

        return png_names(self._keys)

    @property
    def _into_folder(self) -> bool:
        """Whether drawings go into a folder: those of several pictures, or of a folder, and whoever names one."""
        assert self.output is not None
        return len(self.files) > 1 or any(path.is_dir() for path in self.paths) or self.output.is_dir()

    @cached_property
    def _drawings(self) -> dict[Path, Path]:
        """Return where each file's answer is drawn."""
        if self.output is None:
            return {}
        if not self._into_folder:
            return {self.files[0]: self.output}
        return {file: self.output / name for file, name in self._names.items()}

    def check(self) -> None:
        """Refuse what could not be written, before anything is answered. Errors: DataError."""
        if self.output is None and not self.labels:
            return
        from striate.data.labels.object_formats import FORMATS
        from striate.verbs.new_folder import check_place

        given = [path for path in self.paths if path.is_dir()]
        for name, path in self.objects.items():
            if path is not None:
                check_place(path, *given, begins=FORMATS[name].begins, option=f"--{name}")
        if self.masks is not None:
            check_place(self.masks, *given, begins=None, option="--masks")
        if self.output is not None:
            self._check_drawings(self.output, given)

    def _check_drawings(self, output: Path, given: Sequence[Path]) -> None:
        from striate.render.png.answer_png import is_ours
        from striate.verbs.new_folder import check_outside

        if not self._into_folder:
            if output.suffix.lower() != ".png":
                raise DataError(f"{output}: answers are drawn as PNG; name a file that ends in .png with -o")
            check_free(output, is_ours)
            return
        if output.exists() and not output.is_dir():
            raise DataError(f"{output} is a file, and {counted(len(self.files), 'answer')} are drawn into a folder")
        if not output.parent.is_dir():
            raise DataError(f"{output} cannot be written: there is no folder {output.parent}")
        check_outside(output, *given)
        for target in self._drawings.values():
            if target.parent.is_dir():
                check_free(target, is_ours)

    def writing(
        self, answers: Answers, called: Sequence[str], *, top: int | None, tell: Callable[[str], None]
    ) -> Answers:
        """Return answers that are written while they are taken; ``tell`` is told what was written, at the end.

        ``called`` are the names of what is found.
        """
        if self.output is None and not self.labels:
            return answers  # and nothing is imported for it
        from striate.verbs import answer_files

        for name, path in self.objects.items():
            if path is not None:
                answers = answer_files.with_objects(answers, name, path, self._keys, called, top=top, tell=tell)
        if self.masks is not None:
            answers = answer_files.with_masks(answers, self.masks, self._names, called, tell=tell)
        if self.output is None:
            return answers
        return self._drawn(answers, tell)

    def _drawn(self, answers: Answers, tell: Callable[[str], None]) -> Answers:
        from striate.render.png.answer_png import is_ours
        from striate.verbs.answer_files import with_drawings

        number = 0

        def write(file: Path, data: bytes) -> None:
            nonlocal number
            target = self._drawings[file]
            if self._into_folder:
                _make(target.parent)
            write_output(target, data, is_ours)
            number += 1

        yield from with_drawings(answers, write)
        if number:
            tell(
                f"drawn in {self.output}"
                if not self._into_folder
                else f"{counted(number, 'picture')} drawn in {self.output}"
            )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder} cannot be made: {error.strerror or error}") from None
