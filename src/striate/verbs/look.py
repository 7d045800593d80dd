"""Look: what a net sees in a picture, what a channel looks for, what a run learnt. Imports inside; prints nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch

from striate.data.pictures.given import Picture
from striate.errors import DescribeError
from striate.interpret import look as looks
from striate.interpret.activations.epoch_maps import chosen
from striate.interpret.activations.epoch_maps import watched as watchable
from striate.interpret.activations.maps import feature_maps, stages
from striate.interpret.activations.receptive import effective_field
from striate.interpret.attribution.explain import explain_each
from striate.interpret.diagnostics.confusion import UncertainExample, confusion
from striate.interpret.diagnostics.health import health
from striate.interpret.look import Mistake, PartLook, PictureLook, RunLook, Worst
from striate.interpret.torch_probe import TorchProbe
from striate.metrics.mistakes import Mistake as Wrong
from striate.model.build.modules import UnevenConv
from striate.render.answer import Answer
from striate.render.html import look_page
from striate.render.look_picture import part_answers, picture_answers
from striate.render.look_run import run_answers
from striate.runs import filters, maps, names
from striate.runs.predictor import Predictor
from striate.runs.rebuild import frozen
from striate.runs.run import RunDirectory
from striate.spec.shape import Shape
from striate.spec.survey import Survey
from striate.verbs.asked_places import Asked
from striate.verbs.asking import asking
from striate.verbs.channel import look_channel
from striate.verbs.evaluate import evaluate_prepared
from striate.verbs.evaluate_folds import evaluate_folds
from striate.verbs.evaluation import Evaluation
from striate.verbs.folds import answers_of
from striate.verbs.learnt_from import caution
from striate.verbs.prepared import Prepared, ProvidedModel, subset
from striate.verbs.probe import Network, open_probe
from striate.verbs.reopen import changes, config_of, reopen_data, row_of
from striate.verbs.why import Why, evidence, why_asked
from striate.verbs.why import answers as why_answers
from striate.verbs.workspace import HERE, Workspace

Looked: TypeAlias = PictureLook | PartLook | RunLook | Why

LABELS = 24  # pictures whose label is worth a look that are shown
EXAMINED = 64  # pictures that are enough to see whether the layers work


def look(
    what: Picture,
    *,
    part: str | None = None,
    channel: int | None = None,
    at: tuple[int, int] | None = None,
    asked: Asked | None = None,
    run: str = "last",
    model: str | Path | None = None,
    net: str | None = None,
    input: Shape | tuple[int, int, int] | None = None,
    classes: int | None = None,
    seed: int = 0,
    workspace: Workspace = HERE,
    without_missing: bool = False,
) -> Looked:
    """Look inside a net at a picture, or at a run.

    A picture (a path, bytes, or pixels uint8) is shown to a run's model, to a ``model`` (a file, or published weights
    by name) or to an untrained ``net`` (of an ``input``, so many ``classes`` and weights
    drawn by ``seed``, where they are said); with ``part`` the answer is about that part, with ``channel`` about that
    channel of it, and with something ``asked`` about what it answers it is why (`Why`). A run's name or folder gives
    what it learnt, when, and what confuses it. `page` makes a page of it.

    Errors: DescribeError, ModelError, PictureError, RunError.

    Example: ``look("cat.jpg", run="pets-1").why.trust.level in ("good", "weak", "none")``
    """
    if isinstance(what, str | Path) and is_run(what, workspace.runs_dir):
        only_of_a_picture(str(what), channel=channel, at=at, model=model, net=net, asked=asked and asked.words)
        return look_run(str(what), part=part, workspace=workspace, without_missing=without_missing)
    shape = None if input is None else input if isinstance(input, Shape) else Shape(*input)
    untrained: dict[str, Any] = {"net": net, "input": shape, "classes": classes, "seed": seed}
    network = Network(run=run, model=model, workspace=workspace, **untrained)
    if asked is not None and asked.said:
        return why_asked(what, network, asked, part=part)
    return look_at(what, network, part=part, channel=channel, at=at, without_missing=without_missing)


def look_at(
    picture: Picture,
    network: Network,
    *,
    part: str | None = None,
    channel: int | None = None,
    at: tuple[int, int] | None = None,
    without_missing: bool = False,
) -> PictureLook | PartLook:
    """Return what a network makes of a picture; a channel is sought in the pictures of the run it is of."""
    probe = open_probe(picture, network)
    if part is None or channel is None or network.model is not None or network.net is not None:
        found = look_subject(probe, part=part, channel=channel, at=at)
    else:
        run = RunDirectory.open(network.run, network.workspace.runs_dir)
        pictures = reopen_data(run, workspace=network.workspace, without_missing=without_missing)
        found = look_part(probe, part, channel=channel, at=at, pictures=pictures)
    says = found.answer if isinstance(found, PictureLook) else looks.answered(probe)
    return replace(found, caution=caution(picture, network, says))


def look_subject(
    probe: TorchProbe, *, part: str | None = None, channel: int | None = None, at: tuple[int, int] | None = None
) -> PictureLook | PartLook:
    """Return a look at a net's picture, at a part or at a channel of it. Errors: DescribeError."""
    if part is not None:
        return look_part(probe, part, channel=channel, at=at)
    if channel is not None or at is not None:
        raise DescribeError("a channel and a place are of a part: name it too")
    return look_picture(probe)


