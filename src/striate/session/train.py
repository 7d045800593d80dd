"""Train, resume, evaluate, look, compare and list, as a person calls them in Python: a bar, and a `Run` to hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from striate import recipe as recipes
from striate.errors import RecipeError
from striate.recipe import Recipe
from striate.session.held import hold
from striate.session.run import Run, shown_comparison, shown_look
from striate.session.shown import Shown, Table
from striate.session.watch import Bar, BarViewer, bar, waiting, watched
from striate.verbs.workspace import Progress, Workspace

if TYPE_CHECKING:
    from torch import nn

    from striate.data.pictures.given import Picture
    from striate.render.html.compare_page import Comparison
    from striate.verbs.evaluation import Evaluation
    from striate.verbs.events import Event
    from striate.verbs.look import Looked

HELD = "pictures"  # what a run of pictures in memory is called


def train(
    source: Any,
    *,
    picture: str | None = None,
    label: str | Sequence[str] | None = None,
    label_from: str | None = None,
    task: str | None = None,
    net: str | None = None,
    first: str | None = None,
    start: str | Path | None = None,
    tune: str | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    size: tuple[int, int] | None = None,
    bits: int | None = None,
    fit: str | None = None,
    batch: int | None = None,
    learning_rate: float | None = None,
    augment: str | None = None,
    class_weights: str | None = None,
    folds: int | None = None,
    strangers: bool | None = None,
    device: str | None = None,
    name: str | None = None,
    runs_dir: Path | str = "runs",
    data_dir: Path | str | None = None,
    allow_bad: bool = False,
    recipe: str | Path | None = None,
    progress: bool = True,
    **settings: Any,
) -> Run:
    r"""Train a network on pictures and return the run.

    ``source`` is a folder of class folders, a list, arrays in a file, or the name of a data set, by its path or name;
    or pictures in memory: ``(x, y)``, a data set of (picture, label) such as torch's, or a table (pandas, polars, a
    mapping) with the columns ``picture`` and ``label``. Those are written into ``runs_dir`` once. It may also be a
    whole Recipe.

    ``recipe`` is one by name (``striate recipes`` lists them) or a file; keywords that are given win over it, and
    ``settings`` are any other fields of a Recipe. ``task`` says what is to be learnt, where the labels leave that open.
    ``fit="floor"`` accepts a net that never sees some of its picture; ``bits=12`` is the depth of gray 16-bit files.
    ``label_from`` takes labels out of the names of files (``r"(.+?)_\d+"``); ``class_weights="balanced"`` lets every
    class count the same. ``first`` puts a filter by name (``sobel``) in front of the net, whose weights training leaves
    as they are. ``start`` begins from weights (a run, a model file, the name of known weights), with a new head for
    these labels; photographs of which nothing is said start from efficientnet_lite0, and with ``start="none"`` from
    chance. ``tune`` says what is trained of weights: the ``head`` alone, or ``all``. ``folds`` has every picture
    measured by a training that did not see it (0: one fixed split; by itself so where pictures are few and it is
    cheap). ``strangers`` trains a net again without some of the classes, to measure how well strangers are told; a head
    on frozen features is measured without, and of a net trained whole that was not, "none of these" is never answered.
    ``progress=False`` is quiet.

    Errors: SourceError, RecipeError, DescribeError before anything is trained; TrainingError, DiskError later.

    Example: ``run = striate.train("pets", net="lenet5", epochs=2); str(run.predict("cat.jpg"))`` is like
    ``"0.92 cats, 0.08 dogs"``.
    """
    from striate.verbs.train import training

    drawn = bar(progress=progress)
    if isinstance(source, Recipe) and recipe is not None:
        raise RecipeError(f"source is a whole recipe already, and recipe={str(recipe)!r} another; give one of them")
    begun = source if isinstance(source, Recipe) else Recipe() if recipe is None else recipes.find(recipe)
    said = {
        "label_from": label_from,
        "task": task,
        "class_weights": class_weights,
        "net": net,
        "first": first,
        "start": None if start is None else str(start),
        "tune": tune,
        "epochs": epochs,
        "seed": seed,
        "size": size,
        "bits": bits,
        "fit": fit,
        "batch": batch,
        "learning_rate": learning_rate,
        "augment": augment,
        "folds": folds,
        "strangers": strangers,
        "device": device,
        **settings,
    }
    chosen = begun.changed(**{field: value for field, value in said.items() if value is not None})
    try:
        chosen, held = with_source(chosen, source, Path(runs_dir), drawn, picture=picture, label=label)
        events = training(
            chosen,
            Workspace.at(runs_dir, data_dir, progress=waiting(drawn)),
            name=name or held,
            allow_bad=allow_bad,
        )
        return Run(watched(events, BarViewer(drawn)))
    finally:
        drawn.close()


def training(
    recipe: Recipe,
    *,
    runs_dir: Path | str = "runs",
    name: str | None = None,
    data_dir: Path | str | None = None,
    download: bool = True,
    allow_bad: bool = False,
    progress: Progress | None = None,
) -> Iterator[Event]:
    """Train by a recipe and yield what happens, from Planned to Finished; closing it stops, and keeps what was learnt.

    ``data_dir`` is where the files of data sets by name are, ``download`` whether one that is not there is fetched.
    ``progress(what, done, of)`` hears how far pictures are read, before the first event. Errors: as of `train`.

    Example: ``for event in striate.training(Recipe(source="pets")): print(event)``
    """
    from striate.verbs.train import training as events

    workspace = Workspace.at(runs_dir, data_dir, download=download, progress=progress)
    return events(recipe, workspace, name=name, allow_bad=allow_bad)


def resume(
    name: str | Run = "last",
    *,
    epochs: int | None = None,
    threads: int | None = None,
    without_missing: bool = False,
    runs_dir: Path | str = "runs",
    module: nn.Module | None = None,
    progress: bool = True,
) -> Run:
    """Go on with a run that was stopped, exactly as if it had not been; ``epochs`` may raise how long it goes on.

    ``threads`` may be others from here on, and ``without_missing`` goes on without those of its pictures that are gone:
    the weights are then not to the bit those of an undisturbed run. ``module`` is for the run of an adopted module that
    only its own code can be: one more of that class. ``progress=False`` is quiet.
    """
    from striate.verbs.train import resuming

    drawn = bar(progress=progress)
    try:
        events = resuming(
            name_of(name),
            epochs=epochs,
            threads=threads,
            without_missing=without_missing,
            workspace=Workspace.at(runs_dir, progress=waiting(drawn)),
            module=module,
        )
        return Run(watched(events, BarViewer(drawn)))
    finally:
        drawn.close()


def with_source(
    recipe: Recipe,
    source: Any,
    runs_dir: Path,
    drawn: Bar,
    *,
    picture: str | None = None,
    label: str | Sequence[str] | None = None,
) -> tuple[Recipe, str | None]:
    """Return a recipe that names its pictures, and what a run of pictures in memory is called, which are written then.

    A whole recipe as ``source`` names its own. Errors: SourceError, RecipeError, DiskError.
    """
    columns = picture is not None or label is not None
    if isinstance(source, Recipe | str | Path):
        if columns:
            raise RecipeError("picture and label name the columns of a table in memory, and this is a place or a name")
        return (recipe if isinstance(source, Recipe) else recipe.changed(source=str(source))), None
    held = hold(source, runs_dir, picture=picture, label=label, progress=waiting(drawn))
    drawn.close()
    drawn.say(held.note)
    return recipe.changed(source=held.location), HELD


def evaluate(
    run: str | Run = "last",
    *,
    part: str | None = None,
    data: str | Path | None = None,
    label_from: str | None = None,
    runs_dir: Path | str = "runs",
    data_dir: Path | str | None = None,
    allow_bad: bool = False,
    without_missing: bool = False,
) -> Shown[Evaluation]:
    """Measure a run's model on a part of its own pictures, or on others with the same labels: as `Run.evaluate` does.

    Example: ``striate.evaluate("last").report.accuracy.value``
    """
    opened = run if isinstance(run, Run) else Run.open(run, runs_dir)
    return opened.evaluate(
        data,
        part=part,
        label_from=label_from,
        data_dir=data_dir,
        allow_bad=allow_bad,
        without_missing=without_missing,
    )


def look(
    what: Picture | Run,
    *,
    part: str | None = None,
    channel: int | None = None,
    place: tuple[int, int] | None = None,
    run: str | Run = "last",
    model: str | Path | None = None,
    net: str | None = None,
    runs_dir: Path | str = "runs",
    data_dir: Path | str | None = None,
    without_missing: bool = False,
) -> Shown[Looked]:
    """Look inside a net at a picture, or at a run: what it learnt, when, and what confuses it.

    It shows itself in a notebook, ``save(path)`` writes the page, ``value`` is the look itself. The other arguments and
    errors are those of `striate.verbs.look.look`.

    Example: ``striate.look("cat.jpg", run="pets-1").why.trust.phrase``
    """
    from striate.verbs.look import look as looked

    if isinstance(what, Run):
        return what.look(part=part, channel=channel)
    found = looked(
        what,
        part=part,
        channel=channel,
        place=place,
        run=name_of(run),
        model=model,
        net=net,
        workspace=Workspace.at(runs_dir, data_dir),
        without_missing=without_missing,
    )
    return shown_look(found, Path(what).name if isinstance(what, str | Path) else "look")


def compare(
    a: str | Run, b: str | Run, *, runs_dir: Path | str = "runs", data_dir: Path | str | None = None
) -> Shown[Comparison]:
    """Compare two runs on the pictures that neither has learnt from: is the difference real, or noise?

    It prints as a verdict with figures, and shows itself as the page with the pictures that tell them apart. Errors:
    RunError for runs of other tasks or labels, or that share no such picture.

    Example: ``striate.compare("pets-1", "pets-2").verdict()``
    """
    from striate.verbs.compare import compare as compared

    return shown_comparison(compared(name_of(a), name_of(b), Workspace.at(runs_dir, data_dir)))


def runs(runs_dir: Path | str = "runs") -> Table:
    """Return all runs of a folder as a table, the one that was written last first.

    Example: ``[row["run"] for row in striate.runs()]``
    """
    import time

    from striate.verbs.runs import runs as listed

    rows = [
        {
            "run": run.name,
            "task": run.task,
            "data": run.source,
            "net": run.net,
            "measure": run.measure if run.figure else "",
            "figure": run.figure_text or run.state,
            "on": f"{run.pictures:,} {run.part}" if run.figure else "",
            "written": time.strftime("%Y-%m-%d %H:%M", time.localtime(run.written)),
            "bytes": run.bytes,
            "damaged": run.damaged,
        }
        for run in listed(Workspace.at(runs_dir))
    ]
    return Table(rows, empty=f"{runs_dir} holds no run yet")


def name_of(run: str | Run) -> str:
    """Return what a run is opened by."""
    return str(run.path.absolute()) if isinstance(run, Run) else run
