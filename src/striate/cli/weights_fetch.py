"""``striate weights fetch``: published weights into the cache, ready to be used by name."""

from __future__ import annotations

from pathlib import Path

import click

from striate.cli import shared_options
from striate.session import terminal
from striate.session.progress import Progress
from striate.verbs.hub import fetch_hub, hub_address, is_hub
from striate.verbs.weights import fetch_weights
from striate.verbs.workspace import Workspace


@click.command(short_help="Get published weights, or a model on the Hub, into the cache.")
@click.argument("names", nargs=-1, required=True, metavar="NAME|hf://USER/NAME...")
@shared_options.offline
@shared_options.data_dir
def command(names: tuple[str, ...], offline: bool, data_dir: Path | None) -> None:
    """Fetch published weights into the cache and make model files of them; or models on the Hugging Face Hub.

    What broke off is resumed, what is here already is checked. A SHA-256 that is known has to be the file's; where
    only the server says it, that is held against the bytes, and kept: the file has to be the same the next time.
    """
    for name in names:
        with Progress(unit="bytes") as progress:
            workspace = Workspace(data_dir=data_dir, download=not offline, progress=progress, tell=terminal.tell)
            if is_hub(name):
                known, path = str(hub_address(name)), fetch_hub(name, workspace)
            else:
                known, path = _published(name, workspace)
        terminal.say(f"{known}  {path}  {path.stat().st_size / 2**20:,.1f} MiB")


def _published(name: str, workspace: Workspace) -> tuple[str, Path]:
    """Return the name and the model file of published weights, with a line for what was done."""
    ready = fetch_weights(name, workspace, again=True)
    for note in ready.notes:
        terminal.tell(note)
    assert ready.path is not None
    return ready.name, ready.path