def answers(look: Looked) -> list[Answer]:
    """Return what a look says, ready to be drawn: the first answer is the one it was asked for."""
    if isinstance(look, RunLook):
        return run_answers(look)
    if isinstance(look, Why):
        return why_answers(look)
    first, *rest = picture_answers(look) if isinstance(look, PictureLook) else part_answers(look)
    return [replace(first, caution=look.caution), *rest]


def page(look: Looked, title: str = "look", quiet: str = "") -> str:
    """Return a look as one self-contained page of HTML.

    Example: ``Path("a.html").write_text(page(look("cat.jpg")), encoding="utf-8")``
    """
    return look_page.page(title, quiet, answers(look))


def is_run(what: str | Path, runs_dir: Path) -> bool:
    """Return whether a word stands for a run and not for a picture's file."""
    what = names.followed(what, runs_dir)
    if what.is_file():
        return False
    return str(what) == names.LAST or any((folder / names.MARK).is_file() for folder in (runs_dir / what, what))


def only_of_a_picture(run: str, **said: object) -> None:
    """Refuse what is said of a look at a run, and is for a look at a picture. Errors: DescribeError."""
    words = [str(value) if word == "asked" else word for word, value in said.items() if value is not None]
    if words:
        raise DescribeError(f"{run} is a run: {', '.join(words)} can be said of a picture alone")


def look_picture(probe: TorchProbe) -> PictureLook:
    """Return what a net makes of a picture, from its answer back: why, what each stage saw, what its best place sees.

    Example: ``look_picture(probe).answer``
    """
    answer = looks.answered(probe)
    seen = stages(probe)
    if not seen:
        raise DescribeError("this net has no map with more than one place: there is nothing to see in it")
    part = seen[-1].part
    question = None
    if answer is not None:
        with torch.no_grad():
            question = probe.question(probe.model(probe.inputs))
    place = looks.winning_place(probe, part, question)
    why, failed = evidence(probe) if answer is not None and probe.trained else (None, ())
    return PictureLook(probe, answer, why, failed, seen, effective_field(probe, part, place, draws=1))


def look_part(
    probe: TorchProbe,
    part: str,
    *,
    channel: int | None = None,
    at: tuple[int, int] | None = None,
    pictures: Prepared | None = None,
    seed: int = 0,
) -> PartLook:
    """Return what a part makes of a picture and, for one ``channel``, what it looks for.

    ``at`` (row, column) is whose receptive field is measured: without it, where the first map is highest.
    ``pictures`` are searched for what excites the channel (`reopen_data`). Errors: DescribeError for a part, a channel
    or a place that is not there.

    Example: ``look_part(probe, "conv2", channel=5).channel.channel`` is 5.
    """
    stage = feature_maps(probe, part, channel=channel)
    field = effective_field(probe, stage.part, at or stage.maps[0].place, channel)
    wanted = None if channel is None else look_channel(probe, stage.part, channel, pictures, seed=seed)
    return PartLook(probe, stage, field, wanted)


