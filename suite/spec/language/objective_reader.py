"""`loss`, `assigner`, `nms` and `anchors` of a file become their records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from suite.spec.language.vocabulary import (
    ASSIGNER_KEYS,
    LOSS_KEYS,
    MAX_ANCHOR,
    MAX_LEVELS,
    NMS_KEYS,
)
from suite.spec.records.objective import (
    Assigner,
    AssignerName,
    BoxKind,
    Loss,
    ScoreKind,
    Suppression,
    SuppressionKind,
)
from suite.spec.records.source import Anchors
from suite.yaml.document import Node, Scalar, Table
from suite.yaml.reader import Reader

_FOCAL = {"focal", "varifocal"}


@dataclass(frozen=True, slots=True)
class ObjectiveReader:
    """Reads the keys about training towards something; None stands for what has been reported."""

    reader: Reader

    def loss(self, node: Node) -> Loss | None:
        """`{box: …, objectness: …, class: …}` and the numbers that the named kinds have."""
        table = self.reader.table(node, "`loss`", LOSS_KEYS)
        if table is None:
            return None
        box = self._choice(table, "box", get_args(BoxKind), "ciou")
        objectness = self._choice(table, "objectness", get_args(ScoreKind), "bce")
        classes = self._choice(table, "class", get_args(ScoreKind), "bce")
        owners = {"gamma": _FOCAL & {objectness, classes}, "alpha": _FOCAL & {objectness, classes}}
        self._owned(
            table,
            {**owners, "constant": {box} & {"nwd"}},
            ("focal or varifocal", "focal or varifocal", "nwd"),
        )
        return Loss(
            box=box,  # type: ignore[arg-type]  # one of the choices
            objectness=objectness,  # type: ignore[arg-type]
            classes=classes,  # type: ignore[arg-type]
            gamma=self._number(table, "gamma", 10),
            alpha=self._number(table, "alpha", 1),
            constant=self._number(table, "constant", MAX_ANCHOR, above=True),
        )

    def assigner(self, node: Node) -> Assigner | None:
        """A name, or `{name: …}` with its numbers."""
        table = self._table(node, "name", "`assigner`", ASSIGNER_KEYS)
        if table is None:
            return None
        name = self._choice(table, "name", get_args(AssignerName), "yolov5")
        simota = {name} & {"simota"}
        self._owned(table, {"radius": simota, "candidates": simota}, ("simota", "simota"))
        usual = Assigner()
        radius = self._number(table, "radius", MAX_ANCHOR, above=True)
        candidates = table.entries.get("candidates")
        count = (
            None
            if candidates is None
            else self.reader.whole(candidates, "`candidates`", low=1, high=1000)
        )
        return Assigner(
            name=name,  # type: ignore[arg-type]
            radius=usual.radius if radius is None else radius,
            candidates=usual.candidates if count is None else count,
        )

    def suppression(self, node: Node) -> Suppression | None:
        """A kind, or `{kind: …}` with its numbers."""
        table = self._table(node, "kind", "`nms`", NMS_KEYS)
        if table is None:
            return None
        kind = self._choice(table, "kind", get_args(SuppressionKind), "hard")
        self._owned(
            table,
            {"sigma": {kind} & {"soft"}, "iou": {kind} - {"soft"}},
            ("soft", "hard, diou or soft_linear"),
        )
        usual = Suppression()
        sigma = self._number(table, "sigma", 100, above=True)
        agnostic = table.entries.get("agnostic")
        return Suppression(
            kind=kind,  # type: ignore[arg-type]
            iou=self._number(table, "iou", 1),
            agnostic=agnostic is not None and bool(self.reader.flag(agnostic, "`agnostic`")),
            sigma=usual.sigma if sigma is None else sigma,
        )

    def anchors(self, node: Node) -> Anchors | None:
        """One flat list of widths and heights in pixels a level."""
        levels = self.reader.items(node, "`anchors`")
        found = [tuple(self._sides(level)) for level in levels]
        if len(levels) > MAX_LEVELS or any(len(level) > 2 * MAX_LEVELS for level in found):
            self.reader.problems.add(
                node.mark, "E104", f"at most {MAX_LEVELS} levels of {MAX_LEVELS} anchors each"
            )
        elif len({len(level) for level in found}) != 1 or not found[0] or len(found[0]) % 2:
            message = (
                "`anchors` are lists of equal length, one a level, of widths and heights in pixels"
            )
            self.reader.problems.add(node.mark, "E101", message)
        return Anchors(tuple(found), node.mark)

    def _sides(self, level: Node) -> list[float]:
        sides = self.reader.items(level, "the anchors of a level")
        read = (
            self.reader.number(side, "a side of an anchor", low=0, high=MAX_ANCHOR, above=True)
            for side in sides
        )
        return [side for side in read if side is not None]

    def _table(self, node: Node, key: str, what: str, known: Sequence[str]) -> Table | None:
        """The mapping; a plain word stands for a mapping of `key` to it."""
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return Table({key: node}, {key: node.mark}, node.mark)
        return self.reader.table(node, what, known)

    def _choice(self, table: Table, key: str, choices: Sequence[str], usual: str) -> str:
        if key not in table.entries:
            return usual
        return self.reader.choice(table.entries[key], f"`{key}`", choices) or usual

    def _number(self, table: Table, key: str, high: float, *, above: bool = False) -> float | None:
        node = table.entries.get(key)
        value = (
            None
            if node is None
            else self.reader.number(node, f"`{key}`", low=0, high=high, above=above)
        )
        return None if value is None else float(value)

    def _owned(self, table: Table, owners: Mapping[str, set[str]], words: Sequence[str]) -> None:
        """A number that nothing named here has is a mistake, not a decoration."""
        for (key, having), owner in zip(owners.items(), words, strict=True):
            if key in table.keys and not having:
                self.reader.problems.add(
                    table.keys[key], "E105", f"`{key}` is of {owner}, which is not named here"
                )
