"""Store: what is in it is what decoding gives, whatever happened to the disk or the process before."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from striate.data.pictures.preprocess import Preprocess
from striate.data.sources.items import ArraySource, FolderSource, Item
from striate.data.store import cache, rows, store, storefile
from striate.data.store.store import channel_statistics, open_store
from striate.errors import PictureError, StoreError

RULE = Preprocess(8, 10, 3)


def _folder(root: Path, number: int = 30, *, seed: int = 0) -> FolderSource:
    root.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for index in range(number):
        path = root / f"{index:03}.png"
        if not path.exists():
            Image.fromarray(rng.integers(0, 256, (12, 11, 3), dtype=np.uint8)).save(path)
    return _found(root)


def _found(root: Path) -> FolderSource:
    items = tuple(Item(path.name, 0) for path in sorted(root.iterdir()))
    return FolderSource("pets", str(root), ("one",), items, root=root)


def _arrays(number=100, height=8, width=10, channels=3) -> ArraySource:
    shape = (number, height, width) if channels == 1 else (number, height, width, channels)
    block = np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
    places = np.stack([np.zeros(number, np.int64), np.arange(number)], axis=1)
    items = tuple(Item(f"train:{index}", 0) for index in range(number))
    return ArraySource("toys", "toys", ("one",), items, blocks=(block,), rows=places, origins=("toys",))


def _check(stored: store.Stored, rule: Preprocess = RULE) -> None:
    """The oracle: each row is what preprocessing gives for its item, each digest that of the file."""
    source, kept = stored.source, stored.store
    assert kept.pixels.dtype == np.uint8
    assert kept.pixels.shape == (len(source.items), rule.height, rule.width, rule.channels)
    assert len(kept.digests) == len(source.items)
    for index in range(len(source.items)):
        picture = source.picture(index)
        assert np.array_equal(kept.pixels[index], rule.pixels(picture))
        if isinstance(picture, bytes):
            assert kept.digests[index] == hashlib.blake2b(picture, digest_size=16).digest()


@contextlib.contextmanager
def _no_decoding():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "_block", lambda *_: pytest.fail("decoded again"))
        yield


def _home(place: Path) -> Path:
    (home,) = (path for path in (place / "store").iterdir() if not path.name.startswith("."))
    return home


def test_second_opening_never_decodes(tmp_path):
    source = _folder(tmp_path / "pets")
    seen = []
    first = open_store(source, RULE, cache_dir=tmp_path / "c", progress=lambda *given: seen.append(given))
    _check(first)
    assert seen[-1] == ("decoding", 30, 30)
    with _no_decoding():
        again = open_store(_found(tmp_path / "pets"), RULE, cache_dir=tmp_path / "c")
        # mean and std are not part of what is stored
        open_store(source, dataclasses.replace(RULE, mean=(0.5,) * 3, std=(0.1,) * 3), cache_dir=tmp_path / "c")
    _check(again)
    assert np.array_equal(first.store.pixels, again.store.pixels) and first.store.digests == again.store.digests
    with pytest.raises(ValueError, match="read-only"):
        again.store.pixels[0] = 0


@pytest.mark.parametrize(
    "other",
    [
        Preprocess(9, 10, 3),
        Preprocess(8, 9, 3),
        Preprocess(8, 10, 1),
        Preprocess(8, 10, 3, "pad"),
        Preprocess(8, 10, 3, crop_share=0.875),
        Preprocess(8, 10, 3, interpolation="bilinear"),
    ],
)
def test_another_rule_is_another_store(tmp_path, other):
    source = _folder(tmp_path / "pets", 5)
    open_store(source, RULE, cache_dir=tmp_path / "c")
    _check(open_store(source, other, cache_dir=tmp_path / "c"), other)
    assert len(list((tmp_path / "c" / "store").iterdir())) == 2


def test_a_changed_picture_is_decoded_again_and_the_others_copied(tmp_path, monkeypatch):
    source = _folder(tmp_path / "pets")
    open_store(source, RULE, cache_dir=tmp_path / "c")
    Image.new("RGB", (12, 11), (1, 2, 3)).save(tmp_path / "pets" / "007.png")
    decoded = []
    real = rows.read_picture
    monkeypatch.setattr(rows, "read_picture", lambda *given: decoded.append(1) or real(*given))
    _check(open_store(_found(tmp_path / "pets"), RULE, cache_dir=tmp_path / "c"))
    assert len(decoded) == 1
    _folder(tmp_path / "pets", 34, seed=1)
    _check(open_store(_found(tmp_path / "pets"), RULE, cache_dir=tmp_path / "c"))
    assert len(decoded) == 5
    some = _found(tmp_path / "pets").only({"003.png", "007.png", "032.png"})
    stored = open_store(some, RULE, cache_dir=tmp_path / "c")
    assert len(stored.source.items) == 3 and len(decoded) == 5
    _check(stored)


def test_broken_pictures_are_rejected_and_rows_stay_aligned(tmp_path):
    folder = tmp_path / "pets"
    _folder(folder, 200)
    broken = {"000.png": b"", "063.png": b"not a picture", "064.png": b"\x89PNG\r\n\x1a\n", "199.png": None}
    for name, content in broken.items():
        (folder / name).write_bytes((folder / name).read_bytes()[:150] if content is None else content)
    for _ in range(2):  # built, then opened
        stored = open_store(_found(folder), RULE, cache_dir=tmp_path / "c", workers=3)
        assert [one.key for one in stored.source.rejected] == sorted(broken)
        assert all(one.reason and one.bad for one in stored.source.rejected)
        assert [item.key for item in stored.source.items] == [
            f"{i:03}.png" for i in range(200) if f"{i:03}.png" not in broken
        ]
        _check(stored)


def test_nothing_decodes(tmp_path):
    folder = tmp_path / "pets"
    folder.mkdir()
    for index in range(3):
        (folder / f"{index}.png").write_bytes(b"no")
    for _ in range(2):
        stored = open_store(_found(folder), RULE, cache_dir=tmp_path / "c")
        assert stored.store.pixels.shape == (0, 8, 10, 3) and len(stored.source.rejected) == 3


def test_a_picture_that_could_not_be_read_is_tried_again(tmp_path):
    source = _folder(tmp_path / "pets", 6)

    @dataclasses.dataclass(frozen=True, eq=False)
    class Flaky(FolderSource):
        works: bool = True

        def picture(self, index: int) -> bytes:
            if index == 2 and not self.works:
                try:
                    raise PermissionError(13, "Permission denied")
                except OSError as error:
                    raise PictureError(f"cannot be read: {error.strerror}") from None
            return super().picture(index)

    def flaky(works):
        return Flaky(source.name, source.location, source.label_names, source.items, root=source.root, works=works)

    kept = open_store(flaky(False), RULE, cache_dir=tmp_path / "c")
    assert [one.key for one in kept.source.rejected] == ["002.png"]
    with _no_decoding():
        assert len(open_store(flaky(False), RULE, cache_dir=tmp_path / "c").source.items) == 5
    in_use = open_store(flaky(True), RULE, cache_dir=tmp_path / "c")
    assert len(in_use.source.items) == 5  # `kept` still uses it: what was bad stays so
    del kept, in_use
    healed = open_store(flaky(True), RULE, cache_dir=tmp_path / "c")
    assert not healed.source.rejected
    _check(healed)


@pytest.mark.parametrize("channels", [1, 3])
def test_arrays_of_the_right_size_skip_the_way_through_preprocessing(tmp_path, monkeypatch, channels):
    source, rule = _arrays(channels=channels), Preprocess(8, 10, channels)
    with monkeypatch.context() as patch:
        patch.setattr(Preprocess, "pixels", lambda *_: pytest.fail("the slow way"))
        stored = open_store(source, rule, cache_dir=tmp_path / "c")
    _check(stored, rule)  # equal to the slow way
    assert len(set(stored.store.digests)) == 100


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 12), width=st.integers(1, 12), gray=st.booleans(), channels=st.sampled_from([1, 3]),
    same=st.booleans(), resize=st.sampled_from(["crop", "stretch", "pad"]), seed=st.integers(0, 99),
)  # fmt: skip
def test_the_short_way_equals_the_long_one(height, width, gray, channels, same, resize, seed):
    shape = (height, width) if gray else (height, width, 3)
    picture = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    share = 0.875 if resize == "crop" and seed % 2 else 1.0
    rule = Preprocess(height if same else 5, width if same else 7, channels, resize, crop_share=share)
    assert np.array_equal(rows.pixels_of(picture, rule), rule.pixels(picture))


def test_arrays_of_another_size_are_resized(tmp_path):
    _check(open_store(_arrays(20, 6, 5), RULE, cache_dir=tmp_path / "c"))


def test_the_folder_is_never_written_to(tmp_path):
    folder = tmp_path / "pets"
    source = _folder(folder, 10)
    (folder / "005.png").write_bytes(b"broken")

    def state():
        return {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.iterdir()}, folder.stat().st_mtime_ns

    before = state()
    folder.chmod(0o555)
    try:
        open_store(source, RULE, cache_dir=tmp_path / "c")
    finally:
        folder.chmod(0o755)
    assert state() == before
    with pytest.raises(StoreError, match="never written to"):
        open_store(source, RULE, cache_dir=folder / "cache")
    assert state() == before


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def _longer(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


def _emptied(path: Path) -> None:
    os.truncate(path, 0)


def _holed(path: Path) -> None:
    """The right length, zeros from the middle on: a copy or a download that stopped."""
    size = path.stat().st_size
    os.truncate(path, size // 2)
    os.truncate(path, size)


@pytest.mark.parametrize("damage", [_cut, _longer, _emptied, _holed, Path.unlink])
@pytest.mark.parametrize("name", ["pixels.u8", "digests.bin", "identities.bin", "manifest.json"])
def test_a_damaged_store_is_found_and_rebuilt(tmp_path, name, damage):
    source = _folder(tmp_path / "pets", 10)
    open_store(source, RULE, cache_dir=tmp_path / "c")
    damage(_home(tmp_path / "c") / name)
    assert storefile.read(_home(tmp_path / "c")) is None
    _check(open_store(source, RULE, cache_dir=tmp_path / "c"))
    with _no_decoding():
        _check(open_store(source, RULE, cache_dir=tmp_path / "c"))
    assert len(list((tmp_path / "c" / "store").iterdir())) == 1


def test_a_manifest_of_another_size_is_found(tmp_path):
    source = _folder(tmp_path / "pets", 10)
    open_store(source, RULE, cache_dir=tmp_path / "c")
    manifest = _home(tmp_path / "c") / "manifest.json"
    text = manifest.read_text()
    assert '"shape": [8, 10, 3]' in text
    manifest.write_text(text.replace('"shape": [8, 10, 3]', '"shape": [10, 8, 3]'))
    assert storefile.read(manifest.parent) is None
    manifest.write_text("[1, 2]")
    assert storefile.read(manifest.parent) is None


BUILDER = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    from striate.data.sources.items import FolderSource, Item
    from striate.data.pictures.preprocess import Preprocess
    from striate.data.store.store import open_store

    class Slow(FolderSource):
        def picture(self, index):
            time.sleep(0.002)
            return super().picture(index)

    root, place = Path(sys.argv[1]), Path(sys.argv[2])
    items = tuple(Item(path.name, 0) for path in sorted(root.iterdir()))
    source = Slow("pets", str(root), ("one",), items, root=root)
    print("ready", flush=True)
    if len(sys.argv) > 3:
        sys.stdin.readline()
    stored = open_store(source, Preprocess(8, 10, 3), cache_dir=place, workers=2)
    print(len(stored.store.pixels), int(stored.store.pixels.sum()), flush=True)
""")


