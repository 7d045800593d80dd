"""Groups across train and test are said with a pattern that keeps them together; bursts by the cameras' time."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from tests.search.test_name_groups import as_small, drive, scene

from striate.search.checks.groups import groups
from striate.search.examined import Examined
from striate.search.measured import MEASURED, measured
from striate.search.taken import taken


def examined(paths: list[str], pictures: list[np.ndarray], times: list[int] | None = None) -> Examined:
    rows = np.zeros(len(paths), MEASURED)
    rows["small"] = as_small(pictures)
    rows["taken"] = 0 if times is None else times
    digests = tuple(row.tobytes() + path.encode() for row, path in zip(rows["small"], paths, strict=True))
    return Examined("photos", tuple(paths), rows, np.ones(len(paths), np.int64), digests, np.full(len(paths), -1))


def test_videos_across_parts_are_doubtful_and_others_to_know() -> None:
    rng = np.random.default_rng(0)
    frames = [frame for _ in range(5) for frame in drive(rng, 30)]
    paths = [f"images/v{video}_{frame:03}.png" for video in range(5) for frame in range(30)]
    (whole,) = groups(examined(paths, frames))
    assert (whole.kind, whole.level) == ("groups", "to know")
    assert whole.said == "150 pictures in 5 groups by name"
    assert "striate train photos --group '([^/]*\\D)\\d+[^/\\d]*$' keeps them together." in whole.remedy
    assert (
        len(whole.cases) == 5
        and whole.cases[0].line().endswith(": v0_: 30 pictures")
        and "=" not in whole.cases[0].line()
    )
    assert len(whole.cases[0].paths) == 30, "all, so that they can be kept together"
    assert whole.cases[0].line() == "images/v0_000.png, images/v0_001.png, ..., images/v0_029.png: v0_: 30 pictures"
    parted = [f"{'test' if number % 60 > 45 else 'train'}/{path}" for number, path in enumerate(paths)]
    (across,) = groups(examined(parted, frames))
    assert (across.kind, across.level) == ("groups-across-parts", "doubtful")
    assert across.said == "60 pictures in 2 of 5 groups by name are in several of train, val and test"
    assert across.cases[0].said == "v1_: 30 pictures (16 in train, 14 in test)"
    by_video = [f"{'test' if '/v4' in path else 'train'}/{path}" for path in paths]
    assert [one.kind for one in groups(examined(by_video, frames))] == ["groups"]


def test_bursts_by_time_unless_all_were_written_at_once() -> None:
    rng = np.random.default_rng(1)
    pictures = [scene(rng) for _ in range(60)]
    paths = [f"{'train' if row % 2 else 'test'}/{rng.integers(10**9)}.jpg" for row in range(60)]
    times = [1_600_000_000 + 3600 * row for row in range(60)]
    assert not list(groups(examined(paths, pictures, times)))
    times[11] = times[10] + 2
    times[12] = times[11] + 5
    (found,) = groups(examined(paths, pictures, times))
    assert (found.kind, found.level) == ("groups-across-parts", "doubtful")
    assert found.said.startswith("3 pictures in 1 burst are in several of train, val and test: taken within 5 seconds")
    assert found.cases[0].paths == tuple(paths[10:13])
    assert not list(groups(examined(paths, pictures, [times[0]] * 60)))
    assert not list(groups(examined(paths, pictures)))


def test_the_time_is_read_where_the_camera_noted_it() -> None:
    def jpeg(**notes: str) -> bytes:
        exif = Image.Exif()
        for tag, text in notes.items():
            if tag == "changed":
                exif[0x0132] = text
            else:
                exif.get_ifd(0x8769)[0x9003] = text
        out = io.BytesIO()
        Image.new("RGB", (300, 300), (9, 99, 200)).save(out, "JPEG", exif=exif)
        return out.getvalue()

    assert taken(jpeg(original="1970:01:02 00:00:05", changed="2001:01:01 00:00:00")) == 86_405
    assert taken(jpeg(changed="1970:01:01 00:01:00\0")) == 60
    assert taken(jpeg(original="    :  :     :  :  ")) == 0
    assert taken(jpeg()) == taken(b"Exif\0\0nothing") == taken(b"") == 0
    assert measured(jpeg(original="1970:01:02 00:00:05"))["taken"] == 86_405


@pytest.mark.parametrize("number", [1, 2, 39])
def test_few_pictures_say_nothing(number: int) -> None:
    rng = np.random.default_rng(2)
    assert not list(groups(examined([f"a_{row}.png" for row in range(number)], drive(rng, number))))
