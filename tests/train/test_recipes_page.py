import re
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from suite.train.recipe import RECIPES, Recipe, recipe

PAGE = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text()
NAMED_BY_ITS_FILE = "name"


def documented() -> dict[str, tuple[str, str]]:
    """Default and range of every key as the page has them; a key of a part by the part's heading, as "loss.box"."""
    found = {}
    for heading, text in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL):
        part = "" if " " in heading else f"{heading}."
        for key, default, limits in re.findall(
            r"^\| `(\w+)` \| (.*?) ?\| (.*?) ?\| \S", text, re.MULTILINE
        ):
            found[part + key] = (default, limits)
    return found


def settings(kind: type = Recipe, part: str = "") -> dict[str, tuple[str, str]]:
    """The same of the records."""
    types = get_type_hints(kind)
    found = {}
    for rule in fields(kind):
        if part + rule.name != NAMED_BY_ITS_FILE:
            found[part + rule.name] = (_default(rule), _limits(rule, types[rule.name]))
            if is_dataclass(types[rule.name]):
                found |= settings(types[rule.name], f"{rule.name}.")
    return found


def _default(rule: Field) -> str:
    value = "" if rule.default is MISSING or is_dataclass(rule.default) else rule.default
    return (
        f"{value:g}"
        if isinstance(value, int | float) and not isinstance(value, bool)
        else str(value).lower()
    )


def _limits(rule: Field, kind: object) -> str:
    bounds = rule.metadata["rule"]
    if bounds.high:
        return f"{bounds.low:.12g} – {bounds.high:.12g}"
    return ", ".join(get_args(kind))


@pytest.mark.parametrize("key", sorted(settings().keys() | documented().keys()))
def test_the_page_says_default_and_range_of_every_key(key: str) -> None:
    assert documented().get(key) == settings().get(key)


def test_the_page_names_every_shipped_recipe() -> None:
    assert {file.stem for file in RECIPES.glob("*.yaml")} <= set(re.findall(r"`([\w-]+)`", PAGE))


@pytest.mark.parametrize(
    "text", re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
)
def test_every_example_of_the_page_is_a_sound_recipe(tmp_path: Path, text: str) -> None:
    file = tmp_path / "example.yaml"
    file.write_text(text)

    assert recipe(file).title
