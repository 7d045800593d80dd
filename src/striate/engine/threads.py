"""How many threads a training is quickest with, here and now: a few real steps at each count, in turns, by the clock.

Threads that share a step wait for the last of them. Where other programs keep the cores, that one waits for its turn
to run, at every operator, and two threads can take ten times as long as one; no figure that the system gives (load,
cores) foretells it. So it is measured, once, before anything is learnt: the results of a training are promised to the
bit at a fixed number of threads, and that number is then written down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

from striate.engine.device import threads_restored, use_threads

WORTH = 1.1  # times as many pictures a second: what more threads must bring over fewer
HOPELESS = 3.0  # times as long as the quickest: such a count is not asked again
BUSY = 0.8  # of the rate of one thread: more threads that are slower than that are in other programs' way
SECONDS = 1.5  # after which no new turn begins
TURNS = 3


@dataclass(frozen=True)
class Pace:
    """Pictures a second by number of threads, from the fewest to the most."""

    rates: dict[int, float]

    @property
    def chosen(self) -> int:
        """The fewest threads that no other number beats by more than a tenth."""
        best = max(self.rates.values())
        return next(threads for threads, rate in self.rates.items() if rate * WORTH >= best)

    @property
    def words(self) -> str:
        """What a person should know, in a sentence; nothing where all cores are used.

        Example: ``Pace({1: 70.0, 2: 9.0}).words.startswith("2 threads do 9.0 pictures a second and 1 does 70")``
        """
        most, chosen = max(self.rates), self.chosen
        if chosen == most:
            return ""
        busy = " (other programs keep this machine busy)" if self.rates[most] < BUSY * self.rates[chosen] else ""
        return (
            f"{most} threads do {_rate(self.rates[most])} pictures a second and {chosen}"
            f" {'does' if chosen == 1 else 'do'} {_rate(self.rates[chosen])}{busy}:"
            f" training with {chosen} (--threads N chooses)"
        )


def counts(most: int) -> tuple[int, ...]:
    """Return the numbers of threads worth asking about: one, half of many, all. Example: ``counts(8) == (1, 4, 8)``"""
    return tuple(sorted({1, most // 2, most})) if most >= 8 else tuple(sorted({1, most}))


def pace(
    step: Callable[[], object],
    counts: Sequence[int],
    *,
    pictures: int,
    turns: int = TURNS,
    clock: Callable[[], float] = perf_counter,
) -> Pace:
    """Time ``step``, which computes with so many ``pictures``, at each number of threads, from the fewest up.

    Every count has a step to warm up in, which is also the one by which hopeless counts are told; the rest are asked in
    turns, up to ``turns`` times and about a second and a half, and the median counts. The number of threads of the
    process is afterwards what it was.

    Example: ``pace(lambda: model(inputs), (1, 2), pictures=1).chosen in (1, 2)``
    """
    began = clock()

    def timed(threads: int) -> float:
        use_threads(threads)
        start = clock()
        step()
        return max(clock() - start, 1e-9)

    with threads_restored():
        seconds = {threads: [timed(threads)] for threads in sorted(counts)}
        quickest = min(first for (first,) in seconds.values())
        asked = [threads for threads, (first,) in seconds.items() if first < HOPELESS * quickest]
        for turn in range(turns if len(asked) > 1 else 0):
            for threads in asked:
                seconds[threads].append(timed(threads))
            if turn == 0:
                for threads in asked:
                    del seconds[threads][0]  # the first also made threads and chose kernels
            if clock() - began > SECONDS:
                break
    return Pace({threads: pictures / median(each) for threads, each in seconds.items()})


def _rate(rate: float) -> str:
    return f"{rate:.1f}" if rate < 10 else f"{rate:,.0f}"
