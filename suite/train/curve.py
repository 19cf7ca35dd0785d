"""How a training goes, point by point, and the CSV file that it is written to while it goes on."""

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from suite.files import writing
from suite.record import Json

WINDOW = 10  # steps that one point of the curve averages, of a run of up to 10,000
_POINTS = 1000  # of a longer run

HEADER = "step,images,lr,box,obj,cls,ap,ap50"


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Means over the steps since the last point, up to `step` (counted from 1), not multiplied by the batch size."""

    step: int
    box: float
    obj: float
    cls: float
    lr: float


@dataclass(frozen=True, slots=True)
class Score:
    """What the averaged model of `step` reached on the validation data; `fitness` is what is compared."""

    step: int
    ap: float
    ap50: float
    fitness: float


def window(steps: int) -> int:
    """Steps that one point of the curve averages."""
    return max(WINDOW, steps // _POINTS)


def best(scores: Iterable[Score]) -> Score | None:
    """The score with the highest fitness, the earliest of equals."""
    return max(scores, key=lambda score: score.fitness, default=None)


def write_curve(points: Iterable[CurvePoint], scores: Iterable[Score]) -> dict[str, Json]:
    """Both in plain JSON, as a checkpoint keeps them."""
    return {
        "curve": [list(astuple(point)) for point in points],
        "scores": [list(astuple(score)) for score in scores],
    }


def read_curve(facts: Mapping[str, Json]) -> tuple[list[CurvePoint], list[Score]]:
    """What `write_curve` gave."""
    points: Any = facts["curve"]
    scores: Any = facts["scores"]
    return [CurvePoint(*row) for row in points], [Score(*row) for row in scores]


class CurveFile:
    """A line a point and a line a score, in the order they come; whole after every line.

    A resumed run begins with what its checkpoint knows, so that the file ends up as if nothing had happened.
    """

    def __init__(self, path: Path, batch: int, known: Iterable[CurvePoint | Score] = ()) -> None:
        self._path = path
        self._batch = batch
        # of one step the score comes first, as it does while training
        ordered = sorted(known, key=lambda line: (line.step, isinstance(line, CurvePoint)))
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{line}\n" for line in (HEADER, *map(self._line, ordered))))

    def add(self, line: CurvePoint | Score) -> None:
        """Append one."""
        with writing(self._path), self._path.open("a") as file:
            file.write(f"{self._line(line)}\n")

    def _line(self, line: CurvePoint | Score) -> str:
        start = f"{line.step},{line.step * self._batch}"
        if isinstance(line, Score):
            return f"{start},,,,,{line.ap!r},{line.ap50!r}"
        return f"{start},{line.lr!r},{line.box!r},{line.obj!r},{line.cls!r},,"
