"""An index follows its folder: what is new is looked at, and nothing else; what was made is never lost."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.models import model_file

from striate.errors import SearchError
from striate.search import index_files
from striate.search.embedder import Embedder
from striate.verbs import embedder, indexing
from striate.verbs.index import Indexed, index, open_index
from striate.verbs.workspace import Workspace

NET = "conv 8 3x3 pad 1 >> relu >> maxpool 2 >> conv 6 3x3 pad 1 >> relu >> globalavgpool >> flatten >> dense"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for number in range(9):
        path = folder / "abc"[number % 3] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        draw = np.random.default_rng(number)
        Image.fromarray(draw.integers(0, 256, (12, 16, 3), np.uint8)).save(path)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(model_file(tmp_path / "m.safetensors", NET))


def made(photos: Path, model: str, **options: object) -> Indexed:
    return index(photos, photos.parent / "i", model=model, **options)  # type: ignore[arg-type]


def counts(found: Indexed) -> tuple[int, int, int, int]:
    return len(found.index), found.made, found.moved, found.gone


def test_only_what_has_changed_is_looked_at_again(photos: Path, model: str) -> None:
    first = made(photos, model)
    assert counts(first) == (9, 9, 0, 0)
    assert list(first.index.paths) == sorted(first.index.paths)
    assert counts(made(photos, model)) == (9, 0, 0, 0)
    vectors = dict(zip(first.index.paths, np.array(first.index.vectors), strict=True))
    (photos / "a" / "0.png").rename(photos / "moved.png")
    shutil.copy(photos / "b" / "1.png", photos / "c" / "copy.png")
    (photos / "c" / "2.png").unlink()
    Image.new("RGB", (30, 20), (9, 200, 9)).save(photos / "a" / "3.png")
    second = made(photos, model)
    assert counts(second) == (9, 1, 2, 2)
    now = dict(zip(second.index.paths, np.array(second.index.vectors), strict=True))
    np.testing.assert_array_equal(now["moved.png"], vectors["a/0.png"])
    np.testing.assert_array_equal(now["c/copy.png"], vectors["b/1.png"])
    np.testing.assert_array_equal(now["b/4.png"], vectors["b/4.png"])
    assert not np.array_equal(now["a/3.png"], vectors["a/3.png"])
    row = second.index.pictures[second.index.paths.index("a/3.png")]
    assert (int(row["height"]), int(row["width"])) == (20, 30)
    whole = index(photos, photos.parent / "other", model=model).index
    np.testing.assert_array_equal(whole.vectors, second.index.vectors)
    np.testing.assert_array_equal(whole.pictures, second.index.pictures)


def test_what_cannot_be_read_is_said_and_not_tried_each_time(photos: Path, model: str) -> None:
    (photos / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    first = made(photos, model)
    assert counts(first) == (9, 9, 0, 0)
    assert [one.path for one in first.index.unread] == ["broken.png"] and first.index.unread[0].reason
    again = made(photos, model)
    assert [one.path for one in again.index.unread] == ["broken.png"]
    Image.new("RGB", (16, 12), (9, 200, 9)).save(photos / "broken.png")
    assert counts(made(photos, model)) == (10, 1, 0, 0)


def test_what_was_made_before_a_stop_is_kept(photos: Path, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(what: str, done: int, total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(photos, model, workspace=Workspace(progress=stop))
    assert len(index_files.read(photos.parent / "i")) == 4
    assert counts(made(photos, model)) == (9, 5, 0, 0)


def test_it_is_kept_on_the_way(photos: Path, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "KEPT_EVERY", -1.0)
    seen = []

    def look(what: str, done: int, total: int) -> None:
        if done > 1:
            seen.append(len(index_files.read(photos.parent / "i")))

    made(photos, model, workspace=Workspace(progress=look))
    assert seen == list(range(1, 9))


def test_what_was_moved_is_not_lost_where_an_update_is_stopped(photos: Path, model: str) -> None:
    first = made(photos, model).index
    (photos / "a").rename(photos / "z")

    def stop(what: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(photos, model, workspace=Workspace(progress=stop))
    assert counts(made(photos, model)) == (9, 0, 2, 3), "one was known when it was stopped, and none is made anew"
    again = made(photos, model)
    assert counts(again) == (9, 0, 0, 0) and sorted(again.index.paths) == list(again.index.paths)
    np.testing.assert_array_equal(again.index.vectors[-3:], first.vectors[:3])


def test_a_file_that_could_not_be_opened_is_tried_again(
    photos: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = indexing.read_bytes

    def refused(path: Path, *, limit: int) -> bytes:
        if path.name == "0.png":
            raise PermissionError(13, "Permission denied")
        return real(path, limit=limit)

    monkeypatch.setattr(indexing, "read_bytes", refused)
    first = made(photos, model)
    assert counts(first) == (8, 8, 0, 0) and "Permission denied" in first.index.unread[0].reason
    monkeypatch.undo()
    assert counts(made(photos, model)) == (9, 1, 0, 0)


def test_what_a_cut_off_making_left_is_gone_on_with(photos: Path, model: str) -> None:
    place = made(photos, model).folder
    (place / "index.json").unlink()
    (place / ".vectors-1.npy.ab.tmp").write_bytes(b"half")
    assert counts(made(photos, model)) == (9, 9, 0, 0)


def test_a_model_of_the_same_name_that_was_trained_anew_is_another(
    photos: Path, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    first, place = index(photos, model=model), made(photos, model).folder
    model_file(tmp_path / "m.safetensors", NET, temperature=0.9)
    second = index(photos, model=model)
    assert second.folder != first.folder and second.made == 9
    with pytest.raises(SearchError, match="as it is now do not compare"):
        open_index(place, model)


def test_parts_are_kept_by_whoever_does_not_ask_for_them(photos: Path, model: str) -> None:
    made(photos, model, parts=True)
    again = made(photos, model)
    assert counts(again) == (9, 0, 0, 0) and again.index.parts is not None


def test_parts_are_the_places_of_the_map(photos: Path, model: str) -> None:
    plain, parts = made(photos, model), made(photos, model, parts=True)
    assert counts(parts) == (9, 9, 0, 0) and plain.index.parts is None
    assert parts.index.parts is not None and parts.index.parts.shape == (9, 6, 8, 6)
    means = parts.index.parts.astype(np.float32).mean(axis=(1, 2))
    np.testing.assert_allclose(means, parts.index.vectors, atol=2e-3)


def test_directions_come_from_the_first_pictures_where_the_model_has_none(
    photos: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = made(photos, model).index
    of = embedder.open_embedder

    def bare(*given: object) -> Embedder:
        found = of(*given)  # type: ignore[arg-type]
        return replace(found, projection=np.zeros((6, 0), np.float32))

    monkeypatch.setattr(embedder, "open_embedder", bare)
    monkeypatch.setattr(indexing, "FIRST", 5)
    found = index(photos, photos.parent / "j", model=model, parts=True).index
    width = found.embedder.projection.shape[1]
    assert 1 <= width <= 4 and found.vectors.shape == (9, width)
    np.testing.assert_allclose(found.vectors, plain.vectors @ found.embedder.projection, atol=5e-3)
    again = index(photos, photos.parent / "j", model=model, parts=True)
    assert counts(again) == (9, 0, 0, 0)


def test_refusals(photos: Path, model: str, tmp_path: Path) -> None:
    with pytest.raises(SearchError, match="no folder"):
        index(tmp_path / "nothing", model=model)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SearchError, match="holds no picture"):
        index(tmp_path / "empty", model=model)
    with pytest.raises(SearchError, match="only read"):
        index(photos, photos / "i", model=model)
    before = {path: path.stat().st_mtime_ns for path in photos.rglob("*")}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(SearchError, match="no index"):
        index(photos, tmp_path / "mine", model=model)
    made(photos, model)
    other = model_file(tmp_path / "n.safetensors", NET.replace("conv 6", "conv 5"))
    with pytest.raises(SearchError, match="do not compare"):
        made(photos, str(other))
    (tmp_path / "else").mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "else" / "1.png")
    with pytest.raises(SearchError, match="is the index of"):
        index(tmp_path / "else", photos.parent / "i", model=model)
    assert {path: path.stat().st_mtime_ns for path in photos.rglob("*")} == before
    lock = index_files.locked(photos.parent / "i")
    with pytest.raises(SearchError, match="another process"):
        made(photos, model)
    lock.release()
    (photos.parent / "k").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    with pytest.raises(SearchError, match=r"none of 1 picture.* can be read"):
        index(tmp_path / "bad", tmp_path / "k", model=model)


def test_an_index_is_taken_as_it_is_and_a_folder_is_brought_up_to_date(
    photos: Path, model: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    place = made(photos, model).folder
    (photos / "a" / "0.png").unlink()
    assert len(open_index(place).index) == 9
    assert len(open_index(photos, model).index) == 8
    assert len(list((tmp_path / "cache" / "index").iterdir())) == 1
    with pytest.raises(SearchError, match="no parts"):
        open_index(place, parts=True)
