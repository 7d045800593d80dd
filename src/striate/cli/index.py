"""``striate index``: a folder of pictures to the vectors that ``striate find`` compares."""

from __future__ import annotations

import json
from pathlib import Path

import click

from striate.cli import shared_options
from striate.session import terminal
from striate.session.progress import Progress
from striate.verbs.workspace import Workspace
from striate.words import counted

NAMED = 3  # pictures that cannot be read, said one by one


@click.command()
@click.argument("photos", type=shared_options.GIVEN, metavar="FOLDER")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The folder of the index.  [default: one in the cache]"
)
@shared_options.embedding
@click.option("--parts", is_flag=True, help="So that parts of pictures can be found too; takes 50 times the room.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@shared_options.offline
@shared_options.data_dir
@shared_options.runs_dir
def command(
    photos: Path,
    output: Path | None,
    model: str | None,
    parts: bool,
    as_json: bool,
    offline: bool,
    data_dir: Path | None,
    runs_dir: Path,
) -> None:
    """Make the index of the pictures in FOLDER, or bring it up to date: only what has changed is looked at again.

    FOLDER is read at any depth and never written to. A picture that was moved is known by its content. What is made is
    kept as it goes on: stopped, it goes on where it was.
    """
    from striate.verbs.index import index

    with Progress() as progress:
        workspace = Workspace(runs_dir, data_dir, not offline, progress, tell=terminal.tell)
        made = index(photos, output, model=model, parts=parts, workspace=workspace)
    if as_json:
        click.echo(json.dumps(made.to_dict(), indent=2))
        return
    done = [f"{made.made:,} made" if made.made else "", f"{made.moved:,} moved or copied" if made.moved else ""]
    done += [f"{made.gone:,} gone" if made.gone else ""]
    what = ", ".join(filter(None, done)) or "nothing had changed"
    click.echo(f"{counted(len(made.index), 'picture')} indexed by {made.index.embedder.words}: {what}")
    for one in made.index.unread[:NAMED]:
        click.echo(terminal.line(f"cannot be read: {one.path}: {one.reason}"))
    if len(made.index.unread) > NAMED:
        click.echo(f"and {len(made.index.unread) - NAMED:,} more that cannot be read (--json names them)")
    click.echo(terminal.line(f"in {made.folder}"))
    click.echo(terminal.line(f"look for one with: striate find PICTURE --in {output or photos}"))
