"""Why did it say that: from a model with a picture to evidence with its trust. Imports torch."""

from __future__ import annotations

import statistics
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from striate.errors import DescribeError, StriateError
from striate.interpret.attribution.cam import Map, maps, spread
from striate.interpret.attribution.cascading_randomization import CascadingRandomization, shuffled
from striate.interpret.attribution.curves import Curves, by_chance, curves_of
from striate.interpret.attribution.methods import DEFAULT, METHODS, Method
from striate.interpret.attribution.value import Choice, Evidence, Trust, area
from striate.interpret.torch_probe import TorchProbe
from striate.spec.pyramid import laterals
from striate.tasks.question import Question, Word

CANDIDATES = 2  # parts among which the best is sought: the last of each of the last two sizes of map
FINER = 3  # and of a task that answers at places, which may be small


@dataclass(eq=False)
class Shared:
    """What several methods asked about one picture of one net need alike, found by the first that needs it.

    ``chance`` are the net's answers to random orders of removal; ``maps`` those of some parts for a question, by the
    net itself, and at a stage of its ``cascade`` of shuffled weights (by the kind of question).
    """

    chance: Tensor
    cascade: CascadingRandomization
    maps: dict[tuple[object, ...], list[Map]] = field(default_factory=dict)

    @classmethod
    def about(cls, probe: TorchProbe, *, removal: str = "blur", seed: int = 0) -> Shared:
        """Return what is shared about a picture by methods with this ``removal`` and ``seed``."""
        chance = by_chance(probe.model, probe.inputs, removal=removal, seed=seed)
        return cls(chance, CascadingRandomization(probe.model, seed=seed))


def explain(
    probe: TorchProbe,
    *,
    method: str = DEFAULT,
    target: Word = None,
    against: str | int | None = None,
    part: str | None = None,
    removal: str = "blur",
    trust: bool = True,
    seed: int = 0,
    shared: Shared | None = None,
) -> Evidence:
    """Return the evidence for an answer: what the task asks by itself (the likeliest class), or ``target``.

    With ``against`` it is why not that (of two classes always, as that is what decides). For a method that looks at
    a part's map and no ``part``, the part is chosen as `Choice` says among the last parts of the last two map sizes
    by measuring each on this picture (`choose_part` does it once for a net, on several). ``removal`` is what takes
    pieces of the picture away in the curves. Without ``trust`` nothing is measured and the last part is looked at.
    ``shared`` is for several methods in turn, with the same picture, removal and seed: nothing is found twice.
    The same seed gives the same value. Errors: StriateError for a method, class or part that is not there.

    Example: ``explain(probe, target="cats", against="dogs").trust.level in ("good", "weak", "none")``
    """
    how = METHODS.get(method)
    if how is None:
        raise StriateError(f"there is no method {method!r}; there are {', '.join(METHODS)}")
    if part is not None and how.of_map is None:
        raise StriateError(f"{how.title} looks at the picture, not at a part; leave {part!r} out, or use {DEFAULT}")
    case = _case(probe, [(target, against)])
    parts = _parts(probe, how, part, trust=trust)
    return _explained([case], method, how, parts, removal, seed, trust=trust, shared=shared)[0][0]


def explain_each(
    asked: Sequence[tuple[TorchProbe, Sequence[tuple[Word, str | int | None]]]],
    *,
    method: str = DEFAULT,
    removal: str = "blur",
    seed: int = 0,
) -> list[tuple[Evidence, ...]]:
    """Return the evidence, with its trust, for several questions (target, against) about each of some pictures.

    The pictures are of one model, and the part is chosen once, by all of them; of a net without maps the method is
    integrated gradients. Nothing is asked twice: the network is shuffled once for all, and its answers to one picture
    in random orders serve all questions about it.

    Example: ``for_said, for_truth = explain_each([(probe, [("cats", "dogs"), ("dogs", "cats")])])[0]``
    """
    if not asked:
        return []
    cases = [_case(probe, questions) for probe, questions in asked]
    try:
        parts = _parts(asked[0][0], METHODS[method], None, trust=True)
    except DescribeError:
        method, parts = "integrated-gradients", [None]
    return _explained(cases, method, METHODS[method], parts, removal, seed)


