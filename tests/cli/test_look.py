"""``striate look``: one page that needs nothing, a sheet, text; and one clear line for what cannot be looked at."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.stage import QUICK, Place
from tests.page_reader import whole
from tests.pictures import paint

from striate.interpret.look import PartLook, PictureLook, RunLook
from striate.runs import filters, maps
from striate.runs.run import RunDirectory
from striate.session import run as session
from striate.verbs.look import page


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("look"))
    paint(place.path / "pets")
    place("train", "pets", *QUICK, "--epochs", "2", "--size", "16").done()
    Image.open(place.path / "pets" / "ant" / "0-00.png").resize((40, 30)).save(place.path / "ant.png")
    return place


def test_a_picture_gives_one_page_with_its_answer_first(trained: Place) -> None:
    done = trained("look", "ant.png").done()
    assert re.search(r"^Why did it say \w+\? 0\.\d\d ", done.out) and done.out.endswith("drawn in ant-look.html\n")
    text = (trained.path / "ant-look.html").read_text()
    read = whole(text)
    assert read.count("h1") == 1
    folded = [facts for tag, facts in read.tags if tag == "details"]
    assert len(folded) >= 2 and not any("open" in facts for facts in folded)
    for words in ("Trust: ", "What it shows", "What it does not", "What did each stage see?"):
        assert words in text
    again = trained("look", "ant.png").done()  # over our own
    assert again.out == done.out and (trained.path / "ant-look.html").read_text() == text
    (trained.path / "mine.html").write_text("mine")
    trained("look", "ant.png", "-o", "mine.html").refused("mine.html is there already and is not ours")


def test_why_this_and_not_that_by_a_method_and_what_would_change_it(trained: Place) -> None:
    done = trained("look", "ant.png", "--class", "bee", "--against", "cow", "--change", "-o", "why.html").done()
    assert done.out.startswith("Why did it say bee and not cow?")
    text = (trained.path / "why.html").read_text()
    whole(text)
    assert "How far can I trust that picture?" in text and "What would it take not to say" in text
    assert "Grad-CAM" in text and "random orders" in text
    occluded = trained("look", "ant.png", "--method", "occlusion", "--png", "-o", "why.png").done()
    assert occluded.out.startswith("Why did it say")
    trained("look", "ant.png", "--method", "gradcam").refused("no method 'gradcam'.*grad-cam")
    trained("look", "ant.png", "--against", "bees").refused("no class 'bees'; near it: bee")
    trained("look", "ant.png", "--method", "occlusion", "--part", "relu1").refused("not at a part")


def test_a_part_a_channel_and_a_place(trained: Place) -> None:
    part = trained("look", "ant.png", "--part", "relu1", "--at", "2,3").done()
    assert "What does relu1 see?" in part.out
    whole((trained.path / "ant-relu1-look.html").read_text())
    channel = trained("look", "ant.png", "--part", "relu1", "--channel", "2").done()
    assert "What is channel 2 of relu1 looking for?" in channel.out
    text = (trained.path / "ant-relu1-2-look.html").read_text()
    whole(text)
    assert "patches of" in text and "by deconvolution" in text and "What maximises it" in text


def test_a_sheet_and_text(trained: Place) -> None:
    trained("look", "ant.png", "--png").done()
    sheet = Image.open(io.BytesIO((trained.path / "ant-look.png").read_bytes()))
    assert sheet.width == 1000 and sheet.text["Description"].startswith("Why did it say")  # type: ignore[attr-defined]
    shown = trained("look", "ant.png", "--ascii", "--part", "conv1").done()
    assert "What does conv1 see?" in shown.out and shown.out.isascii()
    assert max(map(len, shown.out.splitlines())) < 400 and "@" in shown.out


def test_a_run_says_what_confuses_it_and_what_it_learnt_when(trained: Place) -> None:
    done = trained("look", "pets-1").done()
    assert done.out.startswith("What confuses pets-1?")
    text = (trained.path / "pets-1-look.html").read_text()
    whole(text)
    trusts = re.findall(r'note">For (?:ant|bee|cow|emu) and not \w+: (Removing first|Of a network)', text)
    assert len(trusts) == 2 * text.count("evidence, 1 at the largest of both</em>")
    assert "What did it learn, and when?" in text and "Do all its layers work?" in text and "image/gif" in text
    run = RunDirectory.open("pets-1", trained.path / "runs")
    assert list(filters.kept(run)) == [0, 1, 2]
    assert [list(part.maps) for part in maps.kept(run).values()] == [[0, 1, 2]] and "What relu1 made of" in text
    for name in ("last", "runs/last"):  # a path that the shell completes
        assert trained("look", name, "-o", "again.html").done().out.startswith("What confuses pets-1?")
    trained("look", "pets-1", "--part", "conv9").refused("no maps of 'conv9' were kept.*of relu1")
    for path in (run.path / "maps.jsonl", run.path / "filters.jsonl"):  # a run of before they were kept
        path.rename(path.with_suffix(".old"))
    trained("look", "pets-1", "-o", "old.html").done()
    text = (trained.path / "old.html").read_text()
    assert "Neither filters nor maps were kept epoch by epoch: it was trained before such were kept." in text
    trained("look", "pets-1", "--part", "relu1").refused("but of none: it was trained before such were kept")
    for path in run.path.glob("*.old"):
        path.rename(path.with_suffix(".jsonl"))


def test_the_same_from_python(trained: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained.path)
    monkeypatch.setenv("STRIATE_CACHE", str(trained.path / "cache"))
    run = RunDirectory.open("pets-1")
    seen = session.Run(run).look("ant.png").value
    assert isinstance(seen, PictureLook) and seen.why is not None and seen.why.heat.shape == (16, 16)
    assert isinstance(session.Run(run).look(np.zeros((16, 16, 3), np.uint8), part="conv1", channel=1).value, PartLook)
    shown = session.Run(run).look().value
    assert isinstance(shown, RunLook) and shown.confusion.pictures == len(run.split()["test"])
    assert all(why and why.trust for one in shown.mistakes for why in (one.for_said, one.for_truth))
    whole(page(shown))


def test_an_untrained_net_says_so(trained: Place) -> None:
    done = trained("look", "ant.png", "--net", "lenet5", "-o", "lenet.html")
    assert done.code == 0 and "drawn by chance" in done.out
    assert "drawn by chance" in (trained.path / "lenet.html").read_text()


def test_bad_input_gets_one_clear_line(trained: Place, tmp_path: Path) -> None:
    trained("look", "nothing.png").refused("there is no picture and no run 'nothing.png'")
    trained("look", "ant.png", "--part", "convv1").refused("no part 'convv1'.*near it: conv1")
    trained("look", "ant.png", "--part", "relu1", "--channel", "9").refused("no channel 9: it puts out 4")
    trained("look", "ant.png", "--part", "relu1", "--at", "40,0").refused("no place 40,0: its map is 8 high")
    trained("look", "ant.png", "--part", "dense1").refused("flat vector")
    trained("look", "ant.png", "--run", "cats").refused("cats")
    (trained.path / "text.png").write_text("no picture")
    trained("look", "text.png").refused("text.png: not a picture")
    assert "--part" in trained("look", "ant.png", "--channel", "1").err
    assert trained("look", "ant.png", "--part", "relu1", "--at", "x").code == 2
    assert not list(trained.path.glob("nothing*"))
    gone = Place(tmp_path)
    shutil.copytree(trained.path / "runs", tmp_path / "runs")
    recipe = tmp_path / "runs" / "pets-1" / "recipe.toml"
    recipe.write_text(recipe.read_text().replace(str(trained.path / "pets"), str(tmp_path / "gone")))
    gone("look", "pets-1").refused("gone")
    assert not list(tmp_path.glob("*.html"))
