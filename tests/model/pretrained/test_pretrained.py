"""The table of published weights: every line of it can be what it says."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from striate.model.pretrained.pretrained import PRETRAINED, canonical, near
from striate.nets import CATALOG


@pytest.mark.parametrize("name", PRETRAINED)
def test_a_line(name: str) -> None:
    entry = PRETRAINED[name]
    net = CATALOG[entry.net]
    assert net.names, "how its weights are named has to be known"
    assert len(entry.classes) == net.classes
    shape = (entry.preprocess.channels, entry.preprocess.height, entry.preprocess.width)
    assert str(net.function(None).on(*shape, classes=len(entry.classes), fit="floor").output) == str(len(entry.classes))
    assert 40 < entry.accuracy < 100
    for file in entry.files:
        assert re.fullmatch(r"[\w.-]+\.(safetensors|pth|th)", file.name)
        assert re.fullmatch(r"([0-9a-f]{8}|[0-9a-f]{64})?", file.sha256)
        assert file.url or len(file.sha256) == 64
        if file.package:
            assert file.name.endswith(f"-{file.sha256[:8]}.pth")
            continue
        if file.url:
            assert urlsplit(file.url).scheme == "https"
        if not file.name.endswith(".safetensors"):
            assert file.name.rpartition(".")[0].endswith(f"-{file.sha256}"), "known by nothing but its name"
            assert file.url.endswith(f"/{file.name}")
    parameters = net.function(len(entry.classes)).on(*shape, fit="floor").parameters
    assert entry.mib == pytest.approx(4 * parameters / 2**20, rel=0.05, abs=0.4)


def test_no_file_stands_for_two() -> None:
    names = [file.name for entry in PRETRAINED.values() for file in entry.files]
    assert len(names) == len(set(names))


def test_names_as_people_write_them() -> None:
    assert canonical("resnet50") == canonical("ResNet50") == "resnet50"
    assert canonical("cifar10_resnet20") == canonical("resnet20") == "cifar10-resnet20"
    assert canonical("convnext-tiny") == "convnext_tiny"
    assert canonical("resnet50.tv2") == "resnet50.tv2"
    assert canonical("pets-1") is canonical("") is None
    assert near("resnet5").startswith("did you mean resnet50")
    assert near("qqq") == "striate weights list shows the names"


def test_the_addresses_are_those_of_the_manifests(shared: Path) -> None:
    urls = {file.url for entry in PRETRAINED.values() for file in entry.files}
    for path in (shared / "golden").glob("*.json"):
        assert set(json.loads(path.read_text())["weights_urls"].values()) <= urls


def test_the_shared_files_are_the_ones_that_are_known(shared: Path) -> None:
    checked = 0
    for entry in PRETRAINED.values():
        for file in entry.files:
            path = shared / "data" / "weights" / file.name
            if path.exists():
                assert hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256
                checked += 1
    assert checked == 3
