"""ImageNet's class names: the order every published network answers in."""

from __future__ import annotations

import json
from pathlib import Path

from striate.data.labels.classes import check_names
from striate.data.labels.imagenet import imagenet_classes


def test_a_thousand_names_in_order() -> None:
    names = imagenet_classes()
    assert len(names) == len(set(names)) == 1000
    check_names(names, "ImageNet")
    assert all(name == name.strip() and "," not in name for name in names)
    known = {
        0: "tench",
        134: "crane (bird)",
        281: "tabby",
        517: "crane (machine)",
        639: "maillot (tank suit)",
        999: "toilet tissue",
    }
    assert {index: names[index] for index in known} == known


def test_the_order_is_that_of_the_shared_index(shared: Path) -> None:
    index = json.loads((shared / "data" / "imagenet-sample" / "imagenet_class_index.json").read_text())
    theirs = [index[str(number)][1].replace("_", " ").lower() for number in range(1000)]
    ours = [name.partition(" (")[0].lower() for name in imagenet_classes()]
    assert [pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1]] == []
