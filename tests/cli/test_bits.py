"""Pictures of 12 bits in files of 16: said where they come out dark, and read by --bits everywhere from then on."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.stage import QUICK, Place

import striate
from striate.data.pictures.preprocess import Preprocess
from striate.model.files import weights
from striate.runs.predictor import Predictor
from striate.runs.run import RunDirectory
from striate.verbs.reopen import reopen_data
from striate.verbs.train import train
from striate.verbs.workspace import Workspace

DARK = r"8 pictures of 16 bits use 12 at most and state no depth, so that they come out dark \(15 of 255 at most\)"


def cells(root: Path, count: int = 4) -> Path:
    """Paint 16-bit gray PNGs of 12-bit values, of two classes."""
    draw = np.random.default_rng(1)
    for name, high in (("empty", 1000), ("full", 4095)):
        (root / name).mkdir(parents=True)
        for index in range(count):
            values = draw.integers(0, high + 1, (16, 16)).astype(np.uint16)
            values[0, 0] = high
            Image.fromarray(values).save(root / name / f"{index}.png")
    return root


def ask(place: Place, *more: str) -> str:
    answer = place("train", "cells", *QUICK, "--epochs", "1", "--folds", "none", *more)
    assert answer.code == 0, answer
    return answer.out


def test_pictures_that_come_out_dark_are_said_and_bits_is_the_remedy(place: Place) -> None:
    cells(place.path / "cells")
    assert ask(place).count("note: " + DARK.replace("\\", "") + "; if the camera has 12 bits say --bits 12") == 1
    said = ask(place, "--bits", "12")
    assert "8 pictures of 16 bits that state no depth are read as 12 bits" in said and "come out dark" not in said
    dark, bright = (RunDirectory.open(f"cells-{number}", place.path / "runs") for number in (1, 2))
    for run, bits in ((dark, 16), (bright, 12)):
        facts = weights.read_facts(run.model_path)
        assert facts.preprocess.get("bits", 16) == bits and Preprocess.from_dict(facts.preprocess).bits == bits
    picture = place.path / "cells" / "full" / "0.png"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRIATE_CACHE", str(place.path / "cache"))
        stored = reopen_data(bright)
    row = [item.key for item in stored.source.items].index("full/0.png")
    asked = Predictor.open(bright.model_path).preprocess.pixels(picture.read_bytes())
    assert np.array_equal(asked, stored.store.pixels[row]) and asked.max() == 255, "predict does the very same"

    black = (
        r"^1 picture of 16 bits uses 12 at most, states no depth and comes out nearly black, 15 of 255 at most: cells/"
    )
    answer = place("predict", "cells/full/0.png", "--run", "cells-1", "--no-unknown")
    assert answer.code == 0 and answer.err.count("\n") == 1, answer
    assert re.search(black, answer.err) and "train with --bits 12" in answer.err
    place("predict", "cells/full/0.png", "--run", "cells-2", "--no-unknown").done()
    many = place("predict", "cells", "--run", "cells-1", "--no-unknown", "--csv", "-")
    assert many.err.startswith("8 pictures of 16 bits use 12 at most") and many.err.count("\n") == 1, "one line for all"

    evaluated = json.loads(place("evaluate", "cells-2", "--data", "cells", "--json").out)
    assert evaluated["pictures"] == 8


def test_weights_keep_their_bits_unless_told_otherwise(place: Place) -> None:
    cells(place.path / "cells")
    ask(place, "--bits", "12")
    for more, bits in ((), 12), (("--bits", "16"), 16):
        answer = place("train", "cells", "--start", "cells-1", "--folds", "none", "--threads", "1", *more)
        assert answer.code == 0, answer
        run = RunDirectory.open("last", place.path / "runs")
        assert weights.read_facts(run.model_path).preprocess.get("bits", 16) == bits
        assert ("bits = 12" in run.recipe_toml()) == (bits == 12)


def test_bits_in_python_and_a_bad_number(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIATE_CACHE", str(place.path / "cache"))
    cells(place.path / "cells")
    recipe = striate.Recipe(source=str(place.path / "cells"), net=QUICK[1], threads=1, device="cpu", epochs=1, folds=0)
    run = train(recipe, bits=12, workspace=Workspace(place.path / "runs"))
    assert weights.read_facts(run.model_path).preprocess["bits"] == 12
    stream = io.BytesIO()
    Image.fromarray(np.full((16, 16), 4095, np.uint16)).save(stream, "PNG")
    whole, seen = Predictor.open(run.model_path).preprocess.read(stream.getvalue())
    assert whole.min() == 255 and seen is not None and seen.used == 12
    refused = place("train", "cells", "--set", "bits=17")
    refused.refused("bits = 17: ")
    assert place("train", "cells", "--bits", "7").code == 2
