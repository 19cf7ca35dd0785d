"""How the averaged model of a training is scored, between its steps and at its end."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from suite.datasets.split import Split
from suite.jobs import JobError
from suite.metrics.accuracy.coco_reference import EvaluatorError
from suite.metrics.accuracy.curves import fitness
from suite.metrics.accuracy.detections import Evaluation, evaluate
from suite.nn.detector import Detector
from suite.protocols.protocol import Evaluation as Scored
from suite.spec.records.variant import Variant
from suite.train.curve import Score

YOLOV5 = Scored(confidence=0.001, iou=0.6, max_detections=300)  # what YOLOv5 scores by default


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """The evaluation of one training.

    Attributes:
        data: the validation part of the data set.
        variant: what is trained; its own suppression of overlapping boxes counts.
        image_size: side of the images in pixels.
        device: of torch.
        scored: which boxes are scored, and by which evaluator.
        proof: where it is written that the fast evaluator and pycocotools agree; the evaluation that finds no such
            file compares them. Without a path every one does.
    """

    data: Split
    variant: Variant
    image_size: int
    device: str = "cpu"
    scored: Scored = YOLOV5
    proof: Path | None = None

    def evaluate(self, model: Detector) -> Evaluation:
        """Detect on every validation picture and score the detections.

        Raises:
            JobError: the fast evaluator and pycocotools disagree.
            DataError: a picture does not decode any more.
        """
        is_proved = self.proof is not None and self.proof.exists()
        compare = self.scored.evaluator == "fast" and not is_proved
        settings = asdict(self.scored)
        if compare:
            settings["evaluator"] = "checked"
        try:
            evaluation = evaluate(
                model,
                self.data,
                image_size=self.image_size,
                suppression=self.variant.nms,
                device=self.device,
                **settings,
            )
        except EvaluatorError as error:
            raise JobError("evaluator", str(error)) from error
        if compare and self.proof is not None:
            self.proof.parent.mkdir(parents=True, exist_ok=True)
            agreement = evaluation.agreement
            self.proof.write_text(json.dumps(agreement.as_json if agreement else None))
        return evaluation

    def score(self, step: int, model: Detector) -> Score:
        """AP and AP50 of the averaged model after so many steps, 0 for what has no number; raises as `evaluate`."""
        samples = {m.metric: m.samples for m in self.evaluate(model).measurements}
        ap, ap50 = (_first(samples.get(name, ())) for name in ("ap", "ap50"))
        return Score(step, ap, ap50, fitness(0, 0, ap50, ap))


def _first(samples: tuple[float, ...]) -> float:
    return samples[0] if samples else 0.0
