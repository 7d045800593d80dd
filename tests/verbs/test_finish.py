"""After the last epoch nothing is lost: what fails then, by whatever fault, leaves the model, the figures, a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from striate.errors import DiskError
from striate.recipe import Recipe
from striate.session import run as session
from striate.verbs.train import Finished, resume, train, training
from striate.verbs.workspace import Workspace


def _fails(*_: Any, **__: Any) -> Any:
    raise RecursionError("maximum recursion depth exceeded")


RECIPE = Recipe(epochs=1, threads=1)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("report.write_report", "the report could not be drawn (RecursionError: maximum recursion"),
        (
            "finish.judged",
            "it is not calibrated, as that failed (RecursionError: maximum",
        ),
        ("export.export_beside", "model.onnx was not written, and torch will answer: RecursionError"),
    ],
)
def test_a_fault_of_ours_costs_no_training(
    where: str, said: str, zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"striate.verbs.{where}", _fails)
    *_, last = training(RECIPE.changed(source=str(zoo)), workspace=Workspace(tmp_path))
    assert isinstance(last, Finished) and any(note.startswith(said) for note in last.notes)
    run = last.run
    assert run.state() == "finished" and str(session.Run(run).predict(zoo / "ant" / "0-00.png"))
    page = run.report_path.read_text()
    assert page.count("</html>") == 1
    plain = where == "report.write_report"
    assert ("This report could not be drawn: RecursionError" in page, "&#34;accuracy&#34;" in page) == (plain, plain)


def test_a_full_disk_is_no_fault_to_pass_over(zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise DiskError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr("striate.verbs.report.write_report", full)
        with pytest.raises(DiskError, match="no space left"):
            train(RECIPE.changed(source=str(zoo)), workspace=Workspace(tmp_path))
    run = resume("last", workspace=Workspace(tmp_path))
    assert run.state() == "finished" and run.report_path.read_text().count("</html>") == 1


@pytest.mark.parametrize(("test", "said"), [(0.0, True), (0.2, False)])
def test_a_figure_of_pictures_that_something_was_chosen_by_says_so(
    test: float, said: bool, zoo: Path, tmp_path: Path
) -> None:
    *_, last = training(RECIPE.changed(source=str(zoo), val=0.2, test=test, folds=0), workspace=Workspace(tmp_path))
    assert isinstance(last, Finished) and last.evaluation.part == ("val" if said else "test")
    assert any("of the validation pictures, by which it was calibrated" in note for note in last.notes) == said
