"""Reopen: a run's pictures, exactly as it was trained and split with; the only way back to them. No torch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from striate import recipe as recipes
from striate.data.labels.marks import Marks, marks_from
from striate.data.pictures.preprocess import Preprocess
from striate.data.sources.items import ArraySource, Item, Source, Target
from striate.data.split import Split
from striate.data.store.store import open_store
from striate.errors import DataError, ModelError, RunError, SourceError, StriateError
from striate.runs.run import RunDirectory
from striate.tasks.table import BY_ITSELF, task_of
from striate.tasks.task import Labels, Task
from striate.train_config import TrainConfig, closed, still_open
from striate.verbs.cautions import copies_of
from striate.verbs.folds import folds_again, split_facts
from striate.verbs.pictures import find_pictures
from striate.verbs.places import in_input
from striate.verbs.plan import plan
from striate.verbs.prepared import Prepared, ProvidedModel
from striate.verbs.workspace import HERE, Workspace
from striate.words import counted, plural

PARTS = ("train", "val", "test", "left_out")
NAMED = 20  # of the files that were passed over, in source.json
PICTURES = "pictures.json"  # what each picture of a run is known by again


def reopen_data(
    run: RunDirectory,
    *,
    config: TrainConfig | None = None,
    provided: ProvidedModel | None = None,
    workspace: Workspace = HERE,
    without_missing: bool = False,
) -> Prepared:
    """Return the pictures, split, net and preprocessing of a run, whatever was added to its source since.

    Pictures are read by the preprocessing that the run keeps (``source.json``), of every kind of run: its size, what is
    cut off, how it is resampled. ``config`` replaces the run's own (more epochs); ``provided`` is the network of an
    adopted module; ``workspace`` says where data sets by name are, if not where they were. ``without_missing`` leaves
    out the run's pictures that are no longer there. What was added and what is missing is named in the answer.

    Errors: RunError when pictures of the run are gone or have changed, or cannot be reached at all.

    Example: ``len(reopen_data(run).store.pixels)`` is 28.
    """
    facts, keys = run.source(), parts_of(run)
    config = config or config_of(run)
    task = task_of(config)
    names, preprocess = _kept(run, facts)
    folder = facts.get("data_dir")
    where = Path(folder) if isinstance(folder, str) and Path(folder).is_dir() else workspace.data_dir
    try:
        found = find_pictures(config, replace(workspace, data_dir=where), least_classes=1, allow_bad=True, run=run.path)
    except DataError as error:
        raise RunError(
            f"the pictures of {run.name} cannot be read from {facts.get('location', config.source)}: {error};"
            f" if they were moved, say where to in {run.path / 'recipe.toml'} (source = ...)"
        ) from None
    wanted = {key for part in keys.values() for key in part}
    rejected = {bad["key"] for bad in facts.get("rejected", ())}
    added = tuple(
        item.key for item in found.items if item.labelled and item.key not in wanted and item.key not in rejected
    )
    there = [item.key for item in found.items if item.key in wanted]
    if not there:
        raise RunError(f"none of the {len(wanted):,} pictures of {run.name} is in {found.location} any more")
    if not without_missing:
        _check_there(run, found, wanted, wanted - set(there))
    stored = open_store(found.only(wanted).named_as(names), preprocess, progress=workspace.progress)
    labels = _labels(task, stored.source, config, facts)
    net, survey, preprocess = plan(config, labels.kept, preprocess=preprocess, provided=provided)
    labels = task.laid_out(in_input(task, labels, stored.source, preprocess), survey)
    index = {item.key: place for place, item in enumerate(stored.source.items)}
    missing = tuple(sorted(wanted - index.keys()))
    if not without_missing:
        _check_there(run, found, wanted, missing)
    rows = {part: tuple(sorted(index[key] for key in mine if key in index)) for part, mine in keys.items()}
    parts = Split(rows["train"], rows["val"], rows["test"], rows["left_out"])
    folds = folds_again(run.split(), index, len(stored.source.items), run.path / "split.json")
    prepared = Prepared(
        config,
        net,
        survey,
        stored.source,
        labels,
        stored.store,
        parts,
        preprocess,
        added=added,
        missing=missing,
        folds=folds,
        groups=_groups(run, stored.source, stored.store.digests),
    )
    _check_same(run, prepared, facts)
    return prepared


def config_of(run: RunDirectory) -> TrainConfig:
    """Return what a run is trained by. Errors: RunError, RecipeError for a file that is damaged."""
    where = run.path / "recipe.toml"
    recipe = recipes.from_toml(run.recipe_toml(), where=str(where))
    before = recipes.before(recipe, task=BY_ITSELF)
    if lacking := [*([] if recipe.source else ["source"]), *still_open(recipe, before)]:
        raise RunError(f"{where} is damaged: it lacks {', '.join(lacking)}; {run.name} cannot be used")
    return closed(recipe, before)


def parts_of(run: RunDirectory) -> dict[str, list[str]]:
    """Return the keys of a run's pictures by part. Errors: RunError for a split that is damaged."""
    kept = run.split()
    parts = {part: kept.get(part, []) for part in PARTS}
    if not parts["train"]:
        raise RunError(f"{run.path / 'split.json'} is damaged: it names no pictures; {run.name} cannot be used")
    return parts


