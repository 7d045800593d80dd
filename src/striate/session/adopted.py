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
from striate.session.train import check_keywords, with_source
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

        Arguments:
            source: what `striate.train` takes.
            picture, label: the columns of a table in memory.
            name: what the run is called; a number is added.
            runs_dir: the folder of runs.
            data_dir: where the files of data sets by name are.
            allow_bad: whether it goes on where more than 1 % of the pictures cannot be read.
            progress: whether a bar is shown; False is quiet.
            settings: fields of a Recipe (``epochs``, ``class_weights``, ``label_from`` ...).

        Errors: as of `striate.train`; SourceError when the pictures' labels are not those it was adopted with,
        TrainingError for a module that cannot be trained.

        Example: ``run = adopted.train("pets", epochs=2); adopted.load(run).module``
        """
        check_keywords(settings, self.train)
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
        """Train by a recipe and yield what happens; stop reading to stop.

        Arguments and errors are those of `striate.training` (``recipe``, ``runs_dir``, ``name``, ``data_dir``,
        ``allow_bad``, ``progress``).

        Example: ``len(list(adopted.training(Recipe(source="pets", epochs=1)))) > 1``
        """
        workspace = Workspace.at(runs_dir, data_dir, progress=progress)
        return super().training(recipe, workspace, name=name, allow_bad=allow_bad)

    def look(  # type: ignore[override]  # what it shows itself as
        self,
        what: Picture | Run | RunDirectory,
        *,
        part: str | None = None,
        channel: int | None = None,
        at: tuple[int, int] | None = None,
    ) -> Shown[Looked]:
        """Look inside at a picture, at one of its parts or channels, or at a run of its own, as `Run.look` does.

        Arguments:
            what: a picture, or a run.
            part, channel: the part that is asked about, and one of its channels, from 0.
            at: (row, column) of the part's map whose view of the picture is measured.

        Errors: DescribeError, PictureError.

        Example: ``adopted.look("cat.jpg").why.trust.level in ("good", "weak", "none")``
        """
        found = super().look(_directory(what), part=part, channel=channel, at=at)
        return shown_look(found, type(self.module).__name__)

    def evaluate(  # type: ignore[override]
        self,
        source: str | Path | Run | RunDirectory,
        *,
        split: str | None = None,
        data_dir: Path | str | None = None,
        allow_bad: bool = False,
    ) -> Shown[Evaluation]:
        """Evaluate it on pictures whose labels it knows, or a run of its own on a part of the run's pictures.

        Arguments:
            source: pictures, as `striate.train` takes them by path or name, or a run.
            split: "test", "val" or "train" of the run's pictures.
            data_dir: where the files of data sets by name are.
            allow_bad: whether it goes on where more than 1 % of the pictures cannot be read.

        Errors: SourceError for labels it does not know, RunError.

        Example: ``len(adopted.evaluate("pets").keys)`` is 28.
        """
        found = super().evaluate(
            _directory(source), split=split, workspace=Workspace.at(data_dir=data_dir), allow_bad=allow_bad
        )
        return shown_evaluation(found)

    def load(self, path: Path | str | Run | RunDirectory) -> Self:
        """Return it with the weights, labels and calibration of a model file or run; this one stays as it is.

        ``path`` is the file, the run's folder or the run. Errors: ModelError for weights of another module, RunError.

        Example: ``adopted.save("mine.safetensors"); adopted.load("mine.safetensors").classes`` is ``("cats", "dogs")``.
        """
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

    Arguments:
        module: takes (N, channels, height, width) float inputs and returns (N, classes) logits.
        input: (channels, height, width) in pixels; channels 1 (gray) or 3 (RGB).
        classes: the names of its outputs in order, or how many, which leaves the names to what it is trained on.
        preprocess: how pictures become its inputs, where its weights are used to something. Without it pixels are
            divided by 255, and a training takes the mean and std of its own pictures.
        output: which of several outputs answers: its key, its field or its place.
        fit: "floor" takes a module that never looks at some of the picture, "exact" refuses it.

    Errors: DescribeError naming what the module gave and what was wanted.

    Example: ``striate.adopt(MyNet(), input=(3, 16, 16), classes=["cats", "dogs"]).train("pets", epochs=2).state`` is
    ``"finished"``.
    """
    return adopting.adopt(
        module, input=input, classes=classes, preprocess=preprocess, output=output, fit=fit, kind=Adopted
    )


def _directory(what: Any) -> Any:
    """Return a run as what is on the disk of it, anything else as it is."""
    return what._directory if isinstance(what, Run) else what
