"""What a source is: items, the names and kind of their labels, rejected ones with reasons. Imports errors, image.

A source knows where its pictures are and what they show; it never writes there, and reads a picture only when asked.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from striate import files
from striate.data.labels.marks import Marks
from striate.data.labels.mending import Mending
from striate.data.pictures.image import Header, header
from striate.errors import PictureError, SourceError
from striate.words import counted

SAMPLE: Final = 200  # pictures whose headers facts() reads
_HEAD: Final = 1 << 16  # bytes that hold most headers
_AnySource = TypeVar("_AnySource", bound="Source")
CLASSES: Final = "classes"  # the kind of labels that a source has of which nothing else is said
TASK: Final = "task"  # of `Source.label_facts`: which task learns them, where another takes their kind too
Target: TypeAlias = int | tuple[float, ...] | Marks | None


@dataclass(frozen=True, slots=True)
class Item:
    """A picture and its target.

    ``key``: its path relative to the root with forward slashes, or "train:17" in an array. ``target``: the index of its
    class, -1 when unlabelled; or a number for each name of the source, or what is marked in the picture, None when
    unlabelled. ``split``: "train", "val" or "test" when the source itself says so.
    """

    key: str
    target: Target
    split: str | None = None

    @property
    def labelled(self) -> bool:
        """Whether the source says what it shows."""
        return self.target is not None and self.target != -1

    @property
    def place(self) -> int:
        """The index of its class; -1 where it has none, or its labels are no classes."""
        return self.target if isinstance(self.target, int) else -1

    def said(self, names: Sequence[str]) -> str:
        """Return its label in words: the class; of ``names`` that are tags (0 and 1 alone) those it has; every number;
        how many objects of each class are marked.

        Example: ``Item("a.png", (1.0, 0.0)).said(("sea", "sand"))`` is ``"sea"``.
        """
        if isinstance(self.target, Marks):
            return self.target.said(names)
        if not isinstance(self.target, tuple):
            return names[self.place] if self.place >= 0 else ""
        pairs = list(zip(names, self.target, strict=True))
        if len(pairs) > 1 and all(value in (0, 1) for value in self.target):
            return ", ".join(name for name, value in pairs if value) or "nothing"
        return ", ".join(f"{name} {value:g}" for name, value in pairs)


@dataclass(frozen=True, slots=True)
class Rejected:
    """What is left out, and why. ``bad`` is False for what was never meant as a picture to train on (a text file)."""

    key: str
    reason: str
    bad: bool = True


@dataclass(frozen=True)
class Facts:
    """What the pictures have in common; sizes are (height, width) in pixels, upright.

    ``common_size`` is None when sizes differ; ``gray`` is True when every picture looked at is.
    """

    gray: bool
    common_size: tuple[int, int] | None
    median_size: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Source(ABC):
    """All pictures of one place, with their labels and the rejected ones.

    ``label_names`` are what labels name: classes (of pictures, or of what is marked in them), tags, or the columns of
    numbers; ``kind`` says which of these they are, and ``label_facts`` what else the source says of them, plain JSON
    (units). ``name`` serves run names;
    ``location`` is what ``find`` opens again (an absolute path, "digits", or "NAME@FOLDER"). ``notes`` are sentences a
    person should read: how what is there was understood, and what was left out of it. ``passed_over`` are files that
    nobody meant as pictures (what systems leave behind, hidden ones, text beside the class folders): they are counted.
    ``mending`` is what a person decided about its pictures (`striate.data.sources.mended`) where that is in force, and
    ``mended_by`` the file it stands in.
    """

    name: str
    location: str
    label_names: tuple[str, ...]
    items: tuple[Item, ...]
    rejected: tuple[Rejected, ...] = field(default=(), kw_only=True)
    notes: tuple[str, ...] = field(default=(), kw_only=True)
    kind: str = field(default=CLASSES, kw_only=True)
    label_facts: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    passed_over: tuple[str, ...] = field(default=(), kw_only=True)
    mending: Mending | None = field(default=None, kw_only=True)
    mended_by: str | None = field(default=None, kw_only=True)

    @abstractmethod
    def picture(self, index: int) -> bytes | NDArray[np.uint8]:
        """Return the bytes of a picture's file, or its pixels (H, W) or (H, W, 3) uint8. Errors: PictureError."""

    def mask(self, index: int) -> NDArray[np.uint8]:
        """Return the class of every pixel of a picture, (H, W) as it is seen: its index, 255 for void.

        Errors: SourceError for a mask that cannot be used, and of a source without masks.
        """
        raise SourceError(f"{self.location} has no masks")

    @abstractmethod
    def stamp(self, index: int) -> str:
        """Return a cheap identity of a picture, which changes when it is changed; its content is not read."""

    @abstractmethod
    def facts(self) -> Facts:
        """Return sizes and colour, from the headers of at most 200 pictures. Errors: SourceError if none reads."""

    @abstractmethod
    def _taken(self: _AnySource, indices: Sequence[int]) -> _AnySource:
        """Return the same source with the items at ``indices`` alone."""

    def only(self: _AnySource, keys: Collection[str]) -> _AnySource:
        """Return the same source with the items of these keys alone, in the order they have here.

        Example: ``[item.key for item in source.only({"dogs/2.png", "cats/1.png"}).items]`` is
        ``["cats/1.png", "dogs/2.png"]``.
        """
        return self._taken([index for index, item in enumerate(self.items) if item.key in keys])

    def named_as(self: _AnySource, names: Sequence[str]) -> _AnySource:
        """Return the same source with these label names in this order, whatever it calls its own.

        What has a name that is none of them is unlabelled then; of numbers for each name, one that it lacks is 0. Marks
        of a name that is none of them are left out, and a name that the source lacks is one nobody looked for.

        Example: ``source.named_as(("dogs", "cats"))``
        """
        if self.label_names == tuple(names):
            return self
        place = {name: index for index, name in enumerate(names)}
        new = [place.get(name, -1) for name in self.label_names] + [-1]
        column = {name: index for index, name in enumerate(self.label_names)}

        def again(target: Target) -> Target:
            if isinstance(target, Marks):
                return target.renumbered(new[:-1], len(names))
            if isinstance(target, tuple):
                return tuple(target[column[name]] if name in column else 0.0 for name in names)
            return None if target is None else new[target]

        items = tuple(replace(item, target=again(item.target)) for item in self.items)
        return replace(self, label_names=tuple(names), items=items)

    def without(self: _AnySource, bad: Mapping[int, str]) -> _AnySource:
        """Return the same source without some items: ``bad`` gives the reason for each index; they become rejected.

        Example: ``len(source.without({17: "does not decode: image file is truncated"}).items)`` is 27.
        """
        kept = self._taken([index for index in range(len(self.items)) if index not in bad])
        new = tuple(Rejected(self.items[index].key, reason) for index, reason in sorted(bad.items()))
        return replace(kept, rejected=self.rejected + new)


