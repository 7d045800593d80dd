"""``striate cache``: what is kept of decoded pictures, and how to empty it."""

from __future__ import annotations

import json
import time

import click

from striate.verbs.cache import cached, clear


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Show what the store of decoded pictures holds. It can always be cleared: it is made anew when needed."""
    if context.invoked_subcommand is not None:
        return
    kept = cached()
    if as_json:
        click.echo(json.dumps([entry.to_dict() for entry in kept], indent=2))
        return
    for entry in kept:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.last_used))
        click.echo(f"{entry.name:24}  {entry.pictures:>9,} pictures  {entry.bytes / 2**20:>9,.1f} MiB  used {used}")
    total = sum(entry.bytes for entry in kept)
    click.echo(f"{len(kept)} stores, {total / 2**20:,.1f} MiB; striate cache clear removes them")


@command.command("clear")
@click.argument("name", required=False)
def clear_command(name: str | None) -> None:
    """Remove everything that is kept, or what the source NAME left there."""
    click.echo(f"freed {clear(name) / 2**20:,.1f} MiB")
