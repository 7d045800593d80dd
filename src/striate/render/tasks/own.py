"""Pages of a task's own, by its name: what plain sections cannot say. A task without one is drawn from its sections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from striate.render.html.facts import Page, Section
from striate.render.tasks.class_labels import labels
from striate.render.tasks.class_results import calibration, confusion, mistakes, per_class
from striate.render.tasks.class_shown import by_class

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True)
class Own:
    """What a task draws itself: ``shown``, the body of "What was it shown?", and its sections.

    ``worth`` are those that come first, what it gets wrong; ``rest`` those that follow what stands between.
    """

    shown: Callable[[Page], Markup]
    worth: Callable[[Page], list[Section]]
    rest: Callable[[Page], list[Section]]


OWN: Final[dict[str, Own]] = {
    "classify": Own(
        by_class,
        lambda page: [confusion(page), *labels(page), mistakes(page)],
        lambda page: [per_class(page), calibration(page)],
    )
}
