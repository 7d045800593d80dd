"""Why: the evidence for an answer, against another, by a method by name, and what would change it. Prints nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from striate.errors import DescribeError
from striate.interpret.activations.receptive import Effective, effective_field
from striate.interpret.attribution.counterfactual import Change, change_of_mind
from striate.interpret.attribution.explain import Shared, explain
from striate.interpret.attribution.value import Evidence
from striate.interpret.look import answered
from striate.interpret.torch_probe import TorchProbe
from striate.render.answer import Answer
from striate.render.evidence import change_answer, why_answer
from striate.render.look_scene import drawn_answer, missed_answer, seen_answer
from striate.tasks.missed import Missed, Wanted
from striate.tasks.prediction import Prediction
from striate.tasks.question import Question, Word
from striate.verbs.asked_places import Asked, check_asked, wanted, word_of
from striate.verbs.learnt_from import caution
from striate.verbs.probe import Network, open_probe

if TYPE_CHECKING:
    from striate.data.pictures.given import Picture

SIGNED = "occlusion"  # asked first where what lowers the answer counts too: the others leave it out
METHODS_IN_TURN: tuple[str, ...] = ("layer-cam", "grad-cam")  # the second only where the first fails its checks


@dataclass(frozen=True, eq=False)
class Why:
    """Why a net says what it says: its ``answer``, the ``evidence``, that which ``failed`` before, a ``change``.

    ``probe`` is the net with the picture. Of one place of an answer, ``field`` is what that place sees. ``missed`` is
    why an object was not found; the evidence is then for the best candidate, None where there is none. ``caution`` says
    that the run has learnt from this very picture, where it has.
    """

    probe: TorchProbe
    answer: Prediction
    evidence: Evidence | None
    failed: tuple[Evidence, ...] = ()
    change: Change | None = None
    field: Effective | None = None
    missed: Missed | None = None
    caution: str = ""


def why(
    probe: TorchProbe,
    *,
    method: str | None = None,
    target: Word = None,
    against: str | int | None = None,
    part: str | None = None,
    change: bool = False,
) -> Why:
    """Return why a net says what it says of a picture; what its task asks first where no ``target`` is given.

    Without a ``method`` the first is taken that passes its checks. ``change`` also seeks the smallest part of the
    picture without which the answer is another. Errors: StriateError for what is not there.

    Example: ``why(probe, target="cats", against="dogs").evidence.trust.level in ("good", "weak", "none")``
    """
    answer = _answer(probe)
    found, failed = evidence(probe, method=method, target=target, against=against, part=part)
    changed = change_of_mind(probe) if change else None
    return Why(probe, answer, found, failed, changed, _field(probe, found.question))


def why_asked(picture: Picture, network: Network, asked: Asked, *, part: str | None = None) -> Why:
    """Return why a network says what it says of a picture, as it is ``asked``; places are in pixels of the picture.

    The run that the network is of says what is known of the picture. Errors: StriateError for what is not there.
    """
    probe = open_probe(picture, network)
    check_asked(probe.task, asked)
    if asked.missed is None:
        found = why(
            probe,
            method=asked.method,
            target=word_of(probe, asked),
            against=asked.against,
            part=part,
            change=asked.change,
        )
    else:
        found = why_missed(probe, wanted(probe, _answer(probe), asked, picture, network), asked.method, part=part)
    return replace(found, caution=caution(picture, network, found.answer))


def why_missed(probe: TorchProbe, wanted: Wanted, method: str | None = None, *, part: str | None = None) -> Why:
    """Return why an object was not found, with the evidence for the best candidate. Errors: StriateError."""
    answer = _answer(probe)
    with torch.no_grad():
        output = probe.model(probe.inputs)[0].numpy()
    missed = probe.task.missed(output, probe.labels, probe.learnt, wanted, probe.frame)
    about = missed.candidate or missed.other
    if about is None:
        return Why(probe, answer, None, missed=missed)
    found, failed = evidence(probe, method=method, target=about.question, part=part)
    return Why(probe, answer, found, failed, field=_field(probe, about.question), missed=missed)


def evidence(
    probe: TorchProbe,
    *,
    method: str | None = None,
    target: Word = None,
    against: str | int | None = None,
    part: str | None = None,
) -> tuple[Evidence, tuple[Evidence, ...]]:
    """Return the evidence of the first method whose checks it passes, and that of those which failed before it.

    Where none passes, the first is returned, and says so. Against another answer, which of two classes is always the
    question, Grad-CAM is asked first: LayerCAM leaves out what speaks for the other.
    """
    failed: list[Evidence] = []
    shared = Shared.about(probe)
    with torch.no_grad():
        question = probe.question(probe.model(probe.inputs), target, against)
    turns = METHODS_IN_TURN[::-1] if question.against is not None else METHODS_IN_TURN
    if question.signed:
        turns = (SIGNED, *turns)
    for each in turns if method is None else (method,):
        found = explain(probe, method=each, target=question, part=part, shared=shared)
        if found.trust is None or found.trust.reason is None:
            return found, tuple(failed)
        failed.append(found)
    return failed[0], tuple(failed[1:])


def answers(asked: Why) -> list[Answer]:
    """Return the answers, ready to be drawn."""
    drawn = drawn_answer(asked.probe, asked.answer) if asked.probe.task.placed else None
    found = [] if asked.evidence is None else [why_answer(asked.evidence, str(asked.answer), asked.failed, drawn)]
    if asked.missed is not None:
        found = [missed_answer(asked.missed, asked.probe, asked.answer), *found]
    if asked.field is not None:
        found.append(seen_answer(asked.field, asked.probe, asked.evidence))
    if asked.change is not None:
        found.append(change_answer(asked.change))
    return [replace(found[0], caution=asked.caution), *found[1:]]


def _answer(probe: TorchProbe) -> Prediction:
    answer = answered(probe)
    if answer is None:
        raise DescribeError(
            "this net gives no answer for the whole picture: there is nothing to be explained; striate look PICTURE by"
            " itself shows what its parts see"
        )
    return answer


def _field(probe: TorchProbe, question: Question) -> Effective | None:
    """Return what the place of the answer sees that is asked about, where it is one."""
    at = probe.answering(question)
    return None if at is None else effective_field(probe, *at, draws=1)
