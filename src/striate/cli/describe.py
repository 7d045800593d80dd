"""``striate describe``: a net and an input to a table, JSON, or the reason why it cannot be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Literal

import click

from striate.errors import DescribeError
from striate.session import terminal
from striate.spec.survey import Survey
from striate.verbs.describe import describe, parse_input


@click.command()
@click.argument("net")
@click.option("--input", metavar="CxHxW", help="Channels x height x width, such as 3x224x224.")
@click.option("--classes", type=click.IntRange(1), help="What a dense layer without a number becomes.")
@click.option(
    "--fit",
    type=click.Choice(["exact", "floor"]),
    help="exact refuses a net that never sees part of its picture; floor accepts it, as published nets are taken.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--diagram", "drawn", is_flag=True, help="Draw the block structure as SVG instead of the table.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Where --diagram draws; NET.svg here if not said."
)
def command(
    net: str,
    input: str | None,
    classes: int | None,
    fit: Literal["exact", "floor"] | None,
    as_json: bool,
    drawn: bool,
    output: Path | None,
) -> None:
    """Show what every part of a network does to its input.

    NET is a published network (lenet5), the text of one ("conv 6 5x5 >> relu >> maxpool 2"), or a file with such text.
    """
    if output is not None and not drawn:
        raise click.UsageError("-o is for --diagram")
    if drawn and as_json:
        raise click.UsageError("--diagram draws and --json prints; ask for one of them")
    try:
        survey = describe(net, None if input is None else parse_input(input), classes=classes, fit=fit)
    except DescribeError as error:
        partial = getattr(error, "survey", None)
        if partial is not None and partial.rows and not as_json:
            click.echo(partial.table(width=_columns()))
        raise
    if drawn:
        terminal.say(f"drawn in {_draw(net, survey, output)}")
        return
    click.echo(json.dumps(survey.to_dict(), indent=2) if as_json else survey.table(width=_columns()))


def _draw(name: str, survey: Survey, output: Path | None) -> Path:
    """Draw a net, and return where."""
    from striate.cli.write_output import check_free, write_output
    from striate.render.svg.diagram import diagram, is_ours

    path = Path(name)
    title = path.stem if path.is_file() else name if name.replace("_", "").replace("-", "").isalnum() else "net"
    target = check_free(output or Path(f"{title}.svg"), is_ours)
    write_output(target, diagram(survey.net, survey.input, title=title).encode(), is_ours)
    return target


def _columns() -> int:
    """Return the width of the terminal, or one that suits a file."""
    return shutil.get_terminal_size((100, 24)).columns
