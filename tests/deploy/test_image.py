"""The Dockerfile, its steps run in a clean Debian: it serves without torch, as nobody, in a root that is only read."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from tests.deploy import image as images

from striate.recipe import Recipe
from striate.runs.predictor import Predictor
from striate.verbs.train import train
from striate.verbs.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a-token-of-the-test-0123456789"
DRIVER = r"""
import json, os, signal, subprocess, sys, time, urllib.error, urllib.request
command, health = json.loads(sys.argv[1]), json.loads(sys.argv[2])
server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
until, healthy = time.monotonic() + 60, 1
while healthy and time.monotonic() < until and server.poll() is None:
    healthy = subprocess.run(health, stderr=subprocess.DEVNULL).returncode
    time.sleep(0.2)
def ask(**headers):
    picture = open("/in/picture.png", "rb").read()
    request = urllib.request.Request("http://127.0.0.1:8000/predict?top=3", picture, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer: return answer.status, json.load(answer)
    except urllib.error.HTTPError as error: return error.code, None
told = {"healthy": healthy == 0, "user": os.getuid(), "without": ask()[0]}
told["status"], told["answer"] = ask(Authorization="Bearer " + open("/run/secrets/striate/token").read())
def writes(place):
    try: open(place + "/x", "w"); return True
    except OSError: return False
places = ("/", "/tmp", "/models", "/opt/striate", "/var/tmp", "/home", "/run")
told["writes"] = [place for place in places if writes(place)]
told["torch"] = subprocess.run([sys.executable, "-c", "import torch"], stderr=subprocess.DEVNULL).returncode == 0
server.send_signal(signal.SIGTERM)
out, err = server.communicate(timeout=15)
print(json.dumps({**told, "code": server.returncode, "log": err[-1500:]}))
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> images.Image:
    if why := images.lacking():
        pytest.skip(why)
    work = tmp_path_factory.mktemp("image")
    return images.build(ROOT / "Dockerfile", images.debian(work / "debian"), work)


@pytest.mark.slow
def test_what_it_runs_answers_and_stops_and_writes_nowhere(image: images.Image, tmp_path: Path) -> None:
    net = "conv 4 3x3 stride 2 pad 1 no bias >> batchnorm >> relu >> globalavgpool >> flatten >> dense"
    recipe = Recipe(source="digits", net=net, epochs=1, device="cpu", threads=1, folds=0)
    run = train(recipe, workspace=Workspace(tmp_path / "runs"))
    models, given, secrets = (tmp_path / name for name in ("models", "in", "secrets"))
    for folder in (models, given, secrets):
        folder.mkdir(mode=0o755)
    for name in ("model.safetensors", "model.onnx"):
        shutil.copy(run.path / name, models / name)
    content = io.BytesIO()
    Picture.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8) * 3).save(content, "PNG")
    (given / "picture.png").write_bytes(content.getvalue())
    (given / "driver.py").write_text(DRIVER)
    (secrets / "token").write_text(TOKEN)
    for path in (tmp_path, *tmp_path.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert image.user == "10001:10001" and image.health
    command = ["python", "/in/driver.py", json.dumps([*image.entrypoint, *image.command]), json.dumps(image.health)]
    mounts = {models: "/models", given: "/in", secrets: "/run/secrets/striate"}
    told = json.loads(images.run(image, command, mounts, seconds=200).splitlines()[-1])
    assert told["healthy"] and told["user"] == 10001 and not told["torch"], told
    assert told["without"] == 401 and told["status"] == 200, told
    mine = Predictor.open(run.model_path, torch=False).predict(content.getvalue())[0]
    (answer,) = told["answer"]["answers"]
    assert answer["best"] == mine.to_dict()["best"]
    assert answer["strangeness"] == pytest.approx(mine.to_dict()["strangeness"], rel=1e-4, abs=1e-6)
    assert told["writes"] == [], "nothing can be written, and nothing has to be"
    assert told["code"] == 0, told["log"]
    assert '"seccomp"' in told["log"], "the processes that decode lock themselves in here too"


@pytest.mark.slow
def test_the_image_has_what_it_says_and_little_else(image: images.Image) -> None:
    packages = image.root / "opt/striate/venv/lib/python3.11/site-packages"
    assert (packages / "striate").is_dir() and not (packages / "torch").exists()
    size = sum(path.stat().st_size for path in (image.root / "opt/striate").rglob("*") if path.is_file())
    assert size < 400e6, f"{size / 1e6:.0f} MB"
    assert not list((image.root / "opt/striate").glob("wheels*"))
