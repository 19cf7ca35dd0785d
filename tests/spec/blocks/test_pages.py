from pathlib import Path

import pytest

from suite.spec.blocks.pages import block_page
from suite.spec.blocks.signatures import Signatures, default_signatures

MIX = '''\
"""Mix: an example (Someone 2020, arXiv 2001.00001).

More about it.
"""


class _Frame(Module):
    def forward(self, x):
        """(B, in, H, W) to
        (B, out, H, W).
        """


class Mix(_Frame):
    """Mixes.

    `rate` is how much.
    """

    def __init__(self, in_channels: int, out_channels: int, *, rate: float, names: tuple[str, ...] = ("a",),
                 limit: int | None = None, size: int = LIMIT):
        pass


class Silent(Module):
    def __init__(self, in_channels: int):
        pass
'''


@pytest.fixture
def signatures(tmp_path: Path) -> Signatures:
    (tmp_path / "mix.py").write_text(MIX)
    return Signatures((tmp_path,), ())


def test_a_page_says_what_file_class_and_forward_pass_say(signatures: Signatures) -> None:
    page = block_page(signatures.get("mix.Mix"))

    assert page.about == "Mix: an example (Someone 2020, arXiv 2001.00001)."
    assert page.text == "Mixes.\n\n`rate` is how much."
    assert page.summary == "Mixes."
    assert page.shapes == "(B, in, H, W) to (B, out, H, W)."
    assert MIX.splitlines()[page.line - 1].startswith("class Mix")


def test_a_page_lists_the_options_with_types_and_defaults(signatures: Signatures) -> None:
    rate, names, limit, size = block_page(signatures.get("mix.Mix")).options

    assert (rate.name, rate.type, rate.needed) == ("rate", "a number", True)
    assert (names.type, names.default) == ("tuple[str, ...]", ["a"])
    assert (limit.default, limit.needed, limit.computed) == (None, False, False)
    assert (size.needed, size.computed) == (False, True)


def test_a_block_that_says_nothing_of_itself_is_summed_up_by_its_file(
    signatures: Signatures,
) -> None:
    page = block_page(signatures.get("mix.Silent"))

    assert (page.text, page.shapes) == ("", "")
    assert page.summary == "Mix: an example (Someone 2020, arXiv 2001.00001)."


@pytest.mark.parametrize("address", default_signatures().addresses())
def test_every_block_of_the_suite_says_what_it_is_and_what_it_does_with_shapes(
    address: str,
) -> None:
    page = block_page(default_signatures().get(address))

    assert page.about
    assert page.summary
    assert "B, " in page.shapes + page.text
    assert "\n" not in page.summary
