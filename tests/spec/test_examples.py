"""The examples in the docstrings of the rooms spec and nets are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import striate.nets
import striate.spec

MODULES = [
    module.name
    for package in (striate.spec, striate.nets)
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
]


@pytest.mark.parametrize("name", ["striate.spec", "striate.nets", *MODULES])
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
