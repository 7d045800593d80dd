"""Predict: pictures in, answers out. Imports runs (and through it the model); prints nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from striate.data.download import Progress
from striate.errors import PictureError, SourceError
from striate.runs.predictor import Predictor
from striate.runs.run import Run
from striate.tasks.prediction import Scores
from striate.verbs.weights import Tell, open_weights


def open_predictor(
    *,
    run: str = "last",
    model: str | Path | None = None,
    runs_dir: Path = Path("runs"),
    data_dir: Path | None = None,
    download: bool = True,
    progress: Progress | None = None,
    tell: Tell = lambda _: None,
    device: str = "auto",
) -> Predictor:
    """Return the predictor of a run, or of ``model``: a model file, or published weights by name (`open_weights`)."""
    if model is None:
        return Predictor.open(Run.open(run, runs_dir).model_path, device=device)
    return Predictor.open(
        open_weights(model, runs_dir=runs_dir, data_dir=data_dir, download=download, progress=progress, tell=tell),
        device=device,
    )


def pictures(paths: Sequence[Path]) -> list[Path]:
    """Return the files to answer for: files as they are, folders walked in name order, hidden files left out.

    Errors: SourceError for a path that is not there, or a folder without a file.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(
                file
                for file in path.rglob("*")
                if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
            )
            if not inside:
                raise SourceError(f"{path} holds no file to answer for")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise SourceError(f"there is no picture or folder at {path}")
    return found


def predict(
    predictor: Predictor, files: Sequence[Path], *, unknown: bool = True
) -> Iterator[tuple[Path, Scores | PictureError]]:
    """Yield every file with its answer, or with the reason why it cannot be read, in the order given."""
    for key, answer in predictor.predict_each(files, unknown=unknown):
        yield Path(key), answer
