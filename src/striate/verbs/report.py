"""The report of a run, from what was measured and what it was prepared with. Imports metrics, runs, report."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from striate.render.html.copies import TITLE, copies_body
from striate.render.html.environment import html
from striate.render.html.page import Page, Section, render
from striate.runs.history import plain
from striate.runs.run import RunDirectory
from striate.verbs.cautions import copies_of
from striate.verbs.prepared import Prepared

if TYPE_CHECKING:
    from striate.model.build.model import Model
    from striate.verbs.evaluation import Evaluation


def write_report(
    run: RunDirectory, prepared: Prepared, evaluation: Evaluation, model: Model, *, seconds: float | None = None
) -> None:
    """Write the run's page: what the model is worth, on which pictures, and how to train it again.

    ``seconds``: how long this process has been at it; a run that was resumed took at least what its epochs did.
    """
    history = run.history()
    copies = copies_body(copies_of(prepared), prepared.source.items, prepared.labels.names, prepared.store.pixels)
    epochs = sum(float(entry.get("seconds") or 0.0) for entry in history)
    run.write_report(
        render(
            Page(
                name=run.name,
                part=evaluation.part,
                task=prepared.task,
                labels=evaluation.labels,
                items=prepared.source.items,
                pixels=prepared.store.pixels,
                values=prepared.labels.values,
                parts={part: np.array(getattr(prepared.split, part), np.int64) for part in ("train", "val", "test")},
                keys=evaluation.keys,
                rows=evaluation.indices,
                found=evaluation.found,
                verdict=evaluation.verdict,
                history=history,
                survey=prepared.survey,
                first=first_filters(model),
                source=run.source(),
                recipe_toml=run.recipe_toml(),
                environment=run.environment(),
                date=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
                seconds=max(seconds or 0.0, epochs),
                label_issues=evaluation.label_issues,
                more=(Section(TITLE, copies),) if copies else (),
            )
        )
    )


def write_figures(run: RunDirectory, figures: dict[str, Any], *, why: str) -> None:
    """Write a page with the bare figures of a run whose report could not be drawn, and ``why`` it could not."""
    shown = json.dumps(plain(figures), indent=1, ensure_ascii=False).splitlines()
    run.write_report(str(html("figures.html", title=run.name, why=why, figures=shown)))


def first_filters(model: Model) -> np.ndarray | None:
    """Return the weights of the first convolution, (filters, 1 or 3, height, width), where they can be read."""
    for name, tensor in model.state_dict().items():
        if name.endswith(".weight") and tensor.ndim == 4:
            weights: np.ndarray = tensor.detach().float().cpu().numpy()
            return weights if weights.shape[1] in (1, 3) and max(weights.shape[2:]) >= 3 else None
    return None
