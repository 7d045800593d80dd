"""The report's page: whole without a network, well-formed, escaped, and true to the numbers it was made from."""

from __future__ import annotations

import base64
import io
import math
import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.page_reader import Read, check_alone

from striate.data.sources.items import Item
from striate.metrics.report import classification_report
from striate.metrics.verdict import verdict
from striate.render.html.page import Page, render
from striate.render.pictures import LARGE, THUMBNAIL, filters
from striate.render.svg.charts import HEIGHT, Curve, line_chart, ticks
from striate.render.tasks.class_results import SHOWN_CLASSES
from striate.spec import parse
from striate.tasks.calibrate import Calibration
from striate.tasks.class_assessment import ClassAssessment
from striate.tasks.table import TASKS
from striate.tasks.task import LabelFacts
from striate.words import plural

HOSTILE = "<script>alert(1)</script>"
BREAKING = '"><img src=http://evil.example/x onerror=alert(1)> &amp;'


def page(
    *,
    classes: tuple[str, ...] = ("cat", "dog", "emu"),
    mistakes: int = 5,
    pictures: int = 60,
    shape: tuple[int, int, int] = (12, 10, 3),
    keys: tuple[str, ...] | None = None,
) -> Page:
    """A page of random pictures of which exactly ``mistakes`` are answered wrongly."""
    rng = np.random.default_rng(7)
    targets = np.arange(pictures) % len(classes)
    said = targets.copy()
    said[:mistakes] = (said[:mistakes] + 1) % len(classes)
    logits = rng.normal(0, 0.3, (pictures, len(classes)))
    logits[np.arange(pictures), said] += 3 + rng.random(pictures)
    rows = rng.permutation(pictures + 3)[:pictures]
    height, width, channels = shape
    called = keys or tuple(f"cat/{number}.jpg" for number in range(pictures))
    labels, report = LabelFacts(classes), classification_report(logits, targets, classes=classes, temperature=1.3)
    found = ClassAssessment(
        report, logits, targets, Calibration(1.3, pictures=20), 1.3, np.arange(pictures) < 2, {"words": "not measured"}
    )
    values = np.zeros(pictures + 3, np.int64)
    values[rows] = targets
    return Page(
        name="pets-1",
        part="test",
        task=TASKS["classify"],
        labels=labels,
        items=[Item(f"{number}.jpg", int(value)) for number, value in enumerate(values)],
        pixels=rng.integers(0, 256, (pictures + 3, *shape), dtype=np.uint8),
        values=values,
        parts={part: np.arange(pictures // 3) for part in ("train", "val", "test")},
        keys=called,
        rows=rows,
        found=found,
        verdict=verdict(report),
        history=[
            {"index": 1, "train_loss": 1.1, "val_loss": 0.9, "metrics": {"accuracy": 0.5}},
            {"index": 2, "train_loss": 0.7, "val_loss": 0.8, "metrics": {"accuracy": 0.75}},
        ],
        survey=parse("conv 4 3x3 pad 1 >> relu >> globalavgpool >> flatten >> dense").on(
            channels, height, width, classes=len(classes)
        ),
        first=rng.normal(size=(4, channels, 3, 3)),
        source={
            "location": "/pictures/pets",
            "digest": "0123456789abcdef" * 4,
            "pictures": {"train": 100, "val": 20, "test": pictures, "left_out": 2},
            "rejected": [{"key": "cat/bad.jpg", "reason": "cut short"}],
        },
        recipe_toml='source = "/pictures/pets"\n',
        environment={"torch": "2.6", "cpu": "one"},
        date="2026-11-30 06:31 UTC",
        seconds=125.0,
    )


def check(text: str) -> Read:
    """Whatever a page is made from, these hold."""
    read = Read(text)
    check_alone(read)
    assert read.values("src"), "no picture at all"
    assert all(value.startswith("#") for value in read.values("href"))
    return read


def shown(read: Read) -> list[Image.Image]:
    """The pictures of a page, decoded."""
    return [Image.open(io.BytesIO(base64.b64decode(src.partition(",")[2]))) for src in read.values("src")]


@pytest.mark.parametrize("mistakes", [0, 1, 5, 60])
def test_a_page_is_whole_and_says_what_the_report_says(mistakes: int) -> None:
    made = page(mistakes=mistakes)
    read = check(render(made))
    assert (read.counts() == made.found.report.confusion).all()
    assert read.counts().trace() == 60 - mistakes
    text = " ".join(read.text)
    assert f"{mistakes} of 60 {plural(mistakes, 'is')} wrong" in text
    assert f"{100 * (60 - mistakes) / 60:.1f} %" in text
    assert "cut short" in text and "0123456789abcdef" in text


def test_a_cell_opens_exactly_the_pictures_in_it() -> None:
    made = page(mistakes=5, classes=("cat", "dog"), pictures=20)
    text = render(made)
    for target, said in ((0, 1), (1, 0)):
        panel = text.partition(f'id="cell-{target}-{said}"')[2].partition("</section>")[0]
        members = np.flatnonzero((made.found.targets == target) & (made.found.probabilities.argmax(axis=1) == said))
        assert set(re.findall(r'alt="([^"]*)"', panel)) == {made.keys[index] for index in members}
        assert len(members)


def test_the_pictures_shown_are_those_answered() -> None:
    made = page(mistakes=1, pictures=12)
    wrong = render(made).partition("worst mistakes")[2].partition("<h2")[0]
    (data,) = re.findall(r'src="data:image/png;base64,([^"]*)"', wrong)
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    assert (pixels == made.pixels[made.rows[0]]).all()


def test_hostile_names_stay_text() -> None:
    classes = (HOSTILE, BREAKING, "a & b's")
    keys = tuple(f"{HOSTILE}/{BREAKING}{number}.jpg" for number in range(60))
    made = replace(
        page(classes=classes, keys=keys),
        name=HOSTILE,
        recipe_toml=f'net = "{HOSTILE}"\n',
        environment={HOSTILE: BREAKING},
    )
    made = replace(
        made, source={**made.source, "location": BREAKING, "rejected": [{"key": HOSTILE, "reason": BREAKING}]}
    )
    text = render(made)
    read = check(text)
    assert HOSTILE not in text and "<img src=http" not in text
    seen = "".join(read.text)
    assert HOSTILE in seen and BREAKING in seen and "a & b's" in seen
    assert keys[0] in read.values("alt")


def test_forty_classes_show_the_most_confused() -> None:
    made = page(classes=tuple(f"class {number}" for number in range(40)), pictures=400, mistakes=3)
    read = check(render(made))
    assert read.counts().shape == (SHOWN_CLASSES, SHOWN_CLASSES)
    wrong = read.counts().sum() - read.counts().trace()
    assert wrong == 3, "a confusion is hidden although others without any are shown"
    assert any("30 most confused of 40" in text for text in read.text)


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3), (33, 40, 1), (300, 200, 3), (90, 500, 1)])
def test_pictures_of_any_kind_and_size(shape: tuple[int, int, int]) -> None:
    made = page(shape=shape, pictures=12, mistakes=2)
    read = check(render(made))
    for picture in [one for one in shown(read) if one.size != (3, 3)]:
        height, width = picture.size[1], picture.size[0]
        assert max(height, width) in (min(max(shape[:2]), THUMBNAIL), min(max(shape[:2]), LARGE))
        assert abs(height / width - shape[0] / shape[1]) < 0.1 * shape[0] / shape[1]
        assert picture.mode == ("L" if shape[2] == 1 else "RGB")


