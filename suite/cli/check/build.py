"""`check --build`: every network is built and tried on the meta device; its baseline is there to be compared with.

A network with blocks of the user's own is tried on numbers too: nobody else has.
"""

from suite.metrics.export_check import (
    ExportCheck,
    broken_expectations,
    judge_strides,
    run_export_check,
)
from suite.metrics.number_check import check_numbers
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from suite.spec.views.write import expect_line
from suite.yaml.errors import Problem, SpecError


class Builder:
    """Tries variants one after the other and remembers what their baselines are like."""

    def __init__(self, library: Library, *, exports: bool) -> None:
        self._library = library
        self._exports = exports
        self._tried: dict[str, ExportCheck] = {}

    def look(self, variant: Variant) -> tuple[ExportCheck, tuple[Problem, ...], list[Problem]]:
        """The trial, its warnings and one where the strides are unlike the baseline's, and all that is wrong.

        Raises:
            SpecError: the variant does not build.
        """
        trial = self._trial(variant, export=self._exports)
        usual = self._usual(variant, trial)
        hint = f"as built: {expect_line(trial.measured)}"
        problems = [*broken_expectations(trial, usual, hint), *trial.problems]
        if variant.used_blocks and not trial.problems:
            problems += check_numbers(variant)
        strides = judge_strides(trial, usual)
        return trial, ((strides,) if strides else ()) + trial.warnings, problems

    def _trial(self, variant: Variant, *, export: bool) -> ExportCheck:
        if variant.name not in self._tried:
            self._tried[variant.name] = run_export_check(variant, export=export)
        return self._tried[variant.name]

    def _usual(self, variant: Variant, trial: ExportCheck) -> ExportCheck | None:
        """The baseline's trial; None where it does not build or, as promised, has the same strides."""
        if not variant.baseline:
            return None
        try:
            baseline = self._library.load(variant.baseline)
            same = trial.measured.strides == baseline.expect.strides
            return None if same else self._trial(baseline, export=False)
        except SpecError:
            return None
