"""Remedies: how many neighbours of a layer are made to be tried."""

from __future__ import annotations

import tracemalloc

from striate.spec.remedy import _around


def test_a_window_of_65536_has_the_neighbours_that_are_tried_made_and_no_others() -> None:
    """A model file may say so: all of them, and sorted, took seconds and 60 MB before it was refused."""
    tracemalloc.start()
    try:
        near = _around((65536, 65536), 1, 131073)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert near[:3] == [(65537, 65537), (65535, 65535), (65538, 65538)]
    assert len(near) == 24
    assert most < 1_000_000
