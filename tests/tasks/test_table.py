"""The table of tasks: names cost nothing, a task is imported when it is asked for, and a wrong line is refused."""

from __future__ import annotations

import subprocess
import sys

import pytest

from striate.tasks.classify import Classify
from striate.tasks.table import BY_ITSELF, OUTPUT_BEFORE, TASKS, Tasks

HOME = ("striate.tasks.classify", "Classify", "a class a picture")


def test_each_line_is_a_task_by_its_own_name():
    for name, task in TASKS.items():
        assert task.name == name and TASKS[name] is task
        assert type(task).__module__ == f"striate.tasks.{name}"
    assert BY_ITSELF in TASKS and TASKS[BY_ITSELF].output == OUTPUT_BEFORE


def test_only_the_task_that_is_asked_for_is_imported():
    code = (
        "import sys; from striate.tasks.table import TASKS\n"
        "def there(): return [name for name in TASKS if f'striate.tasks.{name}' in sys.modules]\n"
        "assert 'tag' in TASKS and 'x' not in TASKS and len(TASKS) == len(list(TASKS)) and TASKS.get('x') is None\n"
        "print(there()); TASKS['tag']; print(there()); list(TASKS.values()); print(there() == list(TASKS))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "['tag']", "True"]


def test_the_help_names_every_task_and_imports_none_nor_torch():
    code = (
        "import sys; from click.testing import CliRunner; from striate.cli.train import command\n"
        "print(' '.join(CliRunner().invoke(command, ['--help']).output.split()))\n"
        "print([name for name in sys.modules if name == 'torch' or name in TASKS_AT])"
    ).replace("TASKS_AT", repr([f"striate.tasks.{name}" for name in TASKS]))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said, imported = done.stdout.splitlines()
    assert f"What is learnt: {TASKS.learnt()}." in said and imported == "[]"
    assert [name.split()[0] for name in TASKS.learnt().split(", ")] == list(TASKS)


def test_a_task_is_put_in_and_taken_out_as_in_a_dictionary():
    table, mine = Tasks({}), Classify()
    table["classify"] = mine
    assert list(table) == ["classify"] and table["classify"] is mine and table.learnt() == "classify"
    del table["classify"]
    assert "classify" not in table and not len(table)
    with pytest.raises(KeyError):
        table["classify"]


@pytest.mark.parametrize(("name", "home"), [("sort", HOME), ("classify", ("striate.tasks.classify", "Counter", ""))])
def test_a_wrong_line_is_refused_when_it_is_asked_for(name, home):
    with pytest.raises(TypeError, match=f"is no task by the name of {name}"):
        Tasks({name: home})[name]
    with pytest.raises(TypeError, match="is no task by the name of sort"):
        Tasks({})["sort"] = Classify()
