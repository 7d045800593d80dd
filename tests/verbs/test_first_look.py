"""What a training says by itself of its pictures: at most three lines, and nothing where nothing is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.search.test_name_groups import drive
from tests.verbs.test_doctor import painted
from tests.verbs.test_folds import NET

from striate.recipe import Recipe
from striate.verbs import first_look as looked
from striate.verbs.doctor import decide
from striate.verbs.events import Planned
from striate.verbs.first_look import first_look
from striate.verbs.prepare import prepare
from striate.verbs.reopen import reopen_data
from striate.verbs.train import training
from striate.verbs.workspace import Workspace


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    for name, begin in (("cats", 0), ("dogs", 100)):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for seed in range(24):
            painted(begin + seed).save(tmp_path / "pets" / name / f"{7919 * seed % 1000}.png")
    return tmp_path / "pets"


def wished(source: Path, **changes: Any) -> Recipe:
    return Recipe(source=str(source), net=NET, size=(32, 32), folds=0, epochs=1).changed(**changes)


def test_nothing_is_said_where_nothing_is_wrong(pets: Path) -> None:
    assert first_look(prepare(wished(pets))) == ()
    assert first_look(prepare(Recipe(source="digits", net=NET, folds=0))) == (), "no folder, nothing to doctor"


@pytest.mark.parametrize("folds", [0, 3])
def test_pictures_nearly_the_same_on_both_sides_are_said_with_one_pair_each(pets: Path, folds: int) -> None:
    split = prepare(wished(pets)).keys("train")
    for number, key in enumerate(split[:3]):  # other bytes, and so another place in the split
        for quality in (60, 70, 80, 90):
            Image.open(pets / key).save(pets / key.partition("/")[0] / f"again-{number}-{quality}.jpg", quality=quality)
    prepared = prepare(wished(pets, folds=folds))
    said = first_look(prepared)
    assert len(said) == 2 and "nearly the same as one trained on, so that the figures say more than is true" in said[0]
    assert "again-" in said[0] and 1 <= said[0].count(" = ") <= 2
    assert said[1] == f"striate doctor {pets} looks further"
    run = next(event for event in training(wished(pets), Workspace(pets.parent / "runs")) if isinstance(event, Planned))
    assert set(first_look(run.prepared)) <= set(run.notes)
    assert not set(first_look(run.prepared)) & set(reopen_data(run.run).notes), "a run that goes on says it no more"


def test_what_was_judged_is_said_no_more(pets: Path) -> None:
    at = Workspace(pets.parent / "runs")
    groups = {key: [key] for key in prepare(wished(pets)).keys("train")[:3]}
    for number, (key, group) in enumerate(groups.items()):
        for quality in (60, 70, 80, 90):
            group.append(f"{key.partition('/')[0]}/again-{number}-{quality}.jpg")
            Image.open(pets / key).save(pets / group[-1], quality=quality)
    assert len(first_look(prepare(wished(pets), at))) == 2
    decided, kept = pets.parent / "labels.toml", pets.parent / "together.toml"
    lists = [f"pictures = {json.dumps(group)}\n" for group in groups.values()]
    decided.write_text("".join(f'[[ignore]]\nfinding = "near-copies"\n{names}' for names in lists))
    decide(pets, decided, workspace=at)
    assert first_look(prepare(wished(pets), at)) == ()
    assert len(first_look(prepare(wished(pets, mend="none"), at))) == 2
    decided.write_text("".join(f"[[same_group]]\n{names}" for names in lists))
    decide(pets, decided, mend=str(kept), workspace=at)
    assert first_look(prepare(wished(pets, mend=str(kept)), at)) == (), "each on one side now"


def test_frames_are_said_with_what_keeps_them_together_unless_that_was_said(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for video in range(6):
        for frame, picture in enumerate(drive(rng, 20)):
            path = tmp_path / "set" / "ab"[video % 2] / f"v{video}_{frame:03}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(path)
    said = first_look(prepare(wished(tmp_path / "set")))
    assert any("--group '([^/]*\\D)\\d+[^/\\d]*$' keeps them together" in line for line in said) and len(said) <= 3
    assert not any("--group" in line for line in first_look(prepare(wished(tmp_path / "set", group=r"(v\d)_"))))


def test_many_pictures_are_left_to_doctor(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (pets / "cats" / "text.jpg").write_text("no picture")
    monkeypatch.setattr(looked, "MOST", 10)
    monkeypatch.setattr(looked, "_squares", None)
    assert first_look(prepare(wished(pets, seed=1))) == (f"striate doctor {pets} looks further",)
