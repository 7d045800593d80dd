"""The widget, in Chromium, by a model object that stands in for anywidget's: as in Jupyter, VS Code and marimo."""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.axe import findings
from tests.chromium import chromium
from tests.models import drawn, model_file

import striate
from striate.errors import DescribeError, ExportError, StriateError
from striate.runs.predictor import Predictor

NET = "conv 6 3 pad 1 >> batchnorm >> relu >> maxpool 2 >> conv 8 3 >> relu >> globalavgpool >> flatten >> dense"
HOST = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>cells</title>{head}</head>
<body {body}><main id="cell"></main><script>
window.inside = (name) => document.querySelector("main > div").shadowRoot.querySelector(name);
addEventListener("keydown", () => {{ window.leaked = true; }});
window.begin = async (state, text) => {{
  const hear = {{}};
  window.model = {{
    get: (name) => state[name],
    set: (name, value) => {{ state[name] = value; (hear[`change:${{name}}`] ?? []).forEach((one) => one()); }},
    save_changes: () => {{}},
    on: (name, one) => (hear[name] ??= []).push(one),
    off: (name, one) => {{ hear[name] = hear[name].filter((other) => other !== one); }},
    left: () => Object.values(hear).flat().length,
  }};
  const module = await import(URL.createObjectURL(new Blob([text], {{ type: "text/javascript" }})));
  window.end = module.default.render({{ model, el: document.getElementById("cell") }});
}};
</script></body></html>"""
# What VS Code allows in the output of a notebook (its webviewElement.ts): no worker of the page's own.
VSCODE = """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src blob: 'unsafe-inline'
  'unsafe-eval'; style-src 'unsafe-inline'; img-src https: data:; connect-src https:; child-src https: data:">"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_file(tmp_path_factory.mktemp("widget") / "cats.safetensors", NET, drawn(NET).state_dict())


@pytest.fixture
def widget(file: Path) -> Any:
    pytest.importorskip("anywidget")
    return striate.widget(model=file)


def photo(tmp_path: Path) -> Path:
    coarse = np.random.default_rng(3).integers(0, 256, (31, 47, 3), np.uint8)
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # a camera that was held upright
    Image.fromarray(coarse).resize((94, 62)).save(buffer, "JPEG", exif=exif)
    (tmp_path / "one.jpg").write_bytes(buffer.getvalue())
    return tmp_path / "one.jpg"


def shown(browser: Any, widget: Any, *, head: str = "", body: str = "", **how: Any) -> Any:
    """Return a page with the widget in a cell; what it tells goes to the widget, as a notebook has it."""
    page = browser.new_page(**how)
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("request", lambda one: page.problems.append(one.url) if one.url.startswith("http") else None)
    page.set_content(HOST.format(head=head, body=body))
    names = ("_html", "_facts", "_tensors", "_asked", "_opened", "_answer", "_number")
    page.evaluate("([state, text]) => begin(state, text)", [{one: getattr(widget, one) for one in names}, widget._esm])
    page.wait_for_selector(".model[data-explained]", timeout=60_000)
    return page


def told(page: Any, widget: Any) -> None:
    for name in ("_answer", "_number"):
        setattr(widget, name, page.evaluate(f"model.get('{name}')"))


def sent(page: Any, widget: Any, name: str) -> None:
    page.evaluate("([name, value]) => model.set(name, value)", [name, getattr(widget, name)])


