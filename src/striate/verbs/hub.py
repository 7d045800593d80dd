"""Hub: models on the Hugging Face Hub, ``hf://user/name``: fetched once, proved, and opened like any other file.

In the cache, ``weights/hub/<user>--<name>/<commit>/`` holds the model file and the ONNX files beside it, and
``refs/<revision>`` the commit that a branch or tag was at the last time. A folder of a commit is there whole or not at
all: what came was proved by the checksums that stand in our own files. The library that speaks with the Hub is
`huggingface_hub`; nobody is asked but the Hub, for what was named.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from striate.data.sources.download import offline
from striate.data.store.cache import weights_dir
from striate.errors import DownloadError, ModelError, StriateError
from striate.files import MODEL as LARGEST
from striate.files import read_text
from striate.model.files import weights
from striate.runs import durable
from striate.runs.seal import beside, check_seal
from striate.verbs.alone import alone
from striate.verbs.workspace import HERE, Progress, Workspace
from striate.words import readable, readable_size

if TYPE_CHECKING:
    from huggingface_hub import HfApi

FILE: Final = "model.safetensors"
GRAPHS: Final = ("model.onnx", "model.int8.onnx")
_PART: Final = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?"
_ADDRESS: Final = re.compile(rf"hf:/{{1,2}}({_PART}/{_PART})(?:@([A-Za-z0-9][A-Za-z0-9._/-]{{0,94}}))?")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_ANSWER: Final = 15.0  # seconds that the Hub has to answer a question


@dataclass(frozen=True)
class HubAddress:
    """A model on the Hub: its ``repository``, ``user/name``, and a ``revision``: a branch, a tag or a commit."""

    repository: str
    revision: str = "main"

    def __str__(self) -> str:
        return f"hf://{self.repository}" + (f"@{self.revision}" if self.revision != "main" else "")


def is_hub(what: str | Path) -> bool:
    """Return whether a person means a model on the Hub: what begins with ``hf:/`` (a path keeps one slash alone).

    Example: ``is_hub("hf://user/name")`` is ``True``.
    """
    return str(what).startswith("hf:/")


def shown(what: str | Path) -> str:
    """Return a path or an address as a person wrote it: of ``hf://`` a path keeps one slash alone.

    Example: ``shown(Path("hf://user/name"))`` is ``"hf://user/name"``.
    """
    return f"hf://{str(what)[4:].lstrip('/')}" if is_hub(what) else str(what)


def hub_address(what: str | Path) -> HubAddress:
    """Return the address that a person wrote. Errors: ModelError for one that is none.

    Example: ``hub_address("hf://user/name@v1").revision`` is ``"v1"``.
    """
    found = _ADDRESS.fullmatch(str(what))
    if found is None or ".." in str(what) or "--" in found[1] or "//" in (found[2] or ""):
        raise ModelError(
            f"{readable(shown(what)[:100])!r} is no address of a model on the Hub; say hf://user/name, or"
            " hf://user/name@revision with a branch, a tag or a commit"
        )
    return HubAddress(found[1], found[2] or "main")


def fetch_hub(what: str | Path, workspace: Workspace = HERE) -> Path:
    """Return the model file of a model on the Hub, in the cache; fetched where what is there is not the newest.

    A commit that is here is never asked for again. A branch or a tag is asked for each time, unless the workspace or
    STRIATE_OFFLINE forbid it, or the Hub cannot be reached, which is told: then what was there the last time answers.

    Errors: ModelError for what is no address, or no model of Striate's; DownloadError for what is not to be had.
    """
    address = hub_address(what)
    home = weights_dir() / "hub" / address.repository.replace("/", "--")
    here = _COMMIT.fullmatch(address.revision)
    if here and (home / address.revision / FILE).is_file():
        return home / address.revision / FILE
    known = _known(home, address)
    why = "STRIATE_OFFLINE is set" if offline() else "nothing is to be downloaded (--offline; a server never does)"
    if offline() or not workspace.download:
        if known is None:
            raise DownloadError(
                f"{address} is not in the cache, and {why}; striate weights fetch {address} gets it where there is a"
                " network"
            )
        return known
    try:
        with asking(f"{address} cannot be asked for") as hub:
            about = hub.model_info(address.repository, revision=address.revision, timeout=_ANSWER, files_metadata=True)
    except DownloadError as error:
        if known is None or not _unreachable(error):
            raise
        workspace.tell(f"{error}; what was there the last time answers ({known.parent.name[:12]})")
        return known
    commit = str(about.sha)
    sizes = {str(one.rfilename): int(one.size or 0) for one in about.siblings or ()}
    if not _COMMIT.fullmatch(commit):
        raise DownloadError(f"{address}: the Hub answers with {readable(commit[:50])!r} in place of a commit")
    if not (home / commit / FILE).is_file():
        _fetch(address, commit, sizes, home, workspace)
    ref = _ref(home, address)
    with durable.explained(ref, f"cannot note which version of {address} is here", "the model is"):
        ref.parent.mkdir(parents=True, exist_ok=True)
    durable.write(ref, f"{commit}\n".encode())
    return home / commit / FILE


def _ref(home: Path, address: HubAddress) -> Path:
    return home / "refs" / address.revision.replace("/", "--")


def _known(home: Path, address: HubAddress) -> Path | None:
    """Return the model file of the commit that a revision was at the last time, None where it is not here."""
    with suppress(OSError, UnicodeDecodeError):
        commit = read_text(_ref(home, address)).strip()
        if _COMMIT.fullmatch(commit) and (home / commit / FILE).is_file():
            return home / commit / FILE
    return None


def _fetch(address: HubAddress, commit: str, sizes: dict[str, int], home: Path, workspace: Workspace) -> None:
    """Put the files of a commit into the cache, all of them or none. What broke off is resumed by the next call."""
    if FILE not in sizes:
        raise ModelError(f"{address} holds no {FILE}: it is no model that striate push sent")
    wanted = [FILE, *(name for name in GRAPHS if name in sizes)]
    total = sum(sizes[name] for name in wanted)
    if total > LARGEST:
        raise ModelError(f"{address} holds {readable_size(total)}, and {readable_size(LARGEST)} are the most")
    part = home / f".{commit}.part"
    with alone(home / ".lock", str(address), workspace.tell):
        if (home / commit / FILE).is_file():
            return  # another process has got it meanwhile
        workspace.tell(f"{address}: downloading {', '.join(wanted)} ({readable_size(total)}) of {commit[:12]}")
        with durable.explained(part, f"cannot keep {address} in {home}", "nothing was changed"):
            part.mkdir(parents=True, exist_ok=True)
            for name in wanted:
                with asking(f"{address}: {name} was not downloaded") as hub:
                    hub.hf_hub_download(
                        address.repository,
                        name,
                        revision=commit,
                        local_dir=part,
                        tqdm_class=_told(f"{address} {name}", workspace.progress),
                    )
            try:
                _prove(address, part / FILE)
            except ModelError:
                shutil.rmtree(part)  # it would be no better the next time
                raise
            shutil.rmtree(part / ".cache", ignore_errors=True)  # the library's own notes
            part.replace(home / commit)


def _prove(address: HubAddress, path: Path) -> None:
    """Refuse a model file, or a graph beside it, whose bytes are not those that were written."""
    try:
        weights.read_arrays(path)
        for file in (beside(path), beside(path, int8=True)):
            if file.is_file():
                check_seal(file)
    except ModelError as error:
        said = str(error).replace(f"{path.parent}{os.sep}", "")
        raise ModelError(f"{address} is not used: {said}") from None


def _told(what: str, progress: Progress | None) -> Any:
    """Return the class of a bar that draws nothing and says how far it is."""
    from tqdm import tqdm  # type: ignore[import-untyped,unused-ignore]

    class Silent(tqdm):  # type: ignore[misc,type-arg,unused-ignore]
        def __init__(self, *args: Any, **facts: Any) -> None:
            self.come, self.whole = int(facts.get("initial") or 0), int(facts.get("total") or 0)
            super().__init__(*args, **{**facts, "disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            self.come += int(n or 0)
            if progress is not None:
                progress(what, self.come, self.whole)
            return None

    return Silent


@contextmanager
def asking(what: str) -> Iterator[HfApi]:
    """Yield what speaks with the Hub (HF_ENDPOINT says where it is); whatever it raises is one sentence.

    ``what`` begins that sentence. Errors: DownloadError, and StriateError where the library is not installed.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # else it asks for more than was named, and tells more
    try:
        import huggingface_hub
    except ImportError as error:
        raise StriateError(f"hf:// takes {error.name}, which is not installed: pip install 'striate[hub]'") from None
    try:
        with _quiet():
            yield huggingface_hub.HfApi(
                endpoint=os.environ.get("HF_ENDPOINT") or None,
                library_name="striate",
                library_version=weights.version(),
            )
    except StriateError:
        raise
    except Exception as error:  # of the library, of what it speaks through, of the system
        raise DownloadError(f"{what}: {_reason(error)}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library from drawing bars and from writing addresses into logs: who asked hears by the workspace."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    logger, bars = logging.getLogger("huggingface_hub"), not are_progress_bars_disabled()
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    if bars:
        disable_progress_bars()
    try:
        yield
    finally:
        logger.setLevel(level)
        if bars:
            enable_progress_bars()


def _unreachable(error: DownloadError) -> bool:
    """Whether the Hub gave no answer, or none of worth: then what is here may do."""
    status = _status(error.__cause__)
    return status is None or status >= 500 or status == 429


def _status(error: BaseException | None) -> int | None:
    found = getattr(getattr(error, "response", None), "status_code", None)
    return found if isinstance(found, int) else None


def _reason(error: Exception) -> str:
    """Return why the Hub did not do what was asked, with what to do. What was sent to it, the token, is never in it."""
    name, status = type(error).__name__, _status(error)
    if name in _REASONS:
        return _REASONS[name]
    if status in (401, 403):
        return f"the Hub refuses it (HTTP {status}): set HF_TOKEN to a token that may do this, or say hf auth login"
    if status is not None:
        return f"the Hub answers with HTTP {status}"
    cause = error.__cause__ or error.__context__
    if isinstance(error, FileNotFoundError) and isinstance(cause, Exception):  # the library found no way to the Hub
        return _reason(cause)
    lines = str(error).strip().splitlines()
    return f"{lines[0][:200]} ({name})" if lines else name


_REASONS: Final[dict[str, str]] = {
    "RepositoryNotFoundError": (
        "there is no such repository, or it is private: then set HF_TOKEN to a token that may read it, or say hf auth"
        " login"
    ),
    "GatedRepoError": "its owner wants to be asked first: ask on its page, then set HF_TOKEN",
    "RevisionNotFoundError": "the repository has no such revision",
    "OfflineModeIsEnabled": "HF_HUB_OFFLINE is set",
}
"""Of the library's errors, by their names: a newer version may have others."""
