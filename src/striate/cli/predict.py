"""``striate predict``: pictures to answers, a line or a JSON object each."""

from __future__ import annotations

import json
import math
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from striate.cli import predict_files, shared_options
from striate.errors import PictureError
from striate.session import terminal
from striate.session.progress import Progress
from striate.verbs.predict import cautions_of, open_predictor, pictures, predict
from striate.verbs.workspace import Workspace

if TYPE_CHECKING:
    from striate.tasks.prediction import Prediction

STDOUT = Path("-")


@click.command()
@click.argument("paths", nargs=-1, type=shared_options.GIVEN, metavar="PICTURE...")
@click.option("--run", default="last", show_default=True, help="Whose model answers.")
@click.option("--model", metavar="FILE|NAME|hf://", help="A model file, published weights by name, or hf://user/name.")
@click.option("--url", metavar="URL", help="Ask a server (striate serve) in place of a model here.")
@click.option("--top", type=click.IntRange(1), help="How many of the likeliest to name.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list, one object a picture.")
@click.option(
    "--csv",
    "table",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the answers as a table, a row a picture, or a box; - prints it.",
)
@click.option("--unknown/--no-unknown", default=True, help='Whether to answer "none of these".  [default: yes]')
@click.option("--int8", is_flag=True, help="Answer in int8, quicker; the first time measures what that costs.")
@click.option(
    "--map",
    "mapped",
    is_flag=False,
    flag_value="",
    metavar="[CLASS]",
    help="Slide over one larger picture and draw where CLASS is (without a name: the likeliest).",
)
@click.option(
    "--tile",
    is_flag=False,
    flag_value="auto",
    metavar="[SIZE]",
    help="Look at larger pictures tile by tile, each SIZE of their pixels long; auto: at the scale it learnt at.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Draw the answer on its picture: a PNG; of several pictures a folder. Where --map draws.",
)
@predict_files.options
@click.option("--precision", type=float, metavar="SHARE", help="Say boxes so that this share of them is right: 0.95.")
@click.option("--recall", type=float, metavar="SHARE", help="Say so many that this share of the objects is found: 0.9.")
@click.option(
    "--pixel",
    metavar="LENGTH",
    help="How long a pixel of the pictures is, with its unit (0.5mm): areas of masks are then said in its square.",
)
@click.option(
    "--scale",
    type=click.FloatRange(0, 100, min_open=True),
    default=1.0,
    show_default=True,
    help="With --map: 2 looks twice as close as training did.",
)
@shared_options.offline
@shared_options.data_dir
@shared_options.runs_dir
def command(
    paths: tuple[Path, ...],
    run: str,
    model: str | None,
    url: str | None,
    top: int | None,
    as_json: bool,
    table: Path | None,
    unknown: bool,
    int8: bool,
    mapped: str | None,
    tile: str | None,
    output: Path | None,
    coco: Path | None,
    yolo: Path | None,
    voc: Path | None,
    masks: Path | None,
    precision: float | None,
    recall: float | None,
    pixel: str | None,
    scale: float,
    offline: bool,
    data_dir: Path | None,
    runs_dir: Path,
) -> None:
    """Ask a trained network about pictures: files, or folders of them.

    Published weights that are not here yet are downloaded into the cache, once.

    Boxes, masks and counts in pictures much larger than those it learnt from: --tile looks at them part by part, as
    closely as it looked at those, and makes one answer of it. The parts overlap; nothing is counted twice.

    With --url a server answers, asked again while it is busy; --model is then the name of a model that it serves, and
    STRIATE_TOKEN its token.

    A picture that cannot be read is named with its reason and the others are answered; the exit code is then 2.

    Answers that have places are drawn on the picture with -o, and written as labels with --coco, --yolo, --voc and
    --masks, which other tools read and `striate train` learns from; --top writes the surest ones, said or not.

    The columns of --csv are what the model's task has to say. Of a classifier: picture, best (empty for "none of
    these"), unknown, strangeness, threshold, error (of a picture that cannot be read), and "probability of CLASS" for
    each class. With more than 50 classes, or with --top, the likeliest (5, or as many as --top says) stand in "class
    1", "probability 1" and so on. So that no spreadsheet takes a name that begins with = + - or @ for a formula, such a
    path is written with ./ before it, and such a class with an apostrophe.
    """
    if not paths and mapped and Path(mapped).is_file():  # --map wide.jpg: the word behind it is no class
        paths, mapped = (Path(mapped),), ""
    if not paths and tile and Path(tile).exists():  # --tile slide.jpg: the word behind it is no size
        paths, tile = (Path(tile),), "auto"
    if not paths:
        raise click.UsageError("which picture? say striate predict PICTURE")
    found = pictures(paths)
    files = found.files
    if url is not None:
        _elsewhere(url, (table, mapped, tile, output, coco, yolo, voc, masks, precision, recall, pixel), int8=int8)
        from striate.cli import predict_url

        if predict_url.show(url, files, model=model, top=top, unknown=unknown, as_json=as_json):
            sys.exit(2)
        return
    asked = predict_files.Asked(paths, files, output, {"coco": coco, "yolo": yolo, "voc": voc}, masks)
    aims = {name: share for name, share in (("precision", precision), ("recall", recall)) if share is not None}
    if mapped is None and scale != 1.0:
        raise click.UsageError("--scale is for --map")
    if mapped is not None and (asked.labels or aims or tile is not None):
        raise click.UsageError("--map is an answer of its own; leave out what is to be written or reached beside it")
    if table is not None and (as_json or mapped is not None):
        raise click.UsageError(f"--csv and {'--json' if as_json else '--map'} are two answers; leave out one")
    if table is not None:
        from striate.cli import predict_csv

        predict_csv.check(table, *paths)
    if pixel is not None:
        _length(pixel)  # what is no length is said before a model is opened
    if mapped is None:
        asked.check()
    with Progress(unit="bytes") as progress:
        predictor = open_predictor(
            run=run,
            model=model,
            workspace=Workspace(runs_dir, data_dir, not offline, progress, terminal.tell),
            int8=int8,
        )
    if mapped is not None:
        from striate.cli.score_map import show

        show(predictor, files, name=mapped or None, output=output, scale=scale, as_json=as_json)
        return
    dark: list[str] = []  # the first names; of more the number is enough
    darkest = Counter[int]()

    def black(name: str, used: int) -> None:
        darkest[used] += 1
        if len(dark) < 3:
            dark.append(name)

    larger: list[tuple[float, str]] = []

    def wide(name: str, times: float) -> None:
        larger.append((times, name))

    tiles = Progress()

    def tiled(what: str, done: int, total: int) -> None:
        tiles(what, done, total)
        if done == total:  # the answer is printed where the bar was
            tiles.close()

    cautions = cautions_of(predictor, unknown=unknown, aims=aims)
    answers: Iterator[tuple[Path, Prediction | PictureError]]
    answers = predict(predictor, files, unknown=unknown, black=black, large=wide, aims=aims, tile=tile, progress=tiled)
    if pixel is not None:
        answers = _at_scale(answers, *_length(pixel))
    written: list[str] = []
    answers = iter(asked.writing(answers, predictor.labels.names, top=top, tell=written.append))
    bad, separator = 0, "["

    def unread(reason: str) -> None:
        nonlocal bad
        bad += 1
        terminal.tell(f"striate: {reason}")

    if table is not None:
        number = predict_csv.write(table, answers, predictor.task, predictor.labels, top=top, bad=unread)
        if table != predict_csv.STDOUT:
            terminal.say(predict_csv.said(table, number))
        answers = iter(())
    for path, answer in answers:
        if isinstance(answer, PictureError):
            unread(str(answer))
        if as_json:
            click.echo(separator + "\n  " + json.dumps(_row(path, answer, top)), nl=False)
            separator = ","
        elif not isinstance(answer, PictureError):
            text = answer.text(top)
            terminal.say(text if len(files) == 1 else f"{path}  {text}")
    if as_json:
        click.echo("\n]")
    for line in written:
        (terminal.tell if as_json or table == STDOUT else terminal.say)(line)
    if dark:
        from striate.data.pictures.depth import black_note

        terminal.tell(black_note(dark, darkest.total(), max(darkest), predictor.preprocess.bits))
    if larger:
        terminal.tell(_larger(larger))
    for caution in cautions:
        terminal.tell(f"note: {caution}")
    if found.passed_over:
        click.echo(_passed_over(found.passed_over), err=True)
    if bad:
        sys.exit(2)


