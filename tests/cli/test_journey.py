"""The journey a person makes: train, evaluate, predict, go on; stop with Ctrl-C; meet a full disk."""

from __future__ import annotations

import errno
import json
import re
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.stage import QUICK, Place, contents
from tests.pictures import paint

from striate.model.files.weights import read
from striate.runs import durable
from striate.runs.run import RunDirectory

EPOCHS = 6
TRAIN = ("train", "pets", *QUICK, "--epochs", str(EPOCHS), "--batch", "8", "--lr", "0.05")


def bits(run: Path) -> dict[str, bytes]:
    tensors, _ = read(run / "model.safetensors")
    return {name: tensor.contiguous().numpy().tobytes() for name, tensor in tensors.items()}


def strict(text: str) -> Any:
    """Read JSON as it is defined: without NaN and Infinity."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A working directory with pictures and a run, trained through the command line. Nobody changes it."""
    place = Place(tmp_path_factory.mktemp("trained"))
    paint(place.path / "pets")
    before = contents(place.path / "pets")
    answer = place(*TRAIN).done()
    assert contents(place.path / "pets") == before
    (place.path / "said").write_text(answer.out)
    return place


@pytest.fixture
def again(trained: Place, tmp_path: Path) -> Place:
    """A copy of that directory, to be changed. (The run's pictures stay where they were.)"""
    shutil.copytree(trained.path / "runs", tmp_path / "runs")
    shutil.copytree(trained.path / "cache", tmp_path / "cache")
    return Place(tmp_path)


def test_training_says_what_it_does_a_line_at_a_time(trained: Place) -> None:
    said = (trained.path / "said").read_text()
    lines = said.splitlines()
    assert re.fullmatch(r"pets: 42 pictures, 3 classes; \d+ to train, \d+ to validate, \d+ to test", lines[0])
    assert "on 3x16x16" in lines[1] and f"{EPOCHS} epochs of batches of 8 on cpu; seed 0" in lines[1]
    assert [line.split()[1] for line in lines if line.startswith("epoch ")] == [f"{n}/{EPOCHS}" for n in range(1, 7)]
    assert re.search(r"^test accuracy \d+\.\d\d % \(", said, re.MULTILINE)
    assert "\r" not in said and "\x1b" not in said, "no moving line in a file"
    for name in ("model", "report"):
        path = next(line.split()[1] for line in lines if line.startswith(name + " "))
        assert (trained.path / path).stat().st_size > 1000


def test_quiet_prints_the_result_alone(place: Place) -> None:
    paint(place.path / "pets", count=6)
    answer = place("train", "pets", *QUICK, "--epochs", "1", "--quiet").done()
    assert answer.out.startswith("test accuracy") and "epoch" not in answer.out


def test_evaluate_says_and_writes_the_same(trained: Place) -> None:
    summary = strict(trained("evaluate", "--json").done().out)
    text = trained("evaluate", "pets-1").done().out
    assert text.startswith(f"pets-1 on {summary['pictures']} test pictures")
    assert f"{100 * summary['accuracy']['value']:.2f} %" in text
    assert summary["classes"] == ["ant", "bee", "cow"]
    assert f"test accuracy {100 * summary['accuracy']['value']:.2f} %" in (trained.path / "said").read_text()
    held = strict((trained.path / "runs" / "pets-1" / "split.json").read_text())
    assert summary["pictures"] == len(held["test"])
    assert strict(trained("evaluate", "--split", "train", "--json").done().out)["pictures"] == len(held["train"])


def test_predict_one_picture_is_one_line(trained: Place) -> None:
    answer = trained("predict", "pets/bee/0-01.png", "--no-unknown").done()
    assert re.fullmatch(r"0\.\d\d bee(, 0\.\d\d \w+)*\n", answer.out)
    assert re.fullmatch(r"0\.\d\d bee\n", trained("predict", "pets/bee/0-01.png", "--no-unknown", "--top", "1").out)
    for way in (("--model", "runs/last"), ("--run", "runs/last")):  # a path that the shell completes
        assert trained("predict", "pets/bee/0-01.png", "--no-unknown", *way).out == answer.out


