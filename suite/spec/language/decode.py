"""One file becomes a `SpecFile`: every key, type, block and option is checked, all problems of the file at once."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from suite.spec.blocks.signatures import Signatures
from suite.spec.language.layers import LayerReader
from suite.spec.language.objective_reader import ObjectiveReader
from suite.spec.language.vocabulary import (
    ACROSS,
    ACTIVATIONS,
    COMPANIONS,
    CONTROLS,
    DROP_PATH,
    EXPECT_KEYS,
    FILE_KEYS,
    FROZEN_STAGE,
    MATCH_BY,
    MATCH_KEYS,
    MATCH_METRICS,
    MATCH_TOLERANCE,
    MAX_DROP_PATH,
    MAX_EDITS,
    MAX_FACTOR,
    MAX_GROUPS,
    MAX_SELECTED,
    NORM_KEYS,
    NORMS,
    PATTERN_SIGNS,
    SCHEDULE_KEYS,
    SCRATCH,
    SELECTOR_NUMBERS,
    SELECTOR_WORDS,
    VERBS,
    WEIGHTS_FILES,
)
from suite.spec.records.cost import Match
from suite.spec.records.source import Change, Edit, Reference, SpecFile, Verb
from suite.spec.records.variant import PARTS, Expect, Layer, Norm, Part, Schedule, Selector
from suite.yaml.document import Node, Scalar, Table, parse, read_bytes, shown_path
from suite.yaml.errors import Problems, SpecError
from suite.yaml.mark import Mark
from suite.yaml.reader import Reader

T = TypeVar("T")


def read_text(path: Path) -> str:
    """The text of a spec file; SpecError if it is not a regular UTF-8 file of bounded size."""
    content = read_bytes(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise SpecError.single(
            Mark(shown_path(path), line, 1), "E007", "is not UTF-8 text"
        ) from None


def decode(text: str, file: str, name: str, signatures: Signatures) -> SpecFile:
    """The record of a file's text; SpecError, and nothing else, for whatever text this is."""
    problems = Problems({file: text.splitlines()})
    return decode_tree(read_tree(text, file, problems), name, signatures, problems)


def read_tree(text: str, file: str, problems: Problems) -> Node:
    """The tree of a file's text; SpecError, with the problems so far, if it has none."""
    try:
        return parse(text, file, problems)
    except SpecError as error:
        for problem in error.problems:
            problems.add(problem.mark, problem.code, problem.message, problem.hint)
        problems.raise_if_any()
        raise


def decode_tree(
    root: Node, name: str, signatures: Signatures, problems: Problems, *, folder: Path = Path()
) -> SpecFile:
    """The record of a file's tree; SpecError for all that is wrong with it. Paths in it are relative to `folder`."""
    spec = _Decoder(Reader(problems), LayerReader(Reader(problems), signatures), folder).file(
        root, name
    )
    problems.raise_if_any()
    assert spec is not None, "a file without a problem has a record"
    return spec


