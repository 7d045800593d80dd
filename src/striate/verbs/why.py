"""Why: the evidence for an answer, against another, by a method by name, and what would change it. Prints nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from striate.errors import DescribeError
from striate.interpret.attribution.counterfactual import Change, change_of_mind
from striate.interpret.attribution.explain import Shared, explain
from striate.interpret.attribution.value import Evidence
from striate.interpret.look import answered
from striate.interpret.torch_probe import TorchProbe
from striate.render.answer import Answer
from striate.render.evidence import change_answer, why_answer
from striate.tasks.prediction import Prediction

SIGNED = "occlusion"  # asked first where what lowers the answer counts too: the others leave it out
METHODS_IN_TURN: tuple[str, ...] = ("layer-cam", "grad-cam")  # the second only where the first fails its checks


@dataclass(frozen=True, eq=False)
class Why:
    """Why a net says what it says: its ``answer``, the ``evidence``, that which ``failed`` before, a ``change``."""

    answer: Prediction
    evidence: Evidence
    failed: tuple[Evidence, ...]
    change: Change | None


def why(
    probe: TorchProbe,
    *,
    method: str | None = None,
    target: str | int | None = None,
    against: str | int | None = None,
    part: str | None = None,
    change: bool = False,
) -> Why:
    """Return why a net says what it says of a picture; what its task asks first where no ``target`` is given.

    Without a ``method`` the first is taken that passes its checks. ``change`` also seeks the smallest part of the
    picture without which the answer is another. Errors: StriateError for what is not there.

    Example: ``why(probe, target="cats", against="dogs").evidence.trust.level in ("good", "weak", "none")``
    """
    answer = answered(probe)
    if answer is None:
        raise DescribeError(
            "this net gives no answer for the whole picture: there is nothing to be explained; striate look PICTURE by"
            " itself shows what its parts see"
        )
    found, failed = evidence(probe, method=method, target=target, against=against, part=part)
    return Why(answer, found, failed, change_of_mind(probe) if change else None)


def evidence(
    probe: TorchProbe,
    *,
    method: str | None = None,
    target: str | int | None = None,
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
        found = explain(probe, method=each, target=target, against=against, part=part, shared=shared)
        if found.trust is None or found.trust.reason is None:
            return found, tuple(failed)
        failed.append(found)
    return failed[0], tuple(failed[1:])


def answers(asked: Why, *, caution: str = "") -> list[Answer]:
    """Return the answers, ready to be drawn; ``caution`` is what has to be known first (`verbs.learnt_from`)."""
    first = replace(why_answer(asked.evidence, str(asked.answer), asked.failed), caution=caution)
    return [first] if asked.change is None else [first, change_answer(asked.change)]
