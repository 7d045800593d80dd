"""Card: what a finished run is, for whoever is handed its model; made of what the run keeps. No torch, as a rule."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final

from striate.errors import ModelError, RunError
from striate.model.files.weights import read_facts
from striate.model.pretrained.pretrained import PRETRAINED, canonical
from striate.render.html.settings import used
from striate.render.markdown.card import Card
from striate.runs.predictor import Predictor
from striate.runs.rebuild import surveyed
from striate.runs.run import RunDirectory
from striate.spec.code import is_code
from striate.tasks.table import task_named
from striate.tasks.values import EMBEDDING
from striate.verbs.given_away import without_places
from striate.verbs.workspace import HERE, Workspace

KEPT: Final = {"figures", "caveats", "learnt", "sections", "shown", "verdict"}  # what finished.json has for a card
_LICENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,60}")


def model_card(
    run: str = "last", *, license: str | None = None, repository: str = "", workspace: Workspace = HERE
) -> Card:
    """Return the model card of a finished run: trained on what, how good, where it fails, how to use it and repeat it.

    ``license`` is what a person says of it, as the Hub spells it (apache-2.0, cc-by-4.0, other); without it none stands
    there. ``repository`` is where it lies on the Hub, ``user/name``. What was measured is what the run keeps; of a run
    of before it kept that, it is measured again, with torch and the run's pictures. Where those were is not told, only
    what they are called.

    Errors: RunError for a run that is not finished, or a license that is none.

    Example: ``model_card("last", license="apache-2.0").header["license"]`` is ``"apache-2.0"``.
    """
    if license is not None and not _LICENCE.fullmatch(license):
        raise RunError(f"license = {license[:60]!r} is no name of one; say it as the Hub does: apache-2.0, mit, other")
    opened = RunDirectory.open(run, workspace.runs_dir)
    if not opened.finished() or not opened.model_path.is_file():
        raise RunError(
            f"{opened.name} is not finished, so that there is nothing to say of it yet; striate train --resume"
            f" {opened.name} goes on with it"
        )
    measured, source = opened.read_json("finished.json"), opened.source()
    if not isinstance(measured, dict) or "headline" not in measured:
        raise RunError(f"{opened.path / 'finished.json'} is damaged: it has no figures; {opened.name} cannot be used")
    facts = read_facts(opened.model_path)
    text = opened.recipe_toml()
    names = source.get("labels", {}).get("names") or facts.names
    kept = measured.get("card")
    card = Card(
        name=opened.name,
        task=task_named(facts.task),
        names=tuple(names),
        input=facts.input,
        parameters=None if is_code(facts.net) else surveyed(facts).parameters,
        source=source,
        environment=opened.environment(),
        measured=measured,
        told=kept if isinstance(kept, dict) and kept.keys() >= KEPT else _measured_again(opened, workspace),
        recipe=without_places(used(text)),
        began=_began(source, tomllib.loads(text)),
        adopted="output" in source,
        outputs=_outputs(opened),
        repository=repository,
        licence=license or "",
    )
    try:
        str(card)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        where = opened.path / "finished.json"
        raise RunError(f"{where} is damaged ({type(error).__name__}: {error}); no card can be made of it") from None
    return card


def _outputs(run: RunDirectory) -> dict[str, str] | None:
    """Return what the run's ONNX file puts out, by name, in words; None where it has none that answers."""
    try:
        opened = Predictor.open(run.model_path, torch=False)
    except ModelError:
        return None
    means = opened.task.means(opened.labels, opened.learnt)
    return {**means, EMBEDDING: "(N, D): what flows into the last layer, for whoever compares pictures"}


def _began(source: Mapping[str, Any], recipe: Mapping[str, Any]) -> str:
    """Return in words what the weights were before they were trained."""
    if "output" in source:
        return "It began with the weights of a module of somebody's own"
    start = recipe.get("start") or recipe.get("from")
    if start in (None, "none"):
        return "Its weights began from chance"
    if (key := canonical(str(start))) is not None:
        known = PRETRAINED[key]
        return f"It began with the weights {key}, trained on {known.trained_on} ({known.licence}, from {known.source})"
    return f"It began with the weights {start if '://' in str(start) else PurePath(str(start)).name}"


def _measured_again(run: RunDirectory, workspace: Workspace) -> dict[str, Any]:
    """Return what a card says of the evaluation of a run that does not keep it yet."""
    from striate.verbs.evaluate import evaluate_reopened
    from striate.verbs.finish import carded
    from striate.verbs.reopen import reopen_data

    prepared = reopen_data(run, workspace=workspace)
    part = run.read_json("finished.json").get("part")
    return carded(prepared, evaluate_reopened(run, prepared, Predictor.open(run.model_path, onnx=False), part=part))
