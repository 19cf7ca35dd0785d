"""`compare`: two variants of a store against each other."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

from suite.cli.options import bound, json_option, out_option, seeds_option


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """The two variants, by what they are compared, and the seeds and the run that count."""

    base: str
    variant: str
    metric: Literal["ap", "ap50", "latency"]
    seeds: tuple[int, ...]
    against: tuple[int, ...]
    out: Path
    run_id: str

    @property
    def store(self) -> Path:
        """The store's file."""
        return self.out / "store.sqlite"


_OPTIONS = (
    click.argument("base"),
    click.argument("variant"),
    click.option(
        "--metric", type=click.Choice(["ap", "ap50", "latency"]), default="ap", show_default=True
    ),
    seeds_option("--seeds", "Only these seeds; of BASE, with --against."),
    seeds_option("--against", "Only these seeds of VARIANT."),
    out_option("The folder of the store."),
    click.option(
        "--run", "run_id", default="", metavar="ID", help="Only this run; `latest` is the last one."
    ),
)


@click.command("compare")
@bound(CompareOptions, _OPTIONS)
@json_option
def command(options: CompareOptions, *, as_json: bool) -> int:
    """Say whether VARIANT is better than BASE, how sure that is, and on what evidence.

    Accuracy may come from any runs of the store that trained both alike; what differs in data, recipe or budget is
    refused. A variant may be compared with itself: `compare yolov5p yolov5p --seeds 0-2 --against 3-5`.
    """
    from suite.cli.compare.telling import compare  # brings the statistics, which `--help` does without

    return compare(options, as_json=as_json)
