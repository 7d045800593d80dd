"""Parts of pictures: the window that was planted is found, in the picture that has it."""

from __future__ import annotations

import numpy as np

from striate.search.nearest import directions
from striate.search.regions import Window, regions, windows_of


def test_a_planted_window_is_found() -> None:
    draw = np.random.default_rng(3)
    thing = np.zeros(16, np.float32)
    thing[2] = 1
    parts = draw.normal(0, 0.02, (40, 7, 7, 16)).astype(np.float16)
    parts[..., 5] += 1  # what all pictures show beside it
    parts[17, 1:4, 3:5] += 2 * thing.astype(np.float16)
    parts[9, 0:1, 0:1] += 1 * thing.astype(np.float16)
    found = regions(parts, thing, 2, centre=np.zeros(16, np.float32))
    assert found.rows[0] == 17 and found.windows[0] == Window(1, 3, 4, 5)
    mean = parts[17, 1:4, 3:5].astype(np.float32).mean(axis=(0, 1))
    assert found.cosine[0] == np.float32(directions(mean[None], np.zeros(16, np.float32))[0] @ thing)
    assert found.rows[1] == 9 and found.cosine[1] < found.cosine[0]


def test_windows_are_of_every_size_within_the_map() -> None:
    tried = windows_of(3, 5)
    assert Window(0, 0, 3, 5) in tried and Window(2, 4, 3, 5) in tried
    assert all(0 <= w.top < w.bottom <= 3 and 0 <= w.left < w.right <= 5 for w in tried)
    assert len(set(tried)) == len(tried)