def look_run(
    name: str = "last",
    *,
    part: str | None = None,
    workspace: Workspace = HERE,
    predictor: Predictor | None = None,
    provided: ProvidedModel | None = None,
    without_missing: bool = False,
) -> RunLook:
    """Return what a run learnt, when, what confuses it, and whether its layers work.

    ``part`` is the one whose maps are shown epoch by epoch. ``predictor`` and ``provided`` are of a run whose net only
    its own code can be (`Adopted.look`). ``without_missing`` looks at what remains where some of its pictures are gone.
    Errors: RunError for a run without a model, or whose pictures are gone; DescribeError for a part of which no maps
    were kept.

    Example: ``look_run("pets-1").confusion.pairs[0]``
    """
    run = RunDirectory.open(name, workspace.runs_dir)
    course = maps.kept(run)
    predictor = Predictor.open(run.path, device="cpu", onnx=False) if predictor is None else predictor
    kept = filters.kept(run)
    unwatched = "" if course or kept else _unwatched(run, predictor)
    watched = chosen(course, part, why_none=unwatched or _NO_MAP)
    prepared = reopen_data(run, workspace=workspace, provided=provided, without_missing=without_missing)
    given = frozen(predictor.facts)
    split = next((part for part in ("test", "val", "train") if getattr(prepared.split, part)), "train")
    if prepared.folds is not None:  # what had not seen a picture answers for it, as in the report
        evaluation = evaluate_folds(run.name, prepared, answers_of(run, prepared), predictor.learnt)
    else:
        ask = asking(predictor.model, prepared.store, predictor.task)
        evaluation = evaluate_prepared(run, prepared, ask, predictor.learnt, part=split)
    split, rows, judged = evaluation.part, evaluation.indices, evaluation.found
    told = judged.confused()
    found = None if told is None else confusion(*told)
    keys = [item.key for item in prepared.source.items]

    def shown(doubt: UncertainExample) -> Mistake:
        row = int(rows[doubt.picture])
        return Mistake(keys[row], np.array(prepared.store.pixels[row]), replace(doubt, picture=row))

    pairs = () if found is None else found.pairs
    between = tuple(tuple(shown(doubt) for doubt in pair.between) for pair in pairs)
    row = None if watched is None else row_of(run, prepared, course[watched].picture)
    examined = subset(list(rows), EXAMINED, seed=0)
    still = _not_trained(prepared.survey)
    example = np.array(prepared.store.pixels[rows[0]])
    made, channel = looks.filters_over(_inputs(predictor, example), kept, *_steps(predictor))
    return RunLook(
        run.name,
        evaluation.part,
        predictor.labels.names,
        found,
        between,
        ()
        if found is None
        else _with_evidence(predictor, [shown(doubt) for doubt in found.mistakes], kept=prepared.folds is not None),
        health(
            predictor.model,
            np.array(prepared.store.pixels[examined]),
            predictor.task.encode(prepared.labels, examined),
            task=predictor.task,
            frozen=still,
        ),
        kept,
        example,
        made,
        channel,
        given,
        course,
        None if row is None else watched,
        None if watched is None or row is None else np.array(prepared.store.pixels[row]),
        changes(run, prepared),
        unwatched,
        tuple(shown(_doubt(one)) for one in evaluation.label_issues[:LABELS]),
        evaluation.verdict.kind == "labels",
        _worst(predictor, evaluation, prepared) if found is None else (),
        str(judged.headline),
    )


def _worst(predictor: Predictor, evaluation: Evaluation, prepared: Prepared, most: int = 4) -> tuple[Worst, ...]:
    """Return the worst answers, each with the evidence for what was said."""
    rows = evaluation.found.worst(most)
    pixels = [np.array(prepared.store.pixels[evaluation.indices[row]]) for row in rows]
    why = explain_each([(TorchProbe.of(predictor, one), [(None, None)]) for one in pixels])
    return tuple(
        Worst(evaluation.keys[row], one, evaluation.found.caption(int(row)), found)
        for row, one, (found,) in zip(rows, pixels, why, strict=True)
    )


def _doubt(one: Wrong) -> UncertainExample:
    return UncertainExample(one.index, one.target, one.predicted, one.target_probability, one.confidence)


def _not_trained(survey: Survey) -> tuple[str, ...]:
    """Return the parts that did not learn: the frozen ones, and those without weights between and before these."""
    learning = [place for place, row in enumerate(survey.rows) if row.parameters and not row.frozen]
    first = learning[0] if learning else len(survey.rows)
    frozen = any(row.frozen for row in survey.rows)
    return tuple(row.path for place, row in enumerate(survey.rows) if row.frozen or (frozen and place < first))


_NO_MAP = "its net puts out no map that could be watched"


def _unwatched(run: RunDirectory, predictor: Predictor) -> str:
    """Return why a run kept neither filters nor maps while it learnt."""
    if config_of(run).tune == "head":
        return (
            "its head alone learnt, on features that stayed as they are; the layers before it are frozen as they came"
        )
    return "it was trained before such were kept" if watchable(predictor.model) else _NO_MAP


def _inputs(predictor: Predictor, pixels: np.ndarray) -> torch.Tensor:
    return predictor.model.normalise(torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()))


def _steps(predictor: Predictor) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return stride and padding of the first convolution."""
    first = next((one for one in predictor.model.modules() if isinstance(one, torch.nn.Conv2d)), None)
    if first is None or isinstance(first.padding, str):
        return (1, 1), (0, 0)
    if isinstance(first, UnevenConv):
        return (first.stride[0], first.stride[1]), (first.sides[2], first.sides[0])
    return (first.stride[0], first.stride[1]), (first.padding[0], first.padding[1])


def _with_evidence(predictor: Predictor, mistakes: Sequence[Mistake], *, kept: bool) -> tuple[Mistake, ...]:
    """Return mistakes with what speaks for what was said and not the truth, and for the truth and not what was said.

    ``kept``: the doubt is another's than the predictor's, whose answer is then given beside it.
    By Grad-CAM: LayerCAM leaves out what speaks against, and the answer follows it less often in such a question.
    """
    asked = []
    for one in mistakes:
        said, truth = one.doubt.said, one.doubt.truth
        asked.append((TorchProbe.of(predictor, one.pixels), [(said, truth), (truth, said)]))
    found = explain_each(asked, method="grad-cam")
    says = [looks.answered(probe) if kept else None for probe, _ in asked]
    return tuple(
        replace(one, for_said=first, for_truth=second, kept=answer)
        for one, (first, second), answer in zip(mistakes, found, says, strict=True)
    )
