"""Folders that pages look at: held while nothing changes, seen anew when something does."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.web.studio_at import three_classes

from striate.errors import DataError
from striate.verbs.workspace import Workspace
from striate.web.studio import albums
from striate.web.studio.albums import Albums


def test_held_and_seen_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = three_classes(tmp_path / "plain", pictures=2)
    found = Albums(Workspace(tmp_path / "runs"))
    one = found.get(str(folder))
    assert found.get(str(folder)) is one and found.get(str(folder), fresh=True) is one
    (folder / "dark" / "new.png").write_bytes((folder / "dark" / "0.png").read_bytes())
    assert found.get(str(folder)) is one  # for a moment
    fresh = found.get(str(folder), fresh=True)
    assert fresh is not one and len(fresh.source.items) == 7
    (folder / "dark" / "new.png").unlink()
    found.forget(str(folder))
    assert len(found.get(str(folder)).source.items) == 6
    monkeypatch.setattr(albums, "KEPT", 1)
    three_classes(tmp_path / "other", pictures=1)
    found.get(str(tmp_path / "other"))
    assert list(found._kept) == [str(tmp_path / "other")] and list(found._looked) == [str(tmp_path / "other")]


def test_what_is_wrong_with_a_folder_is_said_each_time(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    found = Albums(Workspace(tmp_path / "runs"))
    for _ in range(2):
        with pytest.raises(DataError, match="none"):
            found.get(str(tmp_path / "none"))
