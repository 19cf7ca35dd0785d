"""A run in three steps: lay it out, do what the store lacks of it, say whether its timings can be used."""

from dataclasses import dataclass, replace
from pathlib import Path

from reports.run.gather import gather
from reports.run.timing import resolution_words
from suite import machine, protocols
from suite.datasets.formats.forms import read_parts
from suite.datasets.split import MissingDataError, Reading, Split
from suite.datasets.survey.facts import facts, fingerprint
from suite.executors.local import LocalExecutor
from suite.machine.threads import settle
from suite.metrics.definitions import METRICS
from suite.nn.weights.checkpoint import WeightsError, check_weights
from suite.plan import Conditions, Data, Plan, plan
from suite.protocols import Protocol
from suite.record import Json
from suite.runner import Listener, Summary
from suite.runner import carry_out as carry_out_plan
from suite.session.anchors import tell_anchors
from suite.session.choice import choose, require_fit
from suite.session.data import built_in_data
from suite.session.errors import SessionError
from suite.session.options import RunOptions
from suite.session.starts import tell_other_classes
from suite.session.variants import Tell, open_library, silent
from suite.spec.records.variant import Variant
from suite.stats.resolution import admission
from suite.store import Store, StoreLockedError
from suite.train.recipe import Recipe, recipe
from suite.yaml.errors import Problem


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """A plan, what was asked for, the facts about the data that the store keeps, and what was left out and why."""

    options: RunOptions
    plan: Plan
    data_facts: dict[str, Json]
    left_out: tuple[Problem, ...] = ()


def prepare(options: RunOptions, tell: Tell = silent) -> PreparedRun:
    """Read specs, protocol, recipe and data, and lay out the run. The built-in data set is made where it is missing.

    Args:
        options: what is to be done.
        tell: is told of what was left out of the data, of widths that were matched, of threads that were settled, of a
            project's own block files.

    Raises:
        SpecError: the protocol, the recipe or a variant that was named has mistakes, and nothing has been made then; or
            a size of pictures does not suit a variant. Where none was named, broken variants are left out.
        SessionError: the recipe does not suit a run.
        DataError: the data cannot be used; MissingDataError where there is none.
    """
    protocol = _protocol(options, tell)
    chosen_recipe = _recipe(protocol)
    library = open_library(options.variants, allow_code=options.allow_code, tell=tell)
    choice = choose(options, protocol, library, tell)
    data, data_facts, train = _data(options, protocol, tell)
    conditions = Conditions(
        protocol=protocol,
        recipe=chosen_recipe,
        data=data,
        machine=machine.describe(),
        metrics=METRICS,
        out=options.out.absolute(),
    )

    def started(variant: Variant) -> Variant:
        """The variant, starting from the weights that all of this run are to start from."""
        if options.weights is None:
            return variant
        return replace(variant, weights=str(options.weights.absolute()))

    trained = tuple(started(variant) for variant in choice.trained)
    if "accuracy" in protocol.metrics:
        tell_anchors(
            choice.trained,
            train,
            image_size=protocol.image_size,
            threshold=chosen_recipe.loss.anchor_threshold,
            tell=tell,
        )
        tell_other_classes(trained, data.classes, tell)

    def baseline(name: str) -> Variant:
        variant = started(library.load(name))
        require_fit(variant, protocol)
        return variant

    jobs = plan(conditions, trained, choice.counted, baseline)
    return PreparedRun(options, jobs, data_facts, choice.left_out)


def left_out_words(problems: tuple[Problem, ...]) -> str:
    """The end of a sentence that says how many files a run went on without; "" for none."""
    files = {problem.mark.file if problem.mark else problem.message for problem in problems}
    if not files:
        return ""
    return f", {len(files)} {'file' if len(files) == 1 else 'files'} left out"


def stored_keys(prepared: PreparedRun) -> set[str]:
    """The keys of the plan that need not be done, because the store has them.

    Raises:
        StoreError: the store cannot be read.
    """
    options = prepared.options
    if options.force or not options.store.exists():
        return set()
    with Store.open_readonly(options.store) as store:
        return {job.key for job in prepared.plan.jobs if store.has(job.key)}


