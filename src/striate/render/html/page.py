"""The report of a run: one self-contained HTML page, every picture with the question it answers.

The verdict comes first, then what it was shown, what it is worth, how it learnt, what it is. No script, no network: a
cell of the confusion matrix is a link to a panel that opens beneath it.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import resources

from striate.render import pictures
from striate.render.html.facts import Page, Section
from striate.render.html.sections import drawn, figure_tile
from striate.render.html.settings import used
from striate.render.html.shown import shown
from striate.render.html.tables import named, plain, scrolling
from striate.render.html.training_curves import curves
from striate.render.tasks.own import OWN
from striate.words import counted

__all__ = ["Page", "Section", "render"]


def render(page: Page) -> str:
    """Return the whole page as HTML text."""
    style = resources.files("striate.render.html").joinpath("style.css").read_text(encoding="utf-8")
    headline = page.found.headline
    title = f"{page.name}: {headline.name} {headline.figure.value}"
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
        curves(page),
        *filters(page),
        net(page),
        again(page),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{plain(title)}</title><style>{style}</style></head><body class="report">{head(page)}'
        f"{''.join(_drawn(section) for section in sections)}</body></html>\n"
    )


def _drawn(section: Section) -> str:
    kind = ' class="half"' if section.half else ""
    anchor = f' id="{section.anchor}"' if section.anchor else ""
    return f"<section{kind}{anchor}><h2>{section.title}</h2>{section.body}</section>"


def head(page: Page) -> str:
    """Return the verdict, which run this is, and the figures, each with its interval."""
    shape = page.survey.input
    facts = [
        page.date,
        f"trained in {clock(page.seconds)}",
        f"{named(str(page.source['location']))}",
        counted(len(page.labels.names), page.task.noun),
        f"{shape.channels} x {shape.height} x {shape.width} pixels in",
        counted(page.survey.parameters, "parameter"),
    ]
    reasons = "".join(f"<li>{named(reason)}</li>" for reason in page.verdict.reasons)
    why = f'<details class="why"><summary>What that rests on</summary><ul>{reasons}</ul></details>' if reasons else ""
    return (
        f'<header><p class="run">{named(page.name)}</p><h1>{named(page.verdict.text)}</h1>{why}'
        f'<p class="quiet">{" · ".join(fact for fact in facts if fact)}</p>'
        f'<ul class="figures">{"".join(_tiles(page))}</ul></header>'
    )


def _tiles(page: Page) -> list[str]:
    first, *others = page.found.figures()
    return [figure_tile(figure) for figure in (replace(first, text=f"{first.text} on {page.pictures}"), *others)]


def filters(page: Page) -> list[Section]:
    """Return the first filters; as what they are where they were given and not learnt."""
    if page.first is None:
        return []
    shown_ = f'<div class="filters">{"".join(pictures.filters(page.first))}</div>'
    scale = "The weights of the first layer on one scale: gray is zero."
    if page.frozen:
        text = (
            f"<details><summary>{len(page.first)} filters, which this run did not learn</summary><p>{scale} They were"
            f" given and are frozen: nothing of them was learnt here.</p>{shown_}</details>"
        )
        return [Section("Which first filters was it given?", text)]
    text = f"<p>{scale} They show edges and colours it reacts to, not what it decides by.</p>{shown_}"
    return [Section("What do its first filters look for?", text)]


def net(page: Page) -> Section:
    """Return the table of the network; of a long one folded."""
    table = scrolling(page.survey._repr_html_(), label="the network, layer by layer")
    if len(page.survey.rows) > 24:
        table = f"<details><summary>{counted(len(page.survey.rows), 'row')}, layer by layer</summary>{table}</details>"
    return Section("What is the network?", table)


def again(page: Page) -> Section:
    """Return the recipe, as far as it was made use of, and where it ran."""
    facts = "\n".join(f"{name}: {value}" for name, value in page.environment.items())
    recipe = used(page.recipe_toml)
    return Section(
        "How can it be run again?",
        "<p>Save this as <code>recipe.toml</code> and say <code>striate train --recipe recipe.toml</code>: these are"
        " the settings that were used. On the CPU the same versions and thread count give the same weights, to the bit."
        f" Data digest <code>{plain(str(page.source['digest'])[:16])}</code>.</p>"
        f"<details><summary>recipe.toml, {counted(len(recipe.splitlines()), 'line')}</summary>"
        f"<pre>{_lines(recipe)}</pre></details><details><summary>Versions and machine</summary>"
        f"<pre>{_lines(facts)}</pre></details>",
    )


def _lines(text: str) -> str:
    return "\n".join(plain(line) for line in text.splitlines())


def clock(seconds: float) -> str:
    """Return a duration as people say it: ``8.0 s``, ``2:05 min``, ``1:12:30 h``."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02d} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d} h"
