"""Foresee: what a training would be, and how long it takes on this machine, without training."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from striate.recipe import Recipe
from striate.verbs import fit, stranger_nets
from striate.verbs.first_look import first_look
from striate.verbs.forecast import ENDS, minutes
from striate.verbs.prepare import prepare
from striate.verbs.prepared import Prepared, Start
from striate.verbs.start import open_start, open_usual
from striate.verbs.workspace import HERE, Workspace
from striate.words import counted

if TYPE_CHECKING:
    from striate.engine.fit import Training

STEPS: Final = 6  # that are timed, at least
ENOUGH: Final = 1.0  # seconds of them
PATIENCE: Final = 5.0  # seconds after which fewer are enough


@dataclass(frozen=True, eq=False)
class Foreseen:
    """What a training would be: everything it needs, ``prepared``, and about how many ``seconds`` it takes.

    ``words`` say on what the guess stands.
    """

    prepared: Prepared
    seconds: float | None
    words: str

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        notes = [*self.prepared.source.notes, *self.prepared.notes]
        return {**plan_facts(self.prepared), "seconds": self.seconds, "words": self.words, "notes": notes}


def foresee(
    source: Recipe | str, workspace: Workspace = HERE, *, allow_bad: bool = False, **wishes: object
) -> Foreseen:
    """Return what a training would be and how long it takes, from a few steps that are timed and thrown away.

    Its pictures are decoded for that, and stay so; nothing else is written. Arguments and errors are those of `train`.

    Example: ``foresee("pets", epochs=5).prepared.config.epochs`` is ``5``.
    """
    recipe = (source if isinstance(source, Recipe) else Recipe(source=str(source))).changed(**wishes)
    start = None
    if recipe.weights is not None:
        start = open_start(recipe.weights, workspace, digest=recipe.start_digest)
    prepared = prepare(recipe, workspace, start=start, usual=partial(open_usual, workspace), allow_bad=allow_bad)
    prepared = replace(prepared, by_itself=(*prepared.by_itself, *first_look(prepared)))
    seconds, words = _forecast(prepared, prepared.start, workspace)
    return Foreseen(prepared, seconds, words)


def plan_facts(prepared: Prepared) -> dict[str, Any]:
    """Return what a training is, ready for JSON: pictures, parts, net, what it costs, how long it learns.

    Example: ``plan_facts(prepared)["epochs"]``
    """
    parts, how, config = prepared.split, prepared.preprocess, prepared.config
    return {
        "source": prepared.source.name,
        "pictures": len(prepared.source.items),
        "names": list(prepared.labels.names),
        "noun": prepared.task.noun,
        "task": prepared.task.name,
        "parts": {"train": len(parts.train), "val": len(parts.val), "test": len(parts.test)},
        "folds": None if prepared.folds is None else str(prepared.folds),
        "net": config.net,
        "start": config.start,
        "tune": config.tune,
        "size": [how.channels, how.height, how.width],
        "parameters": prepared.survey.parameters,
        "frozen": prepared.survey.frozen,
        "macs": prepared.survey.macs,
        "epochs": config.epochs,
        "batch": config.batch,
        "augment": config.augment,
        "seen": fit.notes(config, prepared.survey),
    }


def _forecast(prepared: Prepared, start: Start | None, workspace: Workspace) -> tuple[float | None, str]:
    """Return about how many seconds it takes, and on what that stands."""
    from striate.engine.device import threads_restored

    with threads_restored():
        if start is None:
            from striate.verbs.chance import from_chance
            from striate.verbs.threads import with_threads

            chosen = with_threads(prepared, None, None)
            return _of_steps(chosen, from_chance(chosen), nets=_nets(chosen))
        if not prepared.task.solved:
            return _of_maps(prepared, start, workspace)
        return _of_head(prepared, start)


def _of_steps(prepared: Prepared, training: Training, *, nets: float) -> tuple[float, str]:
    """Time a few steps."""
    from striate.engine.fit import Step, watch

    events, first, last = watch(training), (0, 0.0), (0, 0.0)
    for event in events:
        if isinstance(event, Step):
            last = ((event.epoch - 1) * training.steps + event.step, time.monotonic())
            first = first if first[0] else last
            spent = last[1] - first[1]
            if (last[0] - first[0] >= STEPS and spent > ENOUGH) or spent > PATIENCE:
                break
    events.close()
    each = (last[1] - first[1]) / max(1, last[0] - first[0])
    whole = training.steps * training.epochs * each * 1.1  # and what is measured after each epoch
    seconds = nets * whole + ENDS
    said = f"{counted(training.epochs, 'epoch')} of {counted(training.steps, 'step')} of {each:.2g} s"
    if nets > 1.05:
        said += f", and {nets - 1:.2g} times that for the nets it is measured by"
    return seconds, f"about {minutes(seconds)}: {said}, timed here just now"


def _nets(prepared: Prepared) -> float:
    """Return how many times a whole training's work there is: its own, its folds', that of the nets for strangers."""
    folds = 0.0 if prepared.folds is None else float(prepared.folds.draws * (prepared.folds.count - 1))
    strangers = 2.0 if stranger_nets.wanted(prepared) else 0.0
    return 1.0 + folds + strangers


def _of_head(prepared: Prepared, start: Start) -> tuple[float, str]:
    """Time what the frozen net makes of a few pictures, and where all of it is trained a few steps."""
    from striate.engine.device import choose_device, use_threads
    from striate.model.pretrained.transfer import load_trunk
    from striate.verbs.trunk import frozen_net, seconds_a_picture, start_tensors

    device = choose_device(prepared.config.device)
    threads = use_threads(prepared.config.threads)
    model = frozen_net(prepared, device)
    load_trunk(model, start_tensors(start), what=start.words)
    once = seconds_a_picture(prepared, model, device, threads)
    pictures = len(prepared.store.pixels)
    seconds = pictures * once + ENDS
    said = f"{counted(pictures, 'picture')} through the frozen net, {1000 * once:.2g} ms each, and its new head"
    if prepared.config.tune == "all":
        from striate.engine.fit import begin
        from striate.spec.stages import stages

        training = begin(
            model,
            prepared.config,
            prepared.store,
            prepared.objective,
            prepared.split,
            stages=stages(prepared.survey),
        )
        more, words = _of_steps(prepared, training, nets=_nets(prepared))
        return seconds + more, f"about {minutes(seconds + more)}: {said}; then {words.partition(': ')[2]}"
    return seconds, f"about {minutes(seconds)}: {said}, timed here just now"


class _Heard(Exception):  # noqa: N818  it is what was waited for
    """The sentence that a training on maps says before it makes them."""


def _of_maps(prepared: Prepared, start: Start, workspace: Workspace) -> tuple[None, str]:
    """Return what a training on maps says of itself before it begins."""
    from striate.verbs.maps import begin_maps

    def hear(sentence: str) -> None:
        raise _Heard(sentence)

    try:
        begin_maps(prepared, start, replace(workspace, tell=hear))
    except _Heard as heard:
        return None, str(heard)
    return None, ""
