"""What the layers of a network must be together: sizes, tags that are there and unique, one head that fits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from suite.spec.blocks.signatures import Signatures
from suite.spec.records.objective import Assigner
from suite.spec.records.source import SpecFile
from suite.spec.records.variant import Layer, Part
from suite.spec.records.vocabulary import MAX_LAYERS, MAX_REPEATS
from suite.spec.solve.anchors import complaint
from suite.yaml.errors import Problems, suggest
from suite.yaml.mark import Mark

_READS_FROM: Mapping[Part, Part] = {"neck": "backbone", "head": "neck"}


@dataclass(frozen=True, slots=True)
class LayerChecks:
    """Checks the final layers of one file's variant; what is wrong is reported where the user can mend it."""

    spec: SpecFile
    signatures: Signatures
    problems: Problems

    def check(self, layers: Sequence[Layer]) -> None:
        """Every input is a tag of a line before, no tag is given twice, and the head is one line."""
        self._check_size(layers)
        self._check_tags(layers)
        heads = [layer for layer in layers if layer.part == "head"]
        if len(heads) != 1 or self.signatures.get(heads[0].block).kind != "head":
            mark = self.spec.keys.get("head", self.spec.mark)
            message = f"`head` is one line, a head; it has {len(heads)} lines"
            self.problems.add(mark, "E205", message)

    def check_head(self, head: Layer, assigner: Assigner) -> None:
        """The head serves the assigner; what it serves is stated in its class."""
        served = self.signatures.get(head.block).assigners
        if assigner.name in served:
            return
        keys = self.spec.keys
        mark = keys.get("assigner") or keys.get("head") or self.spec.mark
        message = f"{head.block} does not serve the assigner {assigner.name}"
        self.problems.add(mark, "E105", message, f"`assigner` is one of: {', '.join(served)}")

    def check_anchors(self, head: Layer) -> None:
        """The head's anchors are sizes in pixels, or placeholders that say so, wherever they were written."""
        message, hint = complaint(head)
        if message:
            self.problems.add(self.spec.keys.get("anchors") or head.mark, "E202", message, hint)

    def _check_size(self, layers: Sequence[Layer]) -> None:
        mark = self.spec.mark
        if len(layers) > MAX_LAYERS:
            message = f"{len(layers)} layers; at most {MAX_LAYERS} are allowed"
            self.problems.add(mark, "E005", message)
        repeats = sum(layer.repeat for layer in layers)
        if repeats > MAX_REPEATS:
            message = f"{repeats} repeats of blocks in all; at most {MAX_REPEATS} are allowed"
            self.problems.add(mark, "E005", message)

    def _check_tags(self, layers: Sequence[Layer]) -> None:
        givers: dict[str, Layer] = {}
        given_somewhere = {tag for layer in layers for tag in layer.tags}
        for layer in layers:
            for tag in layer.inputs:
                if tag != "last" and tag not in givers:
                    self._report_tag(layer, tag, tag in given_somewhere, givers)
            for tag in layer.tags:
                if tag in givers:
                    message = f"the tag {tag!r} is given twice; first at {givers[tag].mark}"
                    self.problems.add(layer.mark, "E206", message)
                givers[tag] = layer

    def _report_tag(self, layer: Layer, tag: str, later: bool, givers: Mapping[str, Layer]) -> None:
        """A tag that no line before has; `later` ones may have it."""
        source = _READS_FROM.get(layer.part)
        if later:
            message = f"the {layer.part} reads the tag {tag!r} before the line that has it"
        elif source:
            message = f"{source} has no tag {tag!r}, which the {layer.part} needs"
        else:
            message = f"no line before has the tag {tag!r}"
        tags = [name for name, line in givers.items() if source in {None, line.part}]
        self.problems.add(self._blamed(layer, source), "E206", message, suggest(tag, tags))

    def _blamed(self, layer: Layer, source: Part | None) -> Mark | None:
        """Where the user can mend it: the line itself if it is in this file, else what this file replaced."""
        if layer.mark and layer.mark.file == self.spec.mark.file:
            return layer.mark
        keys = self.spec.keys
        return keys.get(source or "") or keys.get("neck") or keys.get("edits") or layer.mark
