"""One self-contained page about a data set, from what `data check` found."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.words import UNKNOWN, counted, number
from suite.datasets.findings import Part, Survey

_HERE = Path(__file__).parent
_STYLES = ("report.css", "dataset.css")
_PILLS = {"error": " failed", "warning": " suspect"}  # the class of a finding's severity


def html(survey: Survey) -> str:
    """The page. It holds its pictures and styles, and needs no script."""
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,  # names come from whoever made the data
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    severities = Counter(str(finding.severity) for finding in survey.findings)
    css = "".join((_HERE / "assets" / name).read_text(encoding="utf-8") for name in _STYLES)
    return environment.get_template("dataset.html.j2").render(
        title=f"Data set {survey.name}",
        lead=_lead(severities),
        context=[
            ("form", survey.form),
            ("classes", len(survey.categories)),
            ("fingerprint", survey.fingerprint[:16]),
        ],
        categories=survey.categories,
        parts=survey.parts,
        findings=survey.findings,
        pills=_PILLS,
        counts=_counts(survey.parts),
        classes=_classes(survey),
        css=Markup(css),  # noqa: S704  (our own files)
    )


def _lead(severities: Mapping[str, int]) -> str:
    """`1 error, 2 warnings.`"""
    if not severities:
        return "Nothing is odd about it."
    order = [severity for severity in ("error", "warning", "note") if severity in severities]
    return f"{', '.join(counted(severities[severity], severity) for severity in order)}."


def _counts(parts: tuple[Part, ...]) -> list[tuple[str, list[str]]]:
    """A row for each count, with a value for each part."""
    first = parts[0]
    rows: list[tuple[str, Sequence[float]]] = [
        ("pictures", [part.pictures for part in parts]),
        ("without objects", [part.empty for part in parts]),
        ("boxes", [part.boxes for part in parts]),
        ("crowd regions", [part.crowds for part in parts]),
    ]
    rows += [(f"{size} objects", [part.sizes[size] for part in parts]) for size in first.sizes]
    rows += [
        (f"{statistic} in a picture", [part.per_picture[statistic] for part in parts])
        for statistic in first.per_picture
    ]
    counts = [(title, [number(value, 0) for value in values]) for title, values in rows]
    return counts + [
        (f"{title}, percentiles 5 / 25 / 50 / 75 / 95", [_spread(part, title) for part in parts])
        for title in first.spread
    ]


def _spread(part: Part, title: str) -> str:
    return " / ".join(f"{value:.2f}" for value in part.spread[title]) or UNKNOWN


def _classes(survey: Survey) -> list[tuple[str, list[tuple[int, str]]]]:
    """Each class with its count and its share of the most frequent in per cent, part by part."""
    by_part = [_shares(part) for part in survey.parts]
    return [
        (name, [shares[index] for shares in by_part])
        for index, name in enumerate(survey.categories)
    ]


def _shares(part: Part) -> list[tuple[int, str]]:
    most = max(part.classes, default=0) or 1
    return [(count, f"{100 * count / most:.1f}") for count in part.classes]
