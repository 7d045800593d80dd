"""What counts are worth, as a task hands it on."""

import json

import numpy as np
import pytest
from tests.metrics.test_count_report import counts_of

from striate.render.html.sections import lines
from striate.tasks.assessment import About, Basis
from striate.tasks.count_assessment import assess_counts
from striate.tasks.overlays import Mark, MarkOverlay


def of(counted, truth, names=("cell",), intervals=None, **more):
    return assess_counts(counted, truth, intervals, names, more.pop("basis", Basis()), **more)


def test_captions_losses_and_the_worst() -> None:
    told = of([[41.2, 1.0], [7.4, 0.0], [3.0, 2.0]], [[45, 1], [7, np.nan], [9, 2]], ("RBC", "WBC"))
    assert told.caption(0) == "41 RBC, 45 there; 1 WBC"
    assert told.caption(1) == "7 RBC"
    assert told.losses.tolist() == pytest.approx([1.9, 0.4, 3.0])
    assert told.worst().tolist() == [2, 0]
    assert told.right is None


def test_figures_sections_and_sentences() -> None:
    counted, truth = counts_of(40, off=2.0)
    ends = np.stack([counted - 3, counted + 3], axis=-1)
    told = of(counted, truth, intervals=ends)
    assert str(told.headline).startswith("mean absolute error 1.")
    assert not told.headline.higher_is_better
    assert [tile.text.split(":")[0] for tile in told.figures()][:2] == ["mean absolute error", "bias"]
    assert told.beside().startswith("bias ")
    assert told.caveats() == ()
    assert "90 % intervals are 6 wide" in told.learnt_lines()[0]
    text = "\n".join(lines(told.sections()))
    for words in ("By how many", "by how many a count is off", "counted - true", "in the 90 % interval"):
        assert words.lower() in text.lower()
    assert {section.anchor for section in told.sections()} == {"worst", "counts", "count-0", "bias-0"}
    assert told.verdict(About()).reasons
    json.dumps([told.report.to_dict(), told.pictures_to_dict([str(i) for i in range(40)])], allow_nan=False)


def test_intervals_of_these_very_pictures_are_not_measured() -> None:
    counted, truth = counts_of(12, off=2.0)
    ends = np.stack([counted - 3, counted + 3], axis=-1)
    assert of(counted, truth, intervals=ends, basis=Basis(judging=True)).learnt_lines() == ()


def test_no_better_than_always_the_same_is_said() -> None:
    counted, truth = counts_of(30, off=40.0)
    assert "always saying" in of(counted, truth).caveats()[0]


def test_what_lies_over_a_picture_is_asked_for_the_worst_alone() -> None:
    asked = []

    def overlay(row: int) -> MarkOverlay:
        asked.append(row)
        return MarkOverlay((Mark((1.0, 1.0, 1.0, 1.0), "cell", "right"),), ())

    told = of([[3.0], [9.0]], [[3], [4]], overlays=overlay)
    tiles = told.sections()[0].parts[1].tiles
    assert asked == [1]
    assert tiles[0].overlay.truth[0].is_point


def test_a_column_of_counts_names_no_class() -> None:
    told = of(*counts_of(30, off=1.0), names=("count",))
    assert "counts of objects are off by" in told.verdict(About()).text
    assert told.caption(int(told.worst()[0])).split()[1] == "objects,"


def test_nobody_counted() -> None:
    told = of([[3.0], [9.0]], [[np.nan], [np.nan]])
    assert told.caption(0) == "nobody counted"
    assert told.verdict(About()).kind == "untested"
    assert told.sections() == told.figures() == ()
    assert told.caveats() == ("nobody counted cell, of which nothing is measured",)


def test_the_worst_pictures_are_chosen_by_way_size_and_class() -> None:
    told = of([[41.2, 3.0], [80.0, 0.0], [3.0, 2.0]], [[45, 1], [70, np.nan], [3.3, 2]], ("RBC", "WBC"))
    tiles = told.sections()[0].parts[1]
    assert [(one.label, one.tags) for one in tiles.filters] == [
        ("Counted", ("too many", "too few")),
        ("Off", ("by up to 10 %", "by 10 to 25 %", "by more than 25 %")),
        ("Class", ("RBC", "WBC")),
    ]
    assert {tile.row: tile.tags for tile in tiles.tiles} == {
        0: ({"too many", "too few"}, {"by up to 10 %", "by more than 25 %"}, {"RBC", "WBC"}),
        1: ({"too many"}, {"by 10 to 25 %"}, {"RBC"}),
    }
