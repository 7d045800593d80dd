"""Threads: which number is chosen of which rates, what is said of it, and that the clock is asked in turns."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
import torch

from striate.engine.threads import Pace, counts, pace


@dataclass
class Machine:
    """A clock that only steps move, by the number of threads they are made with."""

    seconds: dict[int, float]
    now: float = 0.0
    asked: list[int] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def step(self) -> None:
        threads = torch.get_num_threads()
        self.asked.append(threads)
        self.now += self.seconds[threads]


def measured(machine: Machine, **changes: int) -> Pace:
    return pace(machine.step, tuple(machine.seconds), pictures=7, clock=machine.clock, **changes)


@pytest.mark.parametrize(
    ("rates", "chosen"),
    [
        ({1: 70.0, 2: 130.0}, 2),
        ({1: 70.0, 2: 9.0}, 1),
        ({1: 70.0, 2: 76.0}, 1),  # less than a tenth more
        ({1: 70.0, 2: 78.0}, 2),
        ({1: 70.0, 8: 300.0, 16: 310.0}, 8),
        ({1: 70.0, 8: 300.0, 16: 500.0}, 16),
        ({1: 70.0, 8: 60.0, 16: 5.0}, 1),
    ],
)
def test_the_fewest_threads_that_none_beats_by_more_than_a_tenth(rates: dict[int, float], chosen: int) -> None:
    assert Pace(rates).chosen == chosen


def test_what_is_said_names_both_rates_and_how_to_choose() -> None:
    busy = "2 threads do 9.0 pictures a second and 1 does 70 (other programs keep this machine busy): training with 1"
    assert Pace({1: 70.4, 2: 9.04}).words == f"{busy} (--threads N chooses)"
    even = "2 threads do 71 pictures a second and 1 does 70: training with 1 (--threads N chooses)"
    assert Pace({1: 70.0, 2: 71.0}).words == even
    many = "16 threads do 310 pictures a second and 8 do 1,300 (other programs keep this machine busy): training with 8"
    assert Pace({1: 70.0, 8: 1300.0, 16: 310.0}).words == f"{many} (--threads N chooses)"
    assert Pace({1: 70.0, 2: 130.0}).words == ""  # nothing where every core is used


def test_steps_are_timed_in_turns_and_a_hopeless_number_is_asked_once() -> None:
    even, busy = Machine({1: 0.1, 2: 0.06}), Machine({1: 0.1, 2: 1.0})
    assert measured(even, turns=2).rates == pytest.approx({1: 70.0, 2: 7 / 0.06})
    assert even.asked == [1, 2, 1, 2, 1, 2]
    assert measured(busy, turns=2).rates == pytest.approx({1: 70.0, 2: 7.0})
    assert busy.asked == [1, 2]


def test_it_takes_no_longer_than_it_may() -> None:
    slow = Machine({1: 0.8, 2: 0.5})
    assert measured(slow).chosen == 2
    assert slow.asked == [1, 2, 1, 2]  # one turn after the warming up, whatever it takes


def test_one_slow_step_does_not_decide() -> None:
    machine = Machine({1: 0.1, 2: 0.06})

    def step() -> None:
        machine.step()
        machine.now += 0.5 if len(machine.asked) == 6 else 0.0

    assert pace(step, (1, 2), pictures=7, clock=machine.clock).chosen == 2


@pytest.mark.parametrize("fails", [False, True])
def test_the_number_of_threads_is_afterwards_what_it_was(fails: bool) -> None:
    torch.set_num_threads(3)
    try:
        seconds = {1: 0.1} if fails else {1: 0.1, 2: 0.06}
        machine = Machine(seconds)
        if fails:
            with pytest.raises(KeyError):
                pace(machine.step, (1, 2), pictures=7, clock=machine.clock)
        else:
            measured(machine)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(1)


def test_few_cores_are_asked_about_one_and_all_many_about_half_too() -> None:
    assert (counts(1), counts(2), counts(6), counts(8), counts(64)) == ((1,), (1, 2), (1, 6), (1, 4, 8), (1, 32, 64))
