"""Which pictures are trained on is known before any is decoded, and what is chosen by labels looks at those alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.data.labels.written import text, voc
from tests.tasks.scenes import write_voc

from striate.data import dealing
from striate.data.pictures.preprocess import Preprocess
from striate.data.sources.source import find
from striate.data.store.store import open_store
from striate.errors import SourceError
from striate.recipe import Recipe
from striate.tasks.detect import Detect
from striate.verbs.prepare import prepare


@pytest.mark.parametrize("own", [{}, {"test": 3}, {"test": 3, "val": 2}])
@pytest.mark.parametrize("folds", [0, 3])
def test_the_rows_trained_on_are_known_before_pictures_are_decoded(
    tmp_path: Path, own: dict[str, int], folds: int
) -> None:
    root = tmp_path / "set"
    write_voc(root, 24)
    (root / "005.png").write_bytes((root / "006.png").read_bytes())  # copies stay on one side
    start = 0
    for part, number in own.items():
        names = "\n".join(f"{row:03}" for row in range(start, start + number))
        text(root / "ImageSets" / "Main" / f"{part}.txt", names)
        start += number
    source, task = find(root), Detect()
    recipe = Recipe(source=str(root), task="detect", folds=folds, seed=3)
    strata = task.strata(task.labels(source, recipe))
    rows = dealing.trained_rows(source, recipe, strata)
    stored = open_store(source, Preprocess(32, 32, 1), cache_dir=tmp_path / "cache")
    config = recipe.settled(pictures=20, height=48, width=64).changed(net="conv 4 3x3")
    parts, _ = dealing.divided(config, stored.source, stored.store.digests, strata)
    assert set(parts.train) | set(parts.left_out) >= set(rows.tolist()) >= set(parts.train)
    assert own or folds or tuple(rows.tolist()) == parts.train


def test_the_size_is_chosen_by_boxes_that_are_trained_on(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for row in range(8):
        Image.fromarray(random.integers(0, 255, (480, 640), np.uint8)).save(tmp_path / f"{row}.jpg")
        side = 6 if row < 4 else 100  # tiny ones in the pictures to test with
        voc(tmp_path / f"{row}.xml", ("cell", 9, 9, 9 + side, 9 + side), size=(640, 480))
    recipe = Recipe(source=str(tmp_path), task="detect", start="none", epochs=1)
    assert max(prepare(recipe).config.size) == 480, "four of eight are tiny, and most of them are trained on"
    text(tmp_path / "ImageSets" / "Main" / "test.txt", "0\n1\n2\n3\n")
    found = prepare(recipe).config
    assert max(found.size) == 320 and "level4" not in found.net


def test_where_nothing_is_left_to_train_on_that_is_said(tmp_path: Path) -> None:
    root = tmp_path / "set"
    write_voc(root, 12)
    text(root / "ImageSets" / "Main" / "val.txt", "\n".join(f"{row:03}" for row in range(12)))
    source, task = find(root), Detect()
    recipe = Recipe(source=str(root), task="detect")
    rows = dealing.trained_rows(source, recipe, task.strata(task.labels(source, recipe)))
    assert rows.dtype == np.int64 and not len(rows)
    with pytest.raises(SourceError, match=r"no pictures to train on: of 12 labelled pictures 12 of its val part; put"):
        prepare(recipe)
    dealing.check_some_train(source, recipe.changed(folds=3))  # validation pictures are dealt like the others
