"""Options of the commands that look inside: which network is asked, and the subject that they say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from striate.cli import shared_options
from striate.errors import DescribeError
from striate.session import terminal
from striate.session.progress import Progress

if TYPE_CHECKING:
    from striate.verbs.probe import Network

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--run", default="last", show_default=True, help="Whose model is asked."),
    click.option("--model", metavar="FILE|NAME", help="A model file, or published weights by name (resnet50)."),
    click.option("--net", metavar="NET", help="A net of the catalogue or the text of one, untrained: see --seed."),
    click.option("--input", metavar="CxHxW", help="With --net: the input it is given; its paper's if not said."),
    click.option("--classes", type=click.IntRange(1), help="With --net: how many classes it has."),
    click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="With --net: of its weights."),
    shared_options.offline,
    shared_options.data_dir,
    shared_options.runs_dir,
)


def options(command: Command) -> Command:
    """Give a command the options that `probe` takes by name."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@contextmanager
def said(
    *,
    run: str,
    model: str | None,
    net: str | None,
    input: str | None,
    classes: int | None,
    seed: int,
    offline: bool,
    data_dir: Path | None,
    runs_dir: Path,
) -> Iterator[Network]:
    """Yield the network that the options name, with a line for what is fetched."""
    from striate.verbs.describe import parse_input
    from striate.verbs.probe import Network
    from striate.verbs.workspace import Workspace

    if net is not None and model is not None:
        raise click.UsageError("--net and --model name two networks; give one")
    if net is None and (input is not None or classes is not None):
        raise click.UsageError("--input and --classes are for --net; a trained network has its own")
    with Progress(unit="bytes") as progress:
        yield Network(
            run=run,
            model=model,
            net=net,
            input=None if input is None else parse_input(input),
            classes=classes,
            seed=seed,
            workspace=Workspace(runs_dir, data_dir, not offline, progress, terminal.tell),
        )


def place(text: str | None) -> tuple[int, int] | None:
    """Return the row and the column that --at names. Errors: DescribeError."""
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d{1,9})\s*,\s*(\d{1,9})\s*", text)
    if not found:
        raise DescribeError(f"--at is {text!r}; give a row and a column from 0 on, such as 7,9")
    return int(found[1]), int(found[2])
