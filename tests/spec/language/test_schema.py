import json
import os
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from suite.spec.blocks.options import misfit
from suite.spec.blocks.signatures import Signatures, default_signatures
from suite.spec.language.decode import decode
from suite.spec.language.keys import DESIGN_KEYS, FILE_KEYS
from suite.spec.language.schema import annotation_schema, schema
from suite.spec.library import VARIANTS
from suite.yaml.document import parse, plain
from suite.yaml.errors import Problems, SpecError
from tests.narrowing import opened

COMMITTED = Path(__file__).parents[3] / "schema" / "variant.schema.json"
FILES = sorted(VARIANTS.rglob("*.yaml"))
VALUES: tuple[Any, ...] = (
    0,
    1,
    1.5,
    -2,
    True,
    None,
    "",
    "gelu",
    [],
    [1],
    [1, 2, 3],
    ["a"],
    [1.5],
    {},
    {"a": 1},
)


def fits(found: dict, text: str) -> bool:
    answer: bool = Draft202012Validator(found).is_valid(plain(parse(text, "f.yaml", Problems())))
    return answer


@pytest.fixture(scope="module")
def small(signatures: Signatures) -> dict:
    return schema(signatures)


def test_the_committed_schema_is_the_generated_one() -> None:
    made = schema(default_signatures())

    wanted = "write it again: python run_suite.py schema --write"
    assert json.loads(COMMITTED.read_text()) == made, wanted


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(schema(default_signatures()))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_shipped_file_fits_the_schema(path: Path) -> None:
    assert fits(json.loads(COMMITTED.read_text()), path.read_text())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_shipped_file_names_the_schema_first(path: Path) -> None:
    relative = os.path.relpath(COMMITTED, path.parent)

    assert path.read_text().splitlines()[0] == f"# yaml-language-server: $schema={relative}"


def test_every_key_of_a_file_has_a_place() -> None:
    assert tuple(opened(schema(default_signatures())["properties"])) == (*FILE_KEYS, *DESIGN_KEYS)


@pytest.mark.parametrize(
    "text",
    [
        "base: base\nbackbone:\n  - {block: conv.Conv, out: 8, stride: 2, kernel: 3, tag: p3}",
        "base: base\nbackbone: {of: other}\nfreeze: neck",
        "base: base\nneck:\n  - {block: stage.Merge, out: 8, power: 0.5, inputs: [last, p3]}",
        "base: base\nedits:\n  - {replace: {kernel: 3}, with: {block: dynamic.Dynamic, kernels: 2}}",
        "base: base\nedits:\n  - {insert: [{block: conv.Conv}], after: {block: 'conv.*'}, keep_tag: true}",
        "base: base\nedits:\n  - {remove: {tag: [p3, p4]}}\n  - {set: {tag: p3}, to: {shortcut: false}}",
        "base: base\nschedules: [{block: dynamic.Dynamic, set: t, from: 3, to: 1, over: 0.5}]",
        "base: base\nschedules: [{block: dynamic.Dynamic, set: t, from: 3, to: 1, across: blocks}]",
        "base: base\nloss: {box: nwd, constant: 12, objectness: focal, gamma: 1}\nnms: soft",
        "base: base\nassigner: {name: simota, radius: 2}\nnms: {kind: diou, iou: 0.5, agnostic: true}",
        "base: base\nanchors: [[1, 2.5], [3, 4]]",
        "base: base\nedits:\n  - {set: {tag: n3}, to: {inputs: [last, p4], tag: x}}",
        "base: base\nedits:\n  - {set: {part: head}, to: {inputs: {n3: x}}}",
        "base: base\nedits:\n  - {replace: {tag: n3}, with: {block: conv.Conv, out: 8, inputs: p3}}",
        "base: base\nhead: [{block: grid.Grid, inputs: [n3]}]",
    ],
)
def test_the_decoder_and_the_schema_accept(small: dict, signatures: Signatures, text: str) -> None:
    decode(text, "f.yaml", "f", signatures)

    assert fits(small, text)


