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
    told = [words for row in report.rows if (words := _words(report, row))]
    if not told:
        return ""
    unlike = _unlike(report)
    if unlike:
        return (
            f"Published AP is of other data or another size than this run's ({unlike}), "
            "so it is not held against it."
        )
    warning = "⚠ " if any("outside" in words for words in told) else ""
    return f"{warning}Against published results: {listed(told)}."


def outside_band(report: Report, row: Row) -> str:
    """Words for a variant that does not reproduce its published AP; "" where it does, or none applies."""
    words = _words(report, row)
    return words.partition(" ")[2] if "outside" in words and not _unlike(report) else ""


def _published(report: Report) -> Mapping[str, Json]:
    found = report.run.protocol_json.get("published")
    return found if isinstance(found, dict) else {}


def _unlike(report: Report) -> str:
    """What of the run is not as it was published; "" if nothing."""
    wanted = _published(report)
    val, categories = report.facts.get("val"), report.facts.get("categories")
    sizes = {
        item.measurement.settings.get("image_size")
        for row in report.rows
        for item in row.find("ap")
    }
    pairs = [
        ("pictures", val.get("images") if isinstance(val, dict) else None),
        ("categories", len(categories) if isinstance(categories, list) else None),
        ("image_size", sizes.pop() if len(sizes) == 1 else None),
    ]
    names = {key: key.replace("_", " ") for key, _ in pairs}
    return listed(
        [
            f"{names[key]} {value or 'unknown'}, not {wanted[key]}"
            for key, value in pairs
            if value != wanted[key]
        ]
    )


def _words(report: Report, row: Row) -> str:
    results = _published(report).get("results")
    found = (
        [r for r in results if isinstance(r, dict) and r["variant"] == row.name]
        if isinstance(results, list)
        else []
    )
    mean = row.mean("ap")
    if not found or mean is None or row.loaded:
        return ""
    expected, band, recipe = found[0]["ap"], _published(report)["band"], found[0]["recipe"]
    assert isinstance(expected, float)
    assert isinstance(band, float)
    reached = f"{row.name} reaches {100 * mean:.1f} AP of {100 * expected:.1f}"
    if recipe != report.run.protocol_json.get("recipe"):
        return f"{reached}, which was published with the recipe {recipe}"
    apart = mean - expected
    # values come from decimal texts: a run exactly on the edge is within
    inside = abs(apart) <= band + 1e-9
    where = (
        f"within the band of ±{100 * band:.1f}"
        if inside
        else f"outside the band of ±{100 * band:.1f}"
    )
    return f"{reached}, {where}"
