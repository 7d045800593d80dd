"""docs/serving.md: its commands and its Python are run against a server, as they stand there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.web.serving import model_at, serving

from striate.web.server.routes import route_of
from striate.web.server.settings import Settings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "serving.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def test_its_commands_and_its_python_do_what_they_say(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    model = model_at(tmp_path / "digits-1.safetensors")
    (bash,), (drawing, python), (triton,) = blocks("bash"), blocks("python"), blocks("py")
    subprocess.run([sys.executable, "-c", drawing], cwd=tmp_path, check=True)
    with serving([model], tmp_path / "empty") as served:
        here = f"127.0.0.1:{served.port}"
        ran = [[sys.executable, "-c", python.replace("127.0.0.1:8000", here)]]
        ran.append([sys.executable, "-c", triton.replace("127.0.0.1:8000", here)])
        command = re.search(r"^striate (predict three.png --url .*)$", PAGE, re.MULTILINE)
        assert command is not None
        words = command[1].replace("127.0.0.1:8000", here).split()
        ran.append([sys.executable, "-c", "from striate.cli.main import run; run()", *words])
        said = [subprocess.run(one, cwd=tmp_path, capture_output=True, text=True, check=True).stdout for one in ran]
        assert re.fullmatch(r"0\.\d\d (cat|dog|owl) 0\.\d+\n", said[0])
        assert '"best"' in said[1] and re.match(r"0\.\d\d (cat|dog|owl), ", said[2])
        if shutil.which("curl") is None:
            pytest.skip("no curl here")
        for line in bash.strip().replace("127.0.0.1:8000", here).splitlines():
            done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True)
            answers = json.loads(done.stdout)["answers"]
            assert len(answers) == line.count("@") and all(one["text"] for one in answers)


def test_its_configuration_and_its_figures_are_those_of_the_code() -> None:
    (text,) = blocks("toml")
    Settings(**tomllib.loads(text))
    usual = Settings()
    for figure in (
        f"{usual.upload // 10**6} MB, or than {usual.parts} pictures",
        f"computed together, {usual.batch} pictures at most. {usual.queue} pictures",
        f"and {usual.queue_bytes // 10**6} MB may be under way",
        f"deadline ({usual.deadline:g} s)",
        f"not there whole after {usual.slow:g} s",
        f"{usual.decode_seconds:g} s a picture",
    ):
        assert figure in PAGE, figure
    for path in set(re.findall(r"/(?:predict|find|look|docs|metrics|openapi\.json|v2/health/\w+)\b", PAGE)):
        assert route_of(path) != "other", path
