"""``striate weights import``: somebody else's file to a model file, and what was seen on the way."""

from __future__ import annotations

from pathlib import Path

import click

from striate.errors import ModelError
from striate.verbs.weights_import import Imported, import_weights
from striate.words import counted


@click.command(short_help="Make a model file of somebody else's weights.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--net", "--as", required=True, metavar="NET", help="The net they are for: a name, a text, a file.")
@click.option("--entry", default="", metavar="NAME", help="Which weights of several: ema, the averaged.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="model.safetensors",
    show_default=True,
    help="The model file to write.",
)
@click.option("--classes", metavar="FILE|N", help="Names in the order of the answers: a line each, or JSON.")
@click.option("--mean", metavar="R,G,B", help="Of the pictures they were trained on, per channel, in 0..1.")
@click.option("--std", metavar="R,G,B", help="The standard deviation likewise.")
@click.option("--size", type=click.IntRange(1), help="Of the input, in pixels; the net's own if not given.")
@click.option("--input", metavar="CxHxW", help="What a net in words takes, such as 3x32x32.")
@click.option("--force", is_flag=True, help="Replace the output if it exists.")
def command(
    file: Path,
    net: str,
    output: Path,
    classes: str | None,
    mean: str | None,
    std: str | None,
    size: int | None,
    input: str | None,
    entry: str,
    force: bool,
) -> None:
    """Make a model file of weights that somebody else trained.

    FILE is a pickle of torch's (.pth, .pt, .th, .bin) or safetensors. A pickle can run any program when it is read as
    usual: here a process of its own reads it, which can reach neither files nor the network, and runs nothing of it.
    """
    imported = import_weights(
        file,
        net=net,
        output=output,
        classes=_classes(classes),
        mean=_numbers("--mean", mean),
        std=_numbers("--std", std),
        size=size,
        input=None if input is None else _shape(input),
        entry=entry,
        force=force,
    )
    click.echo(text(imported))


def text(imported: Imported) -> str:
    """Return what was made, as lines for the terminal."""
    source = imported.facts.provenance["imported"]
    first = (
        f"{imported.path}  {imported.net} from {source['file']}: {counted(imported.tensors, 'tensor')}, "
        f"{counted(imported.parameters, 'parameter')}, {counted(len(imported.facts.names), 'class')}"
    )
    lines = [imported.confinement, f"sha256 {source['sha256']}", *imported.notes]
    return "\n".join([first, *(f"  {line}" for line in lines), f"striate predict PICTURE --model {imported.path}"])


def _numbers(option: str, given: str | None) -> tuple[float, ...]:
    try:
        return () if given is None else tuple(float(part) for part in given.split(","))
    except ValueError:
        raise ModelError(
            f"{option} {given}: wanted numbers with commas between them, such as 0.485,0.456,0.406"
        ) from None


def _classes(given: str | None) -> int | Path | None:
    """Return how many classes there are, or the file of their names."""
    if given is None:
        return None
    return int(given) if given.isdecimal() and len(given) < 9 else Path(given)


def _shape(given: str) -> tuple[int, int, int]:
    sides = given.lower().split("x")
    if len(sides) != 3 or not all(side.isdecimal() and 0 < len(side) < 6 and int(side) for side in sides):
        raise ModelError(f"--input {given[:40]}: wanted channels x height x width, such as 3x32x32")
    channels, height, width = map(int, sides)
    return channels, height, width
