"""What is asked over HTTP is answered as the command line answers it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.web.serving import Served, form_of, picture, serving, until

import striate
from striate.data.labels.run_lengths import decoded
from striate.runs.predictor import Predictor

COLOUR = {"PNG": 0.0, "JPEG": 0.0, "WEBP": 0.0, "BMP": 0.0, "GIF": 0.0, "TIFF": 0.0, "AVIF": 0.0}


@pytest.mark.parametrize("form", list(COLOUR))
def test_one_picture_as_predict_answers_it(served: Served, model: Path, form: str) -> None:
    file = picture(3, form)
    reply = served.ask("POST", "/predict", file, {"content-type": f"image/{form.lower()}"})
    assert reply.status == 200
    said = reply.json()
    own = Predictor.open(model).predict(file)[0]
    (answer,) = said["answers"]
    assert (said["model"], said["version"], answer["text"], answer["best"]) == ("pets", 1, str(own), own.best)
    wanted = {each["class"]: each["probability"] for each in own.to_dict()["scores"]}
    assert {each["class"]: each["probability"] for each in answer["scores"]} == pytest.approx(wanted, abs=1e-6)


def test_several_pictures_and_one_that_is_none(served: Served, model: Path) -> None:
    files = [picture(1), b"\x89PNG\r\n\x1a\nbroken", picture(2, "JPEG")]
    body, kind = form_of(files)
    reply = served.ask("POST", "/predict?top=1&unknown=false", body, {"content-type": kind})
    first, second, third = reply.json()["answers"]
    assert reply.status == 200 and second["status"] == 422 and "not a picture" in second["error"]
    own = Predictor.open(model).predict([files[0], files[2]])
    assert [first["best"], third["best"]] == [each.best for each in own]
    assert len(first["scores"]) == 1


def test_one_that_is_no_picture(served: Served) -> None:
    reply = served.ask("POST", "/predict", b"import os", {"x-request-id": "mine-1"})
    assert reply.status == 422 and "not a picture of a known format" in reply.json()["error"]
    assert reply.headers["x-request-id"] == reply.json()["id"] == "mine-1"
    until(lambda: any(line.get("id") == "mine-1" and line["status"] == 422 for line in served.lines))
    forged = served.ask("POST", "/predict", picture(), {"x-request-id": 'a", "b'}).headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{16}", forged)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/predict?top=0", "whole number from 1"),
        ("/predict?top=1&top=2", "twice"),
        ("/predict?url=http://localhost/", "takes model, top"),
        ("/predict?mask=svg", "rle or png"),
        ("/predict?mask=png", "no mask to write"),
        ("/predict?timeout=nan", "above 0"),
        ("/predict?unknown=maybe", "true or false"),
    ],
)
def test_what_does_not_read_is_said(served: Served, path: str, why: str) -> None:
    reply = served.ask("POST", path, picture())
    assert reply.status == 400 and why in reply.json()["error"]


def test_refusals_by_name(served: Served) -> None:
    assert served.ask("POST", "/predict?model=zebra", picture()).status == 404
    assert served.ask("POST", "/predict", b"").status == 400
    assert served.ask("POST", "/predict", picture(), {"content-type": "application/json"}).status == 415
    assert served.ask("GET", "/predict").status == 405
    for path in ("/v2/health/live", "/docs", "/"):  # what watches a server asks so
        reply = served.ask("HEAD", path)
        assert (reply.status, reply.body) == (200, b"")
    assert served.ask("HEAD", "/predict").status == 405
    looked = served.ask("POST", "/look?model=areas", picture())
    assert looked.status == 501 and "striate look" in looked.json()["error"]
    found = served.ask("POST", "/find", picture())
    assert found.status == 404 and "--index" in found.json()["error"]


def test_every_refusal_is_in_the_table_of_the_docs() -> None:
    root = Path(__file__).parents[3]
    table = (root / "docs" / "serving.md").read_text().split("| status | when |")[1].split("\n\n")[0]
    told = {
        int(code) for row in table.splitlines() for code in re.findall(r"\d+", row.split("|")[1:2][0] if row else "")
    }
    sources = [path.read_text() for path in (root / "src" / "striate" / "web" / "server").glob("*.py")]
    given = {
        int(code)
        for text in sources
        for code in re.findall(r"Refused\(\s*(\d{3})|HTTP/1\.1 ([45]\d\d)", text)
        for code in code
        if code
    }
    assert told == given | {405, 500}  # those of the framework: another method, a fault


def test_an_address_that_is_too_long(served: Served) -> None:
    assert served.ask("GET", "/models?" + "x" * 2_100).status == 414


def test_what_is_served_and_counted(served: Served) -> None:
    one, _ = served.ask("GET", "/models").json()["models"]
    assert (one["name"], one["names"], one["input"]["height"]) == ("pets", ["cat", "dog", "owl"], 8)
    served.ask("POST", "/predict", picture())
    text = served.ask("GET", "/metrics").body.decode()
    assert 'striate_pictures_total{model="pets",outcome="answered"}' in text
    assert "striate_pictures_under_way 0.0" in text and "striate_bytes_held 0.0" in text


def test_the_page_needs_nothing_from_elsewhere(served: Served) -> None:
    page = served.ask("GET", "/docs")
    text = page.body.decode()
    assert page.headers["content-type"].startswith("text/html") and "<script" not in text and "https://" not in text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    paths = served.ask("GET", "/openapi.json").json()["paths"]
    assert {"/predict", "/find", "/models", "/v2/models/{model}/infer"} <= paths.keys()
    assert all(path in text for path in paths)


def test_masks_as_run_lengths_and_as_png(served: Served, areas: Path) -> None:
    file = picture(5, size=(20, 20))
    said = served.ask("POST", "/predict?mask=png&model=areas", file).json()["answers"][0]
    ids = np.asarray(Image.open(BytesIO(b64decode(said["mask"]))))
    own = Predictor.open(areas).predict(file)[0]
    assert (ids == own.mask()).all() and ids.shape == (20, 20)
    runs = served.ask("POST", "/predict?mask=rle&model=areas", file).json()["answers"][0]["mask"]
    for number, name in enumerate(["cat", "dog", "owl"]):
        for one in (each for each in runs if each["class"] == name):
            assert (np.asarray(decoded(one["counts"], 20, 20)).reshape(20, 20) == (ids == number)).all()
    assert runs


def test_no_torch_is_loaded(model: Path) -> None:
    code = """
