"""A Dockerfile without an engine: its steps run in a Debian of their own, and what it runs is run as it says.

A base image is a root that debootstrap makes, with the Python of Debian. RUN is a shell in a chroot; a container is one
in namespaces of its own: no network but its loopback, a root that is only read, a user without rights.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TOOLS = ("debootstrap", "unshare", "chroot", "setpriv", "mount")
PIP = (
    "/etc/pip.conf",
    "/etc/xdg/pip",
    "/opt/wheels",
    "/opt/pypi",
    "/opt/pypi-more",
    "/etc/resolv.conf",
    "/etc/ssl/certs",
)
"""What pip on this machine goes by, where it is there: lent to RUN, and not in the image."""
MIRROR = "http://deb.debian.org/debian"


def lacking() -> str:
    """Return why images cannot be made here, nothing where they can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "making a root takes root on Linux"
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        return f"{', '.join(missing)} is not here (apt-get install debootstrap util-linux)"
    tried = subprocess.run(["unshare", "--mount", "--net", "--pid", "--fork", "true"], check=False)
    return "" if tried.returncode == 0 else "this machine gives no namespaces"


@dataclass
class Image:
    """What a Dockerfile makes: its ``root`` and how it is run. ``health`` is the command of HEALTHCHECK."""

    root: Path
    env: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/local/bin:/usr/bin:/bin"})
    workdir: str = "/"
    user: str = "0:0"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)


def steps(text: str) -> Iterator[tuple[str, str]]:
    """Yield the instructions of a Dockerfile with what stands behind them, lines that go on joined."""
    whole = re.sub(r"\\\n", " ", "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")))
    for line in whole.splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word, rest.strip()


def debian(where: Path) -> Path:
    """Make a root with Python, as slim as Debian's smallest."""
    command = ["debootstrap", "--variant=minbase", "--include=python3,python3-venv,ca-certificates"]
    subprocess.run([*command, "bookworm", str(where), MIRROR], check=True, capture_output=True)
    (where / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    return where


def build(dockerfile: Path, base: Path, work: Path) -> Image:
    """Run the steps of a Dockerfile, its folder being the context; every FROM begins with ``base``."""
    stages: dict[str, Image] = {}
    image: Image | None = None
    for word, rest in steps(dockerfile.read_text(encoding="utf-8")):
        if word == "FROM":
            source, _, name = rest.partition(" AS ")
            assert re.fullmatch(r"python:3\.11-slim[a-z-]*", source), source
            image = Image(work / f"stage{len(stages)}")
            subprocess.run(["cp", "-a", str(base), str(image.root)], check=True)
            stages[name or str(len(stages))] = image
            continue
        assert image is not None
        if word == "COPY":
            _copy(rest, dockerfile.parent, stages, image)
        elif word == "RUN":
            _run(image, rest)
        elif word == "ENV":
            image.env |= dict(one.split("=", 1) for one in shlex.split(rest))
        elif word == "WORKDIR":
            image.workdir = rest
            (image.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif word == "USER":
            image.user = rest
        elif word == "ENTRYPOINT":
            image.entrypoint = json.loads(rest)
        elif word == "CMD":
            image.command = json.loads(rest)
        elif word == "HEALTHCHECK":
            image.health = json.loads(rest.partition("CMD")[2])
        else:
            assert word in ("EXPOSE", "STOPSIGNAL"), f"{word} is not known here"
    assert image is not None
    return image


def _copy(rest: str, context: Path, stages: Mapping[str, Image], image: Image) -> None:
    words = rest.split()
    origin = context
    if words[0].startswith("--from="):
        origin = stages[words.pop(0).removeprefix("--from=")].root
    else:
        let_in = [line[1:] for line in (context / ".dockerignore").read_text().splitlines() if line.startswith("!")]
        assert set(words[:-1]) <= set(let_in), "the context has no more than .dockerignore lets in"
    *sources, target = words
    place = image.root / target.lstrip("/")
    for source in sources:
        at = origin / source.lstrip("/")
        if at.is_dir():
            shutil.copytree(at, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            to = place / at.name if target.endswith("/") else place
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(at, to)


@contextmanager
def _lent(root: Path) -> Iterator[list[str]]:
    """Yield the commands that lend a root what pip goes by; what they need to exist is removed after."""
    made: list[Path] = []
    commands = [f"mount -t proc proc {root}/proc"]
    for place in (Path(one) for one in PIP if Path(one).exists()):
        to = root / str(place).lstrip("/")
        if not to.exists():
            to.parent.mkdir(parents=True, exist_ok=True)
            to.mkdir() if place.is_dir() else to.touch()
            made.append(to)
        commands.append(f"mount --bind {place} {to}")
    try:
        yield commands
    finally:
        for to in made:
            to.rmdir() if to.is_dir() else to.unlink()


def _run(image: Image, command: str) -> None:
    pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    with _lent(image.root) as commands:
        inside = f"cd {shlex.quote(image.workdir)} && {command}"
        script = " && ".join(
            [*commands, f"exec {shutil.which('chroot')} {image.root} /bin/sh -c {shlex.quote(inside)}"]
        )
        done = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "sh", "-c", script],
            env={**image.env, **pip}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, f"RUN {command[:100]}: {(done.stdout + done.stderr)[-2000:]}"


_START = """
import fcntl, os, socket, struct, subprocess, sys, json
said = json.loads(sys.argv[1])
with socket.socket() as one:  # the loopback of a network of one's own is down
    fcntl.ioctl(one, 0x8914, struct.pack("16sh", b"lo", 0x49))
def mount(*words): subprocess.run(["mount", *words], check=True)
root = said["root"]
mount("--bind", root, root)
for here, there in said["mounts"].items():
    mount("--bind", here, root + there)
    mount("-o", "remount,bind,ro", root + there)
mount("-t", "proc", "proc", root + "/proc")
mount("-o", "remount,bind,ro", root)
os.chdir(root)
user, group = said["user"].split(":")
os.execve(said["chroot"], ["chroot", root, "/usr/bin/setpriv", "--reuid", user, "--regid", group, "--clear-groups",
    "--no-new-privs", "--bounding-set=-all", *said["command"]], said["env"])
"""


def run(image: Image, command: list[str], mounts: Mapping[Path, str], *, seconds: float) -> str:
    """Run a command in a container of the image and return what it prints; ``mounts`` are what it reads, and where."""
    for there in mounts.values():
        place = image.root / there.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
    for here, there in mounts.items():
        place = image.root / there.lstrip("/")
        place.mkdir(exist_ok=True) if here.is_dir() else place.touch()
    said: dict[str, Any] = {
        "root": str(image.root),
        "chroot": shutil.which("chroot"),
        "mounts": {str(here): there for here, there in mounts.items()},
        "user": image.user,
        "command": command,
        "env": image.env,
    }
    apart = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"]
    started = [*apart, sys.executable, "-c", _START, json.dumps(said)]
    done = subprocess.run(started, capture_output=True, text=True, check=False, timeout=seconds)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout
