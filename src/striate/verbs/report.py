"""The report of a run, from what was measured and what it was prepared with. Imports metrics, runs, report."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from striate.render.html.copies import TITLE, copies_body
from striate.render.html.page import Page, Section, render
from striate.runs.run import Run
from striate.verbs.cautions import copies_of
from striate.verbs.prepared import Prepared

if TYPE_CHECKING:
    from striate.model.build.model import Model
    from striate.verbs.evaluate import Evaluation


def write_report(
    run: Run, prepared: Prepared, evaluation: Evaluation, model: Model, *, seconds: float | None = None
) -> None:
    """Write the run's page: what the model is worth, on which pictures, and how to train it again.

    ``seconds``: how long this process has been at it; a run that was resumed took at least what its epochs did.
    """
    history = run.history()
    copies = copies_body(copies_of(prepared), prepared.source.items, prepared.source.classes, prepared.store.pixels)
    epochs = sum(float(entry.get("seconds") or 0.0) for entry in history)
    run.write_report(
        render(
            Page(
                name=run.name,
                part=evaluation.part,
                keys=evaluation.keys,
                targets=evaluation.targets,
                probabilities=evaluation.probabilities,
                pixels=prepared.store.pixels,
                rows=evaluation.indices,
                report=evaluation.report,
                verdict=evaluation.verdict,
                calibrated_on=evaluation.calibration.pictures,
                strangers=None if evaluation.strangers is None else str(evaluation.strangers["words"]),
                refused=None if evaluation.unknown is None else int(evaluation.unknown.sum()),
                history=history,
                survey=prepared.survey,
                first=first_filters(model),
                source=run.source(),
                counts=counts_of(prepared),
                samples=samples_of(prepared),
                recipe_toml=run.recipe_toml(),
                environment=run.environment(),
                date=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
                seconds=max(seconds or 0.0, epochs),
                label_issues=evaluation.label_issues,
                more=(Section(TITLE, copies),) if copies else (),
            )
        )
    )


def samples_of(prepared: Prepared, most: int = 6) -> list[list[int]]:
    """Return rows of the store that show each class: at most so many, spread evenly over what it learns from."""
    rows = np.array(prepared.split.train or prepared.split.val or prepared.split.test, np.int64)
    targets = prepared.targets[rows]
    found = []
    for number in range(len(prepared.source.classes)):
        own = rows[targets == number]
        places = np.linspace(0, max(0, len(own) - 1), min(most, len(own))).round().astype(int)
        found.append([int(own[place]) for place in places])
    return found


def first_filters(model: Model) -> np.ndarray | None:
    """Return the weights of the first convolution, (filters, 1 or 3, height, width), where they can be read."""
    for name, tensor in model.state_dict().items():
        if name.endswith(".weight") and tensor.ndim == 4:
            weights: np.ndarray = tensor.detach().float().cpu().numpy()
            return weights if weights.shape[1] in (1, 3) and max(weights.shape[2:]) >= 3 else None
    return None


def counts_of(prepared: Prepared) -> dict[str, np.ndarray]:
    """Return how many pictures of each class every part has: ``train``, ``val`` and ``test``, (classes,) each."""
    classes, targets = len(prepared.source.classes), prepared.targets
    return {
        part: np.bincount(targets[list(getattr(prepared.split, part))].astype(np.int64), minlength=classes)
        for part in ("train", "val", "test")
    }
