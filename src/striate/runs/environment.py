"""The environment of a run: versions, machine, threads. Plain JSON; imports neither torch nor numpy."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from striate.model.files.weights import version

_PACKAGES = ("torch", "numpy", "pillow", "onnxruntime", "scikit-learn")

# Facts that must be the same for a training to repeat itself to the bit.
_DECIDING = ("torch", "threads", "device", "machine", "processor")


def environment(*, threads: int | None = None, device: str | None = None) -> dict[str, Any]:
    """Return what a training ran on: versions, platform, processor, cores, threads, device.

    ``threads`` is how many torch will compute with (None: as torch has it, or null where torch is not loaded).

    Example: ``environment(threads=1)["python"]  # "3.11.7"``
    """
    import platform

    torch = sys.modules.get("torch")
    if threads is None and torch is not None:
        threads = torch.get_num_threads()
    return {
        "striate": version(),
        "python": platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cpus": _cpus(),
        "threads": threads,
        "device": device,
    }


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return what has changed that decides whether a training repeats itself to the bit, a sentence each.

    A fact that either side does not know is passed over.
    """
    return [
        f"{name} was {then[name]} and is {now[name]}"
        for name in _DECIDING
        if then.get(name) is not None and now.get(name) is not None and then[name] != now[name]
    ]


def _version(package: str) -> str | None:
    import importlib.metadata

    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpus() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    """Return the processor's name, where the system tells it."""
    import platform

    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:  # noqa: PTH123
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
