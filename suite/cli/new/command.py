"""`new`: a variant file from a few words, checked and with its promises filled in."""

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from suite.cli.binding import Decorator, bound
from suite.cli.files import new_folder, spec_path, write_spec
from suite.cli.library import open_library
from suite.cli.new.backbone import borrowed, with_block
from suite.cli.new.file import Made, Site, draft_file, like_file
from suite.cli.new.options import edit_options, read_backbone, read_edits
from suite.cli.options import allow_code_option, complete_name, json_option, variants_option
from suite.cli.output import ExitCode, Refusal, reply, say
from suite.record import Json
from suite.spec.blocks.signatures import default_signatures
from suite.spec.library import PROJECT, VARIANTS
from suite.spec.views.draft import Draft, DraftEdit
from suite.yaml.document import shown_path
from suite.yaml.errors import SpecError, quote

PROGRAM, BASE = "ablation", "yolov5s"
HELP = """\b
Examples:
    new yolov5s_mine --insert cbam.CBAM --after c3.C3,backbone
    new yolov5s_mine --replace c3.C3,stage=16 --with c2f.C2f
    new yolov5s_mine --replace kernel=3,neck --with odconv.ODConv,kernels=4
    new yolov5s_mine --set sppf.SPPF --to kernel=7
    new yolov5s_mine --backbone timm.Backbone,name=resnet18
    new yolov5m_mine --base yolov5m --backbone yolov5s_convnext_t
    new yolov5m_cbam --base yolov5m --like yolov5s_cbam

A SELECTOR has conditions with commas between them: a block's address, a part, or NAME=VALUE for part, tag, stage,
block, kernel, stride, groups, path; a name given twice means either. `new` counts what it fits, and the file says so.
"""
_SOURCE = re.compile(r"arXiv \d{4}\.\d{4,5}")


@dataclass(frozen=True, slots=True)
class NewOptions:
    """What the file is called, what it starts from, what is said of it, and where it goes."""

    name: str
    base: str | None
    backbone: str | None
    blocks: tuple[Path, ...]
    like: str | None
    title: str
    paper: str
    output: Path | None
    force: bool
    variants: tuple[Path, ...]
    allow_code: bool


_OPTIONS: tuple[Decorator, ...] = (
    click.argument("name"),
    click.option(
        "--base",
        metavar="VARIANT",
        shell_complete=complete_name,
        help=f"What it starts from; {BASE}, or what the one that it is like has.",
    ),
    edit_options,
    click.option(
        "--backbone",
        metavar="VARIANT|BLOCK",
        shell_complete=complete_name,
        help="Another one's backbone, or the base's with BLOCK for its C3.",
    ),
    click.option(
        "--blocks",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        multiple=True,
        metavar="FILE",
        help="A Python file of your own with blocks in it. Repeatable.",
    ),
    click.option(
        "--like",
        metavar="VARIANT",
        shell_complete=complete_name,
        help="Copy this one's file, for you to change.",
    ),
    click.option("--title", default="", help="One line for the reader of the report."),
    click.option(
        "--paper",
        default="",
        help="Where the idea is from; without it, what the block's file says.",
    ),
    click.option(
        "--output",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="The folder, or the file; without it, the project's variants.",
    ),
    click.option("--force", is_flag=True, help="Overwrite a file that is there."),
    variants_option,
    allow_code_option,
)


@click.command("new", epilog=HELP)
@bound(NewOptions, _OPTIONS)
@json_option
def command(options: NewOptions, *, as_json: bool, **edits: str | None) -> None:
    """Write a variant file called NAME that passes `check --build`, with its `expect` filled in."""
    path = spec_path(options.output or new_folder(), options.name)
    _refuse_taken(path, options.variants, force=options.force)
    site = Site(path, options.variants, options.allow_code)
    changes = read_edits(edits)
    if options.like is not None:
        if changes or options.backbone or options.blocks:
            raise click.UsageError("--like copies a file; change the copy, or leave --like out")
        made = like_file(
            options.like, site, base=options.base or "", title=options.title, paper=options.paper
        )
    else:
        made = _drafted(site, changes, options)
    write_spec(path, made.text, force=options.force)
    commands = _next(path, options.variants)
    if as_json:
        reply("new", _json(path, made, commands))
        return
    click.echo(shown_path(path))
    _tell(made, commands)


