"""YOLOv5's own model files made into variants: rows become lines, numbers tags, and every number is final."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from suite.record import Json
from suite.spec.blocks.signatures import Signatures
from suite.spec.language.decode import read_tree
from suite.spec.records.objective import Assigner
from suite.spec.records.variant import Layer, Part, Variant
from suite.spec.yolov5.import_tags import Line, tagged
from suite.spec.yolov5.model_anchors import anchors_a_level, read_anchors
from suite.spec.yolov5.model_file import IMAGE, Row, read_model, readers_of, value_of
from suite.spec.yolov5.modules import ModuleReader
from suite.spec.yolov5.tables import CONCAT, DETECT, DETECT_X, HEADS, POOL, ZERO_PAD
from suite.spec.yolov5.unknown import taken_from_others
from suite.spec.yolov5.yolox import YoloxRows, read_yolox
from suite.yaml.document import Node, Scalar
from suite.yaml.errors import Problems
from suite.yaml.reader import Reader

JOIN = "join.Join"
OLD = "BottleneckCSP"  # what C3 replaced
MAX_BORDER = 64  # pixels
SIMOTA = Assigner("simota")  # YOLOX's


@dataclass(frozen=True, slots=True)
class Imported:
    """The variant, and what a reader of it should know, that about its anchors once more."""

    variant: Variant
    warnings: tuple[str, ...]
    about_anchors: tuple[str, ...] = ()


def import_model(text: str, file: str, name: str, signatures: Signatures) -> Imported:
    """The variant that describes the network of a YOLOv5 model file; SpecError for whatever text is none."""
    problems = Problems({file: text.splitlines()})
    reader = Reader(problems)
    model = read_model(read_tree(text, file, problems), reader)
    problems.raise_if_any()
    assert model is not None, "a file without a problem has a record"
    importer = _Importer(ModuleReader(reader, signatures, model, anchors_a_level(model)))
    layers = importer.layers()
    problems.raise_if_any()
    variant = Variant(
        name=name,
        title=f"{name} (imported)",
        layers=layers,
        activation=model.activation,
        assigner=SIMOTA if model.rows[-1].module == DETECT_X else Assigner(),
    )
    return Imported(variant, tuple(importer.warnings), tuple(importer.about_anchors))


@dataclass(frozen=True, slots=True)
class _Map:
    """What a row gives: the lines whose outputs, joined, it is (IMAGE for the image), and a border drawn around it."""

    lines: tuple[int, ...]
    channels: int
    stride: float
    zeros: tuple[int, ...] = ()


@dataclass(slots=True)
class _Importer:
    modules: ModuleReader
    maps: dict[int, _Map] = field(default_factory=lambda: {IMAGE: _Map((IMAGE,), 3, 1)})
    lines: list[Line] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    about_anchors: list[str] = field(default_factory=list)

    def layers(self) -> tuple[Layer, ...]:
        """All lines with tags and inputs; none if something is wrong, which is reported."""
        rows = self.modules.model.rows
        unknown = [row for row in rows if not self.modules.is_known(row)]
        if unknown or not self._has_one_head(rows):
            return ()
        yolox = None
        if rows[-1].module == DETECT_X:
            yolox = read_yolox(self.modules.model, self.modules.reader)
            if yolox is None:
                return ()
            rows = yolox.rows
        readers = readers_of(rows)
        for row in rows[:-1]:
            output = self._map(row, readers[row.index])
            if output is None:
                return ()  # the rows after it cannot be judged
            self.maps[row.index] = output
        head = self._yolox_head(rows[-1], yolox) if yolox else self._head(rows[-1])
        if head is None:
            return ()
        self.warnings += [*taken_from_others(rows), *self._old_activations(rows), *self._loss()]
        read = [line for source in rows[-1].sources for line in self.maps[source].lines]
        return tagged(self.lines, head, read)

    def _old_activations(self, rows: Sequence[Row]) -> list[str]:
        """A warning where nothing tells the file from one of before v4.0, whose networks had other activations."""
        if self.modules.model.activation or all(row.module != OLD for row in rows):
            return []
        warning = (
            f"{OLD} was replaced in v4.0: up to v3.1 the activations were Hardswish or LeakyReLU(0.1), which no file "
            "states; this is the network that v7.0 builds, with SiLU; `activation` states another"
        )
        return [warning]

    def _loss(self) -> list[str]:
        """A warning where the file names a loss, which is left out."""
        loss = self.modules.model.loss
        said = f"`loss: {loss}` is left out: a variant's own `loss` and `assigner` say how it is trained"
        return [said] if loss else []

    def _has_one_head(self, rows: Sequence[Row]) -> bool:
        heads = [row for row in rows if row.module in HEADS]
        if len(heads) == 1 and rows[-1].module in HEADS and not rows[-1].in_backbone:
            return True
        blamed = heads[0] if heads else rows[-1]
        reason = f"row {blamed.index} is not the last"
        if len(heads) != 1:
            reason = f"it has {len(heads)}"
        self._add(blamed, "E205", f"a model file ends with one {DETECT} row; {reason}")
        return False

    def _map(self, row: Row, readers: Sequence[Row]) -> _Map | None:
        sources = [self.maps[source] for source in row.sources]
        if row.module == CONCAT:
            return self._joined(row, sources, readers)
        if len(sources) > 1:
            self._add(
                row, "E202", f"row {row.index}: {row.module} reads one map, not {len(sources)}"
            )
            return None
        if row.module == ZERO_PAD:
            return self._padded(row, sources[0], readers)
        layer = self.modules.layer(row, sources[0].channels, sources[0].zeros)
        return self._placed(row, layer, sources[0]) if layer else None

    def _placed(self, row: Row, layer: Layer, source: _Map) -> _Map | None:
        """The layer as a line; as several, where YOLOv5 strides in every copy and a stack would in its first only."""
        signature = self.modules.signatures.get(layer.block)
        channels = layer.out or source.channels
        scale = layer.options.get("scale", signature.options.get("scale"))
        factor = (layer.stride or signature.stride) / (scale if isinstance(scale, int) else 1)
        copies = 1 if signature.takes_repeat else layer.repeat
        if copies > 1 and channels != source.channels:
            message = (
                f"row {row.index} repeats {row.module}, but its first copy changes the channels"
            )
            self._add(
                row,
                "E202",
                message,
                "YOLOv5 cannot build it either; give the first copy a row of its own",
            )
            return None
        times = copies if factor != 1 else 1
        reads, stride = source.lines, source.stride
        for copy in range(times):
            stride *= factor
            numbers = (row.index, copy) if times > 1 else (row.index,)
            line = replace(layer, repeat=layer.repeat // times, row=numbers)
            reads = self._add_line(line, reads, row, stride)
        return _Map(reads, channels, stride)

    def _add_line(
        self, layer: Layer, reads: tuple[int, ...], row: Row, stride: float
    ) -> tuple[int, ...]:
        """The new line's own number."""
        part: Part = "backbone" if row.in_backbone else "neck"
        self.lines.append(Line(replace(layer, part=part), reads, row.index, stride))
        return (len(self.lines) - 1,)

    def _joined(self, row: Row, sources: Sequence[_Map], readers: Sequence[Row]) -> _Map | None:
        """A concatenation is the inputs of the one line that reads it, and a line itself only where that cannot be."""
        if [value_of(argument) for argument in row.args] not in ([], [1]):
            message = f"row {row.index}: {CONCAT} joins channels, [1], and no other dimension"
            self._add(row, "E202", message)
            return None
        if any(source.zeros for source in sources):
            message = f"row {row.index} reads a border of zeros, which only {POOL} can"
            self._add(row, "E202", message)
            return None
        lines = tuple(line for source in sources for line in source.lines)
        channels, stride = sum(source.channels for source in sources), sources[0].stride
        if len(readers) != 1 or readers[0].module in HEADS:
            lines = self._add_line(
                Layer(JOIN, "neck", mark=row.mark, row=(row.index,)), lines, row, stride
            )
        return _Map(lines, channels, stride)

    def _padded(self, row: Row, source: _Map, readers: Sequence[Row]) -> _Map | None:
        """A border of zeros is an option of the pooling that follows it."""
        value: Json = value_of(row.args[0]) if len(row.args) == 1 else None
        sides = value if isinstance(value, list) else [value] * 4
        zeros = tuple(side for side in sides if type(side) is int and 0 <= side <= MAX_BORDER)
        where = f"row {row.index}: {ZERO_PAD}"
        if len(sides) != 4 or len(zeros) != 4:
            self._add(row, "E202", f"{where} takes [left, right, top, bottom] in pixels")
            return None
        if [(reader.module, reader.number) for reader in readers] != [(POOL, 1)] or source.zeros:
            self._add(row, "E202", f"{where} has a counterpart only before a {POOL} of its own")
            return None
        return replace(source, zeros=zeros)

    def _head(self, row: Row) -> Layer | None:
        """The anchor head without its inputs; how many classes it has is decided when it is built."""
        if not self._takes_classes(row):
            return None
        strides = [self.maps[source].stride for source in row.sources]
        anchors = read_anchors(self.modules.model, row, strides, self.modules.reader)
        self.warnings += anchors.warnings
        self.about_anchors += anchors.warnings
        if anchors.option is None:
            return None
        options: dict[str, Json] = {"anchors": anchors.option}
        return Layer(HEADS[row.module], "head", options=options, mark=row.mark, row=(row.index,))

    def _yolox_head(self, row: Row, yolox: YoloxRows) -> Layer | None:
        """The decoupled head in the place of `row` and of the branches before it."""
        if not self._takes_classes(row):
            return None
        hidden = self.modules.out(yolox.width, row)
        if hidden is None:
            return None
        block = HEADS[row.module]
        self.warnings.append(
            f"row {row.index}: {row.module} and the {3 * len(row.sources)} rows of its branches are taken as {block}, "
            f"trained with `assigner: {SIMOTA.name}`"
        )
        options: dict[str, Json] = {"hidden": hidden}
        if yolox.convs != self.modules.signatures.get(block).options["convs"]:
            options["convs"] = yolox.convs
        return Layer(block, "head", options=options, mark=row.mark, row=(row.index,))

    def _takes_classes(self, row: Row) -> bool:
        """Whether a head has its two arguments; reported if not."""
        if len(row.args) == 2 and _is_classes(row.args[0]):
            return True
        self._add(row, "E202", f"row {row.index}: {row.module} takes the arguments [nc, anchors]")
        return False

    def _add(self, row: Row, code: str, message: str, hint: str = "") -> None:
        self.modules.reader.problems.add(row.mark, code, message, hint)


def _is_classes(node: Node) -> bool:
    return isinstance(node, Scalar) and (node.value == "nc" or type(node.value) is int)
