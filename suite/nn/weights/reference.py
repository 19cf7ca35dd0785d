"""How the reference's state-dict names map to ours.

The reference numbers its layers `model.0` … `model.24`; a line of an imported network says which it is. Elsewhere the
number is worked out: the reference counts a concatenation as a layer of its own; here several inputs of a line mean
one, so a line with several inputs stands for two of its numbers, and so does a pooling with a border of zeros. Inside
a layer:

| reference                     | here                          |
| ----------------------------- | ----------------------------- |
| Conv `conv`, `bn`             | `conv`, `norm`                |
| Bottleneck `cv1`, `cv2`       | `reduce`, `mix`               |
| C3 `cv1`, `cv2`, `cv3`, `m`   | `reduce`, `bypass`, `merge`, `blocks` |
| BottleneckCSP `cv3`, `cv4`, `bn` | `project`, `merge`, `join` |
| SPP, SPPF `cv1`, `cv2`        | `reduce`, `merge`             |
| GhostConv `cv1`, `cv2`        | `primary`, `cheap`            |
| GhostBottleneck `conv.0` … `2` | `reduce`, `mix`, `project`   |
| TransformerBlock `linear`, `tr` | `position`, `layers`        |
| TransformerLayer `q`, `k`, `v`, `ma`, `fc1`, `fc2` | `outer`, `inner` and `project`, `widen`, `narrow` |
| Detect `m`, `anchors`         | `outputs`, `anchors` (ours in pixels, the reference's divided by stride) |

Attention of the reference holds the projections of query, key and value as one tensor, `in_proj_weight`; here that is
three, which stand for its parts `in_proj_weight.0` to `.2`.
"""

import re
from collections.abc import Mapping

from torch import Tensor

from suite.nn.blocks.maxpool import MaxPool
from suite.nn.network import Detector, Node
from suite.nn.weights.folded import unfolded
from suite.nn.weights.inert import shown as printable
from suite.nn.weights.slots import split_address

# patterns at the start of our name within a layer, and what the reference has
Rules = tuple[tuple[str, str], ...]

MOST_CLASSES = 100_000  # more than any data set has; a file must not ask for a head of any size

_FRAME: Rules = (("reduce", "cv1"), ("bypass", "cv2"), ("merge", "cv3"))
_GHOST: Rules = (("reduce", "conv.0"), ("mix", "conv.1"), ("project", "conv.2"))
_ATTENTION: Rules = (
    (r"blocks\.position", "m.linear"),
    (r"blocks\.layers\.(\d+)\.outer\.0", r"m.tr.\1.q"),
    (r"blocks\.layers\.(\d+)\.outer\.1", r"m.tr.\1.k"),
    (r"blocks\.layers\.(\d+)\.outer\.2", r"m.tr.\1.v"),
    (r"blocks\.layers\.(\d+)\.inner\.(\d)\.(weight|bias)", r"m.tr.\1.ma.in_proj_\3.\2"),
    (r"blocks\.layers\.(\d+)\.project", r"m.tr.\1.ma.out_proj"),
    (r"blocks\.layers\.(\d+)\.widen", r"m.tr.\1.fc1"),
    (r"blocks\.layers\.(\d+)\.narrow", r"m.tr.\1.fc2"),
)


def _repeated(rules: Rules) -> Rules:
    """The same inside the blocks that a C3 stacks."""
    return tuple((rf"blocks\.(\d+)\.{ours}", rf"m.\1.{theirs}") for ours, theirs in rules)


_INSIDE: dict[str, Rules] = {
    "batchnorm.BatchNorm": ((r"norm\.", ""),),
    "c3.Bottleneck": (("reduce", "cv1"), ("mix", "cv2")),
    "c3.C3": (*_FRAME, *_repeated((("reduce", "cv1"), ("mix", "cv2")))),
    "c3tr.C3TR": (*_FRAME, *_ATTENTION),
    "c3x.C3x": (*_FRAME, *_repeated((("across", "cv1"), ("down", "cv2")))),
    "conv.Conv": (),
    "csp.BottleneckCSP": (
        ("merge", "cv4"),
        ("project", "cv3"),
        (r"join\.norm", "bn"),
        *_FRAME,
        *_repeated((("reduce", "cv1"), ("mix", "cv2"))),
    ),
    "focus.Focus": (("mix", "conv"),),
    "ghost.C3Ghost": (*_FRAME, *_repeated(_GHOST), (r"blocks\.", "m.")),
    "ghost.GhostBottleneck": _GHOST,
    "ghost.GhostConv": (),
    "join.Join": (),
    "maxpool.MaxPool": (),
    "spp.SPP": (("reduce", "cv1"), ("merge", "cv2")),
    "sppf.SPPF": (("reduce", "cv1"), ("merge", "cv2")),
    "transposed.Transposed": ((r"grow\.", ""),),
    "upsample.Upsample": (),
    "anchor.AnchorHead": (("outputs", "m"),),
}
_ANYWHERE = {"norm": "bn", "primary": "cv1", "cheap": "cv2"}
_COPY = re.compile(r"(\d+\.)?(.*)")  # the number of a block in a stack of them
_PARTED = re.compile(r"\.in_proj_(weight|bias)$")


def reference_indices(model: Detector) -> dict[str, int]:
    """Our layer addresses to the reference's layer numbers."""
    return {address: row[0] for address, row in _rows(model).items()}