def test_predict_a_folder_with_a_bad_picture_in_it(trained: Place, tmp_path: Path) -> None:
    paint(tmp_path / "new", count=4, seed=9)
    (tmp_path / "new" / "bee" / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0 not much of a picture")
    (tmp_path / "new" / ".hidden").write_text("passed over")
    answer = trained("predict", tmp_path / "new", "--top", "3", "--json", "--no-unknown")
    answer.refused(r"torn\.jpg: ", r"passed over 1 file that is no picture: \.hidden", lines=2)
    rows = strict(answer.out)
    assert [Path(row["picture"]).name for row in rows if "error" in row] == ["torn.jpg"]
    good = [row for row in rows if "error" not in row]
    assert len(good) == 12
    for row in good:
        assert row["best"] == Path(row["picture"]).parent.name and row["unknown"] is False
        assert len(row["scores"]) == 3 and row["scores"][0]["class"] == row["best"]
        assert sum(score["probability"] for score in row["scores"]) == pytest.approx(1)
    text = trained("predict", tmp_path / "new", "--no-unknown")
    text.refused(r"torn\.jpg: ", lines=2)
    assert len(text.out.splitlines()) == 12
    only = trained("predict", tmp_path / "new" / "bee" / "torn.jpg", "--json")
    only.refused(r"torn\.jpg: ")
    assert len(strict(only.out)) == 1


def test_predict_what_is_not_there(trained: Place, tmp_path: Path) -> None:
    trained("predict", "pets/bee/none.png").refused("no picture or folder at pets/bee/none.png")
    (tmp_path / "empty").mkdir()
    trained("predict", tmp_path / "empty").refused("holds no picture")
    trained("predict", "pets/bee/0-01.png", "--run", "pets-9").refused("pets-9", "pets-1")
    (tmp_path / "model.safetensors").write_bytes(b"\x80\x04 a pickle, perhaps")
    trained("predict", "pets/bee/0-01.png", "--model", tmp_path / "model.safetensors").refused("model.safetensors")


def test_the_pictures_are_left_as_they_are(trained: Place) -> None:
    before = contents(trained.path / "pets")
    trained("evaluate").done()
    trained("evaluate", "--data", "pets").done()
    trained("predict", "pets", "--no-unknown").done()
    trained("train", "--resume").refused("complete")
    assert contents(trained.path / "pets") == before


def test_the_model_file_is_enough_by_itself(trained: Place, tmp_path: Path) -> None:
    pictures = [trained.path / "pets" / name / "0-02.png" for name in ("ant", "bee", "cow")]
    here = strict(trained("predict", *pictures, "--json").done().out)
    shutil.copy(trained.path / "runs" / "pets-1" / "model.safetensors", tmp_path / "alone.model")
    there = strict(Place(tmp_path).process("predict", "--model", "alone.model", *pictures, "--json").done().out)
    for a, b in zip(here, there, strict=True):
        assert (a["picture"], a["best"], a["unknown"]) == (b["picture"], b["best"], b["unknown"])
        for one, other in zip(a["scores"], b["scores"], strict=True):
            assert one["probability"] == pytest.approx(other["probability"], abs=1e-6)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone.model"], "asking leaves nothing behind"


def test_the_cache_is_shown_cleared_and_made_anew(again: Place) -> None:
    assert again("cache").done().out.startswith("pets ")
    (entry,) = strict(again("cache", "--json").done().out)
    assert (entry["name"], entry["pictures"]) == ("pets", 42)
    assert re.fullmatch(r"freed \d+\.\d MiB\n", again("cache", "clear").done().out)
    assert strict(again("cache", "--json").done().out) == []
    again("evaluate").done()
    assert len(strict(again("cache", "--json").done().out)) == 1


def test_resume_of_a_complete_run(again: Place) -> None:
    run = again.path / "runs" / "pets-1"
    before = contents(run)
    again("train", "--resume").refused(r"pets-1 is complete \(6 epochs\)", "striate train --resume pets-1 --epochs 12")
    again("train", "--resume", "pets-1", "--epochs", "5").refused("begun with 6 epochs", "not lowered to 5")
    for words in (["--lr", "1"], ["--name", "x"], ["--set", "ema=0.9"], ["--size", "8"], ["--seed", "1"]):
        again("train", "--resume", "pets-1", "--epochs", "12", *words).refused("--resume goes on.*only --epochs")
    again("train", "pets", "--resume").refused("not source")
    again("train", "--resume", "pets-2").refused("no run 'pets-2'", "pets-1")
    after = contents(run)
    assert {name: data for name, (_, data) in after.items()} == {name: data for name, (_, data) in before.items()}

    answer = again("train", "--resume", "--epochs", "8").done()
    assert "going on after epoch 6" in answer.out
    assert [line.split()[1] for line in answer.out.splitlines() if line.startswith("epoch ")] == ["7/8", "8/8"]
    again("train", "--resume").refused(r"complete \(8 epochs\)")


def test_ctrl_c_keeps_what_was_learnt(place: Place) -> None:
    words = ("train", "digits", *QUICK, "--epochs", "16", "--batch", "64", "--runs-dir")
    process = place.start(*words, "stopped")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("epoch  2/16"):
            process.send_signal(signal.SIGINT)
            break
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in out + err and "test accuracy" not in out
    assert err.strip() == "striate: stopped; go on with: striate train --resume stopped/digits-1"  # said once
    (run,) = RunDirectory.list(place.path / "stopped")
    assert run.state() == "stopped" and run.latest_checkpoint() is not None
    done = len(run.history())
    assert 2 <= done < 16

    rest = place.process("train", "--resume", "stopped/digits-1").done()
    assert f"going on after epoch {done}" in rest.out and f"epoch {done + 1:>2}/16" in rest.out
    place.process(*words, "undisturbed").done()
    assert bits(run.path) == bits(place.path / "undisturbed" / "digits-1")
    assert [entry["index"] for entry in run.history()] == list(range(1, 17))


def test_ctrl_c_before_training_stops_at_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from striate.verbs import train

    def interrupted(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("went on")

    monkeypatch.setattr(train, "prepare", interrupted)
    answer = place("train", "digits", *QUICK)
    assert (answer.code, answer.out, answer.err.strip()) == (130, "", "striate: stopped")
    assert not (place.path / "runs").exists()


def test_a_full_disk_leaves_the_old_checkpoint(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    paint(place.path / "pets")
    place(*TRAIN, "--runs-dir", "undisturbed").done()
    folder = place.path / "runs" / "pets-1" / "checkpoints"
    write = durable.OperatingSystem.write

    def full(self: durable.OperatingSystem, file: int, data: memoryview) -> int:
        if (folder / "2.safetensors").exists() and len(data) > 500:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, file, data)

    with monkeypatch.context() as patch:
        patch.setattr(durable.OperatingSystem, "write", full)
        answer = place(*TRAIN)
    answer.refused("the disk is full", "checkpoint of epoch 2 is untouched; striate train --resume", code=3)
    assert sorted(path.name for path in folder.iterdir()) == ["1.safetensors", "2.safetensors"]
    assert "going on after epoch 2" in place("train", "--resume").done().out
    assert bits(place.path / "runs" / "pets-1") == bits(place.path / "undisturbed" / "pets-1")


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on a process there")
def test_a_disk_that_truly_refuses(again: Place) -> None:
    import resource

    run = again.path / "runs" / "pets-1"
    checkpoints = contents(run / "checkpoints")
    limit = min(path.stat().st_size for path in (run / "checkpoints").iterdir()) - 1

    def small_files_only() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    answer = again.process("train", "--resume", "--epochs", "8", before=small_files_only)
    answer.refused("larger than is allowed", "checkpoint of epoch 6 is untouched", code=3)
    assert {name: data for name, (_, data) in contents(run / "checkpoints").items()} == {
        name: data for name, (_, data) in checkpoints.items()
    }
    again("train", "--resume").done()
    assert [entry["index"] for entry in RunDirectory.open("pets-1", again.path / "runs").history()] == list(range(1, 9))


def test_tensorboard_only_where_it_is(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from striate.cli import train

    paint(place.path / "pets", count=4)
    monkeypatch.setattr(train, "find_spec", lambda name: None)
    place(*TRAIN, "--log", "tensorboard").refused(r"pip install 'striate\[tensorboard\]'")
    assert not (place.path / "runs").exists()


def test_evaluate_takes_its_run_either_way_and_says_what_changed(place: Place) -> None:
    paint(place.path / "pets")
    place("train", "pets", *QUICK, "--epochs", "2").done()
    paint(place.path / "pets", seed=9, count=1)
    said = [place("evaluate", *words).done().out for words in (["pets-1"], ["--run", "pets-1"], [])]
    assert said[0] == said[1] == said[2]
    assert (
        "note: 3 pictures in " in said[0] and "were added since pets-1 was begun, and are not used: ant/9-00" in said[0]
    )
    place("evaluate", "pets-1", "--run", "other").refused("which run, pets-1 or other")
    place("train", "pets", "--without-missing").refused("goes with --resume")
