"""A process that was forked after torch had used its threads: models answer there, and answer the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Of what a layer has to compute depends whether torch shares it out among threads: here it does.
PROGRAM = """
import multiprocessing, os, sys
from pathlib import Path
import numpy as np, torch
import striate
from striate.engine.device import use_threads
from striate.runs.predictor import Predictor
from tests.runs import hostile

torch.set_num_threads(2)
folder = Path(sys.argv[1])
net = "conv 32 3x3 pad 1 >> batchnorm >> relu >> conv 64 3x3 pad 1 >> batchnorm >> relu >> maxpool 2 >> flatten"
path = hostile.write(folder, net=net + " >> dense 8 >> relu >> dense 3")
path.with_suffix(".onnx").unlink()
(folder / "recipe.toml").write_text("")
run, predictor = striate.Run.open(folder), Predictor.open(path)
module = torch.nn.Sequential(
    torch.nn.Conv2d(3, 32, 3, padding=1), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(),
    torch.nn.Linear(32, 3))
adopted = striate.adopt(module, input=(3, 8, 8), classes=["cat", "dog", "owl"])
pictures = [np.full((8, 8, 3), level, np.uint8) for level in range(64)]
ways = {"predictor": predictor.predict, "run": run.predict, "adopted": adopted.predict,
        "opened there": lambda pictures: Predictor.open(path).predict(pictures)}

def answers(name):
    if os.getpid() != parent:  # nor does who asks for more threads get what would be waited for
        assert use_threads(2) == 1
    return [[each["probability"] for each in one.to_dict()["scores"]] for one in ways[name](pictures)]

parent = os.getpid()
before = {name: answers(name) for name in ways}
assert torch.get_num_threads() == 2
with multiprocessing.get_context("fork").Pool(1) as pool:
    for name in ways:
        assert np.allclose(pool.apply(answers, (name,)), before[name], atol=1e-6), name
assert torch.get_num_threads() == 2
print("all answered")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_models_answer_in_a_forked_process(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, str(tmp_path)],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "2"}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "all answered\n"), done.stderr[-2000:]
