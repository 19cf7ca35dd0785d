"""One self-contained page about a data set, from what `data check` found."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.words import number
from suite.datasets.findings import Part, Survey

_HERE = Path(__file__).parent
_STYLES = ("report.css", "dataset.css")


def html(survey: Survey) -> str:
    """The page. It holds its pictures and styles, and needs no script."""
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,  # names come from whoever made the data
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found = dict(Counter(str(finding.severity) for finding in survey.findings))
    css = "".join((_HERE / "assets" / name).read_text(encoding="utf-8") for name in _STYLES)
    return environment.get_template("dataset.html.j2").render(
        title=f"Data set {survey.name}",
        lead=_lead(found),
        context=[
            ("form", survey.form),
            ("classes", len(survey.categories)),
            ("fingerprint", survey.fingerprint[:16]),
        ],
        categories=survey.categories,
        parts=survey.parts,
        findings=survey.findings,
        counts=_counts(survey.parts),
        classes=_classes(survey),
        css=Markup(css),  # noqa: S704  (our own files)
    )


def _lead(found: Mapping[str, int]) -> str:
    if not found:
        return "Nothing is odd about it."
    order = [severity for severity in ("error", "warning", "note") if severity in found]
    return (
        ", ".join(f"{found[word]} {word}{'s' if found[word] > 1 else ''}" for word in order) + "."
    )


def _counts(parts: tuple[Part, ...]) -> list[tuple[str, list[str]]]:
    rows = [
        ("pictures", [number(part.pictures, 0) for part in parts]),
        ("without objects", [number(part.empty, 0) for part in parts]),
        ("boxes", [number(part.boxes, 0) for part in parts]),
        ("crowd regions", [number(part.crowds, 0) for part in parts]),
    ]
    rows += [
        (f"{size} objects", [number(part.sizes[size], 0) for part in parts])
        for size in parts[0].sizes
    ]
    rows += [
        (f"{key} in a picture", [number(part.per_picture[key], 0) for part in parts])
        for key in parts[0].per_picture
    ]
    for title in parts[0].spread:
        values = [
            " / ".join(f"{value:.2f}" for value in part.spread[title]) or "–" for part in parts
        ]
        rows.append((f"{title}, percentiles 5 / 25 / 50 / 75 / 95", values))
    return rows


def _classes(survey: Survey) -> list[tuple[str, list[tuple[int, float]]]]:
    """Each class with its count and its share of the most frequent, part by part."""
    most = [max(part.classes, default=0) or 1 for part in survey.parts]
    return [
        (
            name,
            [
                (part.classes[place], 100 * part.classes[place] / top)
                for part, top in zip(survey.parts, most, strict=True)
            ],
        )
        for place, name in enumerate(survey.categories)
    ]
