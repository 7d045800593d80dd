"""Templates to HTML: one environment in which every value is escaped, and one door for drawings of our own.

Whatever a template prints is escaped, and its control characters are shown as signs or spaces, so that neither a file's
name nor a column's can end a tag, turn a line around or break an SVG. A value that a template names and nobody gave
raises. The templates are `templates/` beside this file. Jinja2 is imported when the first page is made.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from striate.render.html.tables import screen
from striate.words import counted, plural, readable, signs

if TYPE_CHECKING:
    from jinja2 import Environment


def html(template: str, **facts: Any) -> Markup:
    """Return a template of ``templates/`` with these facts as HTML; a part of a page may be a fact of another.

    Errors: jinja2.UndefinedError when the template asks for a fact that is not given.

    Example: ``html("sections/text.html", part=Text("a < b"))`` is ``"<p><bdi>a &lt; b</bdi></p>"``.
    """
    return _drawn(environment().get_template(template).render(facts))


def drawing(svg: str) -> Markup:
    """Return SVG of our own as HTML. The one door by which text goes into a page as it is.

    Who draws has put every word of somebody else's through `escaped`.
    """
    return _drawn(svg)


def _drawn(text: str) -> Markup:
    return Markup(text)


def escaped(text: str) -> str:
    """Return text for an element or an attribute of a drawing, readable and escaped.

    Example: ``escaped("a<b")  # "a&lt;b"``
    """
    return str(escape(readable(text)))


def named(name: object) -> Markup:
    """Return a name that a person gave (a class, a file) as HTML: escaped, by itself, each control character a sign.

    ``<bdi>`` keeps a name in another script from turning around what stands beside it.

    Example: ``named("a<b")  # "<bdi>a&lt;b</bdi>"``
    """
    return Markup("<bdi>{}</bdi>").format(signs(str(name)))


def _final(value: object) -> object:
    """Return what a template prints; what is HTML already stays as it is."""
    return readable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def environment() -> Environment:
    """Return what every page is made with. Escaping cannot be turned off for a template.

    Example: ``environment().from_string("{{ name|named }}").render(name="<b>")``
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("striate.render.html"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_final,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        auto_reload=False,
    )
    made.filters.update(named=named, screen=screen, thousands="{:,}".format, lines=str.splitlines)
    made.globals.update(counted=counted, plural=plural)
    return made
