"""Why did it say that: from a model with a picture to evidence with its trust. Imports torch."""

from __future__ import annotations

import difflib
import statistics
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from striate.errors import DescribeError, StriateError
from striate.inside.evidence.cam import maps, spread
from striate.inside.evidence.curves import curves
from striate.inside.evidence.methods import DEFAULT, METHODS, Method
from striate.inside.evidence.question import Question
from striate.inside.evidence.shuffle import shuffled
from striate.inside.evidence.value import Choice, Evidence, Trust
from striate.inside.subject import Subject
from striate.model.build import Model

CANDIDATES = 2  # parts among which the best is sought: the last of each of the last two sizes of map


def explain(
    subject: Subject,
    *,
    method: str = DEFAULT,
    target: str | int | None = None,
    against: str | int | None = None,
    part: str | None = None,
    removal: str = "blur",
    trust: bool = True,
    seed: int = 0,
) -> Evidence:
    """Return the evidence for an answer: the likeliest class or ``target``, and why not ``against`` it.

    Of two classes the answer is always held against the other, as that is what decides. For a method that looks at
    a part's map and no ``part``, the part is chosen as `Choice` says among the last parts of the last two map sizes
    by measuring each on this picture (`choose_part` does it once for a net, on several). ``removal`` is what takes
    pieces of the picture away in the curves. Without ``trust`` nothing is measured and the last part is looked at.
    The same seed gives the same value. Errors: StriateError for a method, class or part that is not there.

    Example: ``explain(subject, target="cat", against="dog").trust.phrase``
    """
    how = METHODS.get(method)
    if how is None:
        raise StriateError(f"there is no method {method!r}; there are {', '.join(METHODS)}")
    if part is not None and how.of_map is None:
        raise StriateError(f"{how.title} looks at the picture, not at a part; leave {part!r} out, or use {DEFAULT}")
    model, inputs = subject.model, subject.inputs
    with torch.no_grad():
        logits = model(inputs)
    question = ask(subject, logits, target, against)
    parts = _parts(subject, how, part, trust=trust)
    heats, missing = _heats(model, inputs, question, how, parts)
    judged = _judged(subject, question, how, parts, heats, removal, seed) if trust else ()
    choice, number = None, 0
    if len(parts) > 1:
        choice = _choice(parts, [judged])
        number = parts.index(choice.part)
    heat = heats[number]
    return Evidence(
        method,
        how.title,
        question,
        subject.classes[question.target],
        None if question.against is None else subject.classes[question.against],
        float(question.probability(logits)[0]),
        subject.pixels,
        heat.numpy().astype(np.float32),
        how.unit,
        parts[number],
        choice,
        missing,
        judged[number] if trust else None,
        how.shows,
        how.hides,
    )


def choose_part(subjects: Sequence[Subject], *, method: str = DEFAULT, removal: str = "blur", seed: int = 0) -> Choice:
    """Return the part at which a method's evidence for the likeliest class is best on average over some pictures.

    The subjects are pictures of one model. Example: ``explain(subject, part=choose_part(subjects).part)``
    """
    how, parts, judged = METHODS[method], candidates(subjects[0]), []
    for subject in subjects:
        with torch.no_grad():
            question = ask(subject, subject.model(subject.inputs))
        heats, _ = _heats(subject.model, subject.inputs, question, how, parts)
        judged.append(_judged(subject, question, how, parts, heats, removal, seed))
    return _choice(parts, judged)


def ask(
    subject: Subject, logits: Tensor, target: str | int | None = None, against: str | int | None = None
) -> Question:
    """Return the question about classes given by name or number; the likeliest where None."""
    chosen = int(logits[0].argmax()) if target is None else _number(subject.classes, target)
    other = None if against is None else _number(subject.classes, against)
    if other is None and logits.shape[1] == 2:
        other = 1 - chosen
    question = Question(chosen, other)
    question.score(logits)  # refuses what cannot be asked
    return question


def candidates(subject: Subject) -> list[str]:
    """Return the last part of each of the last two sizes of map on the main way, in the net's order.

    Errors: DescribeError for a net without maps.
    """
    last: dict[tuple[int, int], str] = {}
    for row in subject.survey.rows:
        if row.output is not None and not row.aside and row.output.is_map and min(row.output.size) > 1:
            last.pop(row.output.size, None)
            last[row.output.size] = row.path
    if not last:
        raise DescribeError("this net has no map larger than 1x1 to look at; use occlusion or integrated-gradients")
    return list(last.values())[-CANDIDATES:]


def _judged(
    subject: Subject,
    question: Question,
    how: Method,
    parts: Sequence[str | None],
    heats: Sequence[Tensor],
    removal: str,
    seed: int,
) -> tuple[Trust, ...]:
    """Return both checks of the heats (H, W) that a method gives at some parts."""
    model, inputs = subject.model, subject.inputs
    found = curves(model, inputs, question, heats, removal=removal, seed=seed)

    def again(other: Model) -> list[Tensor]:
        first, second = other(inputs)[0].topk(2).indices.tolist()
        own = Question(first, None if question.against is None else second)
        return _heats(other, inputs, own, how, parts)[0]

    return tuple(map(Trust, found, shuffled(model, heats, again, seed=seed)))


def _choice(parts: Sequence[str | None], judged: Sequence[Sequence[Trust]]) -> Choice:
    """Return the choice among parts by their checks on some pictures."""
    columns = list(zip(*judged, strict=True))
    return Choice(
        tuple(str(part) for part in parts),
        tuple(statistics.fmean(each.curves.gain for each in column) for column in columns),
        tuple(statistics.fmean(each.shuffled.mean or 0.0 for each in column) for column in columns),
        statistics.fmean(each.curves.chance_gain for each in columns[0]),
        len(judged),
    )


def _parts(subject: Subject, how: Method, part: str | None, *, trust: bool) -> list[str | None]:
    """Return the parts at which evidence is sought: none for a method that looks at the picture."""
    if how.of_map is None:
        return [None]
    if part is not None:
        return [subject.part(part)]
    return [*candidates(subject)] if trust else [candidates(subject)[-1]]


def _heats(
    model: Model, inputs: Tensor, question: Question, how: Method, parts: Sequence[str | None]
) -> tuple[list[Tensor], float | None]:
    """Return the heat (H, W) by a method at each part, and what is missing of it."""
    if how.of_picture is not None:
        heat, missing = how.of_picture(model, inputs, question)
        return [heat.detach()], missing
    assert how.of_map is not None
    named = [part for part in parts if part is not None]
    for part, at in zip(named, found := maps(model, inputs, question, named), strict=True):
        if at.values.dim() != 3:
            raise DescribeError(f"{part} puts out a vector, not a map; name an earlier part")
    return [spread(how.of_map(at), *inputs.shape[2:]) for at in found], None


def _number(classes: Sequence[str], which: str | int) -> int:
    if isinstance(which, int):
        return which
    if which in classes:
        return list(classes).index(which)
    near = difflib.get_close_matches(which, classes, n=3) or list(classes[:5])
    raise StriateError(f"there is no class {which!r}; near it: {', '.join(near)}")
