"""Compare: two runs by the verb; another name, a note and an end for one, asked for twice; very many runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.web.studio_at import SAID, StudioAt, studio_at
from tests.web.studio_page import studio_page

from striate.runs.run import RunDirectory
from striate.verbs.compare import compare
from striate.verbs.workspace import Workspace

NET = "conv 4 3x3 >> relu >> globalavgpool >> flatten >> dense classes"


@pytest.fixture(scope="session")
def other(at: StudioAt, album: Path, judged: str) -> str:
    """Another run on the same pictures."""
    made = at.post("/api/train/start", source=str(album), net=NET, epochs=2, folds="3", seed=1, name="other")
    return str(at.until(made["id"], "finished")["run"])


def test_it_is_what_the_verb_says(at: StudioAt, judged: str, other: str) -> None:
    told = at.post("/api/compare", a=judged, b=other)
    found = compare(judged, other, Workspace(at.folder / "runs"))
    assert told["verdict"] == found.verdict() and told["pictures"] == len(found.keys)
    only_a, only_b = found.apart()
    assert [one["of"] for one in told["apart"]] == [len(only_b), len(only_a)]
    assert [one["key"] for one in told["apart"][0]["pictures"]] == [found.keys[row] for row in only_b[:24]]
    assert told["command"] == f"striate compare {judged} {other}"
    assert at.command("/api/compare", a=judged, b=judged).status == 400
    assert b"no run" in at.command("/api/compare", a=judged, b="nothing").body


def test_two_are_chosen_and_compared_in_chromium(at: StudioAt, judged: str, other: str) -> None:
    with studio_page(at) as one:
        one.go("#/compare", "Which run is better?")
        one.page.get_by_label(f"Choose {judged}").check()
        one.page.get_by_label(f"Choose {other}").check()
        one.check()
        one.page.get_by_role("button", name="Compare").click()
        one.asks(f"Which is better, {judged} or {other}?")
        one.page.locator(".verdict-line").wait_for()
        one.page.locator("code", has_text=f"striate compare {judged} {other}").wait_for()
        one.check()


def test_another_name_a_note_and_an_end_by_the_keyboard(tmp_path: Path, at: StudioAt, other: str) -> None:
    shutil.copytree(at.folder / "runs" / other, tmp_path / "runs" / "tried-1")
    with studio_at(tmp_path) as mine, studio_page(mine, width=360, dark=True) as one:
        one.go("#/compare", "Which run is better?")
        one.page.get_by_label("Choose tried-1").wait_for()
        one.reach("…")  # the list, which scrolls by the keyboard
        one.reach("…")  # and the button in it
        one.page.keyboard.press("Enter")
        one.page.get_by_role("textbox", name="Note").fill(SAID)
        one.check()
        one.page.get_by_role("button", name="Keep the note").click()
        one.page.locator("dialog").wait_for(state="detached")
        one.page.locator(".run-list small", has_text=SAID).wait_for()
        assert RunDirectory.open("tried-1", tmp_path / "runs").note() == SAID
        one.page.get_by_label("Rename, note or delete tried-1").click()
        one.page.get_by_role("textbox", name="Name", exact=True).fill("kept")
        one.page.get_by_role("button", name="Rename", exact=True).click()
        one.page.get_by_label("Choose kept").wait_for()
        one.page.get_by_label("Rename, note or delete kept").click()
        one.page.get_by_role("button", name="Delete …").click()
        assert (tmp_path / "runs" / "kept").is_dir(), "asked for once, nothing goes"
        one.page.get_by_role("button", name="Delete kept for good").click()
        one.page.get_by_text("There is no run yet.").wait_for()
        assert not (tmp_path / "runs" / "kept").exists()
        one.check()


def test_a_run_goes_only_when_its_name_is_said_twice(at: StudioAt, judged: str) -> None:
    assert at.command("/api/compare/remove", run=judged, name="").status == 409
    assert b"is no name of a run" in at.command("/api/compare/rename", run=judged, to="../out").body
    assert (at.folder / "runs" / judged).is_dir()


@pytest.mark.slow
def test_ten_thousand_runs_are_a_hundred_at_a_time(tmp_path: Path) -> None:
    for number in range(10_000):
        folder = tmp_path / "runs" / f"pets-{number + 1}"
        folder.mkdir(parents=True)
        (folder / "recipe.toml").write_text('task = "classify"\nnet = "tiny"\n')
        (folder / "source.json").write_text('{"name": "pets"}')
    with studio_at(tmp_path) as mine, studio_page(mine) as one:
        one.go("#/compare", "Which run is better?")
        one.page.get_by_text("10,000 runs, the newest first.").wait_for()
        assert one.page.locator(".run-list tbody tr").count() == 100
        one.page.get_by_role("button", name="Show more").click()
        one.page.locator(".run-list tbody tr").nth(199).wait_for()
        one.page.get_by_placeholder("name of a run").fill("pets-9999")
        one.page.get_by_text("1 run, the newest first.").wait_for()
        one.check()


@pytest.mark.slow
@pytest.mark.parametrize(("width", "dark"), [(360, False), (768, True), (1440, True)])
def test_every_width(at: StudioAt, judged: str, other: str, width: int, dark: bool) -> None:
    with studio_page(at, width=width, dark=dark) as one:
        for where, question in (("#/compare", "Which run is better?"), (f"#/compare?a={judged}&b={other}", judged)):
            one.go(where, question)
            one.page.locator("main table").first.wait_for(timeout=60_000)
            one.check()
