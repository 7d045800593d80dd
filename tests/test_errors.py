"""Every error of ours survives a pickle: a pool of processes hands errors on that way, and waits for ever where not."""

from __future__ import annotations

import importlib
import inspect
import multiprocessing
import pickle
import pkgutil
from collections.abc import Iterator

import pytest

import striate
from striate.errors import FitError, NotationError, ShapeError, StriateError
from striate.spec import parse

GIVEN: dict[str, object] = {"reason": "expected a layer", "text": "conv 8\n>> nothing", "column": 10}


def kinds() -> Iterator[type[StriateError]]:
    for module in pkgutil.walk_packages(striate.__path__, "striate."):
        if "sandbox.child" not in module.name and "__main__" not in module.name:
            importlib.import_module(module.name)
    waiting = [StriateError]
    while waiting:
        kind = waiting.pop()
        yield kind
        waiting += kind.__subclasses__()


def test_every_error_comes_out_of_a_pickle_as_it_went_in() -> None:
    found = list(kinds())
    assert len(found) >= 20
    for kind in found:
        wanted = [
            name for name in inspect.signature(kind.__init__).parameters if name not in ("self", "args", "kwargs")
        ]

        error = kind(*(GIVEN[name] for name in wanted)) if wanted else kind("cat.jpg: no picture, 12 of 13 bytes")
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is kind
        assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))


@pytest.mark.parametrize(
    ("text", "kind"),
    [("conv 8 3x3 >> nothing", NotationError), ("conv 8 3x3 stride 3", FitError), ("dense 3", ShapeError)],
)
def test_with_the_survey_and_the_proposals_that_it_carries(text: str, kind: type[StriateError]) -> None:
    with pytest.raises(kind) as caught:
        parse(text).on(1, 7, 7)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert str(again.survey) == str(caught.value.survey)
    assert again.proposals == caught.value.proposals


def test_a_pool_says_what_does_not_read() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool, pytest.raises(NotationError, match="no layer 'nothing'"):
        pool.apply_async(parse, ("conv 8 3x3 >> nothing",)).get(timeout=60)
