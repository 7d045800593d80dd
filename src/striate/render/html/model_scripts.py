"""The scripts of a model's page: plain files beside the templates, put together in the order they are read.

`ENGINE` is what computes, in a worker of the page's own; `PAGE` is what shows it, in a place that it calls `home`.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final

ENGINE: Final = (
    "tensors",
    "convolution",
    "pooling",
    "layers",
    "preprocess",
    "answers",
    "evidence",
    "explain",
    "worker",
)
PAGE: Final = ("colours", "inputs", "drawing", "answer", "river", "maps", "pixel", "why", "asking", "page")
ALONE: Final = ("home", *PAGE)  # of a page by itself


def script(names: tuple[str, ...]) -> str:
    """Return these scripts as one text.

    Example: ``script(ENGINE).count("use strict") == len(ENGINE)``
    """
    folder = files("striate.render.html").joinpath("model")
    return "\n".join(folder.joinpath(f"{name}.js").read_text("utf-8") for name in names)


def module() -> str:
    r"""Return the ES module of a notebook's widget: what computes, what shows it, and what joins both to the notebook.

    Example: ``module().endswith("export default { render };\n")``
    """
    shows = f"{script(PAGE)}\nreturn {{ begun, pictured, openPart, end: () => {{ stopCamera(); ask.end(); }} }};"
    return (
        f"function engine(self) {{\n{script(ENGINE)}\n}}\nfunction mount(home) {{\n{shows}\n}}\n{script(('widget',))}"
    )
