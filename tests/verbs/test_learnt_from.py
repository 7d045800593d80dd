"""A picture that a run has learnt from is explained with that said, beside what was said by what had not seen it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.pictures import paint
from tests.verbs.test_folds import whole

from striate.interpret.look import PartLook, PictureLook, RunLook
from striate.render.html.look_page import as_text
from striate.runs.run import RunDirectory
from striate.session import run as session
from striate.tasks.prediction import Scores
from striate.verbs.evaluate import evaluate
from striate.verbs.look import answers, look, page
from striate.verbs.train import train
from striate.verbs.workspace import Workspace


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = paint(tmp_path_factory.mktemp("pictures") / "pets", ("bee", "emu"), count=10, seed=3)
    (root / "emu" / "3-05.png").rename(root / "bee" / "wrong.png")  # so that there is a mistake
    return root


@pytest.fixture(scope="module")
def folded(pets: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return train(whole(pets), workspace=Workspace(tmp_path_factory.mktemp("folded")))


@pytest.fixture(scope="module")
def split(pets: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return train(whole(pets, folds=0), workspace=Workspace(tmp_path_factory.mktemp("split")))


def inside(run: RunDirectory, *what: Any, **more: Any) -> Any:
    """Return a look by a run as it is held."""
    return session.Run(run).look(*what, **more).value


def test_the_out_of_fold_answer_stands_beside_that_of_the_model_that_is_kept(folded: RunDirectory, pets: Path) -> None:
    measured = evaluate(str(folded.path))
    for place in (0, len(measured.keys) - 1):
        key = measured.keys[place]
        seen = inside(folded, pets / key)
        assert isinstance(seen, PictureLook)
        before = Scores(measured.labels.names, measured.found.probabilities[place])
        assert seen.caution == (
            f"This picture ({key}, labelled {key.split('/')[0]}) was among the 20 training pictures of {folded.name};"
            f" out-of-fold the answer was {before}; the model that is kept, which is shown here, has seen it and says"
            f" {seen.answer}."
        )
        first, *rest = answers(seen)
        assert first.caution == seen.caution and not any(one.caution for one in rest)
        assert "This picture (" in page(seen) and seen.caution in as_text(answers(seen))
    part = inside(folded, pets / measured.keys[0], part="relu1")
    assert isinstance(part, PartLook) and part.caution.startswith("This picture (")
    whole = inside(folded)
    assert isinstance(whole, RunLook) and whole.mistakes
    for one in whole.mistakes:
        assert one.kept is not None
        row = measured.keys.index(one.key)
        assert one.doubt.of_said == pytest.approx(measured.found.probabilities[row].max())
        again = inside(folded, pets / one.key)
        assert str(again.answer) == str(one.kept)
    assert "out-of-fold" in answers(whole)[0].caution and "the model that is kept, which has seen it" in page(whole)


def test_a_copy_is_known_by_its_content_and_a_model_file_by_its_run(
    folded: RunDirectory, pets: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copy(pets / "bee" / "3-00.png", tmp_path / "holiday.png"))
    told = inside(folded, copy).caution
    assert told.startswith("This picture (bee/3-00.png, labelled bee)")
    assert look(copy, model=folded.model_path).caution == told  # type: ignore[union-attr]
    moved = Path(shutil.copy(folded.model_path, tmp_path / "model.safetensors"))
    assert not look(copy, model=moved).caution  # type: ignore[union-attr]
    assert not look(copy, net="conv 4 3x3 >> relu >> flatten >> dense 2").caution  # type: ignore[union-attr]


def test_of_one_split_training_pictures_alone_are_named(split: RunDirectory, pets: Path, tmp_path: Path) -> None:
    parts = split.split()
    assert "was among the" in inside(split, pets / parts["train"][0]).caution
    assert "is no sign of how it does on others" in inside(split, pets / parts["train"][0]).caution
    assert not inside(split, pets / parts["test"][0]).caution
    Image.fromarray(np.full((16, 16, 3), 90, np.uint8)).save(tmp_path / "new.png")
    assert not inside(split, tmp_path / "new.png").caution
    assert not any(one.kept for one in inside(split).mistakes) and not answers(inside(split))[0].caution


def test_what_cannot_be_told_is_not_said(folded: RunDirectory, pets: Path, tmp_path: Path) -> None:
    shutil.copytree(folded.path, tmp_path / "pets-1")
    run = RunDirectory.open(str(tmp_path / "pets-1"))
    (run.path / "folds.safetensors").write_bytes(b"damaged")
    assert not inside(run, pets / "bee" / "3-00.png").caution
    (run.path / "pictures.json").unlink()
    assert not inside(run, pets / "bee" / "3-00.png").caution
