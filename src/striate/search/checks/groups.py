"""Pictures that belong together: frames of a video, a patient's, bursts; whether train and test share them."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.data.labels.classes import SPLITS
from striate.search.examined import Case, Examined, Finding
from striate.search.name_groups import FEWEST, NameGroups, name_groups
from striate.words import counted, plural

Ints = NDArray[np.int64]

BURST: Final = 5  # seconds from one picture to the next of a burst, at most
MOST: Final = 0.3  # of the pictures: where one burst is more, the time is that of a copy or an export, and says nothing
WHOLE: Final = 300  # pictures of a group up to which a case names all, so that they can be kept together by hand
SHOWN: Final = 4  # of a larger one it names the first, the last, and some between
ACROSS: Final = "A test that holds pictures of a group that was trained on says more than is true of the next group."


def groups(examined: Examined) -> Iterator[Finding]:
    """Find groups that names and looks agree on, and bursts by the time that cameras noted."""
    found = name_groups(examined.paths, examined.rows["small"], examined.labels)
    if found is not None:
        yield _named(examined, found)
    bursts = _bursts(examined, None if found is None else found.of)
    if bursts:
        yield _burst(examined, bursts)


def _named(examined: Examined, found: NameGroups) -> Finding:
    """Return what is known of groups by a pattern: whether they lie across parts, and what keeps them together."""
    rows = [np.flatnonzero(found.of == number) for number in range(len(found.names))]
    crossing = [number for number, mine in enumerate(rows) if len(_parts(examined, mine)) > 1]
    told = crossing or sorted(range(len(rows)), key=lambda number: -len(rows[number]))
    cases = tuple(_case(examined, found.names[number], rows[number]) for number in told)
    pictures = sum(len(rows[number]) for number in told)
    share = pictures / max(1, len(examined))
    if found.alike is None:
        why = "By their names they may be of one patient, video or session each; that their looks agree is not seen."
    else:
        who = "Neighbours by name" if found.neighbours else "Pictures of one group"
        why = (
            f"{who} look more alike than others of their kind in {100 * found.alike:.0f} of 100 comparisons, as"
            " frames of one video do (50 would be chance)."
        )
    remedy = f"striate train {shlex.quote(examined.folder)} --group {shlex.quote(found.pattern)}"
    if not found.pattern:
        return Finding(
            "groups-across-parts" if len(_parts(examined, np.arange(len(examined)))) > 1 else "groups",
            "doubtful" if crossing else "to know",
            "pictures next to each other by name are alike, and no pattern in the names tells groups apart",
            why,
            "Say which belong together in a list of path,group lines: striate train FOLDER --group LIST.csv",
            (),
            1.0,
        )
    borders = ", but for neighbours at the borders of its pieces" if found.blocks else ""
    finer = f" More and smaller groups, cut from these: --group {shlex.quote(found.finer)}" if found.finer else ""
    number = counted(len(found.names), "group")
    if crossing:
        return Finding(
            "groups-across-parts",
            "doubtful",
            f"{counted(pictures, 'picture')} in {len(crossing):,} of {number} by name"
            f" {plural(pictures, 'is')} in several of train, val and test",
            f"{why} {ACROSS}",
            f"{remedy} leaves those out of train (and val) that share a group with the test{borders}; or split anew by"
            f" groups.{finer}",
            cases,
            share,
        )
    return Finding(
        "groups",
        "to know",
        f"{counted(pictures, 'picture')} in {number} by name",
        f"{why} A split by chance would part them, and measure too well.",
        f"{remedy} keeps them together{borders}.{finer}",
        cases,
        share,
    )


def _bursts(examined: Examined, of: Ints | None) -> list[Ints]:
    """Return the rows of pictures that were taken within seconds of each other, of those not grouped already."""
    taken = examined.rows["taken"].astype(np.int64)
    rows = np.flatnonzero((taken > 0) & (True if of is None else of < 0))
    if len(rows) < 2:
        return []
    order = rows[np.argsort(taken[rows], kind="stable")]
    pieces = np.split(order, np.flatnonzero(np.diff(taken[order]) > BURST) + 1)
    distinct = [piece for piece in pieces if len({examined.digests[row] for row in piece}) > 1]
    if max(map(len, pieces)) > max(MOST * len(examined), FEWEST if len(examined) >= FEWEST else len(examined)):
        return []
    return sorted(distinct, key=lambda piece: -len(piece))


def _burst(examined: Examined, bursts: list[Ints]) -> Finding:
    crossing = [mine for mine in bursts if len(_parts(examined, mine)) > 1]
    told = crossing or bursts
    cases = tuple(_case(examined, "", mine) for mine in told)
    pictures = sum(map(len, told))
    where = f" {plural(pictures, 'is')} in several of train, val and test" if crossing else ""
    return Finding(
        "groups-across-parts" if crossing else "groups",
        "doubtful" if crossing else "to know",
        f"{counted(pictures, 'picture')} in {counted(len(told), 'burst')}{where}: taken within {BURST} seconds of the"
        " next, as their cameras noted",
        ACROSS if crossing else "A split by chance may part them, and measure too well where they show the same thing.",
        "Where they show the same thing, list them as path,group lines: striate train FOLDER --group LIST.csv",
        cases,
        pictures / max(1, len(examined)),
    )


def _part(examined: Examined, row: int) -> str:
    """Return the part that a picture lies in: as its source has it, or by the folders, where those are no classes."""
    if examined.parts and examined.parts[row]:
        return examined.parts[row]
    folders = examined.paths[row].lower().split("/")[:-1]
    return next((SPLITS[folder] for folder in folders if folder in SPLITS), "")


def _parts(examined: Examined, rows: Ints) -> set[str]:
    return {_part(examined, row) for row in rows.tolist()} - {""}


def _case(examined: Examined, name: str, rows: Ints) -> Case:
    """Return a group as a case: some of its pictures, how many there are, and in which parts."""
    parts = Counter(_part(examined, row) for row in rows.tolist())
    each = ", ".join(f"{parts[part]:,} in {part}" for part in ("train", "val", "test") if parts[part])
    said = counted(len(rows), "picture") + (f" ({each})" if len(parts) > 1 else "")
    chosen = rows
    if len(rows) > WHOLE:
        chosen = rows[np.unique(np.linspace(0, len(rows) - 1, SHOWN).astype(np.int64))]
    return Case(tuple(examined.paths[row] for row in chosen), f"{name}: {said}" if name else said, ", ")
