"""Pictures that the verbs' tests train on."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.pictures import paint


@pytest.fixture(scope="session")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three classes; for reading alone."""
    return paint(tmp_path_factory.mktemp("pictures") / "zoo")
