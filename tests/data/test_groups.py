"""Pictures of one group stay on one side, however they are named, and what cannot be grouped is said in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from striate.data.groups import Groups, find_groups, group_lasting, identities, together
from striate.data.sources.source import Source, find
from striate.errors import SourceError


def folder(root: Path, *names: str) -> Source:
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), number).save(root / name)
    return find(root)


TWO = ("a/patient1_0.png", "a/patient1_1.png", "a/patient2_0.png", "b/patient2_1.png", "b/odd.png")


def test_a_pattern_names_groups_by_its_first_group_or_the_whole_match(tmp_path: Path) -> None:
    source = folder(tmp_path, *TWO)
    found = find_groups(source, r"patient(\d)")
    assert found is not None
    assert dict(found.names) == {TWO[0]: "1", TWO[1]: "1", TWO[2]: "2", TWO[3]: "2"}
    assert set(find_groups(source, r"patient\d").names.values()) == {"patient1", "patient2"}  # type: ignore[union-attr]
    said = r"4 pictures in 2 groups by patient(\d): none is on two sides; 1 picture is in none, and each for itself"
    assert found.line(source.items) == said
    assert find_groups(source, None) is None


def test_parent_is_the_folder_inside_the_class(tmp_path: Path) -> None:
    source = folder(tmp_path, "a/p1/0.png", "a/p1/1.png", "a/2.png", "b/b/3.png", "b/p1/4.png")
    found = find_groups(source, "parent")
    assert found is not None
    assert dict(found.names) == {"a/p1/0.png": "p1", "a/p1/1.png": "p1", "b/b/3.png": "b", "b/p1/4.png": "p1"}
    with pytest.raises(SourceError, match=r"no picture of .* lies in a folder inside its class's"):
        find_groups(folder(tmp_path / "flat", "a/0.png", "b/1.png"), "parent")


@pytest.mark.parametrize(
    "text",
    [
        "a/patient1_0.png,x\na/patient1_1.png,x\nb/odd.png,y\n",
        "Patient,n,File\nx,1,./a/patient1_0.png\nx,2,a\\patient1_1.png\ny,3,b/odd.png\n,4,a/patient2_0.png\n",
        "path\tgroup\n{root}/a/patient1_0.png\tx\nset/a/patient1_1.png\tx\nb/odd.png\ty\n",
    ],
)
def test_a_list_names_groups(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = folder(tmp_path / "set", *TWO)
    (tmp_path / "list.csv").write_text(text.format(root=tmp_path / "set"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    found = find_groups(source, "list.csv")
    assert found is not None
    assert found.by == "list.csv"
    assert dict(found.names) == {TWO[0]: "x", TWO[1]: "x", TWO[4]: "y"}
    assert group_lasting("list.csv") == str(tmp_path / "list.csv")
    assert group_lasting(r"(p\d)") == r"(p\d)"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("dog", r"--group 'dog' is in none of the 5 paths .*the first is a/"),
        ("(", r"no pattern \(a regular expression\)"),
        (r"\.png", r"one group, '.png', holds all 5 pictures"),
        ("none.csv", "cannot be read: No such file"),
        ("odd.csv", "wanted lines of path,group"),
        ("others.csv", "names none of the 5 pictures"),
        ("twice.csv", "line 2: b/odd.png is in 'x' already, and here in 'y'"),
        ("short.csv", "line 2: 'b' has no path and group"),
    ],
)
def test_what_cannot_be_grouped_is_said_in_one_line(
    tmp_path: Path, said: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = folder(tmp_path / "set", *TWO)
    lists = {
        "odd": "a,b,c\n",
        "others": "x.png,1\n",
        "twice": "b/odd.png,x\nb/odd.png,y\n",
        "short": "b/odd.png,x\nb\n",
    }
    for name, text in lists.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=why) as error:
        find_groups(source, said)
    assert "\n" not in str(error.value)


def test_a_name_in_quotes_may_hold_a_line(tmp_path: Path) -> None:
    source = folder(tmp_path / "set", *TWO)
    (tmp_path / "lines.csv").write_text(f'path,group\r\n{TWO[0]},"x\ny"\r\n{TWO[1]},x\u2028y\r\n', newline="")
    found = find_groups(source, str(tmp_path / "lines.csv"))
    assert found is not None and dict(found.names) == {TWO[0]: "x\ny", TWO[1]: "x\u2028y"}


def test_copies_and_groups_are_joined_through_each_other() -> None:
    keys, digests = ["a", "b", "c", "d", "e"], [b"1" * 16, b"2" * 16, b"2" * 16, b"3" * 16, b"4" * 16]
    assert identities(keys, digests) == tuple(digests), "without groups a picture is its content, as ever"
    groups = Groups("x", {"a": "g", "b": "g", "e": "h"})
    one = identities(keys, digests, [groups])
    assert len({one[0], one[1], one[2]}) == 1 and one[3] == digests[3] and len(set(one)) == 3
    assert identities(keys[::-1], digests[::-1], [groups]) == one[::-1], "no order matters"
    more = identities([*keys, "f"], [*digests, b"0" * 16], [Groups("x", {**groups.names, "f": "g"})])
    assert more[:5] == one, "a group keeps its identity when it grows"
    both = identities(keys, digests, [groups, together(keys, [{"d", "e"}, {"nobody"}], "labels.toml")])
    assert both[3] == both[4] != both[0]
    apart = identities(["a", "b"], [b"1" * 16, b"2" * 16], [Groups("x", {"a": "g"}), Groups("y", {"b": "g"})])
    assert apart[0] != apart[1], "equal names of two groupings say nothing"
