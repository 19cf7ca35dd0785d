"""`schema`: the languages for editors, and for the pages that describe them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from suite.cli.options import json_option
from suite.cli.output import reply
from suite.datasets.augment.settings import Augment
from suite.protocols.budget import Budget, Checkpoints
from suite.protocols.decode import ProtocolDecoder
from suite.protocols.decode import schema as protocol_schema
from suite.protocols.loading import AUTOMATIC, Loading
from suite.protocols.protocol import (
    BuiltIn,
    Cost,
    Evaluation,
    Latency,
    Protocol,
    Timeouts,
    Verdict,
)
from suite.protocols.published import Published
from suite.spec.blocks.signatures import default_signatures
from suite.spec.language.decode import SpecDecoder
from suite.spec.language.schema import schema
from suite.spec.records.cost import Match
from suite.spec.records.ladder import Design
from suite.spec.records.lines import Line
from suite.spec.records.objective import Assigner, Loss, Suppression
from suite.spec.records.source import SpecFile
from suite.spec.records.variant import Expect, Schedule, Selector
from suite.train.recipe import (
    EmaSettings,
    LossSettings,
    OptimizerSettings,
    Recipe,
    RecipeDecoder,
    ScheduleSettings,
)
from suite.yaml.forms import Schema
from suite.yaml.records import Decoder
from suite.yaml.rules import Key, described
from suite.yaml.schemas import Schemas
from suite.yaml.tables import Column, default, limits, needed, note, rewritten, table

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Language:
    """One kind of file: its schema, and the tables of keys on its page, by the names of the page's regions."""

    page: str
    schema: Callable[[], Schema]
    tables: Callable[[], Mapping[str, str]]


def _full(language: type[Decoder]) -> Mapping[str, Column]:
    return {"default": default, "range": limits(language), "meaning": note}


def _variant_tables() -> Mapping[str, str]:
    def inherited(key: Key) -> str:
        return str(key.rule.column)

    meaning = {"meaning": note}
    records = {
        "match": Match,
        "loss": Loss,
        "assigner": Assigner,
        "nms": Suppression,
        "schedule": Schedule,
    }
    full = _full(SpecDecoder)
    file = (*described(SpecFile), *described(Design))
    return {
        "file": table(file, {**meaning, "inherited": inherited}),
        "layer": table(described(Line)[1:], meaning),
        "selector": table(described(Selector), {"fits": note}, first="condition"),
        "expect": table(described(Expect), meaning),
        **{name: table(described(kind), full) for name, kind in records.items()},
    }


def _recipe_tables() -> Mapping[str, str]:
    records = {
        "recipe": Recipe,
        "optimizer": OptimizerSettings,
        "schedule": ScheduleSettings,
        "ema": EmaSettings,
        "loss": LossSettings,
        "augment": Augment,
    }
    full = _full(RecipeDecoder)
    return {name: table(described(kind), full) for name, kind in records.items()}


def _protocol_tables() -> Mapping[str, str]:
    records = {
        "protocol": Protocol,
        "data": BuiltIn,
        "budget": Budget,
        "evaluation": Evaluation,
        "cost": Cost,
        "latency": Latency,
        "timeouts": Timeouts,
        "verdict": Verdict,
        "checkpoints": Checkpoints,
        "published": Published,
    }
    columns = {"needed": needed, **_full(ProtocolDecoder)}
    tables = {name: table(described(kind), columns) for name, kind in records.items()}
    return tables | {"loading": table(described(Loading, AUTOMATIC), columns)}


LANGUAGES: Mapping[str, Language] = {
    "variant": Language("language.md", lambda: schema(default_signatures()), _variant_tables),
    "protocol": Language(
        "protocols.md",
        lambda: protocol_schema("A protocol of the YOLOv5 ablation suite"),
        _protocol_tables,
    ),
    "recipe": Language(
        "recipes.md",
        lambda: Schemas(RecipeDecoder).document(Recipe, "A recipe of the YOLOv5 ablation suite"),
        _recipe_tables,
    ),
}


@click.command("schema")
@click.option(
    "--of",
    "kind",
    type=click.Choice(tuple(LANGUAGES)),
    default="variant",
    show_default=True,
    help="The kind of file.",
)
@click.option(
    "--write",
    is_flag=True,
    help="Write all schemas and the tables of keys in docs/ anew, in a checkout.",
)
@json_option
def command(kind: str, write: bool, as_json: bool) -> None:
    """Print the JSON Schema of variant files; schema/variant.schema.json is this, committed.

    Editors that speak yaml-language-server complete keys, verbs, blocks and each block's own options by it. With --of
    it is that of protocols or recipes.
    """
    if write:
        for path in write_all(CHECKOUT):
            click.echo(f"wrote {path.relative_to(CHECKOUT)}", err=True)
        return
    document = LANGUAGES[kind].schema()
    if as_json:
        reply("schema", document)
    else:
        click.echo(as_text(document), nl=False)


def as_text(document: Schema) -> str:
    """A schema as it is committed."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def write_all(checkout: Path) -> list[Path]:
    """Write the schemas and the pages' tables of a checkout anew; the paths of the files that changed."""
    texts: dict[Path, str] = {}
    for kind, language in LANGUAGES.items():
        page = checkout / "docs" / language.page
        texts[checkout / "schema" / f"{kind}.schema.json"] = as_text(language.schema())
        texts[page] = rewritten(page.read_text(encoding="utf-8"), language.tables())
    changed: list[Path] = []
    for path, text in texts.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed
