"""Whether a run reproduces what was published of its variants."""

from collections.abc import Mapping

from reports.model import Report, Row
from reports.words import listed
from suite.record import Json


def published_sentence(report: Report) -> str:
    """Which of the run's variants have a published AP and whether they reach it; "" where none has.

    A published number is held against a run only if the validation data has its pictures and categories, by their
    number, and was scored at its image size, and the variant was trained from scratch with its recipe.
    """
    results = [result for row in report.rows if (result := _result(report, row))]
    if not results:
        return ""
    unlike = _unlike(report)
    if unlike:
        return (
            f"Published AP is of other data or another size than this run's ({unlike}), "
            "so it is not held against it."
        )
    warning = "⚠ " if any("outside" in result for result in results) else ""
    return f"{warning}Against published results: {listed(results)}."


def outside_band(report: Report, row: Row) -> str:
    """Words for a variant that does not reproduce its published AP; "" where it does, or none applies."""
    result = _result(report, row)
    if "outside" not in result or _unlike(report):
        return ""
    return result.partition(" ")[2]


def _published(report: Report) -> Mapping[str, Json]:
    published = report.run.protocol_json.get("published")
    return published if isinstance(published, dict) else {}


def _unlike(report: Report) -> str:
    """What of the run is not as it was published; "" if nothing."""
    published = _published(report)
    facts = [
        ("pictures", "pictures", _pictures(report)),
        ("categories", "categories", _categories(report)),
        ("image size", "image_size", _image_size(report)),
    ]
    return listed(
        [
            f"{name} {value or 'unknown'}, not {published[key]}"
            for name, key, value in facts
            if value != published[key]
        ]
    )


def _pictures(report: Report) -> Json:
    """How many pictures the validation data has."""
    val = report.facts.get("val")
    return val.get("images") if isinstance(val, dict) else None


def _categories(report: Report) -> int | None:
    categories = report.facts.get("categories")
    return len(categories) if isinstance(categories, list) else None


def _image_size(report: Report) -> Json:
    """At which all accuracy was scored; None where it was at several."""
    scored = [item for row in report.rows for item in row.find("ap")]
    sizes = {item.measurement.settings.get("image_size") for item in scored}
    return sizes.pop() if len(sizes) == 1 else None


def _result(report: Report, row: Row) -> str:
    """What a variant reaches of its published AP; "" where none applies to it."""
    mean, published = row.mean("ap"), _of_variant(report, row)
    if published is None or mean is None or row.loaded:
        return ""
    expected, band = published["ap"], _published(report)["band"]
    assert isinstance(expected, float)
    assert isinstance(band, float)
    reached = f"{row.name} reaches {100 * mean:.1f} AP of {100 * expected:.1f}"
    recipe = published["recipe"]
    if recipe != report.run.protocol_json.get("recipe"):
        return f"{reached}, which was published with the recipe {recipe}"
    # values come from decimal texts: a run exactly on the edge is within
    within = abs(mean - expected) <= band + 1e-9
    return f"{reached}, {'within' if within else 'outside'} the band of ±{100 * band:.1f}"


def _of_variant(report: Report, row: Row) -> Mapping[str, Json] | None:
    results = _published(report).get("results")
    every = results if isinstance(results, list) else []
    published = [result for result in every if isinstance(result, dict)]
    return next((result for result in published if result["variant"] == row.name), None)
