"""The defaults: what fills the gaps of a recipe, from the facts of the pictures. Imports nothing.

Where the figures come from is in docs/defaults.md.
"""

from __future__ import annotations

from typing import Any

SMALLEST = 8  # pixels: what the house's nets need at least; smaller pictures are enlarged to it
SMALL = 64  # pixels: up to here pictures are trained at their own size with the small net
LARGE = 128  # pixels: the side that larger pictures are trained at
FEW = 1000  # pictures: with fewer, a figure is cross-validated where that is cheap
FOLDS, REPEATS = 5, 3  # and then so; repeated for a head on features, which takes seconds

OWN_RATES: dict[str, dict[str, object]] = {
    "sgd": {"learning_rate": 0.01, "weight_decay": 5e-4},
    "muon": {"learning_rate": 0.02, "weight_decay": 5e-4},
    "rmsprop": {"learning_rate": 1e-3, "weight_decay": 1e-5},
    "adam": {"learning_rate": 1e-3, "weight_decay": 0.0},
    "adamw": {"learning_rate": 1e-3, "weight_decay": 0.05},
}


def rules_for(*, pictures: int, side: int, gray: bool) -> dict[str, Any]:
    """What a person who says nothing gets."""
    if side <= SMALL:
        net, steps = ("tiny", 3400) if gray else ("small", 1700)
        batch, rate, most = (64 if pictures < 4000 else 128), 0.2 / 256, 80
    else:
        net, steps, batch, rate, most = "resnet", 1500, 32, 0.1 / 64, 60
    return {
        "net": net,
        "resize": "crop",
        "augment": "light" if side <= SMALL else "standard",
        "flip": not gray,
        "epochs": max(8, min(most, round(steps * batch / pictures))),
        "batch": batch,
        "optimiser": "sgd",
        "learning_rate": rate * batch,
        "weight_decay": 5e-4,
        "warmup": 0.2,
        "label_smoothing": 0.1,
        "ema": 0.0,
    }


WEIGHTS_ALONE = ("start_digest", "tune", "head_epochs", "rate_decay", "unfreeze")
# What a head fitted to features, all of them at once, has no use for.
PICTURES_ALONE = (
    "augment",
    "flip",
    "batch",
    "optimiser",
    "learning_rate",
    "warmup",
    "label_smoothing",
    "ema",
    "patience",
)
STEPS_ALONE = ("epoch_share", "progressive", "momentum", "schedule", "clip", "accumulate")


MAPS_STEPS = 750  # of a head on maps, where nobody says
HEAD_STEPS = 500  # of it, where the whole net learns behind it
WHOLE_PASSES = 72  # steps of that
MAPS_BATCH = 4  # small batches learn sooner
VIEWS = 2  # of a picture: as it is, and mirrored; of some tasks more (`Task.zooms`)
MAP_STEPS: dict[str, object] = {
    "batch": MAPS_BATCH,
    "optimiser": "adamw",
    "learning_rate": 4e-3,
    "weight_decay": 0.05,
    "warmup": 0.05,
    "label_smoothing": 0.0,
    "ema": 0.99,
}


# Of the whole net behind a head on maps, where that is asked for: how gently, and how pictures move.
WHOLE_STEPS: dict[str, Any] = {
    "batch": 8,
    "optimiser": "adamw",
    "learning_rate": 1e-3,
    "weight_decay": 0.05,
    "rate_decay": 0.5,
    "unfreeze": 0.0,
    "warmup": 0.1,
    "label_smoothing": 0.0,
    "ema": 0.0,
    "augment": "zoom",
}


def epochs_of(steps: int, batch: int, pictures: int) -> int:
    """Return in how many epochs of so many pictures about so many steps are made, 4 at the least.

    >>> epochs_of(800, 8, 205)
    31
    """
    return max(4, round(steps * batch / max(1, pictures)))


def start_rules(tune: str, pictures: int = 1, *, zooms: int | None = None) -> dict[str, Any]:
    """What a person who starts from weights gets instead; a head's decay is chosen by validation pictures, or folds.

    ``pictures`` are those to train on: a head on maps makes so many steps whatever their number. ``zooms``: how many
    more views a head on maps sees of each; None for a head that is solved on features.
    """
    if tune == "head":
        return {"tune": tune, "epochs": 100, "weight_decay": None}
    views = (VIEWS + (zooms or 0)) * pictures
    if tune == "all" and zooms is not None:
        head, whole = epochs_of(HEAD_STEPS, MAPS_BATCH, views), epochs_of(WHOLE_PASSES, WHOLE_STEPS["batch"], pictures)
        return {"tune": tune, **WHOLE_STEPS, "head_epochs": head, "epochs": whole}
    if tune == "maps":
        return {"tune": tune, **MAP_STEPS, "epochs": epochs_of(MAPS_STEPS, MAPS_BATCH, views)}
    return {
        "tune": tune,
        "head_epochs": 100,
        "epochs": 10,
        "batch": 32,
        "optimiser": "adamw",
        "learning_rate": 5e-4,
        "weight_decay": 0.05,
        "rate_decay": 0.4,
        "unfreeze": 0.3,
    }
