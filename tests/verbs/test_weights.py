"""Published weights from a server on this machine to answers; and everything that may go wrong on the way."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.published import PICTURES, content, entry
from tests.server import Server, serving

from striate.data.sources.cifar import CIFAR10
from striate.data.store.cache import weights_dir
from striate.errors import DownloadError, ModelError, SourceError
from striate.model.build.model import build
from striate.model.files import tensorfile
from striate.model.files.weights import read, read_facts
from striate.model.pretrained import pretrained
from striate.model.pretrained.pretrained import File
from striate.nets import CATALOG
from striate.runs.predictor import Predictor
from striate.spec import Shape
from striate.verbs import cache
from striate.verbs.weights import fetch_weights, list_weights, open_weights
from striate.verbs.workspace import Workspace

SHA = hashlib.sha256(content()).hexdigest()
PICTURE = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A hub with the file of the name "toy", stated as Hugging Face states them; and a cache of the test's own."""
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("STRIATE_DATA", raising=False)
    monkeypatch.setattr("striate.data.sources.download.time.sleep", lambda _: None)
    with serving(content()) as server:
        server.onward = {"/toy/model.safetensors": server.url + "bytes"}
        server.headers = {"X-Linked-ETag": f'"{SHA}"', "X-Linked-Size": str(len(content()))}
        monkeypatch.setitem(
            pretrained.PRETRAINED, "toy", entry(File("toy.safetensors", server.url + "toy/model.safetensors"))
        )
        yield server


def kept() -> list[str]:
    return sorted(path.name for path in weights_dir().rglob("*") if path.is_file() and path.suffix != ".lock")


def test_from_the_hub_to_answers(hub: Server) -> None:
    told: list[str] = []
    path = open_weights("toy", workspace=Workspace(tell=told.append))
    assert path == weights_dir() / "toy.safetensors"
    assert told == [
        f"toy: downloading {hub.url}toy/model.safetensors (about 1 MiB)",
        f"toy: its SHA-256 is what {hub.url[7:-1]} states, trusted this first time and kept for the next; "
        "BSD-3-Clause, from torchvision",
    ]
    assert kept() == ["toy.onnx", "toy.safetensors", "toy.safetensors.sha256"]
    facts = read_facts(path)
    assert (facts.names, facts.preprocess, facts.input) == (CIFAR10, PICTURES.to_dict(), (3, 16, 16))
    assert facts.provenance["published"]["sha256"] == SHA
    answer = Predictor.open(path).predict([PICTURE])[0]
    model = build(CATALOG["tiny"].function(10), Shape(3, 16, 16), preprocess=PICTURES, seed=0).eval()
    pixels = torch.tensor(PICTURES.pixels(PICTURE)).permute(2, 0, 1)[None]
    with torch.no_grad():
        wanted = model(model.normalise(pixels)).double().softmax(1)[0]
    assert np.allclose(answer.probabilities, wanted.numpy(), atol=1e-6)


def test_what_is_there_is_not_fetched_again(hub: Server) -> None:
    open_weights("toy")
    asked, told = len(hub.asked), []
    workspace = Workspace(tell=told.append)
    assert open_weights("TOY", workspace) == fetch_weights("toy", workspace, again=True).path
    assert (len(hub.asked), told) == (asked, [])
    assert {each.name for each in list_weights() if each.path} == {"toy"}


def test_what_broke_off_is_resumed_by_the_next_call(hub: Server) -> None:
    hub.break_after = [100_000, 0, 0, 0]
    with pytest.raises(DownloadError, match="broke off after 100,000 of"):
        open_weights("toy")
    assert kept() == ["toy.safetensors.part"]
    hub.break_after = []
    open_weights("toy")
    assert hub.asked[-1] == ("/bytes", "bytes=100000-")
    assert kept() == ["toy.onnx", "toy.safetensors", "toy.safetensors.sha256"]


def test_wrong_bytes_are_not_taken(hub: Server) -> None:
    hub.content = content()[:-1] + b"!"
    with pytest.raises(DownloadError, match=rf"wrong SHA-256 \(wanted {SHA[:12]}…\)\)\. Save {hub.url}toy"):
        open_weights("toy")
    assert kept() == []


def test_the_next_file_is_tried_a_pickle_through_the_door(hub: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    tensors = build(CATALOG["tiny"].function(10), Shape(3, 16, 16)).state_dict()
    torch.save({name: tensor for name, tensor in tensors.items() if not name.startswith("input.")}, buffer)
    hub.content = buffer.getvalue()
    digits = hashlib.sha256(hub.content).hexdigest()[:8]
    first, second = pretrained.PRETRAINED["toy"].files[0], File(f"toy-{digits}.pth", hub.url + "toy.pth", digits)
    monkeypatch.setitem(pretrained.PRETRAINED, "toy", entry(first, second))
    hub.status, told = [404], []
    path = open_weights("toy", workspace=Workspace(tell=told.append))
    assert [line.partition(" (")[0] for line in told[:2]] == [
        f"toy: downloading {hub.url}toy/model.safetensors",
        f"toy: downloading {hub.url}toy.pth",
    ]
    assert f"its SHA-256 begins with {digits}, as its name says" in told[2]
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in read(path)[0].items() if "input" not in name)
    assert kept() == [f"toy-{digits}.pth.sha256", "toy.onnx", "toy.safetensors"]


@pytest.mark.parametrize("by", ["option", "environment"])
def test_offline_says_which_file_to_put_where(hub: Server, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    if by == "environment":
        monkeypatch.setenv("STRIATE_OFFLINE", "1")
    with pytest.raises(DownloadError) as told:
        open_weights("toy", workspace=Workspace(download=by != "option"))
    place = weights_dir() / "published" / "toy.safetensors"
    assert f"Save {hub.url}toy/model.safetensors (about 1 MiB) as {place}" in str(told.value)
    assert "\n" not in str(told.value)
    assert hub.asked == []
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content())
    assert open_weights("toy", workspace=Workspace(download=False)) == weights_dir() / "toy.safetensors"
    assert place.exists(), "what a person put there stays"


