"""The notebooks of examples/: they run in Jupyter's kernel, every cell shows what it should, and no output is kept."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
WIDGET = "application/vnd.jupyter.widget-view+json"
# Of each notebook: what the cell that begins so shows, as a kind of output and a word of it.
SHOWN = {
    "first_network": (
        ("net =", "text/html", "conv1"),
        ("try:", "text", "What fits: input 1x6x6"),
        ("run = striate.train", "text", "test accuracy"),
        ("run.evaluate", "text/html", "95 % interval"),
        ("run.history", "text/html", "train_loss"),
        ("from sklearn", "text/plain", "5"),
        ("shown = ", WIDGET, "model_id"),
    ),
    "own_pictures": (
        ("import runpy", "text/plain", "['disc', 'square', 'star']"),
        ("striate.doctor", "text/html", "iframe"),
        ("run.evaluate", "text/html", "95 % interval"),
        ("run.predict", "text/html", "star"),
        ("run.look", "text/html", "iframe"),
        ("print(run.report)", "text", "model.onnx"),
    ),
    "look_inside": (
        ("run.look(pictures[5])", "text/html", "iframe"),
        ("run.look(pictures[5], part", "text/html", "iframe"),
        ("shown = ", WIDGET, "model_id"),
        ("run.look()", "text/html", "iframe"),
        ("longer = ", "text/html", "iframe"),
    ),
}


def test_there_are_three_and_no_output_is_kept() -> None:
    assert {path.stem for path in NOTEBOOKS} == SHOWN.keys()
    for path in NOTEBOOKS:
        book = nbformat.read(path, nbformat.NO_CONVERT)
        nbformat.validate(book)
        assert book.cells[0].cell_type == "markdown" and book.cells[0].source.startswith("# ")
        for cell in book.cells:
            if cell.cell_type == "code":
                assert cell.outputs == [] and cell.execution_count is None, f"{path.name}: strip its outputs"
            assert not cell.metadata, f"{path.name}: a cell has notes of somebody's editor"
        assert "widgets" not in book.metadata


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_itself(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient = pytest.importorskip("nbclient")
    for needed in ("ipykernel", "anywidget"):
        pytest.importorskip(needed)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    for beside in ("one_each.py", "scenes.py"):
        shutil.copy(EXAMPLES / beside, tmp_path)
    book = nbformat.read(path, 4)
    how = {"timeout": 600, "kernel_name": "python3", "resources": {"metadata": {"path": str(tmp_path)}}}
    nbclient.NotebookClient(book, **how).execute(env=dict(os.environ))
    for begins, kind, word in SHOWN[path.stem]:
        (cell,) = (one for one in book.cells if one.cell_type == "code" and one.source.startswith(begins))
        assert any(word in one for one in _outputs(cell, kind)), (begins, kind, cell.outputs)


def _outputs(cell: Any, kind: str) -> list[str]:
    return [str(one.get("text") if kind == "text" else one.get("data", {}).get(kind, "")) for one in cell.outputs]