@pytest.mark.parametrize(
    "text",
    [
        "title: no base and no parts",
        "base: base\nwidht: 1",
        "base: base\nwidth: 0",
        "title: 3\nbase: base",
        "base: base\nfreeze: [tail]",
        "base: base\nbackbone: [{block: conv.Cnv, out: 8}]",
        "base: base\nbackbone: [{block: conv.Conv}]",
        "base: base\nbackbone: [{block: conv.Conv, out: 8, kernel: 0}]",
        "base: base\nbackbone: [{block: conv.Conv, out: 8, shortcut: true}]",
        "base: base\nbackbone: [{block: stage.Stage, out: 8, stride: 2}]",
        "base: base\nbackbone: [{block: stage.Enlarge, out: 8}]",
        "base: base\nbackbone: [{block: stage.Stage, out: 8, act: gelu}]",
        "base: base\nneck: [{block: stage.Merge, out: 8}]",
        "base: base\nneck: [{block: dynamic.Dynamic, out: 8}]",
        "base: base\nedits: [{replace: {kernel: 3}}]",
        "base: base\nedits: [{replace: {kernel: 3}, with: {block: dynamic.Dynamic, out: 8}}]",
        "base: base\nedits: [{replace: {kernel: 3}, with: {block: conv.Conv, tag: p3}}]",
        "base: base\nedits: [{replace: {kernl: 3}, with: {block: conv.Conv}}]",
        "base: base\nedits: [{remove: {tag: p3}, set: {tag: p3}, to: {out: 8}}]",
        "base: base\nedits: [{insert: {block: conv.Conv}, before: {tag: p3}, after: {tag: p3}}]",
        "base: base\nedits: [{set: {tag: p3}, to: {block: conv.Conv}}]",
        "base: base\nschedules: [{block: dynamic.Dynamic, set: t, from: 3, to: 1}]",
        "base: base\nschedules: [{block: dynamic.Dynamic, set: t, from: 3, to: 1, across: time}]",
        "base: base\nloss: siou",
        "base: base\nloss: {box: syou}",
        "base: base\nloss: {gamma: 11, class: focal}",
        "base: base\nassigner: {name: simota, candidates: 0}",
        "base: base\nnms: {kind: soft, sigma: 0}",
        "base: base\nanchors: [[1, 0], [3, 4]]",
        "base: base\nedits: [{set: {tag: n3}, to: {inputs: {}}}]",
        "base: base\nedits: [{set: {tag: n3}, to: {inputs: {n3: 4}}}]",
        "base: base\nedits: [{replace: {kernel: 3}, with: {block: conv.Conv, inputs: {n3: x}}}]",
        "base: base\nedits: [{replace: {kernel: 3}, with: {block: dynamic.Dynamic, inputs: p3}}]",
        "base: base\nexpect: {parms: 3}",
    ],
)
def test_the_decoder_and_the_schema_refuse(small: dict, signatures: Signatures, text: str) -> None:
    with pytest.raises(SpecError):
        decode(text, "f.yaml", "f", signatures)

    assert not fits(small, text)


@pytest.mark.parametrize(
    "annotation",
    [
        "bool", "int", "float", "str", "int | None", "tuple[int, ...]", "list[float]", "tuple[int, int, int]",
        "Sequence[Sequence[float]]", "Literal['gelu', 'relu']", "Mapping[str, int]", "Activation",
    ],
)  # fmt: skip
def test_a_value_fits_the_schema_of_an_annotation_as_it_fits_the_decoder(
    tmp_path: Path, annotation: str
) -> None:
    text = f"class A:\n    def __init__(self, in_channels: int, *, option: {annotation}):\n        pass\n"
    (tmp_path / "a.py").write_text(text)
    block = Signatures((tmp_path,), ()).get("a.A")
    validator = Draft202012Validator(annotation_schema(annotation))

    told = [validator.is_valid(value) for value in VALUES]

    assert told == [misfit(block, "option", value) == "" for value in VALUES]


@pytest.mark.parametrize(
    ("block", "accepted"),
    [("mine.Mine", True), ("stage.Sage", False), ("mine", False), ("mine.Mine.More", False)],
)
def test_the_schema_lets_a_block_of_an_own_file_through(
    small: dict, block: str, accepted: bool
) -> None:
    text = f"base: base\nblocks: ./mine.py\nedits: [{{insert: {{block: {block}, size: 3}}, after: {{tag: p3}}}}]\n"

    assert fits(small, text) == accepted
