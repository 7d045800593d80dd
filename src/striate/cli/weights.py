"""``striate weights``: weights that were trained elsewhere. Each of its commands has a file of its own."""

from __future__ import annotations

import click

from striate.cli import weights_fetch, weights_import, weights_list


@click.group()
def command() -> None:
    """Weights that were trained elsewhere, as model files of ours."""


command.add_command(weights_list.command, "list")
command.add_command(weights_fetch.command, "fetch")
command.add_command(weights_import.command, "import")
