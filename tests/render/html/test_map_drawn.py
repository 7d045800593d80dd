"""The map of a page: what stands in it is what was given, and a browser draws it, lists it and hands out its paths."""

from __future__ import annotations

import base64
import html
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.chromium import chromium
from tests.pictures import paint

from striate.render.html.cluster_page import GroupShown, MapShown, cluster_page
from striate.render.html.map_drawn import EMBEDDED, map_drawn

BROWSER = shutil.which("chromium")


DOTS = """() => {
  const c = document.querySelector(".map canvas"), p = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
  let n = 0;
  for (let i = 3; i < p.length; i += 4) n += p[i] > 0;
  return n;
}"""


CONTRASTS = """() => {
  const c = document.createElement("canvas"), pen = c.getContext("2d", { willReadFrequently: true });
  const light = (colour) => {
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const ground = (name) => light(getComputedStyle(document.querySelector(name)).backgroundColor);
  const grounds = [".map canvas", "body"].map(ground);
  return [...document.querySelectorAll(".map li i")].flatMap((dot) => {
    const one = light(getComputedStyle(dot).backgroundColor);
    return grounds.map((other) => Math.max(one, other) / Math.min(one, other));
  });
}"""


def given(text: str, name: str) -> str:
    found = re.search(rf'data-{name}="([^"]*)"', text)
    assert found is not None
    return html.unescape(found[1])


def test_what_stands_in_it_is_what_was_given(tmp_path: Path) -> None:
    root = paint(tmp_path / "odd <b> & names", ["a", "b"], count=2)
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.png"))
    places = np.array([[0, 0], [1, 0.5], [0.25, 1], [0.5, 0.5]], np.float32)
    text = str(map_drawn(root, [*paths[:3], 'b/"gone" <i>.png'], places, np.array([0, 1, -1, 0]), ["cats", 'dogs"']))
    points = np.frombuffer(base64.b64decode(given(text, "points")), "<u2").reshape(-1, 2)
    assert points.tolist() == [[0, 0], [65535, 32768], [16384, 65535], [32768, 32768]]
    assert np.frombuffer(base64.b64decode(given(text, "groups")), "<u2").tolist() == [1, 2, 0, 1]
    assert np.frombuffer(base64.b64decode(given(text, "folders")), "<u2").tolist() == [0, 0, 1, 1]
    assert json.loads(given(text, "paths")) == [*paths[:3], 'b/"gone" <i>.png']
    assert json.loads(given(text, "names")) == ["in no group", "cats", 'dogs"']
    small = json.loads(given(text, "small"))
    assert [one[:22] for one in small] == ["data:image/jpeg;base64"] * 3 + [""]
    assert given(text, "root") == root.as_uri() + "/"


def many(count: int, groups: int = 5) -> str:
    rng = np.random.default_rng(0)
    chart = MapShown(
        [f"{row % 7}/{row}.png" for row in range(count)],
        rng.random((count, 2)).astype(np.float32),
        np.arange(count) % groups - (groups > 5),
    )
    shown = [GroupShown(f"group {number}", count // groups, ()) for number in range(groups)]
    none = GroupShown("", 0, ())
    return cluster_page(shown, none, folder="/nowhere", model="a net", notes=(), chart=chart)


def test_of_many_pictures_the_page_carries_none() -> None:
    text = many(EMBEDDED + 5)
    assert json.loads(given(text, "small")) == [] and len(text) < 300_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_colour_stands_out_from_what_it_lies_on(tmp_path: Path, scheme: str) -> None:
    (tmp_path / "map.html").write_text(many(100, groups=100), encoding="utf-8")
    with chromium() as browser:
        page = browser.new_page(color_scheme=scheme)
        page.goto((tmp_path / "map.html").as_uri())
        page.wait_for_selector(".map ol li")
        found = page.evaluate(CONTRASTS)
    assert len(found) == 200 and min(found) >= 3, "WCAG 2.2, 1.4.11: what carries meaning, 3 to 1"


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="there is no chromium")
@pytest.mark.parametrize("count", [50, 100_000])
def test_a_browser_draws_it_and_everything_is_reached_by_keys(tmp_path: Path, count: int) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    (tmp_path / "map.html").write_text(many(count), encoding="utf-8")
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto((tmp_path / "map.html").as_uri())
        page.wait_for_selector(".map ol li")
        assert f"{count:,} of {count:,} pictures." in page.inner_text(".map [role=status]")
        page.wait_for_timeout(300)
        assert page.evaluate(DOTS) > 50
        page.select_option(".map .part", "groups 2")
        assert f"{count // 5:,} of" in page.inner_text(".map [role=status]")
        page.focus(".map li:nth-child(2) button")
        assert page.inner_text(".map figcaption").startswith("6/6.png; group: 2. group 1")
        page.select_option(".map .part", "all")
        box = page.locator(".map canvas").bounding_box()
        page.keyboard.down("Shift")
        page.mouse.move(box["x"] + 12, box["y"] + 12)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 12, steps=3)
        page.mouse.up()
        page.keyboard.up("Shift")
        said = page.inner_text(".map [role=status]")
        number = int(said.split()[0].replace(",", ""))
        assert "in the region" in said and 0.2 * count < number < 0.8 * count
        with page.expect_download() as download:
            page.click(".map .save")
        assert len(Path(download.value.path()).read_text().splitlines()) == number
        page.click(".map .in")
        page.focus(".map canvas")
        page.keyboard.press("ArrowLeft")
        assert not wrong
        browser.close()
