"""``striate walk``: how a convolution or a pooling passes over its input, as an animation, a strip or characters."""

from __future__ import annotations

import json
from pathlib import Path

import click

from striate.errors import DescribeError
from striate.interpret.arithmetic.walk import Walk
from striate.session import terminal
from striate.verbs.walk import POOLS, parse_pair, walk_of


@click.command()
@click.option("--input", metavar="HxW", default="5x5", show_default=True, help="Height and width of the map.")
@click.option("--kernel", metavar="K|HxW", default="3", show_default=True, help="The window.")
@click.option("--stride", metavar="S", help="How far it moves: 1 if not said, and of a pooling its kernel.")
@click.option(
    "--padding", "--pad", metavar="P", default="0", show_default=True, help="Rows and columns of zeros, or same."
)
@click.option("--dilation", metavar="D", default="1", show_default=True, help="How far its taps lie apart.")
@click.option("--transposed", is_flag=True, help="The other way: each input spreads over the output.")
@click.option(
    "--output-padding",
    "--outpad",
    metavar="P",
    default="0",
    show_default=True,
    help="With --transposed: rows and columns more.",
)
@click.option("--pool", type=click.Choice(list(POOLS)), help="A pooling in place of a convolution.")
@click.option("--ceil", is_flag=True, help="With --pool: round up, so that a last window hangs over the edge.")
@click.option("--ascii", "as_ascii", is_flag=True, help="Print every step in characters, and draw nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print which pixels each output sees, and draw nothing.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="walk.html if not said; .svg and .png are drawn too."
)
def command(
    input: str,
    kernel: str,
    stride: str | None,
    padding: str,
    dilation: str,
    transposed: bool,
    output_padding: str,
    pool: str | None,
    ceil: bool,
    as_ascii: bool,
    as_json: bool,
    output: Path | None,
) -> None:
    """Show how a convolution or a pooling walks over its input, step by step, with the arithmetic of its output's size.

    After Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep learning", for any numbers.
    """
    if output is not None and (as_ascii or as_json):
        raise click.UsageError("-o draws a file; --ascii and --json print")
    side = parse_pair(input, "--input", least=1)
    found = walk_of(
        side if isinstance(side, tuple) else (side, side),
        parse_pair(kernel, "--kernel", least=1),
        stride=None if stride is None else parse_pair(stride, "--stride", least=1),
        padding="same" if padding == "same" else parse_pair(padding, "--padding"),
        dilation=parse_pair(dilation, "--dilation", least=1),
        transposed=transposed,
        output_padding=parse_pair(output_padding, "--output-padding"),
        pool=pool,
        ceil=ceil,
    )
    if as_json:
        click.echo(json.dumps(found.to_dict(), indent=2))
        return
    from striate.render.html.walk_page import formulas, said

    if as_ascii:
        from striate.render.text.walk_text import frames

        click.echo("\n\n".join(frames(found)) + "\n")
    click.echo("\n".join([said(found), *formulas(found)]))
    if found.refused:
        click.echo(f"as a net it is refused: {found.refused}")
    if not as_ascii:
        terminal.say(f"drawn in {_draw(found, output or Path('walk.html'))}")


def _draw(found: Walk, path: Path) -> Path:
    """Draw a walk as what the file's name ends in, and return where."""
    from striate.cli.write_output import check_free, write_output
    from striate.render.html import look_page, walk_page
    from striate.render.png import walk_png
    from striate.render.svg import walk_svg

    ends = path.suffix.lower()
    if ends == ".svg":
        check_free(path, walk_svg.is_ours)
        alone = walk_svg.svg(found, alt=walk_page.said(found), seconds=0.6, alone=True)
        write_output(path, alone.encode(), walk_svg.is_ours)
    elif ends == ".png":
        check_free(path, walk_png.is_ours)
        write_output(path, walk_png.strip(found, [walk_page.said(found), *walk_page.formulas(found)]), walk_png.is_ours)
    elif ends in (".html", ".htm"):
        check_free(path, look_page.is_ours)
        answer = walk_page.answer(found)
        page = look_page.page(answer.question, "striate walk", [answer])
        write_output(path, page.encode(), look_page.is_ours)
    else:
        raise DescribeError(f"{path} ends in {ends or 'nothing'}: a walk is drawn as .html, .svg or .png")
    return path
