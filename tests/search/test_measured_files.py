"""What was measured is read as it was written, and what is damaged is nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from striate.search import measured_files
from striate.search.measured import MEASURED
from striate.search.measured_files import Known


def test_what_is_kept_reads_again(tmp_path: Path) -> None:
    rows = np.zeros(2, MEASURED)
    rows["height"], rows["small"][1] = (3, 4), 7
    digests = (b"\0" * 16, b"a" * 15 + b"\0")
    place = tmp_path / "below" / "a.npz"
    measured_files.write(place, Known(digests, rows, {("a/b.png", 5, 6): digests[1]}))
    again = measured_files.read(place)
    assert again.digests == digests and again.files == {("a/b.png", 5, 6): digests[1]}
    assert (again.rows == rows).all()
    whole = place.read_bytes()
    for damaged in (b"", whole[:100], whole[: len(whole) // 2], whole[:-200] + b"x" * 200, b"no zip"):
        place.write_bytes(damaged)
        assert measured_files.read(place).digests == ()
    assert measured_files.read(tmp_path / "none.npz").digests == ()
