"""``striate cache``: what is kept of decoded pictures and published weights, and how to empty it."""

from __future__ import annotations

import json
import time

import click

from striate.verbs.cache import cached, clear, clear_weights, derived, weights_dir, weights_files


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Show what is kept of pictures. It can always be cleared: it is made anew when needed.

    Published weights are counted beside it; they make no room for pictures, and stay until clear --weights.
    """
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
    for one in derived():
        click.echo(f"{one.words}: {one.count:,}, {one.bytes / 2**20:,.1f} MiB; striate cache clear removes them too")
    if weights := weights_files():
        size = sum(size for _, size in weights) / 2**20
        click.echo(f"published weights: {size:,.1f} MiB in {weights_dir()}; striate cache clear --weights removes them")


@command.command("clear")
@click.argument("name", required=False)
@click.option("--weights", is_flag=True, help="Remove published weights instead.")
def clear_command(name: str | None, weights: bool) -> None:
    """Remove all that is kept of pictures, or what the source NAME left there; or, if asked, published weights."""
    if weights and name is not None:
        raise click.UsageError("--weights removes all published weights; NAME is a source of pictures")
    click.echo(f"freed {(clear_weights() if weights else clear(name)) / 2**20:,.1f} MiB")
