"""A protocol file becomes a `Protocol`; every problem of the file is reported at once, with its place."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from suite.protocols.budget import BUDGETS, Budget, Checkpoints
from suite.protocols.loading import AUTOMATIC, MOST_WORKERS, Broken, Cache, Loading, parse_cache
from suite.protocols.protocol import (
    BuiltIn,
    Cost,
    Evaluation,
    Latency,
    MetricFile,
    Protocol,
    Timeouts,
    Verdict,
)
from suite.protocols.published import Published, Result
from suite.protocols.setups import Setup, setups
from suite.yaml.document import Node, Scalar, Table, parse, read_bytes, shown_path
from suite.yaml.errors import Problems, SpecError, suggest
from suite.yaml.reader import Reader

FOLDER = Path(__file__).parent
_METRICS: tuple[MetricFile, ...] = ("size", "flops", "latency", "accuracy")
_KEYS = (
    "title",
    "certifies",
    "data",
    "device",
    "image_size",
    "variants",
    "seeds",
    "recipe",
    "budget",
    "evaluation",
    "metrics",
    "cost",
    "latency",
    "parallel",
    "timeouts",
    "verdict",
    "loading",
    "checkpoints",
    "published",
)
_MAX_SIDE = 4096  # pixels
_MAX_COUNT = 100_000_000
_MAX_FLOPS = 1e30
_WEEK = 604_800  # seconds
T = TypeVar("T")


def names() -> tuple[str, ...]:
    """The protocols that come with the suite."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.yaml")))


def load(name_or_path: str) -> Protocol:
    """The protocol of that name, or of that file if the text ends in .yaml.

    Raises:
        SpecError: there is no such protocol, or its file has mistakes.
    """
    if name_or_path.endswith((".yaml", ".yml")):
        return _load(Path(name_or_path))
    if name_or_path not in names():
        hint = suggest(name_or_path, names())
        raise SpecError.single(None, "E201", f"there is no protocol {name_or_path!r}", hint=hint)
    return _load(FOLDER / f"{name_or_path}.yaml")


def _load(path: Path) -> Protocol:
    file = shown_path(path)
    text = read_bytes(path).decode("utf-8", errors="replace")
    problems = Problems({file: text.splitlines()})
    protocol = _Decoder(Reader(problems)).protocol(parse(text, file, problems), path.stem)
    problems.raise_if_any()
    assert protocol is not None, "a file without a problem has a record"
    return protocol


class _Incomplete(Exception):  # noqa: N818  it reports nothing: the problem has been added already
    """A value could not be read."""


