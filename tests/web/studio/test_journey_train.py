"""From a folder to a report in Chromium: by the mouse, by the keyboard, and with the server killed under the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.web.studio_at import SAID, StudioAt, end_trainings, studio_at, three_classes
from tests.web.studio_page import studio_page

NET = "conv 4 3x3 >> relu >> globalavgpool >> flatten >> dense classes"


def test_from_a_folder_to_a_report(at: StudioAt, album: Path) -> None:
    with studio_page(at) as one:
        one.go(f"#/pictures?folder={album}", "What is in plain?")
        one.page.locator(".classes img").first.wait_for()
        one.check()
        one.page.get_by_role("link", name="Train on these").click()
        one.asks("Train on plain?")
        one.page.get_by_text("Say more of how it learns").click()
        one.page.get_by_label("Epochs").fill("3")
        one.page.get_by_label("Network").fill(NET)
        one.page.get_by_label("Folds").fill("none")
        one.page.locator("code", has_text="--epochs 3").wait_for()
        one.page.locator(".forecast").wait_for(timeout=60_000)
        one.check()
        one.page.get_by_role("button", name="Start training").click()
        one.asks("What came of plain-")
        one.page.get_by_text("3 epochs as a table").wait_for()
        one.check()
        with one.page.context.expect_page() as opened:
            one.page.get_by_role("link", name="Open the report").click()
        report = opened.value
        report.locator("h1").wait_for()
        assert "plain" in report.inner_text("body")
        # What a report runs is nobody here: it may not even ask.
        told = "async (to) => fetch(to).then((reply) => reply.status, () => 'refused')"
        assert report.evaluate(told, f"{at.origin}/api/state") == "refused"


def test_by_the_keyboard_alone(at: StudioAt, album: Path) -> None:
    with studio_page(at) as one:
        one.go("#/pictures?view=choose", "Which pictures")
        one.reach("Use this folder")
        one.page.keyboard.press("Enter")
        one.asks("What is in")
        one.go(f"#/pictures?folder={album}", "What is in plain?")
        one.page.get_by_role("link", name="Train on these").wait_for()
        one.reach("Train on these")
        one.page.keyboard.press("Enter")
        one.asks("Train on plain?")
        one.page.locator(".forecast").wait_for(timeout=60_000)
        one.reach("Start training")


@pytest.mark.parametrize(
    ("width", "dark"),
    [
        (360, True),
        pytest.param(360, False, marks=pytest.mark.slow),
        pytest.param(768, False, marks=pytest.mark.slow),
        (1440, False),
        pytest.param(1440, True, marks=pytest.mark.slow),
    ],
)
def test_every_width_light_and_dark(at: StudioAt, album: Path, width: int, dark: bool) -> None:
    with studio_page(at, width=width, dark=dark) as one:
        for where, question in (
            ("#/pictures?view=choose", "Which pictures"),
            (f"#/pictures?folder={album}", "What is in plain?"),
            (f"#/train?folder={album}", "Train on plain?"),
            ("#/train?id=nothing", "Which training?"),
        ):
            if "nothing" in where:
                one.said.clear()
            one.go(where, question)
            one.page.wait_for_load_state("networkidle") if "train" not in where else None
            one.said = [line for line in one.said if "422" not in line]  # a training that is not there
            one.check()


def test_names_are_inert_and_two_tabs_are_two(at: StudioAt, tmp_path: Path) -> None:
    folder = three_classes(tmp_path / "<b>bold", pictures=3, names=("plain", SAID.replace("/", "")))
    with studio_page(at) as one:
        one.go(f"#/pictures?folder={folder}", "What is in <b>bold?")
        one.page.get_by_role("heading", name=SAID).wait_for()
        other = one.page.context.new_page()
        other.goto(f"{at.origin}/#/pictures?folder=digits")
        other.locator("h1", has_text="What is in digits?").wait_for()
        assert "<b>bold" in one.page.inner_text("h1")
        one.check()


def test_the_server_is_killed_under_the_page(tmp_path: Path) -> None:
    album = three_classes(tmp_path / "plain")
    try:
        with studio_at(tmp_path) as at, studio_page(at) as one:
            made = at.post("/api/train/start", source=str(album), net=NET, epochs=100_000, folds="none")
            one.go(f"#/train?id={made['id']}", "How is plain-1 learning?")
            at.kill()
            one.page.get_by_text("The studio does not answer").first.wait_for()
            with studio_at(tmp_path, port=at.port):
                one.page.wait_for_function(
                    "() => !document.body.innerText.includes('The studio does not answer')", timeout=30_000
                )
                before = one.page.inner_text(".lead")
                one.page.wait_for_function(
                    "(before) => document.querySelector('.lead').innerText !== before", arg=before
                )
                one.page.get_by_role("button", name="Stop, and keep what it learnt").click()
                one.asks("Go on with plain-1?")
    finally:
        end_trainings(tmp_path)
