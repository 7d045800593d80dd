"""A network on the bench: the same as `striate describe` says, what would fit, and on to a training."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.web.studio_at import StudioAt
from tests.web.studio_page import studio_page

from striate.verbs.describe import describe

NET = "conv 4 3x3 >> relu >> globalavgpool >> flatten >> dense classes"


def test_it_begins_with_what_a_training_would_take(at: StudioAt, album: Path) -> None:
    first = at.get("/api/network/begin", folder=str(album))
    assert (first["input"], first["classes"], first["names"]) == ("1x16x16", 3, ["dark", "light", "striped"])
    foreseen = at.post("/api/train/forecast", source=str(album))
    assert first["net"] == foreseen["net"]
    assert [int(side) for side in first["input"].split("x")] == foreseen["size"]


def test_a_survey_is_that_of_describe(at: StudioAt) -> None:
    found = at.post("/api/network/survey", net=NET, input="1x16x16", classes=3)
    said = describe(NET, (1, 16, 16), classes=3)
    assert found["wrong"] is None
    assert found["command"] == f"striate describe '{NET}' --input 1x16x16 --classes 3"
    assert [row["path"] for row in found["survey"]["rows"]] == [row.path for row in said.rows]
    assert (found["survey"]["parameters"], found["survey"]["macs"]) == (said.parameters, said.macs)
    drawn = at.command("/api/network/diagram", net=NET, input="1x16x16", classes=3)
    assert (drawn.status, drawn.headers["content-type"]) == (200, "image/svg+xml")
    assert b"conv 4 3x3" in drawn.body


def test_what_does_not_fit_says_what_would_and_that_works(at: StudioAt, album: Path) -> None:
    found = at.post("/api/network/survey", net="conv 4 5x5 stride 2 >> relu", input="1x28x28")
    assert "never sees" in found["wrong"]["why"]
    assert len(found["wrong"]["fits"]) > 2
    for one in found["wrong"]["fits"]:
        again = at.post("/api/network/survey", net=one["net"], input=one["input"], floor=one["floor"])
        assert again["wrong"] is None, one
    # As far as it goes, with where the text stops being one.
    found = at.post("/api/network/survey", net="conv 4 3x3 >> rellu", input="1x28x28")
    assert "did you mean 'relu'" in found["wrong"]["why"]
    assert found["wrong"]["where"].splitlines()[1].index("^") - 2 == len("conv 4 3x3 >> ")
    # It has to end as what is learnt of the folder wants it.
    found = at.post("/api/network/survey", net=NET.replace("classes", "7"), input="1x16x16", folder=str(album))
    assert "3" in found["wrong"]["why"]
    assert found["survey"]["output"] == "7"


def test_what_is_no_network_is_refused_in_words(at: StudioAt) -> None:
    for net, input, reason in (("", "1x8x8", "begins with"), (NET, "8", "CHANNELS"), ("a" * 50_000, "1x8x8", "40,000")):
        found = at.post("/api/network/survey", net=net, input=input)
        assert reason in found["wrong"]["why"]
    reply = at.command("/api/network/diagram", net="conv 4 9x9", input="1x8x8")
    assert reply.status == 422
    assert "does not fit" in json.loads(reply.body)["error"]


def test_the_catalogue_and_every_layer(at: StudioAt) -> None:
    found = at.get("/api/network/catalogue")
    assert next(one for one in found["nets"] if one["name"] == "lenet5")["parameters"] == 61_706
    conv = next(one for one in found["layers"] if one["keyword"] == "conv")
    assert conv["usage"].startswith("conv OUT KERNEL [stride]")


def test_from_a_text_to_a_training(at: StudioAt, album: Path) -> None:
    with studio_page(at) as one:
        one.go(f"#/network?folder={album}", "Which network looks at plain?")
        text = one.page.get_by_label("Network", exact=True)
        text.fill("conv 6 3x3 stride 2 >> relu >> globalavgpool >> flatten >> dense classes")
        one.page.get_by_text("What fits:").wait_for()
        one.check()
        one.page.get_by_role("button", name=re.compile("^pad")).first.click()
        one.page.get_by_text("What fits:").wait_for(state="detached")
        one.page.get_by_role("button", name="conv1").click()
        one.page.locator(".field-box").wait_for()
        one.page.get_by_role("button", name="Blocks").click()
        one.page.locator(".blocks img").wait_for()
        one.check()
        one.page.get_by_role("button", name="Catalogue").click()
        one.page.get_by_label("Words to look for").fill("lenet 1998 usually")
        one.page.get_by_text(re.compile("^1 of")).wait_for()
        one.page.keyboard.press("Escape")
        one.page.get_by_role("button", name="Train it on plain").click()
        one.asks("Train on plain?")
        one.page.locator("code", has_text="--net 'conv 6 3x3").wait_for()


@pytest.mark.slow
@pytest.mark.parametrize(("width", "dark"), [(360, False), (360, True), (768, False), (1440, False), (1440, True)])
def test_every_width_and_by_the_keyboard(at: StudioAt, album: Path, width: int, dark: bool) -> None:
    with studio_page(at, width=width, dark=dark) as one:
        one.go(f"#/network?folder={album}&net=lenet5&input=1x28x28", "Which network looks at plain?")
        one.page.locator(".blocks img").wait_for()
        one.check()
        one.reach("Catalogue")
        one.page.keyboard.press("Enter")
        one.page.locator(".catalogue li").first.wait_for()
        one.check()
        one.page.keyboard.press("Escape")
        one.reach("conv1")  # the table, which scrolls
        one.page.get_by_role("button", name="conv2").focus()
        one.page.keyboard.press("Enter")
        one.page.get_by_text("Position (4, 4) sees 14 × 14 pixels").wait_for()
        one.check()
