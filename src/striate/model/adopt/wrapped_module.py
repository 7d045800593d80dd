"""A module that only its own code can be, as a model: it answers all that `striate.model.build.model.Model` does."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NoReturn, final

import torch
from torch import Tensor, nn

from striate.data.pictures.preprocess import Preprocess
from striate.errors import DescribeError
from striate.model.adopt.given import Which, copied, picked
from striate.model.adopt.observe import last_with_weights, of_weights
from striate.model.build.model import Outputs, entry
from striate.spec import Shape
from striate.spec.code import Code


@final
class WrappedModule(nn.Module):
    """A copy of somebody's module, with the scale and offset that pixels take on their way in.

    Its tensors go by the module's own names after ``module.``. `embedding_part` is its last dense layer (or
    convolution) by its own path, or empty where there is none; the embedding is then the output itself.
    """

    net: Code
    shape: Shape
    embedding_part: str

    def __init__(self, module: nn.Module, net: Code, preprocess: Preprocess | None, *, output: Which = None) -> None:
        super().__init__()
        self.net, self.shape, self.output = net, net.given, output
        self.input = entry(self.shape, preprocess)
        self.module = copied(module)
        self.embedding_part = last_with_weights(self.module, torch.zeros(2, *self.shape)) or ""

    def __deepcopy__(self, memo: dict[int, Any]) -> WrappedModule:
        """Copy it as the module can be copied that it holds."""
        other = WrappedModule(self.module, self.net, None, output=self.output).train(self.training)
        other.load_state_dict(self.state_dict())
        return other.to(next(iter(self.input.buffers())).device)

    def normalise(self, pixels: Tensor) -> Tensor:
        """Return pixels (N, C, H, W) uint8 as `forward` takes them: float, pixels * scale + offset per channel."""
        return self.input(pixels)  # type: ignore[no-any-return]

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the main output (N, K) for normalised inputs (N, C, H, W)."""
        # A copy in the usual memory order: somebody's code may take that for granted, or work in place on its input.
        given = inputs.clone(memory_format=torch.contiguous_format)
        return picked(self.module(given), self.output)  # type: ignore[no-any-return]

    def outputs(self, inputs: Tensor) -> Outputs:
        """Return the main output; somebody else's module has no side heads."""
        return Outputs(self(inputs), ())

    def forward_with(self, inputs: Tensor, taps: Sequence[str]) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the main output, and what the modules named in ``taps`` put out; ``input`` is what is given.

        Raises `DescribeError` for a path this module does not have, or one that puts out no tensor.
        """
        for tap in taps:
            if tap not in self.taps():
                near = ", ".join(difflib.get_close_matches(tap, self.taps(), n=3, cutoff=0.4))
                raise DescribeError(f"this module has no part {tap!r}; " + (f"near it: {near}" if near else ""))
        seen: dict[str, Any] = {"input": inputs}

        def tapped(tap: str, output: Any) -> Any:
            seen[tap] = output
            # Its code goes on with a copy: what works in place behind it does not change what was put out here.
            return output.clone() if isinstance(output, Tensor) else None

        hooks = [
            self.module.get_submodule(tap).register_forward_hook(lambda _, __, output, tap=tap: tapped(tap, output))
            for tap in taps
            if tap != "input"
        ]
        try:
            main = self(inputs)
        finally:
            for hook in hooks:
                hook.remove()
        silent = [tap for tap in taps if not isinstance(seen.get(tap), Tensor)]
        if silent:
            raise DescribeError(f"{silent[0]} puts out no tensor")
        return main, {tap: seen[tap] for tap in taps}

    def as_convolutional(self) -> NoReturn:
        """Raise `DescribeError`: what a module that is only code does with a larger picture is not known."""
        raise DescribeError(
            f"{type(self.module).__name__} is only its own code, and cannot be made to slide over a larger picture;"
            " a module whose steps can be read (adopted.why says which cannot) can"
        )

    def until(self, inputs: Tensor, tap: str) -> Tensor:
        """Return what the module named ``tap`` puts out. Raises `DescribeError` as `forward_with` does."""
        return self.forward_with(inputs, [tap])[1][tap]

    def each(self, inputs: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield the path of every module with what it puts out, those without a tensor left out.

        The module works once for each, so that no more than one is held.
        """
        for tap in self.taps():
            if tap != "input":
                with suppress(DescribeError):
                    yield tap, self.until(inputs, tap)

    def through(self, inputs: Tensor, path: str) -> tuple[Tensor, Tensor]:
        """Return what goes into one of its modules and what that puts out, both (N, ...).

        Raises `DescribeError` as `forward_with` does, and for a module that is given more, or other, than a tensor.
        """
        given: list[Any] = []

        def into(_: nn.Module, args: tuple[Any, ...]) -> None:
            given[:] = [each.clone() if isinstance(each, Tensor) else each for each in args]

        hook = self.module.get_submodule(path).register_forward_pre_hook(into) if path in self.taps() else None
        try:
            output = self.until(inputs, path)
        finally:
            if hook is not None:
                hook.remove()
        if len(given) != 1 or not isinstance(given[0], Tensor):
            raise DescribeError(f"{path} is given other than one tensor: how it makes its numbers is in its code")
        return given[0], output

    def source(self, tap: str) -> NoReturn:
        """Raise `DescribeError`, as `reads` does."""
        self.reads(tap)

    def reads(self, path: str) -> NoReturn:
        """Raise `DescribeError`: which module reads which is written in its code alone."""
        raise DescribeError(f"what {path} of {type(self.module).__name__} reads is in its own code, and not known here")

    def embed(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the output (N, K) and the embedding (N, D): what goes into `embedding_part`; of a map, the average."""
        if not self.embedding_part:
            main = self(inputs)
            return main, main
        seen: list[Tensor] = []
        hook = self.module.get_submodule(self.embedding_part).register_forward_pre_hook(
            lambda _, args, kwargs: seen.append(next(iter((*args, *kwargs.values())))), with_kwargs=True
        )
        try:
            main = self(inputs)
        finally:
            hook.remove()
        embedding = seen[-1]
        return main, embedding.mean((2, 3)) if embedding.dim() == 4 else embedding.flatten(1)

    def taps(self) -> tuple[str, ...]:
        """Return every path that `forward_with` takes."""
        if isinstance(self.module, torch.jit.ScriptModule):  # torch tells nothing of what its parts do
            return ("input",)
        return ("input", *(path for path, _ in self.module.named_modules() if path and not of_weights(path)))