def _builder(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", BUILDER, *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_killed_at_random_points(tmp_path):
    source = _folder(tmp_path / "pets", 200)
    rng = random.Random(0)
    for _ in range(5):
        with _builder(tmp_path / "pets", tmp_path / "c") as process:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            time.sleep(rng.uniform(0.0, 0.25))
            process.kill()
        for path in (tmp_path / "c" / "store").glob("[!.]*"):
            assert storefile.read(path) is not None  # what has its name is whole
            shutil.rmtree(path)
    _check(open_store(source, RULE, cache_dir=tmp_path / "c"))
    assert [path.name for path in (tmp_path / "c" / "store").iterdir()] == [_home(tmp_path / "c").name]  # all swept up


def test_builders_at_once(tmp_path):
    source = _folder(tmp_path / "pets", 100)
    builders = [_builder(tmp_path / "pets", tmp_path / "c", "wait") for _ in range(3)]
    for process in builders:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    answers = [process.communicate("go\n")[0] for process in builders]
    assert all(process.returncode == 0 for process in builders)
    with _no_decoding():
        stored = open_store(source, RULE, cache_dir=tmp_path / "c")
    _check(stored)
    assert set(answers) == {f"100 {int(stored.store.pixels.sum())}\n"}
    assert len(list((tmp_path / "c" / "store").iterdir())) == 1


def test_builders_at_once_in_threads_over_a_damaged_store(tmp_path):
    source = _folder(tmp_path / "pets", 20)
    open_store(source, RULE, cache_dir=tmp_path / "c")
    _cut(_home(tmp_path / "c") / "pixels.u8")
    results, barrier = [], threading.Barrier(4)

    def build():
        barrier.wait()
        results.append(open_store(source, RULE, cache_dir=tmp_path / "c"))

    threads = [threading.Thread(target=build) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    for stored in results:
        _check(stored)


def test_an_interrupted_build_leaves_nothing(tmp_path):
    def stop(_text, done, _total):
        if done >= 64:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_store(_folder(tmp_path / "pets", 100), RULE, cache_dir=tmp_path / "c", progress=stop)
    assert list((tmp_path / "c" / "store").iterdir()) == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("striate-decode")]


def test_a_full_disk(tmp_path):
    """A limit on the size of files fails the write as a full disk does (EFBIG in place of ENOSPC)."""
    resource = pytest.importorskip("resource")
    source = _folder(tmp_path / "pets", 100)
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, old[1]))
    try:
        with pytest.raises(StoreError, match=r"nothing was kept.*STRIATE_CACHE"):
            open_store(source, RULE, cache_dir=tmp_path / "c")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert list((tmp_path / "c" / "store").iterdir()) == []
    _check(open_store(source, RULE, cache_dir=tmp_path / "c"))


