"""Push: a run's model to the Hugging Face Hub, with its card; what is sent is proved before, and said."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from striate.data.sources.download import offline
from striate.errors import DownloadError, RunError
from striate.runs.predictor import Predictor
from striate.runs.run import RunDirectory
from striate.verbs.card import model_card
from striate.verbs.given_away import give_away
from striate.verbs.hub import asking, hub_address
from striate.verbs.workspace import HERE, Workspace
from striate.words import readable_size

CARD: Final = "README.md"
REPORT: Final = "report.html"


@dataclass(frozen=True)
class Pushed:
    """What was sent: to which ``repository``, in which ``commit``, which ``files`` by their bytes, and its ``page``."""

    repository: str
    commit: str
    files: Mapping[str, int]
    page: str
    private: bool
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {**vars(self), "files": dict(self.files), "notes": list(self.notes)}


def push(
    run: str,
    repository: str,
    *,
    private: bool = False,
    license: str | None = None,
    report: bool = False,
    card: bool = True,
    workspace: Workspace = HERE,
) -> Pushed:
    """Send a finished run's model, its ONNX files and its card to ``user/name`` on the Hub, as one commit.

    The repository is made where there is none; ``private``: so that others do not see it. ``report`` sends report.html
    too, in which pictures of the data are shown. ``card`` False leaves the README.md alone that is there. The token is
    that of HF_TOKEN, or of the Hub's own login. ``workspace.tell`` hears what is sent before it is.

    Errors: RunError for a run that is not finished; ModelError for files that are damaged; DownloadError for a Hub that
    cannot be reached or refuses, or that may not be asked (STRIATE_OFFLINE).
    """
    address = hub_address(f"hf://{repository}")
    if offline():
        raise DownloadError(f"nothing is sent to {repository}: STRIATE_OFFLINE is set")
    if "@" in repository:
        raise RunError(f"{repository}: a model is sent to the main branch; leave out @{address.revision}")
    opened = RunDirectory.open(run, workspace.runs_dir)
    said = model_card(run, license=license, repository=repository, workspace=workspace)
    notes = [] if license else ["no license is said, so that nobody knows what they may do with it: --license NAME"]
    with tempfile.TemporaryDirectory(prefix="striate-push-") as folder:
        files = list(give_away(opened.model_path, Path(folder)))
        Predictor.open(files[0], onnx=True)  # as whoever gets it will
        if card:
            (Path(folder) / CARD).write_text(str(said), encoding="utf-8")
            files.append(Path(folder) / CARD)
        if report:
            files.append(opened.report_path)
        else:
            notes.append(f"{REPORT} stays here, as it shows pictures of the data; --report sends it too")
        return _sent(opened, repository, files, private, notes, workspace)


def _sent(
    run: RunDirectory, repository: str, files: list[Path], private: bool, notes: list[str], workspace: Workspace
) -> Pushed:
    sizes = {path.name: path.stat().st_size for path in files}
    with asking(f"{run.name} was not sent to {repository}") as hub:
        from huggingface_hub import CommitOperationAdd, get_token

        if get_token() is None:
            raise DownloadError(
                f"{run.name} was not sent to {repository}: there is no token; set HF_TOKEN to one that may write, or"
                " say hf auth login"
            )
        url = hub.create_repo(repository, private=private or None, exist_ok=True)
        there = hub.model_info(repository)
        if private and there.private is not True:
            raise DownloadError(
                f"{run.name} was not sent to {repository}: it is there already, and is public; make it private on its"
                " page, or leave out --private"
            )
        seen = "private" if there.private else "public"
        workspace.tell(
            f"sending {', '.join(sizes)} ({readable_size(sum(sizes.values()))}) to {repository}, which is {seen}"
        )
        done = hub.create_commit(
            repository,
            [CommitOperationAdd(path_in_repo=path.name, path_or_fileobj=str(path)) for path in files],
            commit_message=f"{run.name}, by striate push",
        )
    commit = re.sub(r"[^0-9a-f]", "", str(done.oid))[:40]
    return Pushed(repository, commit, sizes, str(url), bool(there.private), tuple(notes))
