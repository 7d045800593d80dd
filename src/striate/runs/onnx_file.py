"""The ONNX file beside a model file: sealed, bound to the model it was made of, asked by ONNX Runtime. No torch.

``model.onnx`` takes uint8 pixels and puts out what the task calls its output, and ``embedding``. Its metadata carries
``striate``, the facts of the model file as they stand there; ``striate.model``, the model file's checksum;
``striate.arrays``, that of the arrays of the task's state; ``striate.parity``, how far its answers lay from torch's
when it was written; and last, so that it is the end of the file, ``striate.sha256``, the digest of all that comes
before.

All of that anybody can write. What binds the graph, weights and all, to the model file is its digest, which the model
file carries (`GRAPH`); of a model file without one, of an older Striate, the graph is made again and compared. A graph
in int8 is made later, and one of somebody's own code cannot be made again: these are bound by what they say of
themselves alone, so whoever may write into the folder can exchange their weights. No graph is run before
`striate.runs.onnx_limits` has looked through it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
from numpy.typing import NDArray

from striate.errors import ModelError, StriateError
from striate.model.files import strict, tensorfile
from striate.model.files.weights import GRAPH, KEY, ModelFile
from striate.runs.onnx_limits import check_graph
from striate.runs.seal import Proof, beside, graph_digest
from striate.spec.code import is_code

if TYPE_CHECKING:
    import onnxruntime

MODEL: Final = "striate.model"
ARRAYS: Final = "striate.arrays"
PARITY: Final = "striate.parity"

FEW: Final = 8  # pictures up to which a graph that is ready sooner answers sooner
_STEP: Final = 16  # pictures computed at once: more are no faster, and take more memory
_VALUES: Final = 2**21  # and fewer of large pictures: 3 of 448 x 448


def digest_of(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return the digest of arrays by name: of their bytes, in the order of the names."""
    digest = hashlib.sha256(usedforsecurity=False)
    for name in sorted(arrays):
        digest.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


