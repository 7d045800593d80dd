"""ImageNet's 1,000 class names in the order of the outputs: read from ``imagenet.txt`` when they are asked for."""

from __future__ import annotations

from importlib.resources import files


def imagenet_classes() -> tuple[str, ...]:
    """Return the names of ILSVRC 2012's classes (Russakovsky et al. 2015), all different, in class order.

    Example: ``imagenet_classes()[281]`` is ``"tabby"``.
    """
    lines = files("striate.data.labels").joinpath("imagenet.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("#"))
