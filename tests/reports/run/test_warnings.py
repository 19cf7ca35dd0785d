"""What a reader is warned of before a variant's numbers."""

from dataclasses import replace

from reports.run.warnings import badges, build_warnings, recipe_warning, stride_warning
from tests.reports.made import measured, record, report, row

BASE = row("base", made=replace(record("base"), strides=(8, 16, 32)))
VARIANT = record("v", baseline="base")


def test_strides_unlike_the_base_s_are_loud() -> None:
    coarse = row("v", made=replace(VARIANT, strides=(16, 32, 64)))

    assert stride_warning(report(BASE, coarse), coarse) == (
        "strides 16, 32, 64 unlike the base's 8, 16, 32"
    )


def test_strides_that_are_unknown_or_equal_are_no_warning() -> None:
    unknown, equal = row("v", made=VARIANT), row("v", made=replace(VARIANT, strides=(8, 16, 32)))

    assert [stride_warning(report(BASE, each), each) for each in (unknown, equal)] == ["", ""]


def test_what_building_warned_of_strides_is_told_once() -> None:
    warnings = ("strides 16 only", "no tag p3")
    coarse = row("v", made=replace(VARIANT, strides=(16, 32, 64), warnings=warnings))

    told = build_warnings(report(BASE, coarse), coarse)

    assert told == ["strides 16, 32, 64 unlike the base's 8, 16, 32", "no tag p3"]


def test_a_variant_that_needs_another_recipe_is_not_judged() -> None:
    choosy = row("v", made=replace(VARIANT, spec={"recipe": "long"}))

    run = report(BASE, choosy, protocol={"recipe": "tiny"})

    assert recipe_warning(run, choosy) == "needs the recipe long: accuracy not judged"
    assert recipe_warning(report(BASE, choosy, protocol={"recipe": "long"}), choosy) == ""


def test_lost_seeds_are_counted_but_not_of_a_variant_that_failed_altogether() -> None:
    variant = row("v", measured("ap", 0.5), measured("ap"), baseline="base")
    jobs = (variant.jobs[0], replace(variant.jobs[1], status="failed"))
    partly, wholly = replace(variant, jobs=jobs), replace(variant, jobs=jobs, state="failed")

    assert badges(report(BASE, partly), partly) == ("1 of 2 seeds failed",)
    assert badges(report(BASE, wholly), wholly) == ()
