"""Data sets by name: ``digits`` (embedded), ``mnist``, ``fashion-mnist`` and ``cifar10``.

The files of the last three are taken from a folder (``data_dir`` or STRIATE_DATA: the folder itself, one in it called
like the data set, or where torchvision keeps them), else from the cache, else downloaded into the cache, once.

Checksums: MNIST, Fashion-MNIST and CIFAR-10 as published (their MD5s stand in torchvision's datasets/mnist.py and on
the CIFAR page); the SHA-256s here are of the files with those MD5s.
"""

from __future__ import annotations

import importlib.util
import os
import tarfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from striate.data.sources.arrays import Block, array_source
from striate.data.sources.cifar import cifar_source
from striate.data.sources.download import Progress, digest, fetch, publish
from striate.data.sources.idx import idx_source, read_idx
from striate.data.sources.items import ArraySource
from striate.data.store.cache import cache_dir
from striate.errors import DownloadError, SourceError


@dataclass(frozen=True)
class _File:
    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class _Set:
    """What a data set is published as (``files``), where, and what it is kept as (``parts``)."""

    files: tuple[_File, ...]
    urls: tuple[str, ...]
    parts: tuple[str, ...]
    elsewhere: tuple[str, ...]
    classes: tuple[str, ...] = ()
    starts: tuple[int, ...] = ()  # its first test labels, where others have files of the same names


_IDX: Final = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_CIFAR: Final = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")
_CIFAR_BATCH: Final = 10_000 * 3_073

