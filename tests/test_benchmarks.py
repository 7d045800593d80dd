"""What `python -m benchmarks` writes: rows as Markdown, one section replaced, a slower run found out."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks import mosaics, scenes
from benchmarks.__main__ import BENCHMARKS, LONG
from benchmarks.machine import SHARED, measured
from benchmarks.peers import torch_unet
from benchmarks.table import PAGE, Result, Row, markdown, passed, published, replaced, slower
from tests.metrics.test_box_report import pictures
from tests.metrics.test_count_report import counts_of
from tests.metrics.test_mask_report import NAMES, masks
from torch import nn

from striate.data.sources.source import find
from striate.tasks.assessment import Basis
from striate.tasks.count_assessment import assess_counts
from striate.tasks.detect_assessment import assess_boxes
from striate.tasks.segment_assessment import assess_masks

needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="needs the data sets in ../shared/data")

PEER = Row("peer", (10.0, 12.0), peer=True)
OURS = Row("ours", (2.0, 3.0), ratio=4.0, most=2.0, peak=99.6)


def test_rows_say_how_far_ahead_of_the_peer_and_whether_the_bars_are_met() -> None:
    text = markdown(Result((PEER, OURS), ("striate train x",), ("A note.",)), machine="2 cores")
    assert "| peer | 11.0 s | 10.0 to 12.0 | 2 | 1 |  |  |" in text
    assert "| ours | 2.500 s | 2.000 to 3.000 | 2 | 4.40x | 100 MB | 4x: met; under 2 s: **missed** |" in text
    assert text.startswith("2 cores.\n\n`striate train x`\n\n|") and text.endswith("A note.\n")


def test_of_a_rate_more_is_better() -> None:
    rows = (Row("peer", (50.0,), "p/s", more=True, peer=True), Row("ours", (90.0,), "p/s", more=True, ratio=2.0))
    assert "| 1.80x |  | 2x: **missed** |" in markdown(Result(rows), machine="")


def test_a_section_is_replaced_and_what_people_wrote_stays() -> None:
    page = replaced("b", "title", "new", replaced("a", "first", "old", "# Page\n") + "\nWritten by hand.\n")
    again = replaced("a", "ignored", "other", page)
    assert published("a", again).strip() == "other" and published("b", again).strip() == "new"
    assert "## a: first" in again and "Written by hand." in again and "old" not in again
    assert published("c", again) == ""


def test_only_a_run_that_is_slower_in_every_trial_is_called_slower() -> None:
    before = markdown(Result((PEER, OURS)), machine="")
    assert slower(Result((PEER, OURS)), before) == []
    assert slower(Result((PEER, Row("ours", (2.9, 9.0)))), before) == []
    assert slower(Result((Row("peer", (99.0,), peer=True),)), before) == []
    (found,) = slower(Result((PEER, Row("ours", (3.5, 4.0)))), before)
    assert "ours: 3.500 to 4.000 s, was 2 to 3 s" in found
    rate = markdown(Result((Row("rate", (100.0, 120.0), "p/s", more=True),)), machine="")
    assert slower(Result((Row("rate", (130.0,), "p/s", more=True),)), rate) == []
    assert len(slower(Result((Row("rate", (80.0,), "p/s", more=True),)), rate)) == 1


def test_no_path_of_this_machine_is_written() -> None:
    command = f"striate train {SHARED / 'catsdogs'} --runs {PAGE.parents[1]}/runs --cache {tempfile.gettempdir()}/c"
    text = markdown(Result((Row(f"what is in {SHARED}", (1.0,)),), (command,), (f"from {SHARED}.",)), machine="")
    assert "`striate train DATA/catsdogs --runs ./runs --cache TMP/c`" in text
    assert "what is in DATA" in text and "from DATA." in text
    assert str(SHARED) not in text and str(SHARED.parents[1]) not in text
    assert str(SHARED) not in PAGE.read_text()


def test_a_share_above_all_there_is_is_warned_of() -> None:
    fair = Row("share of the machine's rate", (71.0, 99.9), "%", ceiling=100.0)
    assert passed(Result((fair, Row("of a peer", (177.0,), "%")))) == []
    (found,) = passed(Result((fair, Row("share of the machine's rate", (90.0, 177.0), "%", ceiling=100.0))))
    assert "Past the limit" in found and "177 % where 100 % is all there can be" in found


def test_the_memory_measured_is_that_of_the_command() -> None:
    mine = bytearray(b"1" * 200 * 2**20)
    _, little, said = measured([sys.executable, "-c", "print('x')"])
    _, much, _ = measured([sys.executable, "-c", "bytearray(b'1' * 100 * 2**20)"])
    assert said == "x\n" and mine and little < 60 and 200 < much < 300
    with pytest.raises(SystemExit, match="ended with 1:\nfor a reason"):
        measured([sys.executable, "-c", "import sys; sys.exit('for a reason')"])


@needs_data
def test_each_seed_draws_other_cells_and_they_are_the_bars_number(tmp_path: Path) -> None:
    parts = []
    for seed in (0, 1):
        source = find(scenes._linked(tmp_path / str(seed), seed), kind="dots")
        parts.append({item.key: item.split for item in source.items})
        assert Counter(parts[-1].values()) == scenes.COUNTED
    assert parts[0] != parts[1]


def test_every_figure_of_a_scene_is_found_in_its_summary() -> None:
    counted, truth = counts_of(12, off=2.0)
    ends = np.stack([counted - 3, counted + 3], axis=-1)
    answers, truths = masks(4, wrong=0.1)
    found, there = pictures(12, alarms=1)
    bccd = assess_boxes(found, there, ("RBC", "Platelets"), Basis(), (0.5, 0.5))
    told = {
        "cells-vgg": assess_counts(counted, truth, ends, ("cell",), Basis()),
        "membrane": assess_masks(answers, None, truths, NAMES, Basis()),
        "bccd": bccd,
        "raccoon": bccd,
    }
    for name, one in told.items():
        summary = {"headline": one.headline.to_dict(), **one.to_dict(), **one.report.to_dict()}
        summary |= one.pictures_to_dict([str(at) for at in range(12)])
        for what, (value, _) in scenes.SCENES[name].figures.items():
            if "WBC" not in what:  # these pictures have none
                assert isinstance(value(summary), float), (name, what)


def test_the_plain_u_net_is_measured_at_the_size_of_the_masks() -> None:
    """All said to be class 1, where a quarter is, a quarter says nothing and a half is class 0."""
    mask = np.zeros((8, 6), np.int64)
    mask[:2], mask[2:4] = 1, torch_unet.VOID
    says = nn.Conv2d(1, 2, 1)
    nn.init.zeros_(says.weight)
    says.bias = nn.Parameter(torch.tensor([0.0, 1.0]))
    found = torch_unet.measured(says, [(torch.zeros(1, 4, 4), mask)], 2)
    assert found == {"iou": (0 + 1 / 3) / 2, "dice": [0.0, 0.5]} and says.training
    assert torch_unet.UNet(1, 2)(torch.zeros(1, 1, 32, 32)).shape == (1, 2, 32, 32)


def test_every_name_is_a_module_with_a_run() -> None:
    for name in BENCHMARKS:
        found = importlib.util.find_spec(f"benchmarks.{name}")
        assert found is not None and found.origin is not None, name
        assert "\ndef run(trials: int) -> Result:" in Path(found.origin).read_text(), name
    assert set(LONG) <= set(BENCHMARKS)


def test_boxes_at_the_seams_of_a_mosaic_are_left_out() -> None:
    """Pictures of 20 x 30 pixels, three by three: seams at rows 20 and 40, columns 30 and 60."""
    free, over, beside, below, at_the_rim = (
        [7, 7, 23, 13],
        [25, 7, 35, 13],
        [37, 1, 66, 13],
        [7, 15, 23, 18],
        [0, 0, 9, 9],
    )
    boxes = np.array([free, over, beside, below, at_the_rim], float)
    assert mosaics._at_seam(boxes, 20, 30).tolist() == [False, True, True, True, False]
