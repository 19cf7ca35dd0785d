"""The page on the architecture names what is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ("docs/architecture.md", "CONTRIBUTING.md", "docs/python.md")
PATH = re.compile(r"`((?:suite|reports|tests|docs|schema|variants|findings)/[\w./-]*)`")
LINK = re.compile(r"\]\((?!http)([^)#]+)")


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_folder_that_a_page_names_is_there(page: str) -> None:
    named = set(PATH.findall((ROOT / page).read_text()))

    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    file = ROOT / page

    links = LINK.findall(file.read_text())

    assert [link for link in links if not (file.parent / link).exists()] == []


def test_the_map_has_every_package_of_the_suite() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    packages = {path.parent.name for path in (ROOT / "suite").glob("*/__init__.py")}

    assert [name for name in sorted(packages) if f"suite/{name}/" not in text] == []
