"""The pictures of docs/studio.md: ``python examples/studio_screens.py docs/pictures``, by Chromium, in a few minutes.

The folder that is shown is that of one_each.py, whose pictures are drawn and have faults among them.
"""

from __future__ import annotations

import io
import runpy
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

WIDTH, HEIGHT = 1280, 820


def shoot(page: Any, into: Path, name: str) -> None:
    """Write what a tab shows now."""
    page.wait_for_timeout(900)
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.save(into / f"studio-{name}.webp", quality=82, method=6)


def journey(page: Any, here: str, folder: Path, into: Path) -> None:
    """Go from a folder to a trained network, and write a picture of each screen."""
    page.goto(f"{here}/#/pictures?folder={folder}")
    page.locator(".classes img").nth(20).wait_for()
    shoot(page, into, "pictures")
    page.goto(f"{here}/#/pictures?folder={folder}&view=wrong")
    page.locator(".finding").first.wait_for(timeout=300_000)
    shoot(page, into, "wrong")
    page.goto(f"{here}/#/pictures?folder={folder}&view=seen")
    page.get_by_label("Start from").select_option("none")
    page.locator("th", has_text="epoch 5").wait_for(timeout=120_000)
    shoot(page, into, "given")
    page.goto(f"{here}/#/train?folder={folder}")
    page.locator(".forecast").wait_for(timeout=120_000)
    page.get_by_text("Say more of how it learns").click()
    for label, value in (("Start from", "none"), ("Size", "64"), ("Epochs", "60"), ("Folds", "none")):
        page.get_by_role("textbox", name=label).fill(value)
    page.get_by_role("button", name="Start training").click()
    page.get_by_text("24 epochs as a table").wait_for(timeout=600_000)
    shoot(page, into, "learning")
    page.locator("h1", has_text="What came of").wait_for(timeout=900_000)
    page.evaluate("() => scrollTo(0, 0)")
    shoot(page, into, "done")


def main(into: Path) -> None:
    """Draw the folder, open a studio of it, and go through it."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "one"
        runpy.run_path(str(Path(__file__).with_name("one_each.py")))["main"](folder)
        command = [sys.executable, "-m", "striate.cli", "studio", str(folder), "--no-browser", "--port", "0"]
        with (
            subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, text=True) as studio,
            sync_playwright() as driver,
        ):
            try:
                assert studio.stdout is not None
                studio.stdout.readline()
                address = studio.stdout.readline().strip()
                browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, reduced_motion="reduce")
                page.goto(address)
                page.locator("h1").wait_for()
                journey(page, address.partition("/?")[0], folder, into)
                browser.close()
            finally:
                studio.terminate()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures"))
