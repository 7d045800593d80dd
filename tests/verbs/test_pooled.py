"""What the trunk makes of pictures is made once for each content, and a picture that is gone is left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate.search.examined import Examined
from striate.search.measured import MEASURED
from striate.verbs import pooled as module
from striate.verbs.pooled import pooled
from striate.verbs.start import open_usual
from striate.verbs.workspace import HERE


def test_each_content_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    if open_usual() is None:
        pytest.skip("the trunk that photographs start from is not here")
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (24, 32, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    paths = ("0.png", "1.png", "2.png", "gone.png", "0.png")
    digests = tuple(name.encode().ljust(16) for name in paths)
    examined = Examined(
        str(tmp_path), paths, np.zeros(5, MEASURED), np.ones(5, np.int64), digests, np.zeros(5, np.int64)
    )
    first = pooled(tmp_path, examined, HERE)
    assert first.rows.tolist() == [0, 1, 2, 4] and first.values.shape == (4, sum(first.widths)) == (4, 4256)
    assert np.array_equal(first.values[0], first.values[3]) and first.values.std() > 0
    looked: list[int] = []
    look = module._look
    monkeypatch.setattr(module, "_look", lambda *given: looked.append(given[-1]) or look(*given))
    again = pooled(tmp_path, examined, HERE)
    assert looked == [3] and np.array_equal(again.values, first.values)