def test_a_page_without_filters_history_or_unknown() -> None:
    made = page()
    made = replace(made, first=None, found=replace(made.found, unknown=None, strangers=None), history=[])
    made = replace(made, source={**made.source, "rejected": [], "pictures": {"train": 1, "val": 0, "test": 60}})
    text = "".join(check(render(made)).text)
    assert "Nothing to draw yet" in text and "first filters" not in text and "none of these" not in text


def test_a_class_without_pictures_has_a_row_of_zeros() -> None:
    made = page(classes=("cat", "dog", "emu"), pictures=2, mistakes=0)
    read = check(render(made))
    assert (read.counts() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]).all()


def test_filters_are_on_one_scale_with_gray_as_zero() -> None:
    weights = np.zeros((2, 1, 3, 3))
    weights[0, 0, 0, 0], weights[1, 0, 2, 2] = -2.0, 1.0
    first, second = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(one.source.partition("base64,")[2]))))
        for one in filters(weights)
    )
    assert first[0, 0] == 0 and first[1, 1] == 127 and second[2, 2] == 191
    assert len(filters(np.zeros((2, 3, 3, 3)))) == 2


# Charts

finite = st.floats(-1e9, 1e9, allow_nan=False)


@given(low=finite, span=st.floats(1e-12, 1e9))
def test_ticks_cover_the_range_with_few_round_numbers(low: float, span: float) -> None:
    low = 0.0 if abs(low) * 1e-6 > span else low
    values = ticks(low, low + span)
    step = (values[-1] - values[0]) / (len(values) - 1)
    assert 3 <= len(values) <= 7
    assert values[0] <= low + 1e-6 * step and values[-1] >= low + span - 1e-6 * step
    assert values[1] > low - 1e-6 * step and values[-2] < low + span + 1e-6 * step, "a tick more than needed"
    mantissa = step / 10.0 ** math.floor(math.log10(step) + 1e-6)
    assert min(abs(mantissa - round_number) for round_number in (1, 2, 5, 10)) < 1e-4
    assert all(math.isclose(b - a, step, rel_tol=1e-3) for a, b in pairwise(values))


def drawn(chart: str) -> list[tuple[float, float]]:
    """The points of the first curve, in pixels."""
    points = re.findall(r'polyline class="curve c0" points="([^"]*)"', chart)[0].split()
    return [(float(point.split(",")[0]), float(point.split(",")[1])) for point in points]


