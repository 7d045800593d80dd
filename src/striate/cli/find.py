"""``striate find``: a picture and a folder to the pictures that are most like it, as lines, JSON or a page."""

from __future__ import annotations

import json
from pathlib import Path

import click

from striate.cli import shared_options
from striate.errors import SearchError
from striate.session import terminal
from striate.session.progress import Progress
from striate.verbs.workspace import Workspace

SEVERAL = ("--like", "--not", "--unlike")


class _Several(click.Command):
    """A command whose ``--like`` and ``--not`` take every word up to the next option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Say the option again before each of its words."""
        said: list[str] = []
        option = ""
        for place, word in enumerate(args):
            if word == "--":
                said += args[place:]
                break
            if word.startswith("-") and word != "-":
                option = word if word in SEVERAL else ""
                if not option:
                    said.append(word)
            else:
                said += [option, word] if option else [word]
        return super().parse_args(ctx, said)


@click.command(cls=_Several)
@click.argument("pictures", nargs=-1, type=shared_options.GIVEN, metavar="[PICTURE]...")
@click.option(
    "--where", "--in", type=shared_options.GIVEN, required=True, help="A folder of pictures, or an index of one."
)
@click.option("--like", multiple=True, type=shared_options.GIVEN, help="More pictures that it shall be like.")
@click.option("--unlike", "--not", multiple=True, type=shared_options.GIVEN, help="Pictures not to be like.")
@click.option("--box", metavar="L,T,R,B", help="The part of PICTURE that is meant: left, top, right, bottom in pixels.")
@click.option("--parts", is_flag=True, help="Look for it in parts of pictures too, and frame where it is.")
@click.option("--exact", is_flag=True, help="Compare all vectors, of a million pictures and more too.")
@click.option("-n", "--number", type=click.IntRange(1), default=12, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--paths", "as_paths", is_flag=True, help="Print the paths alone, a line each.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Show them as a page of HTML.")
@shared_options.embedding
@shared_options.offline
@shared_options.data_dir
@shared_options.runs_dir
def command(
    pictures: tuple[Path, ...],
    where: Path,
    like: tuple[Path, ...],
    unlike: tuple[Path, ...],
    box: str | None,
    parts: bool,
    exact: bool,
    number: int,
    as_json: bool,
    as_paths: bool,
    output: Path | None,
    model: str | None,
    offline: bool,
    data_dir: Path | None,
    runs_dir: Path,
) -> None:
    """Find the pictures of a folder that are most like PICTURE, or like several.

    The folder's index is made first, or brought up to date (striate index); an index is taken as it is. All pictures
    are compared, exactly; of a million and more an approximate index answers where usearch is installed, and says how
    many of the nearest it finds.
    """
    if as_json and as_paths:
        raise click.UsageError("--json or --paths, not both")
    from striate.verbs.find import find

    if output is not None:
        from striate.cli.write_output import check_free
        from striate.render.html.look_page import is_ours

        check_free(output, is_ours, where)
    asked, part = (*pictures, *like), None if box is None else _box(box)
    with Progress() as progress:
        workspace = Workspace(runs_dir, data_dir, not offline, progress, tell=terminal.tell)
        found = find(
            asked,
            where,
            unlike=unlike,
            box=part,
            parts=parts,
            exact=exact,
            number=number,
            model=model,
            workspace=workspace,
        )
    if output is not None:
        from striate.cli.write_output import write_output
        from striate.render.html.find_page import whole_page

        write_output(output, whole_page(asked, unlike, part, found).encode("utf-8", "surrogateescape"), is_ours)
    if as_json:
        click.echo(json.dumps(found.to_dict(), indent=2))
        return
    for hit in found.hits:
        click.echo(terminal.line(str(hit.path) if as_paths else hit.line()))
    if not as_paths and not found.hits:
        click.echo("nothing but what was asked with")
    for line in found.cautions:
        click.echo(terminal.line(f"note: {line}"), err=True)
    if output is not None and not as_paths:
        click.echo(f"\nas a page: {terminal.line(str(output))}")


def _box(text: str) -> tuple[float, float, float, float]:
    """Return a box that was typed. Errors: SearchError."""
    try:
        left, top, right, bottom = (float(edge) for edge in text.split(","))
    except ValueError:
        raise SearchError(
            f"--box {text} is no box; write left,top,right,bottom in pixels, such as 10,20,80,90"
        ) from None
    return left, top, right, bottom
