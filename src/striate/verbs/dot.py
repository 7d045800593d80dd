"""Dot: how one number of a network was made. Without torch for a model file of ours; prints nothing."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from striate.data.pictures.given import Picture
from striate.errors import ModelError
from striate.interpret.arithmetic import dot as terms
from striate.interpret.arithmetic.dot import Dot
from striate.verbs.probe import Network, open_onnx_probe, open_probe


def dot(
    picture: Picture,
    part: str | None = None,
    channel: int | None = None,
    at: tuple[int, int] | None = None,
    *,
    network: Network | None = None,
) -> Dot:
    """Return how one number of a network was made; see `striate.interpret.arithmetic.dot.dot`.

    A network whose weights are in a model file of ours is computed by ONNX Runtime as it is, every layer by itself;
    what that cannot do, and what has no file, by torch. Both give the same numbers but for rounding.

    Errors: DescribeError, ModelError, PictureError.

    Example: ``dot(Path("cat.jpg"), "conv1", 5, (7, 9), network=Network(run="pets-1")).contributions.formula``
    """
    asked = network or Network()
    if asked.net is None:
        file = asked.file()
        with suppress(ModelError):  # torch answers then, or says what is wrong
            return terms.dot(open_onnx_probe(file, picture), part, channel, at)
        asked = replace(asked, model=file)  # found, and fetched, once
    return terms.dot(open_probe(picture, asked), part, channel, at)
