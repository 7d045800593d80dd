"""A run's model for other programs, as a page, with its card: written beside it as the commands do, and handed on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.studio_at import StudioAt
from tests.web.studio_page import studio_page

from striate.verbs.card import model_card
from striate.verbs.workspace import Workspace
from striate.web.server.settings import settled

NET = "conv 4 3x3 >> relu >> globalavgpool >> flatten >> dense classes"


@pytest.fixture(scope="module")
def run(at: StudioAt, album: Path) -> Iterator[str]:
    made = at.post("/api/train/start", source=str(album), net=NET, epochs=2, folds="none", name="shipped")
    yield at.until(made["id"], "finished", seconds=180)["run"]


def folder(at: StudioAt, run: str) -> Path:
    return at.folder / "runs" / run


def test_export_with_its_table_beside_the_run(at: StudioAt, run: str) -> None:
    before = at.get("/api/ship", run=run)
    assert before["folder"] == f"runs/{run}" and before["serve"] == f"striate serve {run}"
    assert [one["name"] for one in before["files"] if one["note"]] == [] and before["card"] is None
    usual = settled({}, None, None)
    assert before["address"] == f"http://{usual.host}:{usual.port}"
    targets = {one["name"]: one for one in before["targets"]}
    assert targets["onnx"]["any_size"] and targets["onnx"]["needs"] == "" and not targets["coreml"]["asked"]
    made = at.post("/api/ship/export", run=run, to="onnx")
    assert made["command"] == f"striate export {run} --to onnx"
    parity = made["parity"]
    assert parity["same"] == parity["pictures"] > 200 and parity["apart"]["probabilities"] <= 1e-4
    kept = next(one for one in at.get("/api/ship", run=run)["files"] if one["name"] == "model.deployed.onnx")
    assert kept["note"]["parity"] == parity and "probabilities" in kept["note"]["outputs"]
    reply = at.open(f"/ship/file?run={run}&name=model.deployed.onnx", headers={"cookie": at.cookie})
    assert reply.status == 200 and reply.body == (folder(at, run) / "model.deployed.onnx").read_bytes()
    assert reply.headers["content-disposition"] == f"attachment; filename*=UTF-8''{run}.deployed.onnx"


def test_the_page_and_the_card(at: StudioAt, run: str) -> None:
    assert at.open(f"/ship/page?run={run}", headers={"cookie": at.cookie}).status == 404
    made = at.post("/api/ship/page", run=run, pictures=1)
    assert made["command"] == f"striate export {run} --page --pictures 1" and "16 bits" in made["said"]
    page = at.open(f"/ship/page?run={run}", headers={"cookie": at.cookie})
    assert page.body == (folder(at, run) / "model.html").read_bytes()
    assert page.headers["content-security-policy"].startswith("sandbox allow-scripts allow-downloads;")
    place = folder(at, run) / "README.md"
    place.write_text("mine\n")
    refused = at.command("/api/ship/card", run=run)
    assert refused.status == 422 and "is not ours" in refused.json()["error"] and place.read_text() == "mine\n"
    place.unlink()
    said = at.post("/api/ship/card", run=run, license="cc-by-4.0")
    assert said["command"] == f"striate card {run} -o runs/{run}/README.md --license cc-by-4.0"
    assert place.read_text() == str(model_card(run, license="cc-by-4.0", workspace=Workspace(at.folder / "runs")))
    assert at.post("/api/ship/card", run=run) and "license:" not in at.get("/api/ship", run=run)["card"]


def test_what_is_refused_says_why(at: StudioAt, run: str) -> None:
    for name in ("finished.json", "../../studio/secret", "lock", "no.onnx", ""):
        assert at.open(f"/ship/file?run={run}&name={name}", headers={"cookie": at.cookie}).status == 404, name
    for facts, said in (
        ({"to": "tflite"}, "there is no target"),
        ({"to": "torch", "any_size": True}, "any size"),
        ({"to": "onnx", "run": "nobody-1"}, "nobody-1"),
    ):
        reply = at.command("/api/ship/export", **{"run": run, **facts})
        assert reply.status == 422 and said in reply.json()["error"], facts
    assert at.command("/api/ship/page", run=run, pictures=101).status == 422
    assert "no name of one" in at.command("/api/ship/card", run=run, license="my own!").json()["error"]
    good = at.get("/api/ship/push", run=run, repository="ada/pets", private=1, license="a; b")
    assert good["command"] == f"striate push {run} ada/pets --private --license 'a; b'"
    for wrong in ("pets", "--private", "a/b/c/../d", "ada/pets@v1"):
        reply = at.open(f"/api/ship/push?run={run}&repository={wrong}", headers={"cookie": at.cookie})
        assert reply.status == 422, wrong


@pytest.mark.slow
def test_from_a_run_to_files(at: StudioAt, run: str) -> None:
    with studio_page(at) as one:
        one.go("#/ship", "Which run is handed on?")
        one.page.locator("code", has_text="striate runs").wait_for()
        one.check()
        one.reach(run)
        one.page.keyboard.press("Enter")
        one.asks(f"Where does {run} go?")
        one.reach("Export it")
        one.page.keyboard.press("Enter")
        one.page.get_by_text("model.deployed.any-size.onnx").first.wait_for(timeout=120_000)
        one.page.get_by_role("row", name="the run's own").first.wait_for()
        one.page.locator("code", has_text=f"striate export {run} --to onnx --any-size").wait_for()
        one.check()
        with one.page.expect_download() as taken:
            one.page.get_by_role("link", name="Download model.deployed.any-size.onnx").click()
        assert taken.value.suggested_filename == f"{run}.deployed.any-size.onnx"
        assert Path(taken.value.path()).read_bytes() == (folder(at, run) / "model.deployed.any-size.onnx").read_bytes()
        one.page.get_by_role("link", name="As a page").click()
        one.page.get_by_role("button", name="Make the page").click()
        one.page.get_by_role("link", name="Download model.html").wait_for(timeout=120_000)
        with one.page.context.expect_page() as opened:
            one.page.get_by_role("link", name="Try it here").click()
        shown = opened.value
        shown.get_by_text("Computed in this page").wait_for(timeout=60_000)
        told = "async (to) => fetch(to).then((reply) => reply.status, () => 'refused')"
        assert shown.evaluate(told, f"{at.origin}/api/state") == "refused"
        one.page.get_by_role("link", name="Its card").click()
        one.page.get_by_role("button", name="Write the card").click()
        one.page.locator(".ship-card", has_text=f"# {run}").wait_for(timeout=60_000)
        one.check()
        one.page.get_by_role("link", name="On the Hub").click()
        one.page.get_by_label("Repository").fill("ada/--pets")
        one.page.get_by_text("is no address of a model on the Hub").wait_for()
        one.said.clear()  # that refusal
        one.page.get_by_label("Repository").fill("ada/pets")
        one.page.locator("code", has_text=f"striate push {run} ada/pets --private").wait_for()
    for width, dark in ((360, True), (768, False), (1440, True)):
        with studio_page(at, width=width, dark=dark) as one:
            for view in ("", "&view=page", "&view=card", "&view=hub", "&view=serve"):
                one.go(f"#/ship?run={run}{view}", f"Where does {run} go?")
                one.check()
