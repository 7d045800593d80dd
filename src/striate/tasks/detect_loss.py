"""What a net that finds boxes is trained by: which cell answers for which box, how sure it should be, and where it is.

Everything is computed for all pictures, boxes and cells of a batch at once. Imports torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from striate.tasks.box_rows import LEVEL, UNLOOKED
from striate.tasks.cells import HALF, NARROW, Cells

RADIUS: Final = 1.5  # strides around the middle of a box within which the middles of its cells lie
LONGEST: Final = 6.0  # strides: a longer box is of the next level; on blood cells AP 0.50 against 0.46 with 16
FOCUS: Final = 2.0  # the power of how far a score is off that its loss is multiplied by
FLOOR: Final = 0.2  # the least that the place of a box counts, whatever its score
BOX: Final = 2.0  # how much places count beside scores
ALIGNED, SHARPNESS = 13, 6.0  # task-aligned: cells a box, and the power of the overlap
Assignment = Literal["centre", "aligned"]
ASSIGNMENT: Final[Assignment] = "aligned"  # on blood cells, validation AP after 410 steps: 0.538 against 0.518


class Truths(NamedTuple):
    """The B boxes of a batch: ``picture`` (B,), ``classes`` (B,), ``boxes`` (B, 4) in pixels of the input."""

    picture: Tensor
    classes: Tensor
    boxes: Tensor


@dataclass(frozen=True, eq=False)
class Answering:
    """Which cells answer for a box: P of them, by ``picture`` and ``cell``, each for the box ``of`` (all (P,)).

    ``wanted`` (P,) is how sure each should be, and ``weight`` (P,) how much its place counts; None: as sure as its box
    overlaps the true one, and as much as it is sure.
    """

    picture: Tensor
    cell: Tensor
    of: Tensor
    wanted: Tensor | None = None
    weight: Tensor | None = None


class Geometry(NamedTuple):
    """The cells as tensors: ``middles`` (A, 2), ``strides`` (A, 2); of each level ``begin``, ``size``, ``stride``."""

    middles: Tensor
    strides: Tensor
    begin: Tensor
    size: Tensor
    stride: Tensor


def detect_loss(output: Tensor, targets: Tensor, assignment: Assignment = ASSIGNMENT) -> tuple[Tensor, Tensor]:
    """Return the loss of the scores and that of the places of boxes, two float32 scalars.

    ``output`` (N, S) is laid out as `striate.tasks.cells` says, ``targets`` (N, M, 7) as `striate.tasks.box_rows`,
    with its levels. Each is a sum over the pictures, divided by N times the number of cells that answer for a box in a
    training picture on average, a constant: parts of a batch add up to exactly the whole.

    The score of a cell that answers for a box is to be the overlap of its box with the true one, scaled by how well it
    is aligned where cells are chosen by that (`by_alignment`; else `by_centre`), and 0 in all other cells, by the
    quality focal loss (Li et al. 2020, "Generalized Focal Loss", equation 2, beta 2). The place is learnt by the
    generalised intersection over union (Rezatofighi et al. 2019), twice, weighted by the score, which is at least
    `FLOOR` there so that the first boxes move at all. Ignored boxes and classes that nobody looked for take no part:
    what is said of these in such cells costs nothing.

    Errors: StriateError for an output that is laid out otherwise.
    """
    cells, rate = layout_in(targets)
    logits, numbers = cells.split(output.float())
    grid = geometry(cells, output.device)
    truth, open_to_doubt = _truths(targets)
    if assignment == "aligned":
        chosen = by_alignment(cells, grid, truth, logits.detach(), numbers.detach())
    else:
        chosen = by_centre(cells, grid, truth, len(targets))
    own, classes = truth.boxes[chosen.of], truth.classes[chosen.of]
    here = numbers[chosen.picture, :, chosen.cell]  # (P, 4)
    overlap, generalised = overlaps(boxes_of(here, grid.middles[chosen.cell], grid.strides[chosen.cell]), own)
    overlap = overlap.detach()
    wanted = overlap if chosen.wanted is None else chosen.wanted

    silent = torch.zeros(logits.shape, dtype=torch.bool, device=logits.device)  # takes no part as an empty cell
    _leave_open(silent, targets, open_to_doubt, grid)
    silent[chosen.picture, classes, chosen.cell] = True
    empty = functional.softplus(logits) * logits.sigmoid() ** FOCUS
    sure = logits[chosen.picture, classes, chosen.cell]
    off = (wanted - sure.sigmoid()).abs() ** FOCUS
    scores = empty.masked_fill(silent, 0.0).sum() + (off * (functional.softplus(sure) - wanted * sure)).sum()

    weight = sure.detach().sigmoid().clamp(min=FLOOR) if chosen.weight is None else chosen.weight
    places = BOX * (weight * (1 - generalised)).sum()
    share = 1.0 / (len(targets) * rate)
    return scores * share, places * share


def layout_in(targets: Tensor) -> tuple[Cells, float]:
    """Return the cells that the levels in targets say, and how many cells of a picture answer for a box."""
    first = targets[0]
    levels = first[first[:, 0] == LEVEL].tolist()
    sizes = tuple((int(height), int(width)) for _, height, width, *_ in levels)
    _, _, _, high, wide, classes, rate = levels[0]
    return Cells(sizes, (int(high), int(wide)), int(classes)), max(rate, 1.0)


def geometry(cells: Cells, device: torch.device) -> Geometry:
    """Return where cells are, as float32 and int64 tensors."""
    begin = np.cumsum([0, *cells.counts[:-1]])
    size = np.array([(width, height) for height, width in cells.sizes], np.int64)
    floats = (np.asarray(one, np.float32) for one in (cells.middles, cells.each_stride, cells.strides))
    middles, strides, stride = (torch.from_numpy(one).to(device) for one in floats)
    first, sizes = (torch.from_numpy(one).to(device) for one in (begin, size))
    return Geometry(middles, strides, first, sizes, stride)


def boxes_of(numbers: Tensor, middles: Tensor, strides: Tensor) -> Tensor:
    """Return the boxes (..., 4) that the numbers (..., 4) of cells with these middles and strides (..., 2) say."""
    reach = functional.softplus(numbers) - HALF
    side, shift = reach[..., :2] + reach[..., 2:], (reach[..., 2:] - reach[..., :2]) / 2
    # Of a reversed box the overlap would have no slope to learn by.
    half = torch.where(side > NARROW, side, NARROW * (side / NARROW - 1).clamp(max=0).exp()) / 2
    return torch.cat([middles + (shift - half) * strides, middles + (shift + half) * strides], -1)


def overlaps(boxes: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Return the intersection over union of each pair of boxes (..., 4), and the generalised one, which is below it.

    Source: Rezatofighi et al. 2019, "Generalized Intersection over Union", algorithm 1.
    Example: ``float(overlaps(torch.tensor([[0.0, 0, 1, 1]]), torch.tensor([[2.0, 0, 3, 1]]))[1])`` is -0.333.
    """
    low, high = torch.maximum(boxes[..., :2], others[..., :2]), torch.minimum(boxes[..., 2:], others[..., 2:])
    common = (high - low).clamp(min=0).prod(-1)
    areas = [(one[..., 2:] - one[..., :2]).clamp(min=0).prod(-1) for one in (boxes, others)]
    union = areas[0] + areas[1] - common
    around = torch.maximum(boxes[..., 2:], others[..., 2:]) - torch.minimum(boxes[..., :2], others[..., :2])
    hull = around.clamp(min=0).prod(-1)
    tiny = 1e-6
    overlap = common / union.clamp(min=tiny)
    return overlap, overlap - (hull - union) / hull.clamp(min=tiny)