def _rows(model: Detector) -> dict[str, tuple[int, ...]]:
    """Layer addresses to the row of the model file, and which of its copies where a row became several layers.

    Of an imported network only the layers that its file has.
    """
    stated = {node.address: node.row for node in model.graph if node.row}
    return stated or {address: (index,) for address, index in _counted(model).items()}


def _counted(model: Detector) -> dict[str, int]:
    indices = {}
    number = 0
    for node in model.graph:
        number += _rows_before(node, model)
        indices[node.address] = number
        number += 1
    return indices


def _rows_before(node: Node, model: Detector) -> int:
    """How many rows of the reference a line stands for beside its own."""
    joins = node.part != "head" and len(node.sources) > 1 and node.block != "join.Join"
    pools = (
        (m for m in model.get_submodule(node.address).modules() if isinstance(m, MaxPool))
        if node.block == "maxpool.MaxPool"
        else ()
    )
    has_border = any(any(pool.zeros) for pool in pools)
    return joins + has_border


def reference_names(model: Detector) -> dict[str, str]:
    """Every name of our state dict to the reference's name of the same tensor.

    Raises:
        ValueError: a layer is of a block that the reference does not have, or is not of the imported file.
    """
    rows = _rows(model)
    nodes = {node.address: node for node in model.graph}
    return {name: _reference_name(name, nodes, rows) for name in model.state_dict()}


def from_reference(model: Detector, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict for `model` from the reference's, in our names and units; an old `anchor_grid` is left out.

    Fused weights get norms that change nothing (`suite.nn.weights.folded`).

    Raises:
        ValueError: tensors are missing, left over, or of another shape; the message names the first few.
    """
    names = reference_names(model)
    given = {
        name: tensor.float()
        for name, tensor in unfolded(model, names, _parted(state)).items()
        if not name.endswith(".anchor_grid")
    }
    wanted = model.state_dict()
    missing = sorted(theirs for theirs in names.values() if theirs not in given)
    surplus = sorted(set(given) - set(names.values()))
    if missing or surplus:
        raise ValueError(
            f"the weights are of another network{_of_another_era(names, state)}: {len(missing)} tensors missing "
            f"({_few(missing)}), {len(surplus)} left over ({_few(surplus)})"
        )
    wrong = [
        t
        for ours, t in names.items()
        if ours != "head.anchors" and given[t].shape != wanted[ours].shape
    ]
    if wrong:
        example = given[wrong[0]].shape
        raise ValueError(
            f"{len(wrong)} tensors have another shape, first {wrong[0]} {tuple(example)}; the variant or its number "
            "of classes differs from the weights'"
        )
    loaded = {ours: given[theirs] for ours, theirs in names.items()}
    strides = loaded["head.anchors"].new_tensor(model.strides)
    loaded["head.anchors"] = loaded["head.anchors"] * strides[:, None, None]
    return loaded


def reference_classes(state: Mapping[str, Tensor]) -> int:
    """How many classes the detector of a reference's state dict scores.

    Raises:
        ValueError: it has no detection head.
    """
    anchors = next((name for name in state if name.endswith(".anchors")), "")
    outputs = f"{anchors.removesuffix('anchors')}m.0.bias"
    if outputs not in state or state[anchors].ndim != 3 or not state[anchors].numel():
        raise ValueError("has no detection head; a YOLOv5 detector ends in one with anchors")
    classes = state[outputs].numel() // state[anchors].shape[1] - 5
    if not 1 <= classes <= MOST_CLASSES:
        raise ValueError(
            f"has a detection head of {classes} classes; there are 1 to {MOST_CLASSES}"
        )
    return classes


def _reference_name(
    name: str, nodes: Mapping[str, Node], rows: Mapping[str, tuple[int, ...]]
) -> str:
    address, rest = split_address(name)
    block = nodes[address].block
    if block not in _INSIDE:
        raise ValueError(f"{address} is a {block}, which the reference does not have")
    if address not in rows:
        raise ValueError(f"{address} ({block}) is no row of the imported file")
    copy, inner = _COPY.fullmatch(rest).groups()  # type: ignore[union-attr]  # it fits every text
    for ours, theirs in _INSIDE[block]:
        inner, matches = re.subn(f"^{ours}", theirs, inner)
        if matches:
            break
    path = ".".join(_ANYWHERE.get(step, step) for step in inner.split("."))
    row = ".".join(map(str, rows[address]))
    return f"model.{row}.{copy or ''}{path}"


def _of_another_era(names: Mapping[str, str], state: Mapping[str, Tensor]) -> str:
    """What is said where the stem alone tells that the file and the variant are of two eras."""
    stem = "model.0.conv.conv.weight"  # of Focus
    if stem in state and stem not in names.values():
        return (
            " (it has a Focus stem, as YOLOv5 v5.0 and older had: `import` its model file, and load it into that "
            "variant)"
        )
    return ""


def _parted(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state with query, key and value apart, where an attention has them in one tensor."""
    apart: dict[str, Tensor] = {}
    for name, tensor in state.items():
        parts = tensor.chunk(3) if _PARTED.search(name) else ()
        apart |= {f"{name}.{index}": part for index, part in enumerate(parts)} or {name: tensor}
    return apart


def _few(names: list[str]) -> str:
    if not names:
        return "none"
    shown = names if len(names) <= 3 else [*names[:3], "..."]
    return ", ".join(map(printable, shown))
