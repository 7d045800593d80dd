"""Every page of the house, from names that nobody should have given: whole, well-formed, escaped, alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from jinja2 import UndefinedError
from PIL import Image
from tests.page_reader import Read, check_alone
from tests.render.html import test_look_page, test_page

from striate.data.copies import Copies
from striate.data.labels.marks import BoxMarks
from striate.data.sources.items import FolderSource, Item
from striate.interpret.arithmetic.dot import dot
from striate.interpret.arithmetic.filters import FILTERS
from striate.interpret.torch_probe import TorchProbe
from striate.recipe import Recipe
from striate.render.html import compare_page, doctor_page, dot_page, filter_page, look_page, walk_page
from striate.render.html.compare_page import Comparison
from striate.render.html.copies import TITLE, copies_body
from striate.render.html.environment import drawing, environment, escaped, html, named
from striate.render.html.page import Section, render
from striate.search.examined import Case, Examined, Finding
from striate.search.measured import MEASURED
from striate.session.shown import Table, framed, html_table, said
from striate.spec import Shape, parse
from striate.tasks.assessment import Basis
from striate.tasks.box_rows import rows_of
from striate.tasks.pairing import LossPaired, Shared
from striate.tasks.table import TASKS
from striate.tasks.task import LabelFacts
from striate.tasks.values import State
from striate.verbs.doctor import Diagnosis
from striate.verbs.filter import filter_picture
from striate.verbs.report import write_figures
from striate.verbs.walk import walk_of
from striate.words import readable

SCRIPT = "<script>alert(1)</script>"
ENDING = "\"'></style></title></svg><img src=http://evil.example/x onerror=alert(1)>&amp;{{ 7 * 7 }}"
TURNED = "\u202egpj.exe\x1b[2J\x00\n"
HEBREW = "\u05d7\u05ea\u05d5\u05dc"
BAD = SCRIPT + ENDING + TURNED + HEBREW
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
PIXELS = np.random.default_rng(0).integers(0, 256, (40, 12, 12, 3), dtype=np.uint8)
KEYS = tuple(f"{BAD}{row}.jpg" for row in range(40))


def report(name: str) -> str:
    """A report of a task whose labels are called so."""
    if name == "classify":
        made = test_page.page(classes=(BAD, f"b{BAD}", "a & b's"), keys=tuple(f"{BAD}{row}" for row in range(60)))
        made = replace(made, label_issues=made.found.report.label_issues)
    else:
        made = replace(test_page.page(pictures=37), **evaluated(name))
    copies = Copies(contradicting=((0, 1),), crossing=(), within=((2, 3, 4),))
    items = [Item(key, 0) for key in KEYS]
    undrawn: Any = BAD  # a body that somebody forgot to draw is a value like any other
    source = {
        **made.source,
        "location": BAD,
        "rejected": [{"key": BAD, "reason": BAD}],
        "passed_over": {"files": 9, "first": [BAD, "b"]},
    }
    return render(
        replace(
            made,
            name=BAD,
            source=source,
            verdict=replace(made.verdict, text=BAD, reasons=(BAD,)),
            recipe_toml=f"net = {BAD}\nseed = 1\n",
            environment={BAD: BAD, "striate": BAD},
            more=(Section(TITLE, copies_body(copies, items, (BAD, "b"), PIXELS)), Section(BAD, undrawn)),
        )
    )


def evaluated(name: str) -> dict[str, Any]:
    """The facts of a page of several tags, or of numbers, answered badly."""
    task, rng = TASKS[name], np.random.default_rng(3)
    if name == "tag":
        names = (BAD, f"b{BAD}", "c")
        targets = (rng.random((37, 3)) < 0.4).astype(np.float32)
        outputs = {"logits": rng.normal(size=(37, 3)).astype(np.float32)}
        facts = LabelFacts(names)
    elif name == "detect":
        facts = LabelFacts((BAD, f"b{BAD}"), {"levels": [[4, 4]], "input": [32, 32]})
        marks = [BoxMarks((32, 32), ((2, 2, 9, 9), (12, 8, 30, 30)), (0, row % 2)) for row in range(37)]
        targets = rows_of(list(marks), 2)
        outputs = {"boxes": 2 * rng.normal(size=(37, 96)).astype(np.float32)}
    elif name == "segment":
        facts = LabelFacts((BAD, f"b{BAD}"), {"input": [12, 12]})
        targets = rng.integers(0, 2, (37, 12, 12)).astype(np.uint8)
        outputs = {task.output: rng.normal(size=(37, 2, 4, 4)).astype(np.float32)}
    elif name == "count":
        facts = LabelFacts((BAD, f"b{BAD}"), {"by": "dots"})
        targets = np.stack([rng.integers(0, 2, (37, 5)), *rng.random((2, 37, 5))], 2).astype(np.float32)
        outputs = {task.output: rng.normal(size=(37, 2, 4, 4)).astype(np.float32)}
    else:
        targets = rng.normal(50, 10, (37, 1))
        items = tuple(Item(f"{row}.jpg", tuple(each)) for row, each in enumerate(targets.tolist()))
        given = {"units": [BAD]}
        source = FolderSource("s", "/s", (BAD,), items, root=Path(), kind="numbers", label_facts=given)
        facts = task.settle(task.labels(source, Recipe()), list(range(37))).kept
        outputs = {"numbers": rng.normal(size=(37, 1)).astype(np.float32)}
    found = task.evaluate(outputs, targets, facts, task.opened(State(), facts), Basis())
    values = np.concatenate([targets, targets[:3]])
    rows = {part: np.arange(12) for part in ("train", "val", "test")}
    facts_of = {"task": task, "labels": facts, "found": found, "values": values, "parts": rows, "rows": np.arange(37)}
    return {**facts_of, "keys": KEYS[:37], "items": [Item(key, 0) for key in KEYS], "pixels": PIXELS}


def looked() -> str:
    return look_page.page(BAD, BAD, [test_look_page._answer(BAD), replace(test_look_page._answer(BAD), caution=BAD)])


def compared() -> str:
    found = evaluated("tag")["found"]
    shared = Shared(found, found, np.arange(37), np.arange(37)[::-1])
    both = Comparison(BAD, f"b{BAD}", ("test", BAD), KEYS[:37], PIXELS[:37], LossPaired.of(shared), (BAD,))
    return look_page.page(BAD, BAD, compare_page.answers(both))


def multiplied() -> str:
    probe = TorchProbe.untrained(
        parse("conv 2 3x3 >> relu"), Shape(1, 6, 6), np.arange(36, dtype=np.uint8).reshape(6, 6)
    )
    found = dot(probe, "conv1")
    return look_page.page(BAD, BAD, [dot_page.answer(found, BAD)])


def filtered(tmp_path: Path) -> str:
    Image.fromarray(PIXELS[0]).save(tmp_path / "a.png")
    assert "sobel" in FILTERS
    found = filter_picture(tmp_path / "a.png", ["sobel"])
    answer = filter_page.answer(found, BAD)
    return look_page.page(BAD, BAD, [replace(answer, drawn=(*answer.drawn, filter_page.moving(found)))])


def examined() -> str:
    """What is wrong with pictures of such names, in such classes: one, two that are one, and the folder as a whole."""
    path = BAD.replace("\0", "")  # no file has that in its name
    seen = Examined(path, (path, "b"), np.zeros(2, MEASURED), np.arange(2), (b"1", b"2"), np.array([0, 1]), (BAD, "b"))
    cases = [(), (Case((path,), BAD),), (Case((path, "b"), BAD),), (Case(("\udc80",), "no text"),)]
    found = [Finding(BAD, "wrong", BAD, BAD, BAD, some) for some in cases]
    return doctor_page.whole_page(Diagnosis(seen, tuple(found), (BAD,), (BAD,)))


def figures() -> str:
    written: list[str] = []
    run: Any = SimpleNamespace(name=BAD, write_report=written.append)
    write_figures(run, {BAD: BAD}, why=BAD)
    return written[0]


PAGES: dict[str, Callable[[Path], str]] = {
    **{f"report of {name}": lambda _, name=name: report(name) for name in TASKS},  # type: ignore[misc]
    "report that could not be drawn": lambda _: figures(),
    "look": lambda _: looked(),
    "compare": lambda _: compared(),
    "dot": lambda _: multiplied(),
    "walk": lambda _: look_page.page(BAD, BAD, [walk_page.answer(walk_of((7, 5), 3, stride=2))]),
    "filter": filtered,
    "doctor": lambda _: examined(),
}
MOVING = ("walk", "filter", "doctor")  # which have a script of ours: buttons to step through a drawing, or to decide by


@pytest.mark.parametrize("kind", list(PAGES))
def test_a_page_is_whole_and_whatever_it_is_given_stays_text(kind: str, tmp_path: Path) -> None:
    text = PAGES[kind](tmp_path)
    read = Read(text)
    assert text.startswith("<!doctype html>\n") and read.tags[0] == ("html", {"lang": "en"})
    assert [read.count(tag) for tag in ("main", "h1", "title", "style", "footer", "body", "head")] == [1] * 7
    assert read.meta("viewport") == ["width=device-width, initial-scale=1"]
    assert read.meta("color-scheme") == ["light dark"] and len(read.meta("generator")) == 1
    assert SCRIPT in read.words and "{{ 7 * 7 }}" in read.words, "it stands there, as text"
    assert SCRIPT not in text and "<img src=http" not in text and not UNSEEN.search(text)
    check_alone(read, scripts=kind in MOVING)
    for tag, facts in read.tags:
        if tag == "th":
            assert facts.get("scope") in ("row", "col"), "a head says what it is of"


def test_decisions_about_pictures_are_offered_by_their_very_names() -> None:
    read = Read(examined())
    places = [facts for tag, facts in read.tags if tag == "div" and facts.get("class") == "decide"]
    path = BAD.replace("\0", "")
    assert [(facts["data-of"], json.loads(facts["data-pictures"] or "")) for facts in places] == [
        ("group", []),
        ("picture", [path]),
        ("picture", [path]),
        ("picture", ["b"]),
        ("group", [path, "b"]),
    ], "none for a name that is no text, which no file of decisions could hold"
    assert json.loads(places[4]["data-digests"] or "") == ["31", "32"] and "hidden" in places[0]
    (bar,) = [facts for tag, facts in read.tags if facts.get("class") == "mend"]
    assert json.loads(bar["data-classes"] or "") == [BAD, "b"] and "hidden" in bar
    assert not [one for one in ("fetch(", "XMLHttpRequest", "innerHTML", "import ") if one in examined()]


def test_only_of_copies_is_it_offered_that_they_are_one_thing() -> None:
    seen = Examined("a", ("b", "c"), np.zeros(2, MEASURED), np.arange(2), (b"1", b"2"), np.array([0, 0]), ("d",))
    for kind, of in (("near-copies", "copies"), ("equal-across-parts", "copies"), ("groups", "group")):
        found = Finding(kind, "to know", "", "", "", (Case(("b", "c")),))
        read = Read(doctor_page.whole_page(Diagnosis(seen, (found,))))
        assert [one for one in read.values("data-of") if one != "picture"] == [of]


def test_what_a_notebook_shows_stays_text() -> None:
    page = looked()
    shown = framed(page)
    assert Read(shown).tags[0][1]["srcdoc"] == page, "the page within is the very page"
    table = Table([{BAD: BAD, "n": 1.5}])._repr_html_()
    for text in (table, html_table([BAD], [[BAD]], right=[False]), said(BAD, BAD), said("", BAD)):
        read = Read(text)
        assert SCRIPT in read.words and "script" not in read.names and not UNSEEN.search(text)
    bar = Read(html("notebook/progress.html", share=0.5, words=BAD))
    assert bar.tags[0][1]["value"] == "0.500" and "50 %" in bar.words and "script" not in bar.names


def test_a_value_that_a_template_names_and_nobody_gave_raises() -> None:
    with pytest.raises(UndefinedError, match="'share' is undefined"):
        html("notebook/progress.html", words="epoch 1")
    with pytest.raises(UndefinedError, match="has no attribute 'strong'"):
        html("sections/text.html", part=SimpleNamespace(text="a"))
    with pytest.raises(UndefinedError):
        environment().from_string("{% if forgotten %}{% endif %}").render()


def test_escaping_is_never_off_and_there_is_one_door() -> None:
    assert environment().autoescape is True
    source = Path(environment.__wrapped__.__code__.co_filename).parents[2]
    for path in sorted((source / "render").rglob("templates/**/*.html")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe|autoescape", text), path
    doors = [
        path.relative_to(source).as_posix()
        for path in sorted(source.rglob("*.py"))
        if re.search(r"\bMarkup\(", path.read_text(encoding="utf-8"))
    ]
    assert doors == ["render/html/environment.py"]


def test_every_template_reads_and_is_used() -> None:
    names = environment().list_templates()
    used = "".join(
        path.read_text(encoding="utf-8")
        for path in Path(environment.__wrapped__.__code__.co_filename).parents[2].rglob("*")
        if path.suffix in (".py", ".html")
    )
    for name in names:
        environment().get_template(name)
        assert f'"{name}"' in used, f"{name} is no longer used"


def test_the_stylesheet_has_no_rule_for_what_no_page_has_and_takes_its_colours_from_its_tokens() -> None:
    folder = Path(environment.__wrapped__.__code__.co_filename).parents[1]
    style = re.sub(r"/\*.*?\*/", "", (folder / "html/templates/style.css").read_text(encoding="utf-8"), flags=re.DOTALL)
    drawn = "".join(
        path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*")) if path.suffix in (".py", ".html")
    )
    rules = re.findall(r"([^{}]+)\{[^{}]*\}", style)
    classes = {name for rule in rules for name in re.findall(r"\.([a-z][\w-]*)", rule)}
    for name in classes:
        known = name.startswith("over-") or re.fullmatch(r"c\d", name)
        assert known or re.search(rf"[\"' ]{name}[\"' {{]", drawn), f".{name} is of no page"
    used, defined = set(re.findall(r"var\((--[\w-]+)", style)), set(re.findall(r"(--[\w-]+):", style))
    assert used - {"--share"} == defined, "a token that nothing uses, or that nobody defined"  # a cell brings its share
    assert not re.search(r"#[0-9a-f]{3,6}\b", re.sub(r":root \{[^}]*\}", "", style)), "a colour that is no token"


def test_words_are_readable_and_names_stand_by_themselves() -> None:
    assert readable("a\nb\tc") == "a b c" and readable("a\x1bb\u202e") == "a\ufffdb\ufffd"
    for word in ("caf\u00e9 \u05d0", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\U0001f469\u200d\U0001f52c"):
        assert readable(word) == word and named(word) == f"<bdi>{word}</bdi>", "French, Hebrew, Persian, an emoji"
    shown = TASKS["tag"].decode(
        {"logits": np.zeros((1, 1))}, LabelFacts((BAD,)), TASKS["tag"].opened(State(), LabelFacts((BAD,)))
    )
    assert "<script" not in (line := shown[0]._repr_html_()) and not UNSEEN.search(line)
    assert named("a\nb") == "<bdi>a\ufffdb</bdi>" and escaped("<\x00'\">") == "&lt;\ufffd&#39;&#34;&gt;"
    line = environment().from_string('<p title="{{ a }}">{{ a }}</p>').render(a='"<\x07')
    assert line == '<p title="&#34;&lt;\ufffd">&#34;&lt;\ufffd</p>'
    assert environment().from_string("{{ a }}").render(a=drawing("<svg></svg>")) == "<svg></svg>"
