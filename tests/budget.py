"""What a test may cost, in CPU seconds of its process and of those that it started: never in time by the clock.

Machines are shared, so a test is slow by the clock whenever somebody else is busy; what it computes is its own. Above
the budget (``cpu_budget``) a test that is not marked slow is named at the end of a run; above `LIMIT` times that it
fails, which no load on a machine explains. One that hangs has its stacks printed (``faulthandler_timeout``).
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

LIMIT = 4
_SPENT = "cpu seconds"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("cpu_budget", "CPU seconds that a test which is not marked slow should stay below", default="30")


def _cpu() -> float:
    """Return the CPU seconds of this process and of its children that have ended."""
    return sum(os.times()[:4])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    before = _cpu()
    yield
    spent = _cpu() - before
    if item.get_closest_marker("slow") is None:
        budget = float(item.config.getini("cpu_budget"))
        item.user_properties.append((_SPENT, spent))
        if spent > LIMIT * budget:
            pytest.fail(
                f"it took {spent:.1f} CPU seconds, over {LIMIT} times the {budget:g} that a test may take; make it"
                " smaller, or mark it slow",
                pytrace=False,
            )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    budget = float(terminalreporter.config.getini("cpu_budget"))
    reports = [
        each for key in ("passed", "failed") for each in terminalreporter.stats.get(key, ()) if each.when == "call"
    ]
    spent = {each.nodeid: dict(each.user_properties).get(_SPENT, 0.0) for each in reports}
    over = sorted(((spent, name) for name, spent in spent.items() if spent > budget), reverse=True)
    if over:
        terminalreporter.section(f"over the budget of {budget:g} CPU seconds a test")
        for seconds, name in over:
            terminalreporter.line(f"{seconds:6.1f} s  {name}")
