"""What a person sees while they wait: one moving line on a terminal, one line an epoch in a file or a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, cast

from striate.session import terminal

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from striate.engine.fit import Epoch, Step
    from striate.engine.head import HeadEpoch
    from striate.tasks.task import LabelFacts, Task


PICTURES = ("decoding", "features", "vectors", "examining")  # waits that are counted in pictures


class Progress:
    """A progress bar for the waits before training: downloading, decoding. Call it with (what, done, of).

    On standard error, and only on a terminal; it opens at the first call, so that what is quick shows nothing.
    ``unit="bytes"`` shows sizes and speed instead of counts.
    """

    def __init__(self, *, unit: str = "") -> None:
        self._bytes = unit == "bytes"
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the bars; the next call opens new ones."""
        if self._bars is not None:
            self._bars.stop()
            self._bars, self._tasks = None, {}

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` is there."""
        if not sys.stderr.isatty():
            return
        if self._bars is None:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                DownloadColumn,
                MofNCompleteColumn,
                ProgressColumn,
                TextColumn,
                TimeRemainingColumn,
                TransferSpeedColumn,
            )
            from rich.progress import Progress as Bars

            how_far: list[ProgressColumn] = (
                [DownloadColumn(binary_units=True), TransferSpeedColumn()]
                if self._bytes
                else [MofNCompleteColumn(), TextColumn("{task.fields[pace]}")]
            )
            self._bars = Bars(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                *how_far,
                TimeRemainingColumn(),
                console=Console(file=terminal.moving(error=True)),
                transient=True,
            )
            self._bars.start()
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(terminal.line(what), total=total or None, pace="")
        task = self._tasks[what]
        speed = self._bars.tasks[task].speed if what in PICTURES else None
        pace = "" if speed is None else f"{speed:,.0f} pictures/s"
        self._bars.update(task, completed=done, total=total or None, pace=pace)


class Line:
    """The live line of a training: bar, time left, loss, pictures a second; an epoch's figures stay above it."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._terminal = sys.stdout.isatty() and not quiet
        self._quiet = quiet
        self._head: HeadEpoch | None = None  # the last pass over features: told once its decay has ended
        self._shown: Callable[[str, float], str] = lambda name, value: f"{name} {value:.4g}"

    def shows(self, task: Task, facts: LabelFacts) -> None:
        """Show an epoch's figures as a task says them."""
        self._shown = lambda name, value: task.shown(name, value, facts)

    def step(self, event: Step, epochs: int) -> None:
        """Redraw the line within an epoch."""
        if not self._terminal:
            return
        share = event.step / max(event.steps, 1)
        bar = "━" * round(20 * share) + "─" * (20 - round(20 * share))
        self._redraw(
            f"epoch {event.epoch}/{epochs} {bar} {100 * share:3.0f} %  loss {event.loss:.3f}"
            f"  {event.pictures_per_second:,.0f} pictures/s  {clock(event.seconds_left)} left"
        )

    def share(self, words: str, done: float) -> None:
        """Redraw the line of something that is done to a share, 0 to 1; the figures of an epoch before are told."""
        self.end()
        if self._terminal:
            bar = "━" * round(20 * done) + "─" * (20 - round(20 * done))
            self._redraw(f"{words} {bar} {100 * done:3.0f} %")

    def epoch(self, event: Epoch) -> None:
        """Print an epoch's figures; of passes over features, which are quick and many, the last of each decay."""
        before, self._head = self._head, None
        if hasattr(event, "weight_decay"):
            self._head = cast("HeadEpoch", event)
            if self._terminal:
                self._redraw(self._figures(event))
            if before is None or before.weight_decay == self._head.weight_decay:
                return
        if before is not None:
            self.say(self._figures(before))
        if self._head is None:
            self.say(self._figures(event))

    def end(self) -> None:
        """Print what is still to be told."""
        if self._head is not None:
            self.say(self._figures(self._head))
            self._head = None

    def say(self, text: str) -> None:
        """Print a line that stays."""
        if self._quiet:
            return
        if self._terminal:
            self._redraw("")
        print(text, flush=True)

    def clear(self) -> None:
        """Remove the moving line."""
        if self._terminal:
            self._redraw("")

    def _redraw(self, text: str) -> None:
        columns = _columns()
        terminal.moving().write("\r\x1b[2K" + terminal.line(text)[: columns - 1])
        sys.stdout.flush()

    def _figures(self, event: Epoch) -> str:
        """Return what came of an epoch; of a loss that has several terms each of them."""
        text = f"epoch {event.index:>{len(str(event.epochs))}}/{event.epochs}  loss {event.train_loss:.3f}"
        if len(event.losses) > 1:
            text += f" ({', '.join(f'{name} {value:.3f}' for name, value in event.losses.items())})"
        if (aside := getattr(event, "side_loss", None)) is not None:
            text += f" ({aside:.3f} of it side heads)"
        if event.val_loss is not None:
            text += f"  val loss {event.val_loss:.3f}"
        for name, value in event.metrics.items():
            text += f"  val {self._shown(name, value)}"
        if hasattr(event, "weight_decay"):
            return f"head {text}  weight decay {event.weight_decay:g}  {clock(event.seconds)}"
        return f"{text}  {event.pictures_per_second:,.0f} pictures/s  {clock(event.seconds)}"


def clock(seconds: float) -> str:
    """Return a duration as people say it: ``8 s``, ``2:05 min``, ``1:12:30 h``."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d} min"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d} h"


def _columns() -> int:
    import shutil

    return shutil.get_terminal_size((100, 24)).columns
