"""What `run` and `nightly` share: from options to a plan, from a plan to a stored run and its report."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

from suite import machine, protocols
from suite.cli.errors import refusing_data
from suite.cli.finals import finals
from suite.cli.library import open_library
from suite.cli.output import ExitCode, Refusal, say
from suite.cli.run_options import Options
from suite.executors.local import LocalExecutor
from suite.machine.threads import settle
from suite.metrics.definitions import METRICS
from suite.plan import Conditions, Data, Plan, plan
from suite.protocols import BuiltIn, Latency, Protocol
from suite.record import Json
from suite.runner import Listener, Summary, carry_out
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from suite.stats.resolution import admission
from suite.store import Store, StoreError, StoreLockedError
from suite.train.recipe import recipe

TERMINATED = 143


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan, and the facts about its data for the store."""

    plan: Plan
    facts: dict[str, Json]


def prepare(options: Options) -> Prepared:
    """Read specs, protocol, recipe and data, and lay out the run. The built-in data set is made where it is missing.

    Raises:
        SpecError: a variant, the protocol or the recipe has mistakes; nothing has been made then.
        Refusal: there is no data.
    """
    protocol = protocols.load(options.protocol)
    if options.seeds:
        protocol = replace(protocol, seeds=options.seeds)
    protocol = replace(protocol, loading=protocol.loading.chosen(options.workers, options.cache))
    protocol = replace(protocol, latency=_with_threads(protocol.latency))
    chosen_recipe = recipe(protocol.recipe)
    if chosen_recipe.patience:
        message = f"the recipe {protocol.recipe!r} has `patience`, which ends variants after different numbers of steps"
        raise Refusal(
            ExitCode.USAGE,
            f"{message}; a run compares at equal budgets, so leave it out or use `train`",
        )
    library = open_library(options.variants, allow_code=options.allow_code)
    chosen = library.select(options.names or (*protocol.variants, *_own_names(options.variants)))
    trained = tuple(
        _started(variant, options.weights) for variant in finals(chosen, library, options.out)
    )
    counted = (
        () if options.names else finals(library.select(protocol.cost.only), library, options.out)
    )
    data, facts = _data(options, protocol)
    conditions = Conditions(
        protocol=protocol,
        recipe=chosen_recipe,
        data=data,
        machine=machine.describe(),
        metrics=METRICS,
        out=options.out.absolute(),
    )
    found = plan(
        conditions, trained, counted, lambda name: _started(library.load(name), options.weights)
    )
    return Prepared(found, facts)


def carry_out_all(prepared: Prepared, options: Options, listen: Listener) -> Summary:
    """Do the plan with this machine's executor and write it into the store of `options`.

    Raises:
        Refusal: the store is in use or cannot be read.
    """
    with refusing_stores(), _open_store(options) as store:
        store.put_dataset(prepared.plan.conditions.data.fingerprint, prepared.facts)
        return carry_out(
            prepared.plan,
            store,
            # work and logs are this run's alone: the store's lock is held
            lambda: LocalExecutor(options.out / "work", logs=options.out / "log"),
            force=options.force,
            listen=listen,
        )


def _open_store(options: Options) -> Store:
    try:
        return Store.open(options.store)
    except StoreLockedError as error:
        if not options.wait:
            raise
        say(f"waiting for process {error.pid}, which uses {options.store}")
        return Store.open(options.store, wait=True)


def write_report(options: Options, run_id: str) -> Path:
    """Write the report of a run; its page."""
    from reports.page import write

    return write(options.store, run_id, options.out / "report").index


def exit_code(summary: Summary, options: Options) -> ExitCode:
    """What a finished run tells the shell; with `strict` also that the machine was not fit for timing."""
    if options.strict and (reason := _unfit(options, summary.run_id)):
        say(f"ablation: {reason}")
        return ExitCode.UNFIT
    return ExitCode.VARIANT_FAILED if summary.failed else ExitCode.DONE


def _unfit(options: Options, run_id: str) -> str:
    """Why this run's timings are of no use: its copies of one network differ by too much; "" if they do not."""
    from reports.run.gather import gather
    from reports.run.timing import resolution_words

    report = gather(options.store, run_id)
    for setup in report.setups:
        found = report.resolutions.get(f"wall:{setup.key}")
        if found and admission(found, report.rules.latency_floor) == "refused":
            return f"{setup.title}: {resolution_words(report, setup)}"
    return ""


@contextmanager
def refusing_stores() -> Iterator[None]:
    """A store that cannot be used ends the command with exit code 5."""
    try:
        yield
    except StoreError as error:
        raise Refusal(ExitCode.UNFIT, str(error)) from error


@contextmanager
def ending_on_sigterm() -> Iterator[None]:
    """SIGTERM ends the command like Ctrl-C does: what is done is kept, what runs is killed."""

    def end(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
        say("ablation: terminated; the same command resumes")
        raise SystemExit(TERMINATED)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _with_threads(latency: Latency) -> Latency:
    """With a number of threads, which is part of what a timing is stored under."""
    threads, why = settle(latency.threads)
    if why:
        say(f"timing on {why}")
    return replace(latency, threads=threads)


def _own_names(folders: Sequence[Path]) -> tuple[str, ...]:
    """The variants that lie in the user's own folders."""
    return Library(folders).names() if folders else ()


def _started(variant: Variant, weights: Path | None) -> Variant:
    """The variant, starting from the weights that all of this run are to start from."""
    return replace(variant, weights=str(weights.absolute())) if weights else variant


def built_in(made: BuiltIn, out: Path) -> Path:
    """The folder of the built-in data set, which is written where it is missing."""
    from suite.datasets.builtin.shapes import ensure

    name = f"shapes-{made.size}px-{made.train}-{made.val}-seed{made.seed}"
    return ensure(
        out / "data" / name, seed=made.seed, train=made.train, val=made.val, size=made.size
    )


def _data(options: Options, protocol: Protocol) -> tuple[Data, dict[str, Json]]:
    from suite.datasets.formats.forms import read_split
    from suite.datasets.survey.facts import facts, fingerprint

    with refusing_data():
        folder = options.data
        if folder is None:
            if protocol.data is None:
                raise Refusal(
                    ExitCode.NOTHING,
                    f"the protocol {protocol.name!r} has no data of its own; name a --data DIR",
                )
            folder = built_in(protocol.data, options.out)
        train, val = read_split(folder, "train"), read_split(folder, "val")
        known = facts(train, val)
    names = tuple(category.name for category in train.categories)
    return Data(folder.absolute(), fingerprint(train, val), names), known
