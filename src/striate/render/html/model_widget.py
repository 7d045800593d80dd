"""A trained network in a cell of a notebook: the parts of its page, in a place that keeps its style to itself."""

from __future__ import annotations

from typing import Final

from striate.render.html.environment import drawing, environment, html
from striate.render.html.model_page import ModelPage, page_facts

_BY_SYSTEM: Final = "@media (prefers-color-scheme: dark) {\n  :root {"


def widget_html(page: ModelPage) -> str:
    """Return what the widget of a model shows before its script has begun, its style inside."""
    facts = page_facts(page.program)
    return str(
        html(
            "notebook/model.html",
            style=drawing(_style()),
            run=page.run,
            facts=page.facts,
            draws=facts["draws"],
            dark=facts["dark"],
            given=page.pictures,
        )
    )


def _style() -> str:
    """Return the style of the pages for a shadow tree: its tokens on the host, dark ones while the notebook is dark."""
    style = environment().get_template("style.css").render()
    return style.replace(_BY_SYSTEM, "@media all {\n  :host(.dark) {").replace(":root", ":host")
