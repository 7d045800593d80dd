"""``striate weights import``: somebody else's file to a model file, and what was seen on the way."""

from __future__ import annotations

from pathlib import Path

import click

from striate.errors import ModelError
from striate.files import read_text
from striate.verbs.weights_import import Imported, import_weights
from striate.words import counted

_NAMES_LIMIT = 10_000_000  # bytes of a file with the names of classes


@click.command(short_help="Make a model file of somebody else's weights.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as", "as_", required=True, metavar="NET", help="The net of the catalogue that the weights are for.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="model.safetensors",
    show_default=True,
    help="The model file to write.",
)
@click.option("--classes", metavar="FILE|N", help="A file with a class name a line, in the order of the net's answers.")
@click.option("--mean", metavar="R,G,B", help="Of the pictures they were trained on, per channel, in 0..1.")
@click.option("--std", metavar="R,G,B", help="The standard deviation likewise.")
@click.option("--size", type=click.IntRange(1), help="Of the input, in pixels; the net's own if not given.")
@click.option("--force", is_flag=True, help="Replace the output if it exists.")
def command(
    file: Path,
    as_: str,
    output: Path,
    classes: str | None,
    mean: str | None,
    std: str | None,
    size: int | None,
    force: bool,
) -> None:
    """Make a model file of weights that somebody else trained.

    FILE is a pickle of torch's (.pth, .pt, .th, .bin) or safetensors. A pickle can run any program when it is read as
    usual: here a process of its own reads it, which can reach neither files nor the network, and runs nothing of it.
    """
    imported = import_weights(
        file,
        as_=as_,
        output=output,
        classes=None if classes is None else _classes(classes),
        mean=_numbers("--mean", mean),
        std=_numbers("--std", std),
        size=size,
        force=force,
    )
    click.echo(text(imported))


def text(imported: Imported) -> str:
    """Return what was made, as lines for the terminal."""
    source = imported.facts.provenance["imported"]
    first = (
        f"{imported.path}  {imported.net} from {source['file']}: {counted(imported.tensors, 'tensor')}, "
        f"{counted(imported.parameters, 'parameter')}, {counted(len(imported.facts.classes), 'class')}"
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


def _classes(given: str) -> int | list[str]:
    """Return how many classes there are, or their names from a file."""
    if given.isdecimal() and len(given) < 9:
        return int(given)
    path = Path(given)
    try:
        names = [line.strip() for line in read_text(path, limit=_NAMES_LIMIT).splitlines() if line.strip()]
    except UnicodeDecodeError:
        raise ModelError(f"{path} is not text (UTF-8); it should hold a class name a line") from None
    except OSError as error:
        raise ModelError(
            f"--classes {given} is neither a number nor a file that can be read ({error.strerror or error})"
        ) from None
    if not names:
        raise ModelError(f"{path} holds no names; it should hold a class name a line")
    return names