def by_centre(cells: Cells, grid: Geometry, truth: Truths, pictures: int) -> Answering:
    """Return the cells near the middle of each box, on the level of its size: centre sampling.

    Those within `RADIUS` strides of the middle answer for it whose own middle lies within the box; the cell in which
    the middle lies does in any case, however small the box. Its level is the first on which its longer side is at most
    `LONGEST` strides. A cell that several boxes want is the smallest one's.
    Source: Tian et al. 2019, "FCOS", sections 3.1 and 3.2, with the centre sampling of its later version.
    """
    low, high = truth.boxes[:, :2], truth.boxes[:, 2:]
    middle, device = (low + high) / 2, truth.boxes.device
    longest = (high - low).amax(1, keepdim=True)
    level = (longest > LONGEST * grid.stride.prod(1).sqrt()[:-1]).sum(1)
    stride, size = grid.stride[level], grid.size[level]
    home = (middle / stride).floor().long()
    home = torch.minimum(home.clamp(min=0), size - 1)
    steps = torch.cartesian_prod(*[torch.arange(-1, 2, device=device)] * 2)  # within 1.5 strides: 3 x 3
    around = home[:, None] + steps
    point = (around + 0.5) * stride[:, None]
    inside = ((point > low[:, None]) & (point < high[:, None])).all(2) | (steps == 0).all(1)
    there = ((around >= 0) & (around < size[:, None])).all(2) & inside
    cell = grid.begin[level][:, None] + around[..., 1] * size[:, None, 0] + around[..., 0]
    wanted = (truth.picture[:, None] * cells.count + cell)[there]
    return _smallest(wanted, there, truth, pictures * cells.count, cells.count)


