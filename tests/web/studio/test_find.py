"""What is like a picture, the groups and the map of a folder, over an index that is made when it is asked for."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.models import model_file
from tests.web.studio_at import SAID, StudioAt, three_classes
from tests.web.studio_page import studio_page

from striate.verbs.find import find
from striate.verbs.workspace import Workspace

NET = "conv 8 3x3 pad 1 >> relu >> maxpool 2 >> conv 6 3x3 pad 1 >> relu >> globalavgpool >> flatten >> dense"


def light(seed: int = 7) -> bytes:
    pixels = np.random.default_rng(seed).normal(190, 12, (16, 16)).clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def drop(at: StudioAt, content: bytes, kind: str = "image/png") -> tuple[int, dict[str, str]]:
    said = {"cookie": at.cookie, "origin": at.origin, "content-type": kind}
    reply = at.open("/api/find/dropped?called=it.png", body=content, headers=said)
    return reply.status, reply.json()


def test_an_index_when_asked_and_what_the_verb_finds(at: StudioAt, tmp_path: Path) -> None:
    photos = three_classes(tmp_path / "photos", pictures=8)
    Image.new("L", (16, 16), 60).save(photos / "alone.png")  # at any depth, with classes or without
    where = {"folder": str(photos), "model": str(model_file(tmp_path / "m.safetensors", NET))}
    before = at.get("/api/find", **where)
    assert before["pictures"] == 25 and before["index"] is None
    assert before["command"].startswith(f"striate index {photos} --model {where['model']}")
    made = at.post("/api/find/index", **where)
    assert made["made"] == 25 and at.get("/api/find", **where)["index"]["missing"] == 0
    status, kept = drop(at, light())
    assert status == 200
    wish = {"like": [kept["path"], "light/3.png"], "unlike": ["dark/0.png"], "number": 5}
    found = at.post("/api/find/search", **where, **wish)
    workspace = Workspace(at.folder / "runs")
    asked = [Path(kept["path"]), photos / "light" / "3.png"]
    same = find(asked, photos, unlike=[photos / "dark" / "0.png"], number=5, model=where["model"], workspace=workspace)
    assert [one["picture"] for one in found["found"]] == [hit.path.relative_to(photos).as_posix() for hit in same.hits]
    assert {one["picture"].partition("/")[0] for one in found["found"]} == {"light"}
    assert found["asked"] == [[16, 16], [16, 16]] and found["found"][0]["size"] == [16, 16]
    own = Path(kept["path"]).relative_to(at.folder.resolve())  # as it is typed where the studio was started
    words = f"striate find {own} {photos}/light/3.png --in {photos} --not {photos}/dark/0.png -n 5"
    assert found["command"].startswith(words)
    part = at.post("/api/find/search", **where, like=["light/3.png"], box=[0, 0, 8, 8], number=3)
    assert "--box 0,0,8,8 -n 3" in part["command"]
    some = at.get("/api/find/pictures", folder=photos, part="LIGHT/", most=4)
    assert some["of"] == 8 and len(some["paths"]) == 4
    assert not list(photos.rglob("*.json"))


def test_groups_and_their_map(at: StudioAt, tmp_path: Path) -> None:
    photos = three_classes(tmp_path / "photos", pictures=6)
    where = {"folder": str(photos), "model": str(model_file(tmp_path / "m.safetensors", NET)), "number": 3}
    found = at.post("/api/find/groups", **where)
    assert sum(one["pictures"] for one in found["groups"]) + found["alone"]["pictures"] == 18
    assert any("silhouette" in note for note in found["notes"])
    assert found["command"].startswith(f"striate cluster {photos} -n 3 --model")
    one = at.post("/api/find/map", **where)
    page = at.open(f"/find/map?name={one['name']}", headers={"cookie": at.cookie})
    assert page.status == 200 and b"How do they lie to each other?" in page.body
    assert page.headers["content-security-policy"].startswith("sandbox")
    file = at.folder / "runs" / "studio" / "maps" / f"{one['name']}.html"
    written = file.stat().st_mtime_ns
    assert at.post("/api/find/map", **where)["name"] == one["name"] and file.stat().st_mtime_ns == written
    (photos / "dark" / "0.png").unlink()
    assert at.post("/api/find/map", **where)["name"] != one["name"]


def test_what_is_refused_says_why(at: StudioAt, album: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(light())
    for path, status in (
        ("../secret.png", 400),
        (str(tmp_path / "secret.png"), 403),
        ("dark/no.png", 404),
        ("x" * 5000, 404),
    ):
        reply = at.open(f"/find/picture?folder={album}&path={path}", headers={"cookie": at.cookie})
        assert reply.status == status, path
        assert at.command("/api/find/search", folder=str(album), like=[path]).status == status
    shown = at.open(f"/find/picture?folder={album}&path=dark/0.png", headers={"cookie": at.cookie})
    assert shown.status == 200 and shown.headers["content-type"] in ("image/png", "image/webp")
    assert at.command("/api/find/search", folder=str(album), like=["dark/0.png"], number=0).status == 400
    assert at.command("/api/find/search", folder=str(album), like=["dark/0.png"], box=[1.0]).status == 400
    none = at.command("/api/find/search", folder=str(album), like=[], model="no-such-model")
    assert none.status == 422 and "nothing to look for" in none.json()["error"]
    gone = at.command("/api/find/index", folder=str(album), model="no-such-model")
    assert gone.status == 422 and "no-such-model" in gone.json()["error"]
    assert drop(at, b"no picture")[0] == 422 and drop(at, light(), "text/plain")[0] == 415
    for name in ("../../../secret", "0" * 32):
        assert at.open(f"/find/map?name={name}", headers={"cookie": at.cookie}).status == 404


@pytest.mark.slow
def test_from_a_folder_to_what_is_alike(at: StudioAt, tmp_path: Path) -> None:
    photos = three_classes(tmp_path / "photos", pictures=8, names=("dark", "light", SAID.replace("/", "")))
    (tmp_path / "it.png").write_bytes(light())
    model = model_file(tmp_path / "m.safetensors", NET)
    with studio_page(at) as one:
        one.go(f"#/find?folder={photos}&model={model}", "What is alike in photos?")
        one.check()
        one.reach("Look at 24 pictures")
        one.page.keyboard.press("Enter")
        one.asks("Which picture do you look for?")
        one.page.locator(".find-grid img").first.wait_for()
        one.check()
        one.page.get_by_label("A picture to look for").set_input_files(tmp_path / "it.png")
        one.asks("What is like this picture?")
        first = one.page.locator("ol.find-grid li").first
        first.wait_for(timeout=60_000)
        assert "Look for what is like light/" in (first.get_by_role("button").first.get_attribute("aria-label") or "")
        one.check()
        box = one.page.locator(".find-canvas").bounding_box()
        one.page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.25 * box["height"])
        one.page.mouse.down()
        one.page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.75 * box["height"], steps=4)
        one.page.mouse.up()
        one.asks("What is like this part?")
        one.page.locator("code", has_text="--box 4,4,12,12").wait_for(timeout=60_000)
        one.page.get_by_text("The part in pixels").click()
        one.page.get_by_label("Right").fill("99")
        one.page.get_by_role("button", name="Look for this part").click()
        one.page.get_by_text("The part has to lie in the picture").wait_for()
        one.page.get_by_role("button", name="Not like light/").first.click()
        one.page.locator("code", has_text="--not").wait_for(timeout=60_000)
        one.check()
        one.page.reload()
        one.page.locator("code", has_text="--not").wait_for(timeout=60_000)
        one.page.get_by_role("link", name="Groups").click()
        one.asks("Which pictures belong together?")
        one.page.locator(".find-groups li").first.wait_for(timeout=60_000)
        one.page.locator(".find-groups", has_text=SAID.replace("/", "")).wait_for()
        one.check()
        one.page.get_by_role("link", name="Map").click()
        one.page.frame_locator(".find-map").get_by_text("A map of all").wait_for(timeout=90_000)
        one.check()
    for width, dark in ((360, False), (768, True), (1440, True)):
        with studio_page(at, width=width, dark=dark) as one:
            for view in ("", "&like=%5B%22light/3.png%22%5D", "&view=groups"):
                one.go(f"#/find?folder={photos}&model={model}{view}", "")
                one.page.locator(".find-grid img").first.wait_for(timeout=60_000)
                one.check()
