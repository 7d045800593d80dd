"""``striate evaluate``: a run to figures."""

from __future__ import annotations

import json
from pathlib import Path

import click

from striate.cli import places
from striate.cli.live import Progress
from striate.verbs.evaluate import Evaluation, evaluate
from striate.words import counted


@click.command()
@click.argument("run", default="last")
@click.option(
    "--split",
    "part",
    type=click.Choice(["test", "val", "train"]),
    default="test",
    show_default=True,
    help="Which of the run's own pictures.",
)
@click.option("--data", metavar="SOURCE", help="Other pictures with the same classes, instead of the run's own.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@places.allow_bad
@places.data_dir
@places.runs_dir
def command(
    run: str, part: str, data: str | None, as_json: bool, allow_bad: bool, data_dir: Path | None, runs_dir: Path
) -> None:
    """Show what a run's model is worth: accuracy, per class, calibration, each with its interval.

    RUN is a name or a folder; without one, the last.
    """
    with Progress() as progress:
        evaluation = evaluate(
            run, part=part, data=data, runs_dir=runs_dir, data_dir=data_dir, allow_bad=allow_bad, progress=progress
        )
    click.echo(json.dumps(evaluation.summary(), indent=2) if as_json else text(evaluation))


def text(evaluation: Evaluation) -> str:
    """Return an evaluation as lines for the terminal."""
    lines = [
        f"{evaluation.name} on {counted(len(evaluation.keys), f'{evaluation.part} picture')}",
        evaluation.report.text(),
    ]
    if evaluation.known_kept is not None:
        lines.append(f'answered "none of these": {100 * (1 - evaluation.known_kept):.1f} % of these known pictures')
    return "\n".join(lines)
