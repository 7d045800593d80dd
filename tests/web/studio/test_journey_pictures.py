"""Pictures in Chromium: looked at, chosen, decided about, taken back; collected; twenty thousand of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.web.studio_at import StudioAt, three_classes
from tests.web.studio_page import studio_page


def test_chosen_decided_and_taken_back(at: StudioAt, tmp_path: Path) -> None:
    folder = three_classes(tmp_path / "plain", pictures=9)
    with studio_page(at) as one:
        one.go(f"#/pictures?folder={folder}", "What is in plain?")
        one.page.get_by_role("link", name="dark").click()
        one.asks("What is in dark?")
        cells = one.page.locator(".cell-of-grid")
        cells.nth(0).click()
        one.page.keyboard.press("ArrowRight")
        one.page.keyboard.press("ArrowRight")
        one.page.keyboard.press(" ")
        one.page.get_by_text("2 pictures chosen").wait_for()
        one.check()
        one.page.get_by_role("button", name="Leave out").click()
        one.page.get_by_text("2 pictures left out").first.wait_for()
        one.page.wait_for_function("() => document.querySelectorAll('.cell-of-grid').length === 7")
        one.page.get_by_role("button", name="Take it back").click()
        one.page.wait_for_function("() => document.querySelectorAll('.cell-of-grid').length === 9")
        cells.nth(0).dblclick()
        one.page.locator("dialog img").wait_for()
        one.check()
        one.page.keyboard.press("ArrowRight")
        one.page.get_by_text("2 of 9").wait_for()
        one.page.locator("dialog").get_by_label("The class they are given").select_option("light")
        one.page.get_by_text("1 picture now light").wait_for()
        one.page.keyboard.press("Escape")
        one.page.get_by_role("link", name="What you decided").click()
        one.page.get_by_text("Given another class").wait_for()
        one.page.locator("code", has_text="--apply labels.toml").wait_for()
        one.check()
        one.page.get_by_role("button", name="Take back").click()
        one.page.get_by_text("Given another class").wait_for(state="detached")


def test_what_is_wrong_and_what_the_network_is_given(at: StudioAt, tmp_path: Path) -> None:
    folder = three_classes(tmp_path / "plain", pictures=9)
    (folder / "light" / "copy.png").write_bytes((folder / "dark" / "0.png").read_bytes())
    with studio_page(at) as one:
        one.go(f"#/pictures?folder={folder}&view=wrong", "What is in plain?")
        one.page.locator(".finding").first.wait_for(timeout=90_000)
        one.check()
        one.page.get_by_role("button", name="Keep this").first.click()
        one.page.get_by_text("1 picture left out").first.wait_for()
        one.page.get_by_role("link", name="What the network is given").click()
        one.page.locator(".seen-table img.pixels").nth(6).wait_for(timeout=90_000)
        one.check()
        assert one.page.locator("th", has_text="epoch 5").count() == 1


def test_a_folder_is_made_here(at: StudioAt, album: Path) -> None:
    with studio_page(at, width=360) as one:
        one.go("#/pictures?view=choose", "Which pictures should it learn from?")
        one.page.get_by_label("What the new pictures are called").fill("stones")
        one.page.get_by_role("button", name="Begin").click()
        one.asks("Which pictures are in stones?")
        for place, name in enumerate(("dark", "light")):
            one.page.get_by_label("Name of a class").fill(name)
            one.page.get_by_role("button", name="Add the class").click()
            one.page.get_by_role("heading", name=name).wait_for()
            chosen = [str(album / name / f"{number}.png") for number in range(3)]
            one.page.get_by_label(f"Pictures of {name}").set_input_files(chosen)
            one.page.wait_for_function(f"() => document.querySelectorAll('.thumb-button').length === {3 * place + 3}")
        one.check()
        one.page.get_by_role("link", name="These are my pictures").click()
        one.asks("What is in stones?")
        one.page.get_by_text("6 pictures of 2 classes").wait_for()


@pytest.mark.slow
def test_twenty_thousand_pictures_scroll(at: StudioAt, tmp_path: Path) -> None:
    folder = three_classes(tmp_path / "many", pictures=10, names=("dark", "light"))
    for number in range(10, 20_000):
        os.link(folder / "dark" / f"{number % 10}.png", folder / "dark" / f"{number:05}.png")
    with studio_page(at) as one:
        one.go(f"#/pictures?folder={folder}&view=class&class=dark", "What is in dark?")
        one.page.wait_for_function(
            "() => document.querySelector('.grid-of-many')?.getAttribute('style')?.includes('px')"
        )
        one.page.wait_for_function(
            "() => document.querySelector('.cell-of-grid')?.getAttribute('aria-setsize') === '20000'"
        )
        one.page.locator(".cell-of-grid").first.click()
        one.page.keyboard.press("End")
        last = one.page.locator("[aria-posinset='20000'] img")
        last.wait_for()
        one.page.wait_for_function("() => document.querySelector(\"[aria-posinset='20000'] img\").naturalWidth > 0")
        assert one.page.locator(".cell-of-grid").count() < 400  # of those in sight
        one.check()
