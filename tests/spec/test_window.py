"""One axis: PyTorch's formulas, and sets moved as loops would move them."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.spec.patches import Patch, missing, ranges, together, unseen, whole
from striate.spec.window import Bins, Slide, Spread, Stretch, Whole, Window, everything, gather, positions, spread, taps

WINDOWS = st.one_of(
    st.builds(
        Slide,
        st.integers(1, 5),
        st.integers(1, 4),
        st.integers(0, 3),
        st.integers(0, 3),
        st.integers(1, 3),
        st.booleans(),
    ),
    st.builds(Spread, st.integers(1, 5), st.integers(1, 4), st.integers(0, 2), st.integers(0, 2), st.integers(1, 3)),
    st.builds(Stretch, st.integers(1, 4), st.booleans()),
    st.builds(Bins, st.integers(1, 6)),
    st.just(Whole()),
)


@given(WINDOWS, st.integers(1, 20), st.data())
def test_forwards_and_backwards_are_one_relation(window: Window, n: int, data: st.DataObject) -> None:
    outputs = window.outputs(n)
    if outputs < 1:
        return
    pairs = {(out, i) for out in range(outputs) for i in positions(window.seen(n, 1 << out))}
    assert pairs == {(out, i) for i in range(n) for out in positions(window.reached(n, 1 << i))}
    needed, given_ = data.draw(st.integers(0, everything(outputs))), data.draw(st.integers(0, everything(n)))
    assert set(positions(window.seen(n, needed))) == {i for out, i in pairs if needed >> out & 1}
    assert set(positions(window.reached(n, given_))) == {out for out, i in pairs if given_ >> i & 1}
    window = window.on(n)
    if not isinstance(window, Whole):
        assert all(window.first <= i - out * window.step <= window.last for out, i in pairs)


@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 3), st.integers(1, 3), st.booleans(), st.integers(1, 30))
def test_outputs_as_pytorch_counts_them(
    kernel: int, stride: int, padding: int, dilation: int, ceil: bool, n: int
) -> None:
    # torch/include/ATen/native/Pool.h: pooling_output_shape_pad_lr
    above = n + 2 * padding - dilation * (kernel - 1) - 1 + (stride - 1 if ceil else 0)
    expected = above // stride + 1
    if ceil and (expected - 1) * stride >= n + padding:
        expected -= 1
    assert Slide(kernel, stride, padding, padding, dilation, ceil).outputs(n) == expected


@pytest.mark.parametrize(
    ("window", "n", "outputs", "formula"),
    [
        (Slide(3), 7, 5, "(7 - 3 + 2*0)/1 + 1 = 5"),
        (Slide(3, 2), 7, 3, "(7 - 3 + 2*0)/2 + 1 = 3"),
        (Slide(3, 3), 7, 2, "(7 - 3 + 2*0)/3 + 1 = 2.33"),
        (Slide(11, 4), 224, 54, "(224 - 11 + 2*0)/4 + 1 = 54.25"),
        (Slide(4, 1, 1, 2), 9, 9, "(9 - 4 + 3)/1 + 1 = 9"),
        (Slide(3, 1, 0, 0, 2), 9, 5, "(9 - (2*(3 - 1) + 1) + 2*0)/1 + 1 = 5"),
        (Spread(4, 2, 1), 7, 14, "(7 - 1)*2 + 4 - 2*1 = 14"),
        (Stretch(2), 7, 14, "7*2 = 14"),
        (Slide(1, 1, -2, -2), 9, 5, "(9 - 1 - 2*2)/1 + 1 = 5"),
        (Bins(6), 13, 6, "6"),
    ],
)
def test_formulas(window: Window, n: int, outputs: int, formula: str) -> None:
    assert window.outputs(n) == outputs
    assert window.formula(n) == formula


@given(st.sets(st.integers(0, 30)), st.integers(1, 5), st.integers(1, 6))
def test_sets_of_positions(members: set[int], step: int, count: int) -> None:
    chosen = sum(1 << i for i in members)
    assert set(positions(chosen)) == members
    assert set(positions(spread(chosen, step))) == {i * step for i in members}
    assert set(positions(gather(chosen, step))) == {i // step for i in members if i % step == 0}
    assert set(positions(taps(chosen, count, step))) == {i + step * k for i in members for k in range(count)}


PATCHES = st.lists(st.builds(Patch, st.integers(0, 15), st.integers(0, 31)), max_size=5).map(tuple)


@given(PATCHES)
def test_patches_against_sets_of_pixels(patches: tuple[Patch, ...]) -> None:
    pixels = {pixel for patch in patches for pixel in patch.pixels()}
    assert {pixel for patch in together(patches) for pixel in patch.pixels()} == pixels
    lost = missing(patches, (4, 5))
    gone = [pixel for patch in lost for pixel in patch.pixels()]
    assert len(gone) == len(set(gone))  # they do not overlap
    assert set(gone) == set(product(range(4), range(5))) - pixels
    told = unseen(lost, (4, 5))
    assert (told is None) == (not gone)
    if told:
        assert told.positions == len(gone)
        assert told.rows == tuple(r for r in range(4) if all((r, c) in gone for c in range(5)))
        assert told.columns == tuple(c for c in range(5) if all((r, c) in gone for r in range(4)))
        assert told.share == len(gone) / 20
    assert missing((whole((4, 5)),), (4, 5)) == ()


def test_numbers_in_words() -> None:
    assert ranges([]) == ""
    assert ranges([5]) == "5"
    assert ranges([1, 2, 4, 5, 6, 9]) == "1-2, 4-6, 9"
    assert ranges(range(0, 40, 2)) == "0, 2, 4, 6, 8, 10 ... 38"
