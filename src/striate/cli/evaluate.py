"""``striate evaluate``: a run to figures."""

from __future__ import annotations

import json
from pathlib import Path

import click

from striate.cli import shared_options
from striate.errors import RunError
from striate.session.evaluation_text import point_lines, slice_lines, text
from striate.session.progress import Progress
from striate.verbs.evaluate import evaluate
from striate.verbs.workspace import Workspace


@click.command()
@click.argument("run", required=False)
@click.option("--run", "named", help="The run, by name or folder: the same as RUN.")
@click.option(
    "--split",
    type=click.Choice(["test", "val", "train", "cross-validated"]),
    help="Which of the run's own pictures.  [default: cross-validated where the run was, else test]",
)
@click.option("--data", metavar="SOURCE", help="Other pictures with the same labels, instead of the run's own.")
@click.option(
    "--label-from", metavar="PATTERN", help="With --data: take labels out of file names, such as '(.+?)_\\d+'."
)
@click.option("--labels", metavar="FORM|PATH", help="With --data: which labels of it: a format, or a file or folder.")
@click.option(
    "--mend", metavar="FILE", help="With --data: decisions about it, or none.  [default: those kept for the folder]"
)
@click.option("--slices", "sliced", is_flag=True, help="Also by label, size and brightness: real, or chance?")
@click.option("--at", type=click.FloatRange(0, 1), metavar="SCORE", help="Also where it answers from a score on alone.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@shared_options.without_missing
@shared_options.allow_bad
@shared_options.data_dir
@shared_options.runs_dir
def command(
    run: str | None,
    named: str | None,
    split: str | None,
    data: str | None,
    label_from: str | None,
    labels: str | None,
    mend: str | None,
    sliced: bool,
    at: float | None,
    as_json: bool,
    without_missing: bool,
    allow_bad: bool,
    data_dir: Path | None,
    runs_dir: Path,
) -> None:
    """Show what a run's model is worth: its figures, each with its interval (of a classifier accuracy, per class,
    calibration).

    RUN is a name or a folder; without one, the last.
    """
    if run is not None and named not in (None, run):
        raise RunError(f"which run, {run} or {named}? Say it once, as RUN or with --run")
    with Progress() as progress:
        evaluation = evaluate(
            run or named or "last",
            split=split,
            data=data,
            label_from=label_from,
            labels=labels,
            mend=mend,
            workspace=Workspace(runs_dir, data_dir, progress=progress),
            allow_bad=allow_bad,
            without_missing=without_missing,
        )
    from striate.verbs.slices import slices

    found = slices(evaluation) if sliced else ()
    cuts = evaluation.found.cuts()
    if at is not None and not cuts:
        raise RunError(f"{evaluation.name} answers without scores; --at has nothing to cut at")
    points = [] if at is None else [cut.at(at) for cut in cuts]
    if not as_json:
        click.echo(text(evaluation))
        for lines in (slice_lines(found, evaluation), point_lines(points)):
            if lines:
                click.echo("\n" + "\n".join(lines))
        return
    told = evaluation.to_dict()
    if sliced:
        told["slices"] = [one.to_dict() for one in found]
    if at is not None:
        told["at"] = [one.to_dict() for one in points]
    click.echo(json.dumps(told, indent=2))
