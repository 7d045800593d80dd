"""The tour of the documentation: every command prints what the page says, every picture of it is there."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tour.md"


def test_every_command_prints_what_the_page_says() -> None:
    tour = runpy.run_path(str(ROOT / "examples" / "tour" / "rerun.py"))
    page = PAGE.read_text(encoding="utf-8")
    assert page.count("\n$ ") >= 12
    assert tour["rerun"](page) == page


def test_the_python_of_the_page_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(code, str(PAGE), "exec"), {})


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)]+)\)", PAGE.read_text(encoding="utf-8")))
def test_what_the_page_links_to_is_there(link: str) -> None:
    assert (PAGE.parent / link).is_file()
