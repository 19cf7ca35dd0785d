"""What others published of a protocol's variants, so that a run can say whether it reproduces them."""

from dataclasses import dataclass

from suite.protocols.limits import MAX_COUNT, MAX_SIDE
from suite.yaml.rules import needed


@dataclass(frozen=True, slots=True)
class Result:
    """One published AP, as a fraction, and the recipe of ours that is the one it was trained with."""

    variant: str = needed("our variant of that network")
    ap: float = needed("its AP, as a fraction", low=0, high=1, above=True)
    recipe: str = needed("our recipe that is the one it was trained with")


@dataclass(frozen=True, slots=True)
class Published:
    """Results that hold for validation data of so many pictures and categories, at this image size only."""

    source: str = needed("where they are from")
    pictures: int = needed("pictures of the validation data", low=1, high=MAX_COUNT)
    categories: int = needed("categories of the data", low=1, high=MAX_COUNT)
    image_size: int = needed("side of the pictures in pixels", low=1, high=MAX_SIDE)
    band: float = needed(
        "how far a run that reproduces one may lie from it: what published runs of one network "
        "differ by",
        low=0, high=1, above=True,
    )  # fmt: skip
    results: tuple[Result, ...] = needed(
        "`{variant: …, ap: …, recipe: …}` each", members="a published result", least=1, unique=True
    )
