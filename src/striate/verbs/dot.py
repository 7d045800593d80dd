"""Dot: how one number of a network was made. Without torch for a model file of ours; prints nothing."""

from __future__ import annotations

from pathlib import Path

from striate.data.download import Progress
from striate.errors import ModelError
from striate.inside import dot as terms
from striate.inside.dot import Dot
from striate.runs.predictor import Picture
from striate.spec import Shape
from striate.verbs.predict import find_model
from striate.verbs.subject import open_quick, open_subject
from striate.verbs.weights import Tell


def dot(
    picture: Picture,
    part: str | None = None,
    channel: int | None = None,
    at: tuple[int, int] | None = None,
    *,
    run: str = "last",
    model: str | Path | None = None,
    net: str | None = None,
    shape: Shape | None = None,
    classes: int | None = None,
    seed: int = 0,
    runs_dir: Path = Path("runs"),
    data_dir: Path | None = None,
    download: bool = True,
    progress: Progress | None = None,
    tell: Tell = lambda _: None,
) -> Dot:
    """Return how one number of the network that `open_subject` would return was made; see `striate.inside.dot.dot`.

    A network whose weights are in a model file of ours is computed by ONNX Runtime as it is, every layer by itself;
    what that cannot do, and what has no file, by torch. Both give the same numbers but for rounding.

    Errors: DescribeError, ModelError, PictureError.

    Example: ``dot(Path("cat.jpg"), "conv1", 5, (7, 9), run="pets-1").account.formula``
    """
    if net is None:
        file = find_model(
            run=run, model=model, runs_dir=runs_dir, data_dir=data_dir, download=download, progress=progress, tell=tell
        )
        try:
            return terms.dot(open_quick(file, picture), part, channel, at)
        except ModelError:
            pass  # torch answers, or says what is wrong
    subject = open_subject(
        picture,
        run=run,
        model=model,
        net=net,
        shape=shape,
        classes=classes,
        seed=seed,
        runs_dir=runs_dir,
        data_dir=data_dir,
        download=download,
        progress=progress,
        tell=tell,
    )
    return terms.dot(subject, part, channel, at)
