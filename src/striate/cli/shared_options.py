"""Options that several commands share: where runs are, and where data sets by name are."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


class _Given(click.Path):
    """A path that is there to be named: ``""``, as of a variable that is not set, is not the folder one is in."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        if value == "":
            self.fail("an empty path; say . for the folder you are in", param, ctx)
        return super().convert(value, param, ctx)


GIVEN: Final = _Given(path_type=Path)
"""What pictures are read from."""

runs_dir: Callable[[Command], Command] = click.option(
    "--runs-dir",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    envvar="STRIATE_RUNS",
    show_default=True,
    help="The folder of runs.",
)
data_dir: Callable[[Command], Command] = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    envvar="STRIATE_DATA",
    help="Where files of data sets by name (mnist) and of published weights are, if they are here already.",
)
offline: Callable[[Command], Command] = click.option(
    "--offline", is_flag=True, help="Download nothing; STRIATE_OFFLINE=1 says the same for all commands."
)
allow_bad: Callable[[Command], Command] = click.option(
    "--allow-bad", is_flag=True, help="Go on even if more than 1 % of the pictures cannot be read."
)
without_missing: Callable[[Command], Command] = click.option(
    "--without-missing", is_flag=True, help="Go on without those of the run's pictures that are gone."
)
embedding: Callable[[Command], Command] = click.option(
    "--model",
    metavar="RUN|FILE|NAME",
    help="Whose maps are compared: a run, a model file, a name or hf://user/name.  [default: efficientnet_lite0]",
)
