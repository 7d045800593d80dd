"""``striate recipes``: the recipes with a name, a line each; or the file of one."""

from __future__ import annotations

import click

from striate.verbs.recipes import named, named_all


@click.command()
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """List the recipes that striate train --recipe takes, or print the file of one, with where each figure is from."""
    if name is not None:
        click.echo(named(name).text, nl=False)
        return
    for one in named_all():
        click.echo(f"{one.name:22}{one.summary}")
    click.echo("striate recipes NAME prints one; striate train FOLDER --recipe NAME uses it, and flags win over it")
