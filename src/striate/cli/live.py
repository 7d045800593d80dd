"""What a person sees while they wait: one moving line on a terminal, one line an epoch in a file or a pipe."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from striate.engine.fit import Epoch, Step


class Progress:
    """A progress bar for the waits before training: downloading, decoding. Call it with (what, done, of).

    On standard error, and only on a terminal; it opens at the first call, so that what is quick shows nothing.
    ``unit="bytes"`` shows sizes and speed instead of counts.
    """

    def __init__(self, *, unit: str = "") -> None:
        self._bytes = unit == "bytes"
        self._bars: Bars | None = None
        self._tasks: dict[str, object] = {}

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

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
                TextColumn,
                TimeRemainingColumn,
                TransferSpeedColumn,
            )
            from rich.progress import Progress as Bars

            how_far = (
                [DownloadColumn(binary_units=True), TransferSpeedColumn()] if self._bytes else [MofNCompleteColumn()]
            )

            self._bars = Bars(
                TextColumn("{task.description}"),
                BarColumn(),
                *how_far,
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bars.start()
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(what, total=total or None)
        self._bars.update(self._tasks[what], completed=done, total=total or None)  # type: ignore[arg-type]


class Line:
    """The live line of a training: bar, time left, loss, pictures a second; an epoch's figures stay above it."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._terminal = sys.stdout.isatty() and not quiet
        self._quiet = quiet

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

    def epoch(self, event: Epoch) -> None:
        """Print an epoch's figures."""
        width = len(str(event.epochs))
        text = f"epoch {event.index:>{width}}/{event.epochs}  loss {event.train_loss:.3f}"
        if event.val_loss is not None:
            text += f"  val loss {event.val_loss:.3f}"
        for name, value in event.metrics.items():
            text += f"  val {name} {100 * value:.1f} %"
        text += f"  {event.pictures_per_second:,.0f} pictures/s  {clock(event.seconds)}"
        self.say(text)

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
        sys.stdout.write("\r\x1b[2K" + text[: columns - 1])
        sys.stdout.flush()


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
