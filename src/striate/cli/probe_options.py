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
    from striate.verbs.asked_places import Asked
    from striate.verbs.probe import Network

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--run", default="last", show_default=True, help="Whose model is asked."),
    click.option(
        "--model", metavar="FILE|NAME|hf://", help="A model file, published weights by name, or hf://user/name."
    ),
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


def asked(*, pixel: str | None, box: str | None, missed: str | None, **others: Any) -> Asked:
    """Return what the options ask of an answer. Errors: DescribeError for a place that does not read."""
    from striate.verbs.asked_places import Asked

    where = numbers(missed, "--missed", (1, 2, 4))
    object_ = where if where is None or len(where) > 1 else int(where[0])
    places = {"pixel": numbers(pixel, "--pixel", (2,)), "box": numbers(box, "--box", (4,)), "missed": object_}
    return Asked(**places, **others)  # type: ignore[arg-type]


def numbers(text: str | None, option: str, many: tuple[int, ...]) -> tuple[float, ...] | None:
    """Return the numbers that an option names, apart by commas, so ``many`` of them. Errors: DescribeError."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if len(parts) not in many or not all(re.fullmatch(r"\d{1,9}(\.\d{1,9})?", part) for part in parts):
        forms = {1: "a number such as 2", 2: "x,y such as 120,80", 4: "left,top,right,bottom such as 10,20,60,90"}
        raise DescribeError(f"{option} is {text!r}; give {', or '.join(forms[one] for one in many)}")
    if len(parts) == 1 and "." in parts[0]:
        raise DescribeError(f"{option} is {text!r}; give a whole number, or a place")
    return tuple(float(part) for part in parts)
