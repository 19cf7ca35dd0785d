import pytest

from suite.spec.records.variant import Expect
from suite.spec.views.expectation import broken_promises
from suite.spec.views.write import expect_line

BUILT = Expect(strides=(8, 16, 32), params=100, gmacs=8.2171)


@pytest.mark.parametrize(
    "promised", [Expect(), Expect(params=100), Expect((8, 16, 32), 100, 8.217), Expect(gmacs=8.22)]
)
def test_a_promise_that_is_kept_is_not_mentioned(promised: Expect) -> None:
    assert broken_promises(promised, BUILT) == ()


@pytest.mark.parametrize(
    ("promised", "complaint"),
    [
        (Expect(strides=(16, 32, 64)), "strides are 8, 16, 32, but `expect` says 16, 32, 64"),
        (Expect(params=101), "params are 100, but `expect` says 101"),
        (Expect(gmacs=8.3), "gmacs are 8.217, but `expect` says 8.3"),
    ],
)
def test_a_broken_promise_names_both_numbers(promised: Expect, complaint: str) -> None:
    assert broken_promises(promised, BUILT) == (complaint,)


def test_what_was_not_measured_breaks_no_promise() -> None:
    assert broken_promises(Expect(gmacs=8.3), Expect(params=100)) == ()


def test_the_line_to_paste_is_the_one_that_a_file_has() -> None:
    assert expect_line(BUILT) == "expect: {strides: [8, 16, 32], params: 100, gmacs: 8.2171}"