@final
class OnnxFile:
    """An ONNX file that was proved to be a model file's own. Make one with ``open``.

    Attributes: ``path``; ``parity``, what was measured when it was written.
    """

    def __init__(self, path: Path, session: onnxruntime.InferenceSession, parity: dict[str, Any]) -> None:
        self.path = path
        self._sessions = {False: session}  # by whether it is for many pictures
        self._making = Lock()
        self.parity = parity

    @classmethod
    def open(
        cls,
        path: Path,
        model: Path,
        facts: ModelFile,
        header: tensorfile.Header,
        arrays: Mapping[str, NDArray[Any]],
        proof: Proof | None = None,
        *,
        outputs: tuple[str, ...],
    ) -> OnnxFile:
        """Open the file for a ``model`` file with those facts, header and arrays, its ``proof`` begun already or not.

        ``outputs`` are the names of what it has to put out; ``arrays`` those of the state, as they are called there.

        Raises ModelError that says why it cannot answer for it: damaged, foreign, of another model, or ONNX Runtime
        is not here or refuses it.
        """
        if proof is None or proof.path != path:
            proof = Proof(path)  # while ONNX Runtime is imported
        try:
            import onnxruntime  # noqa: F401
        except Exception as error:  # a broken installation raises more than ImportError
            raise ModelError(f"{path.name} needs onnxruntime, which cannot be imported ({error})") from None
        channels, *size = facts.input
        try:
            seen = proof.result()
            for name, own in (
                (MODEL, header.metadata.get(tensorfile.CHECKSUM)),
                (KEY, header.metadata.get(KEY)),
                (ARRAYS, digest_of(arrays)),
            ):
                if seen.metadata.get(name) != own:
                    raise ModelError(f"{path.name} was made of another model than the one beside it")
            parity = _parity(path, seen.metadata)
            check_graph(path, seen.start, seen.stop, (*size, channels), ours=not is_code(facts.net))
            bound = seen.digest == header.metadata.get(GRAPH) or (is_code(facts.net) and GRAPH not in header.metadata)
            if path == beside(model) and not bound:
                _check_again(path, model, seen.digest)
        except OSError as error:
            raise ModelError(f"{path.name} cannot be read: {error.strerror or error}") from None
        opened = session(path, many=False)
        if sorted(found := [each.name for each in opened.get_outputs()]) != sorted(outputs):
            raise ModelError(
                f"{path.name} puts out {', '.join(found)[:80]}, and the model beside it {', '.join(outputs)}"
            )
        return cls(path, opened, parity)

    def outputs(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each output of a picture by its name; -1 where that is not fixed."""
        outputs = next(iter(self._sessions.values())).get_outputs()
        return {one.name: tuple(side if isinstance(side, int) else -1 for side in one.shape[1:]) for one in outputs}

    def settle(self, *, threads: int | None) -> None:
        """Keep one session from now on, laid out for many pictures, whoever asks.

        It has ``threads`` threads, None: one a core. Raises ModelError.
        """
        kept = session(self.path, many=True, threads=threads)
        self._sessions = {False: kept, True: kept}

    def ask(self, pixels: NDArray[np.uint8], *, many: bool) -> dict[str, NDArray[np.float32]]:
        """Return each output (N, ...) by its name for pixels (N, H, W, C), some of ``many``.

        A few are computed by all threads together; of many, each thread that asks computes its own, since threads
        that share a picture wait for each other after every layer.
        """
        with self._making:
            if many not in self._sessions:
                self._sessions[many] = session(self.path, many=many, threads=1)
        return ask(self._sessions[many], pixels)


def _parity(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return what was measured when a file was written. Raises ModelError."""
    try:
        parity = strict.loads(metadata.get(PARITY, "{}"))
        if not isinstance(parity, dict):
            raise ValueError("no object")
    except ValueError as error:
        raise ModelError(f"{path.name}: its {PARITY} does not read ({str(error)[:80]})") from None
    return parity


def _check_again(path: Path, model: Path, digest: str) -> None:
    """Make the graph of a model file that does not say which is its own, and compare. Raises ModelError."""
    # The call to the right of this room, by name: only old files need it, and only it needs the package onnx.
    try:
        own = graph_digest(import_module("striate.export.onnx_walk").graph_of_file(model))
    except (ImportError, StriateError) as error:
        raise ModelError(f"{path.name} cannot be compared with the model file's own weights: {error}") from None
    if own != digest:
        raise ModelError(
            f"{path.name} does not hold the weights of the model file, or an older Striate wrote it; striate export "
            "makes it anew"
        )


def ask(asked: onnxruntime.InferenceSession, pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """Return a session's outputs by name for pixels (N, H, W, C), N at least 1, a few at a time. ModelError."""
    step, names = at_once(pixels), [each.name for each in asked.get_outputs()]
    try:
        answers = [
            asked.run(names, {"pixels": np.ascontiguousarray(pixels[begin : begin + step])})
            for begin in range(0, len(pixels), step)
        ]
    except Exception as error:  # its errors have no common class of their own
        raise ModelError(f"ONNX Runtime cannot compute the graph: {str(error).splitlines()[0][:200]}") from None
    return {name: np.concatenate(parts) for name, parts in zip(names, zip(*answers, strict=True), strict=True)}


def at_once(pixels: NDArray[np.uint8]) -> int:
    """Return how many of these pictures (N, H, W, C) are computed at once, at least 1."""
    return max(1, min(_STEP, _VALUES // int(np.prod(pixels.shape[1:]))))


def session(
    model: Path | bytes, *, many: bool, as_written: bool = False, threads: int | None = None
) -> onnxruntime.InferenceSession:
    """Return a session of ONNX Runtime on the CPU, with a thread a core unless ``threads`` says how many.

    For ``many`` pictures the weights are laid out for the processor, which takes as long as answering a few and holds
    them twice; ``as_written`` leaves every node what it is. Raises ModelError where ONNX Runtime refuses the graph.
    """
    try:
        import onnxruntime
    except Exception as error:  # a broken installation raises more than ImportError
        raise ModelError(f"onnxruntime cannot be imported ({error})") from None

    options, level = onnxruntime.SessionOptions(), onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if many else level.ORT_ENABLE_EXTENDED
    if as_written:
        options.graph_optimization_level = level.ORT_DISABLE_ALL
    options.intra_op_num_threads, options.inter_op_num_threads = threads or thread_count(), 1
    options.enable_cpu_mem_arena = many
    options.log_severity_level = 4  # what it has to say, it raises
    # A thread that waits by spinning takes the core from the one that decodes the next picture.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    given = model if isinstance(model, bytes) else os.fspath(model)
    try:
        return onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common class of their own
        name = "the graph" if isinstance(model, bytes) else model.name
        raise ModelError(f"ONNX Runtime refuses {name}: {str(error).splitlines()[0][:200]}") from None


def thread_count() -> int:
    """Return how many threads compute: OMP_NUM_THREADS, as torch has it, else the cores this process may use."""
    wish = os.environ.get("OMP_NUM_THREADS", "")
    if wish.isdecimal() and int(wish):
        return int(wish)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
