"""Pictures collected in the studio: only pictures, only there."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

from tests.web.serving import Reply, picture
from tests.web.studio_at import StudioAt, three_classes


def add(
    at: StudioAt, folder: str, name: str, content: bytes, *, called: str = "a.png", kind: str = "image/png"
) -> Reply:
    said = {"cookie": at.cookie, "origin": at.origin, "content-type": kind}
    where = urlencode({"folder": folder, "class": name, "called": called})
    return at.open(f"/api/collect/add?{where}", body=content, headers=said)


def test_classes_are_made_of_what_is_dropped(at: StudioAt) -> None:
    begun = at.post("/api/collect/begin", name="cups")
    folder = begun["folder"]
    assert Path(folder) == (at.folder / "runs" / "studio" / "pictures" / "cups").resolve()
    for name, seed, called in (("red", 1, "a.png"), ("red", 2, "a.png"), ("blue", 3, "../../x.sh"), ("blue", 4, "")):
        assert add(at, folder, name, picture(seed), called=called).status == 200
    found = at.get("/api/collect", folder=folder)
    assert {one["name"]: len(one["keys"]) for one in found["classes"]} == {"blue": 2, "red": 2}
    files = [one for one in Path(folder).rglob("*") if one.is_file()]
    assert len(files) == 4 and {one.suffix for one in files} == {".png"} and not (at.folder / "x.sh").exists()
    album = at.get("/api/pictures", folder=folder)
    assert album["collected"] and [one["pictures"] for one in album["classes"]] == [2, 2]
    at.post("/api/collect/remove", folder=folder, name="red", key=found["classes"][1]["keys"][0])
    at.post("/api/collect/remove", folder=folder, name="blue")
    assert at.get("/api/collect", folder=folder)["pictures"] == 1
    assert [one["name"] for one in at.get("/api/collect/all")["collections"]] == ["cups"]
    assert at.command("/api/collect/begin", name="cups").status == 422


def test_nothing_else_is_ever_written_to(at: StudioAt, tmp_path: Path) -> None:
    own = at.post("/api/collect/begin", name="mugs")["folder"]
    album = three_classes(tmp_path / "plain", pictures=1)
    (Path(own).parent / "linked").symlink_to(album)
    for folder in (str(album), f"{own}/..", f"{own}/../../..", str(Path(own).parent), "", f"{own}/../linked", "/etc"):
        assert add(at, folder, "red", picture()).status in (400, 403), folder
        assert at.command("/api/collect/remove", folder=folder, name="dark").status == 403, folder
    assert add(at, str(Path(own).parent / "linked"), "red", picture()).status == 403
    for name in ("..", ".", "a/b", "", ".hidden", "a\\b", "x" * 101, "nul\0"):
        assert add(at, own, name, picture()).status in (400, 422), name
        assert at.command("/api/collect/begin", name=name).status in (400, 422), name
    assert sorted(one.name for one in album.iterdir()) == ["dark", "light", "striped"]
    (Path(own).parent / "linked").unlink()


def test_what_is_no_picture_is_refused(at: StudioAt) -> None:
    own = at.post("/api/collect/begin", name="tea")["folder"]
    for content in (b"", b"#!/bin/sh\nrm -rf /", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x89PNG\r\n\x1a\n"):
        assert add(at, own, "red", content).status == 422, content
    assert add(at, own, "red", picture(), kind="text/plain").status == 415  # what a form could send
    assert not any(one.is_file() for one in Path(own).rglob("*"))
