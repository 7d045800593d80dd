"""Matrices at work: whole batches of pictures and masks moved, coloured and covered, each by its own matrix.

A picture whose matrix is only a shift and perhaps a flip is moved by whole pixels (the shift rounded), which is exact
and costs a tenth of sampling between pixels; that choice is made picture by picture. What the matrices mean stands in
`striate.data.batches.augment`, which draws them, and in `striate.data.batches.moves`, which moves points and boxes.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from striate.data.batches.moves import Moves, by_whole_pixels, in_pixels
from striate.data.pictures.affine import Matrices
from striate.errors import RecipeError

VOID = 255  # what a mask says of a pixel that shows nothing of the picture


def move_pictures(pictures: Tensor, moves: Moves) -> Tensor:
    """Return the inputs that a network learns from: pictures shrunk (progressive resizing), moved, coloured, covered.

    ``pictures``: (N, C, H, W), normalised float, as stored; they stay as they are, and where nothing changes they are
    what is returned. The inputs are (N, C, *moves.size), in the same memory format.

    Example: ``move_pictures(model.normalise(batch.pixels), batch.moves).shape`` is ``(8, 3, 16, 16)``.
    """
    inputs = shrunk(pictures, moves.moved_at)
    if moves.geometry is not None or moves.colour is not None or moves.erased is not None:
        inputs = apply(inputs, moves.geometry, moves.colour, erased=moves.erased)
    return inputs if moves.corners is None else _cut(inputs, moves.corners, moves.size)


def _cut(inputs: Tensor, corners: NDArray[np.int64], size: tuple[int, int]) -> Tensor:
    """Return of each picture (N, C, H, W) the window of a size whose left and top edge are at its corner, (N, 2)."""
    parts = [
        picture[:, top : top + size[0], left : left + size[1]]
        for picture, (left, top) in zip(inputs, corners.tolist(), strict=True)
    ]
    form = torch.channels_last if inputs.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format
    return torch.stack(parts).contiguous(memory_format=form)


def move_masks(masks: Tensor, moves: Moves, *, void: int = VOID) -> Tensor:
    """Return masks (N, H, W) of the stored pictures as masks (N, *moves.size) of the inputs, of the same dtype.

    A pixel takes the value of the stored pixel that its middle falls into; nothing is mixed. Where it shows nothing of
    the picture (the mirror beyond an edge, or what erasing covered), it becomes ``void``, which a loss leaves out.

    >>> mirror = Moves(1, (1, 3), (1, 3), geometry=np.array([[[-1.0, 0.0, 1 / 3], [0.0, 1.0, 0.0]]]))
    >>> move_masks(torch.tensor([[[1, 2, 3]]]), mirror).tolist()
    [[[255, 3, 2]]]
    """
    number, tall, wide = masks.shape
    height, width = moves.size
    if moves.erased is None and _straight(moves):
        return _lifted(masks, moves, void)
    exact = torch.float32 if masks.device.type == "mps" else torch.float64
    matrices = torch.from_numpy(moves.matrices).to(exact).to(masks.device)[..., None, None]
    a, b, c, d, e, f = matrices.flatten(1, 2).unbind(1)  # (N, 1, 1) each: x' = a x + b y + c, y' = d x + e y + f
    across = torch.arange(width, device=masks.device, dtype=exact)[None, None, :] + 0.5 - c
    down = torch.arange(height, device=masks.device, dtype=exact)[None, :, None] + 0.5 - f
    scale = a * e - b * d
    columns = ((e * across - b * down) / scale).floor().long().expand(number, height, width)
    rows = ((a * down - d * across) / scale).floor().long().expand(number, height, width)
    there = (rows >= 0) & (rows < tall) & (columns >= 0) & (columns < wide)
    places = rows.clamp(0, tall - 1) * wide + columns.clamp(0, wide - 1)
    taken = masks.reshape(number, -1).gather(1, places.flatten(1)).view(number, height, width)
    if moves.erased is not None:
        there &= ~_within(moves.erased_boxes, height, width, masks.device)
    return taken.masked_fill(~there, void)


def _straight(moves: Moves) -> bool:
    """Whether pictures are only shifted and mirrored, in their size: rows stay rows, and columns columns."""
    if moves.geometry is None or moves.corners is not None or moves.source != moves.size:
        return False
    return bool(by_whole_pixels(moves.geometry).all())


def _lifted(masks: Tensor, moves: Moves, void: int) -> Tensor:
    """Return masks (N, H, W) that are only shifted and mirrored, by whole rows and columns: a tenth of the time."""
    assert moves.geometry is not None
    (tall, wide), found = moves.size, torch.full_like(masks, void)
    pixels = in_pixels(moves.geometry, tall, wide)
    for mask, moved, (sign, right, down) in zip(masks, found, pixels[:, [0, 0, 1], [0, 2, 2]].tolist(), strict=True):
        top, bottom = max(0, -int(down)), min(tall, tall - int(down))
        columns = torch.arange(wide, device=masks.device)
        columns = (wide - 1 - columns if sign < 0 else columns) + int(right)
        seen = torch.nonzero((columns >= 0) & (columns < wide)).flatten()
        if top < bottom and len(seen):
            first = int(seen[0])
            lines = mask[top + int(down) : bottom + int(down)]
            moved[top:bottom, first : first + len(seen)] = lines.index_select(1, columns[seen])
    return found


def shrunk(inputs: Tensor, size: tuple[int, int]) -> Tensor:
    """Return normalised pictures (N, C, H, W) at a smaller size, each pixel the mean of those it stands for."""
    if size == tuple(inputs.shape[2:]):
        return inputs
    return functional.interpolate(inputs, size=size, mode="bilinear", antialias=True)


def apply(
    inputs: Tensor, geometry: Matrices | None, colour: Matrices | None, *, erased: Matrices | None = None
) -> Tensor:
    """Return the pictures moved and coloured by their matrices, in the same memory format; the inputs stay as they are.

    ``inputs``: (N, C, H, W), normalised float; C is 3, or 1 (gray), when there is a colour. What happens to a picture
    is the same, to the bit, whatever other pictures are in the batch. ``erased``: see ``draw_erased``; it is filled
    with 0, the mean colour.

    Example: ``apply(torch.tensor([[[[1.0, 2.0]]]]), np.array([[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]), None)`` is
    ``[[[[2.0, 1.0]]]]``: a mirror.
    """
    outputs = inputs
    if geometry is not None:
        outputs = _moved(outputs, geometry)
    if colour is not None:
        outputs = _coloured(outputs, colour)
    if erased is not None:
        outputs = _without(outputs, erased)
    form = torch.channels_last if inputs.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format
    return outputs.contiguous(memory_format=form)


def _moved(inputs: Tensor, geometry: Matrices) -> Tensor:
    pixels = in_pixels(geometry, *inputs.shape[2:])
    whole = by_whole_pixels(geometry)
    if whole.all():
        return _gathered(inputs, pixels)
    if not whole.any():
        return _sampled(inputs, pixels)
    outputs = torch.empty_like(inputs)
    for chosen, mover in ((np.flatnonzero(whole), _gathered), (np.flatnonzero(~whole), _sampled)):
        rows = torch.from_numpy(chosen).to(inputs.device, non_blocking=True)
        outputs[rows] = mover(inputs[rows], pixels[chosen])
    return outputs


def _mirrored(index: Tensor, size: int) -> Tensor:
    """Fold positions outside 0..size-1 back in: ... 1 0 | 0 1 2 ... size-1 | size-1 ..."""
    index = index.remainder(2 * size)
    return torch.minimum(index, 2 * size - 1 - index)


def _gathered(inputs: Tensor, pixels: Matrices) -> Tensor:
    """Move by whole pixels: first the rows of memory, then along each row. Exact, for any dtype.

    Three numbers a picture go to the device; the places of the pixels are worked out there.
    """
    number, channels, height, width = inputs.shape
    moves = np.stack([pixels[:, 0, 2], pixels[:, 1, 2], pixels[:, 0, 0]]).astype(np.int32)
    right, down, sign = torch.from_numpy(moves).to(inputs.device, non_blocking=True).long()[:, :, None]
    rows = _mirrored(torch.arange(height, device=inputs.device) + down, height)
    columns = torch.arange(width, device=inputs.device)
    columns = _mirrored(torch.where(sign < 0, width - 1 - columns, columns) + right, width)
    flat_rows = torch.arange(number, device=inputs.device)[:, None] * height + rows
    flat_columns = columns[:, :, None] * channels + torch.arange(channels, device=inputs.device)
    lines = inputs.permute(0, 2, 3, 1).reshape(number * height, width * channels)  # a view when channels_last
    lines = lines.index_select(0, flat_rows.flatten()).view(number, height, -1)
    places = flat_columns.view(number, 1, width * channels).expand_as(lines)
    return lines.gather(2, places).view(number, height, width, channels).permute(0, 3, 1, 2)


def _sampled(inputs: Tensor, pixels: Matrices) -> Tensor:
    """Move by bilinear sampling, once for all of crop, scale, flip, turn, shift and shear."""
    _, _, height, width = inputs.shape
    size = np.array([width, height])
    # grid_sample counts from -1 to 1 over each side.
    scaled = pixels * (2.0 / size)[None, :, None]
    terms = torch.from_numpy(scaled).to(inputs.dtype).to(inputs.device, non_blocking=True)
    x = (torch.arange(width, device=inputs.device, dtype=inputs.dtype) + (0.5 - width / 2))[None, None, :]
    y = (torch.arange(height, device=inputs.device, dtype=inputs.dtype) + (0.5 - height / 2))[None, :, None]
    # Products and sums apart, not affine_grid: a matrix product may round otherwise in a batch of another size.
    axes = [
        x * terms[:, axis, 0, None, None] + y * terms[:, axis, 1, None, None] + terms[:, axis, 2, None, None]
        for axis in (0, 1)
    ]
    grid = torch.stack(axes, dim=3)  # (N, H, W, 2)
    return functional.grid_sample(inputs, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _coloured(inputs: Tensor, colour: Matrices) -> Tensor:
    channels = inputs.shape[1]
    if channels == 1:
        colour = np.concatenate([colour[:, :1, :3].sum(axis=2, keepdims=True), colour[:, :1, 3:]], axis=2)
    elif channels != 3:
        raise RecipeError(f"colour augmentation needs pictures of 1 or 3 channels; these have {channels}")
    terms = torch.from_numpy(colour).to(inputs.dtype).to(inputs.device, non_blocking=True)
    terms = terms[:, :, :, None, None]  # (N, C, C + 1, 1, 1)
    outputs = inputs[:, :1] * terms[:, :, 0]
    for channel in range(1, channels):
        outputs += inputs[:, channel : channel + 1] * terms[:, :, channel]
    outputs += terms[:, :, channels]
    return outputs


def _without(inputs: Tensor, erased: Matrices) -> Tensor:
    height, width = inputs.shape[2:]
    return inputs.masked_fill(_covered(erased, height, width, inputs.device)[:, None], 0.0)


def _covered(erased: Matrices, height: int, width: int, device: torch.device) -> Tensor:
    """Return (N, H, W): which pixels the rectangles cover, (N, 4) in shares of the sides."""
    return _within(np.floor(erased * (width, height, width, height) + 0.5).astype(np.int64), height, width, device)


def _within(edges: NDArray[np.int64], height: int, width: int, device: torch.device) -> Tensor:
    """Return (N, H, W): which pixels lie within boxes (N, 4)."""
    left, top, right, bottom = torch.from_numpy(edges).to(device, non_blocking=True)[:, :, None].unbind(1)
    x, y = torch.arange(width, device=device), torch.arange(height, device=device)
    across, down = (x >= left) & (x < right), (y >= top) & (y < bottom)  # (N, W), (N, H)
    return down[:, :, None] & across[:, None, :]
