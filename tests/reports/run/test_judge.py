"""Which words a run earns."""

from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest

from reports.model import Report, Rules
from reports.run.budget import stated_budget, unequal_budget
from reports.run.gather import gather, rules_of
from reports.run.headline import certificate, sentences, title
from reports.run.judge import latency_rule
from reports.run.latency import processes
from suite.stats.difference import Side, difference
from suite.stats.intervals import ratio
from suite.stats.resolution import Resolution, resolution
from suite.stats.verdict import holm
from tests.reports import fixture_store
from tests.reports.fixture_store import BASE, VARIANTS, Plan


def judged(folder: Path, plan: Plan) -> Report:
    return gather(fixture_store.build(folder / "store.sqlite", plan))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return judged(tmp_path_factory.mktemp("judge"), Plan())


def row(report: Report, name: str):
    found = report.row(name)
    assert found is not None
    return found


def test_a_variant_with_most_of_the_bases_ap50_trains(report: Report) -> None:
    assert row(report, "yolov5p_convnext").state == "trains"


def test_a_variant_between_the_thresholds_is_suspect(report: Report) -> None:
    assert row(report, "yolov5p_effnetv2_printed").state == "suspect"


def test_a_frozen_control_is_broken_and_not_compared(report: Report) -> None:
    control = row(report, "yolov5p_frozen")

    assert control.state == "broken"
    assert "ap" not in control.judged


def test_a_variant_that_does_not_build_failed(report: Report) -> None:
    assert row(report, "yolov5p_ghost").state == "failed"


def test_the_base_is_compared_with_nothing(report: Report) -> None:
    assert row(report, "yolov5p").judged == {}


def test_differences_are_welchs_over_seeds_adjusted_over_all_compared_variants(
    report: Report,
) -> None:
    base = Side(row(report, "yolov5p").seeds("ap"))
    compared = [r for r in report.rows if "ap" in r.judged]
    estimates = [difference(base, Side(r.seeds("ap"))) for r in compared]

    assert [r.judged["ap"].estimate for r in compared] == estimates
    assert [r.judged["ap"].p_adjusted for r in compared] == list(holm([e.p for e in estimates]))


def test_fewer_than_three_seeds_are_never_coloured(tmp_path: Path) -> None:
    found = judged(tmp_path, Plan(variants=VARIANTS[5:6], seeds=(0, 1), latency=False))

    verdict = row(found, "yolov5p_effnetv2_printed").judged["ap"].verdict
    assert (verdict.word, verdict.needed) == ("cannot tell", 3)


def test_a_base_that_learned_nothing_silences_accuracy(tmp_path: Path) -> None:
    found = judged(
        tmp_path, Plan(base=replace(BASE, ap50=0.05), variants=VARIANTS[:2], latency=False)
    )

    assert {r.state for r in found.rows} == {"unknown"}
    assert not any(r.judged for r in found.rows)
    assert (
        title(found) == "The base yolov5p does not train here: nothing can be said about accuracy"
    )


@pytest.mark.parametrize(("recipe", "judged_at_all"), [("tiny", True), ("scratch-low", False)])
def test_a_variant_is_judged_by_a_run_with_its_recipe_only(
    tmp_path: Path, recipe: str, judged_at_all: bool
) -> None:
    sketch = replace(VARIANTS[0], recipe=recipe)

    found = row(judged(tmp_path, Plan(variants=(sketch,))), sketch.name)

    assert found.state == "trains"
    assert ("ap" in found.judged) is judged_at_all
    assert "wall:cpu-fp32-1t" in found.judged


def test_accuracy_is_not_compared_across_budgets_and_the_report_says_so(tmp_path: Path) -> None:
    found = judged(
        tmp_path, Plan(variants=(replace(VARIANTS[0], trained=300), VARIANTS[1]), latency=False)
    )
    shorter, equal = (row(found, sketch.name) for sketch in VARIANTS[:2])

    assert "ap" not in shorter.judged
    assert "ap" in equal.judged
    assert unequal_budget(found, shorter) == (
        "it was trained for 300 steps in batches of 8, its base for 600 steps in batches of 8"
    )
    assert stated_budget(found).startswith(
        "Unequal budgets: 300 steps in batches of 8 or 600 steps"
    )


def test_an_equal_budget_is_stated_with_what_it_was_used_for(report: Report) -> None:
    assert stated_budget(report).startswith(
        "Equal budget: 600 steps in batches of 8 (600 steps, 4,800 images, "
    )
    assert "for each seed the same pictures in the same order" in stated_budget(report)


def test_nothing_is_judged_against_a_base_that_needs_another_recipe(tmp_path: Path) -> None:
    plan = Plan(base=replace(BASE, recipe="scratch-low"), variants=VARIANTS[:1], latency=False)

    assert row(judged(tmp_path, plan), VARIANTS[0].name).judged == {}


def test_latency_is_the_ratio_of_paired_rounds(report: Report) -> None:
    found = row(report, "yolov5p_odconv4").judged["wall:cpu-fp32-1t"]

    assert found.estimate.value == pytest.approx(1.78, rel=0.01)
    assert found.verdict.word == "worse"


