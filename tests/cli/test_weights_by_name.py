"""Published weights as a person meets them: fetched, listed, used by name, offline, in a process of its own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from tests.published import content
from tests.server import Server, serving

from striate.data.sources.cifar import CIFAR10

Ask = Callable[..., "subprocess.CompletedProcess[str]"]
TABLE = """
import sys
from striate.model.pretrained import pretrained
from tests.published import entry
pretrained.PRETRAINED["toy"] = entry(pretrained.File("toy.safetensors", sys.argv.pop(1) + "toy/model.safetensors"))
from striate.cli.main import main
main()
"""


@pytest.fixture
def hub() -> Iterator[Server]:
    with serving(content()) as server:
        server.onward = {"/toy/model.safetensors": server.url + "bytes"}
        server.headers = {"X-Linked-ETag": hashlib.sha256(content()).hexdigest(), "X-Linked-Size": str(len(content()))}
        yield server


@pytest.fixture
def ask(hub: Server, tmp_path: Path) -> Ask:
    def asked(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        names = {name: value for name, value in os.environ.items() if not name.startswith("STRIATE_")}
        paths = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
        environment = {**names, "PYTHONPATH": paths, "STRIATE_CACHE": str(tmp_path / "cache"), **settings}
        command = [sys.executable, "-c", TABLE, hub.url, *words]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)

    return asked


def test_predict_by_name_downloads_once(ask: Ask, hub: Server, tmp_path: Path) -> None:
    Image.effect_noise((40, 30), 80).convert("RGB").save(tmp_path / "cat.png")
    first = ask("predict", "cat.png", "--model", "toy")
    assert first.returncode == 0, first.stderr
    assert first.stdout.split()[1].rstrip(",") in CIFAR10
    assert len(first.stdout.split(", ")) == 5
    assert [line.split(" ")[:2] for line in first.stderr.splitlines()] == [["toy:", "downloading"], ["toy:", "its"]]
    asked = len(hub.asked)
    again = ask("predict", "cat.png", "--model", "toy", "--offline")
    assert (again.stdout, again.stderr) == (first.stdout, "")
    assert len(hub.asked) == asked


def test_offline_is_one_line(ask: Ask, hub: Server, tmp_path: Path) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "cat.png")
    for told in (
        ask("weights", "fetch", "toy", "--offline"),
        ask("predict", "cat.png", "--model", "toy", STRIATE_OFFLINE="1"),
    ):
        assert told.returncode == 2
        assert told.stdout == ""
        assert len(told.stderr.splitlines()) == 1
        assert str(tmp_path / "cache" / "weights" / "published" / "toy.safetensors") in told.stderr
    assert hub.asked == []


def test_fetch_list_cache_clear(ask: Ask, hub: Server, tmp_path: Path) -> None:
    fetched = ask("weights", "fetch", "toy")
    path = tmp_path / "cache" / "weights" / "toy.safetensors"
    assert fetched.stdout == f"toy  {path}  {path.stat().st_size / 2**20:.1f} MiB\n"
    listed = ask("weights", "list")
    assert "1 here" in listed.stdout.splitlines()[-1]
    assert [line.split()[0] for line in listed.stdout.splitlines() if line.endswith("  here")] == ["toy"]
    told = {each["name"]: each for each in json.loads(ask("weights", "list", "--json").stdout)}
    assert told["toy"]["path"] == str(path)
    assert told["resnet50"]["path"] is None
    assert "published weights" in ask("cache", "clear").stdout + ask("cache").stdout
    assert path.exists(), "clearing pictures leaves weights"
    both = (path.stat().st_size + path.with_suffix(".onnx").stat().st_size) / 2**20
    assert ask("cache", "clear", "--weights").stdout.startswith(f"freed {both:.1f} MiB")
    assert not path.exists() and not path.with_suffix(".onnx").exists()


def test_refusals_have_no_traceback(ask: Ask) -> None:
    for words, said in (
        (("weights", "fetch", "resnet5"), "did you mean resnet50"),
        (("cache", "clear", "pets", "--weights"), "NAME is a source of pictures"),
    ):
        told = ask(*words)
        assert told.returncode == 2
        assert said in told.stderr
        assert "Traceback" not in told.stderr
