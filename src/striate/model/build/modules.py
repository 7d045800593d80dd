"""Our own torch modules: what torch lacks. All keep the memory format of what they are given."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

Pair = tuple[int, int]  # (vertical, horizontal)
Sides = tuple[int, int, int, int]  # zeros at the (left, right, top, bottom), the order of torch.nn.functional.pad


class Input(nn.Module):
    """Pixels to what the network takes: pixels * scale + offset, channel by channel.

    uint8 (N, C, H, W) -> float (N, C, H, W). Kept with the weights, so that no model meets pixels scaled otherwise.
    """

    scale: Tensor
    offset: Tensor

    def __init__(self, scale: Tensor, offset: Tensor) -> None:
        super().__init__()
        self.register_buffer("scale", scale)
        self.register_buffer("offset", offset)

    def forward(self, pixels: Tensor) -> Tensor:
        """Scale and shift."""
        shape = (1, -1) + (1,) * (pixels.dim() - 2)
        return pixels.to(self.scale.dtype) * self.scale.view(shape) + self.offset.view(shape)


class Unset:
    """Leaves the weights unset: `initialise` draws them. Torch's own draw would change the global random state.

    (``torch.nn.utils.skip_init`` does the same at the price of a second: it imports sympy.)
    """

    def reset_parameters(self) -> None:
        """Do nothing."""


class Conv(Unset, nn.Conv2d):
    """``torch.nn.Conv2d``, unset."""


class ConvTranspose(Unset, nn.ConvTranspose2d):
    """``torch.nn.ConvTranspose2d``, unset."""


class Linear(Unset, nn.Linear):
    """``torch.nn.Linear``, unset."""


class UnevenConv(Conv):
    """A convolution padded by another number of zeros at each side. (N, C, H, W) -> (N, O, H', W').

    For "same" with an even window, where the odd row goes below and the odd column to the right, and for what comes
    from TensorFlow, whose padding at stride 2 is uneven.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: Pair,
        *,
        sides: Sides,
        stride: Pair = (1, 1),
        dilation: Pair = (1, 1),
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride=stride, dilation=dilation, groups=groups, bias=bias)
        self.sides = sides

    def forward(self, inputs: Tensor) -> Tensor:
        """Pad, then convolve."""
        return super().forward(functional.pad(inputs, self.sides))

    def extra_repr(self) -> str:
        """Show the padding of each side."""
        return f"{super().extra_repr()}, sides={self.sides}"  # type: ignore[no-untyped-call]


class MinPool(nn.MaxPool2d):
    """The smallest value of each window; padding never wins. (N, C, H, W) -> (N, C, H', W')."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Turn the values round, and the smallest is the largest."""
        return -super().forward(-inputs)  # type: ignore[no-any-return]


class GlobalPool(nn.Module):
    """The largest, smallest or average of each whole map. (N, C, H, W) -> (N, C, 1, 1)."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, inputs: Tensor) -> Tensor:
        """Reduce height and width to one."""
        if self.kind == "average":
            return inputs.mean((2, 3), keepdim=True)
        largest = self.kind == "max"
        if torch.compiler.is_compiling():
            # Compiled in bfloat16, amax has no gradient (NaN): it compares the values with their rounded largest.
            flat = inputs.flatten(2)
            return (flat.max(2, keepdim=True) if largest else flat.min(2, keepdim=True)).values[..., None]
        return inputs.amax((2, 3), keepdim=True) if largest else inputs.amin((2, 3), keepdim=True)

    def extra_repr(self) -> str:
        """Show which."""
        return self.kind


class Crop(nn.Module):
    """The map without rows and columns at its edges. (N, C, H, W) -> (N, C, H - 2 margin, W - 2 margin)."""

    def __init__(self, margin: Pair) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, inputs: Tensor) -> Tensor:
        """Leave out the edges."""
        rows, columns = self.margin
        return inputs[:, :, rows:-rows, columns:-columns]

    def extra_repr(self) -> str:
        """Show how much."""
        return f"margin={self.margin}"


class LocalResponseNorm(nn.Module):
    """b = a / (k + alpha / size * sum of a² over ``size`` neighbouring channels) ** beta. (N, C, H, W) -> the same.

    Krizhevsky et al. 2012 ("ImageNet classification with deep convolutional neural networks", section 3.3), but alpha
    is divided by ``size`` as in torch: the paper's alpha is ours / size. Where ``size`` is even, one neighbour more
    comes from before than from after. Same values as ``torch.nn.LocalResponseNorm``, and channels-last stays so.
    """

    def __init__(self, size: int, *, alpha: float, beta: float, k: float) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, inputs: Tensor) -> Tensor:
        """Divide each value by what its neighbours in the channel direction amount to."""
        channels, before = inputs.shape[1], self.size // 2
        squares = functional.pad(inputs.square(), (0, 0, 0, 0, before, self.size - 1 - before))
        total = squares[:, :channels]
        for shift in range(1, self.size):
            total = total + squares[:, shift : shift + channels]
        return inputs * (self.k + self.alpha / self.size * total) ** -self.beta

    def extra_repr(self) -> str:
        """Show the constants."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class ScaledTanh(nn.Module):
    """1.7159 tanh(2x/3): 1 at 1 and -1 at -1 (LeCun et al. 1998, "Gradient-based learning", appendix A)."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Apply to each value."""
        return 1.7159 * torch.tanh(inputs * (2 / 3))


