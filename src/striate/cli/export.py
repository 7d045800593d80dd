"""``striate export``: a run's model as a file for other programs or as a page, with what was measured before that."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from striate.cli import shared_options
from striate.cli.write_output import check_free
from striate.errors import ExportError
from striate.export.targets import TARGETS
from striate.session import terminal
from striate.session.progress import Progress
from striate.verbs.deploy import Deployed, deploy
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
@click.option("--to", metavar="TARGET", help=f"For programs without Striate, the answer inside: {', '.join(TARGETS)}.")
@click.option("--any-size", is_flag=True, help="With --to: crop and resize inside too, for pictures of any size.")
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
    to: str | None,
    any_size: bool,
    int8: bool,
    boxes: bool,
    page: bool,
    pictures: int,
    as_json: bool,
    runs_dir: Path,
) -> None:
    """Write a model as a file for other programs, once its answers are known to be the same.

    RUN is a name or a folder; without one, the last. With --to it is the whole answer: pixels go in, and what striate
    predict says comes out, calibrated: probabilities, tags, numbers, boxes, masks, counts, and "none of these". It is
    compared with striate predict on 200 pictures of every kind and on some of the run's own, and written where nothing
    differs by more than 1e-4. A .json beside it says what each output is, and keeps the comparison. docs/export.md has
    programs in Python, JavaScript and C++.

    Without --to it is the network alone, which striate predict asks: uint8 pixels (N, H, W, C) in, its output and the
    embedding out. The file is written only if its answers are the model's: the same to rounding, or with --int8 right
    for at most 1 picture in 100 fewer. --boxes is --to onnx of a model that finds boxes, as model.boxes.onnx.

    With --page it is one HTML file, model.html, that needs no connection and no Striate: drop a picture, use the camera
    or draw, watch every layer, point at a pixel of any map and see how it was made. No picture of the run is inside
    unless --pictures says how many.
    """
    if model is not None:
        model = _model(model, output, runs_dir)
    if page:
        if int8 or boxes or to is not None or any_size:
            raise ExportError("--page is a file of its own; leave out --to, --any-size, --int8 and --boxes")
        _write_page(run, model, output, pictures, as_json, runs_dir)
        return
    if pictures:
        raise ExportError("--pictures are put into a page; say --page with it")
    if to is not None or boxes:
        if to is not None and boxes:
            raise ExportError(f"--to {to} has the boxes inside already; leave out --boxes")
        how = partial(deploy, to=to or "onnx", int8=int8, any_size=any_size, boxes=boxes)
        _deploy(run, model, output, how, as_json, runs_dir)
        return
    if any_size:
        raise ExportError("--any-size goes with --to: the network alone takes pictures of one size")
    if output is not None:
        check_free(output, lambda start: b"striate" in start[:64])
    with Progress() as progress:
        work = Workspace(runs_dir, progress=progress)
        done = export(run, model=model, output=output, int8=int8, workspace=work)
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


def _deploy(
    run: str, model: Path | None, output: Path | None, how: Callable[..., Deployed], as_json: bool, runs_dir: Path
) -> None:
    """Write an artefact for other programs and say what was measured."""
    with Progress() as progress:
        work = Workspace(runs_dir, progress=progress)
        done = how(run, model=model, output=output, workspace=work)
    if as_json:
        click.echo(json.dumps(done.to_dict(), indent=2))
        return
    if done.table is None:
        click.echo("its answers are not known: it cannot be asked on this system")
    else:
        click.echo("how far its answers are from those of striate predict, at most:")
        click.echo(str(done.table))
    if done.cost:
        click.echo(done.cost)
    for name, means in done.outputs.items():
        terminal.say(f"  {name}: {means}")
    terminal.say(f"written to {done.path} ({done.bytes / 1e6:.1f} MB), and {done.note.name}, which says all this")


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
