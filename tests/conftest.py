"""What every test shares: one torch thread, the shared pictures, a cache of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ("tests.budget",)  # what a test may cost

# No example is held to a time: these machines are shared.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(autouse=True)
def _quiet_torch() -> None:
    # With another process busy, two torch threads can be ten times slower than one.
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != 1:
        torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or fills the cache of the person who runs it, or is kept from the server on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("STRIATE_OFFLINE", raising=False)
        patch.setenv("STRIATE_CACHE", str(tmp_path_factory.getbasetemp() / "striate-cache"))
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_folds_of_whole_nets() -> Iterator[None]:
    """Whole nets are cross-validated where a test says so and not by themselves: tests train hundreds of small ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("striate.data.dealing.AFFORDABLE", 0)
        yield


@pytest.fixture
def shared() -> Path:
    """The folder of real pictures beside the checkout; the test is skipped where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"needs the shared pictures at {SHARED}")
    return SHARED
