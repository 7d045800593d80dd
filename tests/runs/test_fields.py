"""What may stand in the JSON of a run: real values pass, and a wrong one is named by where it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from striate.runs import fields
from striate.runs.fields import FILES, epoch, listed, loads, named, number, shape, text, whole

SOURCE = {
    "name": "pets", "location": "/pets", "data_dir": None, "classes": ["cat", "dog"],
    "pictures": {"train": 2, "val": 1, "test": 0, "left_out": 0}, "rejected": [{"key": "a", "reason": "empty"}],
    "notes": [], "copies": {"pictures": 0}, "digest": "ab", "preprocess": {"height": 8}, "missing": ["b"],
}  # fmt: skip


def test_what_a_run_writes_passes() -> None:
    assert FILES["source.json"](SOURCE) == ""
    assert loads(json.dumps(SOURCE), FILES["source.json"]) == SOURCE
    assert FILES["split.json"]({"train": ["a"], "val": [], "test": []}) == ""
    assert FILES["source.json"]({"name": "of before there were more"}) == ""
    assert epoch({"index": 3, "val_loss": 0.5, "metrics": {"accuracy": 1}, "side_loss": None}) == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": 7}, "name is 7 and no text"),
        ({"name": "a\ud800"}, "name is no text that can be written"),
        ({"name": "a\0"}, "name holds a zero byte"),
        ({"classes": ["cat", []]}, r"classes\[1\] is a list and no text"),
        ({"pictures": {"train": 10**18, "val": 0, "test": 0}}, r"pictures\.train is 10+ and no whole number"),
        ({"pictures": {"train": True, "val": 0, "test": 0}}, r"pictures\.train is True and no whole number"),
        ({"rejected": [{"key": "a"}]}, r"rejected\[0\] lacks reason"),
        ({"preprocess": []}, "preprocess is a list and no object"),
    ],
)
def test_a_wrong_value_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}"):
        loads(json.dumps(SOURCE | change), FILES["source.json"])


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": NaN}', '{"name": "a", "name": "b"}', "\0", "[" * 9999])
def test_what_is_no_object_or_no_json(content: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        loads(content, FILES["source.json"])


def test_names_that_are_not_utf_8_pass_as_python_has_them() -> None:
    assert text(b"caf\xe9.png".decode("utf-8", "surrogateescape")) == ""


def test_numbers_and_shapes() -> None:
    assert number(1e29) == number(-3) == whole(0) == shape(3)([1, 2, 3]) == ""
    for value in (1e31, float("nan"), float("inf"), "1", None, True, []):
        assert number(value), value
    for value in ([1, 2], [1, 2, 0], [10**4] * 3, [1, 2, -3], "abc", None):
        assert shape(3)(value), value
    assert listed(whole)([1, -1]) == "[1] is -1 and no whole number from 0 on"
    assert named(number)({"a": "b"}) == ".a is 'b' and no number"
    assert "no loss" in epoch({"index": 1, "weight_decay": 0.1})


def test_what_a_checkpoint_says_of_its_training() -> None:
    good = {"epochs_done": 1, "step": 0, "best": None, "inexact": [], "rate_factor": 1.0}
    assert fields.STATE(good | {"good": good}) == ""
    assert fields.STATE(good | {"epochs_done": -1}) == ".epochs_done is -1 and no whole number from 0 on"
    assert fields.STATE(good | {"good": {"step": "x"}}) == ".good.step is 'x' and no whole number from 0 on"
