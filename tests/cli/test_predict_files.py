"""``predict`` with -o, --coco, --yolo, --voc, --masks, --csv, --precision: answers about scenes as files."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.cli.stage import Place
from tests.models import model_file

from striate.data.labels.object_formats import find_objects
from striate.data.pictures.preprocess import Preprocess
from striate.data.sources.masked import mask_source
from striate.model.build.model import build
from striate.model.files.weights import ModelFile, to_bytes
from striate.spec import Shape, parse
from striate.tasks.table import TASKS

NAMES = ("red", "=white")
TRUNK = "conv 8 3x3 stride 4 pad 1 >> relu >> "
NETS = {"detect": "conv 6 1x1 >> flatten", "segment": "conv 2 1x1", "count": "conv 2 1x1"}
FACTS = {"detect": {"levels": [[12, 16]], "input": [48, 64]}, "segment": {}, "count": {"by": "dots"}}
HOW = Preprocess(48, 64, 3, resize="pad", mean=(0.5,) * 3, std=(0.25,) * 3)
SIZES = {"one.jpg": (80, 120), "sub/two.png": (50, 40), "sub/two.jpg": (48, 64)}  # two would share a name


def scene_model(path: Path, task: str) -> Path:
    """A model with weights as drawn, the last ones larger, so that it says something everywhere."""
    net = TRUNK + NETS[task]
    model = build(parse(net), Shape(3, 48, 64), classes=2, preprocess=HOW, seed=1)
    tensors = {
        name: value * 12 if value.ndim == 4 and value.shape[2] == 1 else value
        for name, value in model.state_dict().items()
    }
    facts = ModelFile(
        net=net, input=(3, 48, 64), task=task, names=NAMES, preprocess=HOW.to_dict(), labels=FACTS[task],
        state=dict(TASKS[task].unlearnt("made").facts), provenance={},
    )  # fmt: skip
    path.write_bytes(to_bytes(tensors, facts))
    return path


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    home = tmp_path_factory.mktemp("scenes")
    pixels = np.random.default_rng(0)
    (home / "in" / "sub").mkdir(parents=True)
    for name, (height, width) in SIZES.items():
        coarse = pixels.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((width, height)).save(home / "in" / name)
    for task in NETS:
        scene_model(home / f"{task}.safetensors", task)
    model_file(home / "classify.safetensors", "conv 4 3x3 >> relu >> globalavgpool >> flatten >> dense")
    return home


@pytest.fixture
def asked(scenes: Path, tmp_path: Path) -> Place:
    for one in scenes.iterdir():
        (tmp_path / one.name).symlink_to(one)
    return Place(tmp_path)


def solid(box: dict[str, float]) -> bool:
    return box["right"] - box["left"] >= 0.01 and box["bottom"] - box["top"] >= 0.01


def say(task: str, *words: str) -> tuple[str, ...]:
    return ("predict", "in", "--model", f"{task}.safetensors", *words)


@pytest.mark.parametrize("task", NETS)
def test_an_answer_is_drawn_on_its_picture_and_drawn_again_over_our_own_alone(asked: Place, task: str) -> None:
    ask = ("predict", "in/one.jpg", "--model", f"{task}.safetensors", "-o", "one.png")
    for _ in range(2):
        told = asked(*ask).done().out.splitlines()
        assert len(told) == 2 and told[1] == "drawn in one.png"
    with Image.open(asked.path / "one.png") as drawn:
        assert drawn.width % 120 == 0 and drawn.text["Description"] == told[0]  # type: ignore[attr-defined]
        plain = Image.open(asked.path / "in" / "one.jpg").resize(drawn.size)
        assert np.abs(np.asarray(drawn, int) - np.asarray(plain, int)).max() > 50
    Image.new("RGB", (8, 8)).save(asked.path / "mine.png")
    mine = (asked.path / "mine.png").read_bytes()
    asked(*ask[:-1], "mine.png").refused("mine.png is there already and is not ours")
    assert (asked.path / "mine.png").read_bytes() == mine
    asked(*ask[:-1], "one.jpg").refused("name a file that ends in .png")
    asked(*ask[:-1], "none/one.png").refused("there is no folder none")


def test_of_several_each_is_drawn_in_a_folder(asked: Place) -> None:
    told = asked(*say("detect", "-o", "out")).done().out.splitlines()
    assert told[-1] == "3 pictures drawn in out" and len(told) == 4
    found = sorted(path.relative_to(asked.path / "out").as_posix() for path in (asked.path / "out").rglob("*.png"))
    assert found == ["one.png", "sub/two.jpg.png", "sub/two.png.png"]
    asked(*say("detect", "-o", "out")).done()
    Image.new("RGB", (8, 8)).save(asked.path / "out" / "one.png")
    asked(*say("detect", "-o", "out")).refused("out/one.png is there already and is not ours")
    asked(*say("detect", "-o", "in/out")).refused("in/out is within in, which is only read")
    asked(*say("detect", "-o", "detect.safetensors")).refused("is a file, and 3 answers are drawn into a folder")
    assert sorted(path.name for path in asked.path.iterdir()) == [
        "classify.safetensors", "count.safetensors", "detect.safetensors", "in", "out", "segment.safetensors",
    ]  # fmt: skip


def test_what_lies_nowhere_is_refused_in_one_line_and_nothing_is_left(asked: Place) -> None:
    before = sorted(asked.path.iterdir())
    asked(*say("classify", "-o", "out")).refused("there is nothing to draw on the picture")
    for words in (("--coco", "a.json"), ("--yolo", "a"), ("--voc", "a")):
        asked(*say("classify", *words)).refused("there are no objects to write as labels", "--csv and --json write it")
        asked(*say("count", *words)).refused("there are no objects to write as labels")
    for task in ("classify", "detect", "count"):
        asked(*say(task, "--masks", "a")).refused("there is no mask to write")
    asked(*say("segment", "--yolo", "a")).refused("YOLO would have the boxes around them alone; --coco and --masks")
    assert sorted(asked.path.iterdir()) == before


def test_boxes_as_labels_read_back_and_pycocotools_loads_them(asked: Place) -> None:
    pytest.importorskip("pycocotools")
    from pycocotools.coco import COCO

    wanted = {
        one["picture"]: [box for box in one["boxes"] if solid(box["box"])]
        for one in json.loads(asked(*say("detect", "--json")).done().out)
    }
    assert sum(map(len, wanted.values())) > 5
    asked(*say("detect", "--voc", "voc")).refused("differ in their ending alone")  # sub/two.jpg and sub/two.png
    assert not (asked.path / "voc").exists()
    out = asked(*say("detect", "--coco", "a.json")).done().out
    assert f"{sum(map(len, wanted.values()))} objects in 3 pictures written to a.json" in out
    coco = COCO(asked.path / "a.json")
    assert {one["name"] for one in coco.loadCats(coco.getCatIds())} == set(NAMES)
    for image in coco.loadImgs(coco.getImgIds()):
        height, width = SIZES[image["file_name"]]
        assert (image["height"], image["width"]) == (height, width)
        boxes = wanted[f"in/{image['file_name']}"]
        found = coco.loadAnns(coco.getAnnIds(imgIds=image["id"]))
        assert [one["score"] for one in found] == [one["score"] for one in boxes]
        for one, box in zip(found, boxes, strict=True):
            sides = box["box"]
            assert one["bbox"] == pytest.approx(
                [sides["left"], sides["top"], sides["right"] - sides["left"], sides["bottom"] - sides["top"]], abs=1e-3
            )
    assert find_objects(asked.path / "a.json", pictures=asked.path / "in").counts().keys() == set(NAMES)


@pytest.mark.parametrize("form", ["yolo", "voc"])
def test_boxes_as_folders_of_labels_read_back(asked: Place, form: str) -> None:
    for name in ("one.jpg", "sub/two.png"):
        (asked.path / "pics" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(asked.path / "in" / name, asked.path / "pics" / name)
    ask = ("predict", "pics", "--model", "detect.safetensors", f"--{form}", "labels")
    told = asked(*ask).done().out
    objects = find_objects(asked.path / "labels", pictures=asked.path / "pics")
    number = sum(map(len, objects.pictures))
    assert number > 3 and f"{number} objects in 2 pictures written to labels" in told
    assert {(one.key, one.height, one.width) for one in objects.pictures} == {
        (key, *SIZES[key]) for key in ("one.jpg", "sub/two.png")
    }
    asked(*ask).refused("labels is there already; name a new folder with --")


def test_masks_and_areas_are_what_was_said_of_each_pixel(asked: Place) -> None:
    pytest.importorskip("pycocotools")
    from pycocotools.coco import COCO

    said = {one["picture"]: one for one in json.loads(asked(*say("segment", "--json")).done().out)}
    told = asked(*say("segment", "--masks", "masks", "--coco", "a.json")).done().out.splitlines()
    assert "3 masks written to masks" in told
    assert (asked.path / "masks" / "classes.txt").read_text() == "0: red\n1: =white\n"
    (asked.path / "again").mkdir()
    shutil.copytree(asked.path / "in", asked.path / "again" / "images")
    (asked.path / "again" / "images" / "sub" / "two.jpg").unlink()
    (asked.path / "masks" / "sub" / "two.jpg.png").unlink()
    shutil.copytree(asked.path / "masks", asked.path / "again" / "masks")
    (asked.path / "again" / "masks" / "sub" / "two.png.png").rename(asked.path / "again" / "masks" / "sub" / "two.png")
    assert mask_source(asked.path / "again", name="again").label_names == NAMES, "the names come along"
    coco = COCO(asked.path / "a.json")
    for image in coco.loadImgs(coco.getImgIds()):
        if image["file_name"] == "sub/two.jpg":
            continue
        name = image["file_name"]
        with Image.open(asked.path / "masks" / ("one.png" if name == "one.jpg" else f"{name}.png")) as file:
            assert file.mode == "P"
            ids = np.asarray(file)
        assert ids.shape == SIZES[name]
        areas = {one["class"]: one["pixels"] for one in said[f"in/{name}"]["areas"]}
        assert {NAMES[at]: (ids == at).sum() for at in np.unique(ids[ids < 255])} == areas
        for one in coco.loadAnns(coco.getAnnIds(imgIds=image["id"])):
            assert (coco.annToMask(one).astype(bool) == (ids == one["category_id"] - 1)).all()
            assert 0 < one["score"] <= 1 and one["area"] == (ids == one["category_id"] - 1).sum()


def test_areas_are_told_in_units_where_the_length_of_a_pixel_is_said(asked: Place) -> None:
    plain, scaled = (
        json.loads(asked(*say("segment", "--json", *more)).done().out) for more in ((), ("--pixel", "0.5 mm"))
    )
    for before, after in zip(plain, scaled, strict=True):
        for one, wide in zip(before["areas"], after["areas"], strict=True):
            assert wide == {**one, "area": one["pixels"] / 4, "unit": "mm2"}
    line = asked(*say("segment", "--pixel", "65nm")).done().out.splitlines()[0]
    pixels = plain[0]["areas"][0]["pixels"]
    assert f"({pixels * 65**2:,} nm²)" in line
    for wrong in ("mm", "0 mm", "-1 mm", "5"):
        told = asked(*say("segment", "--pixel", wrong))
        assert told.code == 2 and f"--pixel {wrong}: it is a length with its unit, such as 0.5mm" in told.err
    asked(*say("count", "--pixel", "1mm")).refused("the length of a pixel makes areas of masks")


def test_a_table_has_a_row_a_box_and_a_picture_without_one_too(asked: Place) -> None:
    wanted = json.loads(asked(*say("detect", "--json")).done().out)
    assert asked(*say("detect", "--csv", "a.csv")).done().out == "3 pictures in a.csv\n"
    with (asked.path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    each = [(one["picture"], box) for one in wanted for box in one["boxes"]]
    assert len(rows) == len(each)
    for row, (picture, box) in zip(rows, each, strict=True):
        assert (row["picture"], row["box"]) == (picture, str(box["number"]))
        assert row["class"].removeprefix("'") == box["class"] and not row["class"].startswith("=")
        assert [float(row[side]) for side in ("left", "top", "right", "bottom")] == list(box["box"].values())
    Image.new("RGB", (64, 48), (128, 128, 128)).save(asked.path / "none.png")
    out = asked("predict", "none.png", "--model", "detect.safetensors", "--csv", "-").done().out.splitlines()
    assert len(out) >= 2 and out[1].startswith("none.png,")
    for task in ("segment", "count"):
        assert len(asked(*say(task, "--csv", "-")).done().out.splitlines()) == 4, "a row a picture"


def test_what_answers_are_to_reach_is_for_those_that_are_chosen_by_it(asked: Place) -> None:
    told = asked(*say("detect", "--precision", "0.95"))
    assert told.code == 0 and "a precision of 0.95 cannot be promised: made" in told.err
    asked(*say("detect", "--recall", "9")).refused("recall 9.0: it is a share above 0, at most 1")
    asked(*say("detect", "--recall", "0.9", "--precision", "0.9")).refused("one decides where boxes are said from")
    for task in ("classify", "segment", "count"):
        asked(*say(task, "--recall", "0.9")).refused(f"those of the task {task} are not chosen by such a figure")


def test_a_picture_that_cannot_be_read_is_named_and_the_others_are_written(asked: Place) -> None:
    (asked.path / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    ask = ("predict", "bad.jpg", "in/one.jpg", "--model", "detect.safetensors")
    answer = asked(*ask, "--coco", "a.json", "-o", "out")
    answer.refused(r"bad\.jpg: ")
    assert [one["file_name"] for one in json.loads((asked.path / "a.json").read_text())["images"]] == ["in/one.jpg"]
    assert [path.name for path in (asked.path / "out").rglob("*.png")] == ["one.png"]
    out = asked(*ask, "--json", "-o", "out").out
    assert len(json.loads(out)) == 2, "what was drawn is told beside the JSON, not in it"


def test_look_answers_or_refuses_in_one_line(asked: Place) -> None:
    look = ("look", "in/one.jpg", "--model", "detect.safetensors", "-o", "look.html")
    told = asked(*look, "--object", "2", "--method", "grad-cam")
    assert told.code == 0 and told.out.startswith("Why is box 2 ")
    asked(*look, "--object", "9999").refused("there is no box 9999: they go from 1 to ")
    asked(*look, "--against", "red").refused("boxes are found one by one, none against another")
    asked(*look, "--change").refused("is not asked of a model of the task detect")
    asked(*look, "--pixel", "3,4").refused("the task detect is not asked about a pixel: it takes object or missed")
    asked(*look, "--object", "1", "--class", "red").refused("by its number alone")
    asked(*look, "--missed", "1").refused("none of the run's own", "say where it is: a point x,y in it")
    asked(*look, "--missed", "9000,2").refused("9000, 2 is not in the picture")
    asked(*look, "--missed", "1,2,3").refused("--missed is '1,2,3'; give a number such as 2, or x,y such as 120,80")
    missed = asked(*look, "--missed", "3,4", "--method", "grad-cam")
    assert missed.code == 0 and re.match(r"(Why was it missed\?|Was it missed, and why\?) ", missed.out)
    for task in ("segment", "count"):
        ask = ("look", "in/one.jpg", "--model", f"{task}.safetensors", "-o", "look.html", "--method", "layer-cam")
        first = {"segment": r"Why did it (not )?say \S+ ", "count": r"What made the count of \S+ "}[task]
        for more, words in ((("--class", "red"), ""), (("--pixel", "3,4"), "at pixel 3, 4"),
                            (("--box", "1,2,9,8"), "in the box 1, 2 to 9, 8")):  # fmt: skip
            told = asked(*ask, *more)
            assert told.code == 0 and re.match(first.rstrip(" ") + (f" {words}" if words else ""), told.out), told
        asked(*ask, "--object", "1").refused(f"the task {task} is not asked about a box by its number")
        asked(*ask, "--box", "9,9,3,3").refused("has no area")
