"""A source mended: what a person decided about its pictures (labels.toml) is done to labels, never to files."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace

from striate import files
from striate.data.labels.mending import IGNORE, Mending, fitted
from striate.data.sources.items import CLASSES, FolderSource, Source
from striate.data.store.rows import digest_of
from striate.errors import SourceError
from striate.words import counted

_NAMED = 12  # classes named in a line


def mended(source: Source, mending: Mending, *, name: str) -> Source:
    """Return a source with the labels that its pictures were given, without those that were dropped, and a note of it.

    ``name`` is what the file of decisions is called. The files of pictures that it names are read, to see whether they
    are what they were; what fits nothing is passed over, and a note says so. `Source.mending` is what is in force.

    Errors: SourceError for a class that is not there, for pictures that are no files, and where none is left.

    Example: ``mended(source, Mending(), name="labels.toml").mending.entries`` is ``()``.
    """
    if not isinstance(source, FolderSource):
        raise SourceError(f"{name} is about pictures in files, and those of {source.location} are none")
    check_digests(mending, source.location, name=name)
    place = {item.key: index for index, item in enumerate(source.items)}

    def there(path: str) -> str | None:
        return None if path not in place else content_of(source, place[path])

    acting = replace(mending, entries=tuple(one for one in mending.entries if one.kind != IGNORE))
    found = fitted(acting, there)
    in_force = replace(found.mending, entries=(*found.mending.entries, *mending.of(IGNORE)))
    given = in_force.relabelled
    if given and source.kind != CLASSES:
        raise SourceError(f"{name} gives {next(iter(given))} another class, and the labels here are {source.kind}")
    number = {label: index for index, label in enumerate(source.label_names)}
    check_classes(in_force, source.label_names, name=name)
    items = tuple(
        replace(item, target=number[given[item.key]]) if item.key in given else item
        for item in source.items
        if item.key not in in_force.dropped
    )
    if source.items and not items:
        raise SourceError(f"{name} drops all {counted(len(source.items), 'picture')} of {source.location}")
    left = source.only({item.key for item in items})
    notes = replace(found, mending=in_force).lines(name)
    return replace(left, items=items, notes=(*source.notes, *notes), mending=in_force)


def check_digests(mending: Mending, location: str, *, name: str) -> None:
    """Refuse pictures that are named without the digest of their file. Errors: SourceError with the remedy."""
    if unsaid := mending.unsaid:
        raise SourceError(
            f"{name}: {unsaid[0]} is named without the digest of its file; striate doctor {location} --apply {name}"
            " puts digests in, and keeps the file where training finds it"
        )


def check_classes(mending: Mending, names: Sequence[str], *, name: str) -> None:
    """Refuse a class that is none of ``names``. Errors: SourceError."""
    for path, label in mending.relabelled.items():
        if label not in names:
            near = difflib.get_close_matches(label, names, n=2)
            hint = f"did you mean {' or '.join(near)}?" if near else f"the classes are {', '.join(names[:_NAMED])}"
            hint = hint if names else "the folder is none of classes"
            raise SourceError(f"{name} gives {path} the class {label!r}, and there is none of that name; {hint}")


def content_of(source: FolderSource, index: int) -> str | None:
    """Return the digest of a picture's file in hexadecimal digits; None where it cannot be read."""
    try:
        return digest_of(files.read_bytes(source.path(index), limit=files.PICTURE)).hex()
    except OSError:
        return None
