"""What another choice of test pictures would make of a run, read from the matches beside its store."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reports.model import Report
from reports.run.certainty import chance_words
from reports.run.gather import gather
from reports.run.resamples import resamples_of
from suite.stats.bootstrap import picture_weights, resampled
from suite.stats.matches import Matches, save
from tests.calibration.world import Truth, World, trained, truth
from tests.reports import fixture_store
from tests.reports.fixture_store import VARIANTS, Plan

WORLD = World(pictures=30)


def drawn() -> Truth:
    return truth(WORLD, np.random.default_rng(0))


def made(seed: int) -> Matches:
    return trained(drawn(), 0.5, np.random.default_rng(seed))


def put(folder: Path, name: str, matches: Matches) -> str:
    path = f"artifacts/{name}/matches.npz"
    save(matches, folder / path)
    return path


def report_of(folder: Path, *, seeds: tuple[int, ...] = (0, 1, 2), lost: int = 0) -> Report:
    """A run of two variants whose trainings left matches, but for the first `lost`."""
    store = fixture_store.build(
        folder / "store.sqlite", Plan(variants=VARIANTS[:1], seeds=seeds, latency=False)
    )
    keys = sorted({item.job.key for row in gather(store).rows for item in row.find("ap")})
    for number, key in enumerate(keys):
        path = put(folder, key, made(number)) if number >= lost else "artifacts/none/matches.npz"
        fixture_store.add_artifact(store, key, path)
    return gather(store)


def test_matches_are_resampled_and_kept(tmp_path: Path) -> None:
    path = put(tmp_path, "a", made(1))

    first = resamples_of(tmp_path, {"key": ["weights.safetensors", path]})["key"]
    kept = list((tmp_path / "cache" / "resamples").iterdir())
    again = resamples_of(tmp_path, {"key": [path]})["key"]

    assert (first.values == resampled(made(1), picture_weights(30))).all()
    assert (again.values == first.values).all()
    assert (again.truth, again.pictures) == (first.truth, 30)
    assert len(kept) == 1


def test_other_objects_are_another_truth(tmp_path: Path) -> None:
    other = replace(made(2), truth_counted=np.zeros(len(drawn().picture), np.uint8))
    paths = {
        "a": [put(tmp_path, "a", made(1))],
        "b": [put(tmp_path, "b", made(2))],
        "c": [put(tmp_path, "c", other)],
    }

    found = resamples_of(tmp_path, paths)

    assert found["a"].truth == found["b"].truth != found["c"].truth


@pytest.mark.parametrize("content", [None, b"", b"no archive", b"PK\x03\x04 half of one"])
def test_matches_that_are_gone_or_damaged_are_left_out(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "matches.npz").write_bytes(content)

    assert resamples_of(tmp_path, {"key": ["matches.npz"]}) == {}


def test_a_damaged_cache_is_made_again(tmp_path: Path) -> None:
    path = put(tmp_path, "a", made(1))
    first = resamples_of(tmp_path, {"key": [path]})["key"]
    (kept,) = (tmp_path / "cache" / "resamples").iterdir()
    kept.write_bytes(kept.read_bytes()[:100])

    assert (resamples_of(tmp_path, {"key": [path]})["key"].values == first.values).all()


def test_a_run_with_matches_is_judged_with_its_pictures(tmp_path: Path) -> None:
    report = report_of(tmp_path)

    estimate = report.rows[1].judged["ap"].estimate
    assert estimate.basis == "pictures and seeds"
    assert report.rows[1].judged["ar_1"].estimate.basis == "seeds", "recall is not resampled"
    assert chance_words(report) == (
        "Intervals of AP, AP50 and AP75 hold the spread of the seeds and the choice of the 30 test pictures "
        "(1,000 resamples)."
    )


def test_a_training_without_matches_leaves_its_variant_to_the_seeds(tmp_path: Path) -> None:
    report = report_of(tmp_path, lost=1)

    assert report.rows[1].judged["ap"].estimate.basis == "seeds"
    assert chance_words(report).endswith("but where matches are missing: 1 of 6 trainings.")


def test_a_run_without_matches_says_that_only_seeds_are_in_its_intervals(tmp_path: Path) -> None:
    store = fixture_store.build(
        tmp_path / "store.sqlite", Plan(variants=VARIANTS[:1], latency=False)
    )

    assert "no matches of detections are stored" in chance_words(gather(store))


def test_one_seed_has_an_interval_of_the_test_pictures(tmp_path: Path) -> None:
    report = report_of(tmp_path, seeds=(0,))

    found = report.rows[1].judged["ap"]
    assert chance_words(report).startswith(
        "Intervals marked * hold the choice of the 30 test pictures alone"
    )
    assert (found.estimate.basis, found.verdict.word) == ("pictures", "cannot tell")
    assert found.verdict.sentence.startswith("1 seed: ranking not supported; a verdict needs 3; ")
