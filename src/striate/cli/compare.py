"""``striate compare``: two runs to a verdict, figures and a page of the pictures that tell them apart."""

from __future__ import annotations

import json
from pathlib import Path

import click

from striate.cli import shared_options
from striate.cli.write_output import check_free, write_output
from striate.render.html import compare_page
from striate.render.html.look_page import is_ours, page
from striate.session import terminal
from striate.session.progress import Progress
from striate.verbs.workspace import Workspace


@click.command()
@click.argument("a", metavar="A")
@click.argument("b", metavar="B", default="last")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, every picture with both answers.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The page; A-B-compare.html if not said.")
@shared_options.data_dir
@shared_options.runs_dir
def command(a: str, b: str, as_json: bool, output: Path | None, data_dir: Path | None, runs_dir: Path) -> None:
    """Compare two runs on the pictures that neither has learnt from: is the difference real, or noise?

    A and B are runs by name or folder; without B, the last. Pictures are matched by their content, so that runs on
    folders that overlap, or were split otherwise, can be compared on what they share.
    """
    target = None
    if not as_json:
        target = check_free(output or Path(f"{Path(a).name}-{Path(b).name}-compare.html"), is_ours)
    elif output is not None:
        raise click.UsageError("--json prints; -o is for a page")
    from striate.verbs.compare import compare

    with Progress() as progress:
        found = compare(a, b, Workspace(runs_dir, data_dir, progress=progress))
    if target is None:
        click.echo(json.dumps(found.to_dict(), indent=2))
        return
    quiet = f"{found.a} and {found.b}, asked about the same pictures."
    write_output(target, page(f"{found.a} or {found.b}?", quiet, compare_page.answers(found)).encode(), is_ours)
    click.echo(compare_page.text(found))
    click.echo(f"\nthe pictures that tell them apart: {terminal.line(str(target))}")
