"""Asking about a picture: the answer of `striate predict`, the reasons of `striate look`, live in the page."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.web.serving import STRIATE
from tests.web.studio_at import SAID, StudioAt, end_trainings, studio_at, three_classes
from tests.web.studio_page import studio_page

NET = "conv 4 3x3 >> relu >> globalavgpool >> flatten >> dense classes"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioAt]:
    """A studio with one run, of three plain classes, one of which has a name like markup."""
    folder = tmp_path_factory.mktemp("asked")
    album = three_classes(folder / "plain", names=("dark", SAID.replace("/", ""), "striped"))
    with studio_at(folder, str(album)) as one:
        made = one.post("/api/train/start", source=str(album), net=NET, epochs=8, folds="none", name="plain")
        one.until(made["id"], "finished")
        yield one
    end_trainings(folder)


def picture(level: int = 190) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(3).normal(level, 12, (16, 16)).clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def given(at: StudioAt, content: bytes, name: str = "mine.png") -> str:
    headers = {"cookie": at.cookie, "origin": at.origin, "content-type": "image/png"}
    reply = at.open(f"/api/given?name={name}", body=content, headers=headers)
    assert reply.status == 200, reply.body
    return str(json.loads(reply.body)["picture"])


def test_the_answer_is_that_of_predict_and_its_command_says_it(trained: StudioAt) -> None:
    mark = given(trained, picture())
    assert given(trained, picture()) == mark  # the same picture is kept once
    said = trained.post("/api/ask/answer", run="plain-1", picture=mark)
    assert said["drawn"] is None
    assert said["command"].startswith("striate predict ")
    words = [*STRIATE, *said["command"].split()[1:], "--json"]
    told = subprocess.run(words, cwd=trained.folder, capture_output=True, text=True, check=True).stdout
    assert json.loads(told)[0]["scores"] == said["said"]["scores"]


def test_the_reasons_are_those_of_look_against_another_too(trained: StudioAt) -> None:
    mark = given(trained, picture())
    plain = trained.post("/api/ask/why", run="plain-1", picture=mark)
    assert plain["answers"][0]["lead"].startswith("Trust: ")
    assert plain["answers"][0]["rows"][0]["tiles"][1]["source"].startswith("data:image/")
    other = trained.post("/api/ask/why", run="plain-1", picture=mark, why="dark", against="striped", change=True)
    assert "striped" in other["answers"][0]["question"]
    assert other["answers"][-1]["question"].startswith("What would it take not to say")
    assert "--why dark --against striped --change" in other["command"]
    reply = trained.command("/api/ask/why", run="plain-1", picture=mark, object=1)
    assert reply.status == 422
    assert "is not asked about" in json.loads(reply.body)["error"]


def test_a_picture_of_the_run_is_taken_by_where_it_lies(trained: StudioAt) -> None:
    some = trained.get("/api/ask/samples", run="plain-1")
    assert some["part"] == "test"
    taken = trained.post("/api/given/take", folder=some["folder"], key=some["keys"][0])
    assert Path(taken["name"]) == Path(some["folder"]) / some["keys"][0]
    shown = trained.open(f"/given?picture={taken['picture']}", headers={"cookie": trained.cookie})
    assert shown.headers["content-type"] in ("image/png", "image/webp")


def test_what_is_no_picture_is_refused(trained: StudioAt) -> None:
    headers = {"cookie": trained.cookie, "origin": trained.origin, "content-type": "image/png"}
    assert trained.open("/api/given?name=a.png", body=b"no picture", headers=headers).status == 422
    assert trained.open("/api/given?name=a.png", body=b"x", headers={**headers, "content-type": "a/b"}).status == 415
    for mark in ("../../../etc/passwd", "0" * 24, "nothing"):
        assert trained.command("/api/ask/answer", run="plain-1", picture=mark).status == 404
    assert trained.command("/api/ask/answer", run="../plain-1", picture="0" * 24).status in (404, 422)


def test_drawn_answered_while_the_pen_moves_then_explained(trained: StudioAt) -> None:
    with studio_page(trained) as one:
        one.go("#/ask?run=plain-1", "What does it say, and why?")
        pen = one.page.locator("canvas.drawing")
        pen.wait_for()
        box = pen.bounding_box()
        one.page.mouse.move(box["x"] + 60, box["y"] + 60)
        one.page.mouse.down()
        one.page.mouse.move(box["x"] + 200, box["y"] + 200, steps=8)
        one.page.locator(".river .stage canvas").first.wait_for()  # the pen is still down
        one.page.mouse.up()
        one.page.locator(".why-told .answer-told").wait_for(timeout=60_000)
        assert "picture=" in one.page.url
        one.page.locator("code", has_text="striate look").wait_for()
        one.check()
        one.page.get_by_label("And why not").select_option("striped")
        one.page.get_by_role("heading", name="and not striped").or_(one.page.get_by_text("striped?")).first.wait_for()
        assert one.page.locator("img[onerror]").count() == 0


@pytest.mark.slow
@pytest.mark.parametrize(("width", "dark"), [(360, False), (360, True), (768, False), (1440, False), (1440, True)])
def test_every_width_and_by_the_keyboard(trained: StudioAt, width: int, dark: bool) -> None:
    mark = given(trained, picture(60))
    with studio_page(trained, width=width, dark=dark) as one:
        one.go(f"#/ask?run=plain-1&picture={mark}", "What does it say, and why?")
        one.page.locator(".why-told .answer-told").wait_for(timeout=60_000)
        one.reach("Open a picture")
        one.reach("What would change its mind?")
        one.page.keyboard.press("Enter")
        one.page.get_by_role("heading", name="What would it take").wait_for(timeout=60_000)
        one.check()


def test_the_computed_answer_is_that_of_the_page(trained: StudioAt) -> None:
    mark = given(trained, picture())
    said = trained.post("/api/ask/answer", run="plain-1", picture=mark)["said"]["scores"]
    with studio_page(trained) as one:
        one.go(f"#/ask?run=plain-1&picture={mark}", "What does it say, and why?")
        found = one.page.evaluate(
            """async (mark) => {
              const { openLive, pixelsOf } = await import("/static/journeys/ask-live.js");
              const model = await (await fetch("/api/ask/model?run=plain-1")).json();
              const live = await openLive(model.live);
              const pixels = await pixelsOf(await (await fetch("/given?whole=1&picture=" + mark)).blob());
              return new Promise((done) => live.see(pixels, (seen) => done(seen.bars)));
            }""",
            mark,
        )
        assert [one["name"] for one in found] == [one["class"] for one in said]
        assert np.allclose([one["share"] for one in found], [one["probability"] for one in said], atol=1e-3)
