"""The examples in the docstrings of what is shown to learners are true."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "name",
    [
        "interpret.arithmetic.contributions",
        "data.pictures.affine",
        "data.pictures.crop_transform",
        "data.batches.moves",
        "data.batches.warp",
    ],
)
def test_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"striate.{name}"))
    assert result.attempted and not result.failed
