"""The report of a run: one self-contained HTML page, every picture with the question it answers.

The verdict comes first, then what it was shown, what it is worth, how it learnt, what it is. No script, no network: a
cell of the confusion matrix is a link to a panel that opens beneath it.
"""

from __future__ import annotations

from importlib import resources

from striate.metrics.intervals import Interval, wilson
from striate.render import pictures
from striate.render.html import results
from striate.render.html.facts import Page, Section, between, percent
from striate.render.html.labels import labels
from striate.render.html.settings import used
from striate.render.html.shown import shown
from striate.render.html.tables import named, plain, scrolling
from striate.render.html.training_curves import curves
from striate.words import counted

__all__ = ["Page", "Section", "render"]


def render(page: Page) -> str:
    """Return the whole page as HTML text."""
    style = resources.files("striate.render.html").joinpath("style.css").read_text(encoding="utf-8")
    title = f"{page.name}: {percent(page.report.accuracy.value)} right"
    sections = [
        shown(page),
        results.confusion(page),
        *labels(page),
        results.mistakes(page),
        *page.more,
        results.per_class(page),
        results.calibration(page),
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
        counted(len(page.classes), "class"),
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
    report, pictures_ = page.report, page.pictures
    tiles = [_tile(report.accuracy, f"accuracy on {pictures_}")]
    tested = [each for each in report.per_class if each.recall is not None]
    worst = min(tested, key=lambda each: each.recall.value if each.recall else 1.0)
    if len(tested) > 1 and worst.recall is not None:
        tiles.append(
            _tile(worst.recall, f"recall of {named(worst.name)}, the lowest, on {counted(worst.support, 'picture')}")
        )
    tiles.append(_tile(report.calibration_error, "calibration error: how far confidence is from truth"))
    tiles += [_tile(share, f"top-{k} accuracy: its class is among the {k} likeliest") for k, share in report.top_k[-1:]]
    refused = None if page.refused is None else wilson(page.refused, len(page.keys))
    if refused is not None:
        tiles.append(_tile(refused, 'of these known pictures answered "none of these"'))
    if page.strangers is not None:
        tiles.append(_strangers(page.strangers))
    return tiles


def _strangers(told: str) -> str:
    """Return the tile of how well strangers are told."""
    measured, _, at = told.partition(" strangers at ")
    text = f"strangers told, where {at} are taken for one: each class left out once"
    if not at:
        never = told.startswith("cannot")
        measured = told if never else "not measured"
        text = 'so "none of these" is never answered' if never else "how well strangers are told"
    return f"<li><b>{named(measured)}</b><span>{text}</span></li>"


def _tile(value: Interval, text: str) -> str:
    return f"<li><b>{percent(value.value)}</b><i>{between(value)}</i><span>{text}</span></li>"


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