def carry_out(prepared: PreparedRun, listen: Listener, tell: Tell = silent) -> Summary:
    """Do the plan in processes of this machine and write every outcome into the store as it comes.

    Whatever ends this, a KeyboardInterrupt too, leaves no process behind, and the same call does the rest.

    Args:
        prepared: by `prepare`.
        listen: is given every step.
        tell: is told what is waited for.

    Raises:
        SessionError: the weights that a training is to start from cannot be used; nothing has run.
        StoreLockedError: another run uses the store, and the options do not say to wait.
        StoreError: the store cannot be read.
        ExecutorError: no process can be started.
    """
    _require_weights(prepared)
    options = prepared.options
    with _open_store(options, tell) as store:
        store.put_dataset(prepared.plan.conditions.data.fingerprint, prepared.data_facts)
        return carry_out_plan(
            prepared.plan,
            store,
            # work and logs are this run's alone: the store's lock is held
            lambda: LocalExecutor(options.out / "work", logs=options.out / "log"),
            force=options.force,
            listen=listen,
        )


def unfit_reason(store: Path, run_id: str) -> str:
    """Why a run's timings are of no use: copies of one network differ by too much; "" if they do not."""
    report = gather(store, run_id)
    for setup in report.setups:
        resolution = report.resolutions.get(f"wall:{setup.key}")
        if resolution is None:
            continue
        if admission(resolution, report.rules.latency_floor) == "refused":
            return f"{setup.title}: {resolution_words(report, setup)}"
    return ""


def _require_weights(prepared: PreparedRun) -> None:
    """Read the weights that trainings are to start from, before any begins, where somebody has named them.

    In a night over whole folders a variant's own weights that cannot be used fail its own trainings, and no others.

    Raises:
        SessionError: a file cannot be used, or holds values that are no numbers.
    """
    options = prepared.options
    if not options.names and options.weights is None:
        return
    stored = stored_keys(prepared)
    due = [job for job in prepared.plan.jobs if job.kind == "train" and job.key not in stored]
    try:
        for path in dict.fromkeys(job.variant.weights for job in due if job.variant.weights):
            check_weights(Path(path))
    except WeightsError as error:
        raise SessionError(str(error)) from error


def _protocol(options: RunOptions, tell: Tell) -> Protocol:
    """The protocol with what the options say of it; its number of threads is part of what a timing is stored under."""
    protocol = protocols.load(options.protocol, options.settings)
    if options.seeds:
        protocol = replace(protocol, seeds=options.seeds)
    threads, why = settle(protocol.latency.threads)
    if why:
        tell(f"timing on {why}")
    return replace(
        protocol,
        loading=protocol.loading.chosen(options.workers, options.cache),
        latency=replace(protocol.latency, threads=threads),
    )


def _recipe(protocol: Protocol) -> Recipe:
    chosen = recipe(protocol.recipe)
    if not chosen.patience:
        return chosen
    raise SessionError(
        f"the recipe {protocol.recipe!r} has `patience`, which ends variants after different numbers of steps; "
        "a run compares at equal budgets, so leave it out or use `train`"
    )


def _data(
    options: RunOptions, protocol: Protocol, tell: Tell
) -> tuple[Data, dict[str, Json], Split]:
    folder = options.data
    if folder is None:
        if protocol.data is None:
            raise MissingDataError(
                f"the protocol {protocol.name!r} has no data of its own; name a --data DIR"
            )
        folder = built_in_data(protocol.data, options.out)
    reading = Reading(voc_first_pixel=options.voc_first_pixel)
    train, val = read_parts(folder, reading)
    for warning in (*train.warnings, *val.warnings):
        tell(f"warning: {warning}")
    names = tuple(category.name for category in train.categories)
    data = Data(folder.absolute(), fingerprint(train, val), names, reading)
    return data, facts(train, val), train


def _open_store(options: RunOptions, tell: Tell) -> Store:
    try:
        return Store.open(options.store)
    except StoreLockedError as error:
        if not options.wait:
            raise
        tell(f"waiting for process {error.pid}, which uses {options.store}")
        return Store.open(options.store, wait=True)
