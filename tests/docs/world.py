"""What whoever reads an example has: a folder with pictures, runs trained on them, and a few names.

An example may name what its own module does, whatever stands under that name in one file of the house alone, and the
properties of `World`. What an example may change (a model, a training) is made anew for each.
"""

from __future__ import annotations

import ast
import copy
import shutil
from contextlib import ExitStack
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image
from tests.docs.docstrings import SRC
from tests.server import serving

import striate

NET = (
    "conv 8 3x3 pad 1 >> batchnorm >> relu >> maxpool 2 >> conv 8 3x3 pad 1 >> relu >> globalavgpool"
    " >> flatten >> dense"
)
COLOURS = {"cats": (200, 60, 40), "dogs": (40, 80, 200)}
OTHERWISE = {"striate.session": {"run": "held_run"}, "striate.engine.head": {"training": "head_training"}}
"""What a name means in the examples of some modules, where that is not what it means in the others."""


def _picture(name: str, seed: int, height: int = 16, width: int = 16) -> Image.Image:
    noise = np.random.default_rng(seed).normal(0, 30, (height, width, 3)) + COLOURS[name]
    return Image.fromarray(noise.clip(0, 255).astype(np.uint8))


@cache
def _homes() -> dict[str, str]:
    """Return the module of every public name that stands at the top of one file of the house alone."""
    found: dict[str, list[str]] = {}
    for path in sorted(SRC.rglob("*.py")):
        module = ".".join(("striate", *path.relative_to(SRC).with_suffix("").parts)).removesuffix(".__init__")
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [node.name] if isinstance(node, ast.ClassDef | ast.FunctionDef) else []
            targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
            names += [target.id for target in targets if isinstance(target, ast.Name)]
            for name in names:
                found.setdefault(name, []).append(module)
    return {name: modules[0] for name, modules in found.items() if len(modules) == 1 and not name.startswith("_")}