def _elsewhere(url: str, others: Sequence[object], *, int8: bool) -> None:
    """Refuse what a server is not asked for. Errors: UsageError."""
    if int8 or any(one is not None for one in others):
        raise click.UsageError(
            f"--url {url} answers with --top, --json, --no-unknown and --model alone; leave out the rest"
        )


def _larger(pictures: list[tuple[float, str]]) -> str:
    """Return that pictures are much larger than those learnt from, and what to do."""
    times, name = max(pictures)
    if len(pictures) == 1:
        said = f"{name} is {times:.2g} times as large as the pictures it learnt from"
    else:
        said = f"{len(pictures):,} pictures are up to {times:.2g} times as large as those it learnt from ({name})"
    return (
        f"note: {said}; --tile looks at it at their scale"
        if len(pictures) == 1
        else (f"note: {said}; --tile looks at them at their scale")
    )


def _length(text: str) -> tuple[float, str]:
    """Return a length with its unit: ``0.5 mm``. Errors: UsageError."""
    found = re.fullmatch(r"\s*(\d+\.?\d*(?:[eE]-?\d+)?|\.\d+)\s*([^\W\d]{1,12})\s*", text)
    if found is None or not 0 < float(found[1]) < math.inf:
        raise click.UsageError(f"--pixel {text}: it is a length with its unit, such as 0.5mm or 65nm")
    return float(found[1]), found[2]


def _at_scale(
    answers: Iterator[tuple[Path, Prediction | PictureError]], side: float, unit: str
) -> Iterator[tuple[Path, Prediction | PictureError]]:
    """Yield answers with their areas in units. Errors: StriateError for answers without areas."""
    for path, answer in answers:
        yield path, answer if isinstance(answer, PictureError) else answer.at_scale(side, unit)


def _passed_over(files: Sequence[Path]) -> str:
    """Return how many files of the folders were no pictures, with the first few."""
    what = "file that is no picture" if len(files) == 1 else "files that are no pictures"
    names = ", ".join(file.name for file in files[:3]) + (", ..." if len(files) > 3 else "")
    return f"passed over {len(files):,} {what}: {names}"


def _row(path: Path, answer: Prediction | PictureError, top: int | None) -> dict[str, Any]:
    """Return one picture's answer as JSON."""
    if isinstance(answer, PictureError):
        return {"picture": str(path), "error": str(answer)}
    return {"picture": str(path), **answer.to_dict(top)}
