"""``striate filter``: what a filter does to a picture, as a PNG, a page or numbers."""

from __future__ import annotations

import json
from pathlib import Path

import click

from striate.errors import DescribeError
from striate.interpret.arithmetic.filters import FILTERS, Filtered
from striate.session import terminal
from striate.verbs.filter import filter_picture

_NAMES = "; ".join(f"{name} {takes}".rstrip() for name, (_, takes, _) in FILTERS.items())


@click.command(epilog=f"The filters: {_NAMES}.")
@click.argument("words", nargs=-1, required=True, metavar="NAME [NUMBER...] PICTURE")
@click.option("--kernel", metavar="TEXT", help='Your own numbers in place of NAME: "0 1 0; 1 -4 1; 0 1 0".')
@click.option("--stride", type=click.IntRange(1), default=1, show_default=True)
@click.option(
    "--padding",
    "--pad",
    default="0",
    show_default=True,
    help="Zeros around the picture, or same: as many as keep its size.",
)
@click.option(
    "--gray/--colour",
    "gray",
    default=None,
    help="Weigh the colours to one channel first, or take each by itself; each where the result is a picture again.",
)
@click.option("--ascii", "as_ascii", is_flag=True, help="Print a small picture's numbers, and draw nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print every value, and draw nothing.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="PICTURE-NAME.png if not said; .html shows the window walk."
)
def command(
    words: tuple[str, ...],
    kernel: str | None,
    stride: int,
    padding: str,
    gray: bool | None,
    as_ascii: bool,
    as_json: bool,
    output: Path | None,
) -> None:
    """Show what a filter does to a picture: the window's pixels times its numbers, added up, at every place.

    PICTURE is a picture file, or text (.txt) with a line of numbers a row. Nothing is turned round: as in every
    convolutional network, the numbers are laid over the picture as they are written.
    """
    *name, picture = words
    if kernel is not None and name:
        raise click.UsageError(f"give --kernel or a filter's name ({name[0]}), not both")
    if kernel is None and not name:
        raise click.UsageError(f"which filter? striate filter NAME {picture}; the names: {', '.join(FILTERS)}")
    if padding != "same" and not (padding.isdecimal() and len(padding) < 9):
        raise DescribeError(f"--padding is {padding!r}; give a number of pixels, or same")
    if output is not None and (as_ascii or as_json):
        raise click.UsageError("-o draws a file; --ascii and --json print")
    path = Path(picture)
    pixels = padding if padding == "same" else int(padding)
    found = filter_picture(path, name, kernel=kernel, gray=gray, stride=stride, padding=pixels)
    if as_json:
        click.echo(json.dumps(found.to_dict()))
        return
    from striate.render.html import filter_page

    if as_ascii:
        click.echo(_characters(found) + "\n")
    click.echo(filter_page.said(found))
    if not as_ascii:
        target = output or Path(f"{path.stem}-{'-'.join(name) or 'kernel'}.png")
        terminal.say(f"drawn in {_draw(found, path, target)}")


def _characters(found: Filtered) -> str:
    """Return numbers where they fit, shades of characters where they do not."""
    from striate.render.html import filter_page, look_page

    if max(found.picture.shape[:2]) <= filter_page.SMALL and max(found.filter.size) <= 5:
        return filter_page.as_text(found)
    rows = [tile for row in filter_page.answer(found, "the picture").rows for tile in row.tiles]
    return "\n\n".join("\n".join([tile.caption, *look_page.characters(tile.pixels)]) for tile in rows)


def _draw(found: Filtered, picture: Path, path: Path) -> Path:
    """Draw what the file's name ends in, and return where."""
    from dataclasses import replace

    from striate.cli.write_output import check_free, write_output
    from striate.render.html import filter_page, look_page

    check_free(path, look_page.is_ours)
    answer = filter_page.answer(found, picture.name)
    if path.suffix.lower() == ".png":
        write_output(path, look_page.as_png(answer, "striate filter"), look_page.is_ours)
    elif path.suffix.lower() in (".html", ".htm"):
        answer = replace(answer, drawn=(*answer.drawn, filter_page.moving(found)))
        page = look_page.page(answer.question, "striate filter", [answer])
        write_output(path, page.encode(), look_page.is_ours)
    else:
        raise DescribeError(f"{path} ends in {path.suffix or 'nothing'}: a filtered picture is drawn as .png or .html")
    return path
