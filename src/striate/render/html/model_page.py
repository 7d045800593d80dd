"""A page that is a model: its weights, an interpreter of them, and what shows every layer at work. Nothing beside it.

The page computes in a worker that it makes of its own text, and its own rule (Content-Security-Policy) forbids it every
connection. Names of classes stand in its data alone, and scripts put them into the page as text.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from striate.export.page_program import PageProgram
from striate.render.colours import diverging, sequential
from striate.render.html.environment import drawing, html
from striate.render.html.model_scripts import ALONE, ENGINE, script
from striate.render.pictures import Picture
from striate.words import signs

SOFTWARE: Final = "striate export --page"  # by which a file is known to be one of ours


@dataclass(frozen=True, eq=False)
class ModelPage:
    """What a model's page shows besides its network.

    ``run`` is the run's or file's name, ``facts`` a few words each, ``precise`` what its 16 bits were measured to cost,
    ``net`` the text of the net, ``pictures`` some to click on, ``quiet`` what the page was made from.
    """

    program: PageProgram
    run: str
    facts: Sequence[str]
    precise: str
    net: str
    quiet: str
    pictures: Sequence[Picture] = field(default=())


def is_ours(data: bytes) -> bool:
    """Return whether the bytes of a file are a page that was made here."""
    return f'content="{SOFTWARE}"'.encode() in data[:4096]


def model_page(page: ModelPage) -> str:
    """Return the page as HTML text."""
    shown = page_facts(page.program)
    scripts = script(ALONE)
    digest = base64.b64encode(hashlib.sha256(scripts.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}' blob:; worker-src blob:; style-src 'unsafe-inline';"
        " img-src data: blob:; media-src blob: mediastream:; base-uri 'none'; form-action 'none'"
    )
    return str(
        html(
            "model.html",
            maker=SOFTWARE,
            policy=drawing(policy),
            run=page.run,
            title=f"{page.run}: the network at work",
            facts=page.facts,
            draws=shown["draws"],
            dark=shown["dark"],
            given=page.pictures,
            precise=page.precise,
            net=page.net,
            quiet=page.quiet,
            program=drawing(as_data(shown)),
            engine=drawing(script(ENGINE)),
            tensors=drawing(page.program.packed.text()),
            page=drawing(scripts),
        )
    )


def page_facts(program: PageProgram) -> dict[str, Any]:
    """Return what the scripts of a page are told, as JSON: the program, colours, whether a person draws."""
    preprocess = program.facts["preprocess"]
    gray = preprocess["channels"] == 1
    return {
        "program": {**program.facts, "answer": _named(program.facts["answer"])},
        "tables": {"amounts": _table(sequential().tobytes()), "signed": _table(diverging().tobytes())},
        "draws": gray,
        "dark": gray and (not preprocess["mean"] or preprocess["mean"][0] < 0.5),
    }


def as_data(value: Any) -> str:
    r"""Return a value as JSON that can end no element: no ``<`` stands in it.

    Example: ``as_data(["</script>"])`` is ``'["\\u003c/script>"]'``.
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("&", "\\u0026")


def _named(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes the answer, with names in which each control character is a sign."""
    return {**answer, "names": [signs(str(name)) for name in answer["names"]]}


def _table(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
