"""Mending: from the doctor to a training: what a person decided is kept, honoured, said, and stays with the run."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate.errors import RunError, SourceError
from striate.model.files import tensorfile
from striate.recipe import Recipe
from striate.runs.lock import acquire
from striate.runs.run import RunDirectory
from striate.search.checks.table import KINDS
from striate.verbs.doctor import decide, doctor
from striate.verbs.evaluate import evaluate
from striate.verbs.events import Planned
from striate.verbs.mending import kept_at, place_of, read_mending
from striate.verbs.reopen import reopen_data
from striate.verbs.train import resume, resuming, training
from striate.verbs.workspace import Workspace

NET = "conv 4 3x3 pad 1 >> relu >> globalavgpool >> flatten >> dense"
COLOURS = {"cats": (200, 60, 40), "dogs": (40, 80, 200)}
DECIDED = """
[[relabel]]
picture = "cats/dog.png"
to = "dogs"
[[drop]]
picture = "cats/07.png"
[[ignore]]
finding = "dark"
pictures = ["dogs/night.png"]
"""


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Two classes; a dog under cats that lies under dogs too, and a picture that is dark."""
    for place, (name, colour) in enumerate(COLOURS.items()):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(12):
            noise = np.random.default_rng([place, number]).normal(0, 60, (16, 16, 3)) + colour
            Image.fromarray(noise.clip(0, 255).astype(np.uint8)).save(tmp_path / "pets" / name / f"{number:02}.png")
    night = np.random.default_rng(5).integers(0, 20, (16, 16, 3), np.uint8)
    Image.fromarray(night).save(tmp_path / "pets" / "dogs" / "night.png")
    dog = (tmp_path / "pets" / "dogs" / "03.png").read_bytes()
    (tmp_path / "pets" / "cats" / "dog.png").write_bytes(dog)
    (tmp_path / "labels.toml").write_text(DECIDED)
    return tmp_path / "pets"


@pytest.fixture
def at(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "runs")


def recipe(pets: Path, **more: object) -> Recipe:
    said: dict[str, object] = {"source": str(pets), "net": NET, "epochs": 2, "folds": 0, "device": "cpu", "threads": 1}
    return Recipe(**{**said, **more})


def planned(pets: Path, at: Workspace, **more: object) -> Planned:
    found = next(iter(training(recipe(pets, **more), at)))
    assert isinstance(found, Planned)
    return found


def kinds(pets: Path, at: Workspace) -> list[str]:
    return [finding.kind for finding in doctor(pets, labels=False, workspace=at).findings]


def test_from_the_doctor_to_a_training_and_back(pets: Path, at: Workspace, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in pets.rglob("*")}
    assert kinds(pets, at) == ["equal-across-classes", "dark"]
    applied = decide(pets, tmp_path / "labels.toml", workspace=at)
    assert applied.lines()[0].endswith("labels.toml: 1 relabelled, 1 dropped, 1 ignored")
    assert applied.place == at.runs_dir / "labels" / "pets.toml"
    quiet = doctor(pets, labels=False, workspace=at)
    assert [finding.kind for finding in quiet.findings] == ["equal-copies"], "of one class now"
    assert len(quiet.examined) == 25 and quiet.judged[0].endswith("pets.toml: 1 relabelled, 1 dropped, 1 ignored")
    assert quiet.to_dict()["judged"] == list(quiet.judged)

    run, prepared = (begun := planned(pets, at)).run, begun.prepared
    assert [note for note in prepared.source.notes if "relabelled" in note] == list(quiet.judged)
    label = {item.key: prepared.source.label_names[item.place] for item in prepared.source.items}
    assert label["cats/dog.png"] == "dogs" and "cats/07.png" not in label and len(label) == 25
    assert prepared.config.mend == str(applied.place.absolute())
    kept = (run.path / "labels.toml").read_text()
    assert kept == applied.place.read_text() and run.source()["mending"] == "1 relabelled, 1 dropped, 1 ignored"
    assert {path: path.stat().st_mtime_ns for path in pets.rglob("*")} == before


