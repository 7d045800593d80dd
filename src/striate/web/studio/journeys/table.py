"""The journeys: one line each. A module has ``ROUTES`` and, where something takes long or torch, ``QUESTIONS``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

JOURNEYS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "home": "striate.web.studio.journeys.home",
        "pictures": "striate.web.studio.journeys.pictures",
        "mend": "striate.web.studio.journeys.mend",
        "collect": "striate.web.studio.journeys.collect",
        "network": "striate.web.studio.journeys.network",
        "train": "striate.web.studio.journeys.train",
        "judge": "striate.web.studio.journeys.judge",
        "ask": "striate.web.studio.journeys.ask",
        "look": "striate.web.studio.journeys.look",
        "watch": "striate.web.studio.journeys.watch",
        "compare": "striate.web.studio.journeys.compare",
        "find": "striate.web.studio.journeys.find",
        "ship": "striate.web.studio.journeys.ship",
    }
)