import sys, threading, time
from pathlib import Path
from striate.web.server import server
from striate.web.server.models import wanted
from striate.web.server.settings import Settings
from striate.verbs.workspace import Workspace
import http.client, os, signal, io
def started(address, _):
    def ask():
        one = http.client.HTTPConnection(address.removeprefix("http://"))
        one.request("POST", "/predict", open(sys.argv[2], "rb").read())
        heavy = [name for name in ("torch", "sklearn", "scipy") if name in sys.modules]
        print(one.getresponse().status, *heavy, flush=True)
        os.kill(os.getpid(), signal.SIGTERM)
    threading.Thread(target=ask).start()
server.serve(wanted([sys.argv[1]], Path("runs")), Settings(port=0, linger=0), Workspace(), started=started)
"""
    file = model.with_name("cat.png")
    file.write_bytes(picture())
    done = subprocess.run(
        [sys.executable, "-c", code, str(model), str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split() == ["200"], done.stderr
    assert json.loads(done.stderr.splitlines()[-1])["event"] == "stop"


def test_find_answers_as_striate_find_does(model: Path, tmp_path: Path) -> None:
    photos, target = tmp_path / "photos", tmp_path / "index"
    photos.mkdir()
    for seed in range(6):
        (photos / f"{seed}.png").write_bytes(picture(seed))
    striate.index(photos, output=target, model=str(model))
    asked = tmp_path / "asked.png"
    asked.write_bytes(picture(9))
    wanted = [(hit.path.name, round(hit.cosine, 4)) for hit in striate.find(asked, target, number=3).hits]
    with serving([model], tmp_path, "--index", str(target)) as one:
        reply = one.ask("POST", "/find?number=3", asked.read_bytes(), {"content-type": "image/png"})
        assert reply.status == 200 and reply.json()["among"] == 6
        assert [(each["picture"], each["cosine"]) for each in reply.json()["found"]] == wanted
        assert one.ask("POST", "/find", b"none", {"content-type": "image/png"}).status == 422
