"""What the values of masks mean: ids or colours of classes, what is void, and what the classes are called.

A set is judged as a whole, by the values that occur in all its masks and by its table of classes:

- Values of 0 and 255 alone are two classes; 255 beside small numbers is void, as in VOC and Cityscapes.
- A table of names numbers from 0; from 1 where the largest number is how many names there are, and 0 is then the
  background. A class called void, unlabelled or ignore is none.
- Palettes that are the same in all masks only colour the numbers. Where they differ between masks, or the table says
  colours, the colours count, and the numbers mean nothing.
- A value that the table does not have stops: it is not guessed what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.data.labels.class_tables import ClassTable, hexed, is_void
from striate.data.pictures.crop_transform import VOID
from striate.data.pictures.stored import Stored
from striate.errors import SourceError
from striate.words import counted, plural

MOST: Final = 254  # classes
_COLOURS: Final = 64  # colours of a set without a table, beyond which they are shades and no classes
_GRAYS: Final = 16  # grays up to 255 of a set without a table, beyond which they are shades
_HIGH: Final = 200  # from where on a number beside 255 is no small one
_BINARY: Final = (0, 255)


@dataclass(frozen=True)
class Looked:
    """What one mask holds: the values that occur, whether they are colours, and the colours of those of a palette.

    ``values`` in rising order; ``palette`` has the packed colour of each of them, () without a palette.
    """

    key: str
    values: tuple[int, ...]
    colours: bool = False
    palette: tuple[int, ...] = ()

    @classmethod
    def at(cls, key: str, stored: Stored) -> Looked:
        """Return what a mask holds.

        Example: ``Looked.at("1.png", Stored(np.array([[0, 7]], np.uint8), False, None, "PNG")).values`` is ``(0, 7)``.
        """
        values = stored.different()
        palette = () if stored.palette is None else tuple(stored.palette[values].tolist())
        return cls(key, tuple(values.tolist()), stored.colours, palette)

    @property
    def as_colours(self) -> tuple[int, ...]:
        """Its colours, packed."""
        if self.colours or self.palette:
            return self.values if self.colours else self.palette
        return tuple(value * 0x010101 for value in self.values)


@dataclass(frozen=True)
class MaskCode:
    """How a mask says classes: ``classes`` are the indices of ``values`` into ``names``, or 255 for void.

    ``colours``: whether the values are packed colours. ``notes`` are sentences on how that was found.

    Example: ``MaskCode(False, (0, 255), (0, 1), ("black", "white")).names`` is ``("black", "white")``.
    """

    colours: bool
    values: tuple[int, ...]
    classes: tuple[int, ...]
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def read(self, stored: Stored, places: Sequence[int]) -> NDArray[np.uint8]:
        """Return the class of every pixel, (H, W): ``places`` of its index, 255 for void and for no place (-1).

        Errors: SourceError for a value that is none of these.

        Example::

            code = MaskCode(False, (0, 255), (0, 1), ("black", "white"))
            code.read(Stored(np.array([[255, 0]], np.uint8), False, None, "PNG"), (0, 1)).tolist() == [[1, 0]]
        """
        lut = [VOID if at == VOID or places[at] < 0 else places[at] for at in self.classes]
        values: NDArray[Any] = self._values(stored)
        if not self.colours:
            table = np.full(65_536, MOST + 2, np.uint16)
            table[list(self.values)] = lut
            found = table[values]
            if (wrong := found == MOST + 2).any():
                raise SourceError(
                    f"holds the value {int(values[wrong][0])}, which no mask held as the set was looked at"
                )
            classes: NDArray[np.uint8] = found.astype(np.uint8)
            return classes
        order = np.argsort(self.values)
        known = np.array(self.values, np.uint32)[order]
        at = np.minimum(np.searchsorted(known, values), len(known) - 1)
        if (wrong := known[at] != values).any():
            raise SourceError(
                f"holds the colour {hexed(int(values[wrong][0]))}, which no mask held as the set was looked at"
            )
        classes = np.array(lut, np.uint8)[order][at]
        return classes

    def _values(self, stored: Stored) -> NDArray[Any]:
        if self.colours:
            return stored.as_colours()
        return (stored.values & 0xFF).astype(np.uint8) if stored.colours else stored.values


def find_code(masks: Sequence[Looked], table: ClassTable | None, *, least: int = 2) -> MaskCode:
    """Return what the values of some masks, at least one, mean.

    Errors: SourceError for values that the table lacks, too many classes, one alone, and colours that are shades.

    Example: ``find_code([Looked("1.png", (0, 255))], None).names`` is ``("black", "white")``.
    """
    gray = all(not one.colours or all(map(_is_gray, one.values)) for one in masks)
    if table is not None and table.colours is not None and _fits(masks, table, gray=gray):
        return _by_table_of_colours(masks, table, least)
    if not gray or _palettes_differ(masks):
        return _by_colours(masks, table, least)
    return _by_ids(masks, table, least)


def _is_gray(packed: int) -> bool:
    return packed == (packed & 0xFF) * 0x010101


def _fits(masks: Sequence[Looked], table: ClassTable, *, gray: bool) -> bool:
    """Return whether a table of colours is that of these masks, rather than of a picture drawn from their numbers."""
    assert table.colours is not None
    known = {*table.colours, 0}
    if all(known.issuperset(one.as_colours) for one in masks):
        return True
    return not gray or max(value for one in masks for value in _ids(one)) >= len(table.names)


def _ids(one: Looked) -> tuple[int, ...]:
    """Return the values of a mask as numbers: of gray colours the gray."""
    return tuple(value & 0xFF for value in one.values) if one.colours else one.values


def _palettes_differ(masks: Sequence[Looked]) -> bool:
    """Return whether one number has two colours in the palettes of some masks."""
    colour: dict[int, int] = {}
    return any(
        colour.setdefault(value, shade) != shade
        for one in masks
        for value, shade in zip(one.values, one.palette, strict=False)
    )


def _first(masks: Sequence[Looked], value: int, *, colours: bool) -> str:
    return next(one.key for one in masks if value in (one.as_colours if colours else _ids(one)))


def _by_table_of_colours(masks: Sequence[Looked], table: ClassTable, least: int) -> MaskCode:
    assert table.colours is not None
    found = sorted({value for one in masks for value in one.as_colours})
    unknown = [value for value in found if value not in table.colours]
    if strange := [value for value in unknown if value]:
        raise SourceError(
            f"{_first(masks, strange[0], colours=True)} holds the colour {hexed(strange[0])}, which {table.path} does"
            " not name; add it there, or save the masks without smoothing or loss"
        )
    notes = [f"masks by the colours of {table.path.name}"]
    if unknown:
        notes.append(f"black is none of the colours of {table.path.name}: void")
    names = tuple(name for name in table.names if not is_void(name))
    place = {
        colour: names.index(name) if name in names else VOID
        for colour, name in zip(table.colours, table.names, strict=True)
    }
    values = tuple({**place, **dict.fromkeys(unknown, VOID)})
    return _code(True, values, [place.get(value, VOID) for value in values], names, masks, notes, least)


def _by_colours(masks: Sequence[Looked], table: ClassTable | None, least: int) -> MaskCode:
    found = sorted({value for one in masks for value in one.as_colours})
    if len(found) > _COLOURS:
        most = max(masks, key=lambda one: len(one.values))
        raise SourceError(
            f"masks hold {len(found):,} colours ({len(most.values):,} of them in {most.key}), which are shades and no"
            f" classes; save them without smoothing or loss, or name the colours in classes.csv (name,r,g,b)"
        )
    if table is not None:
        raise SourceError(
            f"masks are by colour ({', '.join(map(hexed, found[:4]))}, ...; see"
            f" {_first(masks, found[-1], colours=True)}), and {table.path} says no colours;"
            " write name,r,g,b in a classes.csv"
        )
    names = tuple(map(hexed, found))
    note = (
        "masks by colour, and no table of classes: the classes are called by their colours; a classes.csv (name,r,g,b)"
        " names them"
    )
    return _code(True, tuple(found), range(len(found)), names, masks, [note], least)


def _by_ids(masks: Sequence[Looked], table: ClassTable | None, least: int) -> MaskCode:
    found = sorted({value for one in masks for value in _ids(one)})
    small = [value for value in found if value != 255]
    if table is None:
        if tuple(found) == _BINARY:
            note = (
                "masks of 0 and 255, and no table of classes: the classes are black (0) and white (255); a classes.txt"
                " of two lines names them"
            )
            return _code(False, _BINARY, (0, 1), ("black", "white"), masks, [note], least)
        void = bool(small) and 255 in found and max(small) < min(_HIGH, max(32, 4 * len(small)))
        if max(found) == 255 and not void and len(found) > _GRAYS:
            most = max(masks, key=lambda one: len(one.values))
            raise SourceError(
                f"masks hold {len(found)} grays up to 255 ({len(most.values)} of them in {most.key}), which are shades"
                " and no classes; save them without smoothing or loss, or name the values in a classes.txt (0 road)"
            )
        kept = small if void else found
        notes = ["no table of classes: the classes are called by their numbers; a classes.txt names them"]
        if void:
            notes.append("255 beside small numbers is void")
        classes = [*range(len(kept)), *([VOID] if void else [])]
        return _code(False, (*kept, *([255] if void else [])), classes, tuple(map(str, kept)), masks, notes, least)
    return _by_names(masks, table, found, small, least)


def _by_names(masks: Sequence[Looked], table: ClassTable, found: list[int], small: list[int], least: int) -> MaskCode:
    """Return the code of numbers whose names a table has."""
    listed, notes = list(table.names), [f"classes by {table.path.name}"]
    count = len(listed)
    if table.ids is not None:
        ids = list(table.ids)
    elif tuple(found) == _BINARY and count <= 2:
        ids = [0, 255] if count == 2 else [255]
    elif small and max(small) == count:
        ids = list(range(1, count + 1))
        notes.append(f"the numbers of masks go to {count}, so that the first name of {table.path.name} is that of 1")
    else:
        ids = list(range(count))
    if 0 in found and 0 not in ids:
        if "background" in map(str.lower, listed):
            raise SourceError(
                f"{_first(masks, 0, colours=False)} holds 0, which {table.path} does not name; add it there"
            )
        listed, ids = ["background", *listed], [0, *ids]
        notes.append(f"0 has no name in {table.path.name} and is called background")
    strange = [value for value in found if value not in ids and value != 255]
    if strange:
        raise SourceError(
            f"{_first(masks, strange[0], colours=False)} holds {strange[0]}, which {table.path} does not name (it names"
            f" {min(ids)} to {max(ids)}); add it there, or save the mask again"
        )
    void = [value for value, name in zip(ids, listed, strict=True) if is_void(name)]
    if 255 in found and 255 not in ids:
        ids, listed = [*ids, 255], [*listed, "void"]
        void.append(255)
    names = tuple(name for value, name in zip(ids, listed, strict=True) if value not in void)
    classes = [VOID if value in void else names.index(name) for value, name in zip(ids, listed, strict=True)]
    if void:
        notes.append(f"void: {', '.join(str(value) for value in void)}")
    return _code(False, tuple(ids), classes, names, masks, notes, least)


def _code(
    colours: bool,
    values: Sequence[int],
    classes: Sequence[int],
    names: tuple[str, ...],
    masks: Sequence[Looked],
    notes: Sequence[str],
    least: int,
) -> MaskCode:
    """Return a code, with the classes that no mask shows left out. Errors: SourceError for one class or too many."""
    if len(names) > MOST:
        raise SourceError(
            f"masks hold {len(names):,} classes, and {MOST} are the most; are they shades (smoothed or resized masks),"
            " or numbers of objects?"
        )
    there = {value for one in masks for value in (one.as_colours if colours else _ids(one))}
    used = sorted({at for value, at in zip(values, classes, strict=True) if value in there and at != VOID})
    if len(used) < least:
        only = f"{names[used[0]]!r}" if used else "void"
        raise SourceError(
            f"all masks hold {only} alone ({counted(len(masks), 'mask')}); to divide pictures takes at least {least}"
        )
    kept = tuple(names[at] for at in used)
    more = list(notes)
    if unused := [name for at, name in enumerate(names) if at not in used]:
        more.append(
            f"no pixel is of the {plural(len(unused), 'class')} {', '.join(unused[:5])}"
            f"{', ...' if len(unused) > 5 else ''}: left out"
        )
    place = {at: new for new, at in enumerate(used)}
    pairs = [(value, place.get(at, VOID)) for value, at in zip(values, classes, strict=True)]
    return MaskCode(colours, tuple(value for value, _ in pairs), tuple(at for _, at in pairs), kept, tuple(more))