def test_too_little_room_is_said_before_decoding(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    source = _folder(tmp_path / "pets", 10)
    with _no_decoding(), pytest.raises(StoreError, match=r"need 2,400 bytes and .* has 1,000 free"):
        open_store(source, RULE, cache_dir=tmp_path / "c")


def test_a_cache_that_cannot_be_written(tmp_path):
    (tmp_path / "c").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="set STRIATE_CACHE"):
        open_store(_folder(tmp_path / "pets", 3), RULE, cache_dir=tmp_path / "c")


@settings(max_examples=30, deadline=None)
@given(number=st.integers(1, 40), channels=st.sampled_from([1, 3]), seed=st.integers(0, 99), chosen=st.data())
def test_statistics_are_those_of_numpy(number, channels, seed, chosen):
    pixels = np.random.default_rng(seed).integers(0, 256, (number, 3, 4, channels), dtype=np.uint8)
    indices = chosen.draw(st.lists(st.integers(0, number - 1), min_size=1, unique=True))
    mean, std = channel_statistics(pixels, indices)
    values = pixels[indices].reshape(-1, channels) / 255
    assert np.allclose(mean, values.mean(axis=0), rtol=1e-12)
    assert np.allclose(std, values.std(axis=0), rtol=1e-9)
    assert (mean, std) == channel_statistics(pixels, indices[::-1])


