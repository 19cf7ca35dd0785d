"""When the two evaluators are compared, and what score a training is given."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from suite.jobs import JobError, validation
from suite.jobs.validation import YOLOV5, Validation
from suite.metrics.accuracy.coco_reference import EvaluatorError
from suite.metrics.evidence.accuracy import Agreement
from suite.protocols.protocol import Evaluation
from suite.record import Measurement
from suite.spec.records.variant import Variant
from suite.train.curve import Score
from tests.train.trainings import NOISE

MODEL: Any = None  # nothing here looks at it

AGREEMENT = Agreement("pycocotools 2.0.11", 0.0)


class FakeEvaluate:
    """Stands for `evaluate`: remembers which evaluator it was to use, and gives what it was made with."""

    def __init__(self, **samples: tuple[float, ...]) -> None:
        self.evaluators: list[str] = []
        self._measurements = tuple(
            Measurement(name, 1, "1", "trained", values) for name, values in samples.items()
        )

    def __call__(self, _model: object, _val: object, **settings: Any) -> SimpleNamespace:
        self.evaluators.append(settings["evaluator"])
        return SimpleNamespace(measurements=self._measurements, agreement=AGREEMENT)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeEvaluate:
    fake = FakeEvaluate(ap=(0.25,), ap50=(0.5,), ap_small=())
    monkeypatch.setattr(validation, "evaluate", fake)
    return fake


def scored_by(evaluator: Any, proof: Path | None = None) -> Validation:
    settings = Evaluation(YOLOV5.confidence, YOLOV5.iou, YOLOV5.max_detections, evaluator)
    return Validation(NOISE, Variant("mini", "Mini", layers=()), 64, scored=settings, proof=proof)


def test_the_first_evaluation_compares_the_evaluators_and_later_ones_refer_to_it(
    fake: FakeEvaluate, tmp_path: Path
) -> None:
    proof = tmp_path / "artifacts" / "proof.json"

    for _ in range(2):
        scored_by("fast", proof).evaluate(MODEL)

    assert fake.evaluators == ["checked", "fast"]
    assert json.loads(proof.read_text()) == AGREEMENT.as_json


def test_without_a_place_for_the_proof_every_evaluation_compares(fake: FakeEvaluate) -> None:
    for _ in range(2):
        scored_by("fast").evaluate(MODEL)

    assert fake.evaluators == ["checked", "checked"]


def test_pycocotools_is_not_compared_with_itself(fake: FakeEvaluate, tmp_path: Path) -> None:
    scored_by("pycocotools", tmp_path / "proof.json").evaluate(MODEL)

    assert fake.evaluators == ["pycocotools"]
    assert not list(tmp_path.iterdir())


def test_evaluators_that_disagree_are_the_answer_of_the_job(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def disagree(*_: object, **__: object) -> None:
        raise EvaluatorError("ap: 0.1 and 0.2")

    monkeypatch.setattr(validation, "evaluate", disagree)

    with pytest.raises(JobError, match=r"ap: 0\.1 and 0\.2") as caught:
        scored_by("fast", tmp_path / "proof.json").evaluate(MODEL)

    assert caught.value.code == "evaluator"
    assert not list(tmp_path.iterdir())


def test_a_score_weighs_ap_with_nine_tenths_and_ap50_with_one(fake: FakeEvaluate) -> None:
    score = scored_by("fast").score(30, MODEL)

    assert (score.step, score.ap, score.ap50) == (30, 0.25, 0.5)
    assert score.fitness == pytest.approx(0.9 * 0.25 + 0.1 * 0.5)
    assert fake.evaluators


def test_what_has_no_number_scores_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "evaluate", FakeEvaluate(ap=()))

    assert scored_by("fast").score(1, MODEL) == Score(1, 0, 0, 0)
