r"""Labels out of file names, by a pattern: ``(.+?)_\d+`` takes ``great_pyrenees`` out of ``great_pyrenees_173.jpg``.

The pattern is searched in the name of each file, with its ending and then without; one that holds a ``/`` is searched
in the whole path below the folder. Its one group is the label. Folders mean nothing then, but for train/ val/ test/.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from striate.data.labels.classes import SPLITS, check_names, in_order, shown
from striate.data.sources.items import FolderSource, Item, Rejected
from striate.data.sources.listing import Scan
from striate.errors import SourceError
from striate.words import counted, plural


def label_source(root: Path, pattern: str, *, name: str) -> FolderSource:
    r"""Return the pictures of a folder, at any depth, labelled by their names. Names that do not match are said.

    Errors: SourceError for a pattern that does not read or has not one group, and one that no name matches.
    Example: ``label_source(Path("album"), r"(.+?)_\d+", name="album").label_names`` is ``("cat", "dog")``.
    """
    group = _group(pattern)
    scan = Scan(root)
    keys: list[str] = []
    for key in _keys(scan):
        keys.append(key)
    if not keys:
        raise SourceError(f"{root} holds no pictures")
    labels: dict[str, str] = {}
    without: list[str] = []
    for key in keys:
        label = _label(group, key)
        if label:
            labels[key] = label
        else:
            without.append(key)
    if not labels:
        raise SourceError(
            f"the pattern {pattern!r} is in none of the {counted(len(keys), 'name')} in {root}; the first is"
            f" {shown(keys[0])}"
        )
    scan.rejected.extend(Rejected(key, f"{pattern} is not in its name", bad=False) for key in without)
    names = set(labels.values())
    check_names(sorted(names), str(root))
    classes = in_order(names)
    index = {label: place for place, label in enumerate(classes)}
    parts = {key.partition("/")[0] for key in labels}
    split = any(SPLITS.get(part.lower()) == "train" for part in parts)
    items = tuple(
        Item(key, index[label], SPLITS.get(key.partition("/")[0].lower()) if split else None)
        for key, label in labels.items()
    )
    notes: tuple[str, ...] = ()
    if without:
        number = len(without)
        notes = (
            f"{number:,} of {counted(len(keys), 'picture')} {plural(number, 'is')} left out: {pattern} is not in the"
            f" name ({', '.join(shown(key) for key in without[:3])}{', ...' if number > 3 else ''})",
        )
    return FolderSource(
        name,
        str(root),
        classes,
        items,
        rejected=tuple(scan.rejected),
        notes=notes,
        passed_over=scan.passed_over(),
        root=root,
    )


def _keys(scan: Scan) -> list[str]:
    keys, _ = scan.pictures(os.fspath(scan.root), "")
    return keys


def _group(pattern: str) -> re.Pattern[str]:
    try:
        group = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise SourceError(f"--label-from {pattern!r} is no pattern (a regular expression): {error}") from None
    if group.groups != 1:
        raise SourceError(
            f"--label-from {pattern!r} has {counted(group.groups, 'group')} in brackets; it takes one, which is the"
            " label, such as (.+?)_\\d+"
        )
    return group


def _label(group: re.Pattern[str], key: str) -> str:
    name = key if "/" in group.pattern else key.rpartition("/")[2]
    found = group.search(name) or group.search(name.rpartition(".")[0])
    return (found[1] or "").strip() if found else ""
