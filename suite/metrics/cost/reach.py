"""What the places of a tensor see of the image, and what handlers of operators need to find it for the next one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from suite.metrics.cost.axes import Axis, joined
from suite.metrics.cost.recorder import tensors

_MARK = "reach"  # the attribute of a tensor that keeps what its places see


@dataclass(frozen=True, slots=True)
class Reach:
    """What the places of a tensor see: by rows and by columns, where it has such, and who first saw the whole image."""

    rows: Axis | None = None
    columns: Axis | None = None
    whole: str | None = None
    grid: tuple[int, int] = (0, 0)  # rows and columns of places, where both lie along one dimension

    @property
    def pixels(self) -> int | None:
        """Side of the field of all paths that do not see the whole image; None where every path does."""
        axes = [axis.pixels for axis in (self.rows, self.columns) if axis]
        return max(axes, default=None)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The directions that are known."""
        return tuple(axis for axis in (self.rows, self.columns) if axis)


def begin(images: Tensor) -> None:
    """Every pixel of (B, 3, H, W) sees itself."""
    setattr(images, _MARK, Reach(Axis(-2), Axis(-1)))


def mark(tensor: Tensor, reach: Reach) -> None:
    """Keep what a tensor's places see."""
    setattr(tensor, _MARK, reach)


def reach_of(tensor: Tensor) -> Reach | None:
    """What is known of a tensor; None where it does not depend on the image."""
    return getattr(tensor, _MARK, None)


@dataclass(frozen=True, slots=True)
class Step:
    """One result of an operator, at `position` among its results."""

    args: Sequence[Any]
    out: Tensor
    position: int
    layer: str

    @property
    def x(self) -> Tensor:
        """The first argument."""
        first: Tensor = self.args[0]
        return first

    @property
    def reach(self) -> Reach:
        """Of the first argument; nothing where that is a constant."""
        return reach_of(self.x) or Reach()

    def argument(self, index: int, default: Any) -> Any:
        """One by position, as left out arguments are not handed over."""
        return self.args[index] if len(self.args) > index else default

    def lost(self) -> Reach:
        """Seen as the whole image: the operator mixes places in a way that is not followed."""
        reaches = filter(None, map(reach_of, tensors(self.args)))
        first = next((reach.whole for reach in reaches if reach.whole), self.layer)
        return Reach(whole=first)

    def global_(self, reach: Reach) -> Reach:
        """The reach, and the whole image as well."""
        return reach if reach.whole else replace(reach, whole=self.layer)

    def union(self, reaches: Sequence[Reach]) -> Reach:
        """What any of them sees."""
        if not reaches:
            return Reach()
        whole: Reach | None = reaches[0]
        for reach in reaches[1:]:
            whole = whole and _union(whole, reach)
        return whole or self.lost()


Handler = Callable[[Step], Reach]


def _union(a: Reach, b: Reach) -> Reach | None:
    """Both together; None where their places do not correspond."""
    grid = max(a.grid, b.grid)
    merged = []
    for one, other in ((a.rows, b.rows), (a.columns, b.columns)):
        both = joined(one, other) if one and other else one or other
        if both is None and one:
            return None
        merged.append(both)
    return Reach(merged[0], merged[1], a.whole or b.whole, grid)


def listed_dims(dims: int | Sequence[int] | None, ndim: int) -> list[int]:
    """Dimensions as an operator is told them, one, several, or None for all, counted from the front."""
    if dims is None:
        return list(range(ndim))
    listed = [dims] if isinstance(dims, int) else dims
    return [int(dim) % ndim for dim in listed]


def mapped(
    step: Step, change: Callable[[Axis, int], Axis | None], *, at: tuple[int, int] = (-2, -1)
) -> Reach:
    """The reach of the first argument with each direction changed; lost where the places do not lie at `at`."""
    reach = step.reach
    axes: list[Axis | None] = []
    for position, axis in enumerate((reach.rows, reach.columns)):
        if axis is None:
            axes.append(None)
        elif axis.dim != at[position] or (new := change(axis, position)) is None:
            return step.lost()
        else:
            axes.append(new)
    return replace(reach, rows=axes[0], columns=axes[1])
