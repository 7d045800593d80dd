"""None of these: how unlike everything trained on a picture is. NumPy alone.

Two things are looked at, each as a number of standard deviations from what validation pictures show. How far the
embedding (what goes into the last dense layer) lies from the nearest ones of training pictures: the logarithm of the
mean cosine distance to the 5 nearest (after Sun et al. 2022, "Out-of-distribution detection with deep nearest
neighbors"). And how undecided the calibrated probabilities are: the logarithm of the generalised entropy, sum over
classes of (p (1 - p))^0.3 (Liu et al. 2023, "GEN"). Strange is what either of them finds strange: a soft maximum.

Why these: measured with single classes held out. `benchmarks/unknown.py` (40 small nets, every digit of MNIST) gives a
mean AUROC of 0.950 against 0.918 for the largest softmax, better for 36 of 40 nets, by -0.021 in the worst case (LeNet
without 9). Either term alone, energy and Mahalanobis fall further behind somewhere; entropy hardly gains (0.921).
Relative Mahalanobis is ahead of the softmax for all 40 (mean 0.947), but was up to 0.65 behind it on other nets: where
pictures are few beside the numbers of an embedding, and it does not find noise strange.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from striate.errors import ModelError, StriateError
from striate.metrics.probability import Floats, checked_scores, checked_targets, log_softmax
from striate.tasks.known_distance import Halves, checked_embeddings, log_distance, unit
from striate.tasks.sketch import WIDTH, spread_evenly
from striate.tasks.stranger_skill import StrangerSkill
from striate.tasks.strangers import NEVER, NOT_MEASURED, conformal
from striate.words import counted

PREFIX, BOTH, DISTANCE = "unknown.", "both", "distance"
GAMMA, LIKELIEST = 0.3, 100  # of GEN: the exponent, and how many classes are looked at
_USUAL_SPREAD, _USUAL_COUNT = 0.5, 2  # two pictures' worth of belief in the usual spread of both logarithms
_SMALLEST = 1e-9  # of what is divided by
_LARGEST = 1e15  # of a number in a file: logarithms and their deviations are below a hundred


@dataclass(frozen=True)
class Usual:
    """What validation pictures show of one number: its mean and standard deviation."""

    mean: float
    spread: float

    def deviations(self, values: Floats) -> Floats:
        """Return how many standard deviations above the mean each value lies."""
        result: Floats = (values - self.mean) / self.spread
        return result


@dataclass(frozen=True, eq=False)
class OODDetector:
    """What is needed to say "none of these": stored embeddings, what is usual, and where strange begins.

    ``stored`` (M, W) float16 are training embeddings at length 1; ``width`` is D, the length of the embeddings that
    ``score`` takes. ``threshold`` is None where there was no validation picture to set it on: nothing is unknown then.
    ``pictures`` is how many there were, and ``known_kept`` the share of such pictures that is to be kept.
    ``measure`` is "both" or "distance", which looks at the embedding alone; ``skill`` says how well strangers are told,
    None where that was not measured. ``silent``: it was not, and so "none of these" is never said.
    """

    stored: Halves
    width: int
    temperature: float
    distance: Usual
    indecision: Usual
    threshold: float | None
    known_kept: float
    pictures: int
    measure: str = BOTH
    skill: StrangerSkill | None = None
    silent: bool = False

    @property
    def answers(self) -> bool:
        """Whether "none of these" is ever said: there is a threshold, and strangers are told well enough."""
        return self.threshold is not None and not self.silent and (self.skill is None or self.skill.tells)

    def with_skill(self, skill: StrangerSkill | None) -> OODDetector:
        """Return the same, with how well strangers are told; None: not measured, and never said from here on."""
        return replace(self, skill=skill, silent=skill is None)

    def told(self) -> dict[str, object]:
        """Return how well strangers are told, in ``words`` and, where it was measured, in figures, ready for JSON."""
        return {"words": NEVER if self.silent else NOT_MEASURED} if self.skill is None else self.skill.to_dict()

    def score(self, embeddings: ArrayLike, logits: ArrayLike, *, stored: bool = False) -> Floats:
        """Return the ood_score (N,) of (N, D) embeddings with their (N, K) logits: higher is stranger.

        ``stored`` is for pictures whose own embeddings are among those stored: the nearest one is passed over.

        Example: ``fit_frozen(features, prepared.targets).score(features[:3], np.zeros((3, 2))).shape`` is ``(3,)``.
        """
        matrix, scores = checked_embeddings(embeddings), checked_scores(logits)
        if matrix.shape[1] != self.width:
            raise StriateError(f"the embeddings are {matrix.shape[1]} numbers wide but were {self.width} in training")
        if len(matrix) != len(scores):
            raise StriateError(
                f"{counted(len(matrix), 'embedding')} but {counted(len(scores), 'row')} of logits; one of each"
                " a picture"
            )
        return self.score_at(log_distance(unit(matrix), self._singles, skip=int(stored)), scores)

    @cached_property
    def _singles(self) -> NDArray[np.float32]:
        """What is stored, in single precision: for an answer alone, making that takes a fifth of the network's time."""
        return self.stored.astype(np.float32)

    def score_at(self, distances: ArrayLike, logits: ArrayLike) -> Floats:
        """Return the ood_score (N,) of pictures at known distances (`log_distances`), with their (N, K) logits."""
        scores = checked_scores(logits)
        far = self.distance.deviations(np.asarray(distances, np.float64))
        if self.measure == DISTANCE:
            return far
        undecided = self.indecision.deviations(_log_indecision(scores, self.temperature))
        result: Floats = np.logaddexp(far, undecided)
        return result

    def is_unknown(self, scores: ArrayLike) -> NDArray[np.bool_]:
        """Return which of (N,) strangenesses are beyond the threshold."""
        values = np.asarray(scores, dtype=np.float64)
        if self.threshold is None or not self.answers:
            return np.zeros(values.shape, dtype=bool)
        beyond: NDArray[np.bool_] = values > self.threshold
        return beyond

    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """Return the arrays for a model file, by name."""
        return {PREFIX + "stored": self.stored}

    def to_dict(self) -> dict[str, object]:
        """Return everything that is not an array, ready for JSON."""
        return {
            "width": self.width,
            "temperature": self.temperature,
            "distance": [self.distance.mean, self.distance.spread],
            "indecision": [self.indecision.mean, self.indecision.spread],
            "threshold": self.threshold,
            "known_kept": self.known_kept,
            "pictures": self.pictures,
            # What older versions do not know is left out where it says what those do.
            **({} if self.measure == BOTH else {"measure": self.measure}),
            **({} if self.skill is None else {"skill": self.skill.to_dict()}),
            **({"silent": True} if self.silent else {}),
        }

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, ArrayLike], facts: Mapping[str, Any]) -> OODDetector:
        """Return what ``to_tensors`` and ``to_dict`` wrote; other tensors may be among them. ModelError otherwise."""
        try:
            stored = np.asarray(tensors[PREFIX + "stored"])
            if stored.dtype.kind != "f" or not np.isfinite(stored := stored.astype(np.float16)).all():
                raise ValueError("what is stored of training pictures is not finite")
            threshold = facts["threshold"]
            unknown = cls(
                stored=stored,
                width=_whole(facts, "width"),
                temperature=_finite(facts["temperature"], "temperature", above=_SMALLEST),
                distance=_read_usual(facts["distance"]),
                indecision=_read_usual(facts["indecision"]),
                threshold=None if threshold is None else _finite(threshold, "threshold"),
                known_kept=_finite(facts["known_kept"], "known_kept", above=0),
                pictures=_whole(facts, "pictures"),
                measure=str(facts.get("measure", BOTH)),
                skill=None if facts.get("skill") is None else StrangerSkill.from_dict(facts["skill"]),
                silent=bool(facts.get("silent", False)),
            )
        except KeyError as error:
            raise ModelError(f'the model file\'s "none of these" lacks its {error.args[0]}') from None
        except (TypeError, ValueError, OverflowError) as error:
            raise ModelError(f'the model file\'s "none of these" does not read: {error}') from None
        if unknown.measure not in (BOTH, DISTANCE):
            raise ModelError(
                f'the model file\'s "none of these" is measured by {unknown.measure[:40]!r}, which is not known here'
            )
        if stored.ndim != 2 or len(stored) == 0 or stored.shape[1] != min(unknown.width, WIDTH):
            raise ModelError(
                f'the model file\'s "none of these" does not fit: {stored.shape} stored for {unknown.width}'
            )
        return unknown


