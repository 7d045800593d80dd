"""Adopted as a person holds it: trained with a bar, to a `Run`; its looks and figures show themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, final

from torch import nn

from striate.data.pictures.given import Picture
from striate.data.pictures.preprocess import Preprocess
from striate.recipe import Recipe
from striate.runs.run import RunDirectory
from striate.session.run import Run, shown_evaluation, shown_look
from striate.session.shown import Shown
from striate.session.train import with_source
from striate.session.watch import BarViewer, bar, waiting, watched
from striate.spec.shape import Shape
from striate.verbs import adopt as adopting
from striate.verbs.events import Event
from striate.verbs.workspace import Progress, Workspace

if TYPE_CHECKING:
    from striate.verbs.evaluation import Evaluation
    from striate.verbs.look import Looked


@final
class Adopted(adopting.Adopted):
    """A torch module of somebody's own, with all that Striate does with a net (`striate.verbs.adopt`)."""

    def train(
        self,
        source: Any,
        *,
        picture: str | None = None,
        label: str | Sequence[str] | None = None,
        name: str | None = None,
        runs_dir: Path | str = "runs",
        data_dir: Path | str | None = None,
        allow_bad: bool = False,
        progress: bool = True,
        **settings: Any,
    ) -> Run:
        """Train on, from the weights it has, and return the run. The module is left as it is: `load` the run for more.

        ``source`` is what `striate.train` takes, ``settings`` are fields of a Recipe (``epochs``, ``class_weights``,
        ``label_from`` ...). Errors as of `striate.train`; SourceError when the pictures' labels are not those it was
        adopted with, TrainingError for a module that cannot be trained.

        Example: ``run = adopted.train("pets", epochs=2); adopted.load(run).module``
        """
        drawn = bar(progress=progress)
        recipe = source if isinstance(source, Recipe) else Recipe()
        recipe = recipe.changed(**{field: value for field, value in settings.items() if value is not None})
        try:
            recipe, held = with_source(recipe, source, Path(runs_dir), drawn, picture=picture, label=label)
            events = self.training(
                recipe,
                runs_dir=runs_dir,
                name=name or held,
                data_dir=data_dir,
                allow_bad=allow_bad,
                progress=waiting(drawn),
            )
            directory = watched(events, BarViewer(drawn))
        finally:
            drawn.close()
        return Run(directory, adopted=None if self.why is None else self.load(directory))

    def training(  # type: ignore[override]  # by words, as a person names them
        self,
        recipe: Recipe,
        *,
        runs_dir: Path | str = "runs",
        name: str | None = None,
        data_dir: Path | str | None = None,
        allow_bad: bool = False,
        progress: Progress | None = None,
    ) -> Iterator[Event]:
        """Train by a recipe and yield what happens, as `striate.training` does; stop reading to stop."""
        workspace = Workspace.at(runs_dir, data_dir, progress=progress)
        return super().training(recipe, workspace, name=name, allow_bad=allow_bad)

    def look(  # type: ignore[override]  # what it shows itself as
        self,
        what: Picture | Run | RunDirectory,
        *,
        part: str | None = None,
        channel: int | None = None,
        place: tuple[int, int] | None = None,
    ) -> Shown[Looked]:
        """Look inside at a picture, at one of its parts or channels, or at a run of its own, as `Run.look` does."""
        found = super().look(_directory(what), part=part, channel=channel, place=place)
        return shown_look(found, type(self.module).__name__)

    def evaluate(  # type: ignore[override]
        self,
        source: str | Path | Run | RunDirectory,
        *,
        part: str | None = None,
        data_dir: Path | str | None = None,
        allow_bad: bool = False,
    ) -> Shown[Evaluation]:
        """Evaluate it on pictures whose labels it knows, or a run of its own on a ``part`` of the run's pictures."""
        found = super().evaluate(
            _directory(source), part=part, workspace=Workspace.at(data_dir=data_dir), allow_bad=allow_bad
        )
        return shown_evaluation(found)

    def load(self, path: Path | str | Run | RunDirectory) -> Self:
        """Return it with the weights, labels and calibration of a model file or run; this one stays as it is."""
        return super().load(_directory(path))


def adopt(
    module: nn.Module,
    *,
    input: tuple[int, int, int] | Shape,
    classes: int | Sequence[str],
    preprocess: Preprocess | None = None,
    output: str | int | None = None,
    fit: str = "floor",
) -> Adopted:
    """Take in a torch module of the user's own: to survey, train, evaluate, predict with and save it.

    The arguments and errors are those of `striate.verbs.adopt.adopt`.

    Example: ``striate.adopt(MyNet(), input=(3, 16, 16), classes=["cats", "dogs"]).train("pets", epochs=2).state`` is
    ``"finished"``.
    """
    return adopting.adopt(
        module, input=input, classes=classes, preprocess=preprocess, output=output, fit=fit, kind=Adopted
    )


def _directory(what: Any) -> Any:
    """Return a run as what is on the disk of it, anything else as it is."""
    return what._directory if isinstance(what, Run) else what
