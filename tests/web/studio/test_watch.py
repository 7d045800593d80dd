"""What a training has learnt so far: its filters and maps by epoch, and what it gets wrong."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
from tests.web.serving import until
from tests.web.studio_at import StudioAt
from tests.web.studio_page import studio_page

from striate.runs import filters
from striate.runs.run import RunDirectory

NET = "conv 4 3x3 >> relu >> globalavgpool >> flatten >> dense classes"


def test_while_it_learns(at: StudioAt, album: Path) -> None:
    made = at.post("/api/train/start", source=str(album), net=NET, epochs=100_000, folds="none", name="watched")
    until(lambda: len(at.training(made["id"])["history"]) > 2)
    run = at.training(made["id"])["run"]
    try:
        found = at.get("/api/watch/learnt", run=run)
        assert found["epochs"][0] == 0 and len(found["epochs"]) > 2 and found["source"] == str(album)
        kept = filters.kept(RunDirectory.open(run, at.folder / "runs"))[0]
        packed = found["filters"]["0"]
        seen = np.frombuffer(base64.b64decode(packed["values"]), np.int8).reshape(packed["shape"])
        assert np.allclose(seen / 127, kept / np.abs(kept).max(), atol=0.01)
        assert found["picture"] in {
            f"{name}/{number}.png" for name in ("dark", "light", "striped") for number in range(12)
        }
        wrong = at.post("/api/watch/wrong", run=run)
        assert wrong["part"] == "val" and "still being trained" in wrong["notes"][-1]
        with studio_page(at, width=768, dark=True) as one:
            one.go(f"#/train?id={made['id']}", f"How is {run} learning?")
            one.page.get_by_text("Filters of the first layer").wait_for()
            one.page.get_by_label("The epoch that is shown").fill("0")
            one.page.get_by_text("before the first epoch").wait_for()
            one.page.get_by_role("button", name="Ask it").click()
            one.page.locator("code", has_text=f"striate evaluate {run} --split val").wait_for(timeout=90_000)
            one.check()
    finally:
        at.post("/api/train/stop", id=made["id"], at_once=True)
        at.until(made["id"], "stopped")
