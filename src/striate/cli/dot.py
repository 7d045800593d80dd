"""``striate dot``: one number of a network, term by term, as text, JSON and a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from striate.cli import probe_options as of
from striate.errors import DescribeError
from striate.session import terminal


@click.command()
@click.argument("picture", type=click.Path(path_type=Path))
@click.option("--part", metavar="PATH", help="Whose output: stage1.2.conv1; the first convolution if not said.")
@click.option("--channel", type=int, help="Which channel, from 0; the one with the strongest value if not said.")
@click.option("--at", metavar="ROW,COLUMN", help="Where in its map, from 0; where it is strongest if not said.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Draw a page (.html) there too.")
@of.options
def command(
    picture: Path,
    part: str | None,
    channel: int | None,
    at: str | None,
    as_json: bool,
    output: Path | None,
    **network: Any,
) -> None:
    """Show how one number of a network was made: the values, the weights, their products, the sum.

    And what the norm and the activation behind it make of it. PICTURE is a picture file, or text (.txt) with a line of
    numbers a row, from 0 to 255 or from 0 to 1.
    """
    from striate.cli.write_output import check_free, write_output
    from striate.render.html import dot_page, look_page
    from striate.render.text import dot_text

    place = of.place(at)
    if output is not None:
        if output.suffix.lower() not in (".html", ".htm"):
            raise DescribeError(f"{output} ends in {output.suffix or 'nothing'}: the page is a .html")
        check_free(output, look_page.is_ours)
    from striate.verbs.dot import dot

    with of.said(**network) as named:
        found = dot(picture, part, channel, place, network=named)
    if output is not None:
        answer = dot_page.answer(found, picture.name)
        write_output(
            output,
            look_page.page(answer.question, f"striate dot, {picture.name}", [answer]).encode(),
            look_page.is_ours,
        )
    if as_json:
        click.echo(json.dumps(found.to_dict()))
        return
    click.echo(dot_text.text(found))
    if output is not None:
        click.echo(f"\ndrawn in {terminal.line(str(output))}")
