"""Targets: what a model can be exported to for programs without Striate, by name; each is a file beside this one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from striate.errors import ExportError

if TYPE_CHECKING:
    from striate.export.deployed import Deployment
    from striate.export.parity import Asker


@dataclass(frozen=True)
class Target:
    """A kind of file that a model can be exported to.

    ``module`` has ``write_onnx(deployment, place)``, by the target's name, which writes the artefact at a place and
    returns all files of it, and, where it can be asked here, ``open_onnx(place)``, which returns what asks it.
    ``suffix`` ends its name and ``words``
    say what it is. ``packages`` are what it needs, which ``extra`` installs. ``any_size`` and ``int8``: whether it can
    take pictures of any size, and be in int8; ``many``: whether it takes several pictures at once; ``whole``: whether
    steps that depend on data can be in it, such as dropping boxes that say the same; ``asked``: whether it can be asked
    here, so that its answers are known; ``real``: pixels are given it as float32.
    """

    name: str
    suffix: str
    words: str
    module: str
    packages: tuple[str, ...] = ()
    extra: str = ""
    any_size: bool = False
    int8: bool = False
    many: bool = True
    whole: bool = True
    asked: bool = True
    real: bool = False

    @property
    def write(self) -> Callable[[Deployment, Path], Sequence[Path]]:
        """What writes the artefact. Errors: ExportError where what it needs is not installed."""
        self.check_installed()
        found: Callable[[Deployment, Path], Sequence[Path]] = getattr(import_module(self.module), f"write_{self.name}")
        return found

    @property
    def opened(self) -> Callable[[Path], Asker]:
        """What opens it again, to be asked."""
        found: Callable[[Path], Asker] = getattr(import_module(self.module), f"open_{self.name}")
        return found

    def check_installed(self) -> None:
        """Refuse where a package is missing. Errors: ExportError that names what installs it."""
        for package in self.packages:
            if find_spec(package) is None:
                raise ExportError(
                    f"--to {self.name} needs {package}, which is not installed: pip install 'striate[{self.extra}]'"
                )


TARGETS: Final = {
    one.name: one
    for one in (
        Target("onnx", ".onnx", "ONNX, for ONNX Runtime", "striate.export.onnx_target", any_size=True, int8=True),
        Target(
            "openvino", ".xml", "OpenVINO", "striate.export.openvino_target", packages=("openvino",), extra="openvino"
        ),
        Target("torch", ".pt2", "an exported program of torch", "striate.export.torch_target"),
        Target(
            "executorch",
            ".pte",
            "a program for ExecuTorch",
            "striate.export.executorch_target",
            packages=("executorch",),
            extra="executorch",
            many=False,
            whole=False,
        ),
        Target(
            "coreml",
            ".mlpackage",
            "a package for Core ML, converted only",
            "striate.export.coreml_target",
            packages=("coremltools",),
            extra="coreml",
            many=False,
            whole=False,
            asked=False,
            real=True,
        ),
    )
}
"""What there is, by name."""
