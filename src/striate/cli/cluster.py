"""``striate cluster``: a folder of pictures to groups that are alike, as lines, JSON, a page or folders of links."""

from __future__ import annotations

import json
from pathlib import Path

import click

from striate.cli import shared_options
from striate.session import terminal
from striate.session.progress import Progress
from striate.verbs.workspace import Workspace


@click.command()
@click.argument("photos", type=shared_options.GIVEN, metavar="FOLDER")
@click.option("-n", "--number", type=click.IntRange(1), help="How many groups.  [default: as are most separate]")
@click.option("--links", type=click.Path(path_type=Path), help="Make a new folder with links to each group's pictures.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Show the groups as a page of HTML.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@shared_options.embedding
@click.option("--seed", type=int, default=0, show_default=True, help="Of more than 4,000 pictures: which are compared.")
@shared_options.offline
@shared_options.data_dir
@shared_options.runs_dir
def command(
    photos: Path,
    number: int | None,
    links: Path | None,
    output: Path | None,
    as_json: bool,
    model: str | None,
    seed: int,
    offline: bool,
    data_dir: Path | None,
    runs_dir: Path,
) -> None:
    """Group the pictures in FOLDER by what is alike, with words for each group.

    The folder's index is made first, or brought up to date (striate index); an index is taken as it is. FOLDER is only
    read.
    """
    from striate.session.search import cluster_html, cluster_text
    from striate.verbs.cluster import cluster

    if output is not None:
        from striate.cli.write_output import check_free
        from striate.render.html.look_page import is_ours

        check_free(output, is_ours, photos)
    with Progress() as progress:
        workspace = Workspace(runs_dir, data_dir, not offline, progress, tell=terminal.tell)
        made = cluster(photos, number, links=links, model=model, seed=seed, workspace=workspace)
    if output is not None:
        from striate.cli.write_output import write_output

        write_output(output, cluster_html(made).encode("utf-8", "surrogateescape"), is_ours)
    if as_json:
        click.echo(json.dumps(made.to_dict(), indent=2))
        return
    for line in cluster_text(made).splitlines():
        click.echo(terminal.line(line))
    if links is not None:
        click.echo(f"links in {terminal.line(str(links))}")
    if output is not None:
        click.echo(f"as a page: {terminal.line(str(output))}")
