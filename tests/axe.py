"""What axe-core finds wrong with an open page, for whoever cannot see it or uses no mouse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

SERIOUS = ("serious", "critical")


def findings(page: Any) -> list[str]:
    """Return what is wrong with an open page in axe's eyes, serious and worse: the rule, and the element it is about.

    Everything folded is opened first, as nothing is judged that is not shown.
    """
    package = pytest.importorskip("axe_playwright_python", reason="needs axe-playwright-python, which carries axe-core")
    page.evaluate((Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{one['id']} ({one['help']}): {node['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]
