"""``predict --csv``: a table that reads back as what was answered, whatever the names; whole or not there."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.stage import Place
from tests.models import drawn, facts_of

from striate.cli import predict_csv
from striate.errors import DataError, PictureError
from striate.model.files.weights import to_bytes
from striate.tasks.prediction import Scores
from striate.tasks.table import TASKS
from striate.tasks.task import LabelFacts

NET = "conv 4 3x3 >> relu >> globalavgpool >> flatten >> dense"
CLASSIFY = TASKS["classify"]
FIXED = ("picture", "best", "unknown", "strangeness", "threshold", "error")
NAMES = [
    "cat",
    "a,b",
    'say "cat"',
    "two\nlines",
    "a\rb",
    "=1+1",
    "+1",
    "-1",
    "@x",
    "\tt",
    "'quoted",
    "＝1",
    "Hündin 猫",
]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def plain(cell: str) -> str:
    """Undo what --help says is done to a class."""
    return cell.removeprefix("'")


@pytest.fixture
def asked(tmp_path: Path) -> Place:
    (tmp_path / "m.safetensors").write_bytes(to_bytes(drawn(NET).state_dict(), facts_of(NET, temperature=0.2)))
    pixels = np.random.default_rng(0)
    (tmp_path / "new").mkdir()
    for name in ("one", "two, or 2", 'three "3"', "four\n4", "fünf"):
        Image.fromarray(pixels.integers(0, 256, (12, 16, 3), dtype=np.uint8)).save(tmp_path / "new" / f"{name}.png")
    return Place(tmp_path)


def test_the_table_says_what_the_json_says(asked: Place) -> None:
    answer = asked("predict", "new", "--model", "m.safetensors", "--csv", "a.csv").done()
    assert answer.out == "5 pictures in a.csv\n"
    wanted = json.loads(asked("predict", "new", "--model", "m.safetensors", "--json").done().out)
    got = table(asked.path / "a.csv")
    assert list(got[0]) == [*FIXED, *(f"probability of {name}" for name in ("cat", "dog", "owl"))]
    assert len(got) == len(wanted) == 5
    for row, one in zip(got, wanted, strict=True):
        assert (row["picture"], row["best"], row["unknown"], row["error"]) == (one["picture"], one["best"], "false", "")
        assert (row["strangeness"], row["threshold"]) == ("", "")
        for score in one["scores"]:
            assert float(row[f"probability of {score['class']}"]) == pytest.approx(score["probability"], abs=1e-6)
    again = asked("predict", "new", "--model", "m.safetensors", "--csv", "a.csv", "--top", "2").done()
    assert again.out == "5 pictures in a.csv\n", "a table of ours is replaced"
    for row, one in zip(table(asked.path / "a.csv"), wanted, strict=True):
        assert list(row)[6:] == ["class 1", "probability 1", "class 2", "probability 2"]
        assert [row["class 1"], row["class 2"]] == [score["class"] for score in one["scores"][:2]]


def test_a_picture_that_cannot_be_read_has_a_row_and_the_exit_code_is_2(asked: Place) -> None:
    (asked.path / "new" / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0 not much of a picture")
    answer = asked("predict", "new", "--model", "m.safetensors", "--csv", "a.csv")
    answer.refused(r"torn\.jpg: ")
    assert answer.out == "6 pictures in a.csv\n"
    bad = [row for row in table(asked.path / "a.csv") if row["error"]]
    assert [Path(row["picture"]).name for row in bad] == ["torn.jpg"]
    assert bad[0]["error"].startswith("new/torn.jpg: ")
    assert not any(value for name, value in bad[0].items() if name not in ("picture", "error"))


def test_on_standard_output_it_is_the_table_alone_and_printable(asked: Place) -> None:
    answer = asked("predict", "new", "--model", "m.safetensors", "--csv", "-").done()
    rows = list(csv.DictReader(io.StringIO(answer.out)))
    assert len(answer.out.splitlines()) == 6, "no name forges a line"
    assert {row["picture"] for row in rows} >= {"new/two, or 2.png", 'new/three "3".png', "new/four\\n4.png"}
    assert all(float(row["probability of cat"]) <= 1 for row in rows)


def test_what_does_not_go_together_or_would_be_lost_is_refused(asked: Place) -> None:
    ask = ("predict", "new", "--model", "m.safetensors", "--csv")
    (asked.path / "mine.csv").write_text("picture,label\n")
    asked(*ask, "mine.csv").refused("mine.csv is there already and is not ours; name another file with --csv")
    assert (asked.path / "mine.csv").read_text() == "picture,label\n"
    asked(*ask, "none/a.csv").refused("there is no folder none")
    asked(*ask, "new").refused("new is a folder; name a file with --csv")
    for other in ("--json", "--map"):
        answer = asked(*ask, "a.csv", other)
        assert answer.code == 2 and f"--csv and {other} are two answers" in answer.err
    assert not (asked.path / "a.csv").exists()


@pytest.mark.skipif(os.name == "nt", reason="such names are none there")
def test_a_path_that_a_spreadsheet_would_compute_still_names_its_file(asked: Place) -> None:
    new = asked.path / "new"
    odd = [b"=1+1.png", b"+x.png", b"-y.png", b"@z.png", b"\xff\xfe.png", b"\x1b]0;title\x07.png"]
    for name in odd:
        (new / os.fsdecode(name)).write_bytes((new / "one.png").read_bytes())
    here = Place(new)
    here(
        "predict", "--model", "../m.safetensors", "--csv", "../a.csv", "--", *(os.fsdecode(name) for name in odd)
    ).done()
    rows = table(asked.path / "a.csv")
    assert [row["picture"] for row in rows][:4] == ["./=1+1.png", "./+x.png", "./-y.png", "./@z.png"]
    for row, name in zip(rows, odd, strict=True):
        assert (new / row["picture"]).samefile(new / os.fsdecode(name)), "the cell opens that very picture"


def test_any_class_reads_back(tmp_path: Path) -> None:
    share = np.full(len(NAMES), 1 / len(NAMES))
    answers = []
    for index in range(len(NAMES)):
        p = share.copy()
        p[index] += 1
        answers.append((Path(f"{index}.png"), Scores(tuple(NAMES), p / 2, ood_score=0.1 * index, threshold=2 / 3)))
    predict_csv.write(tmp_path / "a.csv", answers, CLASSIFY, LabelFacts(tuple(NAMES)), top=None, bad=pytest.fail)
    rows = table(tmp_path / "a.csv")
    assert [plain(row["best"]) for row in rows] == NAMES
    assert [name.removeprefix("probability of ") for name in list(rows[0])[6:]] == NAMES
    for row, (_, answer) in zip(rows, answers, strict=True):
        assert [float(cell) for cell in list(row.values())[6:]] == answer.probabilities.tolist(), "unrounded"
        assert (float(row["strangeness"]), float(row["threshold"])) == (answer.ood_score, 2 / 3)
    text = (tmp_path / "a.csv").read_text(encoding="utf-8")
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert not any(cell.startswith(predict_csv.FORMULA) for cell in cells), "nothing a spreadsheet would compute"


def test_none_of_these_has_no_best_and_many_classes_are_ranked(tmp_path: Path) -> None:
    many = [f"c{index}" for index in range(51)]
    p = np.linspace(0, 1, 51)
    stranger = Scores(tuple(many), p / p.sum(), unknown=True, ood_score=3.5, threshold=2.0)
    answers = [(Path("x.png"), stranger), (Path("=y.png"), PictureError("=y.png: it is torn"))]
    told: list[str] = []
    assert (
        predict_csv.write(tmp_path / "a.csv", answers, CLASSIFY, LabelFacts(tuple(many)), top=None, bad=told.append)
        == 2
    )
    strange, torn = table(tmp_path / "a.csv")
    assert (strange["best"], strange["unknown"], strange["strangeness"]) == ("", "true", "3.5")
    assert [strange[f"class {rank}"] for rank in range(1, 6)] == ["c50", "c49", "c48", "c47", "c46"]
    assert len(strange) == 6 + 10
    assert told == ["=y.png: it is torn"] and torn["error"] == "./=y.png: it is torn"
    assert len(predict_csv.header(CLASSIFY, LabelFacts(tuple(many[:50])))) == 6 + 50


def test_it_is_written_as_answers_come_and_whole_or_not_at_all(tmp_path: Path) -> None:
    one = Scores(("cat", "dog"), np.array([0.25, 0.75]))
    seen = 0

    def answers(fails: bool) -> Iterator[tuple[Path, Scores | PictureError]]:
        nonlocal seen
        for index in range(20_000):
            if index == 15_000:
                (temporary,) = tmp_path.glob(".*.tmp")
                seen = temporary.stat().st_size
                if fails:
                    raise OSError(5, "the reader of pictures fails")
            yield Path(f"{index:06}.png"), one

    with pytest.raises(OSError, match="the reader"):
        predict_csv.write(
            tmp_path / "a.csv", answers(True), CLASSIFY, LabelFacts(one.classes), top=None, bad=pytest.fail
        )
    assert list(tmp_path.iterdir()) == []
    assert (
        predict_csv.write(
            tmp_path / "a.csv", answers(False), CLASSIFY, LabelFacts(one.classes), top=None, bad=pytest.fail
        )
        == 20_000
    )
    whole = (tmp_path / "a.csv").read_bytes()
    assert seen > 0.6 * len(whole), "most of it was on the disk by then"
    with pytest.raises(OSError, match="the reader"):
        predict_csv.write(
            tmp_path / "a.csv", answers(True), CLASSIFY, LabelFacts(one.classes), top=None, bad=pytest.fail
        )
    assert (tmp_path / "a.csv").read_bytes() == whole, "the old one stays"
    (tmp_path / "other.csv").write_text("mine")
    with pytest.raises(DataError, match="is not ours"):
        predict_csv.write(
            tmp_path / "other.csv", answers(False), CLASSIFY, LabelFacts(one.classes), top=None, bad=pytest.fail
        )
