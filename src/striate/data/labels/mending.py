"""Mending: what a person decided about pictures of a folder, as a plain file, labels.toml. No pictures are read here.

Each entry names its pictures by path and by the digest of their files, and holds while both are what they were: a
picture that was renamed or changed since is another one, about which nothing was decided.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, Final

from striate.errors import SourceError
from striate.recipe_words import no_such
from striate.words import counted, plural

NAME: Final = "labels.toml"
RELABEL, DROP, GROUP, IGNORE = KINDS = ("relabel", "drop", "same_group", "ignore")
DIGITS: Final = 32  # hexadecimal digits of a digest
_WORD: Final = {RELABEL: "to", IGNORE: "finding"}
_SAID: Final = {RELABEL: "relabelled", DROP: "dropped", GROUP: "kept together", IGNORE: "ignored"}
_HEX: Final = re.compile(rf"[0-9a-f]{{{DIGITS}}}")
_FIRST: Final = 3  # pictures named in a line

DigestOf = Callable[[str], str | None]
"""What the file of a picture has, by its path, in hexadecimal digits; None where there is none."""


@dataclass(frozen=True, order=True)
class Named:
    """A picture: its path below the folder, with forward slashes, and the digest of its file ("" where unsaid)."""

    path: str
    digest: str = ""


@dataclass(frozen=True, order=True)
class Entry:
    """One decision: its ``kind`` (of `KINDS`), its pictures, and the class they are given or the finding's kind.

    An ``ignore`` without pictures is about the whole folder.
    """

    kind: str
    pictures: tuple[Named, ...] = ()
    word: str = ""


@dataclass(frozen=True)
class Mending:
    """Decisions about the pictures of a ``folder`` (where that was, when they were made; "" where unsaid).

    >>> Mending((Entry(DROP, (Named("a.png"),)), Entry(DROP, (Named("b.png"),)))).said()
    '2 dropped'
    """

    entries: tuple[Entry, ...] = ()
    folder: str = ""

    def of(self, kind: str) -> tuple[Entry, ...]:
        """Return the entries of a kind."""
        return tuple(entry for entry in self.entries if entry.kind == kind)

    @property
    def relabelled(self) -> dict[str, str]:
        """The class that each picture is given, by path."""
        return {entry.pictures[0].path: entry.word for entry in self.of(RELABEL)}

    @property
    def dropped(self) -> frozenset[str]:
        """The paths of the pictures that are left out."""
        return frozenset(entry.pictures[0].path for entry in self.of(DROP))

    @property
    def together(self) -> tuple[frozenset[str], ...]:
        """The paths of pictures that stay on one side of every split, a set a group; these may overlap."""
        return tuple(frozenset(one.path for one in entry.pictures) for entry in self.of(GROUP))

    @property
    def unsaid(self) -> tuple[str, ...]:
        """The paths of pictures that are named without a digest, as a person who writes by hand does."""
        return tuple(dict.fromkeys(one.path for entry in self.entries for one in entry.pictures if not one.digest))

    def said(self) -> str:
        """Return in a few words how many decisions of each kind there are; "nothing" for none."""
        numbers = {kind: len(self.of(kind)) for kind in KINDS}
        words = [
            f"{counted(number, 'group')} {_SAID[kind]}" if kind == GROUP else f"{number:,} {_SAID[kind]}"
            for kind, number in numbers.items()
            if number
        ]
        return ", ".join(words) or "nothing"

    def to_toml(self) -> str:
        """Return it as text that `read` takes, the same whatever order it came in."""
        lines = ["# What was decided about pictures, each by its path and the digest of its file (docs/doctor.md).\n"]
        if self.folder:
            lines.append(f"folder = {_quoted(self.folder)}\n")
        for entry in sorted(self.entries, key=lambda one: (KINDS.index(one.kind), one)):
            lines.append(f"\n[[{entry.kind}]]\n")
            if entry.kind in (RELABEL, DROP):
                lines.append(f"picture = {_quoted(entry.pictures[0].path)}\n")
                lines += [f"digest = {_quoted(one.digest)}\n" for one in entry.pictures if one.digest]
            elif entry.pictures:
                lines.append(f"pictures = {_list(one.path for one in entry.pictures)}\n")
                if all(one.digest for one in entry.pictures):
                    lines.append(f"digests = {_list(one.digest for one in entry.pictures)}\n")
            if entry.word:
                lines.append(f"{_WORD[entry.kind]} = {_quoted(entry.word)}\n")
        return "".join(lines)

    def with_digests(self, digest_of: DigestOf) -> Mending:
        """Return it with the digests that pictures have now, where a person who wrote by hand gave none."""

        def known(one: Named) -> Named:
            return one if one.digest else replace(one, digest=digest_of(one.path) or "")

        entries = (replace(entry, pictures=tuple(map(known, entry.pictures))) for entry in self.entries)
        return replace(self, entries=tuple(entries))

    def added_to(self, before: Mending) -> Mending:
        """Return earlier decisions with these: what is decided anew about a picture's label stands in place of it."""
        mine = self.relabelled.keys() | self.dropped
        kept = [one for one in before.entries if one.kind in (GROUP, IGNORE) or one.pictures[0].path not in mine]
        return Mending(tuple(dict.fromkeys((*kept, *self.entries))), self.folder or before.folder)


