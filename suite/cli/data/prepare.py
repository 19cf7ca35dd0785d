"""`data prepare`: fetch a public data set, verified, and ready to train on."""

import time
from collections.abc import Callable
from pathlib import Path

import click

from suite.cli.options import json_option
from suite.cli.output import ExitCode, Refusal, reply, say

_QUIET_SECONDS = 5.0  # between two lines of progress


@click.command("prepare")
@click.argument("name", metavar="NAME", type=click.Choice(["coco"]))
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where it goes; what is there already is not fetched again.",
)
@click.option(
    "--url",
    metavar="BASE",
    help="Another server with the same files, or a file share that speaks http.",
)
@click.option(
    "--only",
    type=click.Choice(["val"]),
    help="Only what `eval` needs: annotations and validation pictures.",
)
@click.option("--keep-archives", is_flag=True, help="Leave the archives in DIR/downloads.")
@json_option
def command(
    name: str,
    folder: Path,
    url: str | None,
    *,
    only: str | None,
    keep_archives: bool,
    as_json: bool,
) -> int:
    """Download COCO 2017 into DIR (20 GB; about 40 GB while it is unpacked), verify and unpack it.

    Interrupted in any way, the same command goes on where it was. Nothing is kept whose SHA-256 is wrong. Exits with 4
    if a file cannot be had or is another, with 5 if the disk is too small. No other command downloads anything.
    """
    from suite.datasets.builtin.coco2017 import ARCHIVES, SERVER, prepare
    from suite.datasets.builtin.fetch import FetchError, NoRoomError

    parts = {"annotations", only} if only else ARCHIVES.keys()
    archives = [archive for part, archive in ARCHIVES.items() if part in parts]
    try:
        done = prepare(
            folder, archives, server=url or SERVER, keep=keep_archives, progress=_Progress().tell
        )
    except NoRoomError as error:
        raise Refusal(ExitCode.UNFIT, str(error)) from error
    except FetchError as error:
        raise Refusal(ExitCode.NOTHING, str(error)) from error
    except OSError as error:
        raise Refusal(
            ExitCode.UNFIT, f"{folder}: cannot be written ({error.strerror or error})"
        ) from error
    if as_json:
        reply("data prepare", {"folder": str(folder), "name": name, "fetched": list(done)})
    else:
        click.echo(f"{folder}: {', '.join(done) or 'nothing was left to fetch'}")
    return ExitCode.DONE


class _Progress:
    """Says on stderr how far each step is, and how long it will take."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._what = ""
        self._begun = self._said = 0.0
        self._first = 0

    def tell(self, what: str, done: int, total: int) -> None:
        now = self._clock()
        if what != self._what:
            self._what, self._begun, self._said, self._first = what, now, now, done
            say(f"{what} ...")
        elif now - self._said >= _QUIET_SECONDS:
            self._said = now
            rate = (done - self._first) / (now - self._begun)
            left = f", {(total - done) / rate:.0f} s left" if rate > 0 else ""
            say(f"{what}: {done / 1e6:.0f} of {total / 1e6:.0f} MB, {rate / 1e6:.1f} MB/s{left}")
