"""ModelWidget: what the notebook and the kernel know of a network in a cell. Imports anywidget, an extra."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, final

import anywidget
import traitlets

from striate.errors import DescribeError
from striate.render.html.model_page import ModelPage, page_facts
from striate.render.html.model_scripts import module
from striate.render.html.model_widget import widget_html

if TYPE_CHECKING:
    from striate.data.pictures.given import Picture
    from striate.data.pictures.preprocess import Preprocess


@final
class ModelWidget(anywidget.AnyWidget):
    """A trained network in a cell. `striate.widget` makes one; a notebook shows it where it is the last line of a cell.

    Example: ``shown = striate.widget(run); shown.ask("cat.jpg"); shown.look_at("conv2", at=(3, 5), channel=1)``
    """

    _html = traitlets.Unicode().tag(sync=True)
    _facts = traitlets.Dict().tag(sync=True)
    _tensors = traitlets.Unicode().tag(sync=True)
    _asked = traitlets.Dict().tag(sync=True)  # a picture that Python gave
    _opened = traitlets.Dict().tag(sync=True)  # a part, and a place of its map
    _answer = traitlets.Dict().tag(sync=True)  # told by the cell
    _number = traitlets.Dict().tag(sync=True)  # that a person points at, told by the cell

    def __init__(self, page: ModelPage, preprocess: Preprocess) -> None:
        self._preprocess, self._name, self._times = preprocess, page.run, 0
        super().__init__(
            _esm=module(), _html=widget_html(page), _facts=page_facts(page.program), _tensors=page.program.packed.text()
        )

    def ask(self, picture: Picture) -> None:
        """Show it a picture, as `Run.predict` takes one: prepared here, as for predicting. Errors: PictureError."""
        from striate.data.pictures.given import one
        from striate.runs.reading import content_of

        pixels = self._preprocess.pixels(content_of(one(picture)))
        self._times += 1  # the same picture again is news
        self._asked = {"pixels": base64.b64encode(pixels.tobytes()).decode("ascii"), "times": self._times}

    def look_at(self, part: str, *, channel: int | None = None, at: Sequence[int] | None = None) -> None:
        """Open a part of the network (``conv2``), and say how a number of its maps was made.

        Arguments:
            part: a layer, as the cell calls it.
            channel: which of its maps, from 0, or which number of a layer without maps; None: the first, or, where no
                place is said either, that of the largest number.
            at: (row, column) of the map; None: its middle, where a channel is said.

        Errors: DescribeError for a part, a channel or a place that is not there.
        """
        shapes = {one["path"]: one["shape"] for one in self._facts["program"]["operations"]}
        if part not in shapes:
            raise DescribeError(f"there is no part {part!r}; there are {', '.join(shapes)}")
        channels, rows, columns = [*shapes[part], 1, 1][:3]
        row, column = at or (rows // 2, columns // 2)
        for name, value, size in (("channel", channel or 0, channels), ("row", row, rows), ("column", column, columns)):
            if not 0 <= value < size:
                raise DescribeError(f"{part} has no {name} {value}: it has {size}, from 0")
        self._times += 1
        place = None if channel is None and at is None else [channel or 0, row, column]
        self._opened = {"part": part, "place": place, "times": self._times}

    def __repr__(self) -> str:
        return f"{self._name} at work in a cell: Jupyter, VS Code and marimo show it"

    @property
    def answer(self) -> dict[str, float]:
        """What it last said in the cell: probabilities (or numbers) by name; empty before a cell has shown it."""
        return dict(self._answer)

    @property
    def number(self) -> dict[str, Any]:
        """The number that was last pointed at in the cell: ``part``, ``channel``, ``row``, ``column``, ``value``."""
        return dict(self._number)
