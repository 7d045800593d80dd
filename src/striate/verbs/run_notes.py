"""Run notes: another name for a run, and what a person notes about it. No torch, no NumPy."""

from __future__ import annotations

from typing import Final

from striate.errors import DiskError, RunError
from striate.runs import durable, names
from striate.runs.run import NOTE, RunDirectory
from striate.verbs.workspace import HERE, Workspace

LONGEST: Final = 2_000  # signs of a note


def rename_run(name: str, to: str, workspace: Workspace = HERE) -> str:
    """Give a run another name, in one step; ``last`` follows it. Return the name that it has now.

    What names it elsewhere (a recipe that starts from it, a training of the studio's list) keeps the old name.

    Errors: RunError for one that is being trained, is a link, a name that is taken or that no run can have.

    Example: ``rename_run(third.name, "tried-3")`` is ``"tried-3"``.
    """
    run = RunDirectory.open(name, workspace.runs_dir)
    if run.path.is_symlink():
        raise RunError(f"{run.path} is a link to {run.path.resolve()}; rename the run itself, by that path")
    if to != names.stem(to) or to == names.LAST:
        why = f"{names.LAST} is the newest run" if to == names.LAST else f"say {names.stem(to)!r}"
        raise RunError(f"{to[:60]!r} is no name of a run, which is letters, digits and _ . + -, 50 at most; {why}")
    target = run.path.with_name(to)
    if target.exists():
        raise RunError(f"{target} is there already; take another name")
    with run.locked():
        pointed = names.last(run.path.parent)
        try:
            run.path.rename(target)
            durable.SYSTEM.sync_directory(target.parent)
        except OSError as error:
            raise DiskError(f"{run.path} cannot be renamed: {error.strerror or error}; it is as it was") from None
        if pointed == run.name:
            durable.write(target.parent / names.LAST, f"{to}\n".encode())
    return to


def note_run(name: str, text: str, workspace: Workspace = HERE) -> str:
    """Keep what a person notes about a run, in the file ``note.txt`` in it; no text takes the note away. Return it.

    Errors: RunError for a run that is not there and a note that is too long.

    Example: ``note_run(third.name, "the one with mirrored pictures")``
    """
    run, kept = RunDirectory.open(name, workspace.runs_dir), text.strip()
    if len(kept) > LONGEST:
        raise RunError(f"a note has {LONGEST:,} signs at most, this one {len(kept):,}")
    if kept:
        durable.write(run.path / NOTE, f"{kept}\n".encode())
    else:
        durable.remove(run.path / NOTE)
    return kept
