"""Cluster: a folder's pictures in groups, with folders of links; the folder itself is only read."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image
from tests.models import model_file
from tests.pictures import paint

from striate.cli.main import striate
from striate.errors import DataError, SearchError
from striate.session.search import cluster_text
from striate.verbs.cluster import cluster
from striate.verbs.index import index

NET = "conv 8 3x3 pad 1 >> relu >> maxpool 2 >> conv 6 3x3 pad 1 >> relu >> globalavgpool >> flatten >> dense"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    paint(tmp_path / "photos", count=8)
    monkeypatch.chdir(tmp_path)
    model = model_file(tmp_path / "m.safetensors", NET)
    return index(tmp_path / "photos", tmp_path / "i", model=str(model)).folder


def test_groups_are_the_colours_and_agree_with_the_folders(place: Path) -> None:
    made = cluster(place, 3)
    assert sorted(len(group.rows) for group in made.groups) == [8, 8, 8] and not len(made.alone)
    assert all(len(group.folders) == 1 and group.words == () for group in made.groups)
    assert made.agreement is not None and made.agreement.rand == made.agreement.information == pytest.approx(1)
    assert [path.parent.name for path in made.paths(made.groups[0].rows)] == [made.groups[0].folders[0][0]] * 8


def test_links_lead_to_the_pictures_and_nothing_is_half_made(place: Path, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "photos").rglob("*")}
    made = cluster(place, 3, links=tmp_path / "links")
    found = [path.resolve() for path in (tmp_path / "links").glob("*/*")]
    assert sorted(found) == sorted(path for path in before if path.suffix)
    assert len(list((tmp_path / "links").iterdir())) == 3
    first = min((tmp_path / "links" / "01").iterdir())
    assert first.resolve() == made.paths(made.groups[0].rows)[0]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    with pytest.raises(DataError, match="there already"):
        cluster(place, 3, links=tmp_path / "links")
    with pytest.raises(DataError, match="only read"):
        cluster(tmp_path / "photos", 3, links=tmp_path / "photos" / "links")


def test_copies_make_no_more_groups_than_they_are(place: Path, tmp_path: Path) -> None:
    (tmp_path / "same").mkdir()
    for number in range(6):
        Image.new("RGB", (9, 9), (200, 9, 9)).save(tmp_path / "same" / f"{number}.png")
    same = index(tmp_path / "same", tmp_path / "s", model=str(tmp_path / "m.safetensors")).folder
    made = cluster(same, 4)
    assert len(made.groups) == 1 and "4 groups were asked for" in cluster_text(made)


def test_refusals(place: Path, tmp_path: Path) -> None:
    with pytest.raises(SearchError, match="25 groups cannot be made of 24"):
        cluster(place, 25)
    (tmp_path / "two").mkdir()
    for seed in range(2):
        Image.new("RGB", (9, 9), (seed, 9, 9)).save(tmp_path / "two" / f"{seed}.png")
    two = index(tmp_path / "two", tmp_path / "j", model=str(tmp_path / "m.safetensors")).folder
    with pytest.raises(SearchError, match="has 2 pictures"):
        cluster(two)


def test_the_command_says_groups_and_writes_the_page(place: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(striate, ["cluster", "i", "-n", "3", "-o", "c.html"])
    assert done.exit_code == 0, done.output
    assert done.output.count("(") >= 3 and "adjusted Rand index 1.00" in done.output
    page = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert "24 pictures in 3 groups" in page and page.count("<img") == 25, "one waits for what is pointed at"
    assert json.loads(html.unescape(re.search(r'data-paths="([^"]*)"', page)[1]))[:1]  # type: ignore[index]
    facts = json.loads(CliRunner().invoke(striate, ["cluster", "i", "-n", "3", "--json"]).output)
    assert len(facts["groups"]) == 3 and facts["in_no_group"] == [] and facts["agreement"]["rand"] == pytest.approx(1)
