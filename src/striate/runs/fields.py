"""What stands in the JSON of a run: every field with what it may be, checked where the file is read, and only there.

A file that a full disk cut short, a hand edited or another program wrote is told by the first field that is not what it
has to be. A field that nobody needs may be missing: older runs lack some, and newer ones have some that are not here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from striate.model.files import strict

Check: TypeAlias = Callable[[Any], str]  # what is wrong with a value, "" for nothing: "[3] is 7 and no text"

BRACKETS: Final = 5_000_000  # in one file: a run names pictures by the million, in lists
LARGEST: Final = 2**53  # of what is counted
FARTHEST: Final = 1e30  # of what is measured: what is added up and drawn stays a number
_HEX: Final = re.compile(r"(?:[0-9a-f]{2})+")
WEIGHTS: Final = 10_000_000  # numbers in an array that is kept as text


def loads(content: str | bytes, check: Check) -> Any:
    """Return the value of a JSON text that is as it has to be. Errors: ValueError in a few words.

    Example: ``loads('{"keys": ["a.png"]}', fields({"keys": listed(text)}))``
    """
    value = strict.loads(content, most=BRACKETS)
    why = check(value)
    if why:
        raise ValueError(why.removeprefix(".").strip())
    return value


def text(value: Any) -> str:
    """A text that can be written; names of files that are no UTF-8 are escaped as Python has it."""
    if not isinstance(value, str):
        return _no("text", value)
    try:
        value.isascii() or value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return " is no text that can be written"
    return " holds a zero byte" if "\0" in value else ""


def hexadecimal(value: Any) -> str:
    """Bytes written as hexadecimal digits."""
    return "" if isinstance(value, str) and _HEX.fullmatch(value) else _no("hexadecimal text", value)


def whole(value: Any, least: int = 0) -> str:
    """A whole number from 0 on."""
    return "" if type(value) is int and least <= value < LARGEST else _no("whole number from 0 on", value)


def place(value: Any) -> str:
    """A place in a tuple, from its end where it is negative."""
    return whole(value, least=-1_000_000)


def target(value: Any) -> str:
    """The number of a class, or -1 for none."""
    return whole(value, least=-1)


def label(value: Any) -> str:
    """What a picture shows: the number of a class, a list of numbers, marks, or null where it is not known."""
    if isinstance(value, dict):
        from striate.data.labels.marks import marks_from

        try:
            marks_from(value)
        except ValueError as error:
            return f" holds no marks: {error}"
        return ""
    return "" if value is None else listed(number)(value) if isinstance(value, list) else target(value)


def number(value: Any) -> str:
    """A number, which is finite."""
    good = type(value) in (int, float) and math.isfinite(value) and abs(value) <= FARTHEST
    return "" if good else _no("number", value)


def anything(value: Any) -> str:
    """Whatever it is: who uses it checks it."""
    return ""


def flag(value: Any) -> str:
    """True or false."""
    return "" if isinstance(value, bool) else _no("true or false", value)


def maybe(check: Check) -> Check:
    """That, or null."""
    return lambda value: "" if value is None else check(value)


def either(*checks: Check) -> Check:
    """One of these."""
    return lambda value: "" if any(not check(value) for check in checks) else checks[0](value)


def listed(check: Check) -> Check:
    """A list of them."""

    def all_of(value: Any) -> str:
        if not isinstance(value, list):
            return _no("list", value)
        return next((f"[{place}]{why}" for place, each in enumerate(value) if (why := check(each))), "")

    return all_of


def named(check: Check) -> Check:
    """An object of them, under any names."""

    def all_of(value: Any) -> str:
        if not isinstance(value, dict):
            return _no("object", value)
        for name, each in value.items():
            if why := text(name) or check(each):
                return f".{name[:40]}{why}"
        return ""

    return all_of


def fields(optional: Mapping[str, Check], **needed: Check) -> Check:
    """An object with these fields: the ``needed`` ones have to be there, and others may be."""

    def all_of(value: Any) -> str:
        if not isinstance(value, dict):
            return _no("object", value)
        if lacking := [name for name in needed if name not in value]:
            return f" lacks {', '.join(lacking)}"
        for name, check in {**optional, **needed}.items():
            if name in value and (why := check(value[name])):
                return f".{name}{why}"
        return ""

    return all_of


def shape(dimensions: int) -> Check:
    """The shape of an array of so many dimensions, none of them empty, small enough to be kept as text."""

    def of(value: Any) -> str:
        if why := listed(whole)(value):
            return why
        good = len(value) == dimensions and 0 < math.prod(value) <= WEIGHTS
        return "" if good else _no(f"shape of {dimensions} dimensions", value)

    return of


def _no(what: str, value: Any) -> str:
    shown = "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else f"{value!r:.40}"
    return f" is {shown} and no {what}"


_parts: Final = {"train": listed(text), "val": listed(text), "test": listed(text)}
_interval: Final = fields({}, value=number, low=number, high=number)
_headline: Final = fields({"unit": text}, name=text, value=number, low=number, high=number, share=flag)
_scalar: Final = either(text, number, flag, maybe(text))

FILES: Final[dict[str, Check]] = {
    "source.json": fields(
        {
            "name": text,
            "location": text,
            "data_dir": maybe(text),
            "classes": listed(text),
            "kind": text,
            "label_facts": named(anything),
            "labels": fields({}, names=listed(text), facts=named(anything)),
            "pictures": fields({"left_out": whole}, train=whole, val=whole, test=whole),
            "rejected": listed(fields({}, key=text, reason=text)),
            "notes": listed(text),
            "digest": text,
            "preprocess": named(anything),
            "output": maybe(either(text, place)),
            "missing": listed(text),
            "size": maybe(fields({}, height=whole, width=whole, all=flag)),
            "passed_over": fields({}, files=whole, first=listed(text)),
        }
    ),
    "environment.json": named(_scalar),
    "split.json": fields(
        {"left_out": listed(text), "folds": fields({}, count=whole, places=listed(listed(target)))}, **_parts
    ),
    "pictures.json": fields(
        {"groups": listed(hexadecimal)}, keys=listed(text), targets=listed(label), digests=listed(text)
    ),
    "finished.json": fields(
        {"accuracy": maybe(_interval), "headline": maybe(_headline), "part": text, "pictures": whole}
    ),
}
"""The files of a run that are one JSON object."""

_epoch: Final = fields(
    {
        "index": whole,
        "epoch": whole,
        "epochs": whole,
        "metrics": named(maybe(number)),
        **dict.fromkeys(
            (
                "train_loss", "val_loss", "learning_rate", "seconds", "pictures_per_second", "data_wait", "side_loss",
            ),
            maybe(number),
        ),
        "weight_decay": number,
    }
)  # fmt: skip


def epoch(value: Any) -> str:
    """A line of ``history.jsonl``; a pass over features, which has a weight decay, has a loss."""
    if why := _epoch(value):
        return why
    lossless = value.get("val_loss") is None and value.get("train_loss") is None
    return " has no loss" if "weight_decay" in value and lossless else ""


FILTERS: Final = fields({}, index=whole, shape=shape(4), largest=number, values=text)
"""A line of ``filters.jsonl``."""

MAPS: Final = fields(
    {},
    index=whole,
    picture=whole,
    parts=named(fields({}, channels=listed(whole), shape=shape(3), largest=number, values=text)),
)
"""A line of ``maps.jsonl``."""

ANSWERS: Final = fields({"epochs": whole, "path": listed(number)})
"""What out-of-fold answers say of themselves."""

_state: Final = {
    **dict.fromkeys(
        (
            "epochs_done", "step", "seen", "stale", "attempts", "updates", "epochs", "steps", "batch", "accumulate",
            "pictures", "before", "place", "passes",
        ),
        whole,
    ),
    **dict.fromkeys(("rate_factor", "seconds", "waited", "best_decay"), number),
    "parts": lambda value: whole(value, least=1),
    "best": anything,
    "lengthened": listed(named(whole)),
    "inexact": listed(text),
    "done": flag,
    "phase": text,
    "best_loss": maybe(number),
    "classes": listed(whole),
}  # fmt: skip
STATE: Final = fields({**_state, "good": fields(_state)})
"""What a checkpoint says of its training."""
