"""The studio in Chromium: a page that is let in, what it complains of, and what axe finds in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import pytest
from tests.chromium import chromium
from tests.web.studio_at import StudioAt

RUN = "async () => (await axe.run(document, { resultTypes: ['violations'] })).violations"
WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass
class StudioPage:
    """A tab; ``said`` are errors of its scripts, of its console, and what its policy refused."""

    page: Any
    at: StudioAt
    said: list[str] = field(default_factory=list)

    def go(self, where: str, question: str) -> None:
        """Go to an address of the page (``#/train``), and wait for the question of its screen."""
        self.page.goto(f"{self.at.origin}/{where}")
        self.asks(question)

    def asks(self, question: str, *, seconds: float = 60.0) -> None:
        """Wait until the screen asks this."""
        self.page.locator("h1", has_text=question).wait_for(timeout=1000 * seconds)

    def check(self) -> None:
        """Nothing was complained of, nothing is wider than the window, and axe has no serious finding."""
        assert not self.said, self.said
        assert self.page.evaluate(WIDE) <= 0, "the page scrolls sideways"
        found = self.page.evaluate(RUN)
        worst = [one for one in found if one["impact"] in ("serious", "critical")]
        assert not worst, [(one["id"], one["help"], [node["html"][:160] for node in one["nodes"][:3]]) for one in worst]

    def reach(self, name: str, *, most: int = 80) -> None:
        """Move by the Tab key until what is called so has the focus, and see that it is seen there."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            said = self.page.evaluate(
                "() => document.activeElement.matches('body, main') ? ''"
                " : document.activeElement.innerText || document.activeElement.ariaLabel || ''"
            )
            if name in said:
                style = "() => getComputedStyle(document.activeElement).outlineStyle"
                assert self.page.evaluate(style) != "none", f"{name!r} has the focus and does not show it"
                return
        raise AssertionError(f"the Tab key does not come to {name!r}")


@contextmanager
def studio_page(
    at: StudioAt, *, width: int = 1280, height: int = 900, dark: bool = False, still: bool = True
) -> Iterator[StudioPage]:
    """Yield a tab of the studio, of a browser of its own; axe is in it."""
    pytest.importorskip("axe_playwright_python", reason="needs axe-playwright-python, which brings axe-core")
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    with chromium() as browser:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce" if still else "no-preference",
            bypass_csp=False,
        )
        context.add_init_script(axe)
        page = context.new_page()
        found = StudioPage(page, at)
        page.on("pageerror", lambda error: found.said.append(str(error)))
        page.on("console", lambda message: message.type == "error" and found.said.append(message.text))
        page.goto(at.address)
        page.locator("h1").wait_for()
        yield found