class Subsample(nn.Module):
    """The trainable subsampling of LeNet-5: the mean of a window, times a weight, plus a bias, one pair a channel.

    (N, C, H, W) -> (N, C, H', W'); windows do not overlap. LeCun et al. 1998, section II.B, layer S2; the paper adds
    the values of the window, we take their mean: the weight takes up the factor.
    """

    def __init__(self, channels: int, kernel: Pair) -> None:
        super().__init__()
        self.kernel = kernel
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, inputs: Tensor) -> Tensor:
        """Average each window, scale and shift."""
        return functional.avg_pool2d(inputs, self.kernel) * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)

    def extra_repr(self) -> str:
        """Show the window."""
        return f"{len(self.weight)}, kernel={self.kernel}"


class TableConv(nn.Module):
    """A convolution in which each output map sees only the input maps that a table lists.

    (N, C, H, W) -> (N, O, H', W').

    Only the connections of the table have weights: ``weight`` is (connections, kernel height, kernel width), in the
    order of the table; ``table[o]`` lists the inputs of output map o, from 0. LeCun et al. 1998, table I.
    """

    index: Tensor

    def __init__(
        self,
        inputs: int,
        table: tuple[tuple[int, ...], ...],
        kernel: Pair,
        *,
        stride: Pair,
        sides: Sides,
        dilation: Pair,
        bias: bool,
    ) -> None:
        super().__init__()
        assert all(source < inputs for sources in table for source in sources)  # `Conv.shape` refuses it in words
        self.inputs, self.outputs, self.kernel, self.table = inputs, len(table), kernel, table
        self.stride, self.sides, self.dilation = stride, sides, dilation
        index = [output * inputs + source for output, sources in enumerate(table) for source in sources]
        self.weight = nn.Parameter(torch.empty(len(index), *kernel))
        self.bias = nn.Parameter(torch.empty(len(table))) if bias else None
        # Follows from the table: a buffer so that it moves with the weights, left out of the saved state.
        self.register_buffer("index", torch.tensor(index), persistent=False)

    def dense(self) -> Tensor:
        """Return the weight as of a full convolution, (O, C, kernel height, kernel width), zero where unconnected."""
        full = self.weight.new_zeros(self.outputs * self.inputs, *self.kernel)
        return full.index_copy(0, self.index, self.weight).view(self.outputs, self.inputs, *self.kernel)

    def forward(self, inputs: Tensor) -> Tensor:
        """Convolve with the connections of the table."""
        return functional.conv2d(
            functional.pad(inputs, self.sides), self.dense(), self.bias, self.stride, 0, self.dilation
        )

    def extra_repr(self) -> str:
        """Show the sizes."""
        return f"{self.inputs}, {self.outputs}, connections={len(self.weight)}, kernel={self.kernel}"


class Rbf(nn.Module):
    """Minus the squared distance to each class's prototype: y[k] = -sum over j of (x[j] - prototypes[k, j])².

    (N, D) -> (N, K), or (N, D, H, W) -> (N, K, H, W). The prototypes are fixed, not trained (LeCun et al. 1998,
    section II.B, equation 7). With the sign turned, the nearest class has the largest logit, and log loss on it is
    the paper's equation 9.
    """

    prototypes: Tensor

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.register_buffer("prototypes", torch.empty(outputs, inputs))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the distances, negated."""
        prototypes = self.prototypes.view(*self.prototypes.shape, *(1,) * (inputs.dim() - 2))
        return -(inputs.unsqueeze(1) - prototypes).square().sum(2)

    def extra_repr(self) -> str:
        """Show the sizes."""
        return f"{self.prototypes.shape[1]}, {self.prototypes.shape[0]}"
