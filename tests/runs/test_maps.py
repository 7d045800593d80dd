"""What stages made of a picture by epoch: rounded a little, fewer epochs of a long run, nothing that was given up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.runs.sample import create, fill

from striate.errors import RunError
from striate.runs import maps
from striate.runs.run import RunDirectory

CHANNELS = (0, 3)


def _keep(run: RunDirectory, epoch: int, value: float | None = None) -> np.ndarray:
    made = np.random.default_rng(epoch).normal(size=(2, 5, 4))
    made[...] = made if value is None else value
    maps.keep(run, epoch, 7, {"relu1": (CHANNELS, made), "relu2": (CHANNELS, made * 9)})
    return made


def test_maps_come_back_to_half_a_127th_of_the_largest(tmp_path: Path) -> None:
    run = fill(create(tmp_path), 1, 2)
    made = {epoch: _keep(run, epoch) for epoch in (0, 1, 2)}
    found = maps.kept(run)
    assert list(found) == ["relu1", "relu2"] and found["relu1"].channels == CHANNELS and found["relu1"].picture == 7
    for name, times in (("relu1", 1), ("relu2", 9)):
        assert list(found[name].maps) == [0, 1, 2]
        for epoch, values in made.items():
            assert np.abs(found[name].maps[epoch] - times * values).max() <= times * np.abs(values).max() / 254 * 1.001
    assert maps.kept(fill(create(tmp_path / "older"), 1)) == {}


def test_what_was_given_up_goes_and_what_has_no_epoch_is_not_shown(tmp_path: Path) -> None:
    run = fill(create(tmp_path), 1, 2)
    for epoch in (0, 1, 2, 3):
        _keep(run, epoch)
    assert list(maps.kept(run)["relu1"].maps) == [0, 1, 2]  # the history does not know epoch 3
    _keep(run, 2, 5.0)
    found = maps.kept(run)["relu1"].maps
    assert list(found) == [0, 1, 2] and found[2].max() == pytest.approx(5)
    assert (run.path / maps.FILE).read_text().count("\n") == 3


def test_a_long_run_keeps_ever_fewer_epochs_evenly_apart_and_always_its_last(tmp_path: Path) -> None:
    run = create(tmp_path)
    for epoch in range(131):
        fill(run, *[epoch] * (epoch > 0))
        _keep(run, epoch)
        kept = list(maps.kept(run)["relu1"].maps)
        assert kept[0] == 0 and kept[-1] == epoch and len(kept) <= maps.EPOCHS + 2
        assert set(np.diff(kept[:-1])) <= {maps.step(epoch)}
    assert kept[:3] == [0, 4, 8]


def test_damage_is_named(tmp_path: Path) -> None:
    run = fill(create(tmp_path), 1)
    for broken in ("{}", '{"relu1": {"channels": [0], "shape": [1, 2, 2], "largest": 1, "values": "AAAA"}}', "[]"):
        (run.path / maps.FILE).write_text(f'{{"index": 1, "picture": 0, "parts": {broken}}}\n')
        if broken == "{}":
            assert maps.kept(run) == {}
            continue
        with pytest.raises(RunError, match=r"maps\.jsonl is damaged in (epoch|line) 1"):
            maps.kept(run)
