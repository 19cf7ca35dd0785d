from collections.abc import Callable

import pytest

from suite.spec.language.overrides import override
from suite.spec.library import Library
from suite.yaml.errors import SpecError

Make = Callable[..., Library]


@pytest.mark.parametrize("text", ["yolov5[ns]", "yolov5*", "yolov5s", "yolov5s[]", "yolov5s[width"])
def test_what_sets_nothing_is_no_override(text: str) -> None:
    assert override(text) is None


def test_settings_are_what_a_file_on_that_base_would_say(library: Make) -> None:
    made = library(child="base: base\nwidth: 0.5\nactivation: relu\n")
    named = made.load("base[width=0.5,activation=relu]")

    assert named.fingerprint == made.load("child").fingerprint
    assert (named.name, named.base) == ("base[width=0.5,activation=relu]", "base")


def test_a_setting_is_part_of_the_fingerprint(library: Make) -> None:
    made = library()

    assert made.load("base[width=0.5]").fingerprint != made.load("base").fingerprint


def test_what_is_set_is_compared_with_what_was_named(library: Make) -> None:
    assert library().load("base[width=0.5]").baseline == "base"


def test_a_key_within_a_key_is_set_by_a_point(library: Make) -> None:
    loss = library().load("base[loss.box=nwd, loss.constant=9,nms=soft]").loss

    assert (loss.box, loss.constant) == ("nwd", 9)


def test_globs_designs_and_files_take_settings_too(library: Make, tmp_path) -> None:
    made = library(base_a="base: base\nactivation: relu\n", base_b="base: base\nnorm: layer\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "own.yaml").write_text("base: base\nnms: soft\n")

    chosen = made.select(["base_*[width=0.5]", f"{elsewhere}/own.yaml[width=2]"])
    names = ["base_a[width=0.5]", "base_b[width=0.5]", "own[width=2]"]
    assert [variant.name for variant in chosen] == names
    assert made.load(chosen[-1].baseline).nms.kind == "soft"


def test_an_override_stands_in_no_list(library: Make) -> None:
    made = library()
    made.load("base[width=0.5]")

    assert made.names() == ("base",)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "base[widht=0.5]",
            "'widht' cannot be set where a variant is named; did you mean 'width'?",
        ),
        ("base[weights=w]", "'weights' cannot be set where a variant is named"),
        ("base[width=a b]", "'width=a b' is no setting; KEY=VALUE, such as width=0.5"),
        ("base[width=x]", "base[width=x]:2:8: error E101: `width` is a number, not the word 'x'"),
        ("base[width=0]", "`width` is above 0"),
        ("base[loss.box=syou]", "`box` cannot be 'syou'"),
        ("none[width=0.5]", "no variant 'none'"),
    ],
)
def test_a_setting_that_cannot_be_is_named(library: Make, name: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        library().load(name)

    assert message in str(caught.value)


def test_the_origins_of_what_is_set_are_told(library: Make) -> None:
    origins = library().origins("base[activation=relu]")

    assert origins["activation"] == "base[activation=relu]"
    assert origins["backbone"].endswith("base.yaml")