@pytest.mark.parametrize(("head", "body"), [("", ""), (VSCODE, 'class="vscode-dark"')])
def test_what_python_asks_is_answered_as_predict_does(
    browser: Any, widget: Any, file: Path, tmp_path: Path, head: str, body: str
) -> None:
    assert widget.answer == {} and widget.number == {}
    widget.ask(photo(tmp_path))
    page = shown(browser, widget, head=head, body=body)
    told(page, widget)
    wanted = dict(Predictor.open(file).predict([tmp_path / "one.jpg"])[0].top(3))
    assert {name: pytest.approx(share, abs=1e-4) for name, share in wanted.items()} == widget.answer
    assert page.get_attribute(".model", "data-answered") == "1", "no picture before the one that was asked"
    for part, channel, at, place in (("conv2", 5, (3, 2), [5, 3, 2]), ("dense1", 2, None, [2, 0, 0])):
        widget.look_at(part, channel=channel, at=at)
        sent(page, widget, "_opened")
        page.wait_for_function(f"inside('#pixel-where').textContent.startsWith('{part}, ')")
        told(page, widget)
        assert [widget.number[name] for name in ("channel", "row", "column")] == place
        assert widget.number["part"] == part and "what the network computed" in page.inner_text("#pixel-sum")
    if head:
        return
    assert page.problems == []
    page.focus("#maps")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("window.leaked") is None, "a notebook would take the key for its own"
    page.evaluate("end()")
    assert page.inner_html("#cell").strip() == "" and page.evaluate("model.left()") == 0


def test_pictures_are_chosen_and_dropped_in_the_cell_alone(browser: Any, widget: Any, tmp_path: Path) -> None:
    page = shown(browser, widget)
    page.set_input_files("#file", photo(tmp_path))
    page.wait_for_selector(".model[data-explained='2']")
    told(page, widget)
    first = widget.answer
    drop = """(text) => {
      const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
      const file = new File([bytes], "one.png", { type: "image/png" });
      const given = new DataTransfer();
      given.items.add(file);
      addEventListener("drop", () => { window.leaked = true; });
      const how = { dataTransfer: given, bubbles: true, composed: true, cancelable: true };
      inside(".model").dispatchEvent(new DragEvent("drop", how));
    }"""
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), (200, 30, 60)).save(buffer, "PNG")
    page.evaluate(drop, base64.b64encode(buffer.getvalue()).decode())
    page.wait_for_selector(".model[data-explained='3']")
    told(page, widget)
    assert widget.answer != first and page.evaluate("window.leaked") is None and page.problems == []


@pytest.mark.parametrize(
    ("body", "system", "dark"),
    [
        ('data-jp-theme-light="false"', "light", True),
        ('data-jp-theme-light="true"', "dark", False),
        ('class="vscode-dark"', "light", True),
        ('class="light"', "dark", False),
        ("", "dark", True),
        ("", "light", False),
    ],
)
def test_it_is_as_dark_as_the_notebook(browser: Any, widget: Any, body: str, system: str, dark: bool) -> None:
    view = {"width": 400 if body else 1280, "height": 800}
    page = shown(browser, widget, body=body, color_scheme=system, viewport=view)
    paper = page.evaluate("getComputedStyle(inside('.model')).backgroundColor")
    assert paper == ("rgb(22, 24, 27)" if dark else "rgb(253, 253, 251)")
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it is no wider than its cell"
    if "jp" in body:
        page.evaluate(f"document.body.dataset.jpThemeLight = '{str(dark).lower()}'")
        page.wait_for_selector("main > .light" if dark else "main > .dark", state="attached")


def test_what_cannot_be_is_one_line(widget: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    for part, how, said in (
        ("conv9", {}, "no part 'conv9'; there are conv1, batchnorm1"),
        ("conv1", {"channel": 6}, "conv1 has no channel 6: it has 6, from 0"),
        ("conv1", {"at": (0, 99)}, "conv1 has no column 99"),
    ):
        with pytest.raises(DescribeError, match=said):
            widget.look_at(part, **how)
    boxes = model_file(tmp_path / "boxes.safetensors", NET, drawn(NET).state_dict())
    monkeypatch.setattr("striate.verbs.export_page.is_code", lambda text: True)
    with pytest.raises(ExportError, match="only its author's code"):
        striate.widget(model=boxes)
    monkeypatch.setitem(sys.modules, "anywidget", None)
    monkeypatch.delitem(sys.modules, "striate.session.model_widget")
    with pytest.raises(StriateError, match=r"a widget takes anywidget, .*: pip install 'striate\[notebook\]'"):
        striate.widget(model=file)