def test_a_run_goes_by_what_was_decided_when_it_was_begun(pets: Path, at: Workspace, tmp_path: Path) -> None:
    decide(pets, tmp_path / "labels.toml", workspace=at)
    events = training(recipe(pets), at)
    run = next(run.run for run in events if isinstance(run, Planned))
    events.close()  # stopped before the first epoch
    place = kept_at(pets, at.runs_dir)
    place.write_text("[[drop]]\npicture = 3")  # of no use to anybody any more
    opened = reopen_data(run, workspace=at)
    assert not opened.added and not opened.missing and len(opened.source.items) == 25
    stopped = resume(run.name, workspace=at)
    place.unlink()
    decide(pets, tmp_path / "labels.toml", workspace=at)
    whole = RunDirectory.open(
        next(iter([one.run for one in training(recipe(pets), at) if isinstance(one, Planned)])).path
    )
    weights = [tensorfile.read(one.model_path)[0] for one in (stopped, whole)]
    assert all(np.array_equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert evaluate(run.name, split="train", workspace=at).keys == tuple(opened.keys("train"))

    (pets / "cats" / "dog.png").write_bytes((pets / "cats" / "01.png").read_bytes())
    with pytest.raises(RunError, match=r"content or label of 1 of them has changed: cats/dog\.png"):
        list(resuming(run.name, epochs=3, workspace=at))


def test_other_pictures_are_measured_as_they_were_mended(pets: Path, at: Workspace, tmp_path: Path) -> None:
    run = planned(pets, at, mend="none").run
    resume(run.name, workspace=at)
    assert not (run.path / "labels.toml").exists() and len(evaluate(run.name, data=str(pets), workspace=at).keys) == 26
    decide(pets, tmp_path / "labels.toml", workspace=at)
    found = evaluate(run.name, data=str(pets), workspace=at)
    assert len(found.keys) == 25 and any("1 relabelled" in note for note in found.notes)
    assert len(evaluate(run.name, data=str(pets), mend="none", workspace=at).keys) == 26
    with pytest.raises(RunError, match="mend is for other pictures"):
        evaluate(run.name, mend="none", workspace=at)


def test_a_picture_that_was_renamed_or_changed_is_not_mended_and_that_is_said(
    pets: Path, at: Workspace, tmp_path: Path
) -> None:
    decide(pets, tmp_path / "labels.toml", workspace=at)
    (pets / "cats" / "dog.png").rename(pets / "cats" / "other.png")
    (pets / "cats" / "07.png").write_bytes((pets / "cats" / "08.png").read_bytes())
    source = planned(pets, at).prepared.source
    label = {item.key: source.label_names[item.place] for item in source.items}
    assert label["cats/other.png"] == "cats" and label["cats/07.png"] == "cats"
    first, second = (note for note in source.notes if "pets.toml" in note)
    assert first.endswith(": 1 ignored")
    assert "1 picture is not there (cats/dog.png) and 1 picture has another content (cats/07.png)" in second


def test_decisions_add_up_and_a_later_one_stands(pets: Path, at: Workspace, tmp_path: Path) -> None:
    decide(pets, tmp_path / "labels.toml", workspace=at)
    (tmp_path / "more.toml").write_text(
        "[[drop]]\npicture = 'cats/dog.png'\n[[same_group]]\npictures = ['dogs/01.png', 'dogs/02.png']"
    )
    kept = decide(pets, tmp_path / "more.toml", workspace=at).kept
    assert kept.said() == "2 dropped, 1 group kept together, 1 ignored" and not kept.unsaid
    assert read_mending(kept_at(pets, at.runs_dir)).to_toml() == kept.to_toml()


def test_two_at_a_time_lose_nothing(pets: Path, at: Workspace, tmp_path: Path) -> None:
    decided = tmp_path / "one.toml"
    decided.write_text(DECIDED)
    place = kept_at(pets, at.runs_dir)
    place.parent.mkdir(parents=True, exist_ok=True)
    held = acquire(place.parent / "lock")
    assert held is not None
    with pytest.raises(SourceError, match="another process is keeping decisions in"):
        decide(pets, decided, workspace=at)
    assert not place.exists()
    held.release()
    decide(pets, decided, workspace=at)
    assert read_mending(place).dropped == {"cats/07.png"}


def test_a_file_of_ones_own_is_named_and_one_that_cannot_be_used_is_refused(
    pets: Path, at: Workspace, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.toml"
    said = decide(pets, tmp_path / "labels.toml", mend=str(mine), workspace=at).lines()
    assert said[-1].endswith(f"striate train --mend {mine} goes by it")
    assert not (at.runs_dir / "labels").exists() and kinds(pets, at) == ["equal-across-classes", "dark"]
    assert len(planned(pets, at, mend=str(mine)).prepared.source.items) == 25
    text = mine.read_text()
    for said, told in (
        (text.replace('to = "dogs"', 'to = "dgos"'), "did you mean dogs"),
        (DECIDED, "named without the digest"),
        ("[[drop]", "is no TOML"),
    ):
        mine.write_text(said)
        with pytest.raises(SourceError, match=told):
            planned(pets, at, mend=str(mine))
        with pytest.raises(SourceError, match=told):
            doctor(pets, labels=False, mend=str(mine), workspace=at)
    assert not list(at.runs_dir.glob("pets-2"))
    with pytest.raises(SourceError, match="there is no file"):
        planned(pets, at, mend=str(tmp_path / "absent.toml"))
    mine.write_text(text)
    with pytest.raises(SourceError, match="are none"):
        planned(Path("digits"), at, source="digits", mend=str(mine))


def test_nothing_is_kept_of_a_file_that_fits_nothing_or_among_the_pictures(
    pets: Path, at: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "labels.toml").write_text("[[drop]]\npicture = 'cats/gone.png'")
    with pytest.raises(SourceError, match=r"nothing in it is about .*1 picture is not there \(cats/gone\.png\)"):
        decide(pets, tmp_path / "labels.toml", workspace=at)
    (tmp_path / "labels.toml").write_text("[[relabel]]\npicture = 'cats/dog.png'\nto = 'birds'")
    with pytest.raises(SourceError, match="the classes are cats, dogs"):
        decide(pets, tmp_path / "labels.toml", workspace=at)
    with pytest.raises(SourceError, match="none of classes"):
        (tmp_path / "labels.toml").write_text("[[relabel]]\npicture = 'dog.png'\nto = 'birds'")
        decide(pets / "cats", tmp_path / "labels.toml", workspace=at)
    assert not at.runs_dir.exists()
    (tmp_path / "labels.toml").write_text(DECIDED)
    with pytest.raises(SourceError, match="never written to"):
        decide(pets, tmp_path / "labels.toml", mend=str(pets / "labels.toml"), workspace=at)
    with pytest.raises(SourceError, match="never written to"):
        decide(pets, tmp_path / "labels.toml", workspace=Workspace(pets / "runs"))


def test_two_folders_of_one_name_have_files_of_their_own(tmp_path: Path) -> None:
    one, two, runs = tmp_path / "a" / "photos", tmp_path / "b" / "photos", tmp_path / "runs"
    for folder in (one, two):
        folder.mkdir(parents=True)
    first = kept_at(one, runs)
    assert first == kept_at(two, runs) == runs / "labels" / "photos.toml" and place_of(None, one, runs) is None
    first.parent.mkdir(parents=True)
    first.write_text(f"folder = {json.dumps(str(one))}")
    assert kept_at(one, runs) == first and kept_at(two, runs).name.startswith("photos-")
    one.rename(tmp_path / "moved")
    assert kept_at(two, runs) == first, "nobody else's any more: what fits is seen by path and digest"
    assert place_of("none", two, runs) is None


def test_decisions_about_a_folder_that_is_away_wait_for_it(tmp_path: Path) -> None:
    one, two, runs = tmp_path / "a" / "photos", tmp_path / "b" / "photos", tmp_path / "runs"
    for number, folder in enumerate((one, two)):
        folder.mkdir(parents=True)
        Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / "0.png")
    (tmp_path / "drop.toml").write_text('[[drop]]\npicture = "0.png"')
    first = decide(one, tmp_path / "drop.toml", workspace=Workspace(runs))
    one.rename(tmp_path / "away")
    other = decide(two, tmp_path / "drop.toml", workspace=Workspace(runs))
    assert other.place != first.place and read_mending(first.place).folder == str(one)
    (tmp_path / "away").rename(one)
    assert kept_at(one, runs) == first.place and kept_at(two, runs) == other.place
    one.rename(tmp_path / "photos")
    assert kept_at(tmp_path / "photos", runs) == first.place, "it was moved, and has the picture"
    first.place.write_text(f'folder = "/{"n" * 300}"')
    assert kept_at(two, runs) == first.place, "a folder that no system has is not there"


def test_the_name_of_a_folder_may_be_long_and_must_be_text(tmp_path: Path, at: Workspace) -> None:
    (tmp_path / "drop.toml").write_text('[[drop]]\npicture = "0.png"')
    for name in ("n" * 255, "é" * 127):
        Path(tmp_path / name).mkdir()
        Image.new("RGB", (8, 8)).save(tmp_path / name / "0.png")
        assert decide(tmp_path / name, tmp_path / "drop.toml", workspace=at).place == kept_at(
            tmp_path / name, at.runs_dir
        )
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/odd\xff"))
    try:
        (tmp_path / name).rename(odd)
    except OSError:
        pytest.skip("this file system has UTF-8 names alone")
    with pytest.raises(SourceError, match=r"odd\\xff is not UTF-8; rename it"):
        decide(odd, tmp_path / "drop.toml", workspace=at)


def test_a_finding_that_is_none_is_not_ignored(pets: Path, at: Workspace, tmp_path: Path) -> None:
    (tmp_path / "labels.toml").write_text('[[ignore]]\nfinding = "near-copy"')
    with pytest.raises(SourceError, match=r"did you mean near-copies"):
        decide(pets, tmp_path / "labels.toml", workspace=at)
    assert not (at.runs_dir / "labels").exists()
    text = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text()
    told = {kind for row in re.findall(r"^\| (`.+?) \|", text, re.M) for kind in re.findall(r"`([a-z-]+)`", row)}
    assert told | {"label"} == set(KINDS), "the docs name them all"


def test_a_class_without_pictures_by_decision_is_said_as_that(pets: Path, at: Workspace, tmp_path: Path) -> None:
    gone = [path.relative_to(pets).as_posix() for path in sorted(pets.glob("cats/*"))]
    every = [path.relative_to(pets).as_posix() for path in sorted(pets.glob("*/*"))]
    for paths, told in ((gone, "by what was decided .* the class 'cats' has none left"), (every, "drops all 26")):
        (tmp_path / "labels.toml").write_text("".join(f'[[drop]]\npicture = "{path}"\n' for path in paths))
        decide(pets, tmp_path / "labels.toml", workspace=at)
        with pytest.raises(SourceError, match=told):
            planned(pets, at)


def test_what_is_one_thing_is_on_one_side_and_all_else_stays_where_it_was(
    pets: Path, at: Workspace, tmp_path: Path
) -> None:
    before = planned(pets, at, val=0.2, test=0.3).prepared
    side = {key: part for part in ("train", "val", "test") for key in before.keys(part)}
    by_side = {
        part: sorted(key for key in side if side[key] == part and key != "cats/dog.png") for part in ("train", "test")
    }
    some = [keys[0] for keys in by_side.values()] + [keys[-1] for keys in by_side.values()]
    assert len({side[key] for key in some}) == 2
    (tmp_path / "labels.toml").write_text(f"[[same_group]]\npictures = {json.dumps(some)}")
    decide(pets, tmp_path / "labels.toml", workspace=at)
    begun = planned(pets, at, val=0.2, test=0.3)
    now = {key: part for part in ("train", "val", "test") for key in begun.prepared.keys(part)}
    assert len({now[key] for key in some}) == 1
    assert {key: part for key, part in now.items() if key not in some} == {
        key: part for key, part in side.items() if key not in some
    }
    opened = reopen_data(begun.run, workspace=at)
    assert opened.split == begun.prepared.split and opened.identities == begun.prepared.identities
    assert len(set(opened.identities)) == len(now) - 1 - 3, "a copy, and four that are one"