def _drafted(site: Site, edits: Sequence[DraftEdit], options: NewOptions) -> Made:
    """The file of a base, edits and a backbone; what is not stated of title and paper is made of them."""
    if not edits and not options.backbone:
        raise click.UsageError(
            "say what is new, such as --insert cbam.CBAM --after c3.C3,backbone; or --like VARIANT"
        )
    files = tuple(_relative(file, site.path.parent) for file in options.blocks)
    draft = Draft(options.base or BASE, options.title, options.paper, files)
    phrases = [edit.phrase() for edit in edits]
    blocks = [str(edit.what.get("block", "")) for edit in edits]
    lines: tuple[str, ...] = ()
    if options.backbone:
        lines, phrase, block = _backbone(options.backbone, draft, site)
        phrases.insert(0, phrase)
        blocks.insert(0, block)
    title = site.library().load(draft.base).title.partition(" (")[0]
    papers = filter(None, map(_paper, blocks))
    whole = replace(
        draft,
        title=draft.title or f"{title} {' and '.join(phrases)}",
        paper=draft.paper or next(papers, ""),
        backbone=lines,
        edits=tuple(edits),
    )
    return draft_file(whole, site)


def _backbone(text: str, draft: Draft, site: Site) -> tuple[tuple[str, ...], str, str]:
    """The lines of a backbone, a phrase for the title, and its block: "" where it is another variant's."""
    if "." not in text.partition(",")[0]:
        return borrowed(text, site), f"with the backbone of {text}", ""
    block = read_backbone("backbone", text)
    address = str(block["block"])
    others = " and ".join(str(value) for key, value in block.items() if key != "block")
    shown = f"{address} ({others})" if others else address
    return with_block(draft, block, site), f"with {shown} as backbone", address


def _relative(file: Path, folder: Path) -> str:
    """A block file as a spec in `folder` names it."""
    path = os.path.relpath(file.resolve(), folder.resolve())
    return path if path.startswith("..") else f"./{path}"


def _paper(address: str) -> str:
    """The first article that the block's file names."""
    try:
        file = default_signatures().get(address).file
    except SpecError:
        return ""  # told with its place when the draft is read
    article = _SOURCE.search(file.read_text(encoding="utf-8"))
    return article[0] if article else ""


def _refuse_taken(path: Path, variants: Sequence[Path], *, force: bool) -> None:
    """Names are unique, whatever the folder and the case; the file itself may be overwritten by force."""
    if path.exists():
        if not force:
            raise Refusal(
                ExitCode.USAGE, f"{shown_path(path)} is there already; --force overwrites it"
            )
        return
    for name in open_library(variants).names():
        if name.lower() == path.stem.lower():
            raise Refusal(
                ExitCode.USAGE, f"there is a variant {quote(name)} already, and names are unique"
            )


def _next(path: Path, variants: Sequence[Path]) -> list[str]:
    """What one would type next; the file by its name, where the commands find it."""
    program = "python run_suite.py" if Path(sys.argv[0]).name == "run_suite.py" else PROGRAM
    known = any(
        path.resolve().is_relative_to(folder.resolve()) for folder in (PROJECT, VARIANTS, *variants)
    )
    name = path.stem if known else shown_path(path)
    folders = "".join(f" --variants {shown_path(folder)}" for folder in variants) if known else ""
    return [
        f"{program} {verb} {name}{folders}" for verb in ("show", "check --build", "cost", "run")
    ]


def _json(path: Path, made: Made, commands: Sequence[str]) -> Json:
    expect = made.measured
    return {
        "name": path.stem,
        "file": shown_path(path),
        "base": made.variant.base,
        "text": made.text,
        "expect": {
            "strides": list(expect.strides or ()),
            "params": expect.params,
            "gmacs": expect.gmacs,
        },
        "next": list(commands),
    }


def _tell(made: Made, commands: Sequence[str]) -> None:
    variant = made.variant
    if variant.base and not variant.name.startswith(f"{variant.base}_"):
        say(f"note: a modification of {variant.base} is usually called {variant.base}_<change>")
    say(f"it builds: {made.text.splitlines()[-1]}")
    say("next:")
    for line in commands:
        say(f"  {line}")
