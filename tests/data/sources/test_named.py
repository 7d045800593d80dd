"""Data sets by name: from a folder, from the cache, downloaded once, and what is said offline."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from striate.data.sources import named
from striate.data.sources.source import find
from striate.data.store.cache import cache_dir
from striate.errors import DownloadError, SourceError


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("STRIATE_DATA", raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def idx_files(starts: tuple[int, ...] = named._SETS["mnist"].starts) -> dict[str, bytes]:
    files = {}
    for part in ("train", "t10k"):
        labels = np.array([*starts, *range(10)], np.uint8)
        pictures = np.random.default_rng(len(part)).integers(0, 256, (len(labels), 28, 28), np.uint8)
        files[f"{part}-images-idx3-ubyte.gz"] = struct.pack(">4I", 0x803, len(labels), 28, 28) + pictures.tobytes()
        files[f"{part}-labels-idx1-ubyte.gz"] = struct.pack(">2I", 0x801, len(labels)) + labels.tobytes()
    return {name: gzip.compress(data, mtime=0) for name, data in files.items()}


def put(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def cifar_archive() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        rows = np.random.default_rng(0).integers(0, 10, (6, 20, 3073), np.uint8)
        contents = {name: rows[place].tobytes() for place, name in enumerate(named._CIFAR)}
        for name, data in {**contents, "readme.html": b"no", "../escape.bin": b"no"}.items():
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("cifar-10-batches-bin/batches.meta.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    return file.getvalue()


def pretend(monkeypatch: pytest.MonkeyPatch, name: str, files: dict[str, bytes], served: Path | None = None) -> None:
    """Make a data set's published files small ones, and where they are a folder that stands for the network."""
    described = tuple(named._File(file, len(data), hashlib.sha256(data).hexdigest()) for file, data in files.items())
    monkeypatch.setitem(named._SETS, name, replace(named._SETS[name], files=described))

    def fetch(urls, target: Path, *, sha256: str, size: int, progress=None) -> None:
        if served is None:
            raise DownloadError(f"{target.name} could not be downloaded (no network)")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((served / target.name).read_bytes())
        if progress:
            progress(target.name, size, size)

    monkeypatch.setattr(named, "fetch", fetch)


