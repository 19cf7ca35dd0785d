"""What is said of the weights that trainings start from: whether their classes are those of the data."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from suite.nn.weights.class_names import class_names_in
from suite.session.variants import Tell
from suite.spec.records.variant import Variant
from suite.yaml.errors import few


def tell_other_classes(variants: Iterable[Variant], names: Sequence[str], tell: Tell) -> None:
    """Warn of weights whose classes are others than the data's, or in another order, though as many.

    An output of the head starts from the one in its place, whatever that was trained to find; weights of another number
    of classes leave the outputs as they start.

    Args:
        variants: that are to be trained.
        names: of the data's classes, by index.
        tell: is given a line for each such file.
    """
    for file in dict.fromkeys(variant.weights for variant in variants if variant.weights):
        stated = class_names_in(Path(file))
        if len(stated) == len(names) and stated != tuple(names):
            tell(
                f"warning: {file} was trained on {few(stated)}, the data has {few(names)}: "
                "outputs start from those in their place, so another class's"
            )
