"""``striate push``: a run's model and its card to the Hugging Face Hub."""

from __future__ import annotations

import json
from pathlib import Path

import click

from striate.cli import shared_options
from striate.cli.card import license_option
from striate.session import terminal
from striate.verbs.workspace import Workspace


@click.command()
@click.argument("run")
@click.argument("repository", metavar="USER/NAME")
@click.option("--private", is_flag=True, help="A repository that others do not see.")
@license_option
@click.option("--report", is_flag=True, help="Send report.html too, which shows pictures of the data.")
@click.option("--card/--no-card", default=True, help="Write the README.md there, or leave the one there is.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@shared_options.data_dir
@shared_options.runs_dir
def command(
    run: str,
    repository: str,
    private: bool,
    license: str | None,
    report: bool,
    card: bool,
    as_json: bool,
    data_dir: Path | None,
    runs_dir: Path,
) -> None:
    """Send the model of a run to the Hugging Face Hub: model.safetensors, its ONNX files and its card, as one commit.

    The repository is made where there is none. The token is that of HF_TOKEN or of hf auth login; it is never printed.
    Where the pictures lay on this machine is not sent, and none of them, unless --report sends the page that shows
    some. Whoever may read it asks it then with --model hf://USER/NAME.
    """
    from striate.verbs.push import push

    work = Workspace(runs_dir, data_dir, tell=terminal.tell)
    done = push(run, repository, private=private, license=license, report=report, card=card, workspace=work)
    for note in done.notes:
        terminal.tell(f"note: {note}")
    if as_json:
        click.echo(json.dumps(done.to_dict(), indent=2))
        return
    terminal.say(f"sent to {done.page} ({done.commit[:12]})")
    terminal.say(f"  striate predict PICTURE --model hf://{repository}")
