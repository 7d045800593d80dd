"""How a training went, as a section of its report: both losses and the headline, with what was kept marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from striate.render.html.environment import html
from striate.render.html.facts import Page, Section
from striate.render.html.settings import read
from striate.render.svg.charts import Curve, line_chart
from striate.tasks.table import TASKS
from striate.tasks.task import Task


def curves(page: Page) -> Section:
    """Return loss and headline by epoch."""
    # The side heads' part is taken out of the training loss: validation has only the main head.
    epochs = [
        {**entry, "train_loss": entry["train_loss"] - (entry.get("side_loss") or 0.0)}
        if entry.get("train_loss") is not None
        else entry
        for entry in page.history
        if "index" in entry
    ]

    def curve(label: str, value: str) -> Curve:
        points = [(float(entry["index"]), float(entry[value])) for entry in epochs if entry.get(value) is not None]
        return Curve(label, points, mark=len(points) <= 20)

    head = any("weight_decay" in entry for entry in epochs)  # passes over features, from strong to weak decay
    recipe = read(page.recipe_toml)
    how = [
        *(["augmented"] if recipe is not None and recipe.augment not in (None, "none") else []),
        *(["smoothed labels"] if recipe is not None and recipe.label_smoothing else []),
    ]
    if head:
        how = ["features"] if all("weight_decay" in entry for entry in epochs) else ["features, then pictures"]
    trained = f"training ({', '.join(how)})" if how else "training"
    loss = [one for one in (curve(trained, "train_loss"), curve("validation", "val_loss")) if one.points]
    told = [entry.get("metrics") or {} for entry in epochs]
    name = next((next(iter(one)) for one in told if one), page.found.headline.name)  # the headline comes first
    measured = [(entry["index"], one.get(name)) for entry, one in zip(epochs, told, strict=True)]
    scores = [(float(index), float(value)) for index, value in measured if value is not None]
    share = page.found.headline.share
    figure = [Curve(f"validation {name}", scores, mark=len(scores) <= 20)]
    task = TASKS.get(recipe.task or "") if recipe is not None and recipe.patience is not None else None
    kept = kept_epoch(epochs, patience=task)
    unit = "pass over the features" if head else "epoch"
    chosen = {
        "kept": None if kept is None else float(kept),
        "kept_label": "" if kept is None else f"kept: {'pass' if head else 'epoch'} {kept}",
    }
    body = html(
        "report/curves.html",
        head_only=head and all("weight_decay" in entry for entry in epochs),
        judged=any(entry.get("val_loss") is not None for entry in epochs),
        loss=line_chart(loss, x_label=unit, y_label="loss", alt="Loss by epoch", y_from=0.0, **chosen),  # type: ignore[arg-type]
        figure=line_chart(
            figure,
            x_label=unit,
            y_label=name,
            alt=f"{name[:1].upper()}{name[1:]} by epoch",
            y_to=1.0 if share else None,
            percent=share,
            **chosen,  # type: ignore[arg-type]
        )
        if scores
        else None,
    )
    return Section("Did it learn, and did it go too far?", body)


def kept_epoch(epochs: Sequence[Mapping[str, Any]], *, patience: Task | None = None) -> int | None:
    """Return the number of the epoch whose weights the model has; None where there is none yet.

    Of passes over features it is the last of the decay with the lowest validation loss; of epochs the last, or, with
    ``patience``, the best by its task (`Task.standing`).
    """
    whole = [entry for entry in epochs if "weight_decay" not in entry]
    if whole:
        judged = [entry for entry in whole if entry.get("val_loss") is not None]
        if patience is None or not judged:
            return int(whole[-1]["index"])
        standings = [patience.standing(entry["val_loss"], entry.get("metrics") or {}) for entry in judged]
        return int(judged[standings.index(min(standings))]["index"])
    ends: dict[float, Mapping[str, Any]] = {float(entry["weight_decay"]): entry for entry in epochs}
    if not ends:
        return None

    def loss(entry: Mapping[str, Any]) -> float:
        found = entry.get("val_loss")
        return float(entry["train_loss"] if found is None else found)

    return int(min(ends.values(), key=loss)["index"])
