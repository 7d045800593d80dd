"""``striate describe`` and ``striate --help``: text for people, JSON for programs, a refusal with what fits."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from tests.cli.stage import Place

LENET5 = """\
part      layer               output  parameters     MACs   memory  field  jump
───────────────────────────────────────────────────────────────────────────────
input                        1x28x28
conv1     conv 6 5x5 pad 2   6x28x28         156  117,600  18.8 kB      5     1
tanh1     tanh               6x28x28           0        0  18.8 kB      5     1
avgpool1  avgpool 2x2        6x14x14           0        0  4.70 kB      6     2
conv2     conv 16 5x5       16x10x10       2,416  240,000  6.40 kB     14     2
tanh2     tanh              16x10x10           0        0  6.40 kB     14     2
avgpool2  avgpool 2x2         16x5x5           0        0  1.60 kB     16     4
flatten1  flatten                400           0        0  1.60 kB    all
dense1    dense 120              120      48,120   48,000    480 B    all
tanh3     tanh                   120           0        0    480 B    all
dense2    dense 84                84      10,164   10,080    336 B    all
tanh4     tanh                    84           0        0    336 B    all
dense3    dense 10                10         850      840     40 B    all
───────────────────────────────────────────────────────────────────────────────
total                             10      61,706  416,520  60.0 kB
"""


def test_the_table_of_lenet5(place: Place) -> None:
    assert place("describe", "lenet5", "--input", "1x28x28").done().out == LENET5
    assert place("describe", "lenet5").done().out == LENET5, "its paper's input is the default"


def test_a_text_a_file_and_a_name_are_the_same_net(place: Place) -> None:
    text = json.loads(place("describe", "lenet5", "--json").done().out)["net"]
    (place.path / "net.txt").write_text(text)
    for net in (text, "net.txt"):
        assert place("describe", net, "--input", "1x28x28").done().out == LENET5


def test_json_holds_the_numbers_of_the_table(place: Place) -> None:
    survey = json.loads(place("describe", "lenet5", "--json").done().out)
    assert (survey["input"], survey["output"]) == ([1, 28, 28], [10])
    assert (survey["parameters"], survey["macs"]) == (61_706, 416_520)
    assert sum(row["parameters"] for row in survey["rows"]) == 61_706


def test_a_refusal_shows_the_table_so_far_the_formula_and_what_fits(place: Place) -> None:
    net = ("describe", "conv 4 1x1 >> conv 8 3x3 stride 3 >> conv 2 1x1", "--input", "1x7x7")
    answer = place.process(*net)
    answer.refused(r"\(7 - 3 \+ 2\*0\)/3 \+ 1 = 2.33 is not whole", "What fits: ", "input 1x9x9", lines=2)
    parts = [line.split()[0] for line in answer.out.splitlines() if line and not line.startswith("─")]
    assert parts == ["part", "input", "conv1", "conv2", "total"]
    assert not place(*net, "--json").out
    assert "conv3" in place(*net, "--fit", "floor").done().out
    assert "conv3" in place("describe", net[1], "--input", "1x9x9").done().out


def test_inputs_and_nets_said_wrongly(place: Place) -> None:
    place("describe", "relu").refused("which input", "--input")
    for wrong in ("28", "1x28", "0x28x28", "1x28x-1", "axbxc", "1x28x28x28"):
        place("describe", "relu", "--input", wrong).refused("CHANNELSxHEIGHTxWIDTH", wrong)
    place("describe", "no-such-net", "--input", "1x8x8").refused("no-such-net")
    place("describe", "relu >> conv 3 3 >> frobnicate", "--input", "1x8x8").refused("frobnicate", "column 21", lines=3)


def test_help_names_every_command_and_loads_none(place: Place) -> None:
    answer = place.process("--help").done()
    for name in ("describe", "train", "evaluate", "predict", "cache"):
        assert f"\n  {name} " in answer.out
        assert place(name, "--help").done().out.startswith(f"Usage: striate {name} ")
    assert answer.out.startswith("Usage: striate [OPTIONS]")
    assert place("--version").done().out.startswith("striate, version ")


@pytest.mark.parametrize("words", [["--help"], ["describe", "--help"], ["describe", "lenet5"]])
def test_a_reader_that_leaves_early_is_no_failure(words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "striate.cli", *words], check=False, stdout=writing, stderr=subprocess.PIPE
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_diagram_is_drawn_and_keeps_other_files(place: Place) -> None:
    assert place("describe", "lenet5", "--diagram").done().out == "drawn in lenet5.svg\n"
    text = (place.path / "lenet5.svg").read_text()
    assert text.startswith("<svg")
    assert "dense 120" in text
    place("describe", "lenet5", "--diagram").done()
    place("describe", "conv 2 3 >> relu", "--input", "1x8x8", "--diagram", "-o", "mine.svg").done()
    (place.path / "theirs.svg").write_text("<svg/>")
    place("describe", "lenet5", "--diagram", "-o", "theirs.svg").refused("theirs.svg is there already", "-o")
    assert (place.path / "theirs.svg").read_text() == "<svg/>"
    place("describe", "lenet5", "--diagram", "-o", "no/where.svg").refused("there is no folder no")
    assert place("describe", "lenet5", "-o", "x.svg").code == 2
    assert place("describe", "lenet5", "--diagram", "--json").code == 2
