"""The names of classes that a weights file states, without a network to load it into."""

from collections.abc import Mapping
from pathlib import Path

from suite.nn.weights.checkpoint import about_file, load_checkpoint
from suite.nn.weights.pickles import SUFFIXES, WeightsError, read_reference_checkpoint
from suite.record import Json


def class_names_in(path: Path) -> tuple[str, ...]:
    """By class index; () where the file states none, or cannot be read, which whoever loads it says."""
    try:
        if path.suffix in SUFFIXES:
            return read_reference_checkpoint(path).class_names
        if about_file(path).is_file():
            return stated_names(load_checkpoint(path).facts)
    except WeightsError:
        return ()
    return ()


def stated_names(facts: Mapping[str, Json]) -> tuple[str, ...]:
    """Those among the facts of an own checkpoint; () where their number is not that of its classes."""
    stated = facts.get("class_names")
    if not isinstance(stated, list) or len(stated) != facts.get("classes"):
        return ()
    return tuple(str(name) for name in stated)