class World:
    """A folder, which is the current one while an example runs; each name is made when it is first asked for."""

    Path = Path
    np = np
    striate = striate

    def __init__(self, folder: Path) -> None:
        for number, name in enumerate(COLOURS):
            (folder / "pets" / name).mkdir(parents=True)
            for index in range(1, 15):
                _picture(name, 100 * number + index).save(folder / "pets" / name / f"{index}.png")
        (folder / "album").mkdir()
        for index in range(1, 4):
            _picture("cats", index).save(folder / "album" / f"cat_{index}.png")
            _picture("dogs", index).save(folder / "album" / f"dog_{index}.png")
        (folder / "VOC2012" / "Annotations").mkdir(parents=True)
        (folder / "VOC2012" / "Annotations" / "1.xml").write_text("<annotation><object><bndbox/></object></annotation>")
        (folder / "scene").mkdir()
        _picture("cats", 8, 60, 80).save(folder / "scene" / "1.jpg")
        (folder / "scene" / "1.xml").write_text(
            "<annotation><filename>1.jpg</filename><object><name>cat</name><bndbox><xmin>1</xmin><ymin>2</ymin>"
            "<xmax>30</xmax><ymax>40</ymax></bndbox></object></annotation>"
        )
        for part in ("street/images", "street/masks", "meadow"):
            (folder / part).mkdir(parents=True)
        _picture("cats", 8, 60, 80).save(folder / "street" / "images" / "1.jpg")
        Image.fromarray(np.eye(60, 80, dtype=np.uint8)).save(folder / "street" / "masks" / "1.png")
        _picture("cats", 8, 60, 80).save(folder / "meadow" / "1.jpg")
        (folder / "meadow" / "1.json").write_text(
            '{"imagePath": "1.jpg", "imageWidth": 80, "imageHeight": 60, "shapes": [{"label": "cow",'
            ' "shape_type": "polygon", "points": [[10, 10], [40, 10], [40, 30]]}]}'
        )
        _picture("cats", 7, 375, 500).save(folder / "cat.jpg")
        self.closing = ExitStack()
        (folder / "recipe.toml").write_text('source = "pets"\nepochs = 5\n', encoding="utf-8")
        (folder / "labels.toml").write_text('[[drop]]\npicture = "dogs/3.png"\n', encoding="utf-8")
        (folder / "labels.json").write_text('["cat", "dog"]', encoding="utf-8")

    def ready(self, code: str) -> None:
        """Make the runs and files that some code names and that take their time."""
        if any(name in code for name in ('"pets-1"', '"pets-2"', '"last"', '"runs/last"')):
            self.trained  # noqa: B018
        if '"lenet5.pth"' in code:
            self.checkpoint  # noqa: B018

    def give(self, module: str, name: str) -> Any:
        """Return what ``name`` means in the examples of a module."""
        for start, names in OTHERWISE.items():
            if module.startswith(start) and name in names:
                return getattr(self, names[name])
        if hasattr(type(self), name):
            return getattr(self, name)
        if name in striate.__all__:
            return getattr(striate, name)
        if name in _homes():
            return getattr(import_module(_homes()[name]), name)
        raise KeyError(f"the world has no {name}")

    # -- trained once ----------------------------------------------------------------------------------------------

    @cached_property
    def trained(self) -> dict[str, Any]:
        """Two runs, pets-1 and pets-2, and ``last``, which is pets-2."""
        how = {"net": NET, "size": (16, 16), "epochs": 30, "folds": 0, "device": "cpu", "progress": False}
        return {f"pets-{seed}": striate.train("pets", seed=seed, name="pets", **how) for seed in (1, 2)}

    @property
    def held_run(self) -> striate.Run:
        return self.trained["pets-1"]

    @property
    def run(self) -> Any:
        from striate.runs.run import RunDirectory

        return RunDirectory.open(self.held_run.name)

    @cached_property
    def predictor(self) -> Any:
        return striate.Predictor.open(self.run.model_path)

    @property
    def model(self) -> Any:
        """Of pets-1, in evaluation mode."""
        return copy.deepcopy(self.predictor.model)

    @cached_property
    def checkpoint(self) -> Path:
        """A pickle of somebody's LeNet-5."""
        import torch

        from striate.model.build.model import build
        from striate.nets import lenet5

        tensors = build(lenet5(), striate.Shape(1, 28, 28)).state_dict()
        theirs = {name: each for name, each in tensors.items() if not name.startswith("input.")}
        torch.save({"model": theirs}, "lenet5.pth")
        return Path("lenet5.pth")

    @cached_property
    def facts(self) -> Any:
        return self.predictor.facts

    @cached_property
    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """The tensors of the model."""
        return {name: tensor.numpy() for name, tensor in self.predictor.model.state_dict().items()}

    @property
    def probe(self) -> Any:
        from striate.verbs.probe import Network, open_probe

        return open_probe(Path("cat.jpg"), Network(run="pets-1"))

    @cached_property
    def embedder(self) -> Any:
        from striate.verbs.embedder import open_embedder

        return open_embedder()

    # -- pictures and labels ---------------------------------------------------------------------------------------

    @cached_property
    def prepared(self) -> Any:
        from striate.verbs.reopen import reopen_data

        return reopen_data(self.run)

    @cached_property
    def stored(self) -> Any:
        from striate.data.store.store import open_store

        return open_store(self.source, striate.Preprocess(16, 16, 3))

    @cached_property
    def source(self) -> Any:
        from striate.data.sources.source import find

        return find("pets")

    @property
    def store(self) -> Any:
        return self.stored.store

    @cached_property
    def split(self) -> Any:
        from striate.data.split import split

        return split(self.source, self.store.digests, seed=0)

    @property
    def config(self) -> Any:
        return self.prepared.config

    @property
    def task(self) -> Any:
        return self.prepared.task

    @cached_property
    def folds(self) -> Any:
        from striate.data.folds import fold

        return fold(self.prepared.targets, self.store.digests, self.split.train, seed=0, count=5)

    # -- nets and tensors ------------------------------------------------------------------------------------------

    @property
    def torch(self) -> ModuleType:
        import torch

        return torch

    @property
    def net(self) -> striate.Net:
        return striate.parse(NET).with_classes(2)

    @property
    def shape(self) -> striate.Shape:
        return striate.Shape(3, 16, 16)

    @property
    def batch(self) -> Any:
        """Eight pictures."""
        from striate.data.batches.loader import batches

        return next(batches(self.store, self.prepared.targets, self.split.train, batch_size=8))

    @property
    def inputs(self) -> Any:
        """One picture as the network takes it, (1, 3, 16, 16)."""
        return self.model.normalise(self.batch.pixels[:1])

    @property
    def heat(self) -> Any:
        """How much each pixel of that picture matters, (16, 16)."""
        return self.torch.arange(256.0).reshape(16, 16)

    @cached_property
    def features(self) -> np.ndarray[Any, Any]:
        """The embeddings of all pictures, (28, 8) float32."""
        from striate.engine.infer import infer

        return infer(self.model, self.store, range(len(self.store.digests)))[1]

    @property
    def training(self) -> Any:
        from striate.verbs.chance import from_chance

        return from_chance(self.prepared)

    fresh = training

    @property
    def head_training(self) -> Any:
        from striate.engine.head import HeadTraining

        return HeadTraining(self.features, self.prepared.objective, self.split.train, self.split.val, epochs=20)

    @property
    def problem(self) -> Any:
        """Two heads, each fitted to half of the pictures."""
        from striate.engine.heads import Problem

        objective, even = self.prepared.objective, np.arange(28) % 2 == 0
        return Problem(self.features, objective.targets, objective.labels.values, np.stack([even, ~even]), objective)

    @cached_property
    def shared(self) -> Any:
        """Two models that answer the same of the same three pictures."""
        from striate.tasks.pairing import Shared

        one = SimpleNamespace(losses=np.array([0.1, 0.5, 0.2]), loss_name="log loss")
        return Shared(one, one, np.arange(3), np.arange(3))  # type: ignore[arg-type]

    def _answered(self, classes: list[int], seed: int) -> Any:
        from striate.tasks.left_out import Answered

        draw, targets = np.random.default_rng(seed), np.repeat(classes, 40)
        embeddings = np.eye(3, 8, dtype=np.float32)[targets] + 0.05 * draw.normal(size=(len(targets), 8))
        return Answered(9 * np.eye(3)[targets].astype(np.float32), embeddings.astype(np.float32), targets)

    @property
    def seen(self) -> Any:
        """Answers of a net trained without class 2: to pictures it has seen, to others, and to class 2."""
        return self._answered([0, 1], 0)

    @property
    def unseen(self) -> Any:
        return self._answered([0, 1], 1)

    @property
    def others(self) -> Any:
        return self._answered([2], 2)

    # -- of somebody else ------------------------------------------------------------------------------------------

    @property
    def MyNet(self) -> type:
        """A module of the user's own, for pictures of 3x16x16."""
        from torch import nn

        class MyNet(nn.Sequential):
            def __init__(self) -> None:
                conv = nn.Conv2d(3, 8, 3, padding=1)
                super().__init__(conv, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))

        return MyNet

    @property
    def url(self) -> str:
        """Where a server of this machine has four bytes."""
        return self.closing.enter_context(serving(b"four")).url + "/a.gz"

    @property
    def third(self) -> Any:
        """A third run, to be removed."""
        shutil.copytree(self.run.path, "runs/pets-3", dirs_exist_ok=True)
        from striate.runs.run import RunDirectory

        return RunDirectory.open("pets-3")

    @property
    def adopted(self) -> Any:
        return striate.adopt(self.MyNet(), input=(3, 16, 16), classes=["cats", "dogs"])

    @property
    def code_probe(self) -> Any:
        """A probe of a module that only its own code can be."""
        from torch import nn

        class Doubled(nn.Sequential):
            def forward(self, x: Any) -> Any:
                return 2 * super().forward(x)

        net = Doubled(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
        return striate.adopt(net, input=(3, 16, 16), classes=["cats", "dogs"]).probe("cat.jpg")
