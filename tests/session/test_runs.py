"""The steps of a run between the options and the store."""

from suite.protocols import BuiltIn
from suite.session.data import built_in_data
from suite.session.options import RunOptions
from suite.session.progress import step_lines
from suite.session.runs import carry_out, prepare, stored_keys
from suite.store import Store
from tests.session.conftest import JOBS


def options(protocol, tmp_path, **changes) -> RunOptions:
    return RunOptions((), str(protocol), None, (), tmp_path / "out", **changes)


def test_preparing_lays_out_the_jobs_and_makes_no_store(protocol, tmp_path):
    prepared = prepare(options(protocol, tmp_path))

    assert len(prepared.plan.jobs) == JOBS
    assert prepared.data_facts["train"]
    assert not prepared.options.store.exists()
    assert stored_keys(prepared) == set()


def test_what_is_stored_is_known_before_the_run(executor, protocol, tmp_path):
    prepared = prepare(options(protocol, tmp_path))
    carry_out(prepared, step_lines(lambda _: None))

    assert stored_keys(prepared) == {job.key for job in prepared.plan.jobs}
    assert stored_keys(prepare(options(protocol, tmp_path, force=True))) == set()


def test_weights_are_what_every_training_starts_from(protocol, tmp_path):
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(b"weights")

    prepared = prepare(options(protocol, tmp_path, weights=weights))

    assert {job.variant.weights for job in prepared.plan.jobs} == {str(weights)}


def test_whoever_waits_is_told_for_whom(executor, protocol, tmp_path):

    prepared = prepare(options(protocol, tmp_path, wait=True))
    prepared.options.out.mkdir(exist_ok=True)
    holder, told = Store.open(prepared.options.store), []

    def tell(line):
        told.append(line)
        holder.close()

    carry_out(prepared, step_lines(lambda _: None), tell)

    assert told[0].startswith("waiting for process ")


def test_the_folder_of_a_built_in_set_says_what_is_in_it(tmp_path):
    folder = built_in_data(BuiltIn(train=2, val=1, size=64, seed=3), tmp_path)

    assert folder == tmp_path / "data" / "shapes-64px-2-1-seed3"
    assert folder.is_dir()
