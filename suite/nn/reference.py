"""How the reference's state-dict names map to ours.

The reference numbers its layers `model.0` … `model.24` and counts a concatenation as a layer of its own; here several
inputs of a line mean concatenation, so a line with several inputs stands for two of its numbers. Inside a layer:

| reference                     | here                          |
| ----------------------------- | ----------------------------- |
| Conv `conv`, `bn`             | `conv`, `norm`                |
| Bottleneck `cv1`, `cv2`       | `reduce`, `mix`               |
| C3 `cv1`, `cv2`, `cv3`, `m`   | `reduce`, `bypass`, `merge`, `blocks` |
| SPPF `cv1`, `cv2`             | `reduce`, `merge`             |
| Detect `m`, `anchors`         | `outputs`, `anchors` (ours in pixels, the reference's divided by stride) |
"""

from collections.abc import Mapping

from torch import Tensor

from suite.nn.network import Detector, Node
from suite.nn.slots import split_address

_INSIDE: dict[str, dict[str, str]] = {
    "c3.C3": {"reduce": "cv1", "bypass": "cv2", "merge": "cv3", "blocks": "m"},
    "c3.Bottleneck": {"reduce": "cv1", "mix": "cv2"},
    "sppf.SPPF": {"reduce": "cv1", "merge": "cv2"},
    "conv.Conv": {},
    "upsample.Upsample": {},
    "anchor.AnchorHead": {"outputs": "m"},
}
_ANYWHERE = {"norm": "bn"}


def reference_indices(model: Detector) -> dict[str, int]:
    """Our layer addresses to the reference's layer numbers."""
    indices = {}
    number = 0
    for node in model.graph:
        if node.part != "head" and len(node.sources) > 1:
            number += 1
        indices[node.address] = number
        number += 1
    return indices


def reference_names(model: Detector) -> dict[str, str]:
    """Every name of our state dict to the reference's name of the same tensor.

    Raises:
        ValueError: a layer is of a block that the reference does not have.
    """
    indices = reference_indices(model)
    nodes = {node.address: node for node in model.graph}
    return {name: _reference_name(name, nodes, indices) for name in model.state_dict()}


def from_reference(model: Detector, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict for `model` from the reference's, in our names and units; an old `anchor_grid` is left out.

    Raises:
        ValueError: tensors are missing, left over, or of another shape; the message names the first few.
    """
    names = reference_names(model)
    given = {name: tensor.float() for name, tensor in state.items() if not name.endswith(".anchor_grid")}
    wanted = model.state_dict()
    missing = sorted(theirs for theirs in names.values() if theirs not in given)
    surplus = sorted(set(given) - set(names.values()))
    if missing or surplus:
        raise ValueError(
            f"the weights are of another network: {len(missing)} tensors missing ({_few(missing)}), "
            f"{len(surplus)} left over ({_few(surplus)})"
        )
    wrong = [t for ours, t in names.items() if ours != "head.anchors" and given[t].shape != wanted[ours].shape]
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
    if outputs not in state:
        raise ValueError("has no detection head; a YOLOv5 detector ends in one with anchors")
    return len(state[outputs]) // state[anchors].shape[1] - 5


def _reference_name(name: str, nodes: Mapping[str, Node], indices: Mapping[str, int]) -> str:
    address, rest = split_address(name)
    block = nodes[address].block
    if block not in _INSIDE:
        raise ValueError(f"{address} is a {block}, which the reference does not have")
    if block == "anchor.AnchorHead":
        return f"model.{indices[address]}.{rest.replace('outputs', 'm', 1)}"
    words = rest.split(".")
    inner = _INSIDE[block]
    if block == "c3.C3" and words[0] == "blocks":
        words = ["m", words[1], _INSIDE["c3.Bottleneck"][words[2]], *words[3:]]
    else:
        words[0] = inner.get(words[0], words[0])
    return f"model.{indices[address]}." + ".".join(_ANYWHERE.get(word, word) for word in words)


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "") if names else "none"
