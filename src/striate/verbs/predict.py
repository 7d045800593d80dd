"""Predict: pictures in, answers out. Imports runs; torch only where no ONNX file answers. Prints nothing.

The predictor, with NumPy, is imported when it is opened, while the bytes of its file are being proved.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from striate.errors import ModelError, PictureError, SourceError, StriateError
from striate.files import not_a_url
from striate.runs.names import MARK, followed
from striate.runs.run import RunDirectory
from striate.runs.seal import Proof, beside
from striate.verbs.workspace import HERE, Workspace

if TYPE_CHECKING:
    from striate.data.pictures.crop_transform import CropTransform
    from striate.data.pictures.depth import Depth
    from striate.runs.predictor import Predictor
    from striate.tasks.prediction import Prediction


def open_predictor(
    *,
    run: str = "last",
    model: str | Path | None = None,
    workspace: Workspace = HERE,
    int8: bool = False,
    device: str = "auto",
) -> Predictor:
    """Return the predictor of a run, or of ``model``: a model file, or published weights by name (`open_weights`).

    ``int8`` answers by ``model.int8.onnx``, which a run's first such use makes of its own pictures (`export`).
    """
    file = find_model(run=run, model=model, workspace=workspace)
    proof = Proof(beside(file, int8=int8))
    from striate.runs.predictor import Predictor

    if int8 and model is None:
        predictor = _int8(run, file, workspace, proof)
    else:
        predictor = Predictor.open(file, device=device, int8=int8, proof=proof)
    for note in predictor.notes:
        workspace.tell(note)
    return predictor


def find_model(
    *,
    run: str = "last",
    model: str | Path | None = None,
    workspace: Workspace = HERE,
) -> Path:
    """Return the model file of a run, or of ``model``: a file, or published weights by name, fetched where need be.

    So are models on the Hub (``hf://user/name``), by either word.
    """
    if model is None and run.startswith("hf:/"):
        model = run
    if model is None:
        return RunDirectory.open(run, workspace.runs_dir).model_path
    model = path = followed(model, workspace.runs_dir)  # of hf:// one slash is left, which will do
    if path.is_file() and not (workspace.runs_dir / path / MARK).is_file():
        return path  # without what knows published weights, and the network
    from striate.verbs.weights import open_weights

    return open_weights(model, workspace)


def _int8(run: str, file: Path, workspace: Workspace, proof: Proof) -> Predictor:
    """Return the predictor in int8 of a run, made now where it is not there or is not of this model any more."""
    from striate.runs.predictor import Predictor
    from striate.verbs.export import export

    try:
        predictor = Predictor.open(file, int8=True, proof=proof)
    except ModelError as error:
        if not file.is_file():
            raise
        workspace.tell(f"making {beside(file, int8=True).name} ({error})")
        export(run, int8=True, workspace=workspace)
        predictor = Predictor.open(file, int8=True)
    assert predictor.onnx is not None
    workspace.tell(predictor.task.cost_words(predictor.onnx.parity))
    return predictor


@dataclass(frozen=True)
class Pictures:
    """The files to answer for, in order, and those of the folders among them that are no pictures."""

    files: tuple[Path, ...]
    passed_over: tuple[Path, ...] = ()


def pictures(paths: Sequence[Path]) -> Pictures:
    """Return the files to answer for: files as they are, folders walked in name order, at any depth.

    Of a folder, what is no picture is passed over and counted: what systems leave behind, hidden files, text. Runs are
    no pictures either. A picture that cannot be read, and a link to nothing, is one to answer for: it is named then.

    Errors: SourceError for a path that is not there, or a folder without a picture.
    Example: ``[path.name for path in pictures([Path("album")]).files][:2]`` is ``["cat_1.png", "cat_2.png"]``.
    """
    found: list[Path] = []
    passed_over: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside, others = _inside(path)
            if not inside:
                some = f" (of {len(others):,} files none is one)" if others else ""
                raise SourceError(f"{path} holds no picture to answer for{some}")
            found += inside
            passed_over += others
        elif os.path.lexists(path):
            found.append(path)
        else:
            raise SourceError(not_a_url(str(path)) or f"there is no picture or folder at {path}")
    return Pictures(tuple(found), tuple(passed_over))


def _inside(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the pictures of a folder and its other files, in name order."""
    from striate.data.sources.listing import Scan, refusal  # with NumPy

    scan = Scan(folder)
    found: list[Path] = []
    others: list[Path] = []
    for key, entry in scan.walk(folder, "", (os.path.realpath(folder),)):
        why = refusal("", entry)
        (found if why is None or why.bad else others).append(folder / key)
    others += [Path(name) for name in scan.silent if not name.endswith("/")]
    return sorted(found), sorted(others)


def cautions_of(predictor: Predictor, *, unknown: bool = True, aims: Mapping[str, float]) -> tuple[str, ...]:
    """Return sentences to be read with every answer; ``aims`` is what these are to reach, such as a recall of 0.9.

    Errors: StriateError for an aim that the model's task does not know, or that is no share.
    """
    task = predictor.task
    for name in aims:
        if name not in task.aims:
            some = f" may be asked for {' and '.join(task.aims)}" if task.aims else " are not chosen by such a figure"
            raise StriateError(f"--{name} is for answers that are chosen by it; those of the task {task.name}{some}")
    return task.warnings(predictor.learnt, {"unknown": unknown, **aims})


def predict(
    predictor: Predictor,
    files: Sequence[Path],
    *,
    unknown: bool = True,
    black: Callable[[str, int], None] | None = None,
    large: Callable[[str, float], None] | None = None,
    aims: Mapping[str, float] = MappingProxyType({}),
    tile: int | str | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Iterator[tuple[Path, Prediction | PictureError]]:
    """Yield every file with its answer, or with the reason why it cannot be read, in the order given.

    ``black`` is told the name, and the bits used, of each picture that comes out nearly black as nothing states its
    depth (`striate.data.pictures.depth`); ``large`` that, and how many times as large, of each that is much larger than
    those learnt from and was looked at as a whole. ``aims`` is what answers are to reach, see `cautions_of`; ``tile``
    and ``progress`` as of `Predictor.predict_each`. Errors: StriateError for a tile that cannot be.
    """
    from striate.data.pictures.depth import nearly_black  # with NumPy

    bits = predictor.preprocess.bits

    def seen(key: str, depth: Depth | None, crop: CropTransform | None) -> None:
        if black is not None and depth is not None and nearly_black(depth, bits):
            black(key, depth.used)
        if large is not None and crop is not None:
            from striate.runs.tiled import larger

            if times := larger(predictor, crop):
                large(key, times)

    for key, answer in predictor.predict_each(
        files, unknown=unknown, seen=seen, options=aims, tile=tile, progress=progress
    ):
        path = Path(key)
        if isinstance(answer, PictureError) and path.is_symlink() and not path.exists():
            yield path, PictureError(f"{key} cannot be read: it is a link to nothing")
        else:
            yield path, answer
