"""The programs of docs/export.md answer as `striate predict` does, without Striate."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.chromium import chromium
from tests.models_of_tasks import MAKERS

from striate.export import parity_pictures
from striate.export.parity_pictures import drawing, made
from striate.runs.predictor import Predictor
from striate.verbs.deploy import deploy

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "export.md"
SHAPES = {"odd": (37, 91), "tall": (150, 40), "tiny": (3, 2), "wide": (60, 200)}


def program(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A model, its artefact, and pictures; one of them is turned by its EXIF."""
    folder = tmp_path_factory.mktemp("programs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parity_pictures, "MADE", 8)
        deploy(model=MAKERS["classify"](folder / "pets.safetensors"), output=folder / "pets.onnx", any_size=True)
    for number, (name, size) in enumerate(SHAPES.items()):
        picture = Image.fromarray(drawing(*size, np.random.default_rng(number)))
        exif = Image.Exif()
        exif[0x0112] = 6 if name == "wide" else 1
        picture.save(folder / f"{name}.png", exif=exif)
    thin = next(one for one in made(18) if one.name == "thin 18")  # which is none of the classes
    (folder / "thin.png").write_bytes(bytes(thin.content))
    yield folder


def wanted(place: Path) -> dict[str, str]:
    """What `striate predict` says, as the programs print it."""
    predictor = Predictor.open(place / "pets.safetensors")
    answers = {name: predictor.predict(place / f"{name}.png")[0] for name in (*SHAPES, "thin")}
    return {
        name: "none of these" if one.unknown else f"{one.top(1)[0][1]:.4f} {one.best}" for name, one in answers.items()
    }


def near(found: str, right: str) -> bool:
    """Whether a line says the same, to 1e-4 of the probability."""
    if "none" in found + right:
        return found == right
    (number, name), (own, other) = found.split(" ", 1), right.split(" ", 1)
    return name == other and abs(float(number) - float(own)) <= 1.01e-4


def test_the_models_answers_differ(place: Path) -> None:
    assert len(set(wanted(place).values())) > 2 and "none of these" in wanted(place).values()


def test_python(place: Path) -> None:
    code = program("python")
    assert sum(bool(line.strip()) for line in code.splitlines()) <= 10
    assert set(re.findall(r"^(?:import|from) (\w+)", code, re.MULTILINE)) == {"json", "numpy", "PIL"}
    for name, right in wanted(place).items():
        command = [sys.executable, "-c", code, f"{name}.png"]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=True)
        assert near(done.stdout.strip(), right), name


def modules() -> Path:
    """Return where onnxruntime-web lies, or skip."""
    for folder in (os.environ.get("STRIATE_NODE_MODULES"), ROOT / "node_modules"):
        found = Path(folder or "nowhere", "onnxruntime-web", "dist")
        if found.is_dir():
            return found
    pytest.skip("needs onnxruntime-web: npm install onnxruntime-web, or its folder in STRIATE_NODE_MODULES")


def test_javascript(place: Path) -> None:
    code, dist = program("js"), modules()
    for file in dist.iterdir():
        if file.suffix in (".mjs", ".wasm") and not (place / file.name).exists():
            (place / file.name).symlink_to(file)
    (place / "program.js").write_text(code)
    (place / "index.html").write_text("<title>answers</title>")
    handler: Any = partial(Quiet, directory=str(place))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, chromium() as browser:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_address[1]}/index.html")
        ask = """async (name) => {
            const program = await import("./program.js");
            return program.answer(await (await fetch(name)).blob());
        }"""
        for name, right in wanted(place).items():
            assert near(page.evaluate(ask, f"{name}.png"), right), name
        server.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}  # noqa: RUF012

    def log_message(self, *_: Any) -> None:
        pass
