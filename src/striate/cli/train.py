"""``striate train``: flags and a file to a Recipe, events to lines. Ctrl-C stops between two steps."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from striate import recipe as recipes
from striate.cli import shared_options
from striate.errors import RecipeError, StriateError
from striate.recipe import Recipe
from striate.session import terminal
from striate.session.progress import Line, Progress, clock
from striate.session.train_text import plan_text, result_text
from striate.session.watch import watched
from striate.settings import Strength
from striate.tasks.table import TASKS
from striate.verbs.events import FoldDone, Folding
from striate.verbs.train import Event, Finished, Finishing, Planned, resuming, training
from striate.verbs.workspace import Workspace
from striate.words import counted

if TYPE_CHECKING:
    from striate.cli.tensorboard import Board
    from striate.cli.train_json import JsonLines
    from striate.runs.run import RunDirectory


MOST_THREADS = 1024  # more than any machine has cores for one training; torch itself takes whatever it is given


@click.command()
@click.argument("source", required=False)
@click.option("--task", metavar="NAME", help=f"What is learnt: {TASKS.learnt()}.  [default: by the labels]")
@click.option("--loss", metavar="LOSS", help="Of numbers: smooth-l1, squared, quantile; of tags: asymmetric.")
@click.option(
    "--circular", metavar="PERIOD", help="Numbers that go round: 360 for degrees; of several 'angle=360 hour=24'."
)
@click.option("--label-from", metavar="PATTERN", help="Labels out of file names, such as '(.+?)_\\d+'.")
@click.option(
    "--labels", metavar="FORM|PATH", help="Which labels, where there are several: a format, or a file or folder."
)
@click.option(
    "--group",
    metavar="PATTERN|FILE",
    help="What stays on one side of every split: a pattern in paths, '(patient\\d+)'; parent; a list of path,group.",
)
@click.option(
    "--mend", metavar="FILE", help="Decisions about pictures, labels.toml; none.  [default: those kept for the folder]"
)
@click.option("--net", help="A published network, the text of a net, or a file with such text.")
@click.option(
    "--first", metavar="FILTER", help="A filter by name as the first layer, not trained: sobel, 'gabor 9 45'."
)
@click.option(
    "--start", "--from", metavar="WEIGHTS", help="Start from a run, a model file, published weights by name, or none."
)
@click.option("--tune", type=click.Choice(["head", "all"]), help="What is trained of them: the new head, or all.")
@click.option("--epochs", type=click.IntRange(1), help="How often every picture is seen.")
@click.option("--seed", type=click.IntRange(0), help="The one seed of everything random.  [default: 0]")
@click.option("--size", metavar="N or HxW", help="Pixels; the pictures' own size when small, else 128.")
@click.option(
    "--bits",
    type=click.IntRange(8, 16),
    help="How many of 16 bits gray pictures use whose files do not say.  [default: 16]",
)
@click.option(
    "--fit",
    type=click.Choice(["exact", "floor"]),
    help="floor accepts a net that never sees part of its picture, as published nets are taken; exact refuses it.",
)
@click.option("--batch", type=click.IntRange(1), help="Pictures a step.")
@click.option("--optimiser", "--optimizer", "optimiser", type=click.Choice(["sgd", "muon", "rmsprop", "adam", "adamw"]))
@click.option("--learning-rate", "--lr", type=float, help="Peak learning rate.")
@click.option("--schedule", type=click.Choice(["constant", "step", "exponential", "cosine", "one-cycle"]))
@click.option("--augment", type=click.Choice(get_args(Strength)))
@click.option(
    "--class-weights",
    type=click.Choice(["none", "balanced"]),
    help="balanced: every class counts the same, however few pictures it has.",
)
@click.option("--flip/--no-flip", default=None, help="Whether a mirrored picture is as good. Off for gray ones.")
@click.option(
    "--folds",
    metavar="K",
    help="Cross-validate in K folds, so that every picture is measured; none: one fixed split.  [default: by itself]",
)
@click.option(
    "--strangers/--no-strangers",
    default=None,
    help="Train again without some of the classes, to measure how well a net trained whole tells strangers.",
)
@click.option(
    "--patience",
    type=click.IntRange(1),
    help="Stop after so many epochs without a better one, by the validation loss (boxes: by AP).",
)
@click.option("--device", help="auto, cpu, cuda, cuda:1 or mps.")
@click.option(
    "--threads",
    type=click.IntRange(1, MOST_THREADS),
    help="CPU threads.  [default: the quicker of one and all cores, measured]",
)
@click.option("--recipe", "named", metavar="NAME", help="One of striate recipes, or a recipe.toml; flags win over it.")
@click.option("--set", "settings", multiple=True, metavar="FIELD=VALUE", help="Any other field of the recipe.")
@click.option("--name", help="The run's name, before its number.  [default: the source's]")
@click.option("--log", type=click.Choice(["tensorboard"]), help="Also write TensorBoard events into the run.")
@click.option("--resume", is_flag=False, flag_value="last", metavar="[RUN]", help="Go on with a run; the last one.")
@click.option("--offline", is_flag=True, help="Never download.")
@click.option("--dry-run", is_flag=True, help="Say what would be trained and how long it takes; train nothing.")
@click.option(
    "--inputs", type=click.Path(path_type=Path), metavar="FILE", help="With --dry-run: what the net is given, as a PNG."
)
@click.option("--quiet", is_flag=True, help="Print the result alone.")
@click.option("--json", "as_json", is_flag=True, help="Print what happens as JSON, an object a line.")
@shared_options.without_missing
@shared_options.allow_bad
@shared_options.data_dir
@shared_options.runs_dir
def command(
    source: str | None,
    resume: str | None,
    named: str | None,
    settings: tuple[str, ...],
    size: str | None,
    name: str | None,
    log: str | None,
    offline: bool,
    quiet: bool,
    as_json: bool,
    dry_run: bool,
    inputs: Path | None,
    without_missing: bool,
    allow_bad: bool,
    data_dir: Path | None,
    runs_dir: Path,
    **flags: Any,
) -> None:
    """Train a network on pictures.

    SOURCE is a folder of class folders (with or without train/ val/ test/), a list of files with labels, MNIST or
    CIFAR files, an .npz, or a name: digits, mnist, fashion-mnist, cifar10.
    """
    said = {field: value for field, value in flags.items() if value is not None}
    if (folds := said.get("folds")) is not None:
        said["folds"] = int(folds) if folds.isdecimal() and len(folds) < 10 else folds
    if inputs is not None and not dry_run:
        raise RecipeError("--inputs draws what a net is given before it is trained: it goes with --dry-run")
    if log == "tensorboard" and find_spec("tensorboard") is None:
        raise RecipeError("--log tensorboard needs: pip install 'striate[tensorboard]'")
    with Progress() as progress, _lines(as_json) as lines:
        heard = (progress, terminal.tell) if lines is None else (lines.progress, lines.tell)
        workspace = Workspace(runs_dir, data_dir, not offline, *heard)
        if resume is not None:
            others = {"source": source, "name": name, "size": size, "recipe": named, "set": settings}
            extra = sorted({*said, *(word for word, value in others.items() if value)} - {"epochs", "threads"})
            extra = [word if word == "source" else f"--{word.replace('_', '-')}" for word in extra]
            if extra:
                raise RecipeError(
                    "--resume goes on with a run as it was begun; only --epochs, --threads and --without-missing can be"
                    f" said with it, not {', '.join(extra)}"
                )
            events = resuming(
                resume,
                epochs=said.get("epochs"),
                threads=said.get("threads"),
                without_missing=without_missing,
                workspace=workspace,
            )
        else:
            if without_missing:
                raise RecipeError("--without-missing is about the pictures of a run: it goes with --resume")
            recipe = _recipe(source, named, settings, size, said)
            if dry_run:
                from striate.cli.train_dry import foreseen

                foreseen(recipe, workspace, inputs, allow_bad=allow_bad, as_json=as_json)
                return
            events = training(
                recipe,
                workspace,
                name=name,
                allow_bad=allow_bad,
            )
        if lines is not None:
            watched(events, lines)
        else:
            _show(events, Line(quiet=quiet), progress, log)


@contextmanager
def _lines(as_json: bool) -> Iterator[JsonLines | None]:
    """Yield what says all that happens as JSON, where that was asked for: the last line says how it ended."""
    if not as_json:
        yield None
        return
    from striate.cli.train_json import JsonLines

    lines = JsonLines()
    try:
        yield lines
    except StriateError as error:
        lines.say("failed", error=str(error))
        raise
    except KeyboardInterrupt as stop:
        lines.say("stopped", go_on=str(stop).partition("go on with: ")[2])
        raise


def _recipe(
    source: str | None, named: str | None, settings: tuple[str, ...], size: str | None, said: dict[str, Any]
) -> Recipe:
    """Return the recipe a person described: the one named, then --set, then the flags."""
    start = recipes.find(named) if named is not None else Recipe()
    changes: dict[str, object] = {}
    for setting in settings:
        field, sign, value = setting.partition("=")
        if not sign:
            raise RecipeError(f"--set {setting!r} is not FIELD=VALUE, such as --set weight_decay=0.01")
        changes[field.strip()] = _value(value.strip())
    if size is not None:
        numbers = size.lower().split("x")
        if len(numbers) not in (1, 2) or not all(number.isdecimal() and len(number) < 9 for number in numbers):
            raise RecipeError(f"--size {size!r} is not a number of pixels or HEIGHTxWIDTH, such as 96 or 96x128")
        changes["size"] = (int(numbers[0]), int(numbers[-1]))
    if source is not None:
        changes["source"] = source
    recipe = start.changed(**{**changes, **said})
    if not recipe.source:
        raise RecipeError("which pictures? say striate train FOLDER, or try striate train digits")
    return recipe


def _value(text: str) -> object:
    """Read a value the way a recipe file would; a bare word is text."""
    import tomllib

    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    except (ValueError, RecursionError):  # a number of thousands of digits, lists within lists within lists
        raise RecipeError(f"--set {text[:40]}… is longer or deeper than any value of a recipe") from None


class _Viewer:
    """A training as lines: one that moves on a terminal, one an epoch that stays."""

    def __init__(self, line: Line, progress: Progress, log: str | None) -> None:
        self._line, self._progress, self._log = line, progress, log
        self._epochs = 0
        self.board: Board | None = None

    def show(self, event: Event) -> None:
        """Print one event; torch is there once it trains."""
        if isinstance(event, Planned):
            self._progress.close()
            self._epochs = event.prepared.config.epochs
            self._line.shows(event.prepared.task, event.prepared.facts)
            self._line.say(plan_text(event))
            if self._log == "tensorboard":
                self.board = _board(event.run.path / "tensorboard")
        elif isinstance(event, Finished):
            self._line.end()
            click.echo(result_text(event))
        elif not isinstance(event, Finishing):
            _tell(event, self._line, self._epochs, self.board)

    def clear(self) -> None:
        """Remove the moving line."""
        self._line.clear()

    def go_on(self, run: RunDirectory) -> str:
        """Return what a person types to name a run: its name, or the path where it is not among the usual runs."""
        named = run.name if run.path.parent == Path("runs") else shlex.quote(str(run.path))
        return f"striate train --resume {named}"


def _show(events: Iterator[Event], line: Line, progress: Progress, log: str | None) -> None:
    """Print what happens until it is finished or the person has had enough."""
    viewer = _Viewer(line, progress, log)
    try:
        watched(events, viewer)
    finally:
        if viewer.board is not None:
            viewer.board.close()


def _tell(event: Event, line: Line, epochs: int, board: Board | None) -> None:
    """Print what happens while it trains; torch is there by then."""
    from striate.engine.fit import BatchSplit, Epoch, Recovered, Step

    if isinstance(event, Folding):
        line.share(f"measuring: {event.words}", event.done)
        return
    if isinstance(event, FoldDone):
        line.say(f"fold {event.number} of {event.of}: {event.words}  {clock(event.seconds)}")
        return
    if isinstance(event, Step):
        line.step(event, epochs)
    elif isinstance(event, Epoch):
        line.epoch(event)
        if board is not None:
            board.epoch(event)
    elif isinstance(event, Recovered):
        line.say(
            f"epoch {event.epoch}: {event.reason}; back to the last good state with the learning rate"
            f" times {event.learning_rate_factor:g} (attempt {event.attempt} of 3)"
        )
    elif isinstance(event, BatchSplit):
        line.say(
            f"out of memory: the batch is now {counted(event.micro_batches, 'part')} of"
            f" {counted(event.micro_batch, 'picture')};"
            " each step still learns from the whole batch (batch norm sees a part at a time)"
        )


def _board(folder: Path) -> Board:
    """Open a TensorBoard writer, or say what is missing."""
    from striate.cli.tensorboard import Board

    return Board(folder)
