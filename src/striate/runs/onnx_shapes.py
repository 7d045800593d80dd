"""The shapes in an ONNX graph, followed from the picture on, for the operators that Striate writes. No NumPy, no onnx.

Source of what each operator makes of its inputs: https://onnx.ai/onnx/operators
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import zip_longest
from math import prod
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from striate.runs.onnx_limits import Constant, Node, Scan, Sizes

_WHOLE: Final = 1 << 48  # numbers in a value, beyond which no arithmetic is worth doing

Shape = Callable[["Node", "list[Sizes]", "Mapping[str, Constant]"], "tuple[Sizes, int]"]


def follow(scan: Scan, picture: Sizes) -> tuple[int, int]:
    """Return the bytes of the largest node, with all it reads, and the multiply-accumulates, of one picture (H, W, C).

    Values are counted as float32. Raises ValueError for an operator that is not known here, or shapes that do not go
    together; KeyError and IndexError where inputs are missing.
    """
    shapes: dict[str, Sizes] = {"pixels": (1, *picture)}
    shapes |= {name: constant.shape for name, constant in scan.constants.items()}
    largest = macs = 0
    for node in scan.nodes:
        rule = _RULES.get(node.operator)
        if rule is None or node.domain not in ("", "com.microsoft") or len(node.outputs) != 1:
            raise ValueError(f"it holds {node.operator[:40]!r}, which is none of its operators")
        if "auto_pad" in node.numbers:
            raise ValueError(f"{node.operator} without its padding")
        given = [shapes[name] for name in node.inputs if name]
        shape, work = rule(node, given, scan.constants)
        if not all(0 < side < _WHOLE for side in shape) or prod(shape) > _WHOLE:
            raise ValueError(f"{node.operator} that gives {'x'.join(map(str, shape))[:40]}")
        shapes[node.outputs[0]] = shape
        largest = max(largest, 4 * (prod(shape) + sum(map(prod, given))))
        macs += work
    return largest, macs


def _same(node: Node, given: list[Sizes], constants: Mapping[str, Constant]) -> tuple[Sizes, int]:
    return given[0], 0


def _broadcast(node: Node, given: list[Sizes], constants: Mapping[str, Constant]) -> tuple[Sizes, int]:
    return _spread(given), 0


def _spread(shapes: list[Sizes]) -> Sizes:
    """Return the shape that several are spread over."""
    sides = []
    for some in zip_longest(*(shape[::-1] for shape in shapes), fillvalue=1):
        wide = {side for side in some if side != 1}
        if len(wide) > 1:
            raise ValueError("shapes that do not go together")
        sides.append(wide.pop() if wide else 1)
    return tuple(sides[::-1])


def _numbers(node: Node, name: str, default: int, count: int) -> Sizes:
    numbers = node.numbers.get(name) or (default,) * count
    if len(numbers) != count or any(not 0 <= number < 1 << 31 for number in numbers):
        raise ValueError(f"{node.operator} with {name} that do not fit")
    return numbers


def _slid(node: Node, sides: Sizes, kernel: Sizes) -> Sizes:
    """Return how many places windows have on each axis."""
    axes = len(kernel)
    strides, dilations = _numbers(node, "strides", 1, axes), _numbers(node, "dilations", 1, axes)
    pads, ceil = _numbers(node, "pads", 0, 2 * axes), bool(node.numbers.get("ceil_mode", (0,))[0])
    return tuple(
        (side + pads[axis] + pads[axis + axes] - (kernel[axis] - 1) * dilations[axis] - 1 + ceil * (strides[axis] - 1))
        // strides[axis]
        + 1
        for axis, side in enumerate(sides)
    )


def _conv(node: Node, given: list[Sizes], constants: Mapping[str, Constant]) -> tuple[Sizes, int]:
    (pictures, _, *sides), (out, each, *kernel) = given[0], given[1]
    shape = (pictures, out, *_slid(node, tuple(sides), tuple(kernel)))
    return shape, prod(shape) * each * prod(kernel)


def _conv_transpose(node: Node, given: list[Sizes], constants: Mapping[str, Constant]) -> tuple[Sizes, int]:
    (pictures, _, *sides), (_, each, *kernel) = given[0], given[1]
    axes, groups = len(sides), _numbers(node, "group", 1, 1)[0]
    strides, dilations = _numbers(node, "strides", 1, axes), _numbers(node, "dilations", 1, axes)
    pads, more = _numbers(node, "pads", 0, 2 * axes), _numbers(node, "output_padding", 0, axes)
    made = (
        (side - 1) * strides[axis]
        + (kernel[axis] - 1) * dilations[axis]
        + 1
        + more[axis]
        - pads[axis]
        - pads[axis + axes]
        for axis, side in enumerate(sides)
    )
    return (pictures, each * groups, *made), prod(given[0]) * each * prod(kernel)


def _pool(node: Node, given: list[Sizes], constants: Mapping[str, Constant]) -> tuple[Sizes, int]:
    pictures, channels, *sides = given[0]
    kernel = _numbers(node, "kernel_shape", 1, len(sides))
    return (pictures, channels, *_slid(node, tuple(sides), kernel)), 0


def _global(node: Node, given: list[Sizes], constants: Mapping[str, Constant]) -> tuple[Sizes, int]:
    return (*given[0][:2], *(1 for _ in given[0][2:])), 0


def _gemm(node: Node, given: list[Sizes], constants: Mapping[str, Constant]) -> tuple[Sizes, int]:
    (pictures, width), weight = given[0], given[1]
    out = weight[0] if node.numbers.get("transB", (0,))[0] else weight[1]
    return (pictures, out), pictures * out * width


def _matmul(node: Node, given: list[Sizes], constants: Mapping[str, Constant]) -> tuple[Sizes, int]:
    (*ahead, rows, inner), (*behind, _, columns) = given[0], given[1]
    shape = (*_spread([tuple(ahead), tuple(behind)]), rows, columns)
    return shape, prod(shape) * inner


def _transpose(node: Node, given: list[Sizes], constants: Mapping[str, Constant]) -> tuple[Sizes, int]:
    perm = node.numbers["perm"]
    if sorted(perm) != list(range(len(given[0]))):
        raise ValueError("axes in an order that is none")
    return tuple(given[0][axis] for axis in perm), 0


def _flatten(node: Node, given: list[Sizes], constants: Mapping[str, Constant]) -> tuple[Sizes, int]:
    return (given[0][0], prod(given[0][1:])), 0


def _concat(node: Node, given: list[Sizes], constants: Mapping[str, Constant]) -> tuple[Sizes, int]:
    axis = node.numbers["axis"][0]
    sides = list(given[0])
    sides[axis] = sum(shape[axis] for shape in given)
    return tuple(sides), 0


def _slice(node: Node, given: list[Sizes], constants: Mapping[str, Constant]) -> tuple[Sizes, int]:
    starts, ends, axes = (constants[name].whole() for name in node.inputs[1:4])
    sides = list(given[0])
    for start, end, axis in zip(starts, ends, axes, strict=True):
        sides[axis] = min(max(end, 0), sides[axis]) - max(start, 0)
    return tuple(sides), 0


def _reshape(node: Node, given: list[Sizes], constants: Mapping[str, Constant]) -> tuple[Sizes, int]:
    wanted = constants[node.inputs[1]].whole()
    sides = [given[0][axis] if side == 0 else side for axis, side in enumerate(wanted)]
    if sides.count(-1) == 1:
        rest = prod(side for side in sides if side != -1)
        sides[sides.index(-1)] = prod(given[0]) // rest
    if prod(sides) != prod(given[0]):
        raise ValueError("a shape of another number of values")
    return tuple(sides), 0


def _resize(node: Node, given: list[Sizes], constants: Mapping[str, Constant]) -> tuple[Sizes, int]:
    if len(node.inputs) != 3:
        raise ValueError("Resize that is none of ours")
    scales = constants[node.inputs[2]].reals()
    if not all(0 < scale < 1 << 20 for scale in scales):
        raise ValueError("Resize that is none of ours")
    return tuple(int(side * scale) for side, scale in zip(given[0], scales, strict=True)), 0


def _pad(node: Node, given: list[Sizes], constants: Mapping[str, Constant]) -> tuple[Sizes, int]:
    pads, axes = constants[node.inputs[1]].whole(), len(given[0])
    if len(pads) != 2 * axes or any(not 0 <= pad < 1 << 31 for pad in pads):
        raise ValueError("padding that does not fit")
    return tuple(side + pads[axis] + pads[axis + axes] for axis, side in enumerate(given[0])), 0


def _unsqueeze(node: Node, given: list[Sizes], constants: Mapping[str, Constant]) -> tuple[Sizes, int]:
    sides = list(given[0])
    for axis in sorted(constants[node.inputs[1]].whole()):
        sides.insert(axis, 1)
    return tuple(sides), 0


def _reduced(node: Node, given: list[Sizes], constants: Mapping[str, Constant]) -> tuple[Sizes, int]:
    axes = {axis % len(given[0]) for axis in constants[node.inputs[1]].whole()}
    kept = bool(node.numbers.get("keepdims", (1,))[0])
    return tuple(1 if axis in axes else side for axis, side in enumerate(given[0]) if kept or axis not in axes), 0


_ALIKE: Final = (
    *("BatchNormalization", "InstanceNormalization", "LRN", "LayerNormalization", "Softmax"),
    *("Clip", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Neg", "Relu", "Sigmoid", "Tanh"),
    *("Cast", "DequantizeLinear", "Identity", "QuantizeLinear"),
)
_RULES: Final[dict[str, Shape]] = {
    **dict.fromkeys(_ALIKE, _same),
    **dict.fromkeys(("Add", "Div", "Mul", "Pow", "Sub"), _broadcast),
    **dict.fromkeys(("AveragePool", "MaxPool"), _pool),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), _global),
    "Concat": _concat,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Flatten": _flatten,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Pad": _pad,
    "ReduceSumSquare": _reduced,
    "Reshape": _reshape,
    "Resize": _resize,
    "Slice": _slice,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