def test_the_resolution_is_that_of_all_copies_and_of_the_base_against_itself(
    report: Report,
) -> None:
    key = "wall:cpu-fp32-1t"
    (setup,) = report.setups
    timed = [(r, processes(r, setup, "wall")) for r in report.rows]
    apart = [median(p.ratios(of_copy=True)) for _, found in timed for p in found]
    apart += [median(p.ratios()) for r, found in timed if r.role == "base" for p in found]

    assert len(report.copies[key]) == 9, (
        "beside the base itself and the eight variants that were timed"
    )
    assert report.resolutions[key] == resolution(apart, together=3)
    assert report.resolutions[key].processes == 9 * 3 + 3


def test_controls_and_bases_stand_apart(report: Report) -> None:
    assert report.rows[0].role == "base"
    assert report.rows[-1].role == "control"
    assert len(report.variants) == 8


def test_thresholds_come_from_the_protocol() -> None:
    found = rules_of(
        {"verdict": {"ap_floor": 0.01, "latency_floor": 0.05, "trains": 0.6, "broken": 0.2}}
    )

    assert found == Rules(ap_floor=0.01, latency_floor=0.05, trains=0.6, broken=0.2)


def test_a_protocol_without_thresholds_gets_the_defaults() -> None:
    assert rules_of({}) == Rules(
        ap_floor=0.004, latency_floor=0.02, trains=0.57, broken=0.15, base_trains=0.1
    )


def test_one_seed_certifies_nothing(tmp_path: Path) -> None:
    found = judged(tmp_path, Plan(variants=VARIANTS[:1], seeds=(0,), latency=False))

    assert certificate(found).endswith(
        "1 seed: ranking not supported; a verdict of accuracy needs 3 on each side."
    )


def test_two_files_of_one_network_both_get_its_numbers(tmp_path: Path) -> None:
    """Their jobs share keys, so the store holds each answer once."""
    path = fixture_store.build(
        tmp_path / "store.sqlite", Plan(variants=VARIANTS[:1], latency=False)
    )
    once = gather(path)
    twin = replace(once.run.variants[1], name="twin")
    jobs = tuple(
        replace(job, variant="twin") for job in once.run.jobs if job.variant == "yolov5p_convnext"
    )
    from reports.run.gather import _row
    from suite.store import Store

    with Store.open_readonly(path) as store:
        measured = store.measurements(once.run.id)
    found = _row(twin, {"yolov5p", "twin"}, jobs, measured, failures=())

    assert found.seeds("ap") == row(once, "yolov5p_convnext").seeds("ap")


def test_sentences_count_latency_apart(report: Report) -> None:
    assert sentences(report)[0] == "Latency on CPU, fp32, 1 thread: 1 faster, 6 slower."


@pytest.mark.parametrize(
    ("value", "word"), [(0.05, "admitted with a wider floor"), (0.207, "refused")]
)
def test_a_machine_that_cannot_tell_a_copy_is_said_to_be_busy(
    report: Report, value: float, word: str
) -> None:
    noisy = replace(report, resolutions={"wall:cpu-fp32-1t": Resolution(value, 30, 2 * value)})

    sentence = (
        f"⚠ The machine was not quiet: differences of time under {100 * value:.1f} % "
        f"could not be seen; it is {word}."
    )
    assert sentence in sentences(noisy)


def test_a_difference_counts_from_what_the_machine_can_see_where_that_is_more(
    report: Report,
) -> None:
    noisy = replace(report, resolutions={"wall:cpu-fp32-1t": Resolution(0.05, 30, 0.1)})

    assert latency_rule(noisy, "wall:cpu-fp32-1t").floor == 0.05
    assert latency_rule(report, "wall:cpu-fp32-1t").floor == report.rules.latency_floor == 0.02


def test_rounds_that_were_set_aside_do_not_count_and_are_there(report: Report) -> None:
    (setup,) = report.setups
    every = [p for r in report.rows for p in processes(r, setup, "wall")]

    assert any(len(p.kept) < len(p.times) for p in every)
    assert all(len(p.ratios()) == len(p.kept) and len(p.ratios(every=True)) == 40 for p in every)
    estimate = row(report, "yolov5p_repvit").judged["wall:cpu-fp32-1t"].estimate
    assert estimate == ratio(
        [p.ratios() for p in processes(row(report, "yolov5p_repvit"), setup, "wall")]
    )


def test_no_processor_time_stands_under_a_gpu(tmp_path: Path) -> None:
    both = (("cpu", "fp32"), ("cuda", "fp16"))
    found = judged(tmp_path, Plan(variants=VARIANTS[2:3], train=False, devices=both))
    cpu, gpu = found.setups

    keys = row(found, "yolov5p_odconv4").judged.keys()
    assert {key for key in keys if key.endswith(gpu.key)} == {f"wall:{gpu.key}"}
    assert {f"wall:{cpu.key}", f"cpu:{cpu.key}"} <= keys
    times = {
        s.key: processes(row(found, "yolov5p_odconv4"), s, "wall")[0].times for s in found.setups
    }
    assert max(times[gpu.key]) < min(times[cpu.key]), "the fixture's GPU is three times as fast"


def test_one_process_is_enough_for_a_latency_verdict(tmp_path: Path) -> None:
    found = judged(tmp_path, Plan(variants=VARIANTS[2:3], train=False, replicas=1))

    assert row(found, "yolov5p_odconv4").judged["wall:cpu-fp32-1t"].verdict.word == "worse"
