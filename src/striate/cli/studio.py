"""`striate studio`: all of it in a browser, on this machine alone."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from striate.cli import shared_options
from striate.errors import ServeError
from striate.session import terminal
from striate.verbs.workspace import Workspace


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="Where it listens; 0: any that is free.  [default: 8765, else any]"
)
@click.option("--no-browser", is_flag=True, help="Open no browser; print the address alone.")
@shared_options.offline
@shared_options.data_dir
@shared_options.runs_dir
def command(
    folder: Path | None, port: int | None, no_browser: bool, offline: bool, data_dir: Path | None, runs_dir: Path
) -> None:
    """Open a page on this machine that goes from a folder of pictures to an answer.

    FOLDER is the pictures to begin with; another can be chosen there. Nothing but this machine reaches the page, and
    only who has the address with its token. Trainings are processes of their own: they go on when the page or the
    studio is closed, and are found again.
    """
    try:
        from striate.web.studio.studio import studio
    except ModuleNotFoundError as error:
        raise ServeError(
            f"the studio takes {error.name}, which is not installed: pip install 'striate[serve]'"
        ) from None

    def started(address: str) -> None:
        terminal.say("the studio is open; Ctrl-C closes it, and trainings go on")
        terminal.say(f"  {address}")
        if not no_browser:
            webbrowser.open(address)

    workspace = Workspace(runs_dir, data_dir, not offline, tell=terminal.tell)
    studio(folder, workspace, port=port, started=started)
