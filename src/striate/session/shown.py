"""Values as a person meets them: a few lines in a script, a page or a table in a notebook. No torch.

A look at a picture is hundreds of arrays, and an evaluation thousands of rows; what they print is neither. `Shown` is
such a value with the words and the page that it stands for; everything else is asked of the value itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar, final

from striate.runs import durable
from striate.words import counted

Value = TypeVar("Value")
HEIGHT = 720  # pixels of a page inside a notebook
LINES, LETTERS = 40, 4000  # of a text that are printed by themselves


@final
class Shown(Generic[Value]):
    """A value that prints as text and shows itself in a notebook; its attributes are those of ``value``.

    Example: ``str(Shown(0.5, text=lambda: "one half", html=lambda: "<b>1/2</b>"))`` is ``"one half"``.
    """

    def __init__(
        self, value: Value, *, text: Callable[[], str], html: Callable[[], str], page: Callable[[], str] | None = None
    ) -> None:
        """``page`` is the whole page that `save` writes, where it is another than what a notebook shows."""
        self.value = value
        self._text, self._html, self._page = text, html, page or html

    def save(self, path: Path | str) -> Path:
        """Write it as a page for a browser and return where it is. Errors: DiskError; a file that is there is replaced.

        Example: ``run.look("cat.jpg").save("why.html")``
        """
        durable.write(Path(path), self._page().encode("utf-8", "surrogateescape"))
        return Path(path)

    def text(self) -> str:
        """Return all of it in words."""
        return self._text()

    def __repr__(self) -> str:
        return _beginning(self._text())

    def _repr_html_(self) -> str:
        return self._html()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "value":  # a copy or a pickle asks before there is a value
            raise AttributeError(name)
        return getattr(self.value, name)

    def __dir__(self) -> list[str]:
        return sorted({"value", "save", "text", *(name for name in dir(self.value) if not name.startswith("_"))})


@final
class Table(Sequence[dict[str, Any]]):
    """Rows by column name: what pandas takes as it is (``pandas.DataFrame(table)``), printed as columns.

    Example: ``Table([{"epoch": 1, "loss": 0.5}])[0]["loss"]``
    """

    def __init__(self, rows: Sequence[dict[str, Any]], *, empty: str = "nothing yet") -> None:
        self.rows, self._empty = [dict(row) for row in rows], empty

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def __getitem__(self, place: Any) -> Any:
        """Return a row by its number, a column by its name, or a table of some rows by a slice."""
        if isinstance(place, str):
            if place not in self.columns:
                raise KeyError(f"{place}; there are {', '.join(self.columns)}")
            return [row.get(place) for row in self.rows]
        return Table(self.rows[place], empty=self._empty) if isinstance(place, slice) else self.rows[place]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Table | list) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        if not self.rows:
            return self._empty
        cells = self._cells()
        widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
        right = [self._numeric(name) for name in self._visible()]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if at_right else cell.ljust(width)
                for cell, width, at_right in zip(row, widths, right, strict=True)
            ).rstrip()
            for row in cells
        )

    def _repr_html_(self) -> str:
        if not self.rows:
            return said("", self._empty)
        head, *rows = self._cells()
        return html_table(head, rows, right=[self._numeric(name) for name in self._visible()])

    def _visible(self) -> list[str]:
        """Return the columns that say anything."""
        return [name for name in self.columns if any(row.get(name) not in (None, "") for row in self.rows)]

    def _cells(self) -> list[list[str]]:
        names = self._visible()
        return [names, *([_text(row.get(name)) for name in names] for row in self.rows)]

    def _numeric(self, name: str) -> bool:
        return all(isinstance(row.get(name), int | float | None) for row in self.rows)


def _beginning(text: str) -> str:
    """Return the first lines of a text, and how many more there are."""
    kept: list[str] = []
    lines = text.splitlines()
    for line in lines[:LINES]:
        if kept and sum(map(len, kept)) + len(line) > LETTERS:
            break
        kept.append(line if len(line) <= LETTERS else f"{line[:LETTERS]} ...")
    more = len(lines) - len(kept)
    return "\n".join([*kept, f"... {counted(more, 'more line')}: print(it.text())"] if more else kept)


def said(name: str, text: str) -> str:
    """Return what a notebook shows of a value in a line: its ``name``, where it has one, and what it came to."""
    from striate.render.html.environment import html

    return str(html("notebook/said.html", name=name, text=text))


def html_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[bool]) -> str:
    """Return a table as HTML that any notebook shows, cells escaped; ``right`` says which columns are numbers."""
    from striate.render.html.environment import html

    return str(
        html("notebook/table.html", head=head, rows=rows, sides=["right" if at_right else "left" for at_right in right])
    )


def framed(page: str) -> str:
    """Return a whole page as a part of a notebook: in a frame of its own, which runs no script of the notebook's."""
    from striate.render.html.environment import html

    return str(html("notebook/frame.html", page=page, height=HEIGHT))


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
