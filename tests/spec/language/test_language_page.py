import re
from pathlib import Path

import pytest

from suite.spec.language.keys import DESIGN_KEYS, FILE_KEYS, VERBS
from suite.spec.library import VARIANTS, Library

PAGE = (Path(__file__).parents[3] / "docs" / "language.md").read_text()
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PYTHON = re.findall(r"`(\w+\.py)`:\n\n```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_of_the_page_is_a_sound_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "example.yaml"
    path.write_text(text)
    for name, source in PYTHON:
        (tmp_path / name).write_text(source)

    assert Library((VARIANTS,)).select([str(path)])


@pytest.mark.parametrize("key", [*FILE_KEYS, *DESIGN_KEYS, *VERBS])
def test_the_page_shows_every_key_and_verb(key: str) -> None:
    assert re.search(rf"\b{key}:", "".join(EXAMPLES))
