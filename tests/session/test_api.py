"""`suite.run` and its like as a notebook calls them."""

import os
import subprocess
import sys

import pytest

import suite
from reports.compare.pair import PairError
from suite.datasets.split import MissingDataError
from suite.session.errors import NothingStoredError, SessionError
from suite.store import Store, StoreLockedError
from suite.yaml.errors import NoMatchError, SpecError
from tests.reports import fixture_store
from tests.session.conftest import JOBS, PROTOCOL

LATENCY = fixture_store.Plan(variants=fixture_store.VARIANTS[:2], train=False)


@pytest.fixture
def run(executor, protocol, tmp_path):
    """`suite.run` with the protocol of the tests, into a folder of the test's."""

    def invoke(**options):
        return suite.run(protocol, out=tmp_path / "out", **options)

    return invoke


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """The folder of a made-up run that timed two variants."""
    out = tmp_path_factory.mktemp("stored")
    fixture_store.build(out / "store.sqlite", LATENCY)
    return out


def test_a_run_says_how_many_jobs_were_done_and_where_its_report_is(run, tmp_path):
    done = run()

    assert str(done) == f"{JOBS} done, 0 stored before, 0 failed"
    assert done.report == tmp_path / "out" / "report" / "index.html"
    assert done.report.exists()
    with Store.open_readonly(tmp_path / "out" / "store.sqlite") as store:
        assert store.run().id == done.run


def test_a_run_says_nothing_unless_it_is_asked_to(run, capfd):
    run(report=False)

    assert capfd.readouterr() == ("", "")


def test_progress_is_given_a_line_at_each_begin_and_end(run):
    lines: list[str] = []
    run(report=False, progress=lines.append)

    assert lines[:2] == [
        f"[1/{JOBS}] count yolov5p ...",
        f"[1/{JOBS}] count yolov5p: done in 2.0 s",
    ]
    assert len(lines) == 2 * JOBS


def test_what_is_stored_is_not_measured_again_unless_forced(run):
    run(report=False)

    again, forced = run(report=False), run(report=False, force=True)

    assert (again.done, again.reused) == (0, JOBS)
    assert (forced.done, forced.reused) == (JOBS, 0)


def test_an_interrupted_run_goes_on_where_it_was(run, executor, monkeypatch):
    monkeypatch.setattr(executor, "interrupted_after", 3)
    with pytest.raises(KeyboardInterrupt):
        run(report=False)
    monkeypatch.setattr(executor, "interrupted_after", 100)

    rest = run(report=False)

    assert (rest.reused, rest.done) == (3, JOBS - 3)


def test_what_failed_is_named_with_its_cause(run, executor, monkeypatch):
    monkeypatch.setattr(executor, "failing", "train-yolov5p_wide")

    ((job, failure),) = run(report=False).failed

    assert (job, failure.code) == ("train yolov5p_wide, seed 0", "oom")


def test_variants_seeds_and_folders_decide_what_is_done(run, executor, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "fat.yaml").write_text("title: fat\nbase: yolov5p\nwidth: 2\n")

    run(variants="fat", seeds=[7], folders=[folder], report=False)

    assert executor.done == ["static-fat", "train-fat-seed7"]


def test_a_file_is_a_variant_too(run, executor, tmp_path):
    file = tmp_path / "fat.yaml"
    file.write_text("title: fat\nbase: yolov5p\nwidth: 2\n")

    run(variants=file, report=False)

    assert "train-fat-seed0" in executor.done


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"variants": "yolov5_p"}, SpecError, "no variant 'yolov5_p'"),
        ({"variants": "none*"}, NoMatchError, r"none\*"),
        ({"weights": "none.pt"}, SessionError, "none.pt: no such file to start from"),
        ({"cache": "attic"}, SessionError, "it is 'ram:4G', 'disk:DIR', 'disk:DIR:100G' or 'none'"),
        ({"data": "nowhere"}, MissingDataError, "nowhere: no such folder"),
    ],
)
def test_mistakes_are_raised_with_a_commands_words(run, executor, options, error, message):
    with pytest.raises(error, match=message):
        run(**options)

    assert executor.done == []


def test_a_recipe_that_stops_early_does_not_suit_a_run(run, protocol, tmp_path):
    recipe = tmp_path / "hasty.yaml"
    recipe.write_text("title: hasty\nevaluate_every: 10\npatience: 2\n")
    protocol.write_text(PROTOCOL.replace("recipe: tiny", f"recipe: {recipe}"))

    with pytest.raises(SessionError, match="a run compares at equal budgets"):
        run()


def test_a_store_in_use_names_its_holder(run, tmp_path):
    with (
        Store.open(tmp_path / "out" / "store.sqlite"),
        pytest.raises(StoreLockedError, match=f"in use by process {os.getpid()}"),
    ):
        run()


def test_results_are_a_table_of_samples(run, tmp_path):
    run(report=False)

    frame = suite.results(tmp_path / "out")

    assert list(frame.value) == [0.5, 0.5]
    assert list(frame.variant) == ["yolov5p", "yolov5p_wide"]


def test_results_may_be_those_of_one_run(run, tmp_path):
    first, _ = run(report=False), run(report=False)

    assert len(suite.results(tmp_path / "out")) == 2 * 2
    assert set(suite.results(tmp_path / "out", run=first.run).run) == {first.run}
    assert len(suite.results(tmp_path / "out", run="latest")) == 2


def test_a_comparison_by_time_has_the_verdict_and_its_evidence(stored):
    base, variant = (sketch.name for sketch in LATENCY.variants)

    found = suite.compare(base, variant, metric="latency", out=stored)

    assert str(found) == f"{variant} against {base}: {found.verdict.word}, {found.verdict.sentence}"
    assert found.estimate is found.evidence.estimate
    assert found.rule.neutral == 1.0


def test_a_comparison_by_accuracy_needs_trainings(stored):
    base, variant = (sketch.name for sketch in LATENCY.variants)

    with pytest.raises(PairError, match="the store has no training with ap"):
        suite.compare(base, variant, out=stored)


def test_the_report_is_written_again_from_the_store(stored):
    paths = suite.report(stored)

    assert paths.index == stored / "report" / "index.html"
    assert all(path.exists() for path in (paths.index, paths.csv, paths.markdown))


@pytest.mark.parametrize(
    "ask",
    [
        lambda out: suite.report(out),
        lambda out: suite.results(out),
        lambda out: suite.compare("a", "b", out=out),
        lambda out: suite.compare("a", "b", metric="latency", out=out),
    ],
)
def test_where_there_is_no_store_that_is_said(tmp_path, ask):
    with pytest.raises(NothingStoredError, match="there is no store; `run` makes one"):
        ask(tmp_path)


@pytest.mark.parametrize("ask", [suite.report, suite.results])
def test_a_run_that_is_not_there_is_not_stored(stored, ask):
    with pytest.raises(NothingStoredError, match="no_such_run"):
        ask(stored, run="no_such_run")


def test_importing_the_suite_brings_nothing_heavy():
    code = (
        "import sys, suite; dir(suite); suite.load('yolov5n'); "
        "sys.exit(' '.join({'torch', 'pandas', 'reports', 'numpy'} & {*sys.modules}) or 0)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_package_lists_its_functions_and_knows_no_others():
    assert {"run", "compare", "report", "results", "load", "build"} <= {*dir(suite)}
    with pytest.raises(AttributeError, match="has no attribute 'measure'"):
        suite.measure  # noqa: B018
