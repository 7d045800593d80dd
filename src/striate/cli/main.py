"""The command line: words a person types, handed to a verb, its value printed. Imports verbs, late.

One line in ``COMMANDS`` is what a new command costs; its module is imported only when it is asked for, so that
``striate --help`` and ``striate describe`` never wait for torch.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

from striate.errors import FULL, DescribeError, StriateError
from striate.session import terminal

COMMANDS: dict[str, tuple[str, str]] = {
    "describe": ("striate.cli.describe", "The table of a network: shapes, parameters, MACs, receptive fields."),
    "nets": ("striate.cli.nets", "The networks known by name: what they cost, whose they are, how good they were."),
    "train": ("striate.cli.train", "Train on a folder of folders of pictures; --resume goes on after a stop."),
    "evaluate": ("striate.cli.evaluate", "What a trained network is worth on pictures it never saw."),
    "predict": ("striate.cli.predict", "Ask a trained network about a picture or a folder."),
    "look": ("striate.cli.look", "Look inside: why it said so, what a part sees, what confuses a run."),
    "filter": ("striate.cli.filter", "What a filter (sobel-x, gaussian 5) does to a picture."),
    "dot": ("striate.cli.dot", "How one number of a network was made, term by term."),
    "walk": ("striate.cli.walk", "How a convolution walks over its input, as an animation with its arithmetic."),
    "compare": ("striate.cli.compare", "Two runs on the pictures neither has learnt from: is one better?"),
    "runs": ("striate.cli.runs", "The runs there are: data, figure with its interval, date, size; remove one."),
    "export": ("striate.cli.export", "A trained network as an ONNX file for other programs, in float32 or int8."),
    "card": ("striate.cli.card", "A model card: trained on what, how good, where it fails, how to use and repeat it."),
    "push": ("striate.cli.push", "A run's model and its card to the Hugging Face Hub."),
    "serve": ("striate.cli.serve", "Serve trained networks over HTTP, safely by default."),
    "studio": ("striate.cli.studio", "All of it in a browser: pictures, training, answers; on this machine alone."),
    "find": ("striate.cli.find", "The pictures of a folder that are most like one, or hold what is like a part of it."),
    "cluster": ("striate.cli.cluster", "Groups of a folder's pictures that are alike, with words for each."),
    "index": ("striate.cli.index", "The vectors of a folder's pictures, made once and kept, for find."),
    "doctor": ("striate.cli.doctor", "What is wrong with a folder of pictures, worst first, and what to do."),
    "convert": ("striate.cli.convert", "Labels of objects (COCO, Pascal VOC, YOLO ...) from one format to another."),
    "recipes": ("striate.cli.recipes", "The recipes of the papers, and ours; one of them in full."),
    "weights": ("striate.cli.weights", "Weights that were trained elsewhere: fetch by name, import a file."),
    "cache": ("striate.cli.cache", "What is kept of decoded pictures and weights; clear it."),
}


# How long threads wait for each other awake: at 1,000 turns they sleep between two small operators and a step takes
# twice as long, at 300,000 (OpenMP's own) they keep the core from the one they wait for where others are busy too
# (`python -m benchmarks threads`).
SPIN: Final = "30000"


@contextmanager
def _until_enough() -> Iterator[None]:
    """Leave quietly when whoever reads us has had enough (striate ... | head); click itself would call it a failure."""
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.exceptions.Exit(0) from None


class Commands(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command's module and return its ``command``."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words; --help is printed here."""
        with _until_enough():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        with _until_enough():
            result: object = super().invoke(ctx)
            sys.stdout.flush()
            return result

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: striate train digits",
)
@click.version_option(package_name="striate", prog_name="striate")
def striate() -> None:
    """Convolutional networks you can see through.

    From a folder of pictures to a trained, calibrated, explained network, with the arithmetic visible at every step.
    """


def main() -> None:
    """Run the command line: exit code 0 when done, 2 for bad input, 3 for the disk, 130 after Ctrl-C."""
    os.environ.setdefault("GOMP_SPINCOUNT", SPIN)  # OpenMP reads it when torch is loaded
    # Large tensors in pages of 2 MiB, not 4 KiB, where the system leaves that to the program; torch reads this too.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    if sys.stderr is None:  # closed by whoever called: what would be said there is said to nobody
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
    if sys.stdout is None:
        click.echo(
            "striate: standard output is closed, so nothing can be said; send it to a file or /dev/null", err=True
        )
        sys.exit(3)
    for stream in (sys.stdout, sys.stderr):
        # File names need not be UTF-8, and a pipe on Windows is not: what cannot be shown is escaped, never fatal.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        terminal.guard(stream)
    try:
        striate.main(prog_name="striate", standalone_mode=False)
    except StriateError as error:
        # The text of a net and what would fit have lines of their own; nothing else has, and no name gets one.
        said = str(error) if isinstance(error, DescribeError) else terminal.line(str(error))
        click.echo(f"striate: {_fitting(said)}", err=True)
        sys.exit(error.exit_code)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        vars(error)["message"] = _fitting(error.message)
        error.show()
        sys.exit(error.exit_code)
    except OSError as error:
        if error.filename is not None or error.errno not in FULL:
            raise
        # Files that are written know their names, and refuse with them: this is what is said.
        click.echo(
            f"striate: what it says cannot be written: {error.strerror}; make room, or send it elsewhere", err=True
        )
        sys.exit(3)
    except (KeyboardInterrupt, click.Abort) as stop:
        interrupt = stop.__cause__ or stop  # click wraps what a command raised; that says how to go on, where one can
        click.echo(
            f"striate: {interrupt}"
            if isinstance(interrupt, KeyboardInterrupt) and str(interrupt)
            else "striate: stopped",
            err=True,
        )
        sys.exit(130)


def _fitting(text: str) -> str:
    """Return what is said without the middle of words that fill a screen: a number of thousands of digits, a path."""
    return re.sub(r"\S{500,}", lambda word: f"{word[0][:60]}…{word[0][-20:]}", text)


def run() -> None:
    """The command ``striate``: `main`, then out at once.

    Python would take NumPy, torch and ONNX Runtime apart before it ends, a tenth of the time that an answer takes. What
    was written is on the disk by then; with a thread at work, or output that cannot be written, it ends as usual.
    """
    try:
        main()
    except SystemExit as stop:
        code = stop.code
    else:
        code = 0
    at_work = any(one is not threading.main_thread() and not one.daemon for one in threading.enumerate())
    if at_work or not (code is None or isinstance(code, int)):
        sys.exit(code)
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):
        sys.exit(code)
    os._exit(code or 0)
