"""Stand-ins for what training scripts save beside their weights: settings, scalars, paths. Nothing of it is made.

``weights_only`` refuses a file for one ``argparse.Namespace`` or NumPy scalar beside its tensors. Each name below gets
a class of ours in its place, which takes whatever it is given and keeps none of it: the class that the file names is
neither imported nor called, and what stands for it is left aside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

_NAMES: Final = (
    "argparse.Namespace",
    "types.SimpleNamespace",
    *(f"builtins.{name}" for name in ("int", "float", "bool", "str", "list", "dict", "tuple")),
    *(f"datetime.{name}" for name in ("date", "datetime", "time", "timedelta", "timezone")),
    *(
        f"{module}.{kind}"
        for module in ("pathlib", "pathlib._local")
        for kind in ("Path", "PosixPath", "PurePath", "PurePosixPath", "PureWindowsPath", "WindowsPath")
    ),
    *(
        f"numpy.{core}.{name}"
        for core in ("core", "_core")
        for name in ("multiarray.scalar", "multiarray._reconstruct", "numeric._frombuffer")
    ),
    "numpy.dtype",
    "numpy.ndarray",
    *(f"numpy.{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
    *(f"numpy.{kind}" for kind in ("float16", "float32", "float64", "bool", "bool_")),
    *(f"numpy.dtypes.{kind}{bits}DType" for kind in ("Int", "UInt") for bits in (8, 16, 32, 64)),
    *(f"numpy.dtypes.{kind}DType" for kind in ("Float16", "Float32", "Float64", "Bool", "Str", "Object")),
    "omegaconf.dictconfig.DictConfig",
    "omegaconf.listconfig.ListConfig",
    "omegaconf.base.ContainerMetadata",
    "omegaconf.base.Metadata",
    *(f"omegaconf.nodes.{kind}Node" for kind in ("Any", "Boolean", "Float", "Integer", "String")),
    "typing.Any",
    "mmengine.logging.history_buffer.HistoryBuffer",
)
_MAPPINGS: Final = (  # whose items follow one by one: torch puts those into plain mappings alone
    "collections.defaultdict",
    "lightning.fabric.utilities.data.AttributeDict",
    "lightning_fabric.utilities.data.AttributeDict",
    "lightning.pytorch.utilities.parsing.AttributeDict",
    "pytorch_lightning.utilities.parsing.AttributeDict",
)


class Aside:
    """Takes everything, keeps nothing: no attribute, no state."""

    __slots__ = ()

    def __new__(cls, *_: Any, **__: Any) -> Aside:
        """Make one from whatever is given."""
        return object.__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        """Take whatever is given."""

    def __setstate__(self, state: Any) -> None:
        """Take whatever is given."""


class PlainMapping:
    """Is a plain, empty mapping in the place of somebody's own kind of mapping."""

    def __new__(cls, *_: Any) -> dict[Any, Any]:  # type: ignore[misc]
        """Return the mapping."""
        return {}


def stand_ins() -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    """Return (class of ours, name in the file) for each name let through, as torch's ``safe_globals`` takes them.

    Example::

        with torch.serialization.safe_globals(stand_ins()):
            torch.load("lenet5.pth", weights_only=True)["model"]["conv1.weight"].shape == (6, 1, 5, 5)
    """
    named = [(type(name.rpartition(".")[2], (Aside,), {"__slots__": ()}), name) for name in _NAMES]
    return [*named, *((PlainMapping, name) for name in _MAPPINGS)]
