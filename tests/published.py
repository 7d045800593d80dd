"""Weights as a publisher would have them, of a net small enough to be made here."""

from __future__ import annotations

from functools import cache

from striate.data.pictures.preprocess import Preprocess
from striate.model.files import tensorfile
from striate.model.pretrained.pretrained import File, Published
from striate.nets import CATALOG
from striate.spec import Shape

PICTURES = Preprocess(16, 16, 3, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4), crop_share=0.875, interpolation="bilinear")


@cache
def content(seed: int = 0) -> bytes:
    """Return a safetensors file with the entries of the net ``tiny``."""
    from striate.model.build.model import build  # torch

    tensors = build(CATALOG["tiny"].function(10), Shape(3, 16, 16), seed=seed).state_dict()
    return b"".join(tensorfile.pack({name: t for name, t in tensors.items() if not name.startswith("input.")}, {}))


def entry(*files: File, bgr: bool = False) -> Published:
    """Return the line of the table for it."""
    return Published(
        net="tiny", files=files, preprocess=PICTURES, accuracy=50.0, mib=0.6, trained_on="cifar10", bgr=bgr
    )
