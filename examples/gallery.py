"""Make docs/gallery.md and its pictures: what each question of `striate look` answers, on pictures anybody may use.

    python examples/gallery.py            # needs scikit-image (a development dependency); about two minutes

The cat and the coffee are scikit-image's (CC0 and public domain), the digits scikit-learn's. The net for photographs is
SqueezeNet with its published weights, fetched once; the one for digits is trained here.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data
from sklearn.datasets import load_digits

import striate
from striate.interpret.activations import feature_visualization
from striate.interpret.torch_probe import TorchProbe
from striate.render.answer import Answer, Row
from striate.render.html.look_page import as_png
from striate.render.png.drawn import picture_tile
from striate.runs.predictor import Predictor
from striate.verbs.look import answers, look_part, look_picture
from striate.verbs.weights import open_weights
from striate.verbs.workspace import Workspace

DOCS = Path(__file__).resolve().parents[1] / "docs"
WEIGHTS = "imagenet-squeezenet1_0"
GROWN = (
    ("fire3.concat1", 20),
    ("fire5.concat1", 9),
    ("fire6.concat1", 7),
    ("fire8.concat1", 30),
    ("fire9.concat1", 100),
)


def main() -> None:
    """Make every picture, then the page that shows them."""
    (DOCS / "gallery").mkdir(exist_ok=True)
    workspace = Workspace(tell=lambda text: print(text, file=sys.stderr))
    predictor = Predictor.open(open_weights(WEIGHTS, workspace), device="cpu")
    cat = TorchProbe.of(predictor, data.chelsea())
    why, stages, field = answers(look_picture(cat))
    told = [
        _draw("why", why, f"striate look cat.png --model {WEIGHTS}"),
        _draw("stages", stages, f"striate look cat.png --model {WEIGHTS}"),
        _draw("field", field, f"striate look cat.png --model {WEIGHTS}"),
        _draw(
            "part",
            answers(look_part(cat, "fire4.concat1"))[0],
            f"striate look cat.png --model {WEIGHTS} --part fire4.concat1",
        ),
        _draw("grown", _grown(cat), "examples/gallery.py (striate.interpret.activations.feature_visualization)"),
        *_digits(),
    ]
    text = (
        "# What looking inside looks like\n\nEvery picture here is made by `python examples/gallery.py`: the cat is"
        " scikit-image's (Stefan van der Walt, CC0), the digits are scikit-learn's; the net for photographs is"
        " SqueezeNet 1.0 with its published weights, the one for digits is trained by the script. Each is what the"
        " command above it answers, as `--png` draws it; without that it is a page of HTML that needs nothing beside"
        " it.\n"
    )
    (DOCS / "gallery.md").write_text(text + "".join(told), encoding="utf-8")


def _draw(name: str, answer: Answer, command: str) -> str:
    """Save an answer as a picture and return its section of the page."""
    sheet = Image.open(io.BytesIO(as_png(answer))).convert("RGB")
    sheet.save(DOCS / "gallery" / f"{name}.webp", quality=80, method=6)
    alt = f"{answer.question} {answer.said}".replace("[", "(").replace("]", ")")
    return f"\n## {answer.question}\n\n    {command}\n\n{answer.said}\n\n![{alt}](gallery/{name}.webp)\n"


def _grown(cat: TorchProbe) -> Answer:
    """Return pictures grown for channels of ever later parts, and for a class and its difference from another."""
    objectives = [feature_visualization.channel(cat.model, part, channel) for part, channel in GROWN]
    tabby, lynx = (
        feature_visualization.of_class(cat.model, cat.labels.names.index(name), name)
        for name in ("tabby", "bell pepper")
    )
    objectives += [tabby, lynx, lynx - tabby]
    tiles = []
    for objective in objectives:
        grown = feature_visualization.maximise(cat.model, objective, steps=160)
        tiles.append(
            picture_tile(
                grown.pixels,
                caption=objective.name,
                alt=f"picture grown for {objective.name}",
                shown=227,
            )
        )
    return Answer(
        "What are its channels looking for?",
        "Pictures grown from noise so that one channel, or one class, is as high as it can be: lines and textures"
        " early, pieces of things late.",
        (Row(tuple(tiles)),),
        shows="what raises each most, under small shifts, turns and scalings.",
        hides="what the net has seen: nothing here is in its data, and other noise grows other pictures.",
    )


def _digits() -> list[str]:
    """Train on the digits and return what one of its channels looks for, and what confuses it."""
    with tempfile.TemporaryDirectory() as folder:
        run = striate.train("digits", epochs=6, runs_dir=folder, name="digits", device="cpu")
        five = (load_digits().images[5] * 15.9).astype(np.uint8)
        channel = answers(run.look(five, part="relu1", channel=5).value)[0]
        told = [_draw("channel", channel, "striate look five.png --part relu1 --channel 5")]
        names = {"What confuses": "confusion", "Which labels": "labels", "What did it": "learnt", "Do all": "layers"}
        for answer in answers(run.look().value):
            if answer.rows:
                name = next(name for start, name in names.items() if answer.question.startswith(start))
                told.append(_draw(name, answer, "striate look digits-1"))
        return told


if __name__ == "__main__":
    main()
