"""The split: leak-proof, stable, stratified in expectation, with the source's own parts honoured."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from striate.data.sources.items import FolderSource, Item
from striate.data.sources.source import find
from striate.data.split import Split, split
from striate.data.strata import Strata
from striate.errors import SourceError

SEEDS = st.integers(0, 2**63 - 1)


def source(
    targets: Sequence[int], parts: Sequence[str | None] | None = None, classes: int | None = None
) -> FolderSource:
    names = tuple(f"class{number}" for number in range(classes or max(targets, default=0) + 1))
    items = tuple(
        Item(f"{number}.jpg", target, parts[number] if parts else None) for number, target in enumerate(targets)
    )
    return FolderSource("made", "/made", names, items, root=Path("/made"))


def digest(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()


def where(made: Split) -> dict[int, str]:
    parts = {"train": made.train, "val": made.val, "test": made.test, "left_out": made.left_out}
    return {index: name for name, part in parts.items() for index in part}


# Pictures as (class, content): equal contents are duplicates, also across classes.
PICTURES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60)), min_size=12, max_size=120)


def made(pictures: Sequence[tuple[int, int]], **options: object) -> Split:
    classes = sorted({one for one, _ in pictures})
    targets = [classes.index(one) for one, _ in pictures]
    return split(source(targets), [digest(two) for _, two in pictures], **options)


@given(PICTURES, SEEDS)
def test_every_picture_is_in_one_part_and_equal_ones_are_in_the_same(
    pictures: list[tuple[int, int]], seed: int
) -> None:
    got = made(pictures, seed=seed)
    places = where(got)
    assert sorted(places) == list(range(len(pictures)))
    assert len(got.train) + len(got.val) + len(got.test) == len(pictures)
    sides: dict[int, set[str]] = {}
    for index, (_, content) in enumerate(pictures):
        sides.setdefault(content, set()).add(places[index])
    assert all(len(side) == 1 for side in sides.values())
    assert got.left_out == ()
    assert all(list(part) == sorted(part) for part in (got.train, got.val, got.test))


@given(PICTURES, SEEDS)
def test_every_class_trains_however_its_pictures_are_shared(pictures: list[tuple[int, int]], seed: int) -> None:
    trained = {pictures[index][0] for index in made(pictures, seed=seed).train}
    assert trained == {one for one, _ in pictures}


@given(PICTURES, SEEDS, st.randoms(use_true_random=False))
def test_order_and_names_do_not_matter(pictures: list[tuple[int, int]], seed: int, random) -> None:
    before = where(made(pictures, seed=seed))
    order = list(range(len(pictures)))
    random.shuffle(order)
    after = where(made([pictures[index] for index in order], seed=seed))
    assert all(after[place] == before[index] for place, index in enumerate(order))


@given(SEEDS, st.integers(0, 10**9), st.lists(st.integers(0, 2), min_size=1, max_size=60))
def test_adding_pictures_moves_no_old_one(seed: int, salt: int, added: list[int]) -> None:
    targets = [number % 3 for number in range(240)]
    digests = [digest(salt + number) for number in range(240 + len(added))]
    old = split(source(targets), digests[:240], seed=seed)
    labels = [{index % 3 for index in part} for part in (old.train, old.val, old.test)]
    assume(all(len(label) == 3 for label in labels))  # what is promised: every class has pictures in every part
    before, after = where(old), where(split(source(targets + added), digests, seed=seed))
    assert all(after[index] == part for index, part in before.items())


@given(SEEDS, st.lists(st.integers(3, 12), min_size=2, max_size=5))
def test_three_pictures_are_enough_for_every_part(seed: int, sizes: list[int]) -> None:
    targets = [target for target, size in enumerate(sizes) for _ in range(size)]
    got = split(source(targets), [digest(number) for number in range(len(targets))], seed=seed)
    for part in (got.train, got.val, got.test):
        assert {targets[index] for index in part} == set(range(len(sizes)))


@given(SEEDS, st.integers(1, 2))
def test_one_or_two_pictures_train_first(seed: int, size: int) -> None:
    targets = [0] * size + [1] * 10
    got = split(source(targets), [digest(number) for number in range(len(targets))], seed=seed)
    assert any(index < size for index in got.train)


def test_shares_hold_in_every_class() -> None:
    targets = [0] * 20_000 + [1] * 2_000
    got = split(source(targets), [digest(number) for number in range(22_000)], seed=7, val=0.1, test=0.15)
    for low, high in ((0, 20_000), (20_000, 22_000)):
        for part, share in ((got.val, 0.1), (got.test, 0.15), (got.train, 0.75)):
            number = sum(low <= index < high for index in part)
            spread = (share * (1 - share) * (high - low)) ** 0.5
            assert abs(number - share * (high - low)) < 4 * spread


def test_the_seed_matters_and_is_all_that_does() -> None:
    digests = [digest(number) for number in range(300)]
    made_by = [split(source([number % 2 for number in range(300)]), digests, seed=seed) for seed in (0, 0, 1)]
    assert made_by[0] == made_by[1] != made_by[2]


def test_the_split_is_frozen() -> None:
    """The same seed and pictures give the same split in every version, or runs could not be compared."""
    got = split(source([number % 2 for number in range(40)]), [digest(number) for number in range(40)], seed=0)
    assert hashlib.sha256(repr((got.train, got.val, got.test)).encode()).hexdigest()[:16] == "6b124cf67e77a13a"


def test_no_val_or_no_test_on_request() -> None:
    targets, digests = [0, 1] * 50, [digest(number) for number in range(100)]
    assert split(source(targets), digests, seed=0, val=0.0).val == ()
    assert split(source(targets), digests, seed=0, test=0.0).test == ()
    assert len(split(source(targets), digests, seed=0, val=0, test=0).train) == 100


def test_parts_of_the_source_are_honoured() -> None:
    targets = [0, 1] * 100
    digests = [digest(number) for number in range(200)]
    parts: list[str | None] = ["train"] * 150 + ["test"] * 50
    got = split(source(targets, parts), digests, seed=0)
    assert got.test == tuple(range(150, 200))
    assert 5 <= len(got.val) <= 27
    assert len(got.train) + len(got.val) == 150
    parts = ["train"] * 150 + ["val"] * 50
    got = split(source(targets, parts), digests, seed=0)
    assert got.val == tuple(range(150, 200))
    assert 8 <= len(got.test) <= 38
    parts = ["train"] * 100 + ["val"] * 50 + ["test"] * 50
    got = split(source(targets, parts), digests, seed=0)
    assert (got.train, got.val, got.test) == (tuple(range(100)), tuple(range(100, 150)), tuple(range(150, 200)))
    parts = ["train"] * 200
    assert split(source(targets, parts), digests, seed=0) == split(source(targets), digests, seed=0)


def test_copies_of_test_and_val_pictures_are_left_out_of_training() -> None:
    targets = [0, 1] * 6
    parts: list[str | None] = ["train"] * 8 + ["val"] * 2 + ["test"] * 2
    contents = [0, 1, 2, 3, 4, 5, 10, 8, 8, 10, 10, 11]  # 6 (and val's 9) copy test's 10, 7 copies val's 8
    got = split(source(targets, parts), [digest(number) for number in contents], seed=0)
    assert got.test == (10, 11)
    assert got.val == (8,)
    assert got.left_out == (6, 7, 9)
    assert got.train == (0, 1, 2, 3, 4, 5)


@given(PICTURES, SEEDS, st.data())
@settings(max_examples=60)
def test_no_content_is_on_two_sides_with_parts_of_the_source(pictures: list[tuple[int, int]], seed: int, data) -> None:
    parts = data.draw(
        st.lists(st.sampled_from(["train", "test", "val", None]), min_size=len(pictures), max_size=len(pictures))
    )
    try:
        got = split(source([one for one, _ in pictures], parts, 4), [digest(two) for _, two in pictures], seed=seed)
    except SourceError as error:
        assert "has no picture to train on" in str(error)
        return
    contents = [{pictures[index][1] for index in part} for part in (got.train, got.val, got.test)]
    assert not contents[0] & contents[1]
    assert not contents[0] & contents[2]
    assert not contents[1] & contents[2]
    assert sorted(where(got)) == list(range(len(pictures)))


def test_unlabelled_pictures_go_nowhere() -> None:
    targets = [0, 1, -1] * 20
    got = split(source(targets), [digest(number) for number in range(60)], seed=0)
    assert sorted(where(got)) == [index for index in range(60) if targets[index] >= 0]


def test_a_class_without_training_pictures_is_an_error() -> None:
    digests = [digest(number) for number in (0, 1, 2, 0)]
    with pytest.raises(
        SourceError, match=r"'class0' has no picture to train on \(of 2: 1 test, 1 left out, for they equal"
    ):
        split(source([0, 1, 1, 0], ["train", "train", "test", "test"]), digests, seed=0)
    with pytest.raises(SourceError, match=r"'class2' has no picture to train on \(of 0: none can be read\)"):
        split(source([0, 1, 0, 1], classes=3), [digest(number) for number in range(4)], seed=0)


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="1 digests for 2 items"):
        split(source([0, 1]), [b""], seed=0)
    with pytest.raises(ValueError, match="must leave something to train on"):
        split(source([0, 1]), [b"", b""], seed=0, val=0.5, test=0.5)


def test_flowers(shared: Path) -> None:
    found = find(shared / "data" / "flowers5")
    digests = [hashlib.sha256(found.picture(index)).digest() for index in range(len(found.items))]
    got = split(found, digests, seed=0)
    assert len(digests) - len(set(digests)) == 6
    places = where(got)
    first: dict[bytes, int] = {}
    across = 0
    for index, one in enumerate(digests):
        other = first.setdefault(one, index)
        assert places[index] == places[other]
        across += found.items[index].target != found.items[other].target
    assert across >= 3
    for target, name in enumerate(found.label_names):
        mine = [index for index, item in enumerate(found.items) if item.target == target]
        assert 0.10 < np.mean([places[index] == "test" for index in mine]) < 0.20, name
        assert 0.06 < np.mean([places[index] == "val" for index in mine]) < 0.14, name


def tagged(there: np.ndarray) -> FolderSource:
    items = tuple(Item(f"{row}.jpg", tuple(map(float, tags))) for row, tags in enumerate(there.tolist()))
    names = tuple(f"tag {t}" for t in range(there.shape[1]))
    return FolderSource("tags", "/tags", names, items, root=Path("/tags"), kind="tags")


def test_tags_have_their_share_of_every_part_the_rare_ones_too() -> None:
    generator = np.random.default_rng(0)
    there = generator.random((400, 6)) < [0.5, 0.3, 0.2, 0.1, 0.0, 0.0]
    there[:8, 4] = True
    there[4:16, 5] = True
    digests = [hashlib.blake2b(str(row).encode(), digest_size=16).digest() for row in range(400)]
    source, strata = tagged(there), Strata(there, np.ones(400, bool), noun="tag")
    for seed in range(3):
        parts = split(source, digests, seed=seed, val=0.1, test=0.25, strata=strata)
        assert sorted((*parts.train, *parts.val, *parts.test)) == list(range(400))
        for part, share in ((parts.train, 0.65), (parts.val, 0.1), (parts.test, 0.25)):
            counts = there[list(part)].sum(axis=0)
            assert counts == pytest.approx(share * there.sum(axis=0), abs=max(2.0, 0.05 * there.sum()))
            assert (counts[:4] > 0).all() and counts[5] > 0
    turned = split(tagged(there[::-1]), digests[::-1], seed=0, strata=Strata(there[::-1], np.ones(400, bool)))
    plain = split(source, digests, seed=0, strata=strata)
    assert sorted(399 - row for row in turned.test) == list(plain.test)
    assert plain.test != split(source, digests, seed=1, strata=strata).test


def test_copies_of_tagged_pictures_stay_on_one_side() -> None:
    there = np.arange(60).reshape(30, 2) % 3 == 0
    digests = [bytes([row // 2]) * 16 for row in range(30)]
    parts = split(tagged(there), digests, seed=0, val=0.2, test=0.3, strata=Strata(there, np.ones(30, bool)))
    for part in (parts.train, parts.val, parts.test):
        assert all((row ^ 1) in part for row in part)