@dataclass(frozen=True, slots=True)
class _Decoder:
    reader: Reader
    layers: LayerReader
    folder: Path

    def file(self, root: Node, name: str) -> SpecFile | None:
        table = self.reader.table(root, "a variant", FILE_KEYS)
        if table is None:
            return None
        get = table.entries.get
        aims = ObjectiveReader(self.reader)
        base = _optional(get("base"), self._reference)
        if base is None and "base" not in table.entries:
            self._need_all_parts(table)
        if {"match", "width"} <= table.keys.keys():
            self._add(
                table.keys["width"],
                "E105",
                "`width` and `match` exclude each other: `match` finds the width",
            )
        return SpecFile(
            name=name,
            mark=table.mark,
            keys=dict(table.keys),
            title=self._text(get("title"), "`title`"),
            paper=self._text(get("paper"), "`paper`"),
            base=base,
            depth=self._factor(get("depth"), "`depth`"),
            width=self._factor(get("width"), "`width`"),
            match=_optional(get("match"), self._match),
            parts={
                part: self._part(table.entries[part], part)
                for part in PARTS
                if part in table.entries
            },
            edits=self._edits(get("edits")),
            schedules=_optional(get("schedules"), self._schedules),
            freeze=_optional(get("freeze"), self._freeze),
            recipe=_optional(get("recipe"), lambda node: self.reader.word(node, "`recipe`")),
            control=_optional(
                get("control"), lambda node: self.reader.choice(node, "`control`", CONTROLS)
            ),
            activation=_optional(
                get("activation"),
                lambda node: self.reader.choice(node, "`activation`", ACTIVATIONS),
            ),
            norm=_optional(get("norm"), self._norm),
            anchors=_optional(get("anchors"), aims.anchors),
            loss=_optional(get("loss"), aims.loss),
            assigner=_optional(get("assigner"), aims.assigner),
            nms=_optional(get("nms"), aims.suppression),
            weights=_optional(get("weights"), self._weights),
            expect=_optional(get("expect"), self._expect) or Expect(),
        )

    def _need_all_parts(self, table: Table) -> None:
        lacking = [part for part in PARTS if part not in table.entries]
        if lacking:
            message = (
                f"without `base`, a variant needs {', '.join(f'`{part}`' for part in lacking)}"
            )
            self._add(table.mark, "E103", message)
        for key in {"depth", "width", "match"} & table.keys.keys():
            self._add(table.keys[key], "E105", f"`{key}` scales the base, and there is no `base`")

    def _text(self, node: Node | None, what: str) -> str:
        return "" if node is None else self.reader.text(node, what) or ""

    def _factor(self, node: Node | None, what: str) -> float:
        if node is None:
            return 1
        return self.reader.number(node, what, low=0, high=MAX_FACTOR, above=True) or 1

    def _weights(self, node: Node) -> str | None:
        word = self.reader.text(node, "`weights`, a file,")
        if word is None or word == SCRATCH:
            return None if word is None else ""
        if not word.endswith(WEIGHTS_FILES):
            self._add(
                node.mark,
                "E101",
                f"`weights` is a file that ends in {' or '.join(WEIGHTS_FILES)}, or {SCRATCH}",
            )
        return str(self.folder.absolute() / word)

    def _match(self, node: Node) -> Match | None:
        table = self.reader.table(node, "`match`", MATCH_KEYS)
        if table is None:
            return None
        entries = table.entries
        lacking = [key for key in ("metric", "to") if key not in entries]
        if lacking:
            self._add(
                table.mark, "E103", f"`match` needs {', '.join(f'`{key}`' for key in lacking)}"
            )
            return None
        metric = self.reader.choice(entries["metric"], "`metric`", MATCH_METRICS)
        to = self._reference(entries["to"])
        by = self.reader.choice(entries["by"], "`by`", MATCH_BY) if "by" in entries else MATCH_BY[0]
        share = entries.get("tolerance")
        tolerance = (
            self.reader.number(share, "`tolerance`", low=0, high=1, above=True)
            if share
            else MATCH_TOLERANCE
        )
        return (
            Match(metric, to.name, tolerance, by, mark=to.mark)
            if metric and to and by and tolerance
            else None
        )

    def _reference(self, node: Node) -> Reference | None:
        name = self.reader.word(node, "a variant's name")
        return Reference(name, node.mark) if name else None

    def _part(self, node: Node, part: Part) -> tuple[Layer, ...] | Reference:
        """Lines of layers, or `{of: OTHER}`."""
        if not isinstance(node, Table):
            return self.layers.part(node, part)
        table = self.reader.table(node, f"`{part}`", ("of",))
        if table and "of" in table.entries:
            return self._reference(table.entries["of"]) or ()
        if not node.keys:
            self._add(node.mark, "E103", f"`{part}` is a list of layers or {{of: VARIANT}}")
        return ()

    def _edits(self, node: Node | None) -> tuple[Edit, ...]:
        items = [] if node is None else self.reader.items(node, "`edits`")
        if len(items) > MAX_EDITS:
            self._add(items[MAX_EDITS].mark, "E005", f"more than {MAX_EDITS} edits in one variant")
        return tuple(edit for item in items[:MAX_EDITS] if (edit := self._edit(item)))

    def _edit(self, node: Node) -> Edit | None:
        table = self.reader.table(node, "an edit")
        if table is None:
            return None
        verbs = [verb for verb in VERBS if verb in table.entries]
        if len(verbs) != 1:
            self._add(table.mark, "E105", f"an edit needs exactly one of: {', '.join(VERBS)}")
            return None
        verb = verbs[0]
        self.reader.table(node, "an edit", (verb, *COMPANIONS[verb]))
        if verb == "insert":
            return self._insert(table)
        select = self._selector(table.entries[verb])
        change = self._change(table, verb)
        return Edit(verb, select, table.mark, change) if select and change else None

    def _change(self, table: Table, verb: Verb) -> Change | None:
        if verb == "remove":
            return Change()
        key = COMPANIONS[verb][0]
        if key not in table.entries:
            self._add(table.mark, "E103", f"`{verb}` needs `{key}`")
            return None
        return self.layers.change(table.entries[key], f"`{key}`", block=verb == "replace")

    def _insert(self, table: Table) -> Edit | None:
        """`part` of the new lines is set when the place is known; heads are not inserted."""
        lines = self.reader.several(table.entries["insert"])
        layers = tuple(
            layer
            for line in lines
            if (layer := self.layers.layer(line, "backbone", complete=False))
        )
        places = [key for key in ("before", "after") if key in table.entries]
        if len(places) != 1:
            self._add(table.mark, "E105", "`insert` needs either `before` or `after`")
            return None
        select = self._selector(table.entries[places[0]])
        keep = _optional(
            table.entries.get("keep_tag"), lambda node: self.reader.flag(node, "`keep_tag`")
        )
        if not layers or select is None:
            return None
        before = places[0] == "before"
        return Edit("insert", select, table.mark, layers=layers, before=before, keep_tag=bool(keep))

    def _selector(self, node: Node) -> Selector | None:
        table = self.reader.table(node, "a selector", (*SELECTOR_WORDS, *SELECTOR_NUMBERS, "count"))
        if table is None:
            return None
        words = {key: self._words(table, key) for key in SELECTOR_WORDS}
        numbers = {key: self._numbers(table, key) for key in SELECTOR_NUMBERS}
        for item in self.reader.several(table.entries["part"]) if "part" in table.entries else ():
            self.reader.choice(item, "`part`", PARTS)
        for item in self.reader.several(table.entries["block"]) if "block" in table.entries else ():
            self._known_unless_pattern(item)
        count = table.entries.get("count")
        return Selector(
            part=words["part"],
            tag=words["tag"],
            stage=numbers["stage"],
            block=words["block"],
            kernel=numbers["kernel"],
            stride=numbers["stride"],
            groups=numbers["groups"],
            path=words["path"],
            count=None
            if count is None
            else self.reader.whole(count, "`count`", low=1, high=MAX_SELECTED),
        )

    def _known_unless_pattern(self, node: Node) -> None:
        address = (
            self.reader.word(node, "`block`") if isinstance(node, Scalar) and node.sound else None
        )
        if address and not PATTERN_SIGNS & set(address):
            self.layers.known_block(address, node.mark)

    def _words(self, table: Table, key: str) -> tuple[str, ...]:
        nodes = self.reader.several(table.entries[key]) if key in table.entries else []
        return tuple(word for node in nodes if (word := self.reader.word(node, f"`{key}`")))

    def _numbers(self, table: Table, key: str) -> tuple[int, ...]:
        nodes = self.reader.several(table.entries[key]) if key in table.entries else []
        found = (self.reader.whole(node, f"`{key}`", low=1, high=MAX_SELECTED) for node in nodes)
        return tuple(number for number in found if number is not None)

    def _schedules(self, node: Node) -> tuple[tuple[Schedule, Mark], ...]:
        items = self.reader.items(node, "`schedules`")
        return tuple((schedule, item.mark) for item in items if (schedule := self._schedule(item)))

    def _schedule(self, node: Node) -> Schedule | None:
        table = self.reader.table(node, "a schedule", SCHEDULE_KEYS)
        if table is None:
            return None
        optional = {"across", "over"} if "across" in table.keys else {"across"}
        lacking = [key for key in SCHEDULE_KEYS if key not in {*table.entries, *optional}]
        if lacking:
            self._add(
                table.mark, "E103", f"a schedule needs {', '.join(f'`{key}`' for key in lacking)}"
            )
            return None
        entries = table.entries
        block = self.reader.word(entries["block"], "`block`")
        attribute = self.reader.word(entries["set"], "`set`")
        low, high = (
            (0.0, MAX_DROP_PATH) if attribute == DROP_PATH else (-MAX_SELECTED, MAX_SELECTED)
        )
        start = self.reader.number(entries["from"], "`from`", low=low, high=high)
        end = self.reader.number(entries["to"], "`to`", low=low, high=high)
        over: float | None = 0.0
        if "over" in entries:
            over = self.reader.number(
                entries["over"], "`over`, a share of the run,", low=0, high=1, above=True
            )
        across = _optional(
            entries.get("across"), lambda node: self.reader.choice(node, "`across`", ACROSS)
        )
        if block is None or attribute is None or start is None or end is None or over is None:
            return None
        known = self.layers.known_block(block, entries["block"].mark)
        if known and attribute == DROP_PATH and DROP_PATH not in known.options:
            self._add(entries["set"].mark, "E202", f"{block} has no {DROP_PATH}")
        return Schedule(block, attribute, float(start), float(end), float(over), across or "")

    def _freeze(self, node: Node) -> tuple[str, ...]:
        """Parts, or a part and the output stride of some of its layers: "backbone 8"."""
        chosen = {self._frozen(item) for item in self.reader.several(node)} - {None}
        return tuple(sorted((str(entry) for entry in chosen), key=_place))

    def _frozen(self, node: Node) -> str | None:
        if (
            isinstance(node, Scalar)
            and isinstance(node.value, str)
            and re.fullmatch(FROZEN_STAGE, node.value)
        ):
            return node.value
        return self.reader.choice(node, "`freeze`", PARTS)

    def _norm(self, node: Node) -> Norm | None:
        """A word, or `{kind: group, groups: 8}`."""
        table = self.reader.table(node, "`norm`", NORM_KEYS) if isinstance(node, Table) else None
        if table and "kind" not in table.entries:
            self._add(table.mark, "E103", "`norm` needs `kind`")
            return None
        kind = self.reader.choice(table.entries["kind"] if table else node, "`norm`", NORMS)
        groups = table.entries.get("groups") if table else None
        if table and groups and kind not in {"group", None}:
            self._add(
                table.keys["groups"],
                "E105",
                f"`groups` are those of the group norm, and the norm is {kind}",
            )
        number = self.reader.whole(groups, "`groups`", low=1, high=MAX_GROUPS) if groups else None
        return Norm(kind, number or 0) if kind else None

    def _expect(self, node: Node) -> Expect | None:
        table = self.reader.table(node, "`expect`", EXPECT_KEYS)
        if table is None:
            return None
        params, gmacs = table.entries.get("params"), table.entries.get("gmacs")
        return Expect(
            strides=self._numbers(table, "strides") if "strides" in table.entries else None,
            params=_optional(
                params, lambda node: self.reader.whole(node, "`params`", low=1, high=10**12)
            ),
            gmacs=_optional(
                gmacs, lambda node: self.reader.number(node, "`gmacs`", low=0, high=10**9)
            ),
            mark=table.mark,
        )

    def _add(self, mark: Mark, code: str, message: str) -> None:
        self.reader.problems.add(mark, code, message)


def _optional(node: Node | None, read: Callable[[Node], T | None]) -> T | None:
    return None if node is None else read(node)


def _place(frozen: str) -> tuple[int, int]:
    """Parts in their order, then strides."""
    part, _, stride = frozen.partition(" ")
    return [str(known) for known in PARTS].index(part), int(stride or 0)