def test_statistics_are_exact_over_many_chunks_and_never_zero():
    pixels = np.full((300, 40, 40, 3), 7, np.uint8)
    pixels[::2, :, :, 1] = 9
    mean, std = channel_statistics(pixels, range(300))
    assert mean == (7 / 255, 8 / 255, 7 / 255)
    assert std == (1 / 255, 1 / 255, 1 / 255)
    with pytest.raises(StoreError, match="no pictures"):
        channel_statistics(pixels, [])


def test_decoding_holds_a_few_blocks_and_no_more(tmp_path):
    source = _folder(tmp_path / "pets", 64)
    items = source.items * 16  # 1024 pictures of 64 KiB
    many = dataclasses.replace(source, items=items)
    tracemalloc.start()
    stored = open_store(many, Preprocess(148, 148, 3), cache_dir=tmp_path / "c", workers=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert stored.store.pixels.nbytes > 64 * 10**6
    assert peak < 5 * 4.5 * 2**20  # two blocks of 4 MiB a worker, one being written


def test_a_hundred_thousand_items_open_quickly(tmp_path):
    source = _arrays(100_000, 2, 2, 1)
    rule = Preprocess(2, 2, 1)
    open_store(source, rule, cache_dir=tmp_path / "c")
    began = time.process_time()
    with _no_decoding():
        assert len(open_store(source, rule, cache_dir=tmp_path / "c").store.digests) == 100_000
    assert time.process_time() - began < 3  # a quarter of a second alone; other processes share the machine


@pytest.mark.slow
def test_cifar10_folder(shared, tmp_path):
    """20,000 JPEGs: timings are printed, not asserted."""
    torch = pytest.importorskip("torch")
    from striate.data.batches.loader import batches

    root = shared / "data" / "cifar10-folder" / "train"
    paths = sorted(root.rglob("*.jpg")) or sorted(path for path in root.rglob("*") if path.is_file())
    items = tuple(Item(path.relative_to(root).as_posix(), 0) for path in paths)
    source, rule = FolderSource("cifar10", str(root), ("one",), items, root=root), Preprocess(32, 32, 3)
    for what in ("decoded", "opened"):
        began = time.perf_counter()
        stored = open_store(source, rule, cache_dir=tmp_path / "c")
        print(f"\n{len(items)} pictures {what} in {time.perf_counter() - began:.2f} s", end="")
    _check(dataclasses.replace(stored, source=stored.source, store=stored.store), rule)
    began, waited, weight = time.perf_counter(), 0.0, torch.randn(32, 3, 3, 3)
    for batch in batches(stored.store, np.zeros(len(items)), range(len(items)), batch_size=512, shuffle=True):
        waited += batch.waited
        torch.nn.functional.conv2d(batch.pixels.float(), weight)
    total = time.perf_counter() - began
    print(f"\nan epoch of one convolution {total:.2f} s, waited {waited:.3f} s ({100 * waited / total:.1f} %)")


def test_cache_module_is_light():
    code = "import sys, striate.data.store.cache; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    code = "import sys, striate.data.store.store; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert cache.PIXELS == "pixels.u8"
