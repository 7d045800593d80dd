"""``striate export``: a run's model as an ONNX file or as a page, with what was measured before it was written."""

from __future__ import annotations

import json
from pathlib import Path

import click

from striate.cli import shared_options
from striate.cli.write_output import check_free
from striate.errors import ExportError
from striate.session import terminal
from striate.session.progress import Progress
from striate.verbs.export import export
from striate.verbs.hub import shown
from striate.verbs.predict import find_model
from striate.verbs.workspace import Workspace


@click.command()
@click.argument("run", default="last")
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A model file, a name or hf://user/name, instead of a run.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to; beside the model if not said.")
@click.option("--int8", is_flag=True, help="In int8, calibrated and measured on the run's own pictures.")
@click.option("--boxes", is_flag=True, help="Decoded: boxes, classes, scores, with thresholds and suppression inside.")
@click.option("--page", is_flag=True, help="One HTML file in which the model runs and shows every layer.")
@click.option(
    "--pictures", type=int, default=0, help="Put so many validation pictures into the page; none if not said."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@shared_options.runs_dir
def command(
    run: str,
    model: Path | None,
    output: Path | None,
    int8: bool,
    boxes: bool,
    page: bool,
    pictures: int,
    as_json: bool,
    runs_dir: Path,
) -> None:
    """Write a model as an ONNX file: uint8 pixels (N, H, W, C) in, its output and the embedding out.

    RUN is a name or a folder; without one, the last. The file is written only if its answers are the model's: the
    same to rounding, or with --int8 right for at most 1 picture in 100 fewer. --json says what each output means.

    With --boxes the graph of a model that finds boxes puts out these: calibrated, from their thresholds on, none twice,
    in pixels of the input. It lies beside the model as model.boxes.onnx, for other programs; this one does not use it.

    With --page it is one HTML file, model.html, that needs no connection and no Striate: drop a picture, use the camera
    or draw, watch every layer, point at a pixel of any map and see how it was made. No picture of the run is inside
    unless --pictures says how many.
    """
    if model is not None:
        model = _model(model, output, runs_dir)
    if page:
        if int8 or boxes:
            raise ExportError("--page is a file of its own; leave out --int8 and --boxes")
        _write_page(run, model, output, pictures, as_json, runs_dir)
        return
    if pictures:
        raise ExportError("--pictures are put into a page; say --page with it")
    if output is not None:
        check_free(output, lambda start: b"striate" in start[:64])
    with Progress() as progress:
        work = Workspace(runs_dir, progress=progress)
        done = export(run, model=model, output=output, int8=int8, boxes=boxes, workspace=work)
    if as_json:
        click.echo(json.dumps(done.to_dict(), indent=2))
        return
    click.echo(str(done.measured))
    for name, means in done.outputs.items():
        terminal.say(f"  {name} {means}")
    terminal.say(f"written to {done.path} ({done.path.stat().st_size / 1e6:.1f} MB)")


def _model(model: Path, output: Path | None, runs_dir: Path) -> Path:
    """Return the file of a model, fetched where it is a name; beside that, in the cache, nothing is written."""
    if model.exists():
        return model
    if output is None:
        raise ExportError(f"{shown(model)} is no file here to write beside; say where with -o, such as -o model.onnx")
    with Progress(unit="bytes") as progress:
        return find_model(model=model, workspace=Workspace(runs_dir, progress=progress, tell=terminal.tell))


def _write_page(
    run: str, model: Path | None, output: Path | None, pictures: int, as_json: bool, runs_dir: Path
) -> None:
    """Write the page of a model and say what was measured."""
    from striate.render.html.model_page import is_ours
    from striate.verbs.export_page import export_page

    if output is not None:
        if output.suffix.lower() not in (".html", ".htm"):
            raise ExportError(f"{output} ends in {output.suffix or 'nothing'}: the page is a .html")
        check_free(output, is_ours)
    with Progress() as progress:
        work = Workspace(runs_dir, progress=progress)
        done = export_page(run, model=model, output=output, pictures=pictures, workspace=work)
    if as_json:
        click.echo(json.dumps(done.to_dict(), indent=2))
        return
    click.echo(str(done))
    terminal.say(f"written to {done.path} ({done.path.stat().st_size / 1e6:.1f} MB); open it in a browser")
