"""What the tests of the studio share: pictures, and a studio of them, once a process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.studio_at import StudioAt, end_trainings, studio_at, three_classes

pytest.importorskip("fastapi")


@pytest.fixture(scope="session")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return three_classes(tmp_path_factory.mktemp("album") / "plain")


@pytest.fixture(scope="session")
def at(album: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioAt]:
    folder = tmp_path_factory.mktemp("studio")
    with studio_at(folder, str(album)) as one:
        yield one
    end_trainings(folder)


@pytest.fixture(scope="session")
def judged(at: StudioAt, album: Path) -> str:
    """A run of the plain classes that has learnt too little to be right everywhere, cross-validated."""
    net = "conv 4 3x3 >> relu >> globalavgpool >> flatten >> dense classes"
    made = at.post("/api/train/start", source=str(album), net=net, epochs=6, folds="3", seed=1)
    return str(at.until(made["id"], "finished")["run"])