def choose_part(probes: Sequence[TorchProbe], *, method: str = DEFAULT, removal: str = "blur", seed: int = 0) -> Choice:
    """Return the part at which a method's evidence for the answer is best on average over some pictures.

    The probes are pictures of one model. Example: ``choose_part([probe]).part``
    """
    how, parts = METHODS[method], candidates(probes[0])
    cases = [_case(probe, [(None, None)]) for probe in probes]
    heats = [_heats(case, case.questions[0], how, parts)[0] for case in cases]
    return _choice(parts, heats, _judged(cases, how, parts, heats, removal, seed), len(cases))


def candidates(probe: TorchProbe) -> list[str]:
    """Return the last part of each of the last two sizes of map on the main way, in the net's order.

    Of a task that answers at places it is before maps grow again, as they do in a pyramid, and of three sizes: behind
    it a map is the answer itself, place by place, and says where that stands, not what it comes from. So is the map
    that a net without a pyramid ends in. With a pyramid it is what that reads of the trunk (`laterals`).
    Errors: DescribeError for a net without maps.
    """
    maps = [row for row in probe.survey.rows if row.output is not None and not row.auxiliary and row.output.is_map]
    if probe.task.placed:
        sizes = [row.shape.size[0] * row.shape.size[1] for row in maps]
        grown = next((n for n in range(1, len(maps)) if sizes[n] > min(sizes[:n])), len(maps) - 1)
        maps = maps[: max(1, grown)]
        read = laterals([row.path for row in maps])
        maps = [row for row in maps if row.path in read] or maps
    last: dict[tuple[int, int], str] = {}
    for row in maps:
        if min(row.shape.size) > 1:
            last.pop(row.shape.size, None)
            last[row.shape.size] = row.path
    if not last:
        raise DescribeError("this net has no map larger than 1x1 to look at; use occlusion or integrated-gradients")
    return list(last.values())[-(FINER if probe.task.placed else CANDIDATES) :]


class _Case(NamedTuple):
    """A picture with what is asked about it, and what the network answers (1, K)."""

    probe: TorchProbe
    questions: list[Question]
    output: Tensor


def _case(probe: TorchProbe, asked: Sequence[tuple[Word, str | int | None]]) -> _Case:
    with torch.no_grad():
        output = probe.model(probe.inputs)
    return _Case(probe, [probe.question(output, target, against) for target, against in asked], output)


def _explained(
    cases: Sequence[_Case],
    method: str,
    how: Method,
    parts: Sequence[str | None],
    removal: str,
    seed: int,
    *,
    trust: bool = True,
    shared: Shared | None = None,
) -> list[tuple[Evidence, ...]]:
    """Return the evidence for every question of every case, at that of the parts where it is best over all of them."""
    found = [[_heats(case, question, how, parts, shared) for question in case.questions] for case in cases]
    heats = [each for case in found for each, _ in case]
    judged = iter(_judged(cases, how, parts, heats, removal, seed, shared) if trust else [()] * len(heats))
    every = [[next(judged) for _ in case.questions] for case in cases]
    choice, number = None, 0
    if len(parts) > 1:
        choice = _choice(parts, heats, [each for case in every for each in case], len(cases))
        number = parts.index(choice.part)
    return [
        tuple(
            Evidence(
                method,
                how.title,
                question,
                question.answer,
                question.against,
                question.value(case.output),
                case.probe.pixels,
                own[number].numpy().astype(np.float32),
                how.unit,
                parts[number],
                choice,
                missing,
                trusts[number] if trust else None,
                how.shows,
                how.hides,
            )
            for question, (own, missing), trusts in zip(case.questions, seen, told, strict=True)
        )
        for case, seen, told in zip(cases, found, every, strict=True)
    ]


