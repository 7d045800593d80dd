"""``striate runs``: the runs of a folder as a table; how to remove, rename and note one."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import click

from striate.cli import shared_options
from striate.session import terminal
from striate.verbs.run_notes import note_run, rename_run
from striate.verbs.runs import RunSummary, remove, runs
from striate.verbs.workspace import Workspace
from striate.words import readable_size


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@shared_options.runs_dir
@click.pass_context
def command(context: click.Context, as_json: bool, runs_dir: Path) -> None:
    """List the runs: what each was trained on, what it came to with its interval, when, and what it takes.

    The one that was written last comes first. striate runs remove NAME removes one, striate runs rename
    and note do what they say; striate compare A B compares two.
    """
    if context.invoked_subcommand is not None:
        return
    found = runs(Workspace(runs_dir))
    if as_json:
        click.echo(json.dumps([run.to_dict() for run in found], indent=2))
    elif not found:
        click.echo(f"{runs_dir} holds no run yet; train first: striate train FOLDER")
    else:
        click.echo("\n".join(table(found, shutil.get_terminal_size((120, 24)).columns)))


@command.command("remove")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared_options.runs_dir
def remove_command(names: tuple[str, ...], yes: bool, runs_dir: Path) -> None:
    """Remove runs, each with its model, history and report. It asks first; what is removed is gone."""
    if not yes:
        what = "run" if len(names) == 1 else "runs"
        click.confirm(f"remove the {what} {', '.join(names)} from {runs_dir}, for good?", abort=True, err=True)
    for name, size in remove(names, Workspace(runs_dir)):
        click.echo(f"removed {name}, {readable_size(size)}")


@command.command("rename")
@click.argument("name")
@click.argument("to")
@shared_options.runs_dir
def rename_command(name: str, to: str, runs_dir: Path) -> None:
    """Give the run NAME the name TO. What names it elsewhere keeps the old one."""
    click.echo(f"renamed {name} to {rename_run(name, to, Workspace(runs_dir))}")


@command.command("note")
@click.argument("name")
@click.argument("text", default="")
@shared_options.runs_dir
def note_command(name: str, text: str, runs_dir: Path) -> None:
    """Keep TEXT as a note about the run NAME, in its file note.txt; without a text its note is taken away."""
    kept = note_run(name, text, Workspace(runs_dir))
    click.echo(f"noted of {name}: {kept}" if kept else f"{name} has no note")


def table(found: Sequence[RunSummary], width: int) -> list[str]:
    """Return the runs as lines; in a narrow terminal the net gives way first, then the size."""
    measures = {run.measure for run in found if run.figure is not None}
    alike = len(measures) < 2
    measure = next(iter(measures), "figure") if alike else "figure"
    head = ("run", "data", "net", measure, "on", "written", "size")
    rows = [_cells(run, named=not alike) for run in found]
    kept = list(range(len(head)))
    for droppable in (2, 6, 1):
        if _wide(head, rows, kept) > width:
            kept.remove(droppable)
    sizes = [max(len(row[place]) for row in (head, *rows)) for place in kept]
    lines = [
        "  ".join(row[place].ljust(size) for place, size in zip(kept, sizes, strict=True)).rstrip()
        for row in (head, *rows)
    ]
    lines += [f"{run.name}: {terminal.line(run.note)}" for run in found if run.note]
    lines += [f"{run.name} is damaged: {run.damaged}" for run in found if run.damaged]
    return lines


def _wide(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], kept: Sequence[int]) -> int:
    return sum(max(len(row[place]) for row in (head, *rows)) + 2 for place in kept) - 2


def _cells(run: RunSummary, *, named: bool) -> tuple[str, ...]:
    figure, on = run.state, ""
    if run.figure is not None:
        figure = f"{run.measure} {run.figure_text}" if named else run.figure_text
        on = f"{run.pictures:,} {run.part}"
    net = run.net if len(run.net) <= 28 else f"{run.net[:27]}…"
    written = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.written))
    return run.name, run.source, net, figure, on, written, readable_size(run.bytes)
