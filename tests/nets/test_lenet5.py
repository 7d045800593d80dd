"""LeNet-5 against the numbers of the paper."""

from __future__ import annotations

from striate.nets import lenet5, lenet5_1998
from striate.nets.lenet5 import C3_SEES


def test_as_published() -> None:
    survey = lenet5_1998().on(1, 32, 32)
    parameters = {row.path: row.parameters for row in survey.rows if row.parameters}
    # LeCun et al. 1998, section II.B, layer by layer.
    assert parameters == {"c1": 156, "s2": 12, "c3": 1516, "s4": 32, "c5": 48120, "f6": 10164}
    assert survey.parameters == 60_000
    assert survey.fixed == 84 * 10
    connections = {"c1": 122_304, "s2": 5_880, "c3": 151_600, "s4": 2_000, "c5": 48_120}
    outputs = {row.path: row.output for row in survey.rows}
    # The paper counts connections with biases: weights and bias of every output.
    for row in survey.rows:
        if row.path in ("c1", "c3", "c5"):
            assert row.macs + outputs[row.path].elements == connections[row.path]
        if row.path in ("s2", "s4"):
            assert outputs[row.path].elements * (4 + 1) == connections[row.path]
    assert [str(outputs[path]) for path in ("c1", "s2", "c3", "s4", "c5", "f6", "output")] == [
        "6x28x28",
        "6x14x14",
        "16x10x10",
        "16x5x5",
        "120x1x1",
        "84",
        "10",
    ]
    assert next(row.field for row in survey.rows if row.path == "c5").size == (32, 32)


def test_table_one_of_the_paper() -> None:
    printed = [
        "X",
        ".",
        ".",
        ".",
        "X",
        "X",
        "X",
        ".",
        ".",
        "X",
        "X",
        "X",
        "X",
        ".",
        "X",
        "X",
        "X",
        "X",
        ".",
        ".",
        ".",
        "X",
        "X",
        "X",
        ".",
        ".",
        "X",
        "X",
        "X",
        "X",
        ".",
        "X",
        "X",
        "X",
        "X",
        ".",
        ".",
        ".",
        "X",
        "X",
        "X",
        ".",
        ".",
        "X",
        ".",
        "X",
        "X",
        "X",
        ".",
        "X",
        "X",
        "X",
        ".",
        ".",
        "X",
        "X",
        "X",
        "X",
        ".",
        ".",
        "X",
        ".",
        "X",
        "X",
        ".",
        ".",
        "X",
        "X",
        "X",
        ".",
        ".",
        "X",
        "X",
        "X",
        "X",
        ".",
        "X",
        "X",
        ".",
        "X",
        ".",
        ".",
        ".",
        "X",
        "X",
        "X",
        ".",
        ".",
        "X",
        "X",
        "X",
        "X",
        ".",
        "X",
        "X",
        "X",
    ]
    columns = [printed[row * 16 : row * 16 + 16] for row in range(6)]
    assert tuple(tuple(i for i in range(6) if columns[i][out] == "X") for out in range(16)) == tuple(
        tuple(sorted(row)) for row in C3_SEES
    )


def test_as_used_now() -> None:
    survey = lenet5().on(1, 28, 28)
    assert survey.parameters == 61_706
    assert lenet5(None).is_open
    assert lenet5(None).with_classes(2).on(3, 32, 32).output.channels == 2
