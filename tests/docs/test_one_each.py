"""The folder of examples/one_each.py, whose pages the README shows, has the faults that it says."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from striate.verbs.doctor import doctor
from striate.verbs.workspace import Workspace

EXAMPLE = Path(__file__).parents[2] / "examples" / "one_each.py"


@pytest.mark.slow
def test_what_was_planted_is_found(tmp_path: Path) -> None:
    runpy.run_path(str(EXAMPLE))["main"](tmp_path / "one")
    found = doctor(tmp_path / "one", labels=False, workspace=Workspace(runs_dir=tmp_path / "runs"))
    cases = {finding.kind: [set(case.paths) for case in finding.cases] for finding in found.findings}
    assert cases["unreadable"] == [{"star/s93.jpg"}] and cases["blank"] == [{"square/q92.jpg"}]
    groups = [group for several in cases.values() for group in several]
    assert {"disc/d11.jpg", "disc/d90.jpg", "square/d91.jpg"} in groups
    assert {"star/s20.jpg", "star/s90.jpg", "star/s91.jpg"} in groups
