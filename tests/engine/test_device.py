"""Devices, precision, memory errors, and randomness that belongs to a step."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest
import torch

from striate.engine.device import (
    choose_device,
    draw_seed,
    out_of_memory,
    seeded,
    use_threads,
    wants_bfloat16,
)
from striate.errors import DeviceError

CPU = torch.device("cpu")


def test_auto_takes_the_best_that_is_here(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == choose_device("cpu") == choose_device(CPU) == CPU
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto").type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    assert choose_device("auto") == torch.device("cuda:0")
    assert choose_device("cuda") == torch.device("cuda:1")
    assert choose_device("cpu") == CPU


@pytest.mark.parametrize("name", ["cuda", "cuda:3", "mps", "tpu"])
def test_a_device_that_is_not_here_is_named_with_what_is(name, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(DeviceError, match=f"'{name}' is not .*this machine has cpu"):
        choose_device(name)


def test_bfloat16_is_for_devices_that_have_it(monkeypatch):
    for native in (True, False):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda native=native: native, raising=False)
        assert wants_bfloat16("auto", CPU) is native
        assert wants_bfloat16("bfloat16", CPU) and not wants_bfloat16("float32", CPU)
    gpu = torch.device("cuda:0")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (9, 0))
    assert wants_bfloat16("auto", gpu) and wants_bfloat16("bfloat16", gpu) and not wants_bfloat16("float32", gpu)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (7, 5))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Tesla T4")
    assert not wants_bfloat16("auto", gpu)
    with pytest.raises(DeviceError, match="Tesla T4 cannot compute in bfloat16"):
        wants_bfloat16("bfloat16", gpu)


def test_the_allocator_of_this_machine_says_what_we_look_for():
    with pytest.raises((RuntimeError, MemoryError)) as caught:
        torch.empty(2**46, dtype=torch.float64)
    assert out_of_memory(caught.value)
    assert out_of_memory(MemoryError())
    assert not out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not out_of_memory(ValueError("out of memory"))


def test_seeded_draws_are_a_function_of_the_seed_and_leave_no_trace():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    with seeded(CPU, 42):
        one = torch.rand(5)
    torch.rand(3)
    with pytest.raises(KeyError), seeded(CPU, 42):
        again = torch.rand(5)
        raise KeyError
    torch.set_rng_state(before)
    with seeded(CPU, 43):
        other = torch.rand(5)
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert torch.equal(before, torch.get_rng_state())


def test_every_step_has_a_seed_of_its_own():
    seeds = {
        draw_seed(seed, purpose, epoch=epoch, step=step)
        for seed in range(3)
        for purpose in ("dropout", "other")
        for epoch in range(10)
        for step in range(50)
    }
    assert len(seeds) == 3 * 2 * 10 * 50 and all(0 <= seed < 2**63 for seed in seeds)


def test_threads_are_set_only_when_asked():
    assert use_threads(None) == torch.get_num_threads() == 1
    assert use_threads(2) == torch.get_num_threads() == 2
    use_threads(1)


@pytest.mark.skipif(sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="only glibc has it")
def test_memory_that_was_freed_is_not_fetched_from_the_system_again():
    code = (  # in a process of its own: what else a process has done decides where its memory comes from
        "import ctypes, resource, torch; from striate.engine.device import keep_memory\n"
        "ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)\n"  # PR_SET_THP_DISABLE: where pages are huge, few are fetched anyway
        "def faults():\n"
        "    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "    torch.empty(2**24).fill_(1.0)\n"  # 64 MiB
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before\n"
        "def least(): return min(faults() for _ in range(10))\n"
        "without = least(); keep_memory(); print(without, least())"
    )
    for _ in range(5):  # seen once: glibc before 2.38 may not use an aligned piece again (its bug 14581)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        without, kept = map(int, done.stdout.split())
        if kept < 100:
            break
    assert without > 10_000 and kept < 100  # 16,384 pages of 4 KiB
