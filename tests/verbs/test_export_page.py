"""The page of a model, opened in Chromium: it answers as predict does, explains itself, is inert, small and alone."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.chromium import chromium
from tests.cli.test_predict_files import scene_model
from tests.models import HOW, drawn, facts_of, model_file
from tests.page_reader import Read

from striate.data.pictures.preprocess import Preprocess
from striate.errors import ExportError
from striate.export.page_program import MOST
from striate.model.build.model import build
from striate.model.files.weights import ModelFile, to_bytes
from striate.render.html.model_page import is_ours
from striate.render.html.model_scripts import ENGINE, script
from striate.runs.predictor import Predictor
from striate.spec import Shape, parse
from striate.verbs.export_page import export_page

NET = "conv 6 3 pad 1 >> batchnorm >> relu >> maxpool 2 >> conv 8 3 >> relu >> globalavgpool >> flatten >> dense"
SCRIPT = "<img src=x onerror=document.body.dataset.broken=1></script><script>document.body.dataset.broken=1</script>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream") as opened:
        yield opened


def opened(browser: Any, path: Path, **how: Any) -> Any:
    page = browser.new_page(**how)
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("request", lambda one: page.problems.append(one.url) if one.url.startswith("http") else None)
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-explained]", timeout=60_000)
    return page


def show(page: Any, path: Path) -> None:
    """Open a picture on the page and wait for the answer and its evidence."""
    before = int(page.get_attribute("body", "data-answered"))
    page.set_input_files("#file", path)
    page.wait_for_selector(f"body[data-explained='{before + 1}']")


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def picture(height: int, width: int, channels: int = 3) -> np.ndarray:
    shape = (height, width, channels) if channels > 1 else (height, width)
    coarse = np.random.default_rng(height).integers(0, 256, shape, np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height)))


_SMALL = ((37, 50, 3), (300, 200, 3), (20, 11, 3), (24, 24, 1), (90, 61, 4), (48, 24, 3))  # height, width, channels


@pytest.mark.parametrize("resize", ["crop", "stretch", "pad"])
def test_the_input_is_ours_to_the_bit(browser: Any, resize: str) -> None:
    page = browser.new_page()
    page.add_script_tag(content=script(tuple(name for name in ENGINE if name != "worker")))
    call = """([how, text, width, height]) => {
      const pixels = preparedPixels(how, Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0)), width, height);
      return Array.from(pixels);
    }"""
    sizes = {24: _SMALL, 224: ((260, 347, 3), (500, 375, 3), (61, 90, 4))}
    for interpolation, side in (("bicubic", 24), ("bilinear", 24), ("bicubic", 224)):
        for height, width, channels in sizes[side]:
            share = 0.875 if resize != "pad" and height == 300 else 1.0
            for wanted in (3, 1):
                how = Preprocess(side, side, wanted, resize=resize, interpolation=interpolation, crop_share=share)
                image = Image.fromarray(picture(height, width, channels))
                rgba = base64.b64encode(image.convert("RGBA").tobytes()).decode()
                found = page.evaluate(call, [how.to_dict(), rgba, width, height])
                apart = np.abs(np.array(found) - how.pixels(png(np.asarray(image))).astype(int).ravel())
                assert apart.max() == 0, (how, height, width, channels, apart.max())


def test_a_page_answers_as_predict_does_and_says_how_numbers_were_made(browser: Any, tmp_path: Path) -> None:
    tensors = {**drawn(NET).state_dict(), "dense1.bias": torch.tensor([0.5, -0.3, 0.1])}
    file = model_file(tmp_path / "cats.safetensors", NET, tensors)
    done = export_page(model=file, output=tmp_path / "cats.html")
    assert done.bits == 16 and is_ours(done.path.read_bytes())
    Read(done.path.read_text())
    shown = picture(31, 47)
    (tmp_path / "one.png").write_bytes(png(shown))
    page = opened(browser, done.path)
    show(page, tmp_path / "one.png")
    wanted = Predictor.open(file).predict([tmp_path / "one.png"])[0].top(3)
    rows = [row.inner_text().split() for row in page.query_selector_all("#bars tr")]
    assert [row[0] for row in rows] == [name for name, _ in wanted]
    np.testing.assert_allclose([float(row[1]) for row in rows], [share for _, share in wanted], atol=1e-3)
    said = page.inner_text("#evidence-said")
    total, bias, score = (float(word.replace("−", "-")) for word in _numbers(said))
    assert total + bias == pytest.approx(score, abs=2e-3)
    for index in range(1, page.locator(".stage").count()):
        page.locator(".stage").nth(index).click()
        page.wait_for_selector(f".stage:nth-of-type({index + 1})[aria-pressed=true]")
        page.focus("#maps")
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(60)
        assert "which is what the network computed" in page.inner_text("#pixel-sum"), index
    assert page.problems == []


def _numbers(said: str) -> list[str]:
    found = re.search(r"add up to ([^,]+), with the bias ([^,]+), which is the score (\S+)\. Each", said)
    assert found, said
    return list(found.groups())


def test_names_are_inert_and_nothing_is_asked_for(browser: Any, tmp_path: Path) -> None:
    facts = facts_of(NET, temperature=1.0)
    named = ModelFile(**{**vars(facts), "names": (SCRIPT, "dog\u202e", "{{ 7 * 7 }}")})
    path = tmp_path / "bad.safetensors"
    path.write_bytes(to_bytes(drawn(NET).state_dict(), named))
    page = opened(browser, export_page(model=path, output=tmp_path / "bad.html").path)
    assert page.get_attribute("body", "data-broken") is None and page.problems == []
    assert any(SCRIPT in text for text in page.locator("#bars bdi").all_inner_texts())


def test_digits_are_drawn(browser: Any, tmp_path: Path) -> None:
    how = Preprocess(12, 12, 1, mean=(0.2,), std=(0.3,))
    model = build(parse("conv 4 3 >> relu >> flatten >> dense 8 >> tanh >> dense"), Shape(1, 12, 12), classes=3,
                  preprocess=how, seed=0)  # fmt: skip
    facts = ModelFile(**{**vars(facts_of(str(model.net), temperature=1.0)), "input": (1, 12, 12),
                         "preprocess": how.to_dict()})  # fmt: skip
    path = tmp_path / "digits.safetensors"
    path.write_bytes(to_bytes(model.state_dict(), facts))
    page = opened(browser, export_page(model=path, output=tmp_path / "digits.html").path, has_touch=True)
    assert "covering squares" in page.inner_text("#evidence-said"), "no sum over places: covered"
    before = int(page.get_attribute("body", "data-answered"))
    box = page.locator("#drawing").bounding_box()
    page.click("#clear")
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 90, steps=4)
    page.mouse.up()
    page.wait_for_selector(f"body:not([data-answered='{before}'])")
    assert page.inner_text("#said") and page.problems == []


def test_what_the_camera_sees_is_answered_and_explained_once_it_stops(browser: Any, tmp_path: Path) -> None:
    file = model_file(tmp_path / "cats.safetensors", NET)
    page = opened(browser, export_page(model=file, output=tmp_path / "cats.html").path)
    page.click("#camera")
    page.wait_for_selector("body:not([data-answered='1']):not([data-answered='2'])")
    assert page.inner_text("#evidence-title") == "Why?", "no evidence of an earlier picture beside a newer answer"
    page.click("#camera")
    page.wait_for_selector("body:not([data-explained='1'])")
    assert page.get_attribute("body", "data-explained") == page.get_attribute("body", "data-answered")
    assert page.inner_text("#evidence-title") == f"Why {page.inner_text('#said').split(',')[0]}?"
    assert page.problems == []


@pytest.mark.parametrize("task", ["tag", "regress"])
def test_tags_and_numbers(browser: Any, tmp_path: Path, task: str) -> None:
    if task == "tag":
        state: dict[str, Any] = {
            "calibration": {"temperature": 1.5, "shifts": [0.1, -0.2, 0.3]},
            "thresholds": [0.4, 0.5, 0.6],
        }
        labels: dict[str, Any] = {}
    else:
        column = {"mean": 3.0, "scale": 2.0, "period": None, "start": 0.0}
        turn = {"mean": 0.0, "scale": 1.0, "period": 360.0, "start": 0.0}
        state, labels = {"level": 0.9, "counts": [0, 0]}, {"columns": [column, turn], "units": ["mm", "deg"]}
    names = ("a", "b", "c") if task == "tag" else ("length", "angle")
    facts = ModelFile(
        net=NET,
        input=(3, 12, 16),
        task=task,
        names=names,
        preprocess=HOW.to_dict(),
        state=state,
        provenance={},
        labels=labels,
    )
    model = build(parse(NET), Shape(3, 12, 16), classes=3, preprocess=HOW, seed=5)
    path = tmp_path / "model.safetensors"
    path.write_bytes(to_bytes(model.state_dict(), facts))
    page = opened(browser, export_page(model=path).path)
    shown = picture(12, 16)
    (tmp_path / "one.png").write_bytes(png(shown))
    show(page, tmp_path / "one.png")
    answer = Predictor.open(path).predict([tmp_path / "one.png"])[0].to_dict()
    rows = {row.inner_text().split()[0]: row.inner_text().split() for row in page.query_selector_all("#bars tr")}
    if task == "tag":
        wanted = dict(zip(names, Predictor.open(path).predict([tmp_path / "one.png"])[0].probabilities, strict=True))  # type: ignore[attr-defined]
        assert {name: float(row[1]) for name, row in rows.items()} == pytest.approx(wanted, abs=1e-3)
    else:
        for one in answer["numbers"]:  # type: ignore[attr-defined]
            assert float(rows[one["name"]][2].replace("−", "-")) == pytest.approx(one["value"], rel=2e-3)
    assert page.problems == []


def test_what_strangers_are_told_by_is_the_same(browser: Any) -> None:
    from striate.export.page_program import STORED
    from striate.export.page_tensors import Packed
    from striate.tasks.class_answering import _formula
    from striate.tasks.ood import fit_ood

    rng = np.random.default_rng(0)
    for width in (40, 700):
        known, logits = rng.normal(size=(90, width)).astype(np.float32), rng.normal(size=(90, 4)) * 3
        detector = fit_ood(known[:60], np.arange(60) % 4, known[60:], logits[60:])
        told = _formula(detector)
        packed = Packed()
        where = packed.add(told.pop("stored"), step=STORED)
        page = browser.new_page()
        page.add_script_tag(content=script(tuple(name for name in ENGINE if name != "worker")))
        call = """async ([unknown, where, text, counts, embeddings, logits]) => {
          unknown.stored = readTensor(await unpackTensors(text, counts), where);
          return embeddings.map((one, i) => strangeness(unknown, one, logits[i]));
        }"""
        given = [
            json.loads(json.dumps(told)),
            where,
            packed.text(),
            packed.counts,
            known[60:].tolist(),
            logits[60:].tolist(),
        ]
        found = page.evaluate(call, given)
        np.testing.assert_allclose(found, detector.score(known[60:], logits[60:]), atol=0.02)


def test_what_a_page_cannot_show_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    file = model_file(tmp_path / "cats.safetensors", NET)
    with pytest.raises(ExportError, match="has no pictures"):
        export_page(model=file, output=tmp_path / "page.html", pictures=3)
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(("task", "output"), [("detect", "boxes"), ("segment", "masks"), ("count", "density")])
def test_models_of_scenes_are_refused_by_name_before_anything_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str, output: str
) -> None:
    def computed(_: Any) -> None:
        raise AssertionError("it was computed first")

    monkeypatch.setattr("striate.verbs.export_page._bits", computed)
    file = scene_model(tmp_path / "scene.safetensors", task)
    with pytest.raises(ExportError, match=f"cannot make answers of {output} yet"):
        export_page(model=file, output=tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_more_weights_than_a_page_carries_are_refused_before_anything_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def computed(_: Any) -> None:
        raise AssertionError("it was computed first")

    assert MOST == 30_000_000, "as docs/model-page.md says"
    monkeypatch.setattr("striate.verbs.export_page._bits", computed)
    monkeypatch.setattr("striate.export.page_program.MOST", 500)
    file = model_file(tmp_path / "cats.safetensors", NET)
    with pytest.raises(ExportError, match=r"of weights, and a page carries at most 500; striate export"):
        export_page(model=file, output=tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_weights_stay_as_they_are_where_sixteen_bits_would_change_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = "conv 64 3 >> relu >> conv 64 3 >> relu >> globalavgpool >> flatten >> dense"
    file = model_file(tmp_path / "cats.safetensors", wide)
    small = export_page(model=file, output=tmp_path / "16.html")
    monkeypatch.setattr("striate.verbs.export_page.NEAR", 1e-9)
    whole = export_page(model=file, output=tmp_path / "32.html")
    assert (small.bits, whole.bits) == (16, 32)
    assert whole.path.stat().st_size > small.path.stat().st_size


def test_the_same_model_gives_the_same_page(tmp_path: Path) -> None:
    file = model_file(tmp_path / "cats.safetensors", NET)
    shutil.copy(file, tmp_path / "again.safetensors")
    first, second = (export_page(model=file, output=tmp_path / f"{n}.html").path.read_bytes() for n in "ab")
    assert first == second and torch.is_grad_enabled()
