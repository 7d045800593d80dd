"""``striate card``: a run's model card, as Markdown with the header that the Hugging Face Hub reads."""

from __future__ import annotations

import json
from pathlib import Path

import click

from striate.cli import shared_options
from striate.cli.write_output import check_free, write_output
from striate.session import terminal
from striate.verbs.workspace import Workspace

license_option = click.option(
    "--license", metavar="NAME", help="As the Hub spells it: apache-2.0, cc-by-4.0, other. None is said if not given."
)


@click.command()
@click.argument("run", default="last")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Where to, such as README.md; printed if not said."
)
@license_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON: the header, and the text.")
@shared_options.data_dir
@shared_options.runs_dir
def command(
    run: str, output: Path | None, license: str | None, as_json: bool, data_dir: Path | None, runs_dir: Path
) -> None:
    """Write the model card of a run: what it was trained on, how good it is, where it fails, how to use and repeat it.

    RUN is a name or a folder; without one, the last. Every figure is one that was measured, with its interval; what
    nobody measured or said is not there. No picture is named, and nothing says where on this machine they are.
    striate push puts the card beside the model on the Hub.
    """
    from striate.render.markdown.card import is_ours
    from striate.verbs.card import model_card

    if output is not None:
        check_free(output, is_ours)
    card = model_card(run, license=license, workspace=Workspace(runs_dir, data_dir, tell=terminal.tell))
    if as_json:
        click.echo(json.dumps(card.to_dict(), indent=2, ensure_ascii=False))
    elif output is None:
        click.echo(str(card), nl=False)
    else:
        write_output(output, str(card).encode(), is_ours)
        terminal.say(f"written to {output}")
