"""``striate nets``: the catalogue as a table, paper by paper, or as JSON."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from itertools import groupby

import click

from striate.spec.summary import magnitude
from striate.verbs.nets import Listed, list_nets

_HEAD = ("net", "input", "parameters", "MACs", "field", "published accuracy")
_GAP, _INDENT = "  ", "  "
_FIGURE = len("ImageNet top-1 76.13 %")


@click.command()
@click.argument("words", nargs=-1, metavar="[WORD]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(words: tuple[str, ...], as_json: bool) -> None:
    """List the networks that describe and train know by name; words narrow it (striate nets resnet cifar).

    Parameters and multiply-accumulates are for the input and the classes of the paper; field is the receptive field of
    the last map, in pixels.
    """
    found = list_nets(words)
    if as_json:
        click.echo(json.dumps([net.to_dict() for net in found], indent=2))
    else:
        click.echo("\n".join(table(found, shutil.get_terminal_size((100, 24)).columns)))


def table(found: Sequence[Listed], width: int) -> Iterator[str]:
    """Yield the lines, the nets of one paper under its name.

    What gives way in a narrow terminal, in this order: figures beyond three, the inputs, the end of a text.
    """
    for exact, without in ((True, ()), (False, ()), (False, ("input",))):
        kept = [index for index, name in enumerate(_HEAD) if name not in without]
        head, *rows = ([cells[index] for index in kept] for cells in (_HEAD, *(_cells(net, exact) for net in found)))
        sizes = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        room = width - len(_INDENT) - sum(sizes[:-1]) - len(_GAP) * (len(sizes) - 1)
        if room >= _FIGURE:
            break
    yield _line(head, sizes, room)
    papers = groupby(zip(found, rows, strict=True), key=lambda pair: (pair[0].entry.paper, pair[0].entry.year))
    for (paper, year), group in papers:
        cited = f"{paper}, {year}"
        yield cited if len(cited) <= width else f"{paper[: width - 7].rstrip()}…, {year}"
        for _, row in group:
            yield _line(row, sizes, room)


def _cells(net: Listed, exact: bool) -> tuple[str, ...]:
    parameters = f"{net.parameters:,}" if exact else magnitude(net.parameters)
    field = "" if net.field is None else "all" if net.field.jump == (0, 0) else _sides(net.field.size)
    return net.name, str(net.entry.input), parameters, magnitude(net.macs), field, net.entry.accuracy


def _sides(size: tuple[int, int]) -> str:
    return str(size[0]) if size[0] == size[1] else "x".join(map(str, size))


def _short(accuracy: str) -> str:
    """The figure without the brackets that say whose it is."""
    return accuracy.partition(" (")[0]


def _line(cells: Sequence[str], sizes: Sequence[int], room: int) -> str:
    accuracy = cells[-1] if len(cells[-1]) <= room else _short(cells[-1])
    if len(accuracy) > room:
        accuracy = f"{accuracy[: max(room - 1, 0)]}…"
    words = [cells[0].ljust(sizes[0]), *(cell.rjust(size) for cell, size in zip(cells[1:-1], sizes[1:-1], strict=True))]
    return (_INDENT + _GAP.join([*words, accuracy])).rstrip()
