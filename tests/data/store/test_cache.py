"""The cache directory: where it is, that it stays under its cap, and that nothing in use is taken away."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from striate.data.pictures.preprocess import Preprocess
from striate.data.sources.items import ArraySource, Item
from striate.data.store import cache
from striate.data.store.cache import cache_cap, cache_dir, clear_cache, describe_cache
from striate.data.store.store import open_store
from striate.errors import StoreError

RULE = Preprocess(10, 10, 1)


def _source(name: str, number: int = 100) -> ArraySource:
    block = np.random.default_rng(len(name)).integers(0, 256, (number, 10, 10), dtype=np.uint8)
    places = np.stack([np.zeros(number, np.int64), np.arange(number)], axis=1)
    items = tuple(Item(f"train:{index}", 0) for index in range(number))
    return ArraySource(name, name, ("one",), items, blocks=(block,), rows=places, origins=(name,))


def _age(place: Path, name: str, seconds: float) -> None:
    (entry,) = (entry for entry in describe_cache(place) if entry.name == name)
    manifest = place / "store" / entry.address / cache.MANIFEST
    os.utime(manifest, (entry.last_used - seconds,) * 2)


def _names(place: Path) -> list[str]:
    return [entry.name for entry in describe_cache(place)]


def test_what_the_cache_says_of_itself(tmp_path):
    assert describe_cache(tmp_path) == ()
    kept = open_store(_source("a"), RULE, cache_dir=tmp_path)
    open_store(_source("bb", 50), RULE, cache_dir=tmp_path)
    _age(tmp_path, "bb", 60)
    first, second = describe_cache(tmp_path)
    assert (first.name, first.pictures, first.in_use) == ("a", 100, True)
    assert (second.name, second.pictures, second.in_use, second.location) == ("bb", 50, False, "bb")
    folder = tmp_path / "store" / first.address
    assert first.bytes == sum(path.stat().st_size for path in folder.iterdir()) > 100 * 100
    assert first.to_dict()["pictures"] == 100
    del kept


def test_least_recently_used_goes_first(tmp_path):
    for age, name in enumerate(["a", "bb", "ccc"]):
        open_store(_source(name), RULE, cache_dir=tmp_path)
        _age(tmp_path, name, 1000 - age)
    size = describe_cache(tmp_path)[0].bytes
    open_store(_source("a"), RULE, cache_dir=tmp_path)  # used again: now the last to go
    open_store(_source("dddd"), RULE, cache_dir=tmp_path, cap_bytes=int(size * 3.2))
    assert sorted(_names(tmp_path)) == ["a", "ccc", "dddd"]
    open_store(_source("eeeee"), RULE, cache_dir=tmp_path, cap_bytes=int(size * 2.2))
    assert _names(tmp_path) == ["eeeee", "dddd"]


def test_neither_what_is_in_use_nor_what_was_just_built_goes(tmp_path):
    kept = open_store(_source("a"), RULE, cache_dir=tmp_path)
    before = kept.store.pixels.copy()
    _age(tmp_path, "a", 10_000)
    open_store(_source("bb"), RULE, cache_dir=tmp_path)
    _age(tmp_path, "bb", 5_000)
    stored = open_store(_source("ccc"), RULE, cache_dir=tmp_path, cap_bytes=1)
    assert sorted(_names(tmp_path)) == ["a", "ccc"]
    assert clear_cache(cache_dir=tmp_path) == 0 and np.array_equal(kept.store.pixels, before)
    del kept, stored
    assert clear_cache(cache_dir=tmp_path) > 0 and _names(tmp_path) == []


def test_the_cap_from_the_environment(tmp_path, monkeypatch):
    open_store(_source("a"), RULE, cache_dir=tmp_path)
    monkeypatch.setenv("STRIATE_CACHE_CAP", "1 kB")
    open_store(_source("bb"), RULE, cache_dir=tmp_path)
    assert _names(tmp_path) == ["bb"]


@pytest.mark.parametrize(
    ("text", "size"),
    [("", 20 * 2**30), ("1000", 1000), ("500MB", 500 * 10**6), ("20 GiB", 20 * 2**30), ("1.5k", 1500), ("0", 0)],
)
def test_sizes_are_read(text, size, monkeypatch):
    monkeypatch.setenv("STRIATE_CACHE_CAP", text)
    assert cache_cap() == size


def test_a_size_that_is_none(monkeypatch):
    monkeypatch.setenv("STRIATE_CACHE_CAP", "lots")
    with pytest.raises(StoreError, match="'lots' is not a size"):
        cache_cap()


def test_clearing_by_name(tmp_path):
    for name in ("a", "bb"):
        open_store(_source(name), RULE, cache_dir=tmp_path)
    size = next(entry.bytes for entry in describe_cache(tmp_path) if entry.name == "bb")
    assert clear_cache("bb", cache_dir=tmp_path) == size
    assert _names(tmp_path) == ["a"]
    with pytest.raises(StoreError, match="no store called 'bb'; it has a"):
        clear_cache("bb", cache_dir=tmp_path)


def test_what_others_left_behind_is_swept_up_but_not_what_they_build(tmp_path):
    root = tmp_path / "store"
    left, fresh, building = (root / f"{cache.BUILDING}{name}" for name in ("left", "fresh", "building"))
    for folder in (left, fresh, building):
        folder.mkdir(parents=True)
    (left / cache.PIXELS).write_bytes(b"half")
    (building / "digests.bin").write_bytes(b"")
    with cache.being_built(building):
        os.utime(building, (0, 0))
        assert {entry.address for entry in describe_cache(tmp_path) if entry.in_use} == {fresh.name, building.name}
        open_store(_source("a"), RULE, cache_dir=tmp_path)
        assert not left.exists() and fresh.exists() and building.exists()
    os.utime(fresh, (0, 0))
    open_store(_source("bb"), RULE, cache_dir=tmp_path)
    assert sorted(_names(tmp_path)) == ["a", "bb"]


def test_where_it_is(monkeypatch, tmp_path):
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "here"))
    assert cache_dir() == tmp_path / "here"
    monkeypatch.delenv("STRIATE_CACHE")
    for platform, variable, end in (
        ("linux", "XDG_CACHE_HOME", "striate"),
        ("win32", "LOCALAPPDATA", "striate/Cache"),
    ):
        monkeypatch.setattr("sys.platform", platform)
        monkeypatch.setenv(variable, str(tmp_path / "user"))
        assert cache_dir() == tmp_path / "user" / end
        monkeypatch.delenv(variable)
        assert cache_dir().is_relative_to(Path.home())
    monkeypatch.setattr("sys.platform", "darwin")
    assert cache_dir() == Path.home() / "Library" / "Caches" / "striate"
