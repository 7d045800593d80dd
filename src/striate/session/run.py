"""Run: a training and what came of it, as a person holds it in a script or a notebook.

What is on the disk is `striate.runs.run`'s; nothing of how it is stored shows here. What is returned prints as a few
lines and shows itself in a notebook.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from striate.errors import DescribeError, RunError
from striate.runs import names
from striate.runs.run import RunDirectory
from striate.session.shown import Shown, Table, framed, html_table, said
from striate.verbs.workspace import Workspace
from striate.words import counted

if TYPE_CHECKING:
    from striate.data.pictures.given import Picture
    from striate.model.build.model import Model
    from striate.recipe import Recipe
    from striate.render.html.compare_page import Comparison
    from striate.runs.predictor import Predictor
    from striate.tasks.prediction import Prediction
    from striate.verbs.adopt import Adopted
    from striate.verbs.evaluation import Evaluation
    from striate.verbs.look import Looked


@final
class Run:
    """A training and what came of it. `striate.train` returns one, and `open` finds one that is there.

    Attributes: ``name``; ``path``, its folder; ``state`` ("finished", "training" or "stopped"); ``notes``, sentences a
    person should read.

    Example: ``str(striate.Run.open("pets-1").predict("cat.jpg"))`` is like ``"0.92 cats, 0.08 dogs"``.
    """

    def __init__(self, directory: RunDirectory, *, adopted: Adopted | None = None) -> None:
        """Hold the run of a ``directory`` on the disk.

        ``adopted`` answers where the net is a module that only its own code can be, in this process alone.
        """
        self._directory, self._adopted = directory, adopted
        self._predictor: Predictor | None = None
        self._written: tuple[int, int] | None = None  # when, and how large, the model that is opened

    @classmethod
    def open(cls, name: str | Path = names.LAST, runs_dir: Path | str = "runs") -> Run:
        """Open a run.

        Arguments:
            name: of the run, its folder, or "last" for the newest.
            runs_dir: the folder of runs.

        Errors: RunError with the names there are. Example: ``striate.Run.open("pets-1").state`` is ``"finished"``.
        """
        return cls(RunDirectory.open(name, runs_dir))

    @property
    def name(self) -> str:
        """What it is called: the last part of its folder."""
        return self._directory.name

    @property
    def path(self) -> Path:
        """Its folder."""
        return self._directory.path

    @property
    def state(self) -> str:
        """Return ``finished``, ``training`` (a living process holds it) or ``stopped``."""
        return self._directory.state()

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences a person should read."""
        return tuple(self._directory.notes)

    @property
    def recipe(self) -> Recipe:
        """How it was trained: a recipe that trains the same again."""
        from striate.recipe import from_toml

        return from_toml(self._directory.recipe_toml(), where=str(self._directory.path / "recipe.toml"))

    @property
    def split(self) -> dict[str, tuple[str, ...]]:
        """The keys of its pictures by part (``train``, ``val``, ``test``): paths below ``recipe.source``."""
        kept = self._directory.split()
        return {part: tuple(kept.get(part, ())) for part in ("train", "val", "test")}

    @property
    def history(self) -> Table:
        """The epochs so far, a row each: ``pandas.DataFrame(run.history)`` takes it as it is."""
        rows = [
            {("epoch" if name == "index" else name): value for name, value in _flat(epoch)}
            for epoch in self._directory.history()
        ]
        return Table(rows, empty=f"{self.name} has no epoch yet")

    @property
    def figures(self) -> dict[str, Any]:
        """What it came to, as plain values: figures with intervals, its verdict. Errors: RunError if unfinished."""
        if not self._directory.finished():
            raise RunError(f"{self.name} is not finished; go on with striate.resume({self.name!r})")
        return dict(self._directory.read_json("finished.json"))

    @property
    def model(self) -> Model:
        """The network as a torch module, in evaluation mode. Errors: ModelError before there is one."""
        return self._asked().model

    @property
    def onnx(self) -> Path:
        """The model as an ONNX file for other programs. Errors: RunError where it was not written."""
        path = self.path / "model.onnx"
        if not path.is_file():
            raise RunError(f"{self.name} has no model.onnx; striate export {self.name} says why, or makes it")
        return path

    @property
    def report(self) -> Path:
        """Its report, a page for a browser. Errors: RunError before it is written."""
        if not self._directory.report_path.is_file():
            raise RunError(f"{self.name} has no report yet; go on with striate.resume({self.name!r})")
        return self._directory.report_path

    def predict(
        self, pictures: Picture | Iterable[Picture], *, unknown: bool = True, tile: int | str | None = None
    ) -> Prediction | list[Prediction]:
        """Return the answer about one picture, or a list of answers about many: one in, one out.

        Arguments:
            pictures: a path, the bytes of a file, a Pillow picture, an array (H, W) or (H, W, C), a tensor (C, H, W),
                or several of them; a folder's path is all pictures in it, in the order of their names.
            unknown: False never answers "none of these".
            tile: boxes, masks and counts in pictures larger than a tile are found tile by tile, each as long, at its
                longer side, as so many pixels of the picture; "auto": at the scale of the pictures it learnt from.

        Errors: PictureError that names the picture, ModelError before the run has a model, StriateError for a tile that
        cannot be.

        Example: ``len(run.predict("album"))`` is 6.
        """
        if isinstance(pictures, str | Path) and Path(pictures).is_dir():
            from striate.verbs.predict import pictures as files

            pictures = files([Path(pictures)]).files
        return self._asked().answer(pictures, unknown=unknown, tile=tile)

    def evaluate(
        self,
        data: str | Path | None = None,
        *,
        split: str | None = None,
        label_from: str | None = None,
        labels: str | Path | None = None,
        mend: str | Path | None = None,
        data_dir: Path | str | None = None,
        allow_bad: bool = False,
        without_missing: bool = False,
    ) -> Shown[Evaluation]:
        """Measure it on a part of its own pictures, or on others with the same labels.

        It prints as the figures with their intervals, shows itself as a table, and ``to_dict()`` is all of it.

        Arguments:
            data: other pictures, as `striate.train` takes them by path or name.
            split: "test", "val" or "train" of its own pictures; None: those that the run itself is measured by.
            label_from: a pattern that takes the labels of ``data`` out of the names of files.
            labels: which labels of ``data`` are meant: those of a format, or a file or folder.
            mend: a file of decisions about ``data`` (labels.toml); None: those kept for that folder, "none": nothing.
            data_dir: where the files of data sets by name are.
            allow_bad: whether it goes on where more than 1 % of the pictures of ``data`` cannot be read.
            without_missing: whether what remains is measured where some of its own pictures are gone.

        Errors: RunError without a model or where its pictures are gone, and for ``split`` beside ``data``; SourceError
        for ``data`` with other labels.

        Example: ``len(run.evaluate("pets").keys)`` is 28.
        """
        from striate.runs.predictor import Predictor
        from striate.verbs.evaluate import evaluate_opened

        own, directory = self._adopted, RunDirectory.open(self.path)
        found = evaluate_opened(
            directory,
            Predictor.open(directory.model_path, onnx=False) if own is None else own.predictor,
            split=split,
            data=None if data is None else str(data),
            label_from=label_from,
            labels=None if labels is None else str(labels),
            mend=None if mend is None else str(mend),
            provided=None if own is None else own.provided(),
            workspace=Workspace.at(self.path.parent, data_dir),
            allow_bad=allow_bad,
            without_missing=without_missing,
        )
        return shown_evaluation(found)

    def look(
        self,
        picture: Picture | None = None,
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
    ) -> Shown[Looked]:
        """Look inside: at what it made of a picture, or, without one, at what it learnt and what confuses it.

        It shows itself in a notebook; ``save(path)`` of it writes the page.

        Arguments:
            picture: as of `predict`, one of them.
            part, channel, at: the part of the net that is asked about, one of its channels, from 0, and the
                (row, column) of its map whose view of the picture is measured.
            why, against: the class (or tag) that is asked about, and one that it is held against.
            object: of boxes, the number from 1 of the one that is asked about.
            pixel, box: of areas and counts, (x, y) or (left, top, right, bottom) in pixels of the picture.
            missed: of boxes, the number from 1 of an object that the picture's label has and no box found, or (x, y)
                in it, or (left, top, right, bottom) around it: why was it missed?
            method: by which evidence is sought ("layer-cam", "grad-cam", "occlusion", "integrated-gradients", ...).
            change: whether the smallest part of the picture is sought without which the answer is another.

        Errors: DescribeError for a part, a channel or a place that is not there, PictureError.

        Example: ``run.look("cat.jpg").why.trust.level in ("good", "weak", "none")``
        """
        from striate.verbs.asked_places import Asked

        asked = Asked(why, object, pixel, box, missed, against, method, change)
        if self._adopted is not None:
            from striate.verbs.adopt import Adopted

            if asked.words:
                raise DescribeError(f"the net of {self.name} is somebody's code; it is not asked: {asked.words}")
            inside = self._directory if picture is None else picture
            return shown_look(Adopted.look(self._adopted, inside, part=part, channel=channel, at=at), self.name)
        from striate.verbs.look import look

        what = self.path if picture is None else picture
        found = look(what, part=part, channel=channel, at=at, asked=asked, run=str(self.path))
        return shown_look(found, self.name)

    def __repr__(self) -> str:
        return f"{self.name}: {self._said()}"

    def _repr_html_(self) -> str:
        return said(self.name, self._said())

    def __dir__(self) -> list[str]:
        return [name for name in vars(type(self)) if not name.startswith("_")]

    def _said(self) -> str:
        """Return in a line what it came to, or how far it is."""
        if not self._directory.finished():
            return f"{self.state} after {counted(len(self._directory.history()), 'epoch')}"
        from striate.verbs.runs import summary

        found = summary(self._directory)
        if not found.figure_text:
            return "finished"
        return f"{found.measure} {found.figure_text} on {counted(found.pictures, f'{found.part} picture')}"

    def _asked(self) -> Predictor:
        """Return what answers, opened once; opened anew where the model was written again since."""
        from striate.runs.predictor import Predictor

        if self._adopted is not None:
            return self._adopted.predictor
        path = self._directory.model_path
        written = (path.stat().st_mtime_ns, path.stat().st_size) if path.is_file() else None
        if self._predictor is None or written != self._written:
            self._predictor, self._written = Predictor.open(self.path), written
        return self._predictor


