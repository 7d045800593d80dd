"""Trainings of the studio: started, watched, stopped, gone on with; found again after any end of the server."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest
from tests.web.serving import STRIATE, until
from tests.web.studio_at import StudioAt, end_trainings, studio_at, three_classes

NET = "conv 4 3x3 >> relu >> globalavgpool >> flatten >> dense classes"
LONG = {"net": NET, "epochs": 100_000, "folds": "none"}


def test_from_a_folder_to_a_report(at: StudioAt, album: Path) -> None:
    wishes = {"source": str(album), "net": NET, "epochs": 2, "folds": "none", "name": "plain"}
    said = at.post("/api/train/command", **wishes)["command"]
    assert said.startswith("striate train ") and "--epochs 2" in said and str(album) in said
    made = at.post("/api/train/start", **wishes)
    assert made["command"] == said
    done = at.until(made["id"], "finished", "failed")
    assert done["state"] == "finished", done
    assert [one["index"] for one in done["history"]] == [1, 2] and done["planned"]["pictures"] == 36
    assert done["figure"].startswith("accuracy")
    run = at.get("/api/run", name=done["run"])
    assert [one["train_loss"] for one in run["history"]] == [one["train_loss"] for one in done["history"]]
    report = at.open(f"/report?name={done['run']}", headers={"cookie": at.cookie})
    assert report.status == 200 and report.headers["content-security-policy"].startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in report.headers["content-security-policy"]
    assert done["run"] in {one["name"] for one in at.get("/api/runs")["runs"]}


def test_what_cannot_be_trained_says_why(at: StudioAt, tmp_path: Path) -> None:
    reply = at.command("/api/train/start", source=str(tmp_path), epochs=0)
    assert reply.status == 422 and "epochs" in reply.json()["error"]
    assert at.command("/api/train/start", source="--resume").status == 422  # no option by another name
    (tmp_path / "empty").mkdir()
    made = at.post("/api/train/start", source=str(tmp_path / "empty"))
    failed = at.until(made["id"], "failed")
    assert "empty" in failed["error"] and failed["run"] is None
    at.post("/api/train/remove", id=made["id"])
    assert at.command("/api/train/stop", id=made["id"]).status == 422


def test_stopped_and_gone_on_with_and_a_queue(at: StudioAt, album: Path) -> None:
    first = at.post("/api/train/start", source=str(album), **LONG)["id"]
    second = at.post("/api/train/start", source=str(album), **LONG)["id"]
    at.until(first, "learning")
    assert at.training(second)["state"] == "waiting"
    until(lambda: at.training(first)["history"])
    at.post("/api/train/stop", id=second)  # it leaves the queue
    assert second not in {one["id"] for one in at.get("/api/train/queue")["trainings"]}
    at.post("/api/train/stop", id=first)
    stopped = at.until(first, "stopped", "finished")
    assert stopped["state"] == "stopped"
    again = at.post("/api/train/go-on", run=stopped["run"])["id"]
    assert at.command("/api/train/go-on", run=stopped["run"]).status == 422  # it is in the queue already
    known = stopped["history"][-1]["index"]
    until(lambda: any(one["index"] > known for one in at.training(again)["history"]))
    assert at.training(again)["planned"]["done"] >= known - 1
    at.post("/api/train/stop", id=again, at_once=True)
    assert at.until(again, "stopped")["run"] == stopped["run"]


def test_a_training_outlives_the_server_and_is_found_again(tmp_path: Path) -> None:
    album = three_classes(tmp_path / "plain")
    try:
        with studio_at(tmp_path) as one:
            identity = one.post("/api/train/start", source=str(album), **LONG)["id"]
            waiting = one.post("/api/train/start", source=str(album), net=NET, epochs=1, folds="none")["id"]
            one.until(identity, "learning")
            port, cookie = one.port, one.cookie
            one.kill()
        events = tmp_path / "runs" / "studio" / "trainings" / identity / "events.jsonl"
        before = events.stat().st_size
        until(lambda: events.stat().st_size > before)  # it goes on by itself
        with studio_at(tmp_path, port=port) as other:
            other.cookie = cookie  # a page that was open is still let in
            found = other.training(identity)
            assert found["state"] == "learning" and found["history"]
            assert other.training(waiting)["state"] == "waiting"
            known = found["history"][-1]["index"]
            until(lambda: other.training(identity)["history"][-1]["index"] > known)
            other.post("/api/train/stop", id=identity)
            assert other.until(identity, "stopped")["run"] == found["run"]
            assert other.until(waiting, "finished")["history"]
        pids = [json.loads(file.read_text())["pid"] for file in tmp_path.glob("runs/studio/trainings/*/process.json")]
        assert len(set(pids)) == 2
    finally:
        end_trainings(tmp_path)


@pytest.mark.slow
def test_one_whose_process_was_killed_while_nobody_looked(tmp_path: Path) -> None:
    album = three_classes(tmp_path / "plain")
    try:
        with studio_at(tmp_path) as one:
            identity = one.post("/api/train/start", source=str(album), **LONG)["id"]
            one.until(identity, "learning")
            one.kill()
        end_trainings(tmp_path)
        time.sleep(0.1)
        with studio_at(tmp_path) as other:
            stopped = other.until(identity, "stopped")
            assert stopped["run"] == "plain-1" and "killed" in stopped["error"]
    finally:
        end_trainings(tmp_path)


def test_a_second_studio_of_the_same_runs_is_refused(at: StudioAt) -> None:
    command = [*STRIATE, "studio", "--no-browser", "--port", "0"]
    done = subprocess.run(command, cwd=at.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "another studio works on runs" in done.stderr and done.stdout == ""