def _smallest(wanted: Tensor, there: Tensor, truth: Truths, total: int, count: int) -> Answering:
    """Return each of the ``wanted`` cells once, for the smallest of the boxes that want it."""
    boxes, device = len(there), there.device
    areas = (truth.boxes[:, 2:] - truth.boxes[:, :2]).prod(1)
    order = areas.argsort(stable=True)
    rank = torch.empty_like(order)
    rank[order] = torch.arange(boxes, device=device)
    best = torch.full((total,), boxes, dtype=torch.int64, device=device)
    best.scatter_reduce_(0, wanted, rank[:, None].expand(there.shape)[there], "amin")
    places = torch.nonzero(best < boxes)[:, 0]
    return Answering(places // count, places % count, order[best[places]])


def by_alignment(cells: Cells, grid: Geometry, truth: Truths, logits: Tensor, numbers: Tensor) -> Answering:
    """Return the cells whose score and place are best aligned with each box already: task-aligned assignment.

    Of the cells whose middle lies in a box the 13 with the largest score times overlap to the 6th answer for it; a cell
    that several boxes want is that one's which it overlaps most. Wanted is the alignment, scaled so that the best cell
    of a box is to be as sure as it overlaps; so much its place counts, that of the best cell `FLOOR` at least.
    Source: Feng et al. 2021, "TOOD", section 3.2.
    """
    many, count, device = len(truth.boxes), cells.count, truth.boxes.device
    if not many:
        empty = torch.zeros(0, dtype=torch.int64, device=device)
        nothing = torch.zeros(0, device=device)
        return Answering(empty, empty, empty, nothing, nothing)
    low, high = truth.boxes[:, None, :2], truth.boxes[:, None, 2:]
    inside = ((grid.middles > low) & (grid.middles < high)).all(2)
    apart = ((grid.middles[: cells.counts[0]] - (low + high) / 2) ** 2).sum(2)
    inside[torch.arange(many, device=device), apart.argmin(1)] = True  # of a tiny box the nearest of the finest cells
    of, cell = torch.nonzero(inside, as_tuple=True)  # all that follows is of these pairs alone
    picture = truth.picture[of]
    said = boxes_of(numbers[picture, :, cell], grid.middles[cell], grid.strides[cell])
    overlap = overlaps(said, truth.boxes[of])[0]
    aligned = logits[picture, truth.classes[of], cell].sigmoid() * overlap**SHARPNESS
    ranked = aligned.new_full((many, count), -1.0)
    ranked[of, cell] = aligned
    chosen = torch.zeros_like(inside)
    chosen.scatter_(1, ranked.topk(min(ALIGNED, count), 1).indices, value=True)
    kept = torch.nonzero(chosen[of, cell])[:, 0]
    of, cell, picture, overlap, aligned = (one[kept] for one in (of, cell, picture, overlap, aligned))
    flat = picture * count + cell
    most = aligned.new_full((len(logits) * count,), -1.0).scatter_reduce_(0, flat, overlap, "amax")
    # Two boxes that overlap a cell's equally would both have it: the first keeps it.
    owner = torch.full((len(most),), many, dtype=torch.int64, device=device)
    kept = torch.nonzero(overlap >= most[flat])[:, 0]
    owner.scatter_reduce_(0, flat[kept], of[kept], "amin")
    kept = kept[owner[flat[kept]] == of[kept]]
    of, cell, picture, overlap, aligned = (one[kept] for one in (of, cell, picture, overlap, aligned))
    strongest, widest = (aligned.new_zeros(many).scatter_reduce_(0, of, one, "amax") for one in (aligned, overlap))
    wanted = (aligned * (widest / strongest.clamp(min=1e-9))[of]).clamp(0, 1)
    # A box that nothing overlaps yet would have no weight to be learnt by, and stay so.
    return Answering(picture, cell, of, wanted, torch.where(aligned >= strongest[of], wanted.clamp(min=FLOOR), wanted))


def _truths(targets: Tensor) -> tuple[Truths, Truths]:
    """Return the boxes of a batch that are to be found, and those that are to be ignored."""
    there, ignored = targets[:, :, 0] >= 0, targets[:, :, 5] > 0
    found = []
    for chosen in (there & ~ignored, there & ignored):
        picture, place = torch.nonzero(chosen, as_tuple=True)
        rows = targets[picture, place]
        found.append(Truths(picture, rows[:, 0].long(), rows[:, 1:5].float()))
    return found[0], found[1]


def _leave_open(silent: Tensor, targets: Tensor, ignored: Truths, grid: Geometry) -> None:
    """Mark what may be said freely (N, K, A): classes nobody looked for, and classes of ignored boxes in their cells.

    A cell is of an ignored box where its middle lies within it, or within half a stride of it.
    """
    pictures, classes, count = silent.shape
    picture, place = torch.nonzero(targets[:, :, 0] == UNLOOKED, as_tuple=True)
    silent[picture, targets[picture, place, 1].long()] = True
    if len(ignored.boxes):
        reach = grid.strides / 2
        low, high = ignored.boxes[:, None, :2] - reach, ignored.boxes[:, None, 2:] + reach
        inside = ((grid.middles > low) & (grid.middles < high)).all(2)
        within = torch.zeros(pictures * classes, count, device=silent.device)
        within.index_add_(0, ignored.picture * classes + ignored.classes, inside.float())
        silent |= within.view(silent.shape) > 0
