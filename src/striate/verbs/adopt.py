"""Adopt: a torch module of somebody's own, made to do all that a net of ours does. Imports everything to its left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar, cast

from torch import nn

from striate.data.pictures.given import Picture
from striate.data.pictures.preprocess import Preprocess
from striate.errors import DescribeError, ExportError, ModelError, RecipeError, RunError, TrainingError
from striate.interpret.torch_probe import TorchProbe
from striate.model.adopt.examine import why_not_trained
from striate.model.adopt.express import class_name
from striate.model.adopt.given import copied
from striate.model.adopt.taken import TakenIn, class_names, refuse_to_look, take_in
from striate.model.adopt.wrapped_module import WrappedModule
from striate.model.build.model import Model
from striate.model.files.weights import ModelFile, to_pieces, with_state
from striate.recipe import Recipe
from striate.runs import durable
from striate.runs.predictor import Predictor
from striate.runs.run import RunDirectory
from striate.spec.code import Code
from striate.spec.shape import Shape
from striate.spec.survey import Survey
from striate.tasks.table import BY_ITSELF
from striate.verbs.adopt_weights import with_weights
from striate.verbs.evaluate import evaluate_on, evaluate_run
from striate.verbs.evaluation import Evaluation
from striate.verbs.prepared import ProvidedModel
from striate.verbs.train import Event, training
from striate.verbs.workspace import HERE, Workspace

if TYPE_CHECKING:
    from striate.export.onnx import Parity
    from striate.interpret.arithmetic.dot import Dot
    from striate.tasks.prediction import Prediction
    from striate.verbs.look import Looked


AnyAdopted = TypeVar("AnyAdopted", bound="Adopted")


class Adopted:
    """A torch module of somebody's own, with all that Striate does with a net. Make one with `adopt`.

    Where the module can be said in the words of a net, ``net`` is that net, proven to answer alike, and its runs and
    model files need nothing of the module any more. Where it cannot, ``net`` is a `striate.spec.code.Code` and ``why``
    the reason: it is surveyed as it was seen at work, and its runs and files need its code.

    Attributes: ``module`` a copy of what was given, with the weights that answer; it is never trained in place.
    ``net``, ``why`` (None: it is a net), ``notes`` (what a person should know of the translation), ``input``,
    ``classes``, ``predictor``.
    """

    def __init__(
        self,
        taken: TakenIn,
        predictor: Predictor,
        *,
        named: bool,
        measured: bool,
        fit: str = "floor",
    ) -> None:
        net, expressed = taken.net, taken.expressed
        self.output, self.fit = taken.output, fit
        self.module, self.net, self.predictor = taken.module, net, predictor
        self.why = net.why if isinstance(net, Code) else None
        lost = net.on(taken.input, fit="floor").unseen
        passed = () if lost is None else (f"{lost} of every picture are never seen: it is taken as it is",)
        self.notes = (*(expressed.notes if expressed is not None else ()), *passed)
        self.input, self.classes = taken.input, predictor.classes
        self._taken, self._named, self._measured = taken, named, measured

    def __repr__(self) -> str:
        return f"<{type(self.module).__name__} adopted as: {self.net}>"

    @property
    def survey(self) -> Survey:
        """The table of its layers on its input; what is not known of somebody's code is said there."""
        survey = self.net.on(self.input, fit="floor")
        expressed = self._taken.expressed
        return survey if expressed is None else replace(survey, rows=survey.rows + expressed.left_out)

    def training(
        self,
        recipe: Recipe,
        workspace: Workspace = HERE,
        *,
        name: str | None = None,
        allow_bad: bool = False,
    ) -> Iterator[Event]:
        """Train by a recipe and yield what happens, as `striate.training` does; stop reading to stop."""
        if self.why is not None:
            reason = why_not_trained(self.module, self.input, len(self.classes), self.output)
            if reason is not None:
                raise TrainingError(reason)
        if recipe.weights is not None:
            raise RecipeError(f"start = {recipe.start!r}: an adopted module starts from its own weights; leave it out")
        provided = self.provided()
        fixed: dict[str, Any] = {
            "net": str(self.net),
            "fit": self.fit,
            "size": self.input.size,
            "colour": "gray" if self.input.channels == 1 else "rgb",
            **({} if provided.preprocess is None else {"resize": provided.preprocess.resize}),
        }
        for field, value in fixed.items():
            if getattr(recipe, field) not in (None, value):
                raise RecipeError(
                    f"{field} = {getattr(recipe, field)!r}: the adopted module was taken with {value!r};"
                    f" leave {field} out, or adopt it otherwise"
                )
        if self.why is not None:  # its code may take the memory order for granted, as x.view(...) does
            fixed["channels_last"] = False
        return training(
            recipe.changed(**fixed),
            workspace,
            provided=provided,
            name=name,
            allow_bad=allow_bad,
        )

    def predict(self, pictures: Picture | Iterable[Picture], *, unknown: bool = True) -> Prediction | list[Prediction]:
        """Answer for one picture, or give a list of answers for several (`Predictor.predict` says what pictures are).

        Until it was trained here its probabilities are not calibrated, and every picture gets a class.
        """
        return self.predictor.answer(pictures, unknown=unknown)

    def look(
        self,
        what: Picture | RunDirectory,
        *,
        part: str | None = None,
        channel: int | None = None,
        at: tuple[int, int] | None = None,
    ) -> Looked:
        """Look inside at a picture, at one of its parts or channels, or at a run of its own, as `striate.look` does.

        Of somebody's code no windows are known: what a place sees is measured on the picture, by gradients.

        Example: ``adopted.look("cat.jpg").why.trust.level in ("good", "weak", "none")``
        """
        from striate.verbs.look import look_run, look_subject, only_of_a_picture

        if isinstance(what, RunDirectory):
            only_of_a_picture(what.name, channel=channel, at=at)
            provided = self.provided() if self.why is not None else None
            return look_run(str(what.path), part=part, predictor=self.load(what).predictor, provided=provided)
        refuse_to_look(self.module)
        return look_subject(self.probe(what), part=part, channel=channel, at=at)

    def probe(self, picture: Picture) -> TorchProbe:
        """Return it with a picture, to be asked anything: ``why(adopted.probe("cat.jpg"), against="dog")``."""
        return TorchProbe.of(self.predictor, picture)

    def dot(
        self, picture: Picture, part: str | None = None, channel: int | None = None, at: tuple[int, int] | None = None
    ) -> Dot:
        """Return how one number of a part was made, term by term; of somebody's code, of its modules that are layers.

        Without ``part`` it is the first convolution; without ``channel`` or ``at`` (row, column) the largest value.

        Example: ``len(adopted.dot("cat.jpg", "conv1", 5, (7, 9)).contributions.terms)`` is 27.
        """
        from striate.interpret.arithmetic.dot import dot
        from striate.interpret.arithmetic.dot_code import dot_in_code

        return (dot if self.why is None else dot_in_code)(self.probe(picture), part, channel, at)

    def evaluate(
        self,
        source: str | Path | RunDirectory,
        *,
        split: str | None = None,
        workspace: Workspace = HERE,
        allow_bad: bool = False,
    ) -> Evaluation:
        """Evaluate it on pictures whose classes it knows by name, or a run of its own on a ``split`` of the run's.

        Errors: SourceError for classes it does not know, RunError for pictures of a run that are gone or have changed.
        Example: ``adopted.evaluate("pets").report.accuracy.value <= 1``
        """
        if isinstance(source, RunDirectory):
            provided = self.provided() if self.why is not None else None
            return evaluate_run(source, self.load(source).predictor, part=split, provided=provided, workspace=workspace)
        if split is not None:
            raise RunError(f"split = {split!r} is of a run's own pictures, and {source} is no run")
        name = type(self.module).__name__
        return evaluate_on(self.predictor, str(source), name=name, workspace=workspace, allow_bad=allow_bad)

    def save(self, path: Path | str) -> None:
        """Write it as a model file: of a net enough by itself, of somebody's code to be `load` ed by it."""
        predictor = self.predictor
        tensors = with_state(predictor.model.state_dict(), predictor.state.arrays)
        durable.write(Path(path), to_pieces(tensors, predictor.facts))

    def export(self, output: Path | str) -> Parity:
        """Write it as an ONNX file for other programs; return how far its answers lie from torch's.

        Of a net we write the graph; of somebody's code torch follows the way one batch takes through it. Either is
        written only where it answers as torch does, on parts of two photographs. Raises ExportError, DiskError.

        Example: ``adopted.export("mine.onnx").pictures``
        """
        from striate.export.onnx import export_onnx
        from striate.verbs.export import photographs

        predictor = self.predictor
        with TemporaryDirectory() as folder:
            file = Path(folder, "model.safetensors")
            self.save(file)
            try:
                return export_onnx(predictor.model, file, photographs(predictor.preprocess), output=Path(output))
            except ExportError as error:  # the file between is nothing that a person knows of
                raise ExportError(str(error).replace(str(file), type(self.module).__name__)) from None

    def load(self: AnyAdopted, path: Path | str | RunDirectory) -> AnyAdopted:
        """Return it with the weights, classes and calibration of a model file or run; this one stays as it is.

        Its ``module`` is the module given to `adopt`, with those weights. Raises ModelError for the file of another
        net, and whatever `Predictor.open` raises.
        """
        path = path.path if isinstance(path, RunDirectory) else Path(path)
        module = copied(self.module)
        if self._taken.expressed is None:
            assert isinstance(self.net, Code)
            provided = WrappedModule(module, self.net, None, output=self.output)
            predictor = Predictor.open(path, provided=cast(Model, provided))
            module = copied(provided.module).cpu()
        else:
            predictor = Predictor.open(path)
            if predictor.facts.net != str(self.net):
                raise ModelError(f"{path} holds the net {predictor.facts.net}, and this is {self.net}")
            self._taken.expressed.give_back(predictor.model, module)
        return type(self)(replace(self._taken, module=module), predictor, named=True, measured=True, fit=self.fit)

    def load_weights(self: AnyAdopted, path: Path | str, *, entry: str = "") -> AnyAdopted:
        """Return it with the weights of somebody else's file (``entry`` of it, such as ema), read in the sandbox."""
        module = with_weights(self.module, path, entry=entry)
        classes = self.classes if self._named else len(self.classes)
        how = self.predictor.preprocess if self._measured else None
        return adopt(
            module, input=self.input, classes=classes, preprocess=how, output=self.output, fit=self.fit, kind=type(self)
        )

    def provided(self) -> ProvidedModel:
        """Return what a training begins from."""
        return ProvidedModel(
            self.net,
            self.predictor.preprocess if self._measured else None,
            self.classes if self._named else None,
            self._taken.model,
            self.output,
        )


