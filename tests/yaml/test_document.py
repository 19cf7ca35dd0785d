import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from suite import protocols
from suite.datasets.formats.yolo_yaml import read_description
from suite.datasets.split import DataError
from suite.spec.blocks.signatures import Signatures
from suite.spec.language.decode import decode, read_text
from suite.spec.yolov5.importer import import_model
from suite.train.recipe import recipe
from suite.yaml import document
from suite.yaml.document import MAX_BYTES, MAX_DEPTH, parse, plain, read_bytes
from suite.yaml.errors import Problems, SpecError


def value_of(text: str) -> object:
    problems = Problems()
    node = parse(f"key: {text}", "f.yaml", problems)
    problems.raise_if_any()
    tree = plain(node)
    assert isinstance(tree, dict)
    return tree["key"]


def problems_of(text: str) -> list[tuple[str, int, int]]:
    """Code, line and column of each problem."""
    problems = Problems()
    try:
        parse(text, "f.yaml", problems)
    except SpecError as error:
        problems.found += error.problems
    return [(p.code, p.mark.line, p.mark.column) for p in problems.found if p.mark]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1e5", 100000.0),
        (".5", 0.5),
        ("-7", -7),
        ("0", 0),
        ("0.0625", 0.0625),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("no", "no"),
        ("NO", "NO"),
        ("on", "on"),
        ("1:30", "1:30"),
        ("12:30:00", "12:30:00"),
        ("2024-13-45", "2024-13-45"),
        ("2024-01-02", "2024-01-02"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("1.2.3", "1.2.3"),
        ("<<", "<<"),
    ],
)
def test_a_scalar_is_read_as_yaml_1_2_says(text: str, value: object) -> None:
    read = value_of(text)

    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    "text", ["010", "-01", "00.5", "0x1F", "0o17", "1_000", ".nan", "-.inf", "1e400", "9" * 5000]
)
def test_a_number_that_could_be_misread_is_an_error(text: str) -> None:
    assert problems_of(f"key: {text}") == [("E004", 1, 6)]


def test_equal_keys_are_an_error_that_names_both_lines() -> None:
    problems = Problems()

    parse("a: 1\nb: 2\n'a': 3\n", "f.yaml", problems)

    assert [str(problem) for problem in problems.found] == [
        "f.yaml:3:1: error E002: key 'a' is given twice; first on line 1"
    ]


def test_equal_keys_are_found_in_nested_mappings() -> None:
    assert problems_of("a:\n  - {b: 1, b: 2}\n") == [("E002", 2, 12)]


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system", "!!binary", "!include", "!!set", "!"]
)
def test_a_tag_is_an_error(tag: str) -> None:
    assert problems_of(f"a: {tag} b") == [("E003", 1, 4)]


def test_an_alias_stands_for_its_anchor() -> None:
    problems = Problems()

    tree = plain(parse("a: &x {b: 1}\nc: *x\n", "f.yaml", problems))

    assert tree == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize("text", ["a: &x [*x]", "a: *y", "&x {a: *x}"])
def test_an_alias_that_leads_nowhere_or_to_itself_is_an_error(text: str) -> None:
    assert [code for code, _, _ in problems_of(text)] == ["E003"]


def test_an_alias_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    start = time.perf_counter()

    found = problems_of("\n".join(lines))

    assert [code for code, _, _ in found] == ["E005"]
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
@pytest.mark.parametrize("levels", [MAX_DEPTH + 5, 5000, 50_000])
def test_deep_nesting_is_refused(opening: str, levels: int) -> None:
    codes = {code for code, _, _ in problems_of(opening * levels)}

    assert codes == {"E005"}


def stairs(opening: str, levels: int) -> str:
    """A level a line, each further to the right."""
    return "\n".join(f"{' ' * level}{opening}" for level in range(levels))


@pytest.mark.parametrize(
    "text",
    [
        stairs("a:", 600),
        stairs("-", 600),
        stairs("a: [", 600),
        "[\n" * 5000,
        "[{a: " * 5000,
        "a: 1\nb:\n  - 'x [[[['\n  - " + "[" * 5000,
        'a: ["[[[", [' + "[" * 5000,
        "- " * 15 + "[" * 5000,
        "a: " + "[" * 5000 + "]" * 5000 + "\nb: 2\n",
        "a: " + "[" * (MAX_DEPTH + 5) + "%",
    ],
    ids=range(10),
)
def test_nesting_of_every_form_is_refused(text: str) -> None:
    codes = {code for code, _, _ in problems_of(text)}

    assert codes == {"E005"}


