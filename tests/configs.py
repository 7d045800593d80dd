"""What a training goes by, of which a test says what it is about."""

from __future__ import annotations

from striate.recipe import Recipe
from striate.train_config import TrainConfig

PLAIN = {"task": "classify", "warmup": 0.0, "label_smoothing": 0.0, "ema": 0.0}
STEPPED = ("warmup", "label_smoothing", "ema")  # of no use to a head alone


def config(**said: object) -> TrainConfig:
    """Return the config of these settings; what is not said is off, or as for 24 gray pictures of 8 pixels."""
    head = said.get("start") and said.get("tune") != "all"
    plain = {name: value for name, value in PLAIN.items() if not (head and name in STEPPED)}
    return Recipe(**{**plain, **said}).settled(pictures=24, height=8, width=8, uniform=True, gray=True)  # type: ignore[arg-type]