def pictures_facts(prepared: Prepared) -> dict[str, Any]:
    """Return what a run keeps of each of its pictures, to know it again: key, label, digest of the content."""
    return {
        "keys": [item.key for item in prepared.source.items],
        "targets": [_plain(item.target) for item in prepared.source.items],
        "digests": [digest.hex() for digest in prepared.store.digests],
    } | ({"groups": [group.hex() for group in prepared.groups]} if prepared.groups else {})


def source_facts(prepared: Prepared, data_dir: Path | None) -> dict[str, Any]:
    """Return what a run must remember of its pictures, besides each by itself."""
    source = prepared.source
    return {
        "name": source.name,
        "location": source.location,
        "data_dir": None if data_dir is None else str(data_dir.absolute()),
        "classes": list(source.label_names),
        "kind": source.kind,
        "label_facts": dict(source.label_facts),
        "labels": {"names": list(prepared.labels.names), "facts": dict(prepared.labels.facts)},
        "pictures": {part: len(getattr(prepared.split, part)) for part in PARTS},
        "rejected": [{"key": bad.key, "reason": bad.reason} for bad in source.rejected],
        "passed_over": {"files": len(source.passed_over), "first": list(source.passed_over[:NAMED])},
        "notes": list(source.notes),
        "mending": None if source.mending is None else source.mending.said(),
        "copies": copies_of(prepared).to_dict(source.items),
        "size": _size(source),
        "digest": prepared.digest(),
        "preprocess": prepared.preprocess.to_dict(),
    }


def _size(source: Source) -> dict[str, Any] | None:
    """Return how large the pictures are as they come: of all alike, or in the middle; None where none can be read."""
    try:
        facts = source.facts()
    except SourceError:
        return None
    height, width = facts.common_size or facts.median_size
    return {"height": height, "width": width, "all": facts.common_size is not None}


def leave_out(run: RunDirectory, prepared: Prepared) -> None:
    """Make a run one of the pictures that remain; its split, which decides, comes last."""
    before = run.source()
    folder = before.get("data_dir")
    facts = source_facts(prepared, Path(folder) if folder else None)
    if known_pictures(run) is None:  # else it names them all, in the order that maps.jsonl counts them by
        run.write_json(PICTURES, pictures_facts(prepared))
    facts |= {  # what was skipped as it was begun is not looked at again, and what it alone knows stays
        "notes": before.get("notes", []),
        "rejected": [*before.get("rejected", ()), *facts["rejected"]],
        "missing": list(dict.fromkeys([*before.get("missing", ()), *prepared.missing])),
    }
    run.write_json("source.json", before | facts)
    run.write_json("split.json", split_facts(prepared))


def known_pictures(run: RunDirectory) -> dict[str, tuple[Target, str]] | None:
    """Return label and digest (hex) of each picture of a run by its key; None where it kept none (0.1.0).

    Errors: RunError when they are damaged.
    """
    path = run.path / PICTURES
    if not path.exists():
        return None
    facts = run.read_json(PICTURES)
    keys, targets, digests = (facts[name] for name in ("keys", "targets", "digests"))
    if not len(keys) == len(targets) == len(digests) or len(facts.get("groups", keys)) != len(keys):
        raise RunError(f"{path} is damaged: its lists do not belong together; {run.name} cannot be used")
    said = [_target(target) for target in targets]
    return {key: (target, digest) for key, target, digest in zip(keys, said, digests, strict=True)}


def known_groups(run: RunDirectory) -> dict[str, str]:
    """Return the identity (hex) of each picture of a run by its key; empty where nobody said which belong together."""
    if not (run.path / PICTURES).exists():
        return {}
    facts = run.read_json(PICTURES)
    return dict(zip(facts["keys"], facts.get("groups", ()), strict=False))


