"""Subject: which network is asked about which picture. Imports inside, and through it torch; prints nothing."""

from __future__ import annotations

from pathlib import Path

from striate import nets
from striate.data.download import Progress
from striate.errors import ShapeError
from striate.inside.picture import as_pixels, read
from striate.inside.subject import Subject
from striate.runs.predictor import Picture
from striate.spec import Shape
from striate.verbs.predict import open_predictor
from striate.verbs.weights import Tell


def open_subject(
    picture: Picture,
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
) -> Subject:
    """Return a network with a picture: of a ``run``, of a ``model`` (as `open_predictor`), or of an untrained ``net``.

    ``net`` is a name of the catalogue, a file with the text of a net or the text itself; its weights are drawn from
    ``seed``, and ``trained`` of the subject says so. It sees the picture at ``shape``: without one at its paper's size,
    and a net in words at the picture's own size. A picture may be text (`inside.picture`). ``tell`` hears what is done
    to get published weights.

    Errors: DescribeError, ModelError, PictureError.

    Example: ``open_subject(Path("cat.jpg"), net="resnet18").tap(["conv1"])``
    """
    if isinstance(picture, str | Path) and Path(picture).suffix == ".txt":
        picture = as_pixels(read(Path(picture)), str(picture))
    if net is None:
        return Subject.of(
            open_predictor(
                run=run,
                model=model,
                runs_dir=runs_dir,
                data_dir=data_dir,
                download=download,
                progress=progress,
                tell=tell,
                device="cpu",
            ),
            picture,
        )
    entry = nets.CATALOG.get(net.lower().replace("-", "_"))
    described = nets.resolve(net)
    if shape is None and entry is not None:
        shape = entry.input
    if shape is None:
        if isinstance(picture, bytes):
            raise ShapeError("which input? say its shape, for example 3x224x224")
        pixels = read(Path(picture)) if isinstance(picture, str | Path) else picture
        shape = Shape(pixels.shape[2] if pixels.ndim == 3 else 1, *pixels.shape[:2])
    if classes is None and described.is_open:
        classes = entry.classes if entry else 10
    return Subject.untrained(described, shape, picture, classes=classes, seed=seed)
