"""What the others say of a picture: exactly what is said when it, and its copies, are left out."""

from __future__ import annotations

import numpy as np

from striate.search.kernel_answers import answered, kernel, left_out, seen


def vectors(count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 3
    raw = rng.random((count, 12)) + (labels[:, None] == np.arange(12) % 3)
    return seen(raw.astype(np.float16), (8, 4)), labels


def test_a_picture_with_itself_is_one() -> None:
    made, _ = vectors()
    assert np.allclose(np.diag(kernel(made, made)), 1, atol=1e-5)


def test_what_is_left_out_is_what_the_others_say() -> None:
    made, labels = vectors()
    groups = np.arange(len(labels))
    groups[[7, 21, 30]] = 7
    alike = kernel(made, made)
    found = left_out(alike, labels, 3, groups)
    usual = np.eye(3)[labels].mean(axis=0)
    for row in (0, 7, 21, 39):
        others = np.flatnonzero(groups != groups[row])
        said = answered(alike[np.ix_(others, others)], labels[others], 3, alike[np.ix_([row], others)])
        # The mean is that of all pictures, which is taken away once for all of them.
        drift = usual - np.eye(3)[labels[others]].mean(axis=0)
        assert np.abs(found[row] - said[0]).max() <= np.abs(drift).max() + 1e-4


def test_a_copy_does_not_give_a_label_away() -> None:
    made, labels = vectors()
    made[1], wrong = made[0], labels.copy()
    wrong[:2] = 2  # of the class 0
    alone = left_out(kernel(made, made), wrong, 3, np.arange(len(labels)))
    together = left_out(kernel(made, made), wrong, 3, np.maximum(np.arange(len(labels)), 1))
    assert alone[0, 2] > together[0, 2] + 0.1
