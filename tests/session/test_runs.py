"""The steps of a run between the options and the store."""

from pathlib import Path

import pytest

from suite.protocols import BuiltIn
from suite.session.data import built_in_data
from suite.session.errors import SessionError
from suite.session.options import RunOptions
from suite.session.progress import step_lines
from suite.session.runs import carry_out, prepare, stored_keys
from suite.store import Store
from suite.yaml.errors import SpecError
from tests.narrowing import present
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


@pytest.fixture
def mine(tmp_path):
    """A folder with one sound variant, and several that cannot be used."""
    folder = tmp_path / "variants-of-mine"
    folder.mkdir()
    for name, text in {
        "sound": "base: yolov5p\nwidth: 2\n",
        "wrong": "base: yolov5p\nwidht: 2\n",
        "on_wrong": "base: wrong\nfreeze: [backbone]\n",
        "weightless": "base: yolov5p\nweights: not-there.pt\nfreeze: [backbone]\n",
        "recipeless": "base: yolov5p\nrecipe: tinny\nfreeze: [backbone]\n",
    }.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def of_folder(protocol, tmp_path, folder, *names, **changes) -> RunOptions:
    return RunOptions(names, str(protocol), None, (folder,), tmp_path / "out", **changes)


def test_a_run_of_whole_folders_leaves_broken_files_out_and_says_so_first(protocol, tmp_path, mine):
    told: list[str] = []
    prepared = prepare(of_folder(protocol, tmp_path, mine), told.append)

    names = {variant.name for variant in prepared.plan.variants}
    assert names == {"yolov5p", "yolov5p_wide", "sound"}
    left_out = sorted(Path(present(problem.mark).file).stem for problem in prepared.left_out)
    assert left_out == ["on_wrong", "recipeless", "weightless", "wrong"]
    assert all(line.startswith("left out of this run: ") for line in told[:4])


def test_a_file_that_cannot_name_a_variant_is_left_out_and_told(protocol, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "mine.yml").write_text("base: yolov5p\nfreeze: [backbone]\n")

    prepared = prepare(of_folder(protocol, tmp_path, folder))
    assert [problem.code for problem in prepared.left_out] == ["E208"]


def test_a_broken_file_that_stands_in_for_a_shipped_one_is_left_out_too(protocol, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "yolov5p_wide.yaml").write_text("base: yolov5p\nwidht: 2\n")

    prepared = prepare(of_folder(protocol, tmp_path, folder))
    assert {variant.name for variant in prepared.plan.variants} == {"yolov5p"}
    assert len(prepared.left_out) == 1


@pytest.mark.parametrize("name", ["wrong", "on_wrong", "weightless", "recipeless"])
def test_a_broken_file_that_is_named_ends_the_run_before_it_begins(protocol, tmp_path, mine, name):
    with pytest.raises(SpecError):
        prepare(of_folder(protocol, tmp_path, mine, "yolov5p", name))


def test_weights_for_the_whole_run_take_the_place_of_a_file_that_is_not_there(
    protocol, tmp_path, mine
):
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(b"weights")

    prepared = prepare(of_folder(protocol, tmp_path, mine, "weightless", weights=weights))
    assert {job.variant.weights for job in prepared.plan.jobs} == {str(weights)}


def test_a_run_of_which_nothing_is_left_ends_before_it_begins(tmp_path, protocol):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("yolov5p", "yolov5p_wide"):
        (folder / f"{name}.yaml").write_text("base: yolov5n\nwidht: 2\n")

    with pytest.raises(SpecError, match="widht"):
        prepare(of_folder(protocol, tmp_path, folder))


def test_a_protocol_that_names_no_variant_there_is_ends_the_run(tmp_path, protocol):
    protocol.write_text(protocol.read_text().replace("yolov5p_wide", "yolov5p_wyde"))

    with pytest.raises(SpecError, match="no variant 'yolov5p_wyde'"):
        prepare(options(protocol, tmp_path))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("base: yolov5n6\nfreeze: [backbone]\n", "E313"),  # a stride of 64, pictures of 96
        ("base: yolov5p\nedits:\n  - set: {part: head}\n    to: {anchors: 3}\n", "E202"),
    ],
    ids=["a size that does not suit it", "anchors that are placeholders"],
)
def test_a_variant_that_the_protocol_cannot_use_ends_a_run_only_where_it_is_named(
    protocol, tmp_path, text, code
):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "unfit.yaml").write_text(text)
    sizes = ("image_size=96", "cost.image_size=96")

    prepared = prepare(of_folder(protocol, tmp_path, folder, settings=sizes))
    assert {variant.name for variant in prepared.plan.variants} == {"yolov5p", "yolov5p_wide"}
    assert {problem.code for problem in prepared.left_out} == {code}
    assert {present(problem.mark).file for problem in prepared.left_out} == {
        str(folder / "unfit.yaml")
    }

    with pytest.raises(SpecError, match=code):
        prepare(of_folder(protocol, tmp_path, folder, "yolov5p", "unfit", settings=sizes))


def test_weights_that_cannot_be_used_end_a_run_only_where_they_are_asked_for(
    executor, protocol, tmp_path
):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "w.safetensors").write_bytes(b"no weights")
    (folder / "started.yaml").write_text("base: yolov5p\nweights: w.safetensors\n")

    night = prepare(of_folder(protocol, tmp_path, folder))
    summary = carry_out(night, step_lines(lambda _: None))
    assert summary.done == len(night.plan.jobs) == JOBS + 2

    (folder / "w.safetensors").write_bytes(b"other weights")
    named = prepare(of_folder(protocol, tmp_path, folder, "started"))
    with pytest.raises(SessionError, match=r"w\.safetensors"):
        carry_out(named, step_lines(lambda _: None))
