"""What others published of a protocol's variants, so that a run can say whether it reproduces them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """One published AP, as a fraction, and the recipe of ours that is the one it was trained with."""

    variant: str
    ap: float
    recipe: str


@dataclass(frozen=True, slots=True)
class Published:
    """Results that hold for validation data of so many pictures and categories, at this image size only.

    `band` is how far a run that reproduces one may lie from it: what published runs of one network differ by.
    """

    source: str
    pictures: int
    categories: int
    image_size: int
    band: float
    results: tuple[Result, ...]
