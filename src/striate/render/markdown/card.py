"""A model card: what a trained network is, in Markdown, under the header that the Hugging Face Hub reads.

Every sentence is made of what a run keeps. What nobody measured or said (a licence, an intended use) is not there.
The header is that of https://huggingface.co/docs/hub/model-cards, its results in the form of Papers with Code's
``model-index``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from striate.render.markdown.inert import fenced, inert, table
from striate.words import counted, plural

if TYPE_CHECKING:
    from striate.tasks.task import Task

LIBRARY: Final = "striate"
NAMED: Final = 40  # classes that are named one by one
_PARTS: Final = {"train": "to train", "val": "to validate", "test": "to test"}
_VERSIONS: Final = ("striate", "torch", "numpy", "pillow", "onnxruntime", "scikit-learn")


def is_ours(start: bytes) -> bool:
    """Return whether a file that begins so is a model card of ours."""
    return start.startswith(b"---\n") and b"\nlibrary_name: striate\n" in b"\n" + start


@dataclass(frozen=True)
class Card:
    """A model card and all it says.

    ``name`` is the run's; ``names`` what its outputs are called; ``input`` (channels, height, width); ``parameters``
    None where the net is somebody's code. ``source``, ``environment`` and ``measured`` are what the run keeps as
    source.json, environment.json and finished.json, ``told`` what `striate.verbs.finish.carded` made of the
    evaluation. ``recipe`` is its text, as it can be given away; ``began`` says in words what the weights were before;
    ``adopted``: a module of somebody's own. ``outputs``: those of its ONNX file in words, None where there is none.
    ``repository`` is where it lies on the Hub and ``licence`` what a person said; nothing where nobody did.
    """

    name: str
    task: Task
    names: tuple[str, ...]
    input: tuple[int, int, int]
    parameters: int | None
    source: Mapping[str, Any]
    environment: Mapping[str, Any]
    measured: Mapping[str, Any]
    told: Mapping[str, Any]
    recipe: str
    began: str
    adopted: bool = False
    outputs: Mapping[str, str] | None = None
    repository: str = ""
    licence: str = ""

    @property
    def header(self) -> dict[str, Any]:
        """What the Hub reads: plain values, for YAML."""
        said = {"license": self.licence.lower()} if self.licence else {}
        task = {"pipeline_tag": self.task.pipeline} if self.task.pipeline else {}
        tags = [LIBRARY, self.task.name, "convolutional-neural-network", *(["onnx"] if self.outputs else [])]
        index = self._index()
        return {**said, "library_name": LIBRARY, **task, "tags": tags, **({"model-index": [index]} if index else {})}

    def _index(self) -> dict[str, Any] | None:
        """Return the headline as the Hub has results; None where it could not be measured."""
        headline, part = self.measured["headline"], str(self.measured["part"])
        low, high = headline["low"], headline["high"]
        if None in (headline["value"], low, high):
            return None
        data = str(self.source["name"])
        slug = re.sub(r"[^a-z0-9]+", "-", data.lower()).strip("-") or "data"
        metric = {
            "type": headline["name"].lower().replace(" ", "_"),
            "value": headline["value"],
            "name": f"{headline['name']} (95 % interval {low:.4g} to {high:.4g})",
        }
        return {
            "name": self.name,
            "results": [
                {
                    "task": {"type": self.task.pipeline or self.task.name, "name": self.task.name},
                    "dataset": {"name": data, "type": slug, "split": part},
                    "metrics": [metric],
                }
            ],
        }

    def __str__(self) -> str:
        """Return the whole card."""
        import yaml

        head = yaml.safe_dump(self.header, sort_keys=False, allow_unicode=True, width=1000)
        return f"---\n{head}---\n\n" + "\n\n".join(_body(self)) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """Return the header and the text, ready for JSON."""
        return {"header": self.header, "text": str(self)}


def _body(card: Card) -> Iterator[str]:
    yield f"# {inert(card.name)}"
    channels, height, width = card.input
    count = counted(len(card.names), card.task.noun)
    many = "" if card.parameters is None else f" with {counted(card.parameters, 'parameter')}"
    yield (
        f"A convolutional network{many} for {channels} x {height} x {width} pixels. Task:"
        f" {card.task.name}, {count}{_names(card)}. Trained with Striate {inert(str(card.environment.get('striate')))}."
    )
    yield "## What it was trained on"
    yield from _shown(card)
    yield "## How good it is"
    yield from _worth(card)
    yield "## Where it fails"
    yield from _fails(card)
    yield "## How far its answers can be believed"
    yield from _believed(card)
    yield "## How to use it"
    yield from _use(card)
    yield "## How to train it again"
    yield from _again(card)


def _names(card: Card) -> str:
    """Return the names in brackets, the first of many."""
    more = len(card.names) - NAMED
    said = ", ".join(inert(name) for name in card.names[:NAMED])
    return f" ({said}{f' and {more:,} more' if more > 0 else ''})"


def _shown(card: Card) -> Iterator[str]:
    counts, source = card.source["pictures"], card.source
    parts = ", ".join(f"{counts[part]:,} {words}" for part, words in _PARTS.items() if counts.get(part))
    total = sum(int(counts.get(part) or 0) for part in _PARTS)
    folds = card.measured.get("folds")
    dealt = ""
    if folds:
        times = f", {counted(folds['repeats'], 'time')}" if folds["repeats"] > 1 else ""
        dealt = f"; cross-validated in {counted(folds['count'], 'fold')}{times}"
    name, digest = inert(str(source["name"])), source["digest"]
    yield f"{name}: {counted(total, 'picture')}, {parts}{dealt}. Its digest is `{digest}`."
    yield from _parts(card.told.get("shown", ()))
    said = [_sentence(card.began), *_left_out(card)]
    yield "\n".join(f"- {line}" for line in said)


def _left_out(card: Card) -> list[str]:
    """Return what was left out, what was there several times, and that a person had a say in the labels."""
    left, copies = card.measured.get("left_out") or {}, card.measured.get("copies") or {}
    said = []
    if skipped := left.get("skipped"):
        said.append(f"{counted(skipped, 'file')} of the data {plural(skipped, 'was')} left out.")
    if many := copies.get("pictures"):
        across = copies.get("across_split", 0)
        said.append(
            f"{counted(many, 'picture')} {plural(many, 'is')} there more than once, in"
            f" {counted(copies.get('groups', 0), 'group')}"
            + (f"; {across:,} of these groups lie in more than one part of the data's own split." if across else ".")
        )
    if card.source.get("mending"):
        said.append("A person decided about some of the labels (labels.toml); what, is not in this card.")
    return said


def _worth(card: Card) -> Iterator[str]:
    measured, part = card.measured, str(card.measured["part"])
    words = {"val": "validation", "train": "training"}.get(part, part)
    pictures = counted(int(measured["pictures"]), f"{inert(words)} picture")
    yield f"Measured on {pictures} of the same data, and on no others. In brackets: 95 % intervals."
    figures = card.told.get("figures") or [_headline(measured["headline"])]
    rows = [(one["text"], f"{one['value']} ({one['between']})" if one["between"] else one["value"]) for one in figures]
    yield table(("figure", "value"), rows)
    notes = [measured.get("means") or "", *card.told.get("caveats", ()), *measured.get("notes", ())]
    if said := [f"- {_sentence(note)}" for note in notes if note]:
        yield "\n".join(said)


def _headline(headline: Mapping[str, Any]) -> dict[str, str]:
    """Return the headline as it is read, of a run that keeps no more."""
    by, unit = (100, " %") if headline["share"] else (1, f" {headline['unit']}".rstrip())
    value, low, high = (
        "unknown" if headline[end] is None else f"{by * headline[end]:.4g}" for end in ("value", "low", "high")
    )
    return {"text": headline["name"], "value": f"{value}{unit}", "between": f"{low} to {high}"}


def _fails(card: Card) -> Iterator[str]:
    verdict = card.told["verdict"]
    yield inert(verdict["text"])
    if verdict["reasons"]:
        yield "\n".join(f"- {inert(reason)}" for reason in verdict["reasons"])
    for section in card.told.get("sections", ()):
        yield f"### {inert(section['title'])}"
        yield from _parts(section["parts"])


def _believed(card: Card) -> Iterator[str]:
    learnt = [f"- {_sentence(line)}" for line in card.told.get("learnt", ())]
    yield "\n".join(learnt) if learnt else "Nothing was calibrated after training."


def _use(card: Card) -> Iterator[str]:
    model = f"hf://{card.repository}" if card.repository else "model.safetensors"
    extra = "'striate[hub]'" if card.repository else "striate"
    yield fenced(f"pip install {extra}\nstriate predict picture.jpg --model {model}", "bash")
    code = "from striate.verbs.predict import open_predictor\n\n"
    code += f'predictor = open_predictor(model="{model}")\nanswer = predictor.predict(["picture.jpg"])[0]\n'
    yield fenced(code + "print(answer, answer.to_dict())", "python")
    if card.outputs:
        channels, height, width = card.input
        yield (
            f"Without Striate, any program that runs ONNX takes `model.onnx`: `pixels` is uint8, (N, {height}, {width},"
            f" {channels}), a picture brought to that size; what normalises it is inside. It puts out:"
        )
        yield "\n".join(f"- `{name}` {inert(means)}" for name, means in card.outputs.items())


def _again(card: Card) -> Iterator[str]:
    seen = card.environment
    if card.adopted:
        yield "The network is a module of somebody's own, which is not in this card; `striate.adopt` takes it."
    else:
        yield "Save the recipe below as `recipe.toml`, with the place of the pictures as its `source`, and"
    pins = " ".join(f"{name}=={str(seen[name]).partition('+')[0]}" for name in _VERSIONS if seen.get(name))
    command = "" if card.adopted else "\nstriate train --recipe recipe.toml"
    yield fenced(f"pip install {pins}{command}", "bash")
    where = ", ".join(str(seen[name]) for name in ("processor", "platform") if seen.get(name))
    threads = f"; {counted(int(seen['threads']), 'thread')}" if seen.get("threads") else ""
    made = f"Python {seen.get('python')} and torch {inert(str(seen.get('torch')))}"
    yield (
        f"Trained with {made} on {inert(where)}{threads}. On the CPU the same pictures, versions and thread count give"
        " the same weights, to the bit."
    )
    yield "<details><summary>recipe.toml</summary>"
    yield fenced(card.recipe, "toml")
    yield "</details>"


def _parts(parts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for part in parts:
        if "rows" not in part:
            yield inert(part["text"])
            continue
        yield table(part["heads"], part["rows"])
        if part["more"]:
            yield f"and {part['more']:,} more rows"


def _sentence(text: str) -> str:
    """Return a phrase as a sentence."""
    said = inert(text.strip())
    return said if said[-1:] in ".!?" else f"{said}."
