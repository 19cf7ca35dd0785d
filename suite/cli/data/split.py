"""`data split`: two lists for a set whose pictures are all in one part."""

from pathlib import Path

import click

from suite.cli.errors import refusing_data
from suite.cli.options import json_option
from suite.cli.output import ExitCode, Refusal, reply


@click.command("split")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--val",
    "share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.2,
    show_default=True,
    help="Share of the pictures to validate on.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@json_option
def command(folder: Path, *, share: float, seed: int, as_json: bool) -> int:
    """Write DIR/split_train.txt and DIR/split_val.txt for a set that is in one part; every --data DIR follows them.

    Chance decides which picture goes where, the same for one seed. No picture or annotation is moved or changed. Frames
    of one film belong together, which chance does not know: write such lists yourself, a picture's path a line.
    """
    from suite.datasets.formats import forms, one_part  # bring numpy, which `--help` does without

    with refusing_data():
        if one_part.has_lists(folder):
            files = " and ".join(one_part.list_file(folder, part).name for part in one_part.PARTS)
            raise Refusal(
                ExitCode.USAGE, f"{folder}: is split already; remove {files} to split it anew"
            )
        parts = one_part.divided(forms.only_part(folder), share, seed)
    try:
        one_part.write_lists(folder, parts)
    except OSError as error:
        raise Refusal(
            ExitCode.UNFIT, f"{folder}: cannot be written ({error.strerror or error})"
        ) from error
    counts = {part: len(pictures) for part, pictures in parts.items()}
    if as_json:
        reply("data split", {"folder": str(folder), "seed": seed, **counts})
    else:
        click.echo(
            f"{folder}: {counts['train']} pictures to train on, {counts['val']} to validate on"
        )
    return ExitCode.DONE
