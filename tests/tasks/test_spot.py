"""Labels that lie in pictures: moved by the very matrices that move the pictures, and answered in a person's pixels."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.tasks.spot import ERROR, Spot, Where
from tests.verbs.test_kill import bits

from striate.data.batches.augment import named
from striate.data.batches.loader import batches
from striate.data.batches.resident import sent
from striate.data.batches.warp import move_pictures
from striate.engine.fit import Epoch
from striate.recipe import Recipe
from striate.runs.predictor import Predictor
from striate.tasks import table
from striate.verbs.evaluate import evaluate
from striate.verbs.look import look, page
from striate.verbs.prepare import prepare
from striate.verbs.reopen import reopen_data
from striate.verbs.train import resume, train, training
from striate.verbs.workspace import Workspace

NET = "conv 8 5x5 pad same >> relu >> conv 8 5x5 pad same >> relu >> flatten >> dense"
TURNED = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}


def drawn(root: Path) -> Path:
    """Dark pictures of several sizes, turned by EXIF, each with a bright spot where their list says."""
    random = np.random.default_rng(0)
    lines = ["file,across,down"]
    for number in range(64):
        wide, high = random.integers(30, 50, 2)
        x, y = random.uniform(8, wide - 8), random.uniform(8, high - 8)
        across, down = np.arange(wide) + 0.5 - x, np.arange(high)[:, None] + 0.5 - y
        seen = Image.fromarray((250 * np.exp(-(across**2 + down**2) / 24)).astype(np.uint8))
        orientation, turn = list(TURNED.items())[number % 4]
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = seen if turn is None else seen.transpose(turn)
        stored.save(root / f"{number:02}.png", exif=exif)
        lines.append(f"{number:02}.png,{x:.3f},{y:.3f}")
    (root / "labels.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = drawn(tmp_path_factory.mktemp("spots"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRIATE_CACHE", str(root / "cache"))
        patch.setitem(table.TASKS, Where.name, Where())
        yield root


def recipe(root: Path, **said: Any) -> Recipe:
    where = {"source": str(root / "labels.csv"), "task": "spot", "size": (16, 16), "device": "cpu", "threads": 1}
    how = {"net": NET, "epochs": 12, "batch": 8, "learning_rate": 0.003, "optimiser": "adam", "augment": "light"}
    return Recipe(**{**where, **how, "folds": 0, "seed": 1, "flip": True, **said})


def brightest(picture: torch.Tensor) -> torch.Tensor:
    """The middle of mass (x, y) of each picture (N, 1, H, W), in pixels."""
    mass = picture[:, 0] - 0.6 * picture.amax((1, 2, 3))[:, None, None]
    mass = mass.clamp(min=0)
    across, down = (torch.arange(size) + 0.5 for size in (mass.shape[2], mass.shape[1]))
    return torch.stack([(mass.sum(1) * across).sum(1), (mass.sum(2) * down).sum(1)], 1) / mass.sum((1, 2))[:, None]


@pytest.mark.parametrize("resize", ["stretch", "pad", "crop"])
def test_labels_are_placed_where_the_decoded_picture_has_them(home: Path, resize: str) -> None:
    prepared = prepare(recipe(home, resize=resize))
    pictures = torch.from_numpy(np.array(prepared.store.pixels)).permute(0, 3, 1, 2).float()
    apart = np.hypot(*(brightest(pictures).numpy() - prepared.targets).T)
    assert np.median(apart) < 0.3 and (apart < 1).mean() > 0.7, "a spot at an edge is not all there"
    for row in (0, 5, 63):
        crop = prepared.preprocess.crop_of(prepared.source.picture(row))
        said = crop.points_back([prepared.targets[row]])[0]
        assert said == pytest.approx(prepared.source.items[row].target, abs=1e-6)


@pytest.mark.parametrize("on_device", [False, True])
@pytest.mark.parametrize("augment", ["light", "standard", "strong"])
def test_a_batch_has_its_labels_where_its_pictures_went(home: Path, augment: str, on_device: bool) -> None:
    prepared = prepare(recipe(home))
    store, targets = prepared.store, prepared.objective.targets
    there = sent(store.pixels, targets, torch.device("cpu")) if on_device else None
    moves, kept = named(augment, flip=True), targets.copy()
    more: dict[str, Any] = {"batch_size": 16, "shuffle": True, "augment": moves, "resident": there}
    apart = []
    for batch in batches(store, targets, range(64), moved=Where().move, size_at=lambda at: (12, 14), **more):
        pictures = move_pictures(batch.pixels.float(), batch.moves)
        assert pictures.shape[2:] == (12, 14) and batch.targets.dtype == torch.float32
        seen = torch.from_numpy(batch.moves.sees(batch.targets.numpy(), of=np.arange(16)))
        apart += (brightest(pictures) - batch.targets).norm(dim=1)[seen].tolist()
    assert len(apart) > 30 and np.median(apart) < 0.3 and np.mean(np.array(apart) < 1) > 0.7
    assert np.array_equal(targets, kept)


def test_it_learns_where_and_answers_in_the_pixels_of_the_picture(home: Path) -> None:
    run = train(recipe(home), workspace=Workspace(home / "runs"))
    found = evaluate(run.name, workspace=Workspace(home / "runs"))
    assert found.report.error.value < 2.0, "of 16 pixels; a guess in the middle is 4 off"
    prepared = reopen_data(run)
    assert np.array_equal(prepared.targets, prepare(recipe(home)).targets)
    row = prepared.split.test[0]
    item = prepared.source.items[row]
    for onnx in (True, False):
        (said,) = Predictor.open(run.model_path, onnx=onnx).predict(home / item.key)
        assert isinstance(said, Spot)
        place = list(found.keys).index(item.key)
        crop = prepared.preprocess.crop_of(prepared.source.picture(row))
        wanted = crop.points_back([found.outputs["spot"][place]])[0]
        assert said.at == pytest.approx(tuple(wanted), abs=1e-3)
    other = evaluate(run.name, data=str(home / "labels.csv"), workspace=Workspace(home / "runs"))
    assert len(other.keys) == 64 and other.report.error.value < 2.0
    assert str(said) in page(look(home / item.key, model=run.model_path))


def test_a_training_goes_on_to_the_bit(home: Path) -> None:
    whole = train(recipe(home, epochs=3), workspace=Workspace(home / "runs"), name="whole")
    events = training(recipe(home, epochs=3), workspace=Workspace(home / "runs"), name="cut")
    assert sum(1 for _ in takewhile(lambda event: not (isinstance(event, Epoch) and event.index == 1), events)) > 0
    events.close()  # type: ignore[attr-defined]
    cut = resume("cut-1", workspace=Workspace(home / "runs"))
    assert bits(cut) == bits(whole) and set(cut.history()[-1]["metrics"]) == {ERROR}
