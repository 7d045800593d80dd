"""What is wrong with pictures, and what is decided about them: kept beside the runs, the folder as it was."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

from tests.web.studio_at import StudioAt, three_classes

from striate.verbs.mending import kept_at, read_mending


def contents(folder: Path) -> dict[str, str]:
    return {str(one): sha256(one.read_bytes()).hexdigest() for one in sorted(folder.rglob("*")) if one.is_file()}


def test_decided_kept_and_taken_back(at: StudioAt, tmp_path: Path) -> None:
    folder = three_classes(tmp_path / "plain", pictures=6)
    before = contents(folder)
    decisions = [
        {"kind": "relabel", "pictures": ["dark/0.png"], "word": "light"},
        {"kind": "drop", "pictures": ["dark/1.png", "dark/2.png"]},
        {"kind": "same_group", "pictures": ["light/0.png", "light/1.png"]},
    ]
    kept = at.post("/api/pictures/decide", folder=str(folder), decisions=decisions)
    assert kept["relabelled"] == {"dark/0.png": "light"} and kept["dropped"] == ["dark/1.png", "dark/2.png"]
    assert kept["before"] == {"dark/0.png": "dark", "dark/1.png": "dark", "dark/2.png": "dark"}
    # It is the very file that striate doctor --apply writes and striate train goes by.
    place = kept_at(folder, at.folder / "runs")
    mending = read_mending(place)
    assert kept["file"] == str(place.resolve()) and mending.together == (frozenset({"light/0.png", "light/1.png"}),)
    assert all(one.digest for entry in mending.entries for one in entry.pictures)
    found = at.get("/api/pictures", folder=folder)
    assert {one["name"]: one["pictures"] for one in found["classes"]} == {"dark": 3, "light": 7, "striped": 6}
    back = [{"kind": "relabel", "pictures": [key], "word": "dark"} for key in kept["before"]]
    at.post("/api/pictures/decide", folder=str(folder), decisions=back)
    found = at.get("/api/pictures", folder=folder)
    assert {one["pictures"] for one in found["classes"]} == {6}
    assert contents(folder) == before
    assert not (at.folder / "runs" / "studio" / "labels.toml").exists()


def test_what_cannot_be_decided_says_why_and_changes_nothing(at: StudioAt, tmp_path: Path) -> None:
    folder = three_classes(tmp_path / "other", pictures=2)
    for decision, said in (
        ({"kind": "relabel", "pictures": ["dark/0.png"], "word": "green"}, "green"),
        ({"kind": "relabel", "pictures": ["../x.png"], "word": "light"}, ""),
        ({"kind": "drop", "pictures": ["no.png"]}, "other"),
        ({"kind": "ignore", "pictures": ["dark/0.png"], "word": "no-such-finding"}, "no-such-finding"),
    ):
        reply = at.command("/api/pictures/decide", folder=str(folder), decisions=[decision])
        assert reply.status == 422 and said in reply.json()["error"], decision
    assert (
        at.command("/api/pictures/decide", folder=str(folder), decisions=[{"kind": "delete", "pictures": []}]).status
        == 400
    )
    assert at.command("/api/pictures/decide", folder="relative", decisions=[]).status == 400
    assert at.get("/api/pictures/decided", folder=folder)["text"] == ""


def test_what_is_wrong_is_what_the_doctor_finds(at: StudioAt, tmp_path: Path) -> None:
    folder = three_classes(tmp_path / "ill", pictures=6)
    shutil.copy(folder / "dark" / "0.png", folder / "light" / "copy.png")
    said = at.post("/api/pictures/wrong", folder=str(folder), labels=False)
    worst = said["findings"][0]
    assert worst["kind"] == "equal-across-classes" and worst["level"] == "wrong"
    assert worst["cases"][0]["pictures"] == ["dark/0.png", "light/copy.png"]
    assert worst["cases"][0]["labels"] == ["dark", "light"]
    assert said["command"].startswith(f"striate doctor {folder} --no-labels")
    at.post("/api/pictures/decide", folder=str(folder), decisions=[{"kind": "drop", "pictures": ["light/copy.png"]}])
    again = at.post("/api/pictures/wrong", folder=str(folder), labels=False)
    assert "equal-across-classes" not in {one["kind"] for one in again["findings"]}
