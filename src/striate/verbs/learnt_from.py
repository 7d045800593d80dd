"""Learnt from: whether the model that explains a picture has seen that very picture, and what was said by one that had
not. Prints nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from striate import files
from striate.data.pictures.given import Picture, one
from striate.data.sources.items import Item, Target
from striate.data.store.rows import digest_of
from striate.errors import StriateError
from striate.runs import answers as kept
from striate.runs import names
from striate.runs.run import Run
from striate.tasks.calibrate import fold_temperatures
from striate.tasks.classify import decode
from striate.tasks.prediction import Prediction
from striate.verbs.finish import spread
from striate.verbs.folds import measured_keys
from striate.verbs.reopen import known_pictures, parts_of, recipe_of

if TYPE_CHECKING:
    from striate.verbs.probe import Network


def caution(picture: Picture, network: Network, says: Prediction | None) -> str:
    """Return in a sentence that a network's run has learnt from this very picture; "" where it has not.

    ``says`` is what the network answers. Of a cross-validated run the sentence has the out-of-fold answer beside it,
    which the run's report shows. Pictures are told by their content, so that a copy anywhere is known again. Where the
    run keeps no digests, or they cannot be read, nothing is said: looking at a picture needs the model file alone.

    Example: ``caution("cat.jpg", Network(run="pets-1"), answered(probe))``
    """
    try:
        run = _run_of(network)
        return "" if run is None else _told(run, digest_of(_content(picture)).hex(), says)
    except (StriateError, OSError):
        return ""


def _told(run: Run, digest: str, says: Prediction | None) -> str:
    known = known_pictures(run)
    train = parts_of(run)["train"]
    key = next((key for key in train if (known or {}).get(key, (-1, ""))[1] == digest), None)
    if known is None or key is None:
        return ""
    label = Item(key, known[key][0]).said(run.source()["classes"])
    head = f"This picture ({key}, labelled {label}) was among the {len(train):,} training pictures of {run.name}"
    answer = "" if says is None else f" ({says})"
    before = _out_of_fold(run, key, known) if "folds" in run.split() else None
    if before is None:
        return f"{head}: what the model says of it{answer} is no sign of how it does on others."
    told = "has seen it" if says is None else f"has seen it and says {says}"
    return f"{head}; out-of-fold the answer was {before}; the model that is kept, which is shown here, {told}."


def _out_of_fold(run: Run, key: str, known: dict[str, tuple[Target, str]]) -> Prediction | None:
    """Return what a net that had not seen a picture said of it, calibrated by the other folds as in the report.

    None where no fold left it out, the folds are still to be trained, or its labels are no classes.
    """
    split = cast("dict[str, Any]", run.split())
    keys = measured_keys(split)
    if key not in keys or not run.finished() or not all(type(known[name][0]) is int for name in keys):
        return None
    found = kept.read(run.path / kept.NAME)
    place = {key: number for number, key in enumerate(split["train"])}
    folds = np.array([split["folds"]["places"][0][place[key]] for key in keys], np.int64)
    targets = np.array([known[key][0] for key in keys], np.int64)
    classes = tuple(run.source()["classes"])
    if not found.are_of(len(keys), len(classes)):
        return None
    each = fold_temperatures(found.logits, targets, folds, spread=spread(recipe_of(run)))
    row = keys.index(key)
    return decode(found.logits[row : row + 1], classes, temperature=float(each[row]))[0]


def _run_of(network: Network) -> Run | None:
    """Return the run whose model is asked; None for a net without one, and a model file that lies in none."""
    if network.net is not None:
        return None
    if network.model is None:
        return Run.open(network.run, network.runs_dir)
    folder = Path(network.model).parent
    return Run(folder) if Path(network.model).is_file() and names.is_run(folder) else None


def _content(picture: Picture) -> bytes | np.ndarray:
    given = one(picture)
    return files.read_bytes(Path(given), limit=files.PICTURE) if isinstance(given, str | Path) else given