def _judged(
    cases: Sequence[_Case],
    how: Method,
    parts: Sequence[str | None],
    heats: Sequence[Sequence[Tensor]],
    removal: str,
    seed: int,
    shared: Shared | None = None,
) -> list[tuple[Trust, ...]]:
    """Return both checks of the heats (H, W) that a method gives for each question, case by case, at some parts."""
    left = iter(heats)
    found: list[Curves] = []
    for case in cases:
        asked = [(question, heat) for question in case.questions for heat in next(left)]
        probe, chance = case.probe, None if shared is None else shared.chance
        found += curves_of(probe.model, probe.inputs, asked, removal=removal, seed=seed, chance=chance)
    cascade = CascadingRandomization(cases[0].probe.model, seed=seed) if shared is None else shared.cascade

    def again(stage: int) -> list[Tensor]:
        return [heat for case in cases for heat in _anew(cascade, stage, case, how, parts, shared)]

    checked = shuffled(cascade, [heat for own in heats for heat in own], again)
    trusts = list(map(Trust, found, checked))
    return [tuple(trusts[start : start + len(parts)]) for start in range(0, len(trusts), len(parts))]


def _anew(
    cascade: CascadingRandomization,
    stage: int,
    case: _Case,
    how: Method,
    parts: Sequence[str | None],
    shared: Shared | None,
) -> list[Tensor]:
    """Return the heats of every question of a case by a shuffled network, which is asked about its own answer."""
    once: dict[Hashable, list[Tensor]] = {}
    for kind, question in {question.kind: question for question in case.questions}.items():
        known = None if shared is None else shared.maps.get((stage, kind, *parts))
        if known is None or how.of_map is None:
            other = cascade.stage(stage)
            asked = question.renewed(other(case.probe.inputs))
            renewed = case._replace(probe=replace(case.probe, model=other))
            once[kind] = _heats(renewed, asked, how, parts, shared, (stage, kind, *parts))[0]
        else:
            once[kind] = _spread(case, how, known)
    return [heat for question in case.questions for heat in once[question.kind]]


def _choice(
    parts: Sequence[str | None], heats: Sequence[Sequence[Tensor]], judged: Sequence[Sequence[Trust]], pictures: int
) -> Choice:
    """Return the choice among parts by their heats (H, W) and the checks of those, for some questions in all."""
    columns = list(zip(*judged, strict=True))
    return Choice(
        tuple(str(part) for part in parts),
        tuple(statistics.fmean(each.curves.gain for each in column) for column in columns),
        tuple(statistics.fmean(each.shuffled.alike or 0.0 for each in column) for column in columns),
        tuple(statistics.fmean(area(heat.numpy()) for heat in own) for own in zip(*heats, strict=True)),
        statistics.fmean(each.curves.chance_gain for each in columns[0]),
        pictures,
    )


def _parts(probe: TorchProbe, how: Method, part: str | None, *, trust: bool) -> list[str | None]:
    """Return the parts at which evidence is sought: none for a method that looks at the picture."""
    if how.of_map is None:
        return [None]
    if part is not None:
        return [probe.part(part)]
    return [*candidates(probe)] if trust else [candidates(probe)[-1]]


def _heats(
    case: _Case,
    question: Question,
    how: Method,
    parts: Sequence[str | None],
    shared: Shared | None = None,
    key: tuple[object, ...] | None = None,
) -> tuple[list[Tensor], float | None]:
    """Return the heat (H, W) by a method at each part, and what is missing of it."""
    model, inputs = case.probe.model, case.probe.inputs
    if how.of_picture is not None:
        heat, missing = how.of_picture(model, inputs, question)
        return [heat.detach()], missing
    named = [part for part in parts if part is not None]
    key = key or (question, *parts)
    found = None if shared is None else shared.maps.get(key)
    if found is None:
        found = maps(model, inputs, question, named)
        for part, at in zip(named, found, strict=True):
            if at.values.dim() != 3:
                raise DescribeError(f"{part} puts out a vector, not a map; name an earlier part")
        if shared is not None:
            shared.maps[key] = found
    return _spread(case, how, found), None


def _spread(case: _Case, how: Method, found: Sequence[Map]) -> list[Tensor]:
    """Return the heats (H, W) that a method makes of maps."""
    assert how.of_map is not None
    height, width = case.probe.inputs.shape[2:]
    return [spread(how.of_map(at), height, width) for at in found]