def test_nesting_is_refused_at_the_first_level_too_many() -> None:
    assert problems_of("a: 1\nb: " + "[" * 5000) == [("E005", 2, 4 + MAX_DEPTH - 1)]


class Fussy(yaml.SafeLoader):
    """Refuses brackets beyond 25 levels, which it meets before it tells of the first one."""

    def fetch_flow_collection_start(self, TokenClass: type) -> None:
        if self.flow_level >= 25:
            mark = self.get_mark()
            raise yaml.scanner.ScannerError("while increasing flow level", mark, "too deep", mark)
        super().fetch_flow_collection_start(TokenClass)


def test_nesting_is_refused_in_our_words_whatever_the_parser_bounds_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(document, "_LOADER", Fussy)

    assert problems_of("a: " + "[" * 1000) == [("E005", 1, 4 + MAX_DEPTH - 1)]


@pytest.mark.parametrize(
    "text", ['a: "' + "[" * 5000, "a: '" + "[{" * 5000, "a: {b: ]}", "a: [[[%]]]", "a: " + "]" * 50]
)
def test_a_fault_without_deep_nesting_is_told_as_it_is(text: str) -> None:
    assert [code for code, _, _ in problems_of(text)] == ["E001"]


def test_as_many_levels_as_are_allowed_are_read() -> None:
    assert problems_of("[" * MAX_DEPTH + "]" * MAX_DEPTH) == []


READERS: dict[str, Callable[[Path], object]] = {
    "a variant": lambda file: decode(read_text(file), str(file), file.stem, Signatures()),
    "a protocol": lambda file: protocols.load(str(file)),
    "a recipe": recipe,
    "a model of YOLOv5": lambda file: import_model(
        file.read_text(), str(file), file.stem, Signatures()
    ),
    "a description of data": read_description,
}


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
@pytest.mark.parametrize("what", READERS)
def test_wherever_yaml_is_read_nesting_is_refused_in_our_words(
    tmp_path: Path, what: str, opening: str
) -> None:
    file = tmp_path / "deep.yaml"
    file.write_text(opening * 10_000)

    with pytest.raises((SpecError, DataError), match=f"nested deeper than {MAX_DEPTH} levels"):
        READERS[what](file)


def test_a_second_document_is_refused() -> None:
    assert problems_of("a: 1\n---\nb: 2\n") == [("E001", 2, 1)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n",
        "# only a comment\n",
        "a: [",
        "\ta: 1",
        "a: 'x",
        "%YAML 9.9\n---\na: 1",
        "a: \x00",
    ],
)
def test_what_is_not_yaml_is_an_error_with_a_place(text: str) -> None:
    assert [code for code, _, _ in problems_of(text)] == ["E001"]


@pytest.mark.parametrize("key", ["1", "[a, b]", "{a: b}", "null", "true"])
def test_a_key_that_is_no_word_is_an_error(key: str) -> None:
    assert [code for code, _, _ in problems_of(f"? {key}\n: 1\n")] == ["E101"]


@given(
    st.text(
        alphabet=st.one_of(st.sampled_from("{}[]:,-?&*!|>'\"%@`#~ \n\tab01.e_"), st.characters())
    )
)
def test_no_text_raises_anything_but_spec_error(text: str) -> None:
    with suppress(SpecError):
        parse(text, "f.yaml", Problems())


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"#" * (MAX_BYTES + 1))

    with pytest.raises(SpecError, match="is larger than 256 KiB"):
        read_bytes(path)


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    path = tmp_path / "pipe.yaml"
    os.mkfifo(path)

    with pytest.raises(SpecError, match="not a regular file"):
        read_bytes(path)


@pytest.mark.parametrize("kind", ["folder", "device", "loop", "absent"])
def test_what_is_not_a_regular_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.yaml"
    if kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "loop":
        path.symlink_to(path)

    with pytest.raises(SpecError, match="E006"):
        read_bytes(path)


def test_control_characters_of_a_file_name_are_not_printed(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        read_bytes(tmp_path / "a\x1b[31m\n.yaml")

    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)
