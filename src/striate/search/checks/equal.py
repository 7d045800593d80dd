"""Files that are equal to the last byte."""

from __future__ import annotations

from collections.abc import Iterator

from striate.search.examined import Case, Examined, Finding
from striate.words import counted


def equal_files(examined: Examined) -> Iterator[Finding]:
    """Find files that are equal to the last byte: across classes, across parts, within both."""
    by_content: dict[bytes, list[int]] = {}
    for row, digest in enumerate(examined.digests):
        by_content.setdefault(digest, []).append(row)
    groups = [(group, "") for group in by_content.values() if len(group) > 1]
    yield from groups_found(examined, groups, "equal", "equal pictures")


def groups_found(examined: Examined, groups: list[tuple[list[int], str]], kind: str, word: str) -> Iterator[Finding]:
    """Find what groups of copies mean (their rows, and what makes one of another): across classes or parts, or neither.

    ``kind`` begins the kind of the finding, ``word`` says what they are.
    """
    several: list[tuple[list[int], str]] = []
    crossing: list[tuple[list[int], str]] = []
    within: list[tuple[list[int], str]] = []
    for group, how in groups:
        labels = {int(examined.labels[row]) for row in group} - {-1}
        sides = {examined.parts[row] for row in group} if examined.parts else {""}
        place = several if len(labels) > 1 else crossing if len(sides) > 1 else within
        place.append((group, how))
    for name, level, some, where, means, remedy in (
        (
            "across-classes",
            "wrong",
            several,
            "under several classes",
            "Of their labels one at most is right.",
            "Decide which class they are; keep one of each.",
        ),
        (
            "across-parts",
            "wrong",
            crossing,
            "in several of train, val and test",
            "A test that holds what was trained on says more than is true." + worth(examined),
            "Remove those in train and val.",
        ),
        (
            "copies",
            "to know",
            within,
            "in one class" if examined.names else "",
            "They count as often as they lie, and a split must not part them.",
            "Keep one of each, where they were not meant to count more often.",
        ),
    ):
        if some:
            cases = tuple(
                Case(tuple(examined.paths[row] for row in group), _said(examined, group, how)) for group, how in some
            )
            pictures = sum(len(group) for group, _ in some)
            yield Finding(
                f"{kind}-{name}",
                level,
                f"{counted(pictures, 'picture')} in {counted(len(some), 'group')} of {word} {where}".rstrip(),
                means,
                remedy,
                cases,
                pictures / max(1, len(examined)),
            )


def _said(examined: Examined, group: list[int], how: str) -> str:
    labels = [examined.names[examined.labels[row]] for row in group if examined.labels[row] >= 0]
    several = " and ".join(dict.fromkeys(labels)) if len(set(labels)) > 1 else ""
    return "; ".join(filter(None, (several, how)))


def worth(examined: Examined) -> str:
    """Return in a sentence what the copies on both sides of a split are worth, where that was measured."""
    leak = None if examined.told is None else examined.told.leak
    if leak is None:
        return ""
    low, high = (f"{100 * (0.0 if abs(end) < 5e-4 else end):.1f}" for end in (leak.worth.low, leak.worth.high))
    return (
        f" Of {leak.tested:,} pictures of the test {leak.pictures:,} have a copy, equal or near, outside of it: by what"
        f" is learnt with these copies {100 * leak.apparent.value:.1f} % of the test are right, without them"
        f" {100 * leak.real.value:.1f} %, so that the leak is worth {100 * leak.worth.value:.1f} points ({low} to"
        f" {high}); of the {leak.pictures:,} themselves {100 * leak.leaked.value:.0f} % in place of"
        f" {100 * leak.unleaked.value:.0f} %. (Measured on the usual trunk; a network that is trained whole remembers"
        " more.)"
    )
