"""Where a verb works is one value: no verb takes its parts one by one, and what looks for pictures gets all of it."""

from __future__ import annotations

import ast
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from striate.recipe import Recipe
from striate.runs.run import RunDirectory
from striate.verbs import pictures
from striate.verbs.reopen import reopen_data
from striate.verbs.train import train
from striate.verbs.workspace import HERE, Workspace

VERBS = Path(__file__).resolve().parents[2] / "src" / "striate" / "verbs"


def test_no_verb_takes_the_parts_of_a_workspace_one_by_one() -> None:
    parts = {field.name for field in fields(Workspace)}
    found = []
    for path in sorted(VERBS.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and path.name != "workspace.py":
                taken = parts & {given.arg for given in (*node.args.args, *node.args.kwonlyargs)}
                found += [f"{path.name}: {node.name} takes {sorted(taken)}"] if len(taken) > 1 else []
    assert not found


def test_folders_come_as_a_person_names_them() -> None:
    assert Workspace.at() == HERE and Workspace.at("r", "d", download=False).download is False
    assert (Workspace.at("r", "d").runs_dir, Workspace.at("r", "d").data_dir) == (Path("r"), Path("d"))
    assert HERE.tell("nobody hears it") is None  # type: ignore[func-returns-value]


def test_a_run_is_opened_again_where_the_workspace_says(
    zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(Recipe(source=str(zoo), epochs=1, threads=1, folds=0), workspace=Workspace(tmp_path))
    asked, real = [], pictures.find

    def find(*given: Any, **said: Any) -> Any:
        asked.append(said)
        return real(*given, **said)

    monkeypatch.setattr(pictures, "find", find)
    told: list[str] = []
    offline = Workspace(tmp_path, zoo, download=False, progress=lambda what, *_: told.append(what))
    reopen_data(RunDirectory.open(run.name, offline.runs_dir), workspace=offline)
    assert [(said["data_dir"], said["download"], said["progress"]) for said in asked] == [
        (zoo, False, offline.progress)
    ]