_SETS: Final = {
    "mnist": _Set(
        (
            _File(_IDX[0] + ".gz", 9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
            _File(_IDX[1] + ".gz", 28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
            _File(_IDX[2] + ".gz", 1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
            _File(_IDX[3] + ".gz", 4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        ),
        ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
        _IDX,
        ("MNIST/raw",),
        classes=tuple("0123456789"),
        starts=(7, 2, 1, 0, 4, 1, 4, 9, 5, 9),
    ),
    "fashion-mnist": _Set(
        (
            _File(_IDX[0] + ".gz", 26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
            _File(_IDX[1] + ".gz", 29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
            _File(_IDX[2] + ".gz", 4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
            _File(_IDX[3] + ".gz", 5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
        ),
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        _IDX,
        ("FashionMNIST/raw",),
        classes=(
            "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
        ),
        starts=(9, 2, 1, 1, 6, 1, 4, 6, 5, 7),
    ),
    "cifar10": _Set(
        (
            _File(
                "cifar-10-binary.tar.gz",
                170_052_171,
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            ),
        ),
        ("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/"),
        _CIFAR,
        ("cifar-10-batches-bin", "cifar-10-binary"),
    ),
}  # fmt: skip

NAMES: Final = ("digits", *_SETS)


def named_source(
    name: str,
    *,
    data_dir: Path | None = None,
    download: bool = True,
    progress: Progress | None = None,
    folder: Path | None = None,
) -> ArraySource:
    """Return a data set by name; ``folder`` says where its files are, and nowhere else is looked.

    Errors: DownloadError saying which file to put where; SourceError for files that are not what they should be.
    Example: ``named_source("digits").label_names`` is ``("0", ..., "9")``.
    """
    if name == "digits":
        return _digits()
    wanted = _SETS[name]
    kept = cache_dir() / "datasets" / name
    places = [folder] if folder is not None else _places(name, wanted, data_dir)
    for place in places:
        if (paths := _complete(place, wanted.parts)) and _is(name, wanted, paths):
            return _opened(name, wanted, paths, location=f"{name}@{place}")
    archives = [place / wanted.files[0].name for place in places if name == "cifar10"]
    archive = next((path for path in archives if path.is_file()), None)
    if folder is not None and archive is None:
        raise SourceError(f"{folder} does not hold {name}; wanted {', '.join(wanted.parts)}, gzipped or not")
    if archive is not None:
        _unpack(archive, wanted.files[0], kept)
    paths = _complete(kept, wanted.parts)
    if not paths:
        _download(name, wanted, kept, places, download=download, progress=progress)
        paths = _complete(kept, wanted.parts)
    return _opened(name, wanted, paths, location=name)


def _places(name: str, wanted: _Set, data_dir: Path | None) -> list[Path]:
    given = data_dir or (Path(os.environ["STRIATE_DATA"]) if os.environ.get("STRIATE_DATA") else None)
    if given is None:
        return []
    given = Path(os.path.abspath(given.expanduser()))  # noqa: PTH100
    if not given.is_dir():
        raise SourceError(f"the data folder {given} is not there; name another with --data-dir, or leave it out")
    return [given / name, *(given / below for below in wanted.elsewhere), given]


def _complete(folder: Path, parts: Sequence[str]) -> list[Path]:
    """Return where every part is, gzip or not; nothing when one is missing."""
    paths = []
    for part in parts:
        found = next((path for path in (folder / part, folder / f"{part}.gz") if path.is_file()), None)
        if found is None:
            return []
        paths.append(found)
    return paths


def _is(name: str, wanted: _Set, paths: Sequence[Path]) -> bool:
    """Return False for files of another data set: those of MNIST and Fashion-MNIST are called the same."""
    if not wanted.starts:
        return True
    others = [one.starts for key, one in _SETS.items() if key != name and one.starts]
    return tuple(read_idx(paths[3], dimensions=1)[: len(wanted.starts)].tolist()) not in others


def _opened(name: str, wanted: _Set, paths: Sequence[Path], *, location: str) -> ArraySource:
    if name == "cifar10":
        return cifar_source(paths, name=name, location=location)
    return idx_source([paths[0], paths[2]], name=name, location=location, classes=wanted.classes)


def _download(
    name: str, wanted: _Set, kept: Path, places: Sequence[Path], *, download: bool, progress: Progress | None
) -> None:
    missing = [file for file in wanted.files if not (kept / file.name).is_file()]
    reason = "downloading is turned off"
    try:
        if download:
            for file in missing:
                urls = [url + file.name for url in wanted.urls]
                fetch(urls, kept / file.name, sha256=file.sha256, size=file.size, progress=progress)
            if name == "cifar10":
                _unpack(kept / wanted.files[0].name, wanted.files[0], kept)
            return
    except DownloadError as error:
        reason = str(error)
    files = ", ".join(file.name for file in missing or wanted.files)
    looked = f"not in {places[-1]} and " if places else ""
    raise DownloadError(
        f"{name} is {looked}not in {kept}: {reason}. Put {files} there by hand (from {wanted.urls[0]}),"
        " or into a folder named with --data-dir or STRIATE_DATA"
    )


def _unpack(archive: Path, file: _File, kept: Path) -> None:
    """Take CIFAR-10's batches out of their archive, each whole or not at all. Errors: DownloadError, SourceError."""
    if _complete(kept, _CIFAR):
        return
    if archive.stat().st_size != file.size or digest(archive) != file.sha256:
        raise SourceError(f"{archive} is not {file.name} as published (SHA-256 {file.sha256[:12]}…); get it again")
    try:
        kept.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                name = member.name.rpartition("/")[2]
                if not member.isreg() or not (name in _CIFAR or name == "batches.meta.txt"):
                    continue
                content = tar.extractfile(member)
                assert content is not None  # a regular file has content
                made = kept / f"{name}.{os.getpid()}.part"
                made.write_bytes(content.read(_CIFAR_BATCH + 1))
                publish(made, kept / name)
    except (tarfile.TarError, zlib.error, EOFError) as error:
        raise SourceError(f"{archive} does not unpack: {error}; remove it, it will be fetched again") from None
    except OSError as error:
        raise DownloadError(f"{file.name} cannot be unpacked into {kept}: {error.strerror or error}") from None
    if archive.parent == kept:
        archive.unlink(missing_ok=True)


def _digits() -> ArraySource:
    """Return scikit-learn's 1,797 digits, 8 x 8; their values 0..16 become (255·v + 8) // 16, so that 16 is 255.

    E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998 (its test part).
    """
    # The file lies in the package; importing the package for it would take a second or two.
    found = importlib.util.find_spec("sklearn")
    table = Path(found.origin).parent / "datasets" / "data" / "digits.csv.gz" if found and found.origin else None
    if table is not None and table.is_file():
        values = np.loadtxt(table, delimiter=",", dtype=np.int64)
        pictures, targets = values[:, :64].reshape(-1, 8, 8), values[:, 64]
    else:
        try:
            from sklearn.datasets import load_digits
        except ImportError:
            raise SourceError(
                "the data set digits comes with scikit-learn; install it: pip install scikit-learn"
            ) from None
        loaded = load_digits()
        pictures, targets = loaded.images.astype(np.int64), loaded.target.astype(np.int64)
    scaled = ((pictures * 255 + 8) // 16).astype(np.uint8)
    return array_source("digits", "digits", tuple("0123456789"), [Block(None, scaled, targets, "digits")])
