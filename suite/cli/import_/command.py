"""`import`: YOLOv5's own model files as variants."""

import re
from pathlib import Path

import click

from suite.cli.files import new_folder, schema_line, spec_path, write_spec
from suite.cli.import_.anchors import with_anchors
from suite.cli.numbers import image_size_option
from suite.cli.options import json_option
from suite.cli.output import reply, say
from suite.record import Json
from suite.spec.blocks.signatures import default_signatures
from suite.spec.language.decode import read_text
from suite.spec.views.write import write
from suite.spec.yolov5.importer import Imported, import_model
from suite.yaml.document import shown_path

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Write a file, or one in this folder.",
)
@click.option("--name", help="The variant's name; without it, that of FILE.")
@click.option(
    "--anchors-from",
    metavar="DATA",
    help="Anchors of a data set's boxes, by k-means; or `published`: YOLOv5's own.",
)
@image_size_option("The size that --anchors-from is for.")
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
@json_option
def command(
    *,
    file: Path,
    output: Path | None,
    name: str | None,
    anchors_from: str | None,
    image_size: int,
    force: bool,
    as_json: bool,
) -> None:
    """Turn FILE, a model yaml of YOLOv5, into a variant: the same network, with every number final.

    Rows [from, number, module, args] become lines, row numbers become tags. The text goes to stdout, unless --output
    names a place for it. Nothing in FILE is executed. A file that has placeholders for anchors, such as `anchors: 3`,
    needs --anchors-from before anything can be trained.
    """
    path = spec_path(output or new_folder(), name or _NOT_IN_NAMES.sub("_", file.stem))
    imported = import_model(read_text(file), shown_path(file), path.stem, default_signatures())
    remarks: list[str] = []
    if anchors_from is not None:
        imported, remark = with_anchors(imported, anchors_from, image_size)
        remarks.append(remark)
    notes = "".join(f"# {line}\n" for line in (*remarks, *imported.warnings))
    text = schema_line(path.parent) + notes + write(imported.variant)
    written = None
    if output is not None:
        write_spec(path, text, force=force)
        written = shown_path(path)
    if as_json:
        reply("import", _json(imported, path.stem, written, text))
        return
    click.echo(text if written is None else f"{written}\n", nl=False)
    for remark in remarks:
        say(remark)
    for warning in imported.warnings:
        say(f"warning: {warning}")
    if written is not None:
        say(f"next: check --build {written}")


def _json(imported: Imported, name: str, written: str | None, text: str) -> Json:
    return {
        "name": name,
        "file": written,
        "fingerprint": imported.variant.fingerprint,
        "text": text,
        "warnings": list(imported.warnings),
    }
