"""The report of a run: one self-contained HTML page, every picture with the question it answers.

The verdict comes first, then what it was shown, what it is worth, how it learnt, what it is. No script, no network: a
cell of the confusion matrix is a link to a panel that opens beneath it.
"""

from __future__ import annotations

from dataclasses import replace

from striate.render import pictures
from striate.render.html.environment import html
from striate.render.html.facts import Page, Section
from striate.render.html.sections import drawn
from striate.render.html.settings import used
from striate.render.html.shown import shown
from striate.render.html.training_curves import curves
from striate.render.tasks.own import OWN
from striate.spec.summary import table_cells
from striate.words import counted

__all__ = ["Page", "Section", "render"]


def render(page: Page) -> str:
    """Return the whole page as HTML text."""
    headline = page.found.headline
    own = OWN.get(page.task.name)
    if own is None:
        every = [drawn(one, pixels=page.pixels, rows=page.rows, keys=page.keys) for one in page.found.sections()]
        worth, rest = every[:1], every[1:]
    else:
        worth, rest = own.worth(page), own.rest(page)
    sections = [
        shown(page),
        *worth,
        *page.more,
        *rest,
    ]
    alone = sum(section.half for section in sections) % 2 == 1  # a half with nothing beside it yet
    sections += [
        replace(curves(page), half=alone),
        *filters(page),
        net(page),
        again(page),
    ]
    first, *others = page.found.figures()
    made = html(
        "report.html",
        title=f"{page.name}: {headline.name} {headline.figure.value}",
        page=page,
        trained=clock(page.seconds),
        facts=head(page),
        figures=[replace(first, text=f"{first.text} on {page.pictures}"), *others],
        sections=sections,
    )
    return str(made)


def head(page: Page) -> list[str]:
    """Return what was learnt by what, in a few words each."""
    shape = page.survey.input
    return [
        counted(len(page.labels.names), page.task.noun),
        f"{shape.channels} x {shape.height} x {shape.width} pixels in",
        counted(page.survey.parameters, "parameter"),
    ]


def filters(page: Page) -> list[Section]:
    """Return the first filters; as what they are where they were given and not learnt."""
    if page.first is None:
        return []
    title = "Which first filters was it given?" if page.frozen else "What do its first filters look for?"
    shown_ = pictures.filters(page.first)
    return [Section(title, html("report/filters.html", filters=shown_, frozen=page.frozen))]


def net(page: Page) -> Section:
    """Return the table of the network; of a long one folded."""
    rows, notes = table_cells(page.survey)
    return Section("What is the network?", html("report/net.html", rows=rows, notes=notes, survey=page.survey))


def again(page: Page) -> Section:
    """Return the recipe, as far as it was made use of, and where it ran."""
    facts = [f"{name}: {value}" for name, value in page.environment.items()]
    recipe = used(page.recipe_toml).splitlines()
    digest = str(page.source["digest"])[:16]
    return Section("How can it be run again?", html("report/again.html", recipe=recipe, facts=facts, digest=digest))


def clock(seconds: float) -> str:
    """Return a duration as people say it: ``8.0 s``, ``2:05 min``, ``1:12:30 h``."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02d} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d} h"
