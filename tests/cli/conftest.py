"""A working directory for each test of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.stage import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty working directory."""
    return Place(tmp_path)
