"""Where a training runs: the device, its precision, its threads, its memory, its randomness.

Everything here asks the machine a question or sets something for the length of a ``with``; only ``use_threads``
leaves a setting behind, because torch has one thread count for the whole process.
"""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress

import torch

from striate.errors import DeviceError
from striate.model.forked import is_forked

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc's names for them, mallopt(3)
_MEMORY_TEXTS = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")


def choose_device(name: str | torch.device = "auto") -> torch.device:
    """Return the device of that name; ``auto`` takes cuda, else mps, else cpu.

    Errors: DeviceError when the device asked for is not in this machine; the text names what is.

    Example: ``choose_device("auto")``
    """
    here = _devices_here()
    if str(name) == "auto":
        return torch.device(here[0])
    try:
        device = torch.device(name)
    except RuntimeError:
        raise DeviceError(f"{name!r} is not a device; this machine has {', '.join(here)}") from None
    if device.type == "cuda" and device.index is None and "cuda:0" in here:
        return torch.device("cuda", torch.cuda.current_device())
    if str(device) not in here:
        raise DeviceError(
            f"device {str(name)!r} is not here; this machine has {', '.join(here)} (--device auto takes {here[0]})"
        )
    return device


def _devices_here() -> list[str]:
    """Return the devices of this machine, the one to prefer first."""
    cuda = [f"cuda:{index}" for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return cuda + (["mps"] if torch.backends.mps.is_available() else []) + ["cpu"]


def use_threads(threads: int | None) -> int:
    """Set how many threads torch computes with in this process (None: leave as it is) and return the count.

    In a process that was forked it stays at one (`striate.model.forked`).
    """
    if threads is not None and not is_forked():
        torch.set_num_threads(threads)
    return torch.get_num_threads()


def thread_count() -> int:
    """Return how many threads torch computes with by itself: OMP_NUM_THREADS, else the cores of this machine."""
    return torch.get_num_threads()


@contextmanager
def threads_restored() -> Iterator[None]:
    """Have torch compute with as many threads after the block as before it."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)


def keep_memory() -> None:
    """Let the C library keep up to 2 GiB of what torch frees in this process, for the next step to use.

    Otherwise every large map goes back to the system and comes again page by page, filled with zeros: a tenth of a
    step of ResNet-18 (docs/performance.md). Only glibc has the setting; elsewhere nothing happens.
    """
    with suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, 2**30)
        mallopt(_TRIM_THRESHOLD, 2**31 - 1)


def check_compiler(device: torch.device) -> None:
    """Compile something small: torch needs a C++ compiler for it on a CPU, Triton on a GPU. Errors: DeviceError."""
    try:
        torch.compile(torch.neg)(torch.ones(8, device=device))
    except RuntimeError as error:
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise DeviceError(
            f"compile = true: torch cannot compile anything for {device} here ({reason}); train without it"
            " (--set compile=false)"
        ) from None


def wants_bfloat16(precision: str, device: torch.device) -> bool:
    """Say whether the forward pass runs under bfloat16 autocast.

    ``auto`` takes bfloat16 where the device computes with it: an NVIDIA GPU of compute capability 8.0 and up, a CPU
    with AVX512-BF16 (where training takes some 0.6 of the time, docs/defaults.md). Elsewhere it is only imitated.

    Errors: DeviceError when bfloat16 is asked for on a GPU that only imitates it.
    """
    native = device.type == "cpu" and _cpu_has_bfloat16()
    if device.type == "cuda":
        native = torch.cuda.get_device_capability(device) >= (8, 0)
    if precision == "bfloat16" and device.type == "cuda" and not native:
        name = torch.cuda.get_device_name(device)
        raise DeviceError(f"{name} cannot compute in bfloat16 (it needs compute capability 8.0); use float32 or auto")
    return precision == "bfloat16" or (precision == "auto" and native)


def _cpu_has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 itself; torch keeps the question under a private name."""
    asked = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(asked is not None and asked())


def autocast(device: torch.device, *, bfloat16: bool) -> AbstractContextManager[object]:
    """Return a context in which convolutions and matrix products run in bfloat16, or a context that does nothing."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if bfloat16 else nullcontext()


def out_of_memory(error: BaseException) -> bool:
    """Say whether an error means that memory ran out: on a GPU, in torch's CPU allocator, or in Python."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in _MEMORY_TEXTS)


def free_memory(device: torch.device) -> None:
    """Give memory that torch holds but does not use back to the device."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def draw_seed(seed: int, purpose: str, *, epoch: int, step: int) -> int:
    """Return the 63-bit seed for one purpose in one step: a hash (BLAKE2b) of all four.

    Example: ``draw_seed(0, "dropout", epoch=3, step=17)``
    """
    text = f"{purpose}/{seed}/{epoch}/{step}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


@contextmanager
def seeded(device: torch.device, seed: int) -> Iterator[None]:
    """Make torch's own generators draw from ``seed`` inside the block, and put them back as they were after it.

    Layers such as dropout only know torch's global generators. Seeding them for each step makes every mask a function
    of the step, so that a training neither depends on the caller's generators nor moves them.
    """
    generators = [torch.default_generator]
    if device.type == "cuda":
        generators.append(torch.cuda.default_generators[device.index or 0])
    kept = [generator.get_state() for generator in generators]
    kept_mps = torch.mps.get_rng_state() if device.type == "mps" else None
    try:
        for generator in generators:
            generator.manual_seed(seed)
        if kept_mps is not None:
            torch.mps.manual_seed(seed)
        yield
    finally:
        for generator, state in zip(generators, kept, strict=True):
            generator.set_state(state)
        if kept_mps is not None:
            torch.mps.set_rng_state(kept_mps)