@pytest.mark.parametrize("below", ["", "mnist", "MNIST/raw"])
def test_from_a_folder(tmp_path: Path, below: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = put(tmp_path / "data" / below, idx_files())
    found = find("mnist", data_dir=tmp_path / "data", download=False)
    assert (found.name, found.location) == ("mnist", f"mnist@{folder}")
    assert len(found.items) == 40
    assert find(found.location).items == found.items
    monkeypatch.setenv("STRIATE_DATA", str(tmp_path / "data"))
    assert find("mnist", download=False).location == found.location


def test_unpacked_files_do_as_well(tmp_path: Path) -> None:
    put(tmp_path / "data", {name[:-3]: gzip.decompress(data) for name, data in idx_files().items()})
    assert len(find("mnist", data_dir=tmp_path / "data", download=False).items) == 40


def test_fashion_mnist_has_its_names_and_is_not_taken_for_mnist(tmp_path: Path) -> None:
    put(tmp_path / "data", idx_files(named._SETS["fashion-mnist"].starts))
    found = find("fashion-mnist", data_dir=tmp_path / "data", download=False)
    assert found.label_names[9] == "Ankle boot"
    assert find(found.location).label_names == found.label_names
    with pytest.raises(DownloadError, match="mnist is not in"):
        find("mnist", data_dir=tmp_path / "data", download=False)


def test_the_real_mnist(shared: Path) -> None:
    found = find("mnist", data_dir=shared / "data", download=False)
    assert found.location == f"mnist@{shared / 'data' / 'mnist'}"
    assert len(found.items) == 70_000
    wanted = {file.name: file for file in named._SETS["mnist"].files}
    for name in ("train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        data = (shared / "data" / "mnist" / name).read_bytes()  # the fourth is packed anew there
        assert (len(data), hashlib.sha256(data).hexdigest()) == (wanted[name].size, wanted[name].sha256)


def test_md5s_as_published(shared: Path) -> None:
    published = {
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    }
    for name, md5 in published.items():
        assert hashlib.md5((shared / "data" / "mnist" / name).read_bytes()).hexdigest() == md5


def test_downloaded_once_into_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = idx_files()
    pretend(monkeypatch, "mnist", files, put(tmp_path / "net", files))
    told: list[str] = []
    found = find("mnist", progress=lambda name, done, size: told.append(name))
    assert found.location == "mnist"
    assert told == list(files)
    assert sorted(path.name for path in (cache_dir() / "datasets" / "mnist").iterdir()) == sorted(files)
    pretend(monkeypatch, "mnist", files)
    assert find("mnist").items == found.items
    (cache_dir() / "datasets" / "mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DownloadError, match=r"Put t10k-labels-idx1-ubyte\.gz there by hand"):
        find("mnist")


@pytest.mark.parametrize("download", [True, False])
def test_offline_says_which_file_to_put_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, download: bool) -> None:
    pretend(monkeypatch, "mnist", idx_files())
    with pytest.raises(DownloadError) as caught:
        find("mnist", download=download)
    text = str(caught.value)
    assert "\n" not in text
    for words in ("train-images-idx3-ubyte.gz", str(cache_dir() / "datasets" / "mnist"), "--data-dir", "STRIATE_DATA"):
        assert words in text
    assert ("no network" in text) == download
    (tmp_path / "data").mkdir()
    with pytest.raises(DownloadError, match=f"not in {tmp_path / 'data'}"):
        find("mnist", data_dir=tmp_path / "data", download=download)


def test_wrong_folders(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"the data folder .* is not there"):
        find("mnist", data_dir=tmp_path / "gone")
    with pytest.raises(SourceError, match="does not hold mnist; wanted train-images-idx3-ubyte"):
        find(f"mnist@{tmp_path}")
    with pytest.raises(SourceError, match="does not hold cifar10; wanted data_batch_1"):
        find(f"cifar10@{tmp_path}")


@pytest.mark.parametrize("by_hand", ["data", "cache", None])
def test_cifar10_from_its_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_hand: str | None) -> None:
    files = {"cifar-10-binary.tar.gz": cifar_archive()}
    kept = tmp_path / "cache" / "datasets" / "cifar10"
    pretend(monkeypatch, "cifar10", files, None if by_hand else put(tmp_path / "net", files))
    folder = put(tmp_path / "data", files) if by_hand == "data" else None
    if by_hand == "cache":
        put(kept, files)
    found = find("cifar10", data_dir=folder)
    assert (len(found.items), found.label_names[9], found.location) == (120, "truck", "cifar10")
    assert sum(item.split == "test" for item in found.items) == 20
    assert sorted(path.name for path in kept.iterdir()) == sorted(named._CIFAR)
    assert folder is None or [path.name for path in folder.iterdir()] == ["cifar-10-binary.tar.gz"]
    assert not (tmp_path / "escape.bin").exists()


def test_an_archive_that_is_another_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "cifar10", {"cifar-10-binary.tar.gz": cifar_archive()})
    put(tmp_path / "data", {"cifar-10-binary.tar.gz": b"something else"})
    with pytest.raises(SourceError, match=r"is not cifar-10-binary\.tar\.gz as published"):
        find("cifar10", data_dir=tmp_path / "data")
    assert not (cache_dir() / "datasets" / "cifar10").exists()


def test_cifar10_from_batches(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).integers(0, 10, (6, 5, 3073), np.uint8)
    rows[..., 0] = np.arange(30).reshape(6, 5) % 10
    files = {name: rows[place].tobytes() for place, name in enumerate(named._CIFAR)}
    folder = put(tmp_path / "data" / "cifar-10-batches-bin", files)
    found = find("cifar10", data_dir=tmp_path / "data", download=False)
    assert found.location == f"cifar10@{folder}"
    assert len(found.items) == 30


def test_neither_torch_nor_scikit_learn_is_imported() -> None:
    code = (
        "import sys; from striate.data.sources.source import find; from striate.data.split import split;"
        "from striate.data.pictures.preprocess import Preprocess; find('digits');"
        "print([name for name in ('torch', 'sklearn', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
