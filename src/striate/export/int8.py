"""A graph in int8: static, weights channel by channel, activations by what real pictures show. No torch.

Jacob et al. 2018, "Quantization and training of neural networks for efficient integer-arithmetic-only inference".
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray

from striate.errors import ExportError
from striate.runs.onnx_file import at_once

_QUANTISED: Final = ["Conv", "Gemm", "MatMul", "Add", "MaxPool", "GlobalAveragePool", "AveragePool", "Concat"]


_EARLY: Final = 6  # of the convolutions, one part in so many that a careful graph leaves in float32


def quantised(content: bytes, pixels: NDArray[np.uint8], *, careful: bool = False) -> bytes:
    """Return a graph in int8, its ranges taken from pixels (N, H, W, C) as the network takes them.

    What makes the pixels the network's input and the last layer stay in float32: they take no time, and an answer
    hangs on them most. ``careful`` is for what answers at places: every layer behind which there is no other stays,
    the first sixth of all, whose maps are fine and of few channels, and those that filter each channel by itself, of
    whose few weights each counts. (Densities of cells: mean error 3.8 so, as in float32 4.0, and 17.9 otherwise.)
    Weights have 7 bits: processors without VNNI add two products in 16 bits, which 8 overflow.
    Raises ExportError where onnxruntime cannot.
    """
    try:
        from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except Exception as error:
        raise ExportError(f"int8 needs onnxruntime's quantisation, which cannot be imported ({error})") from None
    proto = onnx.load_from_string(content)
    with tempfile.TemporaryDirectory() as folder:
        shaped, target = Path(folder, "shaped.onnx"), Path(folder, "int8.onnx")
        try:
            quant_pre_process(proto, shaped, skip_optimization=True, skip_symbolic_shape=True)
            quantize_static(
                shaped,
                target,
                _Reader(pixels),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=_QUANTISED,
                per_channel=True,
                reduce_range=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=_in_float(proto) + (_with_care(proto) if careful else []),
            )
        except Exception as error:  # of many kinds, none of its own
            raise ExportError(f"onnxruntime cannot quantise this net: {str(error)[:200]}") from None
        return target.read_bytes()


def _in_float(proto: onnx.ModelProto) -> list[str]:
    """Return the nodes that stay in float32: those without a part, norms over channels, and the last with weights."""
    heavy = [node.name for node in proto.graph.node if node.op_type in ("Conv", "Gemm")]
    banded = [node.name for node in proto.graph.node if any(".band" in name for name in node.input)]
    return [node.name for node in proto.graph.node if "." not in node.name] + banded + heavy[-1:]


def _with_care(proto: onnx.ModelProto) -> list[str]:
    """Return the nodes that stay in float32 too: the first, those of single channels, and all that answer."""
    wide = {one.name: one.dims[0] for one in proto.graph.initializer if one.dims}
    kinds = ("Conv", "ConvTranspose", "Gemm")
    layers = [node.name for node in proto.graph.node if node.op_type in kinds]
    last = layers[len(layers) // _EARLY] if layers else ""
    names = [node.name for node in proto.graph.node]
    kept = names[: names.index(last)] if last else []
    read = set[str]()  # by a layer, or by what leads to one
    for node in reversed(proto.graph.node):
        leads = bool(read & set(node.output))
        if node.op_type in kinds:
            groups = next((one.i for one in node.attribute if one.name == "group"), 1)
            if not leads or 1 < groups == wide.get(node.input[1]):
                kept.append(node.name)
        if leads or node.op_type in kinds:
            read |= set(node.input)
    return kept


class _Reader:
    """Gives the pictures to onnxruntime a batch at a time (its CalibrationDataReader)."""

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        step = at_once(pixels)
        self._batches: Iterator[NDArray[np.uint8]] = iter(
            pixels[begin : begin + step] for begin in range(0, len(pixels), step)
        )

    def get_next(self) -> dict[str, Any] | None:
        """Return the next input by name, None at the end."""
        batch = next(self._batches, None)
        return None if batch is None else {"pixels": np.ascontiguousarray(batch)}
