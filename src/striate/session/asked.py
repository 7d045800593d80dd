"""Evaluate, look, compare and list runs, as a person calls them in Python; what comes back shows itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from striate.session.run import Run, shown_comparison, shown_look
from striate.session.shown import Shown, Table
from striate.verbs.workspace import Workspace

if TYPE_CHECKING:
    from striate.data.pictures.given import Picture
    from striate.render.html.compare_page import Comparison
    from striate.spec.shape import Shape
    from striate.verbs.evaluation import Evaluation
    from striate.verbs.look import Looked


def evaluate(
    run: str | Run = "last",
    *,
    split: str | None = None,
    data: str | Path | None = None,
    label_from: str | None = None,
    labels: str | Path | None = None,
    mend: str | Path | None = None,
    runs_dir: Path | str = "runs",
    data_dir: Path | str | None = None,
    allow_bad: bool = False,
    without_missing: bool = False,
) -> Shown[Evaluation]:
    """Measure a run's model on a part of its own pictures, or on others with the same labels: as `Run.evaluate` does.

    Arguments:
        run: its name, or the run.
        split: "test", "val" or "train" of its own pictures; None: those that the run itself is measured by.
        data: other pictures, as `train` takes them by path or name.
        label_from: a pattern that takes the labels of ``data`` out of the names of files.
        labels: which labels of ``data`` are meant: those of a format, or a file or folder.
        mend: a file of decisions about ``data`` (labels.toml); None: those kept for that folder, "none": nothing.
        runs_dir: the folder of runs.
        data_dir: where the files of data sets by name are.
        allow_bad: whether it goes on where more than 1 % of the pictures of ``data`` cannot be read.
        without_missing: whether what remains is measured where some of the run's pictures are gone.

    Errors: RunError for a run without a model or whose pictures are gone, and for ``split`` beside ``data``;
    SourceError for ``data`` with other labels.

    Example: ``striate.evaluate("last").report.accuracy.value``
    """
    opened = run if isinstance(run, Run) else Run.open(run, runs_dir)
    return opened.evaluate(
        data,
        split=split,
        label_from=label_from,
        labels=labels,
        mend=mend,
        data_dir=data_dir,
        allow_bad=allow_bad,
        without_missing=without_missing,
    )


def look(
    what: Picture | Run,
    *,
    part: str | None = None,
    channel: int | None = None,
    at: tuple[int, int] | None = None,
    why: str | int | None = None,
    against: str | int | None = None,
    object: int | None = None,
    pixel: Sequence[float] | None = None,
    box: Sequence[float] | None = None,
    missed: int | Sequence[float] | None = None,
    method: str | None = None,
    change: bool = False,
    run: str | Run = "last",
    model: str | Path | None = None,
    net: str | None = None,
    input: Shape | tuple[int, int, int] | None = None,
    classes: int | None = None,
    seed: int = 0,
    runs_dir: Path | str = "runs",
    data_dir: Path | str | None = None,
    offline: bool = False,
    without_missing: bool = False,
) -> Shown[Looked]:
    """Look inside a net at a picture, or at a run: what it learnt, when, and what confuses it.

    It shows itself in a notebook, ``save(path)`` writes the page, ``value`` is the look itself.

    Arguments:
        what: a picture (a path, bytes, pixels uint8), or a run (its name, its folder, itself).
        part, channel: the part of the net that is asked about (``stage2.1.conv1``), and one of its channels, from 0.
        at: (row, column) of the part's map whose view of the picture is measured.
        why, against: the class (or tag) that is asked about, and one that it is held against.
        object: of boxes, the number from 1 of the one that is asked about.
        pixel, box: of areas and counts, (x, y) or (left, top, right, bottom) in pixels of the picture.
        missed: of boxes, the number from 1 of an object that the picture's label has and no box found, or (x, y) in it,
            or (left, top, right, bottom) around it: why was it missed?
        method: by which evidence is sought ("layer-cam", "grad-cam", "occlusion", "integrated-gradients", ...).
        change: whether the smallest part of the picture is sought without which the answer is another.
        run: whose model is shown the picture.
        model: instead of it a model file, or published weights by name.
        net: instead of it an untrained net.
        input, classes, seed: of an untrained net: the (channels, height, width) it is given, how many classes it has,
            and what its weights are drawn by.
        runs_dir: the folder of runs.
        data_dir: where the files of data sets by name and of published weights are.
        offline: whether nothing is downloaded.
        without_missing: whether a run is looked at by what remains where some of its pictures are gone.

    Errors: DescribeError for a part, channel or place that is not there, and for what is said of a run and is for a
    picture (``channel``, ``at``, ``model``, ``net``); ModelError, PictureError, RunError.

    Example: ``striate.look("cat.jpg", run="pets-1").why.trust.level in ("good", "weak", "none")``
    """
    from striate.verbs.asked_places import Asked
    from striate.verbs.look import look as looked
    from striate.verbs.look import only_of_a_picture

    asked = Asked(why, object, pixel, box, missed, against, method, change)
    if isinstance(what, Run):
        if what._adopted is not None:
            only_of_a_picture(what.name, at=at, model=model, net=net, asked=asked.words)
            return what.look(part=part, channel=channel)
        what = what.path
    found = looked(
        what,
        part=part,
        channel=channel,
        at=at,
        asked=asked,
        run=name_of(run),
        model=model,
        net=net,
        input=input,
        classes=classes,
        seed=seed,
        workspace=Workspace.at(runs_dir, data_dir, download=not offline),
        without_missing=without_missing,
    )
    return shown_look(found, Path(what).name if isinstance(what, str | Path) else "look")


def compare(
    a: str | Run, b: str | Run, *, runs_dir: Path | str = "runs", data_dir: Path | str | None = None
) -> Shown[Comparison]:
    """Compare two runs on the pictures that neither has learnt from: is the difference real, or noise?

    It prints as a verdict with figures, and shows itself as the page with the pictures that tell them apart.

    Arguments:
        a, b: two runs, or their names.
        runs_dir: the folder of runs.
        data_dir: where the files of data sets by name are.

    Errors: RunError for runs of other tasks or labels, or that share no such picture.

    Example: ``striate.compare("pets-1", "pets-2").verdict()``
    """
    from striate.verbs.compare import compare as compared

    return shown_comparison(compared(name_of(a), name_of(b), Workspace.at(runs_dir, data_dir)))


def runs(runs_dir: Path | str = "runs") -> Table:
    """Return all runs of a folder (``runs_dir``) as a table, the one that was written last first; nothing is refused.

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
