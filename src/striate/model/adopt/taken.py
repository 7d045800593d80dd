"""A module of somebody's own taken in: as the net that it is, or as code that only its author has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import nn

from striate.data.pictures.preprocess import Preprocess
from striate.errors import DescribeError
from striate.model.adopt.examine import examine, quiet
from striate.model.adopt.express import Expressed, class_name, express
from striate.model.adopt.given import Which, copied
from striate.model.adopt.observe import is_normed, observe
from striate.model.adopt.operations import UnsupportedOpError
from striate.model.adopt.wrapped_module import WrappedModule
from striate.model.build.model import Model, build
from striate.spec.code import Code
from striate.spec.net import Net
from striate.spec.shape import Shape


@dataclass(frozen=True)
class TakenIn:
    """A module taken in: ``net`` is what it is, by ``expressed`` where that is a net of ours, else by its own code.

    ``input`` is the shape of what it takes; of several outputs ``output`` says which answers.
    """

    module: nn.Module
    expressed: Expressed | None
    net: Net
    input: Shape
    output: Which = None

    def model(self, preprocess: Preprocess) -> Model:
        """Return a model with the module's weights: of the net that it is, or what asks its own code."""
        if self.expressed is not None:
            return self.expressed.load(build(self.net, self.input, preprocess=preprocess), self.module)
        assert isinstance(self.net, Code)
        return cast(Model, WrappedModule(self.module, self.net, preprocess, output=self.output))


def take_in(module: nn.Module, shape: Shape, outputs: int, *, output: Which = None, fit: str = "floor") -> TakenIn:
    """Take in a copy of a module that gives so many ``outputs`` for pictures of a shape; it is run on random ones.

    ``fit`` "exact" refuses a net that never looks at some of its picture. Errors: DescribeError.
    """
    own = examine(module, shape, outputs, output)
    expressed: Expressed | None = None
    net: Net
    try:
        expressed = express(own, shape, output)
        net = expressed.net
    except UnsupportedOpError as unsaid:
        net = as_code(own, shape, outputs, str(unsaid))
    net.on(shape, fit=fit)
    return TakenIn(own, expressed, net, shape, output)


def as_code(module: nn.Module, shape: Shape, classes: int, why: str) -> Code:
    """Return what is known of a module that only its own code can be, and ``why`` it is no net."""
    with quiet():
        rows = observe(copied(module), shape)
    return Code(class_name(module), why, is_normed(module), shape, Shape(classes), rows)


def class_names(classes: int | Sequence[str]) -> tuple[str, ...]:
    """Return the names of the classes: those given, or numbers. Raises `DescribeError` for names that repeat."""
    if isinstance(classes, int) and not isinstance(classes, bool):
        if classes < 2:
            raise DescribeError(f"classes = {classes}: a classifier has two classes or more")
        return tuple(map(str, range(classes)))
    names = tuple(classes) if isinstance(classes, list | tuple) else ()
    if len(names) < 2 or not all(isinstance(name, str) and name for name in names):
        wrong = next((repr(name) for name in names if not (isinstance(name, str) and name)), repr(classes)[:80])
        raise DescribeError(f"classes must be how many there are, or two different names or more, not {wrong}")
    first: dict[str, int] = {}
    for place, name in enumerate(names):
        if first.setdefault(name, place) != place:
            raise DescribeError(
                f"classes {first[name]} and {place} (from 0) are both called {name[:80]!r}; an answer could be either:"
                " give each a name of its own"
            )
    return names


def refuse_to_look(module: nn.Module) -> None:
    """Raise `DescribeError` for a module that shows nothing of its inside; do nothing for any other."""
    if isinstance(module, torch.jit.ScriptModule):
        raise DescribeError(
            "torch shows nothing of what the parts of a ScriptModule do: look into the module that it was made from;"
            " why it said so can be asked from outside: striate.verbs.why.why(adopted.subject(PICTURE),"
            " method='occlusion')"
        )
