"""The reader of pages that every test of them shares: tags that must balance, words, styles, attributes, counts."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np

VOID = {"br", "hr", "img", "input", "link", "meta", "source"}


class Read(HTMLParser):
    """A page taken apart, tag by tag; that they balance is checked while it is read.

    A tag inside a drawing is kept as ``svg title``, so that it is not taken for the page's own.
    """

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.style = ""
        self.confusion: list[list[str]] = []
        self._within = False
        self.feed(page)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._keep(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self._within = ("class", "confusion") in attrs
        if self._within and tag == "tr":
            self.confusion.append([])
        if self._within and tag == "td":
            self.confusion[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._keep(tag, attrs)

    def _keep(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute of {tag} twice"
        self.tags.append((f"svg {tag}" if "svg" in self.open else tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> inside {self.open[-4:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        where = self.open[-1] if self.open else ""
        if where == "style":
            self.style += data
        elif where != "script":
            self.text.append(data)
            if self._within and "td" in self.open:
                self.confusion[-1][-1] += data

    @property
    def words(self) -> str:
        """Everything that is read, as it stands."""
        return "".join(self.text)

    @property
    def names(self) -> set[str]:
        """The tags that occur, inside drawings and outside."""
        return {tag.removeprefix("svg ") for tag, _ in self.tags}

    def count(self, tag: str) -> int:
        return sum(one == tag for one, _ in self.tags)

    def values(self, name: str) -> list[str]:
        """Every value of an attribute."""
        return [value for _, facts in self.tags if (value := facts.get(name)) is not None]

    def meta(self, name: str) -> list[str | None]:
        return [facts.get("content") for tag, facts in self.tags if tag == "meta" and facts.get("name") == name]

    def counts(self) -> np.ndarray:
        """The numbers in the confusion matrix as they stand in the page."""
        return np.array([[int(cell) for cell in row] for row in self.confusion if row])


def check_alone(read: Read, *, scripts: bool = False) -> None:
    """Whatever a page is made from: nothing from elsewhere, nothing that runs but scripts of ours, ids once."""
    foreign = {"link", "iframe", "object", "embed", "base", "form", "video", "audio"}
    assert not read.names & foreign and ("script" in read.names) == scripts
    assert "url(" not in read.style and "@import" not in read.style and "http" not in read.style
    ids = read.values("id")
    assert len(set(ids)) == len(ids)
    for tag, facts in read.tags:
        assert not [name for name in facts if name.startswith("on")], facts
        assert not any("javascript:" in (value or "") for value in facts.values())
        for name in ("src", "srcset"):
            assert (facts.get(name) or "data:image/").startswith("data:image/"), facts
        for name in ("href", "xlink:href"):
            value = facts.get(name) or "data:"
            assert value.startswith("data:") or (value[0] == "#" and value[1:] in ids), facts
        if tag == "img":
            assert facts.get("alt") is not None, facts


def whole(text: str) -> Read:
    """Nothing beside it, nothing that runs; every picture says what it shows."""
    read = Read(text)
    check_alone(read)
    assert all(facts["alt"] for tag, facts in read.tags if tag == "img")
    return read
