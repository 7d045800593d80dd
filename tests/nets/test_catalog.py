"""Names, files and texts become nets; what is none of them is told apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from striate.errors import DescribeError, NotationError
from striate.nets import CATALOG, lenet5, resolve
from striate.spec import Conv, ReLU, parse


@pytest.mark.parametrize("name", CATALOG)
def test_every_net_works_on_what_it_was_published_for(name: str) -> None:
    entry = CATALOG[name]
    open_net = resolve(name)
    assert open_net.is_open
    survey = open_net.on(entry.input, classes=entry.classes)
    assert survey.output is not None
    assert survey.output.channels == entry.classes
    assert entry.function(entry.classes) == open_net.with_classes(entry.classes)
    assert parse(str(open_net)) == open_net
    assert entry.summary
    assert 1980 < entry.year < 2100


def test_a_name_a_file_and_a_text(tmp_path: Path) -> None:
    assert resolve("LeNet5").with_classes(10) == lenet5()
    file = tmp_path / "my.net"
    file.write_text("# two layers\nconv 6 5   # the first\n>> relu\n", encoding="utf-8")
    assert resolve(str(file)) == Conv(6, 5) >> ReLU()
    assert resolve("relu") == ReLU()
    assert resolve(" conv 6 5\n>> relu ") == Conv(6, 5) >> ReLU()


def test_what_is_none_of_them(tmp_path: Path) -> None:
    with pytest.raises(DescribeError, match=r"'lenet' is neither a net of the catalogue \(did you mean lenet5\?\)"):
        resolve("lenet")
    with pytest.raises(NotationError, match="column 6"):
        resolve("conv x")
    (tmp_path / "picture").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(DescribeError, match="not text"):
        resolve(str(tmp_path / "picture"))
    (tmp_path / "bad.net").write_text("relu\n>> covn 3 3", encoding="utf-8")
    with pytest.raises(NotationError, match=r"bad.net, line 2: .*did you mean 'conv'.*column 4"):
        resolve(str(tmp_path / "bad.net"))
    with pytest.raises(DescribeError):
        resolve("conv 6 5 >> " * 5000)
