"""Names that go with looks are found, and a pattern that keeps them together; names that say nothing are left alone."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate.data.pictures.image import decode
from striate.search.measured import SIDE, small
from striate.search.name_groups import BLOCKS, PATIENTS, RUNNING, VARIANTS, grouped_by, name_groups

NOBODY = np.full(10_000, -1, np.int64)


def scene(rng: np.random.Generator) -> np.ndarray:
    squares = Image.fromarray(rng.integers(0, 256, (6, 6), dtype=np.uint8))
    return np.asarray(squares.resize((SIDE, SIDE), Image.Resampling.BILINEAR), np.float64)


def drive(rng: np.random.Generator, frames: int) -> list[np.ndarray]:
    """Frames each of which is most of the one before."""
    found = [scene(rng)]
    for _ in range(frames - 1):
        found.append(0.85 * found[-1] + 0.15 * scene(rng))
        found[-1] += 127 - found[-1].mean()
    return found


def as_small(pictures: list[np.ndarray]) -> np.ndarray:
    return np.clip(np.array(pictures), 0, 255).astype(np.uint8)


def test_frames_of_several_videos_are_whole_sequences() -> None:
    rng = np.random.default_rng(0)
    pictures = [frame for _ in range(5) for frame in drive(rng, 30)]
    paths = [f"train/clip{video}_{30 * frame:05}.png" for video in range(5) for frame in range(30)]
    found = name_groups(paths, as_small(pictures), NOBODY[:150])
    assert found is not None and found.neighbours and found.alike is not None and found.alike > 0.75
    assert found.pattern == RUNNING and not found.blocks and len(found.names) == 5
    assert [re.search(found.pattern, path)[1] for path in paths[::30]] == list(found.names)  # type: ignore[index]


def test_one_long_video_is_cut_into_pieces_with_few_borders() -> None:
    rng = np.random.default_rng(1)
    paths = [f"frame{number:05}.png" for number in range(600)]
    found = name_groups(paths, as_small(drive(rng, 600)), NOBODY[:600])
    assert found is not None and found.pattern == BLOCKS[1] and found.blocks
    assert len(found.names) == 6 and np.bincount(found.of).tolist() == [100] * 6


def test_clips_that_hardly_change_are_told_within_their_class() -> None:
    rng = np.random.default_rng(2)
    labels = np.repeat([0, 1], 60)
    pictures = [shot + rng.normal(0, 20, shot.shape) for _ in range(12) for shot in [scene(rng)] for _ in range(10)]
    paths = [f"{'ab'[clip // 6]}/{clip:02}x/{rng.integers(10**9)}.png" for clip in range(12) for _ in range(10)]
    found = name_groups(paths, as_small(pictures), labels)
    assert found is not None and found.pattern == "parent" and len(found.names) == 12 and not found.neighbours


def test_names_that_say_nothing_of_looks_are_left_alone() -> None:
    rng = np.random.default_rng(3)
    shapes = [scene(rng) for _ in range(2)]  # pictures of a class are alike, and are no groups
    pictures = [0.6 * shapes[row // 100] + 0.4 * scene(rng) for row in range(200)]
    for paths in (
        [f"{row // 100}_{row % 100:04}.png" for row in range(200)],
        [f"{'ab'[row // 100]}/IMG_{row % 100:04}.png" for row in range(200)],
        [f"{rng.integers(10**10)}_{rng.integers(10**6):x}_n.jpg" for row in range(200)],
    ):
        for labels in (NOBODY[:200], np.repeat([0, 1], 100)):
            assert name_groups(paths, as_small(pictures), labels) is None
    assert name_groups(["a.png"], as_small(pictures[:1]), NOBODY[:1]) is None


def test_patients_by_their_names_alone_are_said_without_a_figure() -> None:
    rng = np.random.default_rng(4)
    paths = [f"{'ab'[row % 2]}/Patient-{row % 25}_{rng.integers(10**9)}.png" for row in range(100)]
    found = name_groups(paths, as_small([scene(rng) for _ in paths]), np.arange(100) % 2)
    assert found is not None and found.pattern == PATIENTS and found.alike is None and len(found.names) == 25


def test_a_group_of_one_is_none() -> None:
    of, names = grouped_by(r"(p\d)", ["p1_a", "p2_a", "p1_b"])
    assert of.tolist() == [0, -1, 0] and names == ("p1",)


@pytest.mark.parametrize(
    ("folder", "found"),
    [
        ("camvid/train/images", True),
        ("steering-sim/images", True),
        ("raccoon/images", False),
        ("bccd/JPEGImages", False),
        ("cells-vgg/images", False),
        ("catsdogs/train/cats", False),
        ("flowers5/daisy", False),
    ],
)
def test_real_sets(shared: Path, folder: str, *, found: bool) -> None:
    files = sorted(path for path in (shared / "data" / folder).iterdir() if path.suffix in (".jpg", ".png"))[:300]
    pictures = np.array([_small(path) for path in files])
    said = name_groups([path.name for path in files], pictures, NOBODY[: len(files)])
    assert (said is not None) is found


def _small(path: Path) -> np.ndarray:
    return small(Image.fromarray(decode(path.read_bytes(), channels=3, at_least=(SIDE, SIDE))))


def test_what_roboflow_made_of_one_picture_is_a_group() -> None:
    rng = np.random.default_rng(5)
    pictures, paths = [], []
    for number in range(30):
        one = scene(rng)
        for made in range(3):
            pictures.append(0.9 * one + 0.1 * scene(rng))
            paths.append(f"train/{7 * number % 100}_jpg.rf.{rng.bytes(4).hex()}{made}.jpg")
    found = name_groups(paths, as_small(pictures), NOBODY[:90])
    assert found is not None and found.pattern == VARIANTS and not found.blocks and len(found.names) == 30
    assert set(np.bincount(found.of)) == {3}