@dataclass(frozen=True, eq=False)
class FolderSource(Source):
    """Pictures that are files below ``root``."""

    root: Path = field(kw_only=True)

    def picture(self, index: int) -> bytes:
        """Return the bytes of a picture's file. Errors: PictureError when it cannot be read (any more)."""
        try:
            return files.read_bytes(self.path(index), limit=files.PICTURE)
        except OSError as error:
            raise PictureError(f"cannot be read: {error.strerror or error}") from None

    def path(self, index: int) -> Path:
        """Return where a picture lies."""
        return self.root / self.items[index].key

    def stamp(self, index: int) -> str:
        """Return size, time of the last change and key of the file; "gone" and the key when there is none."""
        try:
            stat = self.path(index).stat()
        except OSError:
            return f"gone:{self.items[index].key}"
        return f"{stat.st_size}:{stat.st_mtime_ns}:{self.items[index].key}"

    def facts(self) -> Facts:
        """Return sizes and colour, from the headers of at most 200 pictures spread evenly over the source."""
        if not self.items:
            raise SourceError(f"{self.location} holds no pictures")
        count = min(SAMPLE, len(self.items))
        sizes, grays, reasons = [], [], []
        for place in range(count):
            index = place * len(self.items) // count
            try:
                found = file_header(self.path(index))
            except PictureError as error:
                reasons.append(f"{self.items[index].key} ({error})")
                continue
            sizes.append((found.height, found.width))
            grays.append(found.gray)
        if not sizes:
            raise SourceError(
                f"{self.location}: none of {counted(count, 'picture')} looked at can be read; the first is {reasons[0]}"
            )
        return _facts(sizes, gray=all(grays))

    def _taken(self, indices: Sequence[int]) -> FolderSource:
        return replace(self, items=tuple(self.items[index] for index in indices))


