"""Pictures in the studio: what is in a folder, and nothing that is not in one."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image
from tests.web.studio_at import SAID, StudioAt, three_classes


def test_a_folder_and_its_pictures(at: StudioAt, album: Path) -> None:
    found = at.get("/api/pictures", folder=album)
    assert [(one["name"], one["pictures"]) for one in found["classes"]] == [
        ("dark", 12),
        ("light", 12),
        ("striped", 12),
    ]
    assert found["size"] == {"common": [16, 16], "median": [16, 16], "gray": True}
    listed = at.get("/api/pictures/keys", folder=album, **{"class": "light"})
    assert len(listed["keys"]) == listed["of"] == 12
    part = at.get("/api/pictures/keys", folder=album, **{"class": "light", "from": 10, "most": 5})
    assert part["keys"] == listed["keys"][10:]
    reply = at.open(f"/picture?folder={album}&key={listed['keys'][0]}", headers={"cookie": at.cookie})
    shown = np.asarray(Image.open(io.BytesIO(reply.body)).convert("L"))
    assert reply.status == 200 and (shown[::12, ::12] == np.asarray(Image.open(album / listed["keys"][0]))).all()
    tag = reply.headers["etag"]
    again = at.open(
        f"/picture?folder={album}&key={listed['keys'][0]}", headers={"cookie": at.cookie, "if-none-match": tag}
    )
    assert again.status == 304


def test_what_is_no_picture_of_the_folder_is_not_shown(at: StudioAt, album: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    three_classes(tmp_path / "other", pictures=2)
    (tmp_path / "other" / "dark" / "note.png").write_text("secret, in a file that is called a picture")
    for folder, key in (
        (album, "../plain/dark/0.png"),
        (album, str(album / "dark" / "0.png")),
        (album, ""),
        (tmp_path / "other", "../secret.txt"),
        (tmp_path / "other", "dark/note.png"),
        (tmp_path / "secret.txt", "secret.txt"),
    ):
        reply = at.open(f"/picture?folder={folder}&key={key}", headers={"cookie": at.cookie})
        assert reply.status in (400, 404, 422) and b"secret, in" not in reply.body, (folder, key, reply.status)


def test_names_are_inert(at: StudioAt, tmp_path: Path) -> None:
    folder = three_classes(tmp_path / "a", pictures=2, names=("plain", SAID.replace("/", "")))
    reply = at.open(f"/api/pictures?folder={folder}", headers={"cookie": at.cookie})
    assert reply.status == 200 and b"<" not in reply.body and b"\\u003cimg" in reply.body


def test_folders_are_listed_with_what_they_look_like(at: StudioAt, album: Path) -> None:
    found = at.get("/api/folders", path=album.parent)
    assert {"name": "plain", "path": str(album), "pictures": 0, "inside": 3} in found["folders"]
    inside = at.get("/api/folders", path=album)
    assert {one["name"]: one["pictures"] for one in inside["folders"]} == {"dark": 12, "light": 12, "striped": 12}
    gone = at.open("/api/folders?path=/no/such/folder", headers={"cookie": at.cookie})
    assert gone.status == 422 and "/no/such/folder" in gone.json()["error"]