@dataclass(frozen=True, slots=True)
class _Decoder:
    reader: Reader

    def protocol(self, root: Node, name: str) -> Protocol | None:
        """All parts are read before giving up, so that all problems are found."""
        table = self.reader.table(root, "a protocol", _KEYS)
        if table is None:
            return None
        parts = {
            "title": self._try(lambda: self._word(table, "title")),
            "certifies": self._try(lambda: self._word(table, "certifies")),
            "data": self._try(lambda: self._data(table)),
            "device": self._try(lambda: self._choice(table, "device", ("cpu", "auto"))),
            "image_size": self._try(lambda: self._whole(table, "image_size", high=_MAX_SIDE)),
            "variants": self._try(lambda: self._words(table, "variants")),
            "seeds": self._try(lambda: self._seeds(table)),
            "recipe": self._try(lambda: self._word(table, "recipe")),
            "budget": self._try(lambda: self._budget(table)),
            "evaluation": self._try(lambda: self._evaluation(table)),
            "metrics": self._try(lambda: self._metrics(table)),
            "cost": self._try(lambda: self._cost(table)),
            "latency": self._try(lambda: self._latency(table)),
            "parallel": self._try(lambda: self._whole(table, "parallel", high=1024)),
            "timeouts": self._try(lambda: self._timeouts(table)),
            "verdict": self._try(lambda: self._verdict(table)),
            "loading": self._try(lambda: self._loading(table)),
            "checkpoints": self._try(lambda: self._checkpoints(table)),
            "published": self._try(lambda: self._published(table)),
        }
        if self.reader.problems.found:
            return None
        return Protocol(name=name, **parts)  # type: ignore[arg-type]  # no part is missing where no problem is

    def _try(self, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except _Incomplete:
            return None

    def _node(self, table: Table, key: str) -> Node:
        if key not in table.entries:
            self.reader.problems.add(table.mark, "E103", f"needs the key {key!r}")
            raise _Incomplete
        return table.entries[key]

    def _table(self, table: Table, key: str, known: Iterable[str]) -> Table:
        return _found(self.reader.table(self._node(table, key), f"`{key}`", known))

    def _word(self, table: Table, key: str) -> str:
        return _found(self.reader.text(self._node(table, key), f"`{key}`"))

    def _choice(self, table: Table, key: str, choices: tuple[str, ...]) -> str:
        return _found(self.reader.choice(self._node(table, key), f"`{key}`", choices))

    def _whole(self, table: Table, key: str, *, low: int = 1, high: int = _MAX_COUNT) -> int:
        return _found(self.reader.whole(self._node(table, key), f"`{key}`", low=low, high=high))

    def _number(self, table: Table, key: str, *, high: float, above: bool = False) -> float:
        return float(
            _found(
                self.reader.number(
                    self._node(table, key), f"`{key}`", low=0, high=high, above=above
                )
            )
        )

    def _several(self, table: Table, key: str, read: Callable[[Node], T | None]) -> tuple[T, ...]:
        node = self._node(table, key)
        items = [_found(read(item)) for item in self.reader.items(node, f"`{key}`")]
        if not items:
            self.reader.wrong(node, f"`{key}` has at least one member")
        if len(set(map(str, items))) != len(items):
            self.reader.wrong(node, f"`{key}` names nothing twice")
        return tuple(items)

    def _words(self, table: Table, key: str) -> tuple[str, ...]:
        return self._several(
            table, key, lambda node: self.reader.text(node, f"a member of `{key}`")
        )

    def _seeds(self, table: Table) -> tuple[int, ...]:
        return self._several(
            table, "seeds", lambda node: self.reader.whole(node, "a seed", low=0, high=_MAX_COUNT)
        )

    def _metrics(self, table: Table) -> tuple[str, ...]:
        return self._several(
            table, "metrics", lambda node: self.reader.choice(node, "a metric", _METRICS)
        )

    def _data(self, table: Table) -> BuiltIn | None:
        """No `data`: the user has to name a data set."""
        if "data" not in table.entries:
            return None
        data = self._table(table, "data", ("train", "val", "size", "seed"))
        return BuiltIn(
            train=self._whole(data, "train"),
            val=self._whole(data, "val"),
            size=self._whole(data, "size", low=32, high=_MAX_SIDE),
            seed=self._whole(data, "seed", low=0),
        )

    def _budget(self, table: Table) -> Budget:
        budget = self._table(table, "budget", (*BUDGETS, "batch"))
        stated = [kind for kind in BUDGETS if kind in budget.entries]
        if len(stated) != 1:
            message = f"`budget` has exactly one of {', '.join(BUDGETS)}, not {' and '.join(stated) or 'none'}"
            self.reader.problems.add(budget.mark, "E105" if stated else "E103", message)
            raise _Incomplete
        [kind] = stated
        amounts: dict[str, Any]
        if kind in {"steps", "epochs"}:
            amounts = {kind: self._whole(budget, kind)}
        else:
            amounts = {
                kind: self._number(
                    budget, kind, high=_WEEK if kind == "seconds" else _MAX_FLOPS, above=True
                )
            }
        return Budget(batch=self._whole(budget, "batch", high=65536), **amounts)

    def _checkpoints(self, table: Table) -> Checkpoints:
        if "checkpoints" not in table.entries:
            return Checkpoints()
        checkpoints = self._table(table, "checkpoints", ("minutes", "steps"))
        if len(checkpoints.entries) != 1:
            self.reader.problems.add(
                checkpoints.mark, "E105", "`checkpoints` has one of minutes, steps"
            )
            raise _Incomplete
        if "steps" in checkpoints.entries:
            return Checkpoints(steps=self._whole(checkpoints, "steps"))
        return Checkpoints(minutes=self._number(checkpoints, "minutes", high=_WEEK / 60))

    def _evaluation(self, table: Table) -> Evaluation:
        evaluation = self._table(
            table, "evaluation", ("confidence", "iou", "max_detections", "evaluator")
        )
        stated = "evaluator" in evaluation.entries
        evaluator = (
            self._choice(evaluation, "evaluator", ("fast", "pycocotools")) if stated else "fast"
        )
        return Evaluation(
            confidence=self._number(evaluation, "confidence", high=1),
            iou=self._number(evaluation, "iou", high=1),
            max_detections=self._whole(evaluation, "max_detections", high=30_000),
            evaluator="pycocotools" if evaluator == "pycocotools" else "fast",
        )

    def _cost(self, table: Table) -> Cost:
        cost = self._table(table, "cost", ("image_size", "only"))
        size = self._whole(cost, "image_size", high=_MAX_SIDE)
        return Cost(size, self._words(cost, "only") if "only" in cost.entries else ())

    def _latency(self, table: Table) -> Latency:
        keys = ("setups", "image_size", "batch", "threads", "replicas", "seconds", "half_width")
        latency = self._table(table, "latency", keys)
        return Latency(
            setups=self._several(latency, "setups", self._setup),
            image_size=self._whole(latency, "image_size", high=_MAX_SIDE),
            batch=self._whole(latency, "batch", high=65536),
            threads=self._threads(latency),
            replicas=self._whole(latency, "replicas", high=100),
            seconds=self._number(latency, "seconds", high=_WEEK),
            half_width=self._number(latency, "half_width", high=1),
        )

    def _threads(self, latency: Table) -> "int | Literal['auto']":
        node = self._node(latency, "threads")
        if isinstance(node, Scalar) and node.value == "auto":
            return "auto"
        return self._whole(latency, "threads", high=1024)

    def _setup(self, node: Node) -> Setup | None:
        word = self.reader.choice(node, "a set-up", setups())
        return setups()[word] if word else None

    def _timeouts(self, table: Table) -> Timeouts:
        kinds: tuple[Literal["static", "latency", "train"], ...] = ("static", "latency", "train")
        limits = self._table(table, "timeouts", kinds)
        return Timeouts(**{kind: self._number(limits, kind, high=_WEEK) for kind in kinds})

    def _verdict(self, table: Table) -> Verdict:
        keys = tuple(field.name for field in fields(Verdict))
        verdict = self._table(table, "verdict", keys)
        return Verdict(**{key: self._number(verdict, key, high=1) for key in keys})

    def _published(self, table: Table) -> Published | None:
        """No `published`: nobody has published what this protocol measures."""
        if "published" not in table.entries:
            return None
        known = ("source", "pictures", "categories", "image_size", "band", "results")
        published = self._table(table, "published", known)
        return Published(
            source=self._word(published, "source"),
            pictures=self._whole(published, "pictures"),
            categories=self._whole(published, "categories"),
            image_size=self._whole(published, "image_size", high=_MAX_SIDE),
            band=self._number(published, "band", high=1, above=True),
            results=self._several(published, "results", self._result),
        )

    def _result(self, node: Node) -> Result:
        result = _found(self.reader.table(node, "a published result", ("variant", "ap", "recipe")))
        ap = self._number(result, "ap", high=1, above=True)
        return Result(self._word(result, "variant"), ap, self._word(result, "recipe"))

    def _loading(self, table: Table) -> Loading:
        """No `loading`, or no key of it: what a protocol has otherwise."""
        if "loading" not in table.entries:
            return AUTOMATIC
        loading = self._table(table, "loading", ("workers", "cache", "broken_pictures"))
        given = loading.entries
        auto = "workers" not in given or (
            isinstance(given["workers"], Scalar) and given["workers"].value == "auto"
        )
        broken: Broken = "fail"
        if "broken_pictures" in given:
            broken = (
                "skip"
                if self._choice(loading, "broken_pictures", ("fail", "skip")) == "skip"
                else "fail"
            )
        return Loading(
            workers=None if auto else self._whole(loading, "workers", low=0, high=MOST_WORKERS),
            cache=self._cache(loading) if "cache" in given else AUTOMATIC.cache,
            broken_pictures=broken,
        )

    def _cache(self, loading: Table) -> Cache:
        try:
            return parse_cache(self._word(loading, "cache"))
        except ValueError as error:
            self.reader.problems.add(loading.entries["cache"].mark, "E101", f"`cache`: {error}")
            raise _Incomplete from None


def _found(value: T | None) -> T:
    if value is None:
        raise _Incomplete
    return value
