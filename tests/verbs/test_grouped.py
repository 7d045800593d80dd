"""--group: pictures of one group are on one side of the split, of folds and of a run that is opened again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.pictures import paint
from tests.verbs.test_folds import whole
from tests.verbs.test_kill import bits

from striate.errors import RecipeError, SourceError
from striate.recipe import Recipe
from striate.runs.run import RunDirectory
from striate.verbs.evaluate import evaluate
from striate.verbs.events import Finished, Planned
from striate.verbs.prepare import prepare
from striate.verbs.reopen import reopen_data
from striate.verbs.train import resume, train, training
from striate.verbs.workspace import Workspace

BY = r"patient(\d+)"


@pytest.fixture(scope="module")
def patients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes, 16 pictures each of eight patients, who are in both; one picture is in none."""
    root = paint(tmp_path_factory.mktemp("pictures") / "scans", ("ill", "well"), count=17, seed=2)
    for name in ("ill", "well"):
        for number, path in enumerate(sorted((root / name).iterdir())):
            if number:
                path.rename(path.with_name(f"patient{number % 8}_{number}.png"))
    return root


def sides(run: RunDirectory) -> dict[str, set[str]]:
    """The parts that each patient's pictures are in."""
    split: dict[str, Any] = run.split()  # type: ignore[assignment]
    found: dict[str, set[str]] = {}
    for part in ("train", "val", "test", "left_out"):
        for key in split[part]:
            found.setdefault(key.partition("/")[2].partition("_")[0], set()).add(part)
    return found


def test_no_group_is_on_two_sides_and_it_is_said(patients: Path, tmp_path: Path) -> None:
    events = list(training(whole(patients, folds=0, group=BY), Workspace(tmp_path)))
    planned = next(event for event in events if isinstance(event, Planned))
    line = rf"32 pictures in 8 groups by {BY}: none is on two sides; 2 pictures are in none, and each for itself"
    assert line in planned.notes
    run = planned.run
    assert all(len(parts) == 1 for name, parts in sides(run).items() if name.startswith("patient"))
    assert set().union(*sides(run).values()) == {"train", "val", "test"}
    kept = json.loads((run.path / "pictures.json").read_text())
    assert len(set(kept["groups"])) == 10
    again = reopen_data(run)
    assert [one.hex() for one in again.groups] == kept["groups"]
    finished = next(event for event in events if isinstance(event, Finished))
    assert finished.evaluation is not None
    chosen = finished.evaluation.indices
    alike = {again.identities[row] for row in chosen}
    assert len(alike) < len(chosen), "a patient is one observation"
    assert evaluate(str(run.path)).report.accuracy.to_dict() == finished.evaluation.report.accuracy.to_dict()
    plain = train(whole(patients, folds=0), workspace=Workspace(tmp_path / "plain"))
    assert any(len(parts) > 1 for parts in sides(plain).values()), "by chance they are"
    assert "groups" not in json.loads((plain.path / "pictures.json").read_text())


def test_folds_divide_no_group_and_go_on_to_the_bit(patients: Path, tmp_path: Path) -> None:
    listed = tmp_path / "patients.csv"
    keys = [path.relative_to(patients).as_posix() for path in sorted(patients.rglob("patient*"))]
    listed.write_text("path,patient\n" + "".join(f"{key},{key.partition('_')[0][-1]}\n" for key in keys))
    recipe = whole(patients, group=str(listed), epochs=2)
    run = train(recipe, workspace=Workspace(tmp_path / "runs"))
    split: dict[str, Any] = run.split()  # type: ignore[assignment]
    for places in split["folds"]["places"]:
        of = {}
        for key, place in zip(split["train"], places, strict=True):
            if "patient" in key:
                of.setdefault(key.partition("/")[2].partition("_")[0], set()).add(place)
        assert len(of) == 8 and all(len(one) == 1 for one in of.values())
        assert set().union(*of.values()) == {0, 1, 2}
    other = next(event.run for event in training(recipe, Workspace(tmp_path / "stopped")) if isinstance(event, Planned))
    listed.unlink()  # the run keeps its groups
    resumed = resume(str(other.path), workspace=Workspace(tmp_path / "stopped"))
    assert bits(resumed) == bits(run)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"group": BY, "folds": 20}, r"20 need as many .* the most that can be dealt are 9; say fewer folds"),
        (
            {"group": "(ill|well)", "folds": 0},
            r"2 groups, which leaves none for val and test.*--set val=0 --set test=0",
        ),
        ({"group": "(ill|well)", "folds": 2}, "they cannot be dealt at all"),
        ({"group": "camel"}, "is in none of the 34 paths"),
        ({"group": "(png)"}, "holds all 34 pictures"),
    ],
)
def test_groups_that_leave_nothing_to_measure_on_are_refused(patients: Path, changes: dict[str, Any], why: str) -> None:
    with pytest.raises((SourceError, RecipeError), match=why) as error:
        prepare(whole(patients, **changes))
    assert "\n" not in str(error.value)


def test_what_the_source_splits_itself_stays_and_its_train_loses_the_groups_of_its_test(tmp_path: Path) -> None:
    for part in ("train", "test"):
        paint(tmp_path / "set" / part, ("a", "b"), count=6, seed=len(part))
    for path in (tmp_path / "set").rglob("*.png"):
        number = int(path.stem.partition("-")[2])
        path.rename(path.with_name(f"v{number if path.parts[-3] == 'train' else number + 5}_{path.name}"))
    prepared = prepare(Recipe(source=str(tmp_path / "set"), net="lenet5", group=r"v\d+_", folds=0))
    assert all("/v5_" in key for key in prepared.keys("left_out")) and len(prepared.split.left_out) == 2
    assert len(prepared.split.test) == 12
    assert "2 pictures of the source's own train are left out, as others of their groups" in prepared.notes[-1]
