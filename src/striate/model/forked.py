"""Torch in a process that was forked: it computes with one thread there, because more would be waited for for ever.

The threads among which OpenMP shares an operator out exist in the process that made them, and a fork takes only the one
that called it along. Torch in the child does not know, and waits for the others at its first operator that is shared
out. With one thread nothing is shared out. (A child that is spawned begins anew, and has all its threads.)
"""

from __future__ import annotations

import os
from typing import Final

import torch

_HERE: Final = os.getpid()  # who imported torch for us


def is_forked() -> bool:
    """Return whether this process was forked from one that computes with torch."""
    return os.getpid() != _HERE


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))
