"""What is installed is what is here: the wheel has the files of the tree, to the byte, and is the same each time."""

from __future__ import annotations

import email
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def tree() -> dict[str, bytes]:
    """The files that git knows, by their path; the test is skipped where this is no checkout."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    names = [name.decode() for name in listed.split(b"\0") if name]
    return {name: (ROOT / name).read_bytes() for name in names if (ROOT / name).is_file()}


def build(tree: dict[str, bytes], folder: Path, *, time: int, mask: int) -> Path:
    """Write the tree anew, as another person has it, and build its sdist and its wheel; return where they are."""
    for name, content in tree.items():
        path = folder / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o666 & ~mask)
        os.utime(path, (time, time))
    out = folder / "out"
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(out)]
    subprocess.run(command, cwd=folder / "tree", check=True, capture_output=True, umask=mask)
    return out


@pytest.fixture(scope="module")
def built(tree: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two clean builds: elsewhere, at another time, by somebody with other permissions."""
    places = [tmp_path_factory.mktemp(name) for name in ("one", "another-place")]
    return [
        build(tree, place, time=time, mask=mask)
        for place, time, mask in zip(places, (1_000_000_000, 1_700_000_000), (0o022, 0o077), strict=True)
    ]


def the(folder: Path, ending: str) -> Path:
    (found,) = folder.glob(f"*{ending}")
    return found


def test_the_wheel_has_the_files_of_the_tree_and_no_others(tree: dict[str, bytes], built: list[Path]) -> None:
    source = {name.removeprefix("src/"): data for name, data in tree.items() if name.startswith("src/striate/")}
    with zipfile.ZipFile(the(built[0], ".whl")) as wheel:
        inside = {name: wheel.read(name) for name in wheel.namelist()}
    notes = {name for name in inside if ".dist-info/" in name}
    assert inside.keys() - notes == source.keys()
    assert not [name for name, data in source.items() if inside[name] != data]
    said = {name.split("/", 1)[1] for name in notes}
    assert said == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
    (metadata,) = (inside[name].decode() for name in notes if name.endswith("/METADATA"))
    (entries,) = (inside[name].decode() for name in notes if name.endswith("/entry_points.txt"))
    assert "striate = striate.cli.main:run" in entries
    headers = email.message_from_string(metadata)
    assert {"serve", "hub", "heic", "search"} <= set(headers.get_all("Provides-Extra") or ())


def test_two_clean_builds_are_the_same_bytes(built: list[Path]) -> None:
    for ending in (".whl", ".tar.gz"):
        digests = [hashlib.sha256(the(folder, ending).read_bytes()).hexdigest() for folder in built]
        assert digests[0] == digests[1], ending


def test_the_wheel_of_the_sdist_is_the_wheel(built: list[Path], tmp_path: Path) -> None:
    with tarfile.open(the(built[0], ".tar.gz")) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = (path for path in tmp_path.iterdir() if path.is_dir())
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "out")]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    assert the(tmp_path / "out", ".whl").read_bytes() == the(built[0], ".whl").read_bytes()
    shutil.rmtree(source)
