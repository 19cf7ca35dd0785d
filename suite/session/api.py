"""`suite.run`, `suite.compare`, `suite.report` and `suite.results`: the commands of these names, for notebooks.

They say nothing unless they are asked to, and raise what a command would print: `SpecError` for mistakes in specs,
protocols and recipes, `DataError` for data, `StoreError` for the store, `PairError` for what cannot be compared,
`SessionError` for what does not go together.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from reports.compare.pair import Wanted
from reports.page import ReportPaths, write
from suite.protocols.loading import Cache, parse_cache
from suite.record import Failure, Json
from suite.session.comparison import Comparison, Metric, compare_accuracy, compare_latency
from suite.session.errors import SessionError
from suite.session.options import RunOptions
from suite.session.progress import job_title, step_lines
from suite.session.runs import carry_out, left_out_words, prepare
from suite.session.stored import find_run, require_store
from suite.session.variants import silent
from suite.store.frames import measurements
from suite.yaml.errors import Problem

PathText: TypeAlias = str | Path
_OUT = "out"


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended: its id, how many jobs were done now and how many the store had, and what failed and why.

    `left_out` is what is wrong with the files that a run of whole folders went on without.
    """

    run: str
    out: Path
    done: int
    reused: int
    failed: tuple[tuple[str, Failure], ...]
    report: Path | None
    left_out: tuple[Problem, ...] = ()

    def __str__(self) -> str:
        ended = f"{self.done} done, {self.reused} stored before, {len(self.failed)} failed"
        return ended + left_out_words(self.left_out)


def run(
    protocol: PathText = "demo",
    *,
    variants: PathText | Sequence[PathText] = (),
    data: PathText | None = None,
    out: PathText = _OUT,
    seeds: Sequence[int] = (),
    settings: Mapping[str, Json] | None = None,
    folders: Sequence[PathText] = (),
    weights: PathText | None = None,
    workers: int | str | None = None,
    cache: str | None = None,
    voc_first_pixel: int | None = None,
    force: bool = False,
    wait: bool = False,
    allow_code: bool = False,
    report: bool = True,
    progress: Callable[[str], None] | None = None,
) -> RunResult:
    """Build, measure, train and evaluate variants; store everything, and write the report.

    What the store holds already is not measured again. A variant that fails does not stop the others: it is in
    `failed`. Interrupting the cell (KeyboardInterrupt) ends all processes and keeps what is done; the same call goes on
    from there.

    Args:
        protocol: what a run does: the name of a protocol, or a protocol file.
        variants: names, globs or files; without any, those that the protocol names and all of `folders`.
        data: a data set in the place of the protocol's: COCO JSON, YOLO txt (or its data.yaml) or Pascal VOC.
        out: the folder of store, logs, artifacts and report.
        seeds: in the place of the protocol's.
        settings: keys of the protocol with the values that take the place of its own, such as {"budget.steps": 10}.
        folders: of more variants; a file in them stands in for the shipped one of its name.
        weights: a checkpoint that all trainings start from.
        workers: processes that make batches ahead of each training, or "auto". Changes no result.
        cache: where decoded pictures are kept: "ram:4G", "disk:DIR", "none". Changes no result.
        voc_first_pixel: 1 where the corners of Pascal VOC boxes count pixels from 1 and the last one is in the box.
        force: measure again what is stored.
        wait: wait for another run on the same store instead of raising.
        allow_code: let the block files that specs name run, wherever they lie.
        report: whether the report is written.
        progress: is given one line at each job's begin and end, such as `print`; None: nothing is said.

    Raises:
        SpecError: the protocol, the recipe or a variant that was named has mistakes; nothing has run then.
        SessionError: what was asked for does not go together.
        DataError: the data cannot be used.
        StoreError: the store is in use (StoreLockedError) or cannot be read.
    """
    tell = progress or silent
    names = (variants,) if isinstance(variants, str | Path) else tuple(variants)
    options = RunOptions(
        names=tuple(str(name) for name in names),
        protocol=str(protocol),
        data=_path(data),
        variants=tuple(Path(folder) for folder in folders),
        out=Path(out),
        seeds=tuple(seeds),
        force=force,
        wait=wait,
        weights=_weights(weights),
        allow_code=allow_code,
        workers=None if workers is None else str(workers),
        cache=_cache(cache),
        voc_first_pixel=voc_first_pixel,
        settings=tuple(f"{key}={json.dumps(value)}" for key, value in (settings or {}).items()),
    )
    prepared = prepare(options, tell)
    summary = carry_out(prepared, step_lines(tell), tell)
    page = write(options.store, summary.run_id, options.out / "report").index if report else None
    failed = tuple((job_title(job), failure) for job, failure in summary.failed)
    return RunResult(
        run=summary.run_id,
        out=options.out,
        done=summary.done,
        reused=summary.reused,
        failed=failed,
        report=page,
        left_out=prepared.left_out,
    )


