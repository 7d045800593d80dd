"""Lineage: the runs whose weights a run began with, and the pictures that those had learnt from. No torch.

A net that began with weights has seen what they had seen. Pictures are told by their content, a run by the pictures and
labels that its model file says it learnt from.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from striate.errors import StriateError
from striate.model.files.weights import read_facts
from striate.runs import names
from striate.runs.run import RunDirectory
from striate.verbs.prepared import Prepared
from striate.verbs.reopen import config_of, trained_on
from striate.verbs.start import KEPT
from striate.words import counted, plural

FURTHEST = 100  # runs begun one with another's weights that are followed back


def ancestors(run: RunDirectory) -> tuple[RunDirectory, ...]:
    """Return the runs whose weights a run began with, the nearest first; those that can still be found.

    Example: ``[before.name for before in ancestors(RunDirectory.open("last"))]``
    """
    found: list[RunDirectory] = []
    while (before := _begun_with(found[-1] if found else run)) is not None and len(found) < FURTHEST:
        found.append(before)
    return tuple(found)


def _begun_with(run: RunDirectory) -> RunDirectory | None:
    """Return the run whose weights this one began with; None for chance, other weights, or one that is gone."""
    try:
        words = config_of(run).weights
        if words is None or not (run.path / KEPT).is_file():
            return None
        says = read_facts(run.path / KEPT).provenance
        if not isinstance(says.get("run"), str) or not isinstance(says.get("data"), str):
            return None  # published weights, or imported ones
        given, beside = Path(words), run.path.parent
        for folder in (given, given.parent, beside / given, beside / str(says["run"])):
            if names.is_run(folder):
                other = RunDirectory(folder)
                if other.path.name == says["run"] and other.source().get("digest") == says["data"]:
                    return other
    except (StriateError, OSError, ValueError):
        return None  # damaged, or of another kind: then nothing can be told
    return None


def _learnt(run: RunDirectory) -> list[tuple[RunDirectory, frozenset[str]]]:
    """Return the runs before a run with the digests (hex) of the pictures that each of them was trained on."""
    pairs = []
    for before in ancestors(run):
        try:
            known = trained_on(before)
        except StriateError:
            continue
        if known is not None:
            pairs.append((before, known[0]))
    return pairs


def seen(run: RunDirectory, digests: Sequence[str]) -> tuple[int | None, tuple[str, ...]]:
    """Return how many of these pictures (digests, hex) a run was trained on, itself or by the weights it began with.

    And that in a sentence; None where it cannot be told.
    """
    known = trained_on(run)
    if known is None:
        return None, (
            f"whether {run.name} was trained on any of these pictures cannot be told: it kept no digests of its own,"
            " which are gone or have changed",
        )
    train, val = known
    learnt, before = train, []
    for other, its in _learnt(run):
        before.append((other, sum(digest in its and digest not in learnt for digest in digests)))
        learnt |= its
    number = sum(digest in learnt for digest in digests)
    validated = sum(digest in val and digest not in learnt for digest in digests)
    if not number and not validated:
        return 0, ()
    chosen = f" and validated on {validated:,}" if validated else ""
    through = ", ".join(f"{some:,} of them as {other.name}" for other, some in before if some)
    inherited = f" ({through}, whose weights it began with)" if through else ""
    return number, (
        f"{run.name} was trained on {number:,} of these {counted(len(digests), 'picture')}{inherited}{chosen}: on those"
        " it is better than on pictures it never saw, and so are the figures here",
    )


def learnt_any(run: RunDirectory, prepared: Prepared) -> bool:
    """Return whether the weights that a run began with had learnt from any of its pictures, in whichever part.

    A trunk that has is no judge of strangers: its features were made to tell these very classes.
    """
    own = {digest.hex() for digest in prepared.store.digests}
    return any(own & learnt for _, learnt in _learnt(run))


def learnt_before(run: RunDirectory, prepared: Prepared) -> tuple[str, ...]:
    """Return in a sentence how many of the pictures that a run is measured on its first weights had learnt from."""
    rows = prepared.split.test if prepared.folds is None else tuple(int(row) for row in prepared.folds.measured)
    digests = [prepared.store.digests[row].hex() for row in np.array(rows, np.int64)]
    told = []
    for other, learnt in _learnt(run):
        number = sum(digest in learnt for digest in digests)
        if number:
            told.append(
                f"{number:,} of the {counted(len(digests), 'picture')} that {run.name} is measured on"
                f" {plural(number, 'was')} learnt from by {other.name}, whose weights it began with: its figure is"
                " better than on pictures that neither has seen"
            )
    return tuple(told)
