"""Reads files as the child of the door does, each in a fork of one process that has imported torch already.

A line of JSON comes in (the file, where to write, what is allowed), a line goes out (the exit status).
"""

from __future__ import annotations

import functools
import json
import os
import sys

import torch

from striate.model.sandbox import child, jail


def _open_a_hole(layers: list[str]) -> None:
    """As if ``weights_only`` let everything through: plain unpickling, behind these layers of the jail alone."""
    honest = torch.load
    torch.load = lambda file, **words: honest(file, **{**words, "weights_only": False})
    child.lock = functools.partial(jail.lock, layers=layers)  # type: ignore[assignment]


if __name__ == "__main__":
    child.prepare()
    while line := sys.stdin.readline():
        paths, allowed = json.loads(line)
        number = os.fork()
        if not number:
            modes = (os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            for at, (path, mode) in enumerate(zip(paths, modes, strict=True)):
                os.dup2(os.open(path, mode), at)
            os.closerange(3, 100)
            if (layers := allowed.pop("hole", None)) is not None:
                _open_a_hole(layers)
            child.answer(**allowed)
        print(os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]), flush=True)
