"""Features are kept by what made them; a damaged file, or another's, is as none."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from striate.search.pooled_files import Pooled, read, write


def test_what_is_written_is_read_by_what_made_it_alone(tmp_path: Path) -> None:
    place = tmp_path / "kept" / "a.npz"
    digests = (b"0123456789abcdef", b"\0" * 15 + b"\1")
    write(place, Pooled("trunk", digests, np.arange(6, dtype=np.float16).reshape(2, 3)))
    found = read(place, "trunk", 3)
    assert found.digests == digests and found.features.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert read(place, "other", 3).digests == () == read(place, "trunk", 4).digests
    for content in (place.read_bytes()[:100], b"", b"no zip"):
        place.write_bytes(content)
        assert read(place, "trunk", 3).digests == ()
    assert read(tmp_path / "none.npz", "trunk", 3).features.shape == (0, 3)
