r"""Groups: pictures that belong together (of one patient, video or burst) and so stay on one side of every split.

Pictures of one patient are more alike than pictures of two, so that what is measured on a patient who was trained on
says little of the next one. A group is named by a pattern in the path (``(patient\d+)``), by the folder inside the
class (``parent``), or in a list of paths and groups. Equal pictures stay together in any case: both are one mechanism,
an identity a picture, equal exactly for those that stay together. No torch.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

from striate import files
from striate.data.labels.classes import shown
from striate.data.sources.items import Item, Source
from striate.errors import SourceError
from striate.words import counted, plural

PARENT: Final = "parent"
_Token = TypeVar("_Token", str, bytes)
_LISTS: Final = (".csv", ".tsv", ".txt")
_PATHS: Final = ("path", "file", "filename", "file_name", "image", "picture", "key", "name")
_GROUPS: Final = ("group", "group_id", "groups", "patient", "patient_id", "subject", "video", "sequence", "burst", "id")


@dataclass(frozen=True)
class Groups:
    """Which pictures belong together: ``names`` is the group of each by its key; those without are each for itself.

    ``by`` is how that is said in a sentence: the pattern, ``parent``, or the name of the list.
    """

    by: str
    names: Mapping[str, str]

    def line(self, items: Sequence[Item], left_out: int = 0) -> str:
        r"""Return in a sentence how many pictures are in how many groups, and that none is on two sides.

        ``left_out``: how many of the source's own train (or val) have others of their group, or copies, in its test (or
        val), so that they are used for nothing.

        Example: ``Groups(r"p\d", {"p1a": "p1", "p1b": "p1"}).line([Item("p1a", 0), Item("p1b", 0)])`` is
        ``"2 pictures in 1 group by p\\d: none is on two sides"``.
        """
        mine = [self.names.get(item.key, "") for item in items if item.labelled]
        inside, groups = sum(map(bool, mine)), len(set(filter(None, mine)))
        alone = len(mine) - inside
        said = f"{counted(inside, 'picture')} in {counted(groups, 'group')} by {self.by}: none is on two sides"
        if alone:
            said += f"; {counted(alone, 'picture')} {plural(alone, 'is')} in none, and each for itself"
        if left_out:
            said += (
                f"; {counted(left_out, 'picture')} of the source's own train {plural(left_out, 'is')} left out, as"
                " others of their groups, or copies, are in its test or val"
            )
        return said


def find_groups(source: Source, said: str | None) -> Groups | None:
    r"""Return the groups of a source's pictures; None where nobody said any.

    ``said``: a pattern (a regular expression) that is searched in each path below the source, whose first group, or
    else the whole match, names the group; ``parent``, the folder that a picture lies in, where that is not its class's;
    or a list (.csv, .tsv, .txt) with a path and a group a line.

    Errors: SourceError for a pattern that does not read or matches nothing, a list that does not read or names no
    picture of these, and groups that hold all pictures in one.
    """
    if said is None:
        return None
    keys = [item.key for item in source.items if item.labelled]
    if said == PARENT:
        found = Groups("folder", _parents(source))
        why = f"--group {PARENT}: no picture of {source.location} lies in a folder inside its class's"
    elif said.lower().endswith(_LISTS):
        found = Groups(shown(PurePosixPath(said.replace(os.sep, "/")).name), _listed(Path(said), source))
        why = f"--group {said}: it names none of the {counted(len(keys), 'picture')} of {source.location}"
    else:
        found = Groups(shown(said), _matched(said, keys))
        why = f"--group {said!r} is in none of the {counted(len(keys), 'path')} of {source.location}"
    if not found.names:
        raise SourceError(f"{why}; the first is {shown(keys[0])}" if keys else why)
    if len(set(found.names.values())) == 1 and len(found.names) >= len(keys) and len(keys) > 1:
        raise SourceError(
            f"--group {said}: one group, {shown(next(iter(found.names.values())))!r}, holds all"
            f" {counted(len(keys), 'picture')}, so that none is left to measure on; say what tells groups apart"
        )
    return found


def group_lasting(said: str | None) -> str | None:
    """Return what was said of groups so that it means the same from any working directory."""
    if said is None or said == PARENT or not said.lower().endswith(_LISTS):
        return said
    return os.path.abspath(Path(said).expanduser())  # noqa: PTH100  (links stay as they were written)


def together(keys: Sequence[str], sets: Sequence[Collection[str]], by: str) -> Groups:
    """Return groups of sets of keys that a person named, such as ``same_group`` of labels.toml; sets may overlap.

    This is the way in for whoever knows by other means which pictures belong together: `identities` takes any number
    of groupings, and joins them and the copies. Keys that no picture has are passed over.

    Example: ``together(["a", "b", "c"], [{"a", "b"}, {"b", "c"}], "labels.toml").names["c"]`` is ``"a"``.
    """
    there = set(keys)
    parent: dict[str, str] = {}
    for some in sets:
        mine = sorted(key for key in some if key in there)
        for key in mine:
            _join(parent, mine[0], key)
    return Groups(by, {key: _root(parent, key) for key in sorted(parent)})


def identities(keys: Sequence[str], digests: Sequence[bytes], groupings: Sequence[Groups] = ()) -> tuple[bytes, ...]:
    """Return an identity of each picture, equal exactly for those that stay on one side: copies, and groups.

    Joined through each other too: a copy of one of a group is one of the group. Without groupings these are the
    ``digests`` themselves; with them the identity of a group follows from the first of its names alone, so that it
    stays when pictures are added, and from no order of pictures.

    Example: ``len(set(identities(["a", "b", "c"], [b"1", b"2", b"2"], [Groups("x", {"a": "g", "b": "g"})])))`` is 1.
    """
    if not groupings:
        return tuple(digests)
    parent: dict[bytes, bytes] = {}
    tokens: list[bytes] = []
    for key, digest in zip(keys, digests, strict=True):
        mine = [b"\1" + digest]
        for number, grouping in enumerate(groupings):
            if name := grouping.names.get(key):
                mine.append(b"\0%d\0" % number + name.encode("utf-8", "surrogateescape"))
        for token in mine:
            _join(parent, mine[0], token)
        tokens.append(mine[0])
    # Names of groups sort before digests, and so stand for those that are joined.
    return tuple(
        root[1:] if (root := _root(parent, token))[:1] == b"\1" else hashlib.blake2b(root, digest_size=16).digest()
        for token in tokens
    )


def _root(parent: dict[_Token, _Token], token: _Token) -> _Token:
    """Return the least of all that is joined with a token."""
    root = token
    while (above := parent.setdefault(root, root)) != root:
        root = above
    while parent[token] != root:
        parent[token], token = root, parent[token]
    return root


def _join(parent: dict[_Token, _Token], one: _Token, other: _Token) -> None:
    first, second = sorted((_root(parent, one), _root(parent, other)))
    parent[second] = first


def _matched(pattern: str, keys: Sequence[str]) -> dict[str, str]:
    try:
        found = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise SourceError(f"--group {pattern!r} is no pattern (a regular expression): {error}") from None
    names = {}
    for key in keys:
        if match := found.search(key):
            name = next((one for one in match.groups() if one), "") if found.groups else match[0]
            if name:
                names[key] = name
    return names


def _parents(source: Source) -> dict[str, str]:
    """Return the folder that each picture lies in, where it is neither its class's nor the source's own."""
    names = {}
    for item in source.items:
        folders = PurePosixPath(item.key).parent.parts
        own = source.label_names[item.place] if item.place >= 0 else None
        if item.labelled and folders and not (own in folders and folders.index(own) == len(folders) - 1):
            names[item.key] = folders[-1]
    return names


def _listed(path: Path, source: Source) -> dict[str, str]:
    """Return the group of each picture that a list names. Errors: SourceError, naming the line."""
    try:
        text = files.read_bytes(path, limit=files.LIST).decode("utf-8-sig")
    except OSError as error:
        raise SourceError(f"--group {path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise SourceError(f"--group {path} is not UTF-8 text") from None
    first = text.partition("\n")[0]
    mark = "\t" if "\t" in first else ";" if ";" in first and "," not in first else ","
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise SourceError(f"--group {path}: {error}") from None
    head = [cell.strip().lower() for cell in rows[0][1]] if rows else []
    paths = [place for place, cell in enumerate(head) if cell in _PATHS]
    groups = [place for place, cell in enumerate(head) if cell in _GROUPS]
    if paths and groups:
        at, group, rows = paths[0], groups[0], rows[1:]
    elif rows and len(rows[0][1]) == 2:
        at, group = 0, 1
    else:
        raise SourceError(
            f"--group {path}: wanted lines of path,group, or a header with {_PATHS[0]} and {_GROUPS[0]} among its"
            f" columns; it begins with {first[:60]!r}"
        )
    known = {item.key for item in source.items}
    # Of pictures in files: where their keys begin, so that a list that lies elsewhere may name them from there.
    root = os.path.abspath(getattr(source, "root", source.location))  # noqa: PTH100
    here = os.path.dirname(os.path.abspath(path))  # noqa: PTH100, PTH120
    names: dict[str, str] = {}
    for number, row in rows:
        if len(row) <= max(at, group):
            raise SourceError(f"--group {path}, line {number}: {mark.join(row)[:60]!r} has no path and group")
        key = row[at].strip().replace("\\", "/").removeprefix("./")
        if key not in known:
            key = os.path.relpath(os.path.join(here, key), root).replace(os.sep, "/")  # noqa: PTH118
        if key not in known:
            continue
        name = row[group].strip()
        if names.setdefault(key, name) != name:
            raise SourceError(
                f"--group {path}, line {number}: {key} is in {names[key]!r} already, and here in {name!r}"
            )
    return {key: name for key, name in names.items() if name}
