"""An index is whole or not there, says what is wrong with it, and is never of two things at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.models import model_file

from striate.errors import SearchError
from striate.search import index_files
from striate.search.index_files import ROW, Index, Unread
from striate.verbs.embedder import open_embedder

NET = "conv 4 3x3 pad 1 >> relu >> conv 6 3x3 pad 1 >> relu >> globalavgpool >> flatten >> dense"


@pytest.fixture
def index(tmp_path: Path) -> Index:
    embedder = open_embedder(model_file(tmp_path / "m.safetensors", NET))
    draw = np.random.default_rng(0)
    return Index(
        "/photos",
        ("a.png", "b/ü.png"),
        draw.normal(size=(2, 6)).astype(np.float16),
        np.array([(b"d" * 16, 5, 6, 7, 8), (b"e" * 16, 9, 10, 11, 12)], ROW),
        np.arange(6, dtype=np.float32),
        embedder,
        draw.normal(size=(2, 12, 16, 6)).astype(np.float16),
        (Unread("c.png", "broken", 1, 2),),
    )


def test_it_reads_as_it_was_written_and_is_mapped(index: Index, tmp_path: Path) -> None:
    folder = tmp_path / "i"
    folder.mkdir()
    index_files.write(folder, index)
    found = index_files.read(folder)
    assert found.paths == index.paths and found.unread == index.unread and found.folder == "/photos"
    np.testing.assert_array_equal(found.vectors, index.vectors)
    np.testing.assert_array_equal(found.pictures, index.pictures)
    np.testing.assert_array_equal(found.centre, index.centre)
    assert found.parts is not None and isinstance(found.vectors, np.memmap)
    np.testing.assert_array_equal(found.parts, index.parts)  # type: ignore[arg-type]
    index_files.verify(folder)


def test_what_was_is_removed_after_and_whoever_has_it_open_keeps_it(index: Index, tmp_path: Path) -> None:
    folder = tmp_path / "i"
    folder.mkdir()
    index_files.write(folder, index)
    before = index_files.read(folder)
    index_files.write(folder, replace(index, paths=("a.png",), vectors=index.vectors[:1], pictures=index.pictures[:1]))
    assert len(list(folder.glob("vectors-*.npy"))) == 1
    np.testing.assert_array_equal(before.vectors, index.vectors)
    assert len(index_files.read(folder)) == 1


@pytest.mark.parametrize("name", ["vectors-*.npy", "pictures-*.npy", "paths-*.json", "embedder.onnx", "projection.npy"])
def test_every_byte_counts(index: Index, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "i"
    folder.mkdir()
    index_files.write(folder, index)
    (path,) = folder.glob(name)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(SearchError, match="not as it was written"):
        index_files.verify(folder)
    path.write_bytes(content[:-1])
    with pytest.raises(SearchError, match="damaged"):
        index_files.read(folder)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "does not read"),
        ("[]", "is none"),
        ('{"files": {}, "format": 9}', "format 9"),
        ('{"files": {}, "format": 1}', "is gone"),
    ],
)
def test_an_index_that_is_none_says_so(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SearchError, match=r"has no index\.json"):
        index_files.read(tmp_path)
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(SearchError, match=said):
        index_files.read(tmp_path)


def test_a_file_elsewhere_is_not_opened(index: Index, tmp_path: Path) -> None:
    folder = tmp_path / "i"
    folder.mkdir()
    index_files.write(folder, index)
    said = folder / "index.json"
    (vectors,) = folder.glob("vectors-*.npy")
    said.write_text(said.read_text().replace(vectors.name, f"../{vectors.name}"))
    with pytest.raises(SearchError, match="no file of its own"):
        index_files.read(folder)
