"""Pages as the commands write them, judged by axe-core, in light and dark: nobody is kept from reading one."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.axe import findings
from tests.chromium import chromium
from tests.pictures import paint

from striate.cli.main import striate

TRAIN = "train zoo --net tiny --epochs 2 --size 32 --start none --folds 0"
PAGES = {
    "runs/zoo-1/report.html": "",
    "look.html": "look zoo/ant/0-00.png -o look.html",
    "run.html": "look zoo-1 -o run.html",
    "dot.html": "dot zoo/ant/0-00.png --model runs/zoo-1/model.safetensors -o dot.html",
    "walk.html": "walk --input 5x5 --kernel 3 -o walk.html",
    "compare.html": "compare zoo-1 zoo-2 -o compare.html",
    "doctor.html": "doctor zoo --no-labels -o doctor.html",
    "model.html": "export zoo-1 --page -o model.html",
    "find.html": "find zoo/ant/0-00.png --in zoo -o find.html",
    "map.html": "cluster zoo -o map.html",
}
QUICK = ("runs/zoo-1/report.html", "doctor.html")


@pytest.mark.parametrize("slow", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_no_page_has_serious_findings(slow: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paint(tmp_path / "zoo")
    monkeypatch.chdir(tmp_path)

    def say(words: str) -> None:
        done = CliRunner().invoke(striate, words.split(), catch_exceptions=False)
        assert done.exit_code == 0, done.output

    for _ in range(2 if slow else 1):
        say(TRAIN)
    found = {}
    with chromium("--allow-file-access-from-files") as browser:
        for name, words in PAGES.items():
            if not slow and name not in QUICK:
                continue
            if words:
                say(words)
            for scheme in ("light", "dark"):
                page = browser.new_page(color_scheme=scheme)
                page.goto((tmp_path / name).as_uri())
                found[name, scheme] = findings(page)
                page.close()
    assert found and not {where: what for where, what in found.items() if what}