def _finite(value: Any, name: str, *, above: float | None = None) -> float:
    """Return a finite number, above a bound where there is one. Errors: ValueError."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    if not plain or not abs(value) <= _LARGEST or (above is not None and value <= above):
        raise ValueError(f"its {name} must be a finite number{'' if above is None else f' above {above:g}'}")
    return float(value)


def _whole(facts: Mapping[str, Any], name: str) -> int:
    """Return a whole number of 0 or more. Errors: ValueError, KeyError."""
    value = facts[name]
    if type(value) is not int or not 0 <= value < 2**53:
        raise ValueError(f"its {name} must be a whole number of 0 or more")
    return value


def _read_usual(value: Any) -> Usual:
    """Return a mean and a spread. Errors: ValueError."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError("a mean and a spread must be two numbers")
    return Usual(_finite(value[0], "mean"), _finite(value[1], "spread", above=_SMALLEST))


def fit_ood(
    train_embeddings: ArrayLike,
    train_targets: ArrayLike,
    val_embeddings: ArrayLike,
    val_logits: ArrayLike,
    *,
    temperature: float = 1.0,
    known_kept: float = 0.98,
) -> OODDetector:
    """Learn what is usual from training embeddings (N, D) and validation embeddings (V, D) with logits (V, K).

    The threshold is the validation score that the share ``known_kept`` of further known pictures is expected to stay
    below (split conformal prediction, Vovk et al. 2005): at least as many of the validation pictures are kept. Where
    these are too few for that (below 49 at 0.98) it is the bound of a normal distribution of scores. The training
    embeddings stored are spread evenly over the classes and within each. A function of its arguments alone.
    """
    val, logits = np.asarray(val_embeddings), np.asarray(val_logits)
    stored = _stored(train_embeddings, train_targets)
    width = np.asarray(train_embeddings).shape[1]
    # Scored through the stored half precision, so that what is measured here is what answers later.
    far = log_distance(unit(checked_embeddings(val)), stored) if len(val) else np.zeros(0)
    return _fitted(stored, width, far, logits, temperature=temperature, known_kept=known_kept)


