import json
from pathlib import Path

import pytest

from suite.cli.main import main
from suite.spec.blocks.signatures import default_signatures
from suite.spec.language.schema import schema

COMMITTED = Path(__file__).parents[2] / "schema" / "variant.schema.json"


def test_schema_prints_what_is_committed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0

    assert capsys.readouterr().out == COMMITTED.read_text()


def test_schema_as_json_has_the_envelope_of_every_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["schema", "--json"]) == 0

    document = json.loads(capsys.readouterr().out)
    assert (document["command"], document["data"]) == ("schema", schema(default_signatures()))
