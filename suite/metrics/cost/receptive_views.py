"""Receptive fields through what moves numbers and changes none: views, permutations, slices."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache

from suite.metrics.cost.axes import Axis, windowed
from suite.metrics.cost.reach import Handler, Reach, Step, listed_dims

_REMEMBERED = 1 << 12


def _placed(step: Step, new: Callable[[int], int | None]) -> Reach:
    """The reach with dimensions renamed: `new` takes one counted from the front, and gives such a one."""
    reach, ndim = step.reach, step.x.ndim
    axes: list[Axis | None] = []
    for axis in (reach.rows, reach.columns):
        if axis is None:
            axes.append(None)
        elif (dim := new(axis.dim % ndim)) is None:
            return step.lost()
        else:
            axes.append(replace(axis, dim=dim - step.out.ndim))
    return replace(reach, rows=axes[0], columns=axes[1])


def _permuted(step: Step) -> Reach:
    order = [dim % step.x.ndim for dim in step.args[1]]
    return _placed(step, order.index)


def _swapped(step: Step) -> Reach:
    a, b = (dim % step.x.ndim for dim in (step.argument(1, 0), step.argument(2, 1)))
    return _placed(step, lambda dim: {a: b, b: a}.get(dim, dim))


def _unsqueezed(step: Step) -> Reach:
    added = step.args[1] % step.out.ndim
    return _placed(step, lambda dim: dim + (dim >= added))


def _squeezed(step: Step) -> Reach:
    listed = listed_dims(step.argument(1, None), step.x.ndim)
    gone = {dim for dim in listed if step.x.shape[dim] == 1}
    return _placed(
        step, lambda dim: None if dim in gone else dim - sum(other < dim for other in gone)
    )


def _selected(step: Step) -> Reach:
    """One index of a dimension, which goes."""
    gone = step.argument(1, 0) % step.x.ndim
    return _placed(step, lambda dim: None if dim == gone else dim - (dim > gone))


def _sliced(step: Step) -> Reach:
    dim = step.argument(1, 0) % step.x.ndim - step.x.ndim
    start, every = step.argument(2, None) or 0, step.argument(4, 1)
    start = max(start + step.x.shape[dim], 0) if start < 0 else start
    return _shifted(step, dim, start, every)


def _parted(step: Step) -> Reach:
    sizes, dim = step.args[1], step.argument(2, 0) % step.x.ndim - step.x.ndim
    start = sizes * step.position if isinstance(sizes, int) else sum(sizes[: step.position])
    return _shifted(step, dim, start, 1)


def _shifted(step: Step, dim: int, start: int, every: int) -> Reach:
    """Places from `start` on, every so many, along one dimension; a row of flattened places cannot be cut."""
    reach = step.reach
    if reach.rows and reach.columns and reach.rows.dim == reach.columns.dim == dim:
        return step.lost()

    def cut(axis: Axis | None) -> Axis | None:
        return windowed(axis, 1, every, -start, 1) if axis and axis.dim == dim else axis

    return replace(reach, rows=cut(reach.rows), columns=cut(reach.columns))


def _viewed(step: Step) -> Reach:
    """Another shape of the same numbers: places stay if their dimensions do, are flattened, or unfold again."""
    reach, old, new = step.reach, tuple(step.x.shape), tuple(step.out.shape)
    by_dim = _groups(old, new)
    groups = [by_dim.get(axis.dim % len(old), ((), ())) for axis in reach.axes]
    if reach.rows and reach.columns and groups[0] == groups[1]:
        return _regridded(step, reach.rows, reach.columns, *groups[0])
    if any((len(before), len(after)) != (1, 1) for before, after in groups):
        return step.lost()
    moved = {
        axis: replace(axis, dim=after[0] - len(new))
        for axis, (_, after) in zip(reach.axes, groups, strict=True)
    }
    rows = reach.rows and moved[reach.rows]
    columns = reach.columns and moved[reach.columns]
    return replace(reach, rows=rows, columns=columns)


def _regridded(
    step: Step, rows: Axis, columns: Axis, old: tuple[int, ...], new: tuple[int, ...]
) -> Reach:
    """Rows and columns of one group of dimensions: flattened into one, unfolded into two, or left as they are."""
    shape, result, reach = step.x.shape, step.out.shape, step.reach
    flat = rows.dim == columns.dim
    grid = reach.grid if flat else (shape[rows.dim], shape[columns.dim])
    sizes = tuple(result[dim] for dim in new)
    if len(old) != (1 if flat else 2) or (sizes != grid and len(new) != 1):
        return step.lost()
    dims = [dim - len(result) for dim in (new[0], new[-1])]
    grid = grid if len(new) == 1 else (0, 0)
    rows, columns = replace(rows, dim=dims[0]), replace(columns, dim=dims[1])
    return replace(reach, rows=rows, columns=columns, grid=grid)


@lru_cache(_REMEMBERED)
def _groups(
    old: tuple[int, ...], new: tuple[int, ...]
) -> dict[int, tuple[tuple[int, ...], tuple[int, ...]]]:
    """For each dimension of `old` longer than 1: the smallest group it is in that has as many numbers in `new`."""
    left = [dim for dim, size in enumerate(old) if size > 1]
    right = [dim for dim, size in enumerate(new) if size > 1]
    groups: dict[int, tuple[tuple[int, ...], tuple[int, ...]]] = {}
    while left and right:
        ours, theirs = [left.pop(0)], [right.pop(0)]
        a, b = old[ours[0]], new[theirs[0]]
        while a != b:
            if a < b:
                ours.append(left.pop(0))
                a *= old[ours[-1]]
            else:
                theirs.append(right.pop(0))
                b *= new[theirs[-1]]
        groups |= dict.fromkeys(ours, (tuple(ours), tuple(theirs)))
    return groups


HANDLERS: Mapping[str, Handler] = {
    **dict.fromkeys(("view", "_unsafe_view", "_reshape_alias", "reshape"), _viewed),
    "permute": _permuted,
    **dict.fromkeys(("transpose", "t"), _swapped),
    "unsqueeze": _unsqueezed,
    "squeeze": _squeezed,
    **dict.fromkeys(("select", "unbind"), _selected),
    "slice": _sliced,
    **dict.fromkeys(("split", "split_with_sizes"), _parted),
    # dimensions that are added stand in front, and places are counted from the end
    **dict.fromkeys(("expand", "alias", "detach", "clone", "_to_copy"), lambda step: step.reach),
}
"""By name of the operator."""