def shown_evaluation(found: Evaluation) -> Shown[Evaluation]:
    """Return an evaluation that prints as its figures and shows itself as a table."""
    from striate.session.evaluation_text import text

    return Shown(found, text=lambda: text(found), html=lambda: _evaluation_html(found))


def shown_look(found: Looked, name: str) -> Shown[Looked]:
    """Return a look that prints as its answers and shows itself as its page."""
    from striate.render.html.look_page import as_text
    from striate.verbs.look import answers, page

    def whole() -> str:
        return page(found, name)

    return Shown(found, text=lambda: as_text(answers(found)).rstrip(), html=lambda: framed(whole()), page=whole)


def shown_comparison(found: Comparison) -> Shown[Comparison]:
    """Return a comparison that prints as its verdict and figures, and shows itself as its page."""
    from striate.render.html import compare_page
    from striate.render.html.look_page import page

    title, quiet = f"{found.a} or {found.b}?", f"{found.a} and {found.b}, asked about the same pictures."

    def whole() -> str:
        return page(title, quiet, compare_page.answers(found))

    return Shown(found, text=lambda: compare_page.text(found), html=lambda: framed(whole()), page=whole)


def _evaluation_html(found: Evaluation) -> str:
    rows = [(one.text or "figure", one.value, one.between) for one in found.found.figures()]
    of = f"{found.name} on {counted(len(found.keys), 'picture')} ({found.part})"
    table = html_table(("figure", "value", "95 % interval"), rows, right=(False, True, True))
    return said(of, found.verdict.text) + table


def _flat(epoch: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    """Yield an epoch's values, those that stand in a value of their own (metrics, terms of the loss) by their names."""
    for name, value in epoch.items():
        if isinstance(value, dict):
            yield from ((f"val_{inner}" if name == "metrics" else inner, one) for inner, one in value.items())
        else:
            yield name, value
