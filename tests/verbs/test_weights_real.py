"""Trained networks of others, from their file to answers on real pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from striate.data.imagenet import imagenet_classes
from striate.data.source import find
from striate.runs.predictor import Predictor
from striate.verbs.weights import open_weights


@pytest.mark.parametrize(("name", "right"), [("cifar10-resnet20", 932), ("cifar10-resnet56", 943)])
def test_cifar_to_the_picture(shared: Path, name: str, right: int) -> None:
    source = find(str(shared / "data" / "cifar10-test1017"))
    predictor = Predictor.open(open_weights(name, data_dir=shared / "data"))
    assert predictor.classes == source.classes
    answers = predictor.predict([source.picture(index) for index in range(len(source.items))], batch_size=128)
    targets = [source.classes[item.target] for item in source.items]
    assert len(targets) == 1017
    assert sum(answer.best == target for answer, target in zip(answers, targets, strict=True)) == right


def test_squeezenet_on_photographs(shared: Path) -> None:
    folder = shared / "data" / "imagenet-sample"
    index = json.loads((folder / "imagenet_class_index.json").read_text())
    number = {synset: int(key) for key, (synset, _) in index.items()}
    files = sorted((folder / "images").iterdir())
    targets = [number[file.name.partition("_")[0]] for file in files]
    predictor = Predictor.open(open_weights("imagenet-squeezenet1_0", data_dir=shared / "data"))
    answers = predictor.predict(files)
    ranks = [
        int((-answer.probabilities).argsort().argsort()[target])
        for answer, target in zip(answers, targets, strict=True)
    ]
    # Published 57.5 and 80.3 %; of 100 pictures that is within two standard deviations (10 and 8 pictures).
    assert len(files) == 100
    assert 56 <= sum(rank < 1 for rank in ranks) <= 70
    assert 80 <= sum(rank < 5 for rank in ranks) <= 92
    assert predictor.classes == imagenet_classes()
    assert np.isclose(sum(predictor.preprocess.mean) * 255, 104 + 117 + 123)
