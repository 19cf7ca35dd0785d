"""How much two variants differ in accuracy: seeds and test pictures as two sources of chance.

The accuracy of variant v, seed s, on test set I is modelled as crossed random effects (Cornfield
and Tukey 1956): mean(v) + seed(v, s) + pictures(v, I) + both(v, s, I). The standard deviation over
seeds, s, holds seed and both; a bootstrap over pictures holds pictures and both. So

    SE² = V + s_A² / k_A + s_B² / k_B,

where k are the numbers of seeds and V is the variance over pictures that all seeds of a variant
share: the mean covariance of two seeds of A under the same resamples, plus that of B, minus twice
that of a seed of A and one of B (0 where that is negative). The bootstrap variance of the mean over
seeds itself would count `both` twice, and its intervals would be too wide. Degrees of freedom after
Welch (1947) and Satterthwaite (1946):

    ν = SE⁴ / (V² / (n - 1) + (s_A² / k_A)² / (k_A - 1) + (s_B² / k_B)² / (k_B - 1)),

with n pictures. Seeds are not paired: one number draws the same pictures and augmentations for
every network, but what two networks make of them goes apart within a few steps, and a pairing that
does not correlate costs half of the degrees of freedom.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from suite.stats.intervals import Basis, Estimate, between

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One variant: the value of each seed, and of each seed under the same resamples of the same pictures.

    `resampled` is (seeds, resamples), None where it is not known; `pictures` is how many pictures
    there are.
    """

    values: tuple[float, ...]
    resampled: Floats | None = None
    pictures: int = 0


def difference(reference: Side, samples: Side, level: float = 0.95) -> Estimate:
    """Mean of `samples` minus mean of `reference`, with its interval; no change is 0.

    Without resamples this is Welch's interval over seeds. With them and fewer than two seeds on a
    side, the interval holds the test pictures alone (`basis`) and p stays 1: what another seed
    would give is not known. With neither the bounds are infinite.

    Args:
        reference: the base, its AP (a fraction) of each seed.
        samples: the variant.
        level: of the interval.

    >>> gain = difference(Side((0.30, 0.31, 0.32)), Side((0.35, 0.36, 0.37)))
    >>> round(gain.value, 3), round(gain.low, 3), round(gain.high, 3)  # 0.05 ± t(0.975, 4) · 0.01 · √(2/3)
    (0.05, 0.027, 0.073)

    Raises:
        ValueError: a side has no values.

    Source: the model, and Welch and Satterthwaite's degrees of freedom, stand at the top of this file.
    """
    sides = (reference, samples)
    if not all(side.values for side in sides):
        raise ValueError("a side has no samples, so there is no difference; measure both")
    value = float(np.mean(samples.values) - np.mean(reference.values))
    n = min(len(side.values) for side in sides)
    freedom = max(min(side.pictures for side in sides) - 1, 1)
    if n < 2:
        return _of_pictures(value, sides, n=n, freedom=freedom, level=level)
    spread = (_deviation(reference), _deviation(samples))
    terms = [
        (deviation**2 / len(side.values), len(side.values) - 1)
        for deviation, side in zip(spread, sides, strict=True)
    ]
    shared = _shared_variance(reference.resampled, samples.resampled)
    basis: Basis = "seeds"
    if shared is not None:
        basis = "pictures and seeds"
        terms.append((shared, freedom))
    error = math.sqrt(sum(variance for variance, _ in terms))
    estimate = between(value, n=n, error=error, freedom=satterthwaite(terms), level=level)
    return replace(estimate, spread=spread, pictures=shared or 0.0, basis=basis)


def _deviation(side: Side) -> float:
    """The standard deviation over the seeds."""
    return float(np.std(side.values, ddof=1))


def satterthwaite(terms: Sequence[tuple[float, float]]) -> float:
    """Degrees of freedom of a sum of variances: (variance, its own) of each; infinite for no variance."""
    below = sum(variance**2 / freedom for variance, freedom in terms)
    return sum(variance for variance, _ in terms) ** 2 / below if below else math.inf


def _of_pictures(
    value: float, sides: tuple[Side, Side], *, n: int, freedom: int, level: float
) -> Estimate:
    """What the choice of the pictures alone makes of one training on a side."""
    means = [side.resampled.mean(axis=0) for side in sides if side.resampled is not None]
    if len(means) < len(sides):
        return Estimate(value, -math.inf, math.inf, n, basis="seeds")
    variance = float(np.var(_finite(means[1] - means[0]), ddof=1))
    estimate = between(value, n=n, error=math.sqrt(variance), freedom=freedom, level=level)
    return replace(estimate, p=1.0, pictures=variance, basis="pictures")


def _shared_variance(reference: Floats | None, samples: Floats | None) -> float | None:
    """Variance over pictures of the difference, of what all seeds of a side have in common; None if not resampled."""
    if reference is None or samples is None:
        return None
    first = len(reference)
    covariance = np.cov(_finite(np.concatenate([reference, samples])))
    mine, theirs = covariance[:first, :first], covariance[first:, first:]
    shared = _between_seeds(mine) + _between_seeds(theirs) - 2 * covariance[:first, first:].mean()
    return max(float(shared), 0.0)


def _between_seeds(covariance: Floats) -> float:
    """The mean covariance of two different seeds."""
    count = len(covariance)
    return float((covariance.sum() - np.trace(covariance)) / (count * (count - 1)))


def _finite(resamples: Floats) -> Floats:
    """Without the resamples that drew no object, which have no value."""
    return resamples[..., np.isfinite(resamples).all(axis=tuple(range(resamples.ndim - 1)))]
