"""Striate: convolutional networks you can see through.

>>> from striate import AvgPool, Conv, Tanh
>>> (Conv(6, 5, padding=2) >> Tanh() >> AvgPool(2)).on(1, 28, 28).output
Shape(channels=6, height=14, width=14)

Importing this imports nothing heavy: each public name is fetched from its module when it is first used (PEP 562).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for readers and type checkers; `_HOME` says the same when the program runs
    from striate.data.pictures.preprocess import Preprocess
    from striate.errors import StriateError
    from striate.recipe import Recipe
    from striate.runs.predictor import Predictor
    from striate.session.adopted import Adopted, adopt
    from striate.session.asked import compare, evaluate, look, runs
    from striate.session.doctor import doctor
    from striate.session.run import Run
    from striate.session.search import cluster, find, index
    from striate.session.train import resume, train, training
    from striate.session.widget import widget
    from striate.spec import (
        GELU,
        Add,
        AuxHead,
        AvgPool,
        BatchNorm,
        Concat,
        Conv,
        ConvTranspose,
        Dense,
        Dropout,
        DropPath,
        Flatten,
        GlobalAvgPool,
        GlobalMaxPool,
        GlobalMinPool,
        GroupNorm,
        HardSigmoid,
        HardSwish,
        Identity,
        LayerNorm,
        LayerScale,
        LeakyReLU,
        LocalResponseNorm,
        MaxPool,
        MinPool,
        Multiply,
        Named,
        Net,
        PadChannels,
        Rbf,
        ReLU,
        ReLU6,
        Repeat,
        Row,
        ScaledTanh,
        Shape,
        Sigmoid,
        SiLU,
        Softmax,
        SpatialDropout,
        Subsample,
        Tanh,
        Upsample,
        add,
        auxiliary,
        concat,
        multiply,
        parse,
        repeat,
        side,
    )
    from striate.spec.survey import Survey
    from striate.verbs.describe import describe
    from striate.verbs.weights_import import import_weights

__version__ = "0.1.0"
__all__ = [
    "GELU",
    "Add",
    "Adopted",
    "AuxHead",
    "AvgPool",
    "BatchNorm",
    "Concat",
    "Conv",
    "ConvTranspose",
    "Dense",
    "DropPath",
    "Dropout",
    "Flatten",
    "GlobalAvgPool",
    "GlobalMaxPool",
    "GlobalMinPool",
    "GroupNorm",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "LayerNorm",
    "LayerScale",
    "LeakyReLU",
    "LocalResponseNorm",
    "MaxPool",
    "MinPool",
    "Multiply",
    "Named",
    "Net",
    "PadChannels",
    "Predictor",
    "Preprocess",
    "Rbf",
    "ReLU",
    "ReLU6",
    "Recipe",
    "Repeat",
    "Row",
    "Run",
    "ScaledTanh",
    "Shape",
    "SiLU",
    "Side",
    "Sigmoid",
    "Softmax",
    "SpatialDropout",
    "StriateError",
    "Subsample",
    "Survey",
    "Tanh",
    "Upsample",
    "__version__",
    "add",
    "adopt",
    "auxiliary",
    "cluster",
    "compare",
    "concat",
    "describe",
    "doctor",
    "evaluate",
    "find",
    "import_weights",
    "index",
    "look",
    "multiply",
    "parse",
    "repeat",
    "resume",
    "runs",
    "side",
    "train",
    "training",
    "widget",
]

_HOME = {
    "Adopted": "striate.session.adopted",
    "Predictor": "striate.runs.predictor",
    "Preprocess": "striate.data.pictures.preprocess",
    "Recipe": "striate.recipe",
    "Run": "striate.session.run",
    "StriateError": "striate.errors",
    "Survey": "striate.spec.survey",
    "adopt": "striate.session.adopted",
    "cluster": "striate.session.search",
    "compare": "striate.session.asked",
    "describe": "striate.verbs.describe",
    "doctor": "striate.session.doctor",
    "evaluate": "striate.session.asked",
    "find": "striate.session.search",
    "import_weights": "striate.verbs.weights_import",
    "index": "striate.session.search",
    "look": "striate.session.asked",
    "resume": "striate.session.train",
    "runs": "striate.session.asked",
    "train": "striate.session.train",
    "training": "striate.session.train",
    "widget": "striate.session.widget",
}


def __getattr__(name: str) -> Any:
    """Fetch a public name from its module; what is not listed above is a word of `striate.spec`."""
    if name not in __all__:
        raise AttributeError(f"module 'striate' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME.get(name, "striate.spec")), name)


def __dir__() -> list[str]:
    return __all__