def _groups(run: RunDirectory, source: Source, digests: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the identities of a run's pictures, as they were when it was split."""
    known = known_groups(run)
    if not known:
        return ()
    each = zip(source.items, digests, strict=True)
    return tuple(bytes.fromhex(known[item.key]) if item.key in known else digest for item, digest in each)


def _plain(target: Target) -> Any:
    """Return a label ready for JSON."""
    return target.to_dict() if isinstance(target, Marks) else target


def _target(value: Any) -> Target:
    """Return a label as `_plain` wrote it."""
    if isinstance(value, dict):
        return marks_from(value)
    return tuple(value) if isinstance(value, list) else value


def kept_labels(run: RunDirectory, keys: Sequence[str]) -> Labels:
    """Return the labels of some of a run's pictures as its task has them; the pictures are not looked for.

    Errors: RunError for pictures that the run does not keep.
    """
    known, facts, config = known_pictures(run) or {}, run.source(), config_of(run)
    if absent := [key for key in keys if key not in known]:
        raise RunError(f"{run.name} keeps no label of {named(absent)}")
    said: dict[str, Any] = {name: facts[name] for name in ("kind", "label_facts") if name in facts}
    items = tuple(Item(key, known[key][0]) for key in keys)
    rows = np.zeros((len(items), 2), np.int64)
    source = ArraySource(run.name, "", tuple(facts["classes"]), items, blocks=(), rows=rows, origins=(), **said)
    return _labels(task_of(config), source, config, facts)


def changes(run: RunDirectory, prepared: Prepared) -> tuple[str, ...]:
    """Return in sentences what was added to a run's pictures since it was begun, and what is missing and left out."""
    told = []
    if prepared.added:
        number = len(prepared.added)
        told.append(
            f"{counted(number, 'picture')} in {prepared.source.location} {plural(number, 'was')} added since {run.name}"
            f" was begun, and {plural(number, 'is')} not used: {named(prepared.added)}"
        )
    if prepared.missing:
        number = len(prepared.missing)
        told.append(
            f"{counted(number, 'picture')} of {run.name} {plural(number, 'is')} gone and left out:"
            f" {named(prepared.missing)}"
        )
    return tuple(told)


def row_of(run: RunDirectory, prepared: Prepared, row: int) -> int | None:
    """Return where the picture is now that was in this row as the run was begun; None for one that is gone."""
    kept = known_pictures(run)
    if kept is None:
        return None if prepared.missing else row
    key = list(kept)[row]
    return next((place for place, item in enumerate(prepared.source.items) if item.key == key), None)


def trained_on(run: RunDirectory) -> tuple[frozenset[str], frozenset[str]] | None:
    """Return the digests (hex) of the pictures that a run trained on, and of those it was validated on.

    A run that kept none is asked by its pictures; None where those are gone too or have changed.
    """
    parts, kept = parts_of(run), known_pictures(run)
    digests = None if kept is None else {key: digest for key, (_, digest) in kept.items()}
    if digests is None:
        try:
            prepared = reopen_data(run)
        except StriateError:
            return None
        pairs = zip(prepared.source.items, prepared.store.digests, strict=True)
        digests = {item.key: digest.hex() for item, digest in pairs}
    train, val = (frozenset(digests[key] for key in parts[part] if key in digests) for part in ("train", "val"))
    return train, val


def named(keys: Collection[str], *, most: int = 3) -> str:
    """Return the first few of some keys, for a sentence."""
    first = sorted(keys)[:most]
    return ", ".join(first) + (" ..." if len(keys) > most else "")


def _kept(run: RunDirectory, facts: Mapping[str, Any]) -> tuple[tuple[str, ...], Preprocess]:
    """Return the names of the labels and the preprocessing that a run keeps."""
    damaged = f"{run.path / 'source.json'} is damaged: {{}}; {run.name} cannot be used"
    names, fields = facts.get("classes"), facts.get("preprocess")
    if not names:
        raise RunError(damaged.format("it names no classes"))
    if fields is None:
        raise RunError(damaged.format("it does not say how its pictures are prepared"))
    try:
        return tuple(names), Preprocess.from_dict(fields)
    except ModelError as error:
        raise RunError(damaged.format(error)) from None


def _check_there(run: RunDirectory, found: Source, wanted: Collection[str], missing: Collection[str]) -> None:
    if missing:
        them = "it" if len(missing) == 1 else "them"
        raise RunError(
            f"{len(missing):,} of the {counted(len(wanted), 'picture')} of {run.name}"
            f" {plural(len(missing), 'is')} no longer in {found.location}, or cannot be read:"
            f" {named(missing)}; put {them} back, or go on with those that remain (--without-missing)"
        )


def _labels(task: Task, source: Source, config: TrainConfig, facts: Mapping[str, Any]) -> Labels:
    """Return the labels of a run's pictures, with the names and facts that it keeps; older runs kept none."""
    labels, kept = task.labels(source, config), facts.get("labels")
    return labels if kept is None else replace(labels, names=tuple(kept["names"]), facts=kept["facts"])


def _check_same(run: RunDirectory, prepared: Prepared, facts: Mapping[str, Any]) -> None:
    """Refuse pictures whose content or label is another than the run was begun with. Errors: RunError, naming them."""
    kept = known_pictures(run)
    if kept is None:  # begun by an older version, which kept one digest of them all
        if not prepared.missing and prepared.digest() != facts.get("digest"):
            _refuse_changed(run, prepared, "a picture or a label has changed")
        return
    now = zip(prepared.source.items, prepared.store.digests, strict=True)
    changed = [item.key for item, digest in now if kept.get(item.key) != (item.target, digest.hex())]
    if changed:
        _refuse_changed(run, prepared, f"content or label of {len(changed):,} of them has changed: {named(changed)}")


def _refuse_changed(run: RunDirectory, prepared: Prepared, why: str) -> None:
    place = prepared.source.location
    raise RunError(
        f"the pictures in {place} are not what {run.name} was trained and split with ({why}); to measure them as they"
        f" are say striate evaluate {run.name} --data {place}; to learn from them as they are, striate train {place}"
    )
