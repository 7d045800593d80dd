"""Why, over HTTP: what torch says of the same windows, in the person's picture, one picture at a time."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.web.serving import Served, form_of, picture, until

from striate.interpret.attribution.occlusion import occlusion
from striate.runs.predictor import Predictor
from striate.tasks.class_question import ClassQuestion
from striate.web.server.looking import Windows


@pytest.mark.parametrize(("height", "width"), [(8, 8), (64, 48), (33, 100), (5, 7), (1, 1)])
def test_windows_cover_every_pixel(height: int, width: int) -> None:
    windows = Windows.over(height, width)
    black = np.zeros((height, width, 1), np.uint8)
    black[0, 0] = 255  # so that the mean colour is none of its own
    assert len(windows.covered(black, 0, 10_000)) == len(windows)
    rows, columns = ((each - 1) * windows.stride for each in (windows.rows, windows.columns))
    assert rows < height <= rows + windows.side and columns < width <= columns + windows.side


def test_what_torch_says_of_the_same_windows(served: Served, model: Path) -> None:
    file, own = picture(3, size=(20, 30)), Predictor.open(model)
    pixels = own.preprocess.pixels(file)
    inputs = own.model.normalise(torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()))
    for name, number in (("cat", 0), ("owl", 2)):
        reply = served.ask("POST", f"/look?of={name}", file, {"content-type": "image/png"})
        assert reply.status == 200, reply.body
        said = reply.json()["look"]
        falls, side, step = np.array(said["falls"]), said["window"], said["stride"]
        total, count = np.zeros((8, 8)), np.zeros((8, 8))
        for (row, column), fall in np.ndenumerate(falls):
            place = np.s_[row * step : row * step + side, column * step : column * step + side]
            total[place] += fall
            count[place] += 1
        wanted = occlusion(own.model, inputs, ClassQuestion(number)).numpy()
        spread = np.ptp(wanted)
        # The mean colour is a whole number here, and up to half a step beside torch's.
        assert np.abs(total / count - wanted).max() < 0.05 * spread and spread > 0
        assert said["in_picture"] == [5.0, 0.0, 25.0, 20.0] and said["of"] == name


def test_the_likeliest_without_a_name_and_what_is_refused(served: Served) -> None:
    reply = served.ask("POST", "/look", picture(4))
    assert reply.json()["look"]["of"] == reply.json()["answer"]["best"]
    unknown = served.ask("POST", "/look?of=zebra", picture(4))
    assert unknown.status == 400 and "there are cat, dog, owl" in unknown.json()["error"]
    assert served.ask("POST", "/look?top=1", picture(4)).status == 400
    assert served.ask("POST", "/look", b"none").status == 422
    body, kind = form_of([picture(1), picture(2)])
    assert served.ask("POST", "/look", body, {"content-type": kind}).status == 400
    assert served.ask("POST", "/look?timeout=0.000001", picture(4)).status == 503


def test_one_at_a_time(served: Served) -> None:
    statuses: list[int] = []
    first = threading.Thread(target=lambda: statuses.append(served.ask("POST", "/look", picture()).status))
    decoders = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children")
    if not decoders.is_file():
        pytest.skip("this system does not say which processes another one has started")
    children = [int(word) for word in decoders.read_text().split()]
    for child in children:
        os.kill(child, signal.SIGSTOP)
    try:
        first.start()
        until(lambda: b"striate_pictures_under_way 1.0" in served.ask("GET", "/metrics").body)
        second = served.ask("POST", "/look", picture())
        assert second.status == 503 and "another picture is looked at" in second.json()["error"]
    finally:
        for child in children:
            os.kill(child, signal.SIGCONT)
    first.join(30)
    assert statuses == [200]
