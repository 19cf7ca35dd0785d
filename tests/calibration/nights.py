"""Whole nights of a made-up world, judged by what judges a report: how often are its words and intervals right?

    python -m tests.calibration.nights [--nights 1000]

Every night draws a test set, trains a base and its variants with a few seeds each, and compares them. Two of the
variants are the base under another name, so every "better" or "worse" of theirs is false; the third really differs.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import stats

from suite.stats.bootstrap import picture_weights, resampled
from suite.stats.difference import Side, difference
from suite.stats.intervals import Estimate
from suite.stats.verdict import Rule, verdicts
from tests.calibration.world import World, trained, truth

RULE = Rule("higher", 0.004, lambda value: f"{100 * value:+.2f} points")
SHIFT = -0.25  # of the skill of the variant that differs
RESAMPLES = 120


@dataclass(frozen=True)
class Setting:
    """What a run looks like, and which source of chance is large in it."""

    name: str
    world: World
    seeds: int = 3
    same: int = 2  # variants that are the base


SETTINGS = (
    Setting("seeds decide, 3 a side", World(seed=0.15)),
    Setting("pictures decide, 3 a side", World(seed=0.02, own=0.5, shared=1.6)),
    Setting(
        "what a seed makes of a picture decides, 3 a side", World(seed=0.0, own=1.5, shared=0.6)
    ),
    Setting("seeds decide, 5 a side", World(seed=0.15), seeds=5),
)


@dataclass
class Tally:
    """What happened: intervals of 95 % that held the truth, nights with a false word, words by variant."""

    nights: int = 0
    compared: dict[str, int] = field(default_factory=lambda: {"same": 0, "differs": 0})
    covered: dict[str, int] = field(default_factory=lambda: {"same": 0, "differs": 0})
    false_nights: int = 0
    words: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(
        self, estimates: Sequence[Estimate], words: Sequence[str], truths: Sequence[float]
    ) -> None:
        """Count one night; variants whose truth is 0 are the base's equals."""
        self.nights += 1
        kinds = ["same" if true == 0 else "differs" for true in truths]
        for estimate, word, true, kind in zip(estimates, words, truths, kinds, strict=True):
            self.compared[kind] += 1
            self.covered[kind] += estimate.low <= true <= estimate.high
            self.words[kind, word] += 1
        self.false_nights += any(
            kind == "same" and word in {"better", "worse"}
            for kind, word in zip(kinds, words, strict=True)
        )

    def coverage(self, kind: str) -> float:
        """The share of intervals that held the truth."""
        return self.covered[kind] / self.compared[kind]

    @property
    def false_limit(self) -> float:
        """The upper 95 % limit of the share of nights with a false word (Clopper and Pearson 1934)."""
        return float(stats.beta.ppf(0.95, self.false_nights + 1, self.nights - self.false_nights))


def true_difference(setting: Setting, draws: int = 20) -> float:
    """The difference that the third variant really makes: many seeds on many pictures, both with the same noise."""
    random = np.random.default_rng(99)
    world = replace(setting.world, pictures=4000)
    weights = np.ones((world.pictures, 1), np.intp)
    found = []
    for draw in range(draws):
        pictures = truth(world, random)
        models = [
            trained(pictures, skill, np.random.default_rng(draw)) for skill in (0.3, 0.3 + SHIFT)
        ]
        ap = [resampled(model, weights)[0, 0] for model in models]
        found.append(ap[1] - ap[0])
    return float(np.mean(found))


def simulate(setting: Setting, nights: int, true: float, *, seed: int = 1) -> Tally:
    """Run the nights; the same seed gives the same tally."""
    random = np.random.default_rng(seed)
    weights = picture_weights(setting.world.pictures, RESAMPLES)
    weights = np.concatenate([np.ones_like(weights[:, :1]), weights], axis=1)
    skills = [0.3] * (1 + setting.same) + [0.3 + SHIFT]
    truths = [0.0] * setting.same + [true]
    tally = Tally()
    for _ in range(nights):
        pictures = truth(setting.world, random)
        sides = []
        for skill in skills:
            models = [trained(pictures, skill, random) for _ in range(setting.seeds)]
            ap = np.stack([resampled(model, weights)[0] for model in models])
            sides.append(Side(tuple(ap[:, 0].tolist()), ap[:, 1:], setting.world.pictures))
        estimates = [difference(sides[0], side) for side in sides[1:]]
        tally.add(estimates, [judged.word for _, judged in verdicts(estimates, RULE)], truths)
    return tally


def lines(setting: Setting, tally: Tally, true: float) -> list[str]:
    """The result for a reader."""
    said = {
        kind: {w: n for (k, w), n in sorted(tally.words.items()) if k == kind}
        for kind in tally.compared
    }
    return [
        f"{setting.name}: {tally.nights} nights, true difference {100 * true:+.2f} AP",
        f"  coverage of equals {tally.coverage('same'):.3f}, of the other {tally.coverage('differs'):.3f}",
        f"  nights with a false word {tally.false_nights / tally.nights:.3f}, upper limit {tally.false_limit:.3f}",
        f"  words {said}",
    ]


def main() -> None:
    """Every setting, on stdout."""
    parser = argparse.ArgumentParser(
        description="Check intervals and verdicts against made-up nights"
    )
    parser.add_argument("--nights", type=int, default=1000)
    nights = parser.parse_args().nights
    for setting in SETTINGS:
        true = true_difference(setting)
        sys.stdout.write("\n".join(lines(setting, simulate(setting, nights, true), true)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
