"""The first layer's filters by epoch: rounded a little, cut off with the future that was given up, never in the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.runs.sample import create, fill

from striate.errors import RunError
from striate.runs import filters


def test_filters_come_back_to_half_a_127th_of_the_largest(tmp_path: Path) -> None:
    run = fill(create(tmp_path), 1, 2)
    made = {epoch: np.random.default_rng(epoch).normal(size=(6, 3, 5, 5)) for epoch in (1, 2)}
    for epoch, weights in made.items():
        filters.keep(run, epoch, weights)
    found = filters.kept(run)
    assert list(found) == [1, 2]
    for epoch, weights in made.items():
        assert np.abs(found[epoch] - weights).max() <= np.abs(weights).max() / 254 * 1.001
    assert (run.path / "filters.jsonl").stat().st_size < 2 * (6 * 3 * 25 * 4 / 3 + 200)


def test_what_was_given_up_goes_and_what_has_no_epoch_is_not_shown(tmp_path: Path) -> None:
    run = fill(create(tmp_path), 1, 2)
    for epoch in (1, 2, 3):
        filters.keep(run, epoch, np.full((1, 1, 2, 2), float(epoch)))
    assert list(filters.kept(run)) == [1, 2]  # the history does not know epoch 3
    filters.keep(run, 2, np.full((1, 1, 2, 2), 9.0))
    assert filters.kept(run)[2].max() == pytest.approx(9) and len(filters.kept(run)) == 2
    assert (run.path / "filters.jsonl").read_text().count("\n") == 2


def test_nothing_is_kept_of_what_is_no_picture_and_old_runs_have_none(tmp_path: Path) -> None:
    run = fill(create(tmp_path), 1)
    filters.keep(run, 1, None)
    filters.keep(run, 1, np.zeros((200, 3, 20, 20)))
    assert filters.kept(run) == {} and not (run.path / "filters.jsonl").exists()
    (run.path / "filters.jsonl").write_text('{"index": 1, "shape": [2, 2], "largest": 1.0, "values": "AAA="}\n')
    with pytest.raises(RunError, match=r"filters\.jsonl is damaged in line 1 \(shape"):
        filters.kept(run)