@dataclass(frozen=True, eq=False)
class ArraySource(Source):
    """Pictures that lie in memory (or a memory map) as arrays.

    ``blocks``: (N, H, W) or (N, H, W, 3) uint8 each; ``rows``: (items, 2) int64, the block and the row of every item;
    ``origins``: an identity for each block (a file's name, size and time of change).
    """

    blocks: tuple[NDArray[np.uint8], ...] = field(kw_only=True)
    rows: NDArray[np.int64] = field(kw_only=True)
    origins: tuple[str, ...] = field(kw_only=True)

    def picture(self, index: int) -> NDArray[np.uint8]:
        """Return the pixels of a picture, (H, W) or (H, W, 3) uint8."""
        block, row = self.rows[index]
        picture: NDArray[np.uint8] = self.blocks[block][row]
        return picture

    def stamp(self, index: int) -> str:
        """Return the identity of the array the picture is in, and its key."""
        return f"{self.origins[self.rows[index, 0]]}:{self.items[index].key}"

    def facts(self) -> Facts:
        """Return sizes and colour; exact, for an array tells them by its shape."""
        if not self.items:
            raise SourceError(f"{self.location} holds no pictures")
        counts = np.bincount(self.rows[:, 0], minlength=len(self.blocks))
        used = [block for block, count in zip(self.blocks, counts, strict=True) if count]
        sizes = [(block.shape[1], block.shape[2]) for block in used]
        if len(set(sizes)) > 1:
            each = zip(self.blocks, counts, strict=True)
            sizes = [size for block, count in each for size in [(block.shape[1], block.shape[2])] * int(count)]
        return _facts(sizes, gray=all(block.ndim == 3 for block in used))

    def _taken(self, indices: Sequence[int]) -> ArraySource:
        chosen = np.asarray(indices, np.int64)
        return replace(self, items=tuple(self.items[index] for index in indices), rows=self.rows[chosen])


def check_rejected(source: Source, *, allow_bad: bool = False) -> None:
    """Stop when too many pictures are bad: more than 1 % of them, and at least five.

    Errors: SourceError with the numbers, the first few pictures and their reasons; never when ``allow_bad``.
    Example: ``check_rejected(stored.source, allow_bad=False)``
    """
    bad = [one for one in source.rejected if one.bad]
    total = len(source.items) + len(bad)
    if allow_bad or len(bad) < 5 or len(bad) * 100 <= total:
        return
    first = "; ".join(f"{one.key}: {one.reason}" for one in bad[:3])
    raise SourceError(
        f"{len(bad)} of {counted(total, 'picture')} in {source.location} cannot be used"
        f" ({100 * len(bad) / total:.1f} %, more than"
        f" 1 %): {first}{'; ...' if len(bad) > 3 else ''}. Repair or remove them, or allow bad pictures (--allow-bad)"
    )


def _facts(sizes: Sequence[tuple[int, int]], *, gray: bool) -> Facts:
    heights, widths = zip(*sizes, strict=True)
    median = (int(np.median(heights)), int(np.median(widths)))
    return Facts(gray=gray, common_size=sizes[0] if len(set(sizes)) == 1 else None, median_size=median)


def file_header(path: Path) -> Header:
    """Return what the beginning of a picture file says, the whole of it where that is not enough.

    Errors: PictureError. Example: ``file_header(Path("cat.jpg")).width`` is 500.
    """
    try:
        with files.open_file(path, limit=files.PICTURE) as file:
            start = file.read(_HEAD)
            try:
                return header(start)
            except PictureError:
                return header(start + file.read())
    except OSError as error:
        raise PictureError(f"cannot be read: {error.strerror or error}") from None
