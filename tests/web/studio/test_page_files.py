"""The files of the page: what was vendored is what was published, and all of it is small."""

from __future__ import annotations

import hashlib
import json
import re
from importlib import import_module
from importlib.resources import files

from striate.web.studio.journeys.table import JOURNEYS
from striate.web.studio.page_files import IMPORTS, contents, index

STATIC = files("striate.web.studio").joinpath("static")
MOST = 400_000  # bytes without pictures


def test_vendored_files_are_those_that_were_published() -> None:
    vendor = STATIC.joinpath("vendor")
    digests = json.loads(vendor.joinpath("digests.json").read_text())
    there = {one.name for one in vendor.iterdir()} - {"digests.json", "LICENSES.txt"}
    assert there == digests.keys()
    for name, facts in digests.items():
        assert hashlib.sha256(vendor.joinpath(name).read_bytes()).hexdigest() == facts["sha256"], name
    licences = vendor.joinpath("LICENSES.txt").read_text()
    assert all(f"==== {one['package']} {one['version']}" in licences for one in digests.values())


def test_the_page_is_small_and_of_here_alone() -> None:
    sizes = {name: len(content) for name, content in contents().items() if not name.endswith(".txt")}
    assert sum(sizes.values()) <= MOST, sizes
    for name, content in contents().items():
        text = content.decode()
        assert name.startswith("vendor/") or not re.search(r"https?://(?!www\.w3\.org|127\.0\.0\.1:)", text), name
        assert name.startswith("vendor/") or "innerHTML" not in text, name
        assert name.startswith(("vendor/", "house")) or text.count("\n") <= 350, name


def test_every_module_that_is_imported_is_there() -> None:
    there = contents()
    asked = [route for module in JOURNEYS.values() for route in import_module(module).ROUTES]
    for name, content in there.items():
        if not name.endswith((".js", ".mjs")):
            continue
        text = content.decode()
        found = re.findall(r"""^(?:import|export) [^"'`;]*? from "([^"]+)";""", text, re.MULTILINE)
        found += re.findall(r"""import\("([^"]+)"\)|import *(?:\{[^}]*\} *from *)?"([^"]+)";""", text)
        for said in ("".join(one) for one in found):
            if said.startswith("studio/"):
                at = f"lib/{said.removeprefix('studio/')}"
            elif said.startswith("/api/"):
                assert any(said == route.path for route in asked), f"{name} imports {said}"
                continue
            elif said in IMPORTS:
                at = IMPORTS[said].removeprefix("/static/")
            else:
                assert said.startswith("./"), f"{name} imports {said}"
                at = f"{name.rpartition('/')[0]}/{said.removeprefix('./')}".removeprefix("/")
            assert at in there, f"{name} imports {said}"
    assert b"{{" not in index()[0]