def fit_ood_at(
    train_embeddings: ArrayLike,
    train_targets: ArrayLike,
    distances: ArrayLike,
    logits: ArrayLike,
    *,
    temperature: float = 1.0,
    known_kept: float = 0.98,
) -> OODDetector:
    """Learn what is usual from out-of-fold answers, as `fit_ood` does from validation pictures.

    ``distances`` (V,) are `log_distances` of V pictures to what the models that answered had seen, ``logits`` (V, K)
    their answers; the training embeddings (N, D) are by the model that is kept, which has seen those pictures.
    """
    stored, width = _stored(train_embeddings, train_targets), np.asarray(train_embeddings).shape[1]
    far = np.asarray(distances, np.float64)
    return _fitted(stored, width, far, np.asarray(logits), temperature=temperature, known_kept=known_kept)


def log_distances(embeddings: ArrayLike, known: ArrayLike, targets: ArrayLike) -> Floats:
    """Return the log distance (N,) of embeddings (N, D) to ``known`` ones (M, D), of which a sample is looked at.

    ``targets`` (M,) are the classes of the known, over which the sample is spread.
    """
    return log_distance(unit(checked_embeddings(embeddings)), _stored(known, targets))


def _stored(embeddings: ArrayLike, targets: ArrayLike) -> Halves:
    """Return which training embeddings are stored, at length 1."""
    train = checked_embeddings(embeddings)
    if len(train) == 0:
        raise StriateError('there are no training pictures to learn "none of these" from')
    chosen = spread_evenly(checked_targets(targets, pictures=len(train), classes=1 << 31))
    return unit(train[chosen]).astype(np.float16)


def _fitted(
    stored: Halves, width: int, distances: Floats, logits: NDArray[Any], *, temperature: float, known_kept: float
) -> OODDetector:
    """Return what is usual at these distances (V,) with these logits (V, K), and the threshold."""
    if not 0 < known_kept <= 1:
        raise StriateError(f"known_kept is the share of known pictures to keep, above 0 and up to 1, not {known_kept}")
    standard = Usual(0.0, 1.0)
    if len(distances) == 0:
        return OODDetector(stored, width, temperature, standard, standard, None, known_kept, 0)
    plain = OODDetector(
        stored=stored,
        width=width,
        temperature=temperature,
        distance=usual(distances),
        indecision=usual(_log_indecision(checked_scores(logits), temperature)),
        threshold=None,
        known_kept=known_kept,
        pictures=len(distances),
    )
    return replace(plain, threshold=threshold_of(plain.score_at(distances, logits), known_kept, measure=BOTH))


def threshold_of(scores: Floats, known_kept: float, *, measure: str) -> float:
    """Return what that share of further scores is expected to stay below: conformal, of a few a normal's bound."""
    threshold = conformal(scores, known_kept)
    if measure == BOTH and (len(scores) + 1) * known_kept - 1e-9 > len(scores) and known_kept < 1:
        threshold = max(threshold, _predicted(scores, known_kept))
    return threshold


def usual(values: Floats, spread: float = _USUAL_SPREAD) -> Usual:
    """Return the mean and the spread, the latter drawn towards the given one where pictures are few."""
    squares = float(((values - values.mean()) ** 2).sum()) + _USUAL_COUNT * spread**2
    return Usual(float(values.mean()), float(np.sqrt(squares / (len(values) + _USUAL_COUNT))))


def _predicted(scores: Floats, share: float) -> float:
    """Return the bound below which that share of further scores is expected: Student's, for a normal distribution."""
    from striate.metrics.intervals import student_quantile  # which decoding has no use for

    normal, freedom = usual(scores, spread=1.0), len(scores) - 1 + _USUAL_COUNT
    return normal.mean + student_quantile(share, freedom) * normal.spread * float(np.sqrt(1 + 1 / len(scores)))


def _log_indecision(logits: Floats, temperature: float) -> Floats:
    """Return the log of the generalised entropy (N,) of the likeliest classes."""
    likeliest = np.sort(log_softmax(logits, temperature), axis=1)[:, -LIKELIEST:]
    rest = -np.expm1(np.minimum(likeliest, 0.0))  # 1 - p, exact for p near 0
    rest[:, -1] = np.exp(likeliest[:, :-1]).sum(axis=1)  # and for the p near 1
    logarithms: Floats = np.log((np.exp(GAMMA * likeliest) * rest**GAMMA).sum(axis=1) + 1e-30)
    return logarithms
