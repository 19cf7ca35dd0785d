import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from suite.cli.main import main
from suite.cli.schema import LANGUAGES, as_text, write_all
from suite.protocols.decode import FOLDER
from suite.spec.blocks.signatures import default_signatures
from suite.spec.language.schema import schema
from suite.train.recipe import RECIPES
from suite.yaml.document import parse, plain
from suite.yaml.errors import Problems
from suite.yaml.tables import rewritten

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "schema" / "variant.schema.json"
AGAIN = "write it again: python run_suite.py schema --write"
SHIPPED = [
    *(("protocol", path) for path in sorted(FOLDER.glob("*.yaml"))),
    *(("recipe", path) for path in sorted(RECIPES.glob("*.yaml"))),
]


def is_valid(kind: str, text: str) -> bool:
    committed = json.loads((ROOT / "schema" / f"{kind}.schema.json").read_text())
    answer: bool = Draft202012Validator(committed).is_valid(
        plain(parse(text, "f.yaml", Problems()))
    )
    return answer


def test_schema_prints_what_is_committed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0

    assert capsys.readouterr().out == COMMITTED.read_text()


def test_schema_as_json_has_the_envelope_of_every_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["schema", "--json"]) == 0

    document = json.loads(capsys.readouterr().out)
    assert (document["command"], document["data"]) == ("schema", schema(default_signatures()))


@pytest.mark.parametrize("kind", LANGUAGES)
def test_the_schema_of_each_kind_of_file_is_committed(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schema", "--of", kind]) == 0

    printed = capsys.readouterr().out
    assert printed == (ROOT / "schema" / f"{kind}.schema.json").read_text(), AGAIN
    Draft202012Validator.check_schema(json.loads(printed))


@pytest.mark.parametrize(
    ("kind", "path"), SHIPPED, ids=[f"{kind} {path.stem}" for kind, path in SHIPPED]
)
def test_every_shipped_protocol_and_recipe_fits_its_schema(kind: str, path: Path) -> None:
    assert is_valid(kind, path.read_text())


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("smoke", "seeds: [0]", "seeds: []"),
        ("smoke", "steps: 60", "steps: 60, epochs: 3"),
        ("smoke", "steps: 60, ", ""),
        ("smoke", "device: cpu", "device: tpu"),
        ("smoke", "[cpu-fp32]", "[cpu-fp64]"),
        ("smoke", "recipe: tiny", ""),
        ("smoke", "parallel: 2", "paralel: 2"),
        ("coco", "cache: 'ram:4G'", "cache: tape"),
    ],
)
def test_the_schema_of_protocols_refuses_what_the_decoder_refuses(
    name: str, before: str, after: str
) -> None:
    text = (FOLDER / f"{name}.yaml").read_text()
    assert before in text

    assert not is_valid("protocol", text.replace(before, after))


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("base: smoke\nlatency: {seconds: 1}\n", True),
        ("base: smoke\nbudget: {epochs: 3}\n", True),
        ("base: smoke\nlatency: {secnds: 1}\n", False),
        ("base: smoke\nparallel: no\n", False),
        ("latency: {seconds: 1}\n", False),
    ],
)
def test_a_protocol_with_a_base_states_what_it_changes(text: str, fits: bool) -> None:
    assert is_valid("protocol", text) == fits


@pytest.mark.parametrize(
    "text", ["precision: fp32", "title: x\nema: {decay: 2}", "title: x\nlos: {}"]
)
def test_the_schema_of_recipes_refuses_what_the_decoder_refuses(text: str) -> None:
    assert not is_valid("recipe", text)


@pytest.mark.parametrize("kind", LANGUAGES)
def test_a_page_has_the_tables_of_keys_that_the_records_give(kind: str) -> None:
    language = LANGUAGES[kind]
    page = (ROOT / "docs" / language.page).read_text()

    assert page == rewritten(page, language.tables()), AGAIN
    for region, table in language.tables().items():
        assert f"<!-- keys of {region} -->\n{table}" in page


def test_schemas_and_tables_are_written_into_a_checkout_once(tmp_path: Path) -> None:
    (tmp_path / "schema").mkdir()
    (tmp_path / "docs").mkdir()
    for language in LANGUAGES.values():
        page = "".join(f"<!-- keys of {name} -->\n<!-- end -->\n" for name in language.tables())
        (tmp_path / "docs" / language.page).write_text(page)

    first, second = write_all(tmp_path), write_all(tmp_path)

    assert (len(first), second) == (6, [])
    recipe = (tmp_path / "schema" / "recipe.schema.json").read_text()
    assert recipe == as_text(LANGUAGES["recipe"].schema())
