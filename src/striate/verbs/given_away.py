"""Given away: a model's files as others may have them, without the places where somebody's pictures lie.

The weights are the same to the bit. What a recipe says of places on this machine becomes their names, so that the
checksums are others, and the files belong together again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any, Final

from striate.files import MODEL, read_bytes
from striate.model.files import tensorfile, weights
from striate.model.files.weights import FORMAT, GRAPH, state_prefix
from striate.runs import onnx_file
from striate.runs.seal import beside, check_seal

PLACES: Final = ("source", "labels", "mend", "group", "start")  # settings of a recipe that may be paths
_LINE: Final = re.compile(rf"^({'|'.join(PLACES)}) = \"(.*)\"$", re.MULTILINE)


def without_places(recipe: str) -> str:
    """Return the text of a recipe with the names of files and folders in place of where they are.

    Example: ``without_places('source = "/home/me/pets"')`` is ``'source = "pets"'``.
    """
    return _LINE.sub(lambda found: f'{found[1]} = "{_name(found[2])}"', recipe)


def _name(place: str) -> str:
    """Return the last part of a path; of an address, a pattern or a name all of it."""
    return place if "://" in place or not (os.sep in place or "/" in place) else PurePath(place).name or place


def give_away(model: Path, folder: Path) -> tuple[Path, ...]:
    """Write the files of a model into a folder: ``model.safetensors``, and each ONNX file of it that is there.

    Everything is proved before. Errors: ModelError for a file that is damaged.

    Example: ``give_away(run.model_path, Path("."))[0].name`` is ``"model.safetensors"``.
    """
    arrays, facts = weights.read_arrays(model)
    header, recipe = tensorfile.read_header(model), facts.provenance.get("recipe")
    graphs = [path for path in (beside(model), beside(model, int8=True)) if path.is_file()]
    measured = [json.loads(check_seal(path).metadata.get(onnx_file.PARITY, "{}")) for path in graphs]
    at = folder / model.name
    if facts.format != FORMAT or not isinstance(recipe, dict):  # it says nothing of places, or is not ours to change
        return tuple(Path(shutil.copyfile(path, folder / path.name)) for path in (model, *graphs))
    said: dict[str, Any] = {
        key: _name(value) if key in PLACES and isinstance(value, str) else value for key, value in recipe.items()
    }
    plain = replace(facts, provenance={**facts.provenance, "recipe": said})
    at.write_bytes(b"".join(weights.to_pieces(arrays, plain, graph=header.metadata.get(GRAPH))))
    if graphs:
        from striate.export.onnx import finished

        state = tensorfile.read_arrays(model, header, state_prefix(facts))
        for path, parity in zip(graphs, measured, strict=True):
            content = finished(read_bytes(path, limit=MODEL), tensorfile.read_header(at), state, parity)
            (folder / path.name).write_bytes(content)
    return (at, *(folder / path.name for path in graphs))
