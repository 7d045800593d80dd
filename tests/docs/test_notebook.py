"""The ten lines of docs/notebook.md, in Jupyter's kernel."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

PAGE = Path(__file__).parents[2] / "docs" / "notebook.md"


def test_the_lines_of_the_page_run_and_show_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    block = PAGE.read_text().split("```python\n")[1].split("```")[0]
    lines = [line.split("  #")[0].rstrip() for line in block.splitlines() if line.strip()]
    assert len(lines) == 10
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(line) for line in lines])
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(book, timeout=300, kernel_name="python3", resources=resources).execute(env=dict(os.environ))
    shown = dict(zip(lines, book.cells, strict=True))

    def html(line: str) -> str:
        return "".join(one["data"].get("text/html", "") for one in outputs(line) if "data" in one)

    def outputs(line: str) -> list[Any]:
        return list(shown[line].outputs)

    training = next(line for line in lines if "train(" in line)
    printed = "".join(one.get("text", "") for one in outputs(training))
    assert "test accuracy" in printed and "report" in printed and "\x1b" not in printed
    assert any(one["output_type"] == "display_data" for one in outputs(training)), "no bar"
    assert "accuracy" in html("run") and html("run.history").count("<tr>") == 3
    assert "<table>" in html("run.evaluate()") and "iframe" in html("run.look(five)")
    assert "digits-1" in html("striate.runs()")
    (answer,) = outputs("run.predict(five)")
    assert len(answer["data"]["text/plain"]) < 200