def adopt(
    module: nn.Module,
    *,
    input: tuple[int, int, int] | Shape,
    classes: int | Sequence[str],
    preprocess: Preprocess | None = None,
    output: str | int | None = None,
    fit: str = "floor",
    kind: type[AnyAdopted] = Adopted,  # type: ignore[assignment]
) -> AnyAdopted:
    """Take in a torch module of the user's own: to survey, train, evaluate, predict with and save it.

    The module takes (N, channels, height, width) float inputs, channels 1 or 3 (gray or RGB), and returns (N, classes)
    logits. ``input`` is (channels, height, width) in pixels. ``classes`` are the names of its outputs in order, or how
    many there are, which leaves the names to the pictures it is trained on. ``preprocess`` says how pictures become
    its inputs, where its weights are used to something: it is kept. Without it pixels are divided by 255, and a
    training takes the mean and std of its own pictures. Of several outputs ``output`` says which answers, by its key,
    its field or its place. ``fit`` "floor" takes a module as it is, also where it never looks at some of the picture
    (`Adopted.notes` says so); "exact" refuses one that is read as a net and does not.

    It is asked with pictures alone: other arguments of its forward stay at their defaults. What torch wraps around a
    module (`torch.compile`, several devices) is taken off.

    The module is run on random pictures in copies; nothing in it changes, now or when the adopted is trained. Raises
    `DescribeError` naming what it gave and what was wanted.

    Example: ``str(adopt(MyNet(), input=(3, 16, 16), classes=["cats", "dogs"]).survey.output)`` is ``"2"``.
    """
    shape = input if isinstance(input, Shape) else Shape(*input)
    names = class_names(classes)
    prepared = preprocess or Preprocess(height=shape.size[0], width=shape.size[1], channels=shape.channels)
    if (prepared.channels, prepared.height, prepared.width) != tuple(shape):
        raise DescribeError(
            f"preprocess makes inputs of {prepared.channels}x{prepared.height}x{prepared.width}, and input is {shape}"
        )
    taken = take_in(module, shape, len(names), output=output, fit=fit)
    facts = ModelFile(
        net=str(taken.net),
        input=(prepared.channels, prepared.height, prepared.width),
        task=BY_ITSELF,
        names=names,
        preprocess=prepared.to_dict(),
        provenance={"adopted": class_name(taken.module)},
    )
    predictor = Predictor(None, facts, provided=taken.model(prepared))
    named, measured = not isinstance(classes, int), preprocess is not None
    return kind(taken, predictor, named=named, measured=measured, fit=fit)
