"""A row of a YOLO label file: class, then a box, a polygon, or a box with key points, score and track id."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from suite.datasets.formats.assemble import Notes
from suite.datasets.split import DataError

KeyPoints = tuple[int, int]
"""How many there are, and how many numbers one has: `kpt_shape` of a data.yaml."""

_BOX = 5  # numbers on a line: class, centre x, centre y, width, height
_EXTRAS = 2  # score and track id
_TRACKED = _BOX + _EXTRAS  # or class and a triangle
_QUAD = 1 + 2 * 4  # class and the corners of a turned box
_FEWEST = 1 + 2 * 3  # of a polygon: class and three points
_LARGEST_SHARE = 2.0  # rounding gives a little over 1; pixels give far more
_VISIBILITIES = frozenset((0.0, 1.0, 2.0))
_ROUNDING = 1e-3
_EXTRA = "row with a score or track id: only its box is taken"
_SUSPICIOUS = (
    "polygon that looks like a box with key points: if it is one, data.yaml needs `kpt_shape`"
)


@dataclass(frozen=True, slots=True)
class Row:
    """`values` are shares of the picture: centre x, centre y, width, height, or the x, y, ... of a polygon."""

    label: int
    values: list[float]

    @property
    def polygon(self) -> list[float]:
        """The polygon, as far as the row is a sound one."""
        is_one = len(self.values) >= _BOX and all(map(math.isfinite, self.values))
        return self.values if is_one else []

    @property
    def around(self) -> list[float]:
        """Left, top, width, height."""
        if len(self.values) == _BOX - 1:
            x, y, width, height = self.values
            return [x - width / 2, y - height / 2, width, height]
        left, top = min(self.values[::2]), min(self.values[1::2])
        return [left, top, max(self.values[::2]) - left, max(self.values[1::2]) - top]


@dataclass(slots=True)
class RowReader:
    """Reads rows by what the description says of them, and remembers what is odd about all of a part."""

    classes: int
    key_points: KeyPoints | None
    notes: Notes
    files: int = 0  # that were there
    _lengths: set[int] = field(default_factory=set)
    _polygons: int = 0
    _inside: list[tuple[str, bool]] = field(default_factory=list)

    def read(self, where: str, location: str, fields: list[str]) -> Row:
        """One row; `where` begins the message of an error, `location` is for the notes.

        Raises:
            DataError: it is none.
        """
        try:
            values = [float(field) for field in fields]
        except ValueError:
            raise DataError(
                f"{where}: {_cut(fields)!r} are not numbers; a line is `class x y width height`"
            ) from None
        kept, extra = self._parted(where, fields, values)
        if not 0 <= values[0] < self.classes or values[0] != int(values[0]):
            hint = "; do the labels count from 1?" if values[0] == self.classes else ""
            raise DataError(
                f"{where}: class {fields[0]!r}; there are {self.classes} names, "
                f"for the classes 0 to {self.classes - 1}{hint}"
            )
        largest = max(values[1:kept])
        if largest > _LARGEST_SHARE:
            raise DataError(
                f"{where}: {largest:g} is no share of the picture; coordinates go from 0 to 1"
            )
        if extra:
            self.notes.add(_EXTRA, location)
        if kept > _BOX:
            self._remember(location, values[1:])
        return Row(int(values[0]), values[1:kept])

    def _parted(
        self, where: str, fields: Sequence[str], values: Sequence[float]
    ) -> tuple[int, int]:
        """How many of the numbers are class and box or polygon, and how many are score and track id."""
        count = len(values)
        if count == _BOX:
            return count, 0
        if self.key_points:
            points = math.prod(self.key_points)
            extra = count - _BOX - points
            if 0 <= extra <= _EXTRAS:
                return _BOX, extra
            raise DataError(
                f"{where}: has {count} numbers; by `kpt_shape` a line is "
                f"`class x y width height` and {points} numbers of key points"
            )
        if count == _BOX + 1 or (count == _TRACKED and _is_tracked(fields[-1], values[1:])):
            return _BOX, count - _BOX
        if count < _FEWEST or count % 2 == 0:
            raise DataError(
                f"{where}: has {count} numbers; a line is `class x y width height`, or class and polygon "
                "(with key points, data.yaml must have `kpt_shape`)"
            )
        return count, 0

    def _remember(self, location: str, values: Sequence[float]) -> None:
        self._polygons += 1
        self._lengths.add(1 + len(values))
        box, triples = values[:4], _inside_as_triples(values)
        if not triples and not _all_inside(box, values[4::2], values[5::2]):
            return
        visibilities = triples and _VISIBILITIES.issuperset(values[6::3])
        clearly = visibilities or not _all_inside(box, [values[2]], [values[3]])
        self._inside.append((location, clearly))

    def tell(self) -> None:
        """Note the polygons whose further points lie in the box that their first four numbers make.

        A small polygon can do that as well, but hardly any set of polygons has one number of corners throughout; where
        the second point is outside, it is no neighbour of the first but a width and a height.
        """
        clear = [location for location, clearly in self._inside if clearly]
        like_each_other = len(self._lengths) == 1 and len(self._inside) == self._polygons
        if like_each_other and (clear or self._lengths != {_QUAD}):
            clear = [location for location, _ in self._inside]
        if 2 * len(self._inside) >= self._polygons:
            for location in clear:
                self.notes.add(_SUSPICIOUS, location)


def _is_tracked(last: str, values: Sequence[float]) -> bool:
    """Whether six numbers are a box in its picture, a score and a track id, which is written as a whole number."""
    x, y, width, height, score, track = values
    if track.is_integer() and not 0 <= track <= _LARGEST_SHARE:
        return True
    if not last.isdecimal():
        return False
    inside = width / 2 <= min(x, 1 - x) + _ROUNDING and height / 2 <= min(y, 1 - y) + _ROUNDING
    return inside and 0 <= score <= 1


def _inside_as_triples(values: Sequence[float]) -> bool:
    """Whether what follows the box can be points in it, of three numbers each: x, y and visibility or confidence."""
    if len(values) < 10 or len(values) % 3 != 1:
        return False
    return _all_inside(values[:4], values[4::3], values[5::3])


def _all_inside(box: Sequence[float], across: Sequence[float], down: Sequence[float]) -> bool:
    """Whether all points that are there lie in a box of centre x, centre y, width, height; 0, 0 is no point."""
    x, y, width, height = box
    points = [point for point in zip(across, down, strict=True) if point != (0, 0)]
    return bool(points) and all(
        abs(right - x) <= width / 2 + _ROUNDING and abs(below - y) <= height / 2 + _ROUNDING
        for right, below in points
    )


def _cut(fields: list[str]) -> str:
    return " ".join(fields)[:40]
