"""`yolov5p[width=0.5]`: a variant with keys set where it is named, as if a file said so and had it as its base."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from suite.spec.language.keys import FILE_KEYS
from suite.yaml.errors import SpecError, quote, suggest

_NAMED = re.compile(r"(?P<base>[^\[\]]+)\[(?P<settings>[^\[\]]*=[^\[\]]*)\]")
_SETTING = re.compile(r"(?P<key>\w+)(\.(?P<inner>\w+))?=(?P<value>[\w.+-]+)")
# what a few words cannot say, or what would be another file
_ELSEWHERE = frozenset(
    {
        *("title", "paper", "base", "match", "backbone", "neck", "head", "anchors", "edits"),
        *("schedules", "freeze", "weights", "blocks", "control", "expect"),
    }
)
KEYS = tuple(key for key in FILE_KEYS if key not in _ELSEWHERE)


class Override(NamedTuple):
    """What is named, a variant, glob or file, and what is set in it: KEY=VALUE or KEY.KEY=VALUE each."""

    base: str
    settings: tuple[str, ...]

    def name(self, variant: str) -> str:
        """What one of the variants is called with these settings."""
        return f"{variant}[{','.join(self.settings)}]"


def override(text: str) -> Override | None:
    """A name with settings behind it; None if there are none."""
    match = _NAMED.fullmatch(text)
    if match is None:
        return None
    return Override(match["base"], tuple(part.strip() for part in match["settings"].split(",")))


def override_text(variant: str, settings: Sequence[str]) -> str:
    """The file that the settings of a variant stand for.

    Raises:
        SpecError: a setting is none, or its key cannot be set so.
    """
    values: dict[str, str] = {}
    inner: dict[str, list[str]] = {}
    for setting in settings:
        match = _SETTING.fullmatch(setting)
        if match is None:
            hint = "KEY=VALUE, such as width=0.5 or loss.box=siou"
            raise SpecError.single(None, "E101", f"{quote(setting)} is no setting", hint=hint)
        key = match["key"]
        if key not in KEYS:
            hint = suggest(key, KEYS)
            message = f"{quote(key)} cannot be set where a variant is named"
            raise SpecError.single(None, "E102", message, hint=hint)
        if match["inner"]:
            inner.setdefault(key, []).append(f"{match['inner']}: {match['value']}")
        else:
            values[key] = match["value"]
    lines = [f"base: {variant}", *(f"{key}: {value}" for key, value in values.items())]
    lines += (f"{key}: {{{', '.join(pairs)}}}" for key, pairs in inner.items())
    return "\n".join(lines) + "\n"
