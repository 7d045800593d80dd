"""``striate doctor``: what is wrong with a folder of pictures, as lines, JSON or a page."""

from __future__ import annotations

import json
from pathlib import Path

import click

from striate.cli import shared_options
from striate.errors import SearchError
from striate.session import terminal
from striate.session.progress import Progress
from striate.verbs.workspace import Workspace


@click.command()
@click.argument("photos", type=shared_options.GIVEN, metavar="FOLDER")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Show what was found as a page of HTML.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every picture of every finding.")
@click.option(
    "--apply",
    "decisions",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Keep the decisions of a file (labels.toml, as the page gives it), and look no further.",
)
@click.option("--mend", metavar="FILE", help="Where decisions are kept; none.  [default: beside the runs]")
@click.option(
    "--labels/--no-labels",
    default=True,
    help="Whether labels are doubted, by the usual trunk.  [default: yes]",
)
@click.option("--model", metavar="RUN", help="A run that finds boxes: what it says against those that are labelled.")
@shared_options.offline
@shared_options.data_dir
@shared_options.runs_dir
def command(
    photos: Path,
    output: Path | None,
    as_json: bool,
    decisions: Path | None,
    mend: str | None,
    labels: bool,
    model: str | None,
    offline: bool,
    data_dir: Path | None,
    runs_dir: Path,
) -> None:
    """Say what is wrong with the pictures in FOLDER, worst first, and what to do.

    FOLDER is read at any depth and never written to. What was measured of a picture is kept in the cache: stopped, it
    goes on where it was, and a second time only what has changed is looked at.

    What was judged on the page is kept by --apply in a file beside the runs: it does not come back, and striate train
    goes by it.
    """
    from striate.verbs.doctor import decide, doctor

    if decisions is not None:
        if output is not None or as_json:
            raise SearchError("--apply keeps decisions and looks no further; leave out -o and --json")
        for line in decide(photos, decisions, mend=mend, workspace=Workspace(runs_dir)).lines():
            click.echo(terminal.line(line))
        return
    if output is not None:
        from striate.cli.write_output import check_free
        from striate.render.html.look_page import is_ours

        check_free(output, is_ours, photos)
    with Progress() as progress:
        workspace = Workspace(runs_dir, data_dir, not offline, progress, tell=terminal.tell)
        found = doctor(photos, labels=labels, mend=mend, model=model, workspace=workspace)
    if output is not None:
        from striate.cli.write_output import write_output
        from striate.render.html.doctor_page import whole_page

        write_output(output, whole_page(found).encode("utf-8", "surrogateescape"), is_ours)
    if as_json:
        click.echo(json.dumps(found.to_dict(), indent=2))
        return
    from striate.session.doctor import lines

    for line in lines(found):
        click.echo(terminal.line(line) if line else "")
    for note in (*found.judged, *found.notes):
        click.echo(terminal.line(f"note: {note}"), err=True)
    if output is not None:
        click.echo(f"\nas a page: {terminal.line(str(output))}")
