"""Where the boxes of a network stand: a column for each way down or up, a row for each stride."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.network.boxes import Box

WIDTH, HEIGHT = 148, 36  # of a box, in pixels
GAP = 12  # between boxes of one stride
BAND_GAP = 26  # between strides: edges pass here
GUTTER = 52  # between columns
LEFT, TOP = 74, 58  # for the rows' names and the columns'
_LANE = 7  # between edges that run side by side
_CLEAR = 4  # an edge that passes a box nearer than this would seem to enter it

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Placed:
    """A box with its top left corner and its height; `column` counts from the left."""

    box: Box
    column: int
    x: float
    y: float
    height: float = HEIGHT
    upward: bool = False

    @property
    def middle(self) -> float:
        """Where edges leave to the right."""
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Band:
    """A row: all maps of one stride."""

    stride: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """All that is to be drawn; `edges` are the corners of polylines."""

    placed: tuple[Placed, ...]
    bands: tuple[Band, ...]
    edges: tuple[tuple[Point, ...], ...]
    width: float
    height: float


@dataclass(slots=True)
class _Run:
    """Positions of boxes whose strides only rise or only fall; `direction` is the sign of the change so far."""

    positions: list[int]
    direction: int

    @property
    def upward(self) -> bool:
        """Whether the strides fall: such a column is drawn from the bottom up."""
        return self.direction < 0


def lay_out(boxes: Sequence[Box]) -> Layout:
    """Place the boxes of a network whose last one is the head."""
    runs = _runs(boxes)
    bands = _bands(boxes, runs)
    placed = _placed(boxes, runs, {band.stride: band for band in bands})
    read = [placed[source] for source in boxes[-1].sources if source in placed]
    top, bottom = min(p.y for p in read), max(p.y + p.height for p in read)
    end_x, end_band = _x(len(runs)), bands[-1]
    head = Placed(boxes[-1], len(runs), end_x, top, bottom - top)
    ordered = (*(placed[position] for position in range(len(boxes) - 1)), head)
    height = end_band.y + end_band.height + BAND_GAP / 2
    return Layout(ordered, bands, _edges(ordered), end_x + WIDTH + 12, height)


def _placed(
    boxes: Sequence[Box], runs: Sequence[_Run], bands: Mapping[int, Band]
) -> dict[int, Placed]:
    """Every box but the head by its position: a run is a column, and in a band boxes stand in their order."""
    placed: dict[int, Placed] = {}
    for column, run in enumerate(runs):
        for stride in dict.fromkeys(boxes[i].stride for i in run.positions):
            here = [i for i in run.positions if boxes[i].stride == stride]
            ys = _heights(bands[stride or 0], len(here), upward=run.upward)
            for i, y in zip(here, ys, strict=True):
                placed[i] = Placed(boxes[i], column, _x(column), y, upward=run.upward)
    return placed


def _heights(band: Band, count: int, *, upward: bool) -> list[float]:
    """Where boxes of one run stand in a band: from its top, or from its bottom where the run goes up."""
    offsets = [row * (HEIGHT + GAP) for row in range(count)]
    if upward:
        return [band.y + band.height - HEIGHT - offset for offset in offsets]
    return [band.y + offset for offset in offsets]


def _x(column: int) -> float:
    return LEFT + column * (WIDTH + GUTTER)


def _runs(boxes: Sequence[Box]) -> list[_Run]:
    """The columns: a part begins a new one, and so does a turn of the strides."""
    runs: list[_Run] = []
    for i, box in enumerate(boxes[:-1]):
        before = boxes[i - 1] if i else None
        if before is None or before.part != box.part:
            runs.append(_Run([i], 0))
            continue
        run, step = runs[-1], (box.stride or 0) - (before.stride or 0)
        if step * run.direction < 0:
            # a box that does not go on from the one before may be the first of several side by side
            runs.append(_Run([i], step if i - 1 in box.sources else 0))
        else:
            run.positions.append(i)
            run.direction = run.direction or step
    return runs


def _bands(boxes: Sequence[Box], runs: Sequence[_Run]) -> tuple[Band, ...]:
    """The rows, as high as the run with the most boxes of a stride needs."""
    bands: list[Band] = []
    y = float(TOP)
    for stride in sorted({box.stride or 0 for box in boxes[:-1]}):
        rows = max(sum((boxes[i].stride or 0) == stride for i in run.positions) for run in runs)
        height = rows * (HEIGHT + GAP) - GAP
        bands.append(Band(stride, y, height))
        y += height + BAND_GAP
    return tuple(bands)


def _edges(placed: Sequence[Placed]) -> tuple[tuple[Point, ...], ...]:
    """From every box to those that read it."""
    lanes: dict[int, int] = {}
    edges: list[tuple[Point, ...]] = []
    for i, target in enumerate(placed):
        for source in target.box.sources:
            if source < 0:
                middle = target.x + WIDTH / 2
                edges.append(((middle, target.y - 18), (middle, target.y)))
            elif source == i - 1 and placed[source].column == target.column:
                edges.append(_neighbours(placed[source], target))
            else:
                edges.append(_across(placed, placed[source], target, lanes))
    return tuple(edges)


def _neighbours(source: Placed, target: Placed) -> tuple[Point, ...]:
    middle = source.x + WIDTH / 2
    if target.y > source.y:
        return (middle, source.y + source.height), (middle, target.y)
    return (middle, source.y), (middle, target.y + target.height)


def _across(
    placed: Sequence[Placed], source: Placed, target: Placed, lanes: dict[int, int]
) -> tuple[Point, ...]:
    """By the gutter beside the source, straight over free ground, and by the gutter before the target."""
    enter = min(max(source.middle, target.y + HEIGHT / 2), target.y + target.height - HEIGHT / 2)
    if source.column == target.column:
        lane = source.x - _lane(lanes, source.column)
        return (source.x, source.middle), (lane, source.middle), (lane, enter), (target.x, enter)
    start, end = (source.x + WIDTH, source.middle), (target.x, enter)
    between = [p for p in placed if source.column < p.column < target.column]
    if not between:
        if source.middle == enter:
            return start, end
        lane = target.x - _lane(lanes, target.column)
        return start, (lane, source.middle), (lane, enter), end
    free = [y for y in (source.middle, enter, *_gaps(source, between)) if _is_free(y, between)]
    y = free[0] if free else source.y - GAP / 2
    out = source.x + WIDTH + _lane(lanes, -source.column - 1) if y != source.middle else start[0]
    into = target.x - _lane(lanes, target.column) if y != enter else end[0]
    return start, (out, source.middle), (out, y), (into, y), (into, enter), end


def _gaps(source: Placed, between: Sequence[Placed]) -> list[float]:
    """The heights just below and above the boxes in the way, the nearest first."""
    heights = [p.y + p.height + GAP / 2 for p in between] + [p.y - GAP / 2 for p in between]
    return sorted(heights, key=lambda y: abs(y - source.middle))


def _is_free(y: float, between: Sequence[Placed]) -> bool:
    return all(not p.y - _CLEAR < y < p.y + p.height + _CLEAR for p in between)


def _lane(lanes: dict[int, int], gutter: int) -> float:
    """The next free distance from a column's edge, so that no two edges run over each other."""
    lanes[gutter] = lanes.get(gutter, 1) + 1
    return 6 + _LANE * (1 + (lanes[gutter] - 2) % 5)
