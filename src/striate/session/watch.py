"""What a person sees of a training that they started in Python: a bar in a terminal or a notebook, then what came out.

In a file or a pipe nothing moves: the first lines and the last are printed, and nothing between. ``progress=False``
prints nothing at all.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

from striate.errors import StriateError
from striate.session import terminal
from striate.session.progress import clock
from striate.session.train_text import plan_text, result_text
from striate.verbs.events import Event, Finished, Finishing, FoldDone, Folding, Planned

if TYPE_CHECKING:
    from striate.runs.run import RunDirectory

__all__ = ["BarViewer", "bar", "waiting", "watched"]


class Bar(Protocol):
    """Where a bar is drawn."""

    def draw(self, share: float, words: str) -> None:
        """Show that ``share`` (0 to 1) is done, and where it is, in words."""
        ...

    def say(self, text: str) -> None:
        """Print lines that stay."""
        ...

    def close(self) -> None:
        """Remove the bar."""
        ...


class Silent:
    """No bar, no words."""

    def draw(self, share: float, words: str) -> None:
        """Show nothing."""

    def say(self, text: str) -> None:
        """Print nothing."""

    def close(self) -> None:
        """Remove nothing."""


class Lines(Silent):
    """Words alone, on standard output: where nothing can move."""

    def say(self, text: str) -> None:
        """Print lines."""
        print(terminal.printable(text), flush=True)


class Terminal(Lines):
    """One moving line on a terminal."""

    def draw(self, share: float, words: str) -> None:
        """Redraw the line."""
        import shutil

        bar = "━" * round(24 * share) + "─" * (24 - round(24 * share))
        width = shutil.get_terminal_size((100, 24)).columns - 1
        terminal.moving().write("\r\x1b[2K" + terminal.line(f"{bar} {100 * share:3.0f} %  {words}")[:width])
        sys.stdout.flush()

    def say(self, text: str) -> None:
        """Print lines that stay above the bar."""
        self.close()
        super().say(text)

    def close(self) -> None:
        """Remove the line."""
        terminal.moving().write("\r\x1b[2K")
        sys.stdout.flush()


class Notebook(Lines):
    """A bar in a notebook's cell, by the display that IPython has."""

    def __init__(self) -> None:
        self._handle: Any = None

    def draw(self, share: float, words: str) -> None:
        """Redraw the bar."""
        from IPython.display import HTML, display

        from striate.render.html.environment import html

        shown = HTML(str(html("notebook/progress.html", share=share, words=terminal.line(words))))
        if self._handle is None:
            self._handle = display(shown, display_id=True)
        else:
            self._handle.update(shown)

    def close(self) -> None:
        """Leave an empty line where the bar was."""
        if self._handle is not None:
            from IPython.display import HTML

            self._handle.update(HTML(""))
            self._handle = None


def bar(*, progress: bool) -> Bar:
    """Return where to draw: nowhere, in a notebook, on a terminal, or in lines alone."""
    if not progress:
        return Silent()
    if in_notebook():
        return Notebook()
    return Terminal() if sys.stdout is not None and sys.stdout.isatty() else Lines()


def in_notebook() -> bool:
    """Return whether this is a cell of a notebook: IPython with a kernel behind it."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and getattr(shell, "kernel", None) is not None


@dataclass
class Asked:
    """Whether a stop was asked for, and whether there is something to keep yet."""

    stop: bool = False
    under_way: bool = False


@contextmanager
def gently() -> Iterator[Asked]:
    """Turn the first Ctrl-C of a training under way into a wish to stop between two steps; any other stops at once.

    In a thread that is not the main one signals are not ours to take, and nothing changes.
    """
    asked = Asked()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def note(number: int, frame: FrameType | None) -> None:
        if asked.stop or not asked.under_way:
            raise KeyboardInterrupt
        asked.stop = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)


class Viewer(Protocol):
    """Who shows the events of a training."""

    def show(self, event: Event) -> None:
        """Show one."""
        ...

    def clear(self) -> None:
        """Remove what moves: something else is said next."""
        ...

    def go_on(self, run: RunDirectory) -> str:
        """Return what a person types to go on with a run that was stopped."""
        ...


def watched(events: Iterator[Event], viewer: Viewer) -> RunDirectory:
    """Read the events of a training to their end, have them shown, and return the run they made.

    Stopped by Ctrl-C, or the stop button of a notebook, it stops between two steps and what was learnt is kept.
    KeyboardInterrupt then says how to go on.
    """
    run: RunDirectory | None = None
    with gently() as asked:
        try:
            for event in events:
                if isinstance(event, Planned):
                    run, asked.under_way = event.run, True
                elif isinstance(event, Finishing):
                    asked.under_way = False  # there is nothing to keep that is not kept: Ctrl-C may stop at once
                elif isinstance(event, Finished):
                    run = event.run
                viewer.show(event)
                if asked.stop and not isinstance(event, Finished):
                    events.close()  # type: ignore[attr-defined]
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            viewer.clear()
            if run is None:
                raise
            raise KeyboardInterrupt(f"stopped; go on with: {viewer.go_on(run)}") from None
        except StriateError:
            viewer.clear()
            raise
    assert run is not None
    return run


class BarViewer:
    """A training as a bar: what is about to happen, how far it is, what came of it."""

    def __init__(self, drawn: Bar) -> None:
        self._drawn, self._epochs = drawn, 0

    def show(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, Planned):
            self._epochs = event.prepared.config.epochs
            self._say(plan_text(event))
        elif isinstance(event, Finishing):
            self._drawn.draw(1.0, "measuring, and writing the report")
        elif isinstance(event, Finished):
            self._say(result_text(event))
        else:
            _draw(event, self._drawn, self._epochs)

    def clear(self) -> None:
        """Remove the bar."""
        self._drawn.close()

    def go_on(self, run: RunDirectory) -> str:
        """Return what a person types in Python."""
        return f"striate.resume({run.name if run.path.parent == Path('runs') else str(run.path)!r})"

    def _say(self, text: str) -> None:
        self._drawn.close()
        self._drawn.say(text)


def waiting(drawn: Bar) -> Any:
    """Return what is called with (what, done, of) while pictures are decoded, files fetched, features made."""

    def tell(what: str, done: int, of: int) -> None:
        drawn.draw(done / of if of else 0.0, what)

    return tell


def _draw(event: Event, drawn: Bar, epochs: int) -> None:
    """Show where a training is; torch is there by then."""
    from striate.engine.fit import BatchSplit, Epoch, Recovered, Step

    if isinstance(event, Folding):
        drawn.draw(event.done, f"measuring: {event.words}")
    elif isinstance(event, Step):
        done = (event.epoch - 1 + event.step / max(event.steps, 1)) / max(epochs, 1)
        drawn.draw(done, f"epoch {event.epoch} of {epochs}, loss {event.loss:.3f}, {clock(event.seconds_left)} left")
    elif isinstance(event, Epoch):
        loss = event.train_loss if event.val_loss is None else event.val_loss
        drawn.draw(min(1.0, event.index / max(event.epochs, 1)), f"epoch {event.index}, loss {loss:.3f}")
    elif isinstance(event, Recovered):
        drawn.say(f"epoch {event.epoch}: {event.reason}; going on from before, with a lower learning rate")
    elif isinstance(event, BatchSplit):
        drawn.say(f"out of memory: each batch is now computed in {event.micro_batches} parts")
    elif isinstance(event, FoldDone):
        drawn.draw(event.number / event.of, f"fold {event.number} of {event.of} done")
