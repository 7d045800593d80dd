"""Widget: a trained network in a cell of a notebook, as a person calls it in Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from striate.errors import StriateError
from striate.session.run import Run

if TYPE_CHECKING:
    from striate.data.pictures.given import Picture
    from striate.session.model_widget import ModelWidget


def widget(
    run: str | Run = "last",
    picture: Picture | None = None,
    *,
    model: str | Path | None = None,
    runs_dir: Path | str = "runs",
) -> ModelWidget:
    """Show a trained network in a cell of a notebook: give it a picture, open its layers, point at any number.

    It is an anywidget, for Jupyter, VS Code and marimo. The network runs in the cell itself, as in the page that
    `striate export --page` writes: no kernel is asked, so it answers at once.

    Arguments:
        run: its name, or the run.
        picture: what it looks at first, as `Run.predict` takes one; None: an example of its own.
        model: instead of a run a model file.
        runs_dir: the folder of runs.

    Errors: StriateError without the package anywidget (pip install 'striate[notebook]'); ExportError for what cannot
    run in a page (boxes, masks, counts, a net that is only its author's code, more than 30 million weights), by its
    name; PictureError.

    Example: ``striate.widget(run, "cat.jpg").answer``
    """
    from striate.runs.predictor import Predictor
    from striate.verbs.export_page import called, page_of

    try:
        from striate.session.model_widget import ModelWidget
    except ModuleNotFoundError as error:
        raise StriateError(
            f"a widget takes {error.name}, which is not installed: pip install 'striate[notebook]'"
        ) from None
    if model is not None:
        predictor, name = Predictor.open(model), called(Path(model))
    else:
        opened = run if isinstance(run, Run) else Run.open(run, runs_dir)
        predictor, name = Predictor.open(opened.path), opened.name
    shown = ModelWidget(page_of(predictor, name)[0], predictor.preprocess)
    if picture is not None:
        shown.ask(picture)
    return shown
