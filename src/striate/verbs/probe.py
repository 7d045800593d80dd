"""Probe: which network is asked about which picture. No torch until a network needs it; prints nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from striate import nets
from striate.data.pictures.given import One, Picture, one
from striate.data.pictures.preprocess import Preprocess
from striate.errors import ShapeError
from striate.interpret.onnx_probe import OnnxProbe
from striate.interpret.picture import as_pixels, read
from striate.interpret.probe import show
from striate.model.files.limits import check_survey
from striate.model.files.weights import read_arrays, state_prefix
from striate.runs.rebuild import check_input, frozen, surveyed
from striate.spec import Shape
from striate.spec.wiring import wired
from striate.verbs.predict import find_model
from striate.verbs.workspace import HERE, Workspace

if TYPE_CHECKING:
    from striate.interpret.torch_probe import TorchProbe


@dataclass(frozen=True, kw_only=True)
class Network:
    """Which network is asked: of a ``run``, of a ``model`` (a file, or published weights by name), or untrained.

    ``net`` is a name of the catalogue, a file with the text of a net or the text itself; its weights are drawn from
    ``seed``. It sees a picture at the size of its ``input``: without one at its paper's size, and a net in words at
    the picture's own size. Runs and published weights are looked for in ``workspace``.
    """

    run: str = "last"
    model: str | Path | None = None
    net: str | None = None
    input: Shape | None = None
    classes: int | None = None
    seed: int = 0
    workspace: Workspace = HERE

    def file(self) -> Path:
        """Return its model file, fetched where need be. Errors: ModelError, RunError, DownloadError."""
        return find_model(run=self.run, model=self.model, workspace=self.workspace)


def open_probe(picture: Picture, network: Network | None = None) -> TorchProbe:
    """Return a network (of the last run, where none is named) with a picture, which may be text (`interpret.picture`).

    Errors: DescribeError, ModelError, PictureError.

    Example: ``open_probe(Path("cat.jpg"), Network(run="pets-1")).tap(["conv1"])["conv1"].shape``
    """
    from striate.interpret.torch_probe import TorchProbe

    asked, picture = network or Network(), _pixels(picture)
    if asked.net is None:
        return TorchProbe.of(asked.file(), picture)
    entry = nets.CATALOG.get(asked.net.lower().replace("-", "_"))
    described, shape, classes = nets.resolve(asked.net), asked.input, asked.classes
    if shape is None and entry is not None:
        shape = entry.input
    if shape is None:
        if isinstance(picture, bytes):
            raise ShapeError("which input? say its shape, for example 3x224x224")
        pixels = read(Path(picture)) if isinstance(picture, str | Path) else picture
        shape = Shape(pixels.shape[2] if pixels.ndim == 3 else 1, *pixels.shape[:2])
    if classes is None and described.is_open:
        classes = entry.classes if entry else 10
    return TorchProbe.untrained(described, shape, picture, classes=classes, seed=asked.seed)


def open_onnx_probe(file: Path, picture: Picture) -> OnnxProbe:
    """Return the network of a model file with a picture, to be asked for its numbers alone: torch is not imported.

    Errors: ModelError for a file that `open_probe` refuses too, or a net that needs torch all the same (somebody's
    own code, weights in bfloat16); PictureError.
    """
    from striate.export.onnx_parts import compute

    arrays, facts = read_arrays(file)
    survey, how = surveyed(facts), Preprocess.from_dict(facts.preprocess)
    check_survey(survey)
    check_input(facts, how)
    paths, shape, start = {row.path for row in survey.rows}, survey.input, state_prefix(facts)
    arrays = {
        name: array for name, array in arrays.items() if not name.startswith(start) or name.rpartition(".")[0] in paths
    }
    wiring = wired(survey.net, shape)
    shown = show(_pixels(picture), how)
    return OnnxProbe(
        **shown._asdict(),
        names=facts.names,
        preprocess=how,
        frozen=frozen(facts),
        surveyed=survey,
        wiring=wiring,
        arrays=arrays,
        compute=lambda pixels, parts: compute(wiring, shape, arrays, pixels, parts),
    )


def _pixels(picture: Picture) -> One:
    """Return a picture, or the pixels of one that is text."""
    content = one(picture)
    if isinstance(content, str | Path) and Path(content).suffix == ".txt":
        return as_pixels(read(Path(content)), str(content))
    return content
