"""A made-up world of pictures, objects and detectors, in which the true difference of two variants is known.

What a detector makes of an object is its skill, less the object's difficulty (the same for every detector: the chance
of the pictures), plus noise of its own (the chance of a training that differs from picture to picture). The skill of
a seed is its variant's plus noise (the chance of a training that all pictures share).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suite.stats.matches import IOU_THRESHOLDS, Matches


@dataclass(frozen=True)
class World:
    """Pictures with Poisson numbers of objects and false alarms; `own` and `seed` are standard deviations."""

    pictures: int = 100
    categories: int = 3
    objects: float = 4.0
    alarms: float = 6.0
    shared: float = 1.2
    own: float = 0.8
    seed: float = 0.15


@dataclass(frozen=True)
class Truth:
    """The objects of the pictures that were drawn."""

    world: World
    picture: NDArray[np.int32]
    category: NDArray[np.int32]
    difficulty: NDArray[np.float64]


def truth(world: World, random: np.random.Generator) -> Truth:
    """Draw the pictures of a test set."""
    counts = random.poisson(world.objects, world.pictures)
    picture = np.repeat(np.arange(world.pictures, dtype=np.int32), counts)
    of_picture = random.normal(0, 0.7 * world.shared, world.pictures)
    difficulty = of_picture[picture] + random.normal(0, 0.7 * world.shared, len(picture))
    # few objects of the last categories, many of the first
    share = 1 / np.arange(1, world.categories + 1)
    category = random.choice(world.categories, size=len(picture), p=share / share.sum()).astype(
        np.int32
    )
    return Truth(world, picture, category, difficulty)


def trained(truth: Truth, skill: float, random: np.random.Generator) -> Matches:
    """The matches of one trained model: `skill` is its variant's, the chance of its seed is added here."""
    world = truth.world
    skill = skill + random.normal(0, world.seed)
    quality = skill - truth.difficulty + random.normal(0, world.own, len(truth.picture))
    passed = np.clip(np.floor(14 / (1 + np.exp(-quality)) - 2), 0, len(IOU_THRESHOLDS)).astype(
        np.uint64
    )
    alarms = random.poisson(world.alarms, world.pictures)
    alarm_picture = np.repeat(np.arange(world.pictures, dtype=np.int32), alarms)
    alarm_score = random.normal(-1.0, 1.0, len(alarm_picture))
    score = np.concatenate([quality + random.normal(0, 0.6, len(quality)), alarm_score])
    picture = np.concatenate([truth.picture, alarm_picture])
    category = np.concatenate(
        [truth.category, random.integers(world.categories, size=len(alarm_picture))]
    )
    correct = np.concatenate(
        [(np.uint64(1) << passed) - np.uint64(1), np.zeros(len(alarm_picture), np.uint64)]
    )
    order = np.lexsort((-score, category))
    return Matches(
        pictures=np.arange(world.pictures),
        categories=np.arange(world.categories),
        names=tuple(f"category {number}" for number in range(world.categories)),
        data="",
        picture=picture[order],
        category=category[order].astype(np.int32),
        score=score[order],
        rank=np.zeros(len(order), np.int16),
        correct=correct[order],
        ignored=np.zeros(len(order), np.uint64),
        truth_picture=truth.picture,
        truth_category=truth.category,
        truth_counted=np.ones(len(truth.picture), np.uint8),
    )
