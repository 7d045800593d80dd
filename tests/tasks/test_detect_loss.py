"""What boxes are learnt by: against a loop over pictures, cells and boxes, and what takes no part in it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tests.configs import config

from striate.errors import StriateError
from striate.tasks.box_rows import FRAME, LEVEL, PADDING, UNLOOKED
from striate.tasks.cells import PRIOR, Cells
from striate.tasks.detect import Detect
from striate.tasks.detect_loss import FLOOR, LONGEST, detect_loss, overlaps

CELLS = Cells(((12, 16), (6, 8), (3, 4)), (96, 128), 2)
RATE = 7.0


def targets_of(*pictures: list[tuple[float, ...]], most: int = 6) -> torch.Tensor:
    """Rows of boxes (class, left, top, right, bottom, ignored), or (UNLOOKED, class), with frame and levels."""
    rows = np.zeros((len(pictures), most + 4, 7), np.float32)
    rows[:, :, 0] = PADDING
    for at, boxes in enumerate(pictures):
        for row, box in enumerate(boxes):
            rows[at, row, : len(box)] = box
        rows[at, most, 0] = FRAME
    rows[:, most + 1 :] = [(LEVEL, *size, *CELLS.input, CELLS.classes, RATE) for size in CELLS.sizes]
    return torch.from_numpy(rows)


def drawn(seed: int, pictures: int = 3) -> torch.Tensor:
    random = np.random.default_rng(seed)
    each = []
    for _ in range(pictures):
        boxes = []
        for _ in range(int(random.integers(0, 6))):
            wide, high = np.exp(random.uniform(math.log(3), math.log(90), 2))
            x, y = random.uniform(0, 128 - wide), random.uniform(0, 96 - high)
            boxes.append((int(random.integers(2)), x, y, x + wide, y + high, float(random.random() < 0.2)))
        each.append(boxes)
    return targets_of(*each)


def iou_of(a, b):
    """IoU and generalised IoU of two boxes, by hand."""
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    common = max(w, 0) * max(h, 0)
    area = [max(x[2] - x[0], 0) * max(x[3] - x[1], 0) for x in (a, b)]
    union = sum(area) - common
    hull = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    return common / union, common / union - (hull - union) / hull


def by_hand(output: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    """The loss by loops, from the definitions: one number after the other."""
    scores = places = 0.0
    for picture, rows in zip(output.astype(float), targets.astype(float), strict=True):
        boxes = [row for row in rows if row[0] >= 0 and not row[5]]
        open_ = [row for row in rows if row[0] >= 0 and row[5]]
        unlooked = {int(row[1]) for row in rows if row[0] == UNLOOKED}
        at = 0
        for number, (height, width) in enumerate(CELLS.sizes):
            maps = picture[at : at + 6 * height * width].reshape(6, height, width)
            at += maps.size
            stride = CELLS.input[0] / height
            for i in range(height):
                for j in range(width):
                    x, y = (j + 0.5) * stride, (i + 0.5) * stride
                    wanted = []
                    for row in boxes:
                        _, left, top, right, bottom = row[:5]
                        longest = max(right - left, bottom - top)
                        level = sum(longest > LONGEST * 8 * 2**finer for finer in range(2))
                        if level != number:
                            continue
                        mx, my = (left + right) / 2, (top + bottom) / 2
                        home = min(int(mx // stride), width - 1) == j and min(int(my // stride), height - 1) == i
                        near = abs(int(mx // stride) - j) <= 1 and abs(int(my // stride) - i) <= 1
                        if home or (near and left < x < right and top < y < bottom):
                            wanted.append(((right - left) * (bottom - top), row))
                    own = min(wanted, key=lambda one: one[0])[1] if wanted else None
                    reach = np.log1p(np.exp(maps[2:, i, j])) - 0.5
                    said = [0.0] * 4
                    for axis, middle in enumerate((x, y)):
                        side = reach[axis] + reach[axis + 2]
                        half = (side if side > 0.25 else 0.25 * math.exp(side / 0.25 - 1)) / 2
                        own_middle = (reach[axis + 2] - reach[axis]) / 2
                        said[axis] = middle + (own_middle - half) * stride
                        said[axis + 2] = middle + (own_middle + half) * stride
                    for kind in range(2):
                        logit = maps[kind, i, j] + PRIOR
                        p = 1 / (1 + math.exp(-logit))
                        if own is not None and own[0] == kind:
                            iou, giou = iou_of(said, own[1:5])
                            scores += abs(iou - p) ** 2 * -(iou * math.log(p) + (1 - iou) * math.log(1 - p))
                            places += 2 * max(p, FLOOR) * (1 - giou)
                            continue
                        half = stride / 2
                        free = kind in unlooked or any(
                            row[0] == kind and row[1] - half < x < row[3] + half and row[2] - half < y < row[4] + half
                            for row in open_
                        )
                        if not free:
                            scores -= p**2 * math.log(1 - p)
    return scores / (len(output) * RATE), places / (len(output) * RATE)


@pytest.mark.parametrize("seed", range(4))
def test_it_is_what_a_loop_over_cells_comes_to(seed):
    torch.manual_seed(seed)
    output, targets = torch.randn(3, CELLS.numbers), drawn(seed)
    targets[1, 5] = torch.tensor([UNLOOKED, 1, 0, 0, 0, 0, 0])
    found = [float(one) for one in detect_loss(output, targets, "centre")]
    assert found == pytest.approx(by_hand(output.numpy(), targets.numpy()), rel=1e-4)


def test_parts_of_a_batch_add_up_to_the_whole():
    torch.manual_seed(1)
    output, targets = torch.randn(5, CELLS.numbers), drawn(7, pictures=5)
    whole = torch.stack(detect_loss(output, targets))
    parts = sum(torch.stack(detect_loss(output[a:b], targets[a:b])) * (b - a) / 5 for a, b in ((0, 2), (2, 5)))
    torch.testing.assert_close(whole, parts)


@pytest.mark.parametrize("assignment", ["centre", "aligned"])
def test_every_box_is_answered_for_and_the_gradient_is_finite_in_bfloat16(assignment):
    output = (torch.randn(2, CELLS.numbers) * 8).bfloat16().requires_grad_()
    targets = targets_of([(0, 1, 1, 2, 2), (1, 3, 3, 96, 90)], [])
    terms = detect_loss(output, targets, assignment)
    assert all(term.dtype == torch.float32 and term.isfinite() for term in terms) and terms[1] > 0
    sum(terms).backward()
    gradient = output.grad.float()
    assert gradient.isfinite().all() and (gradient[1] != 0).any()
    _, numbers = CELLS.split(gradient)
    assert (numbers[0] != 0).any(0).sum() >= 10 and not numbers[1].any(), "no place is learnt where nothing is"


@pytest.mark.parametrize("assignment", ["centre", "aligned"])
def test_a_tiny_box_has_a_cell_even_where_no_middle_of_one_lies_in_it(assignment):
    targets = targets_of([(1, 9.0, 9.0, 10.0, 10.0)])
    output = torch.zeros(1, CELLS.numbers, requires_grad=True)
    detect_loss(output, targets, assignment)[1].backward()
    _, numbers = CELLS.split(output.grad)
    assert torch.nonzero(numbers[0].abs().sum(0))[:, 0].tolist() == [17], "the cell of row 1 and column 1"


@pytest.mark.parametrize("assignment", ["centre", "aligned"])
def test_what_is_ignored_or_not_looked_for_costs_nothing(assignment):
    loud = torch.zeros(1, CELLS.numbers)
    cell = 5 * 16 + 5  # of stride 8: its middle is at 44, 44
    loud[0, [CELLS.place(cell, 0), CELLS.place(cell, 1)]] = 12.0
    plain, open_, unlooked = (
        float(detect_loss(loud, targets_of(rows), assignment)[0])
        for rows in ([], [(0, 40, 40, 48, 48, 1)], [(UNLOOKED, 0), (UNLOOKED, 1)])
    )
    quiet = float(detect_loss(torch.zeros(1, CELLS.numbers), targets_of([]), assignment)[0])
    assert plain > 1.5 and open_ == pytest.approx(plain / 2, rel=0.02), "the other class is wrong there"
    assert unlooked == 0.0 and quiet < 0.01


def test_aligned_cells_lie_in_their_box_and_are_at_most_thirteen():
    torch.manual_seed(0)
    output = torch.randn(1, CELLS.numbers, requires_grad=True)
    detect_loss(output, targets_of([(0, 10, 10, 90, 90), (1, 30, 30, 60, 60)]), "aligned")[1].backward()
    _, numbers = CELLS.split(output.grad)
    cells = torch.nonzero(numbers[0].abs().sum(0))[:, 0].numpy()
    middles = CELLS.middles[cells]
    assert 13 < len(cells) <= 26 and ((middles > 10) & (middles < 90)).all()


def test_overlaps_of_boxes_apart_and_of_one_within_another():
    a = torch.tensor([[0.0, 0, 1, 1], [0, 0, 2, 2], [0, 0, 4, 4]])
    b = torch.tensor([[2.0, 0, 3, 1], [0, 0, 2, 2], [1, 1, 3, 3]])
    overlap, generalised = overlaps(a, b)
    torch.testing.assert_close(overlap, torch.tensor([0.0, 1.0, 0.25]))
    torch.testing.assert_close(generalised, torch.tensor([-1 / 3, 1.0, 0.25]))


def test_an_output_of_another_layout_is_refused():
    with pytest.raises(StriateError, match=r"100 numbers a picture are not 6 for each cell of 12x16, 6x8, 3x4, 1,512"):
        detect_loss(torch.zeros(1, 100), drawn(0, 1))


def test_the_terms_go_by_their_names():
    output, targets = torch.randn(2, CELLS.numbers), drawn(3, 2)
    found = Detect().loss({"boxes": output}, targets, config())
    assert list(found) == list(Detect.terms)
    assert Detect().plain_loss({"boxes": output}, targets, config()) == pytest.approx(float(sum(found.values())))
