"""Judge: what is said of a run agrees with the verb; its mistakes are relabelled, and it is trained again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.verbs.test_card import folders
from tests.web.studio_at import StudioAt, end_trainings, studio_at
from tests.web.studio_page import studio_page

from striate.recipe import Recipe
from striate.tasks.table import TASKS
from striate.verbs.evaluate import evaluate
from striate.verbs.train import train
from striate.verbs.workspace import Workspace


def test_what_is_said_is_what_the_verb_says(at: StudioAt, judged: str) -> None:
    found = evaluate(judged, workspace=Workspace(at.folder / "runs"))
    told = at.post("/api/judge", run=judged)
    assert told["verdict"] == found.verdict.to_dict() and told["confusion"] == found.report.confusion.tolist()
    assert told["command"] == f"striate evaluate {judged}" and len(told["folds"]) == found.folds.count  # type: ignore[union-attr]
    assert sum(one["pictures"] for one in told["folds"]) == len(found.keys)
    probabilities, targets = found.found.confused()  # type: ignore[misc]
    said = probabilities.argmax(axis=1)
    for label in range(3):
        for answer in range(3):
            names = {"label": told["names"][label], "answer": told["names"][answer]}
            cell = at.post("/api/judge/pictures", run=judged, which="cell", **names)
            wanted = {found.keys[row] for row in np.flatnonzero((targets == label) & (said == answer))}
            assert {one["key"] for one in cell["pictures"]} == wanted and cell["of"] == len(wanted)
    cut = at.post("/api/judge/thresholds", run=judged)["cuts"][0]
    sure = probabilities.max(axis=1)
    assert cut["said"] == [int((sure >= step / 100).sum()) for step in range(101)]
    assert cut["right"] == [int(((said == targets) & (sure >= step / 100)).sum()) for step in range(101)]
    told = at.post("/api/judge/slices", run=judged)
    dark = next(one for one in told["slices"] if one["name"] == "dark")
    assert dark["pictures"] == int((targets == 0).sum())
    some = at.post("/api/judge/pictures", run=judged, which="slice", by="label", name="dark")
    assert {one["label"] for one in some["pictures"]} == {"dark"} and some["of"] == dark["pictures"]
    reply = at.open(f"/judge/scene?run={judged}&row=0", headers={"cookie": at.cookie})
    assert reply.status == 200 and reply.body.startswith(b"\x89PNG")


def test_what_cannot_be_judged_is_refused_in_words(at: StudioAt, judged: str) -> None:
    assert b"no run" in at.command("/api/judge", run="nothing").body
    assert at.command("/api/judge", run=judged, part="all").status == 400
    assert b"no picture 10000" in at.open(f"/judge/scene?run={judged}&row=10000", headers={"cookie": at.cookie}).body
    assert at.get("/api/judge/decided", folder="digits")["can"] is False


def test_the_loop_from_a_confusion_to_another_training(at: StudioAt, judged: str, album: Path) -> None:
    """A cell, its pictures, another label for one, one left out, the same training once more: in Chromium."""
    told = at.post("/api/judge", run=judged)
    label, answer = next((row, column) for row in range(3) for column in range(3) if told["confusion"][row][column])
    label, answer = told["names"][label], told["names"][answer]
    with studio_page(at) as one:
        one.go(f"#/judge?run={judged}", f"What is {judged} worth?")
        one.page.locator(".figures").wait_for()
        one.check()
        one.page.get_by_role("link", name="Mistakes").click()
        one.page.get_by_role("button", name=f"of {label} called {answer}").click()
        one.page.get_by_role("heading", name=f"{label}, called").wait_for()
        first = one.page.locator(".judged input").first
        key = str(first.get_attribute("aria-label")).removeprefix("Choose ")
        first.check()
        one.page.get_by_label("The class they are given").select_option("striped")
        one.page.get_by_text("now striped").first.wait_for()
        one.page.locator(".judged input").nth(1).check()
        one.page.get_by_role("button", name="Leave out").click()
        one.page.get_by_text("left out", exact=True).first.wait_for()
        one.check()
        kept = at.get("/api/judge/decided", folder=str(album))
        assert len(kept["dropped"]) == 1 and (label == "striped" or kept["relabelled"] == {key: "striped"})
        assert "<" not in json.dumps(kept["dropped"])
        one.page.get_by_role("button", name="Train again").click()
        one.asks("What came of plain-")
        newest = one.page.locator("h1").inner_text().removeprefix("What came of ").removesuffix("?")
        again = at.post("/api/judge", run=newest)
        assert again["pictures"] == told["pictures"] - 1 and again["command"].endswith(newest)
        # Nothing stays decided for the tests that come after.
        for name, before in ((key, label), (kept["dropped"][0], kept["dropped"][0].split("/")[0])):
            decision = {"kind": "relabel", "pictures": [name], "word": before}
            at.post("/api/pictures/decide", folder=str(album), decisions=[decision])


def test_a_threshold_is_moved_by_the_keyboard(at: StudioAt, judged: str) -> None:
    with studio_page(at, width=360, dark=True) as one:
        one.go(f"#/judge?run={judged}&view=thresholds", f"What is {judged} worth?")
        slider = one.page.get_by_label("Score from which on it answers")
        slider.wait_for()
        slider.focus()
        for _ in range(3):
            one.page.keyboard.press("ArrowRight")
        one.page.locator("code", has_text=f"striate evaluate {judged} --at 0.03").wait_for()
        one.check()


@pytest.mark.slow
@pytest.mark.parametrize(("width", "dark"), [(360, False), (768, True), (1440, False)])
def test_every_view_at_every_width(at: StudioAt, judged: str, width: int, dark: bool) -> None:
    with studio_page(at, width=width, dark=dark) as one:
        for view in ("", "mistakes", "thresholds", "believed", "slices"):
            one.go(f"#/judge?run={judged}&view={view}", f"What is {judged} worth?")
            one.page.locator("main h2, main .figures, main .threshold").first.wait_for()
            one.check()


@pytest.mark.slow
def test_every_task_is_judged(tmp_path: Path) -> None:
    for task, (source, net) in folders(tmp_path).items():
        size = {"size": (64, 64) if net is None else (34, 34)} if TASKS[task].placed else {}
        how: dict[str, Any] = {"epochs": 1, "batch": 4, "device": "cpu", "threads": 1, "folds": 0, "start": "none"}
        recipe = Recipe(source=str(source), task=task, **({"net": net} if net else {}), **size, **how)
        train(recipe, workspace=Workspace(tmp_path / "runs"), name=task)
    try:
        with studio_at(tmp_path) as at, studio_page(at, width=768) as one:
            for task in TASKS:
                for view in ("", "mistakes", "figures", "thresholds", "slices"):
                    one.go(f"#/judge?run={task}-1&view={view}", f"What is {task}-1 worth?")
                    one.page.locator("main .tabs").wait_for()
                    one.page.wait_for_load_state("networkidle")
                    one.check()
    finally:
        end_trainings(tmp_path)
