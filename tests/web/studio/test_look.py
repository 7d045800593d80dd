"""Looking inside: any number, the sum it is, and on to those it was made of; as `striate dot` and `look` say."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import numpy as np
import pytest
from tests.web.serving import STRIATE
from tests.web.studio.test_ask import given, picture
from tests.web.studio_at import StudioAt, end_trainings, studio_at, three_classes
from tests.web.studio_page import studio_page

NET = "conv 4 3x3 pad 1 >> relu >> maxpool 2 >> conv 6 3x3 pad 1 >> relu >> globalavgpool >> flatten >> dense classes"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioAt]:
    folder = tmp_path_factory.mktemp("looked")
    album = three_classes(folder / "plain")
    with studio_at(folder, str(album)) as one:
        made = one.post("/api/train/start", source=str(album), net=NET, epochs=6, folds="none", name="plain")
        one.until(made["id"], "finished")
        yield one
    end_trainings(folder)


def test_a_number_is_that_of_dot_and_leads_on_to_the_picture(trained: StudioAt) -> None:
    place = {"run": "plain-1", "picture": given(trained, picture())}
    part, channel, at = "conv2", 3, [2, 5]
    walked = []
    while part != "input":
        found = trained.post("/api/look/number", **place, part=part, channel=channel, at=at)
        walked.append(part)
        words = [*STRIATE, *found["command"].split()[1:], "--json"]
        told = json.loads(subprocess.run(words, cwd=trained.folder, capture_output=True, check=True).stdout)
        assert (told["result"], told["terms"]) == (found["result"], found["terms"])
        assert np.isclose(sum(found["terms"]) + (found["bias"] or 0), found["network"], atol=1e-4) or found["winner"]
        largest = int(np.argmax(np.abs(found["terms"]))) if found["terms"] else 0
        part = found["given"][0]["part"]
        channel, *at = found["places"][largest]
    assert walked[0] == "conv2"
    assert walked[-1] == "conv1"


def test_maps_are_those_of_the_network(trained: StudioAt) -> None:
    place = {"run": "plain-1", "picture": given(trained, picture())}
    parts = trained.get("/api/look/parts", run="plain-1")["parts"]
    assert [one["part"] for one in parts][:4] == ["conv1", "relu1", "maxpool1", "conv2"]
    maps = trained.post("/api/look/map", **place, part="conv2")
    assert (maps["maps"]["shape"], maps["of"], maps["size"]) == ([6, 8, 8], 6, [8, 8])
    reply = trained.command("/api/look/map", **place, part="conv9")
    assert reply.status == 422
    assert "has no part 'conv9'" in json.loads(reply.body)["error"]


def test_from_a_map_back_to_the_picture(trained: StudioAt) -> None:
    mark = given(trained, picture())
    with studio_page(trained) as one:
        one.go(f"#/look?run=plain-1&picture={mark}&part=conv2&channel=1&at=3,4", "How does it come to that?")
        one.page.get_by_role("heading", name="conv2").wait_for()
        # The field of conv2 at (3, 4): 8 pixels, from 4 and 6 on (two below a stride of two, one of its own).
        box = one.page.locator(".field-on .field-box")
        assert [box.get_attribute(name) for name in ("x", "y", "width", "height")] == ["5", "3", "8", "8"]
        one.check()
        one.page.locator(".map-large").focus()
        one.page.keyboard.press("ArrowRight")
        one.page.get_by_text("at row 3, column 5").first.wait_for()
        one.page.locator(".number-button").nth(4).click()
        one.page.get_by_role("heading", name="maxpool1").wait_for()
        one.page.locator(".number-button").first.click()
        one.page.get_by_role("heading", name="relu1").wait_for()
        one.page.go_back()
        one.page.get_by_role("heading", name="maxpool1").wait_for()
        one.check()


@pytest.mark.slow
@pytest.mark.parametrize(("width", "dark"), [(360, False), (360, True), (768, False), (1440, False), (1440, True)])
def test_every_width_what_is_sought_and_two_sides(trained: StudioAt, width: int, dark: bool) -> None:
    mark = given(trained, picture())
    with studio_page(trained, width=width, dark=dark) as one:
        one.go(f"#/look?run=plain-1&picture={mark}&part=conv2", "How does it come to that?")
        one.page.locator(".windows").wait_for()
        one.reach("After")
        one.reach("looking for?")
        one.page.keyboard.press("Enter")
        one.page.locator(".answer-told").first.wait_for(timeout=90_000)
        one.check()
        one.go(f"#/look?run=plain-1&picture={mark}&part=dense1", "How does it come to that?")
        one.page.get_by_role("heading", name="dense1").wait_for()
        one.check()
        one.go("#/look?run=plain-1&view=sides", "What is different?")
        one.page.get_by_text("Filters of the first layer").first.wait_for()
        one.check()