def axis(chart: str) -> list[str]:
    """What stands at the y axis, from the bottom up."""
    return re.findall(r'class="tick end"[^>]*>([^<]*)<', chart)


def chart(values: list[float], **options: Any) -> str:
    curve = Curve("loss", [(number, value) for number, value in enumerate(values, 1)])
    return line_chart([curve], x_label="epoch", y_label="y", alt="a chart", **options)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_curves_stay_inside_their_frame(values: list[float]) -> None:
    for x, y in drawn(chart(values, y_from=0.0)):
        assert 0 <= x <= 520 and 0 <= y <= HEIGHT


def test_a_perfect_accuracy_is_at_the_top_of_its_axis() -> None:
    assert axis(chart([1.0, 1.0], y_to=1.0, percent=True))[-1] == "100 %"


def test_numbers_that_are_none_are_left_out() -> None:
    assert len(drawn(chart([1.0, float("nan"), 0.5, float("inf")]))) == 2
    assert "Nothing to draw yet" in chart([float("nan")])


def test_epochs_on_the_axis_are_whole() -> None:
    for epochs in (1, 2, 3, 7, 60, 300):
        labels = re.findall(r'class="tick mid"[^>]*>([^<]*)<', chart([0.5] * epochs))
        assert labels and all(label.isdecimal() and 1 <= int(label) <= epochs for label in labels)


# Whoever reads it


def test_labels_that_are_worth_a_look_stand_beside_pictures_of_both_classes() -> None:
    made = page(mistakes=5)
    issues = made.found.report.label_issues
    assert len(issues) == 5
    text = render(replace(made, label_issues=issues))
    check(text)
    section = text.partition("Which labels are worth a look?</h2>")[2].partition("<h2")[0]
    assert [int(number) for number in re.findall(r'class="file"><bdi>cat/(\d+)\.jpg', section)] == [
        one.index for one in issues
    ]
    assert section.count('class="suspect"') == 5 and section.count("a picture of ") == 10
    assert "a person has to say" in section
    assert "worth a look" not in render(made)


def test_many_labels_are_folded() -> None:
    made = page(mistakes=40)
    text = render(replace(made, label_issues=made.found.report.label_issues))
    section = text.partition("Which labels are worth a look?</h2>")[2].partition("<h2")[0]
    assert section.partition("<details>")[0].count('class="suspect"') == 12
    assert f"{len(made.found.report.label_issues) - 12} more</summary>" in section


@pytest.mark.parametrize(
    ("shape", "size", "words"),
    [
        ((12, 10, 3), None, "Shown enlarged: 12 x 10 pixels."),
        ((32, 32, 3), {"height": 32, "width": 32, "all": True}, "Shown enlarged: 32 x 32 pixels."),
        ((224, 224, 3), {"height": 32, "width": 32, "all": True}, "Shown enlarged: 32 x 32 pixels."),
        ((224, 224, 3), {"height": 40, "width": 60, "all": False}, "Shown enlarged: about 40 x 60 pixels."),
        ((64, 64, 3), {"height": 375, "width": 500, "all": False}, "64 x 64 pixels, as the net is given them."),
        ((224, 224, 3), {"height": 375, "width": 500, "all": False}, ""),
        ((224, 224, 3), None, ""),
    ],
)
def test_pictures_that_are_enlarged_say_so(shape: tuple[int, int, int], size: Any, words: str) -> None:
    made = page(shape=shape, pictures=6, mistakes=2)
    made = replace(made, source={**made.source, "size": size})
    assert made.enlarged.endswith(words) and bool(made.enlarged) == bool(words)
    assert render(made).count("Shown enlarged") == (2 if words else 0)


def test_the_recipe_is_folded_however_long_its_net() -> None:
    made = replace(page(), recipe_toml='source = "/pets"\nnet = "' + "conv 8 3x3 >> relu >> " * 300 + 'dense"\n')
    text = render(made)
    again = text.partition("How can it be run again?</h2>")[2]
    assert again.index("<details><summary>recipe.toml, ") < again.index("<pre>")
    check(text)


def test_halves_stand_in_pairs() -> None:
    for classes in (3, 14):
        made = page(classes=tuple(f"class {number}" for number in range(classes)), pictures=56)
        halves = re.findall(r'<section( class="half")?(?: id="[a-z]*")?><h2>', render(made))
        sides = 0
        for half in halves:
            assert half or sides % 2 == 0, "one half stands alone above a whole"
            sides += bool(half)
        assert sides % 2 == 0


def test_files_that_were_passed_over_are_counted() -> None:
    made = page()
    made = replace(made, source={**made.source, "passed_over": {"files": 4, "first": [".DS_Store", "Thumbs.db", "a"]}})
    assert "4 other files were passed over (<bdi>.DS_Store</bdi>, <bdi>Thumbs.db</bdi>, <bdi>a</bdi>, ...)." in render(
        made
    )