def compare(
    base: str,
    variant: str,
    *,
    metric: Metric = "ap",
    seeds: Sequence[int] = (),
    against: Sequence[int] = (),
    out: PathText = _OUT,
    run: str = "",
) -> Comparison:
    """Say whether `variant` is better than `base`, how sure that is, and on what evidence.

    Args:
        base: a variant of the store.
        variant: another one, or the same with other seeds.
        metric: "ap" and "ap50" may come from any runs that trained both alike, "latency" from one run that timed both.
        seeds: only these; of `base` alone where `against` is given.
        against: only these seeds of `variant`.
        out: the folder of the store.
        run: only this run; "latest" is the last one.

    Returns:
        The verdict (`.verdict.word` is "better", "worse", "equivalent" or "cannot tell", `.verdict.sentence` says why)
        with the estimate, its interval and the evidence; `str()` gives one line.

    Raises:
        PairError: the two cannot be compared, and why.
        StoreError: the store cannot be read; NothingStoredError where there is none.
    """
    store = _store(out)
    if metric == "latency":
        return compare_latency(store, base, variant, run_id=run)
    sides = Wanted(base, tuple(seeds)), Wanted(variant, tuple(against or seeds))
    return compare_accuracy(store, *sides, metric, run_id=run)


def report(out: PathText = _OUT, *, run: str = "latest") -> ReportPaths:
    """Write the page of a run again, from the store alone.

    Args:
        out: the folder of the store; the page goes to its folder `report`.
        run: the run's id.

    Returns:
        The paths of `index`, `csv` and `markdown`.

    Raises:
        NothingStoredError: there is no store, or no such run in it.
        StoreError: the store cannot be read.
    """
    store = _store(out)
    return write(store, find_run(store, run), store.parent / "report")


def results(out: PathText = _OUT, *, run: str | None = None) -> pd.DataFrame:
    """What a store holds, as a tidy table of one row a sample, under each run's own names of variants.

    Args:
        out: the folder of the store.
        run: only what this run used; "latest" is the last one; None: of all runs.

    Returns:
        run, protocol, variant, baseline, control, fingerprint, kind, seed, replica, metric, version, form, unit, sample
        (from 0), value, started (UTC), seconds, reused, key; then `setting.NAME` for every setting.

    Raises:
        NothingStoredError: there is no store, or no such run in it.
        StoreError: the store cannot be read.
    """
    store = _store(out)
    require_store(store)
    return measurements(store, "" if run is None else find_run(store, run))


def _store(out: PathText) -> Path:
    return Path(out) / "store.sqlite"


def _path(text: PathText | None) -> Path | None:
    return None if text is None else Path(text)


def _weights(text: PathText | None) -> Path | None:
    path = _path(text)
    if path is not None and not path.is_file():
        raise SessionError(f"{path}: no such file to start from")
    return path


def _cache(text: str | None) -> Cache | None:
    try:
        return None if text is None else parse_cache(text)
    except ValueError as error:
        raise SessionError(str(error)) from error
