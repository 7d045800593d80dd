"""Workspace: where a verb works and who hears of it, as one value that every verb hands on. Standard library alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

Progress: TypeAlias = Callable[[str, int, int], None]
"""What is being done, how far it is, and of how much."""
Tell: TypeAlias = Callable[[str], None]
"""A sentence about what is done, as it is done."""


def _nobody(sentence: str) -> None:
    """Hear a sentence, and do nothing."""


@dataclass(frozen=True)
class Workspace:
    """Where runs, data sets and weights are, whether anything may be downloaded, and who hears of what is done.

    ``runs_dir`` is the folder of runs. ``data_dir`` is where the files of data sets by name and of published weights
    are looked for first, None: nowhere but in the cache. ``download`` is whether what is not here may be fetched.
    ``progress`` and ``tell`` hear how far something is, and what is done.

    Example: ``Workspace(Path("runs")).data_dir`` is ``None``.
    """

    runs_dir: Path = Path("runs")
    data_dir: Path | None = None
    download: bool = True
    progress: Progress | None = None
    tell: Tell = _nobody

    @classmethod
    def at(
        cls,
        runs_dir: Path | str = "runs",
        data_dir: Path | str | None = None,
        *,
        download: bool = True,
        progress: Progress | None = None,
        tell: Tell = _nobody,
    ) -> Workspace:
        """Return the workspace of folders as a person names them.

        Example: ``Workspace.at("runs", "data").runs_dir`` is ``Path("runs")``.
        """
        return cls(Path(runs_dir), None if data_dir is None else Path(data_dir), download, progress, tell)


HERE: Final = Workspace()
"""The folder ``runs`` of the folder one is in; what is not here is downloaded, and nobody hears of it."""