def test_a_folder_of_files(hub: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "data" / "weights"
    folder.mkdir(parents=True)
    (folder / "toy.safetensors").write_bytes(content())
    told: list[str] = []
    open_weights("toy", workspace=Workspace(data_dir=tmp_path / "data", tell=told.append))
    assert told == [f"toy: made from {folder / 'toy.safetensors'}"]
    assert hub.asked == []
    assert (folder / "toy.safetensors").read_bytes() == content()
    cache.clear_weights()
    monkeypatch.setitem(pretrained.PRETRAINED, "toy", entry(File("toy.safetensors", sha256="0" * 64)))
    monkeypatch.setenv("STRIATE_DATA", str(folder))
    with pytest.raises(ModelError, match=rf"not toy.safetensors as published: its SHA-256 is {SHA[:12]}"):
        open_weights("toy")
    with pytest.raises(SourceError, match="is not there"):
        open_weights("toy", workspace=Workspace(data_dir=tmp_path / "elsewhere"))
    monkeypatch.delenv("STRIATE_DATA")
    with pytest.raises(DownloadError, match="Nobody serves its file; copy it to"):
        open_weights("toy")


def test_the_first_time_binds_the_next(hub: Server) -> None:
    open_weights("toy")
    assert cache.clear_weights() > len(content())
    assert kept() == ["toy.safetensors.sha256"]
    hub.content = content(1)
    hub.headers["X-Linked-ETag"] = hashlib.sha256(content(1)).hexdigest()
    with pytest.raises(DownloadError, match=r"another SHA-256.*the one it had the first time; to take another, remove"):
        open_weights("toy")
    (weights_dir() / "published" / "toy.safetensors.sha256").unlink()
    open_weights("toy")
    hub.content, told = content(1), []
    cache.clear_weights()
    open_weights("toy", workspace=Workspace(tell=told.append))
    assert "its SHA-256 is the one it had the first time" in told[-1]


def test_what_came_is_no_weights(hub: Server) -> None:
    hub.content = b"<!doctype html><title>Please log in</title>"
    hub.headers = {}
    with pytest.raises(ModelError):
        open_weights("toy")
    assert kept() == []
    tensors = {"other.weight": np.zeros(3, np.float32)}
    hub.content = b"".join(tensorfile.pack(tensors, {}))
    with pytest.raises(ModelError, match=r"no place for other\.weight"):
        open_weights("toy")
    assert kept() == []


def test_a_damaged_model_file_is_made_anew(hub: Server) -> None:
    path = open_weights("toy")
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    assert open_weights("toy").read_bytes() == whole
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    fetch_weights("toy", again=True)
    assert path.read_bytes() == whole


def test_another_preprocessing_than_it_was_made_with(hub: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    open_weights("toy")
    other = replace(pretrained.PRETRAINED["toy"], preprocess=replace(PICTURES, crop_share=1.0))
    monkeypatch.setitem(pretrained.PRETRAINED, "toy", other)
    assert read_facts(open_weights("toy")).preprocess["resize"] == "crop"
    assert "crop_share" not in read_facts(open_weights("toy")).preprocess


def test_a_net_that_saw_blue_first_is_turned_round(hub: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    as_rgb = read(open_weights("toy"))[0]
    cache.clear_weights()
    monkeypatch.setitem(pretrained.PRETRAINED, "toy", entry(*pretrained.PRETRAINED["toy"].files, bgr=True))
    turned = read(open_weights("toy"))[0]
    differing = [name for name, tensor in turned.items() if not torch.equal(tensor, as_rgb[name])]
    assert len(differing) == 1
    pixels = torch.rand(1, 3, 16, 16)
    weight, weight_rgb = turned[differing[0]], as_rgb[differing[0]]
    convolved = [torch.nn.functional.conv2d(*pair) for pair in ((pixels, weight), (pixels.flip(1), weight_rgb))]
    assert torch.allclose(*convolved, atol=1e-6)


def test_two_at_once_fetch_once(hub: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("striate.verbs.alone._WAIT", 0.01)
    with ThreadPoolExecutor(2) as pool:
        paths = list(pool.map(lambda _: open_weights("toy"), range(2)))
    assert paths[0] == paths[1]
    assert [path for path, _ in hub.asked] == ["/toy/model.safetensors", "/bytes"]


def test_paths_runs_and_names_that_are_none(hub: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    raw = tmp_path / "raw.safetensors"
    raw.write_bytes(content())
    assert open_weights(raw) == raw
    with pytest.raises(ModelError, match=r"striate weights import raw\.safetensors --net NET"):
        Predictor.open(open_weights("raw.safetensors"))
    for name in ("pets-1", "toy"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "recipe.toml").write_text("")
    with pytest.raises(ModelError, match="run pets-1 has no model yet"):
        open_weights("pets-1")
    for name in ("pets-1", "toy"):
        (tmp_path / "runs" / name / "model.safetensors").write_bytes(content())
    assert open_weights("pets-1") == Path("runs/pets-1/model.safetensors")
    assert open_weights("runs/toy") == Path("runs/toy/model.safetensors")
    assert open_weights("toy") == weights_dir() / "toy.safetensors"
    with pytest.raises(ModelError, match=r"'resnet5' is neither a model file, nor .* did you mean resnet50"):
        open_weights("resnet5")
    with pytest.raises(ModelError, match="there is no file"):
        Predictor.open(open_weights("gone.safetensors"))
    assert hub.asked != []
