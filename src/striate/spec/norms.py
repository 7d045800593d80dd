# ruff: noqa: D102  (what an overriding method answers is said once, at its base)
"""The layers that bring values to a common scale: norms over the batch, over groups, over channels; a trained scale."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import ClassVar

from striate.errors import ShapeError
from striate.spec.layer import Layer, require_map
from striate.spec.net import node
from striate.spec.shape import Shape
from striate.spec.values import Count, Flag, Positive, Real, Share


@node
class BatchNorm(Layer):
    """Each channel to mean 0 and variance 1 over the batch, then scaled and shifted if `affine` (Ioffe 2015)."""

    keyword: ClassVar[str] = "batchnorm"
    _: KW_ONLY
    eps: Positive = 1e-5
    momentum: Share = 0.1
    affine: Flag = True

    def parameters(self, given: Shape) -> int:
        return 2 * given.channels * self.affine


@node
class GroupNorm(Layer):
    """Each group of channels of one picture to mean 0 and variance 1, then scaled and shifted if `affine` (Wu 2018)."""

    keyword: ClassVar[str] = "groupnorm"
    groups: Count
    _: KW_ONLY
    eps: Positive = 1e-5
    affine: Flag = True

    def shape(self, given: Shape) -> Shape:
        if given.channels % self.groups:
            divisors = ", ".join(str(n) for n in range(1, given.channels + 1) if given.channels % n == 0)
            raise ShapeError(
                f"{self.groups} groups must divide the {given.channels} channels of the input; what divides: {divisors}"
            )
        if given.elements == self.groups:
            raise ShapeError(f"each of the {self.groups} groups of {given} holds one value, and its norm is always 0")
        return given

    def parameters(self, given: Shape) -> int:
        return 2 * given.channels * self.affine


@node
class LocalResponseNorm(Layer):
    """Each value over (k + alpha/size * sum of squares of `size` neighbouring channels) ** beta (AlexNet, 3.3).

    `alpha` is divided by `size`, as in PyTorch; the paper's own alpha of 1e-4 at size 5 is 5e-4 here.
    """

    keyword: ClassVar[str] = "lrn"
    size: Count = 5
    _: KW_ONLY
    alpha: Real = 1e-4
    beta: Real = 0.75
    k: Real = 1.0

    def shape(self, given: Shape) -> Shape:
        require_map(self, given)
        return given


@node
class LayerNorm(Layer):
    """The channels of each position to mean 0 and variance 1, then scaled and shifted if `affine` (Ba 2016).

    On a map every position is normed by itself, as in ConvNeXt (Liu et al. 2022, section 2.6).
    """

    keyword: ClassVar[str] = "layernorm"
    _: KW_ONLY
    eps: Positive = 1e-5
    affine: Flag = True

    def shape(self, given: Shape) -> Shape:
        if given.channels == 1:
            raise ShapeError(f"each position of {given} holds one value, and its norm is always 0")
        return given

    def parameters(self, given: Shape) -> int:
        return 2 * given.channels * self.affine


@node
class LayerScale(Layer):
    """Each channel times a trained factor that begins at `initial` (Touvron et al. 2021, "Going deeper", section 2.2).

    Begun near 0 at the end of a residual branch, it makes every block the identity at first.
    """

    keyword: ClassVar[str] = "layerscale"
    initial: Real = 1.0

    def parameters(self, given: Shape) -> int:
        return given.channels
