"""The table of rows that come again: those of somebody's code, which may use one part as often as it likes."""

from __future__ import annotations

import pytest

from striate.spec import Shape
from striate.spec.summary import fold
from striate.spec.survey import Part


def row(path: str, *, output: Shape | None = None, parameters: int = 0) -> Part:
    shape = output or Shape(8, 4, 4)
    return Part(path, "conv 8 3x3", shape, parameters, 0, 10, 100, None, None, False)


@pytest.mark.parametrize(
    ("paths", "shown"),
    [
        (["a", "a"], {"a": "conv 8 3x3", "a again": "conv 8 3x3"}),
        (["a", "b", "a", "b", "a"], {"a": "", "b": "", "a again": "conv 8 3x3, 2 times", "b again": "conv 8 3x3"}),
        (["a.0", "a.0"], {"a.0": "", "a.0 again": "conv 8 3x3"}),
        (["a.0.x", "a.0.x", "a.0"], {"a.0.x": "", "a.0.x again": "", "a.0": ""}),
        (["a", "a.x", "a", "a.x"], {"a": "", "a.x": "", "a again": "", "a.x again": ""}),
        (["a"] * 1000, {"a": "conv 8 3x3", "a again": "conv 8 3x3, 999 times"}),
    ],
)
def test_a_part_used_again_has_a_row_for_it(paths: list[str], shown: dict[str, str]) -> None:
    rows = [row(path, parameters=0 if path in paths[:place] else 72) for place, path in enumerate(paths)]
    folded = list(fold(rows))
    assert sorted(part.path for part in folded) == sorted(shown)
    assert all(part.layer == shown[part.path] for part in folded if shown[part.path])
    for total in ("parameters", "macs", "memory_bytes"):
        assert sum(getattr(part, total) for part in folded) == sum(getattr(part, total) for part in rows)


def test_a_part_at_other_work_is_not_the_same() -> None:
    rows = [row("a"), row("a", output=Shape(8, 2, 2)), row("a", output=Shape(8, 2, 2))]
    folded = list(fold(rows))
    assert [(part.path, str(part.output)) for part in folded] == [("a", "8x4x4"), ("a again", "8x2x2")]
    assert folded[1].layer == "conv 8 3x3, 2 times" and folded[1].macs == 20
