"""Learnt from: whether the model that explains a picture has seen that very picture, and what was said by one that had
not. Prints nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

import numpy as np

from striate import files
from striate.data.copies import groups_of
from striate.data.pictures.given import Picture, one
from striate.data.sources.items import Item
from striate.data.store.rows import digest_of
from striate.errors import StriateError
from striate.runs import answers as kept
from striate.runs import names
from striate.runs.run import RunDirectory
from striate.tasks.prediction import Prediction
from striate.tasks.table import task_of
from striate.tasks.task import Judged, Labels
from striate.verbs.folds import measured_keys
from striate.verbs.reopen import config_of, kept_labels, known_groups, known_pictures, parts_of

if TYPE_CHECKING:
    from striate.verbs.probe import Network


def caution(picture: Picture, network: Network, says: Prediction | None) -> str:
    """Return in a sentence that a network's run has learnt from this very picture; "" where it has not.

    ``says`` is what the network answers. Of a cross-validated run the sentence has the out-of-fold answer beside it,
    which the run's report shows. Pictures are told by their content, so that a copy anywhere is known again. Where the
    run keeps no digests, or they cannot be read, nothing is said: looking at a picture needs the model file alone.

    Example: ``caution("cat.jpg", Network(run="pets-1"), None)`` is ``""``.
    """
    try:
        run = _run_of(network)
        return "" if run is None else _told(run, digest_of(_content(picture)).hex(), says)
    except (StriateError, OSError):
        return ""


def labelled(picture: Picture, network: Network) -> Labels | None:
    """Return the labels that a network's run keeps of a picture, in pixels of it; None where it is none of its own.

    Errors: StriateError for a run, or a picture, that cannot be read.

    Example: ``labelled("cat.jpg", Network(run="pets-1"))`` is None.
    """
    run = _run_of(network)
    known = None if run is None else known_pictures(run)
    if run is None or known is None:
        return None
    digest = digest_of(_content(picture)).hex()
    key = next((key for key, (target, one) in known.items() if one == digest and target is not None), None)
    return None if key is None else kept_labels(run, [key])


def _told(run: RunDirectory, digest: str, says: Prediction | None) -> str:
    known = known_pictures(run)
    train = parts_of(run)["train"]
    key = next((key for key in train if (known or {}).get(key, (-1, ""))[1] == digest), None)
    if known is None or key is None:
        return ""
    label = Item(key, known[key][0]).said(run.source()["classes"])
    head = f"This picture ({key}, labelled {label}) was among the {len(train):,} training pictures of {run.name}"
    answer = "" if says is None else f" ({says})"
    before = _out_of_fold(run, key) if "folds" in run.split() else None
    if before is None:
        return f"{head}: what the model says of it{answer} is no sign of how it does on others."
    told = "has seen it" if says is None else f"has seen it and says {says}"
    return f"{head}; out-of-fold the answer was {before}; the model that is kept, which is shown here, {told}."


def _out_of_fold(run: RunDirectory, key: str) -> Prediction | None:
    """Return what a net that had not seen a picture said of it, by what the other folds taught, as in the report.

    None where no fold left it out, or the folds are still to be trained; nor of labels that lie in pictures, which
    would have to be looked for.
    """
    if task_of(config_of(run)).placed:
        return None
    split = cast("dict[str, Any]", run.split())
    keys = measured_keys(split)
    if key not in keys or not run.finished():
        return None
    found = kept.read(run.path / kept.NAME)
    config = config_of(run).changed(unknown=False)
    task, labels = task_of(config), kept_labels(run, keys)
    values, facts = labels.values, labels.kept
    if not found.are_of(len(keys), task.output, task.width(facts)):
        return None
    place = {key: number for number, key in enumerate(split["train"])}
    folds = np.array([split["folds"]["places"][0][place[key]] for key in keys], np.int64)
    row = keys.index(key)
    others = folds != folds[row]
    said = {name: output[others] for name, output in found.outputs.items()}
    pictures, grouped = known_pictures(run) or {}, known_groups(run)
    groups = groups_of([(grouped.get(each) or pictures.get(each, (-1, each))[1]).encode() for each in keys])
    judged = Judged(said, values[others], config, _nobody, folds=folds[others], groups=groups[others])
    state = task.fit_state(judged, facts)
    mine = {name: output[row : row + 1] for name, output in found.outputs.items()}
    return task.decode(mine, facts, task.opened(state, facts))[0]


def _nobody(choose: object) -> NoReturn:
    """Refuse to ask a network that is not here: what is learnt of a few answers needs none."""
    raise StriateError("no network is here to be asked")


def _run_of(network: Network) -> RunDirectory | None:
    """Return the run whose model is asked; None for a net without one, and a model file that lies in none."""
    if network.net is not None:
        return None
    if network.model is None:
        return RunDirectory.open(network.run, network.workspace.runs_dir)
    folder = Path(network.model).parent
    return RunDirectory(folder) if Path(network.model).is_file() and names.is_run(folder) else None


def _content(picture: Picture) -> bytes | np.ndarray:
    given = one(picture)
    return files.read_bytes(Path(given), limit=files.PICTURE) if isinstance(given, str | Path) else given