@dataclass(frozen=True)
class Fitting:
    """The part of a mending whose pictures are there as they were, and the paths of those that are gone or changed."""

    mending: Mending
    gone: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def lines(self, name: str) -> tuple[str, ...]:
        """Return in a line what there is, and in another what fits nothing; ``name`` is what the file is called."""
        lines = [f"{name}: {self.mending.said()}"] if self.mending.entries else []
        told = [
            f"{counted(len(some), 'picture')} {plural(len(some), verb)} {what} ({', '.join(some[:_FIRST])}"
            + (", ...)" if len(some) > _FIRST else ")")
            for some, verb, what in ((self.gone, "is", "not there"), (self.changed, "has", "another content"))
            if some
        ]
        if told:
            lines.append(f"{name}: {' and '.join(told)}; what was decided about them is passed over")
        return tuple(lines)


def fitted(mending: Mending, digest_of: DigestOf) -> Fitting:
    """Return what of a mending fits the pictures that are there.

    Example: ``fitted(Mending(), lambda path: None).mending.entries`` is ``()``.
    """
    known: dict[str, str | None] = {}
    gone: dict[str, None] = {}
    changed: dict[str, None] = {}

    def fits(one: Named) -> bool:
        if one.path not in known:
            known[one.path] = digest_of(one.path)
        if known[one.path] is None:
            gone[one.path] = None
        elif known[one.path] != one.digest:
            changed[one.path] = None
        return known[one.path] == one.digest

    entries = []
    for entry in mending.entries:
        there = tuple(one for one in entry.pictures if fits(one))
        if len(there) >= (2 if entry.kind == GROUP else min(1, len(entry.pictures))):
            entries.append(replace(entry, pictures=there))
    return Fitting(replace(mending, entries=tuple(entries)), tuple(gone), tuple(changed))


def read(text: str, where: str) -> Mending:
    r"""Return the mending of a text; ``where`` is what the file is called.

    Errors: SourceError, in a line, for what is no TOML, an unknown word, a wrong value, decisions that contradict.

    Example: ``read('[[drop]]\npicture = "a.png"', "labels.toml").dropped`` is ``frozenset({"a.png"})``.
    """
    try:
        said = tomllib.loads(text.removeprefix("\ufeff"))  # as editors on Windows begin a file
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{where} is no TOML: {str(error)[:200]}") from None
    folder = said.pop("folder", "")
    if not isinstance(folder, str):
        raise SourceError(f"{where}: folder is the path of a folder, and is {folder!r:.60}")
    for word in said:
        if word not in KINDS:
            raise SourceError(f"{where}: {no_such('it', word, KINDS, called='table')}")
    entries = []
    for kind in KINDS:
        tables = said.get(kind, [])
        if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
            raise SourceError(f"{where}: {kind} begins an entry as [[{kind}]], in two brackets")
        entries += [_entry(kind, table, f"{where}: {kind} {number}") for number, table in enumerate(tables, 1)]
    _check(entries, where)
    return Mending(tuple(dict.fromkeys(entries)), folder)


def _entry(kind: str, table: Mapping[str, Any], where: str) -> Entry:
    one = kind in (RELABEL, DROP)
    names = ("picture", "digest") if one else ("pictures", "digests")
    wanted = (*names, *filter(None, (_WORD.get(kind),)))
    for word in table:
        if word not in wanted:
            raise SourceError(f"{where}: {no_such('it', word, wanted, called='word')}")
    said = [[table[name]] if one and name in table else table.get(name, []) for name in names]
    for name, texts in zip(names, said, strict=True):
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise SourceError(f"{where}: {name} must be {'text' if one else 'a list of texts'}")
    paths, digests = said
    distinct = len({PurePosixPath(path) for path in paths})
    least = 2 if kind == GROUP else 0 if kind == IGNORE else 1
    if distinct < least:
        raise SourceError(f"{where}: it names {counted(distinct, 'picture')}, and at least {least} must be named")
    if digests and len(digests) != len(paths):
        raise SourceError(f"{where}: {counted(len(paths), 'picture')} and {len(digests)} digests; one each, or none")
    for path in paths:
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or ".." in parts or "\\" in path:
            raise SourceError(f"{where}: {path[:80]!r} is no path below the folder, with forward slashes")
    for digest in digests:
        if not _HEX.fullmatch(digest):
            raise SourceError(f"{where}: a digest has {DIGITS} hexadecimal digits, and this is {digest[:40]!r}")
    word = table.get(_WORD[kind], "") if kind in _WORD else ""
    if not isinstance(word, str):
        raise SourceError(f"{where}: {_WORD[kind]} must be text")
    if kind in _WORD and not word:
        raise SourceError(f"{where}: {_WORD[kind]} is missing: {'the class' if kind == RELABEL else 'of what kind'}")
    digests = digests or [""] * len(paths)
    pictures = [Named(str(PurePosixPath(path)), digest) for path, digest in zip(paths, digests, strict=True)]
    return Entry(kind, tuple(pictures if one else sorted(set(pictures))), word)


def _check(entries: Iterable[Entry], where: str) -> None:
    """Refuse two decisions about the label of one picture."""
    decided: dict[str, Entry] = {}
    for entry in entries:
        if entry.kind not in (RELABEL, DROP):
            continue
        path = entry.pictures[0].path
        other = decided.setdefault(path, entry)
        if (other.kind, other.word) != (entry.kind, entry.word):
            both = " and ".join(f"to be {_SAID[one.kind]}" + f" {one.word}" * bool(one.word) for one in (other, entry))
            raise SourceError(f"{where}: {path} is {both}; leave out one")
        if other.pictures != entry.pictures:
            raise SourceError(f"{where}: {path} stands there twice, with two digests; leave out one")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(texts: Iterable[str]) -> str:
    return "[" + ", ".join(map(_quoted, texts)) + "]"
