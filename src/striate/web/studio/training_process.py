"""The process of one training: ``python -m striate.web.studio.training_process FOLDER``, which outlives the studio.

FOLDER has ``asked.json``. It takes the lock of the folder, so that no second one trains the same, writes who it is, and
is then the command ``striate train`` with its output in files there: whoever reads those knows all of it.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
from pathlib import Path

from striate import files
from striate.runs import durable
from striate.runs.lock import acquire
from striate.web.studio.training_files import ASKED, ERRORS, EVENTS, LOCK, PROCESS


def main(folder: Path) -> None:
    """Train what is asked in a folder."""
    lock = acquire(folder / LOCK)
    if lock is None:
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored; it is how one is stopped
    words = json.loads(files.read_text(folder / ASKED))["words"]
    durable.write(folder / PROCESS, json.dumps({"pid": os.getpid()}).encode())
    for name, number in ((EVENTS, 1), (ERRORS, 2)):
        file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(file, number)
        os.close(file)
    sys.argv = ["striate", "train", *words, "--json"]
    runpy.run_module("striate.cli", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
