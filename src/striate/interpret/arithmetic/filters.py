"""Filters by name: small grids of weights that a person can read, and what they make of a picture. No torch.

As in every convolutional network, the grid is laid over the picture as it is written (mathematics would turn it by
half a turn first, and calls what happens here cross-correlation).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.errors import DescribeError, FitError
from striate.spec import Conv, Shape
from striate.spec.values import Padding
from striate.spec.window import Slide

if TYPE_CHECKING:
    from striate.model.build.model import Model

Kernel = NDArray[np.float64]
LARGEST: Final = 101  # of a side: beyond it a filter by hand is a mistake


@dataclass(frozen=True, eq=False)
class Filter:
    """One grid of weights (rows, columns), or several whose answers are joined as the root of their squares' sum.

    ``says`` is what it does in a sentence.
    """

    name: str
    kernels: tuple[Kernel, ...]
    says: str

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.kernels[0].shape[0], self.kernels[0].shape[1]

    @property
    def keeps_scale(self) -> bool:
        """Whether its weights sum to one, so that an even area keeps its brightness and the result is a picture."""
        return len(self.kernels) == 1 and abs(float(self.kernels[0].sum()) - 1) < 1e-9

    @property
    def signed(self) -> bool:
        """Whether what it makes of a picture may fall below 0."""
        return len(self.kernels) == 1 and bool((self.kernels[0] < 0).any())


@dataclass(frozen=True, eq=False)
class Filtered:
    """What a filter made of a picture: ``values`` (H', W', C) float64 of ``picture`` (H, W, C), channel by channel.

    ``conv`` is the layer that it is, for one channel; ``formula`` its output's height and width with their numbers.
    """

    filter: Filter
    picture: NDArray[Any]
    values: NDArray[np.float64]
    conv: Conv
    formula: tuple[str, str]

    def strongest(self) -> tuple[int, int, int]:
        """Return the row, column and channel of the value furthest from 0, the first of equals."""
        row, column, channel = np.unravel_index(np.abs(self.values).argmax(), self.values.shape)
        return int(row), int(column), int(channel)

    def to_dict(self) -> dict[str, Any]:
        """Return what was asked and every value, as plain JSON."""
        return {
            "filter": self.filter.name,
            "kernels": [kernel.tolist() for kernel in self.filter.kernels],
            "conv": str(self.conv),
            "input": list(self.picture.shape),
            "output": list(self.values.shape),
            "formula": {"height": self.formula[0], "width": self.formula[1]},
            "least": float(self.values.min()),
            "most": float(self.values.max()),
            "values": self.values.tolist(),
        }


def apply(
    filter: Filter, picture: NDArray[Any], *, stride: int = 1, padding: Padding = 0, gray: bool = False
) -> Filtered:
    """Return what a filter makes of a picture (H, W) or (H, W, C), each channel by itself.

    ``padding``: zeros around the picture, or "same" for as many as keep its size. ``gray`` weighs red, green and blue
    to one channel first (ITU-R BT.601). Errors: FitError for a filter larger than the padded picture, or one that has
    no centre and should keep the size.

    Example: ``apply(kernel("1 1; 1 1"), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])).values`` is
    ``[[[12.0], [16.0]]]``.
    """
    values = np.asarray(picture, np.float64)
    values = values[..., None] if values.ndim == 2 else values
    if gray and values.shape[2] == 3:
        values = (values @ [0.299, 0.587, 0.114])[..., None]
    conv = as_layer(filter, stride=stride, padding=padding)
    height, width, channels = values.shape
    rows, columns = conv.sizes(Shape(1, height, width))
    sides = [(window.before, window.after) for window in conv.windows if isinstance(window, Slide)]
    padded = np.pad(values, (*sides, (0, 0)))
    made = [np.zeros((rows, columns, channels)) for _ in filter.kernels]
    for grid, total in zip(filter.kernels, made, strict=True):
        for (down, across), weight in np.ndenumerate(grid):
            if weight:
                total[:] += weight * padded[down:, across:][: rows * stride : stride, : columns * stride : stride]
    result = made[0] if len(made) == 1 else np.sqrt(sum(part * part for part in made))
    formula = tuple(window.formula(side) for window, side in zip(conv.windows, (height, width), strict=True))
    return Filtered(filter, values, np.asarray(result), conv, (formula[0], formula[1]))


def as_layer(filter: Filter, *, channels: int = 1, stride: int = 1, padding: Padding = 0) -> Conv:
    """Return the convolution that a filter is on each of ``channels`` by itself: one output for each of its grids."""
    if padding == "same":
        if not all(side % 2 for side in filter.size):
            rows, columns = filter.size
            raise FitError(
                f"a filter of {rows}x{columns} has no pixel in its middle, so no padding keeps the picture's size: "
                "give it an odd number of rows and columns, or a padding in pixels (0 makes the picture smaller)"
            )
        padding = filter.size[0] // 2, filter.size[1] // 2
    many = channels * len(filter.kernels)
    return Conv(many, filter.size, stride=stride, padding=padding, groups=channels, bias=False)


def as_conv(
    filter: Filter, *, channels: int = 1, stride: int = 1, padding: Padding = 0
) -> tuple[Conv, NDArray[np.float32]]:
    """Return a filter as the first layer of a net: the layer, and its weights (outputs, 1, rows, columns).

    It works on each of ``channels`` by itself, and a filter of two grids (sobel) gives two outputs a channel: their
    magnitude is no convolution. `freeze` puts the weights into a model and keeps training from changing them.

    Example::

        conv, weights = as_conv(named("sobel-x"), channels=3, padding="same")
        model = build(conv >> ReLU() >> GlobalAvgPool() >> Flatten() >> Dense(2), Shape(3, 32, 32))
        freeze(model, "conv1", weights)
    """
    conv = as_layer(filter, channels=channels, stride=stride, padding=padding)
    return conv, np.stack([*filter.kernels] * channels).astype(np.float32)[:, None]


def freeze(model: Model, part: str, weights: NDArray[np.float32]) -> None:
    """Put weights into a convolution of a model, and keep training from changing them.

    Errors: DescribeError where the part is no convolution without bias, or its weights have another shape.
    """
    import torch

    try:
        module = model.get_submodule(part)
    except AttributeError:
        raise DescribeError(f"this model has no part {part!r} to freeze") from None
    own = getattr(module, "weight", None)
    if not isinstance(own, torch.nn.Parameter) or own.shape != weights.shape:
        shape = "none" if own is None else "x".join(map(str, own.shape))
        raise DescribeError(f"{part} has weights {shape}, and the filter's are {'x'.join(map(str, weights.shape))}")
    with torch.no_grad():
        own.copy_(torch.from_numpy(weights))
    own.requires_grad_(False)


def read(text: str) -> Filter:
    """Return the filter that a text says: a name with its numbers, or the rows of a kernel.

    Errors: those of `named` and `kernel`. Example: ``read("sobel").size, read("0 1 0; 1 -4 1; 0 1 0").size``
    """
    words = text.replace(",", " ").replace(";", " ").split()
    if not words:
        raise DescribeError(f"which filter? there are {', '.join(FILTERS)}")
    return kernel(text) if _is_number(words[0]) else named(text)


def named(words: str | Sequence[str]) -> Filter:
    """Return a filter by its name and its numbers: ``"sobel-x"``, ``"gaussian 5 1.2"``.

    Errors: DescribeError for a name that is not in `FILTERS` (with the nearest), or numbers that make no sense.
    """
    name, *numbers = words.split() if isinstance(words, str) else list(words)
    if name not in FILTERS:
        import difflib

        near = difflib.get_close_matches(name.lower(), FILTERS, n=3, cutoff=0.5)
        known = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(FILTERS)}"
        raise DescribeError(f"no filter is named {name!r}; {known}")
    make, takes, _ = FILTERS[name]
    try:
        given = [float(number) for number in numbers]
    except ValueError:
        raise DescribeError(
            f"{name}: {' '.join(numbers)!r} are not numbers; it is written {name} {takes}".rstrip()
        ) from None
    most = len(takes.split())
    fewest = sum(not word.startswith("[") for word in takes.split())
    if not fewest <= len(given) <= most:
        form = f"{name} {takes}".rstrip()
        raise DescribeError(
            f"{name} takes {fewest if fewest == most else f'{fewest} to {most}'} numbers, not {len(given)}: {form}"
        )
    return Filter(" ".join([name, *numbers]), make(*given), FILTERS[name][2])


def kernel(text: str) -> Filter:
    """Return the filter that a text writes down: rows apart by ``;``, numbers by spaces or commas.

    Errors: DescribeError naming the row that is not like the first, or the word that is no number.

    Example: ``kernel("0 1 0; 1 -4 1; 0 1 0")``
    """
    lines = [line for line in text.split(";") if line.strip()]
    rows: list[list[float]] = []
    for number, line in enumerate(lines, 1):
        words = line.replace(",", " ").split()
        try:
            row = [float(word) for word in words]
        except ValueError:
            bad = next(word for word in words if not _is_number(word))
            raise DescribeError(f"the kernel's row {number} holds {bad!r}, which is no number") from None
        if not np.isfinite(row).all():
            raise DescribeError(f"the kernel's row {number} holds a number that is not finite")
        if rows and len(row) != len(rows[0]):
            raise DescribeError(
                f"the kernel's row {number} has {len(row)} numbers and row 1 has {len(rows[0])}; "
                'rows are apart by ";", such as "0 1 0; 1 -4 1; 0 1 0"'
            )
        rows.append(row)
    if not rows:
        raise DescribeError('the kernel holds no numbers; write it as "0 1 0; 1 -4 1; 0 1 0"')
    if max(len(rows), len(rows[0])) > LARGEST:
        raise DescribeError(f"the kernel is {len(rows)}x{len(rows[0])}; at most {LARGEST}x{LARGEST}")
    return Filter("kernel", (np.array(rows),), "your own weights")


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


# -- the table -----------------------------------------------------------------------------------------------------


def _fixed(text: str) -> Callable[..., tuple[Kernel, ...]]:
    return lambda: kernel(text).kernels


def _side(number: float, name: str) -> int:
    if number != int(number) or not 1 <= number <= LARGEST:
        raise DescribeError(f"{name}: a side of {number:g}; wanted a whole number of pixels from 1 to {LARGEST}")
    return int(number)


def _positive(number: float, what: str) -> float:
    if not 0 < number < 1e6:
        raise DescribeError(f"{what} is {number:g}; it must be over 0")
    return number


def _identity() -> tuple[Kernel, ...]:
    return kernel("0 0 0; 0 1 0; 0 0 0").kernels


def _box(side: float) -> tuple[Kernel, ...]:
    many = _side(side, "box")
    return (np.full((many, many), 1 / many**2),)


def _gaussian(side: float, sigma: float = 0.0) -> tuple[Kernel, ...]:
    many = _side(side, "gaussian")
    away = np.arange(many) - (many - 1) / 2
    bell = np.exp(-(away**2) / (2 * _positive(sigma or max(many, 2) / 5, "gaussian: sigma") ** 2))
    grid = np.outer(bell, bell)
    return (grid / grid.sum(),)


def _gabor(side: float = 9, degrees: float = 0, wavelength: float = 0, sigma: float = 0) -> tuple[Kernel, ...]:
    many = _side(side, "gabor")
    wave = _positive(wavelength or many / 2, "gabor: the wavelength")
    bell = _positive(sigma or many / 5, "gabor: sigma")
    down, across = np.mgrid[:many, :many] - (many - 1) / 2
    turn = np.radians(degrees)
    along = across * np.cos(turn) + down * np.sin(turn)
    grid = np.exp(-(down**2 + across**2) / (2 * bell**2)) * np.cos(2 * np.pi * along / wave)
    grid -= grid.mean()  # an even area gives nothing
    return (grid / (np.abs(grid).sum() or 1.0),)


def _both(*names: str) -> Callable[..., tuple[Kernel, ...]]:
    return lambda: tuple(part for name in names for part in FILTERS[name][0]())


FILTERS: dict[str, tuple[Callable[..., tuple[Kernel, ...]], str, str]] = {
    # name: (its grids, the numbers it takes, what it does)
    "identity": (_identity, "", "gives the picture back"),
    "edge": (_fixed("-1 -1 -1; -1 8 -1; -1 -1 -1"), "", "answers where a pixel differs from the eight around it"),
    "sobel-x": (_fixed("-1 0 1; -2 0 2; -1 0 1"), "", "answers where it gets brighter to the right: upright edges"),
    "sobel-y": (_fixed("-1 -2 -1; 0 0 0; 1 2 1"), "", "answers where it gets brighter downwards: level edges"),
    "sobel": (_both("sobel-x", "sobel-y"), "", "answers at edges of every direction, by how steep they are"),
    "prewitt-x": (_fixed("-1 0 1; -1 0 1; -1 0 1"), "", "answers at upright edges, every row counting the same"),
    "prewitt-y": (_fixed("-1 -1 -1; 0 0 0; 1 1 1"), "", "answers at level edges, every column counting the same"),
    "laplacian": (_fixed("0 1 0; 1 -4 1; 0 1 0"), "", "answers where a pixel differs from the four beside it"),
    "vertical": (_fixed("-1 2 -1; -1 2 -1; -1 2 -1"), "", "answers on thin upright lines"),
    "horizontal": (_fixed("-1 -1 -1; 2 2 2; -1 -1 -1"), "", "answers on thin level lines"),
    "diagonal": (_fixed("2 -1 -1; -1 2 -1; -1 -1 2"), "", "answers on thin lines that fall to the right, \\"),
    "antidiagonal": (_fixed("-1 -1 2; -1 2 -1; 2 -1 -1"), "", "answers on thin lines that rise to the right, /"),
    "sharpen": (_fixed("0 -1 0; -1 5 -1; 0 -1 0"), "", "keeps the picture and adds what differs from the four beside"),
    "emboss": (_fixed("-2 -1 0; -1 1 1; 0 1 2"), "", "lights the picture from the upper left, as if it were raised"),
    "box": (_box, "SIDE", "blurs: the mean of the window"),
    "gaussian": (_gaussian, "SIDE [SIGMA]", "blurs, the nearer pixels counting more"),
    "gabor": (_gabor, "[SIDE] [DEGREES] [WAVELENGTH] [SIGMA]", "answers to stripes of one direction and width"),
}
