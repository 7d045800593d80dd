"""Files that the pages name are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WHERE = (ROOT / "src" / "striate", ROOT)
ADDED = ("tasks/cover.py", "tasks/cover_answers.py")  # by docs/adding-a-task.md
PAGES = sorted((ROOT / "docs").rglob("*.md"))


def test_every_file_that_a_page_names_is_there() -> None:
    decisions = {path.name[:4] for path in (ROOT / "docs" / "decisions").glob("*.md")}
    wrong = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        named = re.findall(r"`(?:src/striate/)?(\w[\w.-]*/[\w./-]*\.(?:py|md|txt|css))`", text)
        named = [name for name in named if name not in ADDED]
        missing = [name for name in named if not any((folder / name).is_file() for folder in WHERE)]
        linked = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
        missing += [link for link in linked if link and not (page.parent / link).exists()]
        missing += sorted(set(re.findall(r"docs/decisions/(\d{4})", text)) - decisions)
        wrong += [f"{page.relative_to(ROOT)}: {one}" for one in missing]
    assert not wrong, "\n".join(wrong)
