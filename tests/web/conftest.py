"""What the tests of the server share: a model, and a server of it, once a process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.serving import Served, model_at, serving

pytest.importorskip("fastapi")


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_at(tmp_path_factory.mktemp("served") / "pets.safetensors")


@pytest.fixture(scope="session")
def areas(model: Path) -> Path:
    return model_at(model.with_name("areas.safetensors"), task="segment", ends="conv 3 1x1")


@pytest.fixture(scope="session")
def served(model: Path, areas: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving([model, areas], tmp_path_factory.mktemp("serving")) as one:
        yield one
